// Who guesses passwords, or registers nicks, is slowed down whatever a plugin answers him.

import { expect, test } from "bun:test";
import { createRegistrar } from "../../src/core/registration.ts";
import { LIMITS } from "../../src/limits.ts";
import { allow, definePlugin, deny } from "../../src/plugin.ts";
import { createManualClock } from "../../src/testing/context.ts";
import { Place } from "./place.ts";

test("a wrong password is a try, also where the plugin denies it without a code", () => {
  const place = new Place("a plain no");
  const plain = definePlugin({
    name: "auth-plain",
    provides: ["auth"],
    setup: () => ({
      onAuth: ({ nick, credential }) =>
        credential.kind === "password" && credential.password === "right"
          ? allow(nick)
          : deny("not like this"),
    }),
  });
  const paris = place.start("paris", { plugins: [plain(), place.hub.plugin()] });
  const peer = place.connect(paris, true);
  peer.hello();
  const codes = Array.from({ length: LIMITS.loginTriesPerNickMax + 2 }, (_, at) => {
    const { value } = peer.loginAgain({ nick: "ana", password: `guess ${at}` });
    return value["code"];
  });
  const denied = Array.from({ length: LIMITS.loginTriesPerNickMax }, () => "AUTH_DENIED");
  expect(codes).toEqual([...denied, "RATE_LIMITED", "RATE_LIMITED"]);
});

test("of IPv6 a whole network registers as many nicks as one address", async () => {
  const registrar = createRegistrar({
    clock: createManualClock(),
    hooks: () => ({ register: ({ nick }) => allow(nick), auth: () => Promise.resolve(allow()) }),
    self: "paris" as never,
    sessions: { refusal: () => undefined } as never,
    bans: { refusal: () => undefined } as never,
    plugins: [],
  });
  const ask = async (at: number, network: string) => {
    const remote = `[${network}::${(at + 1).toString(16)}]:4000`;
    const made = await registrar.register({
      nick: `nick${at}x`,
      password: "secret",
      remote,
      secure: true,
      doorName: "native",
    });
    return "code" in made ? made.code : made.account;
  };
  for (let at = 0; at < LIMITS.registrationsPerAddressMax; at++)
    expect(await ask(at, "2001:db8:0:1")).toBe(`nick${at}x`);
  expect(await ask(100, "2001:db8:0:1")).toBe("RATE_LIMITED");
  expect(await ask(101, "2001:db8:0:2")).toBe("nick101x");
});
