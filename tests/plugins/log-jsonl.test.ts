// log-jsonl: its lines and files, and a disk that hangs.

import { expect, test } from "bun:test";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import logJsonl from "../../plugins/log-jsonl.ts";
import { LIMITS } from "../../src/limits.ts";
import type { MessageEntry } from "../../src/protocol/messages.ts";
import type { SetUp } from "../../src/testing/context.ts";
import { createManualClock, setUp } from "../../src/testing/context.ts";
import { testBatch, testStream } from "../../src/testing/history-stage.ts";

const messagesOf = (...texts: string[]): readonly MessageEntry[] =>
  testBatch(
    testStream(),
    1,
    texts.map((text) => ({ text })),
  ).messages;

const turn = () => new Promise<void>((resolve) => void setImmediate(resolve));

const read = async ({ folder }: SetUp, day: string) =>
  readFile(join(folder, `${day}.jsonl`), "utf8");

test("each message is a line of the day's file, whole after the stop", async () => {
  await using world = await setUp(logJsonl());
  const messages = messagesOf("one", "two", "three");
  world.parts.onLogged!(messages.slice(0, 2));
  world.parts.onLogged!(messages.slice(2));
  await world.stop();
  const text = await read(world, "2026-01-02");
  expect(
    text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual([...messages]);
  expect((await stat(join(world.folder, "2026-01-02.jsonl"))).mode & 0o777).toBe(0o600);
});

test("a text cannot end a line or draw on a terminal, and is the same when read", async () => {
  await using world = await setUp(logJsonl());
  const texts = [
    "a\r\nb",
    "\u001b[2J\u0007",
    "\u009b31m\u007f",
    "\u2028\u2029",
    "\u202eab\u2066\ufeff",
    "\ud800",
    "\u{e0041}🧹",
    '"}\n{"id":1}',
  ];
  world.parts.onLogged!(messagesOf(...texts));
  await world.stop();
  const text = await read(world, "2026-01-02");
  expect(text).not.toMatch(/[^\P{C}\n]|\p{Zl}|\p{Zp}/u);
  const lines = text.trimEnd().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as MessageEntry).text)).toEqual(texts);
});

test("messages are written by the clock, and a new day is a new file", async () => {
  const clock = createManualClock(Date.UTC(2026, 1, 28, 23, 59, 58));
  await using world = await setUp(logJsonl({ folder: "text" }), { clock });
  world.parts.onLogged!(messagesOf("february"));
  clock.advance(LIMITS.logFlushMs);
  clock.advance(60_000);
  world.parts.onLogged!(messagesOf("march"));
  await world.stop();
  const files = await readdir(join(world.folder, "text"));
  expect(files.toSorted()).toEqual(["2026-02-28.jsonl", "2026-03-01.jsonl"]);
});

test("lines are added to a file that is there", async () => {
  await using world = await setUp(logJsonl());
  await writeFile(join(world.folder, "2026-01-02.jsonl"), "{}\n");
  world.parts.onLogged!(messagesOf("more"));
  await world.stop();
  expect((await read(world, "2026-01-02")).split("\n")).toHaveLength(3);
});

test("a disk that hangs costs bounded memory, one warning, and some messages", async () => {
  await using world = await setUp(logJsonl());
  // A pipe that nobody reads: to open it for writing waits, as a dead network disk does.
  const path = join(world.folder, "2026-01-02.jsonl");
  expect(Bun.spawnSync(["mkfifo", path]).success).toBe(true);
  const text = "x".repeat(16 * 1024);
  const said = Math.ceil((LIMITS.logBufferBytesMax / text.length) * 1.5);
  for (let n = 0; n < said; n += 1) {
    world.parts.onLogged!(messagesOf(text));
    world.clock.advance(LIMITS.logFlushMs);
  }
  const warnings = world.logged.filter(({ level }) => level === "warn");
  expect(warnings.map(({ event }) => event)).toEqual(["messages are not written"]);
  const lost = world.metric("dropped_total")!;
  expect(lost).toBeGreaterThan(said / 4);
  expect(lost).toBeLessThan(said / 2);
  const reader = Bun.spawn(["cat", path], { stdout: "pipe" });
  await world.stop();
  const lines = (await new Response(reader.stdout).text()).trimEnd().split("\n");
  expect(lines).toHaveLength(said - lost);
  expect(world.logged.at(-1)).toMatchObject({ level: "info", fields: { lost } });
});

test("a file that can't be written is told once, and the next message is tried again", async () => {
  await using world = await setUp(logJsonl());
  await mkdir(join(world.folder, "2026-01-02.jsonl"));
  for (let round = 1; round <= 3; round += 1) {
    world.parts.onLogged!(messagesOf("lost"));
    world.clock.advance(LIMITS.logFlushMs);
    while (world.metric("dropped_total") !== round) await turn();
  }
  expect(world.logged.filter(({ level }) => level === "warn")).toHaveLength(1);
});
