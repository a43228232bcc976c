// auth-guest: the suite of its role, and its option.

import { expect, test } from "bun:test";
import authGuest from "../../plugins/auth-guest.ts";
import { parseNick } from "../../src/names.ts";
import { testAuth } from "../../src/testing/auth-suite.ts";
import { setUp } from "../../src/testing/context.ts";

testAuth("auth-guest", { guests: true, make: { accounts: "none", plugin: () => authGuest() } });

test("guests whose nick is not as the operator wants it are left to others", async () => {
  await using world = await setUp(authGuest({ nicks: /^guest/gy }));
  const rest = { why: "enter", remote: "127.0.0.1:1", door: "native" } as const;
  const ask = (nick: string) =>
    world.parts.onAuth!({ nick: parseNick(nick), credential: { kind: "none" }, ...rest });
  for (let round = 0; round < 3; round += 1) {
    expect(ask("guest1")).toMatchObject({ verdict: "allow" });
    expect(ask("admin")).toBeUndefined();
  }
});
