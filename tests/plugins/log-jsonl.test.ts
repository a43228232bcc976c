// log-jsonl: its lines and files, and a disk that hangs.

import { describe, expect, test } from "bun:test";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import logJsonl from "../../plugins/log-jsonl.ts";
import { tombstoneOf } from "../../plugins/log-jsonl/redact.ts";
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

describe("a deleted message", () => {
  const day = "2026-01-02";
  const linesIn = async (world: SetUp, of = day) =>
    (await read(world, of)).split("\n").map((line) => line.trimEnd());
  const tomb = ({ id, from, room, at }: MessageEntry) => ({ id, from, room, at, deleted: true });
  const redact = async (world: SetUp, ...messages: readonly MessageEntry[]) =>
    world.parts.onRedact!(messages);

  test("leaves a tombstone of its length in its place, and nothing of its text", async () => {
    await using world = await setUp(logJsonl());
    const messages = messagesOf("one", "a secret: 𝄞\u202e", "three");
    world.parts.onLogged!(messages);
    await world.stop();
    const before = await stat(join(world.folder, `${day}.jsonl`));
    await using again = await setUp(logJsonl(), { folder: world.folder });
    await redact(again, messages[1]!);
    await redact(again, messages[1]!);
    const text = await read(again, day);
    expect(text).not.toContain("secret");
    const after = await stat(join(world.folder, `${day}.jsonl`));
    expect([after.size, after.ino]).toEqual([before.size, before.ino]);
    const lines = text.trimEnd().split("\n");
    const parsed = lines.map((line) => JSON.parse(line) as unknown);
    expect(parsed).toEqual([messages[0], tomb(messages[1]!), messages[2]]);
  });

  test("is gone also while it waits to be written, and while it is being written", async () => {
    await using world = await setUp(logJsonl());
    const [now, later] = [messagesOf("secret now"), messagesOf("secret later")];
    world.parts.onLogged!(now);
    world.clock.advance(LIMITS.logFlushMs);
    world.parts.onLogged!(later);
    await redact(world, ...now, ...later);
    await world.stop();
    expect(await read(world, day)).not.toContain("secret");
    expect((await linesIn(world)).filter(Boolean)).toHaveLength(2);
  });

  test("is found in any day's file, however its clock went, and among many lines", async () => {
    await using world = await setUp(logJsonl());
    const early = messagesOf("secret").map((one) => ({ ...one, at: Date.UTC(2030, 0, 1) }));
    const late = messagesOf("secret").map((one) => ({ ...one, id: "late", at: 0 }));
    const filler = Array.from(
      { length: 5000 },
      (_, n) => `{"id":"x${n}","text":"${"y".repeat(99)}"}`,
    );
    const lines = [...filler, JSON.stringify(early[0]), "z".repeat(400_000), ...filler];
    const path = (of: string) => join(world.folder, `${of}.jsonl`);
    await writeFile(path("2020-01-01"), `${[...lines, JSON.stringify(late[0])].join("\n")}\n`);
    const size = (await stat(path("2020-01-01"))).size;
    await redact(world, ...early, ...late);
    const text = await read(world, "2020-01-01");
    expect([text.includes("secret"), text.length]).toEqual([false, size]);
    expect(text.match(/"deleted":true/g)).toHaveLength(2);
  });

  test("that is in no file is looked for once, and later only where it may stand", async () => {
    await using world = await setUp(logJsonl());
    const named = (id: string) => ({ ...messagesOf(`secret ${id}`)[0]!, id });
    const write = (...ids: readonly string[]) =>
      writeFile(
        join(world.folder, `${day}.jsonl`),
        ids.map((id) => `${JSON.stringify(named(id))}\n`).join(""),
      );
    const left = async () => (await read(world, day)).match(/secret \w+/g) ?? [];
    await write("b", "d", "c");
    await redact(world, named("z"));
    await redact(world, named("c"));
    expect(await left()).toEqual(["secret b", "secret d"]);
    await write("a", "b", "e"); // of the same length: nobody else writes here
    await redact(world, named("a"), named("e"));
    expect(await left()).toHaveLength(3);
    await redact(world, named("e"), named("b"));
    expect(await left()).toEqual(["secret a"]);
    await write("a", "b", "e", "f");
    await redact(world, named("f"));
    expect(await left()).toEqual(["secret a", "secret b", "secret e"]);
  });

  test("is removed again where a crash came in the middle of a tombstone", async () => {
    await using world = await setUp(logJsonl());
    const [message] = messagesOf("the secret of all") as [MessageEntry];
    const line = JSON.stringify(message);
    const half = tombstoneOf(message).padEnd(line.length, " ").slice(0, 60) + line.slice(60);
    await writeFile(join(world.folder, `${day}.jsonl`), `${half}\n`);
    expect(half).toContain("secret of all");
    await redact(world, message);
    const [only = ""] = await linesIn(world);
    expect(JSON.parse(only)).toEqual(tomb(message));
  });

  test("of another author under the same id stays, and so does what only quotes it", async () => {
    await using world = await setUp(logJsonl());
    const [message] = messagesOf("mine") as [MessageEntry];
    const others = [
      { ...message, from: "mal@nice", text: "theirs" },
      { ...message, id: "other", text: JSON.stringify(message) },
    ];
    world.parts.onLogged!([message, ...others]);
    world.clock.advance(LIMITS.logFlushMs);
    await redact(world, message);
    await world.stop();
    const lines = (await linesIn(world)).filter(Boolean).map((one) => JSON.parse(one) as unknown);
    expect(lines).toEqual([tomb(message), ...others]);
  });
});

test("to remove a line that a full disk has cut off leaves the next one as it is", async () => {
  await using world = await setUp(logJsonl());
  const [torn, whole] = messagesOf("the secret", "the next");
  const lines = [JSON.stringify(torn).slice(0, 60), JSON.stringify(whole), ""];
  await writeFile(join(world.folder, "2026-01-02.jsonl"), lines.join("\n"));
  await world.parts.onRedact!([torn!]);
  const [, next = ""] = (await read(world, "2026-01-02")).split("\n");
  expect(JSON.parse(next)).toEqual({ ...whole });
});

test("behind a line that was cut off in an earlier run there is a new one", async () => {
  await using world = await setUp(logJsonl());
  const [torn, next] = messagesOf("the first", "the secret");
  await writeFile(join(world.folder, "2026-01-02.jsonl"), JSON.stringify(torn).slice(0, 60));
  world.parts.onLogged!([next!]);
  world.clock.advance(LIMITS.logFlushMs);
  await world.parts.onRedact!([next!]);
  await world.stop();
  expect(await read(world, "2026-01-02")).not.toContain("the secret");
});
