// motd: who is greeted with what, and texts that stop the start.

import { expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import authGuest from "../../plugins/auth-guest.ts";
import motd from "../../plugins/motd.ts";
import { LIMITS } from "../../src/limits.ts";
import { parseNick, parseServerName } from "../../src/names.ts";
import type { Person } from "../../src/plugin/hooks.ts";
import { createSimulation } from "../../src/testing.ts";
import { setUp } from "../../src/testing/context.ts";

const person: Person = {
  nick: parseNick("ana"),
  server: parseServerName("test"),
  account: undefined,
  roles: [],
};

test("whoever comes in is told the text line by line, but not who goes or is back", async () => {
  await using world = await setUp(motd({ text: "Welcome.\r\n\nBe kind.\n" }));
  world.parts.onPresence!({ person, now: "online" });
  for (const now of ["away", "online", "offline"] as const)
    world.parts.onPresence!({ person, now, ...(now === "online" && { back: true }) });
  const lines = ["Welcome.", " ", "Be kind."];
  expect(world.notices).toEqual(lines.map((text) => ({ to: person, text })));
});

test("whose client comes in again by itself after a restart is not greeted again", () => {
  const simulation = createSimulation({ seed: 1, plugins: [authGuest(), motd({ text: "Hi." })] });
  simulation.start("paris");
  const { client } = simulation.enter("ann@paris");
  const events: string[] = [];
  client.on((event) => {
    if (event.type === "notice") events.push(event.text);
    if (event.type === "connection") events.push(event.state);
  });
  simulation.world.run(1000);
  simulation.crash("paris");
  simulation.start("paris");
  simulation.world.run(60_000);
  expect(events).toEqual(["Hi.", "lost", "back"]);
});

test("a file is read at the start", async () => {
  const folder = await mkdtemp(join(tmpdir(), "chatfusion-motd-"));
  try {
    await writeFile(join(folder, "motd"), "Grüße aus der Küche 🧹");
    await using world = await setUp(motd({ file: join(folder, "motd") }));
    world.parts.onPresence!({ person, now: "online" });
    expect(world.notices.map(({ text }) => text)).toEqual(["Grüße aus der Küche 🧹"]);
    await writeFile(join(folder, "latin1"), Uint8Array.of(0x47, 0xfc));
    const wrong = setUp(motd({ file: join(folder, "latin1") }));
    const refused = await wrong.catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({ code: "CONFIG_INVALID" });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("a text too long or too many, or none, or a missing file, stops the start", async () => {
  const wrong = [
    motd({}),
    motd({ text: "a", file: "b" }),
    motd({ file: join(tmpdir(), "chatfusion-no-such-file") }),
    motd({ text: "a\n".repeat(LIMITS.motdLinesMax + 1) }),
    motd({ text: "a".repeat(LIMITS.textBytesMax + 1) }),
  ];
  for (const plugin of wrong) {
    expect(await setUp(plugin).catch((thrown: unknown) => thrown)).toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringMatching(/^motd: /) as unknown,
    });
  }
});
