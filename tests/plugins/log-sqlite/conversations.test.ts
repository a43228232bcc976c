// What log-sqlite keeps of private messages: how long, how much, and that nothing of what is
// removed stays. Who is given what is the core's business (core/conversations.test.ts).

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import logSqlite from "../../../plugins/log-sqlite.ts";
import { LIMITS } from "../../../src/limits.ts";
import type { Conversations, History, KeptMessage } from "../../../src/plugin/history.ts";
import type { SetUp } from "../../../src/testing/context.ts";
import { setUp } from "../../../src/testing/context.ts";
import { testBatch, testStream } from "../../../src/testing/history-stage.ts";
import { filesWith, prune } from "./stage.ts";

const stream = testStream();
const { room } = stream;
const historyOf = ({ parts }: SetUp): History => parts.history!;
const dayMs = 24 * 60 * 60 * 1000;
const other = "ben@lyon";
const of = { account: "ann", other };
const told = (at: number, text = `text ${at}`): KeptMessage => {
  const id = `0${String(at).padStart(8, "0")}`;
  return { ...of, message: { id, from: "ann@paris", to: other, kind: "text", text, at } };
};
const talkOf = ({ parts }: SetUp): Conversations => parts.history!.conversations!;
const texts = async (world: SetUp, limit = 100) =>
  (await talkOf(world).page(of, limit)).map(({ text }) => text);

test("are kept only where the operator has said so", async () => {
  await using world = await setUp(logSqlite());
  expect(historyOf(world).conversations).toBeUndefined();
});

test("outlive the server, and are kept once", async () => {
  await using world = await setUp(logSqlite({ conversations: true }));
  await talkOf(world).keep([told(1), told(2)]);
  await talkOf(world).keep([told(2)]);
  await world.stop();
  const { folder } = world;
  await using later = await setUp(logSqlite({ conversations: true }), { folder });
  expect(await texts(later)).toEqual(["text 1", "text 2"]);
  expect(await talkOf(later).accounts()).toEqual(["ann"]);
});

test("of an account have a bound in bytes, and the oldest go first", async () => {
  await using world = await setUp(logSqlite({ conversations: true }));
  const long = "x".repeat(LIMITS.textBytesMax);
  const many = Math.ceil((1.1 * LIMITS.conversationsBytesMax) / long.length);
  await talkOf(world).keep(Array.from({ length: many }, (_, at) => told(at, long)));
  await talkOf(world).keep([told(many, "last")]);
  const page = await talkOf(world).page(of, many + 1);
  const bytes = page.reduce((sum, one) => sum + JSON.stringify(one).length, 0);
  expect(bytes).toBeWithin(LIMITS.conversationsBytesMax / 2, LIMITS.conversationsBytesMax + 1);
  expect(page.at(-1)?.text).toBe("last");
});

test("with guests go before those with accounts of their server that told something", async () => {
  await using world = await setUp(logSqlite({ conversations: true }));
  const long = "x".repeat(LIMITS.textBytesMax);
  const by = (nick: string, at: number, more = {}): KeptMessage => {
    const { message } = told(at, long);
    return { account: "ann", other: `${nick}@paris`, message, ...more };
  };
  const friend = [by("dan", 1), by("dan", 2, { proven: true }), by("dan", 3)];
  const many = Math.ceil((1.1 * LIMITS.conversationsBytesMax) / long.length);
  const crowd = Array.from({ length: many }, (_, at) => by(`guest${at}`, at + 10));
  await talkOf(world).keep([...friend, by("silent", 4), by("silent", 5), ...crowd]);
  const left = async (nick: string) =>
    (await talkOf(world).page({ account: "ann", other: `${nick}@paris` }, 9)).length;
  expect([await left("dan"), await left("silent")]).toEqual([3, 0]);
});

test("go by the days of the log", async () => {
  await using world = await setUp(logSqlite({ conversations: true, retention: { days: 2 } }));
  await talkOf(world).keep([told(1)]);
  world.clock.advance(1.5 * dayMs);
  await talkOf(world).keep([told(2)]);
  world.clock.advance(dayMs);
  await prune(world);
  expect(await texts(world)).toEqual(["text 2"]);
});

test("are looked through for words, and for nothing else", async () => {
  await using world = await setUp(logSqlite({ conversations: true }));
  await talkOf(world).keep([told(1, "tea at five"), told(2, "coffee"), told(3, "Tea!")]);
  const found = await talkOf(world).page(of, 9, {}, "tea");
  expect(found.map(({ text }) => text)).toEqual(["tea at five", "Tea!"]);
  const none = Promise.resolve(talkOf(world).page(of, 9, {}, "?!"));
  expect(await none.catch((thrown: unknown) => thrown)).toMatchObject({ code: "BAD_REQUEST" });
});

test("that are forgotten are in no file any more", async () => {
  await using world = await setUp(logSqlite({ conversations: true }));
  const secret = "xyzzy-plugh-43";
  for (let at = 0; at < 100; at++) await talkOf(world).keep([told(at, `${secret} ${at}`)]);
  expect(await filesWith(world, secret)).not.toEqual([]);
  expect(await talkOf(world).forget({ ...of, message: told(7).message })).toBe(1);
  expect(await filesWith(world, `${secret} 7"`)).toEqual([]);
  expect(await talkOf(world).forget(of)).toBe(99);
  expect(await filesWith(world, secret)).toEqual([]);
  expect(await talkOf(world).accounts()).toEqual([]);
});

for (const version of [1, 2])
  test(`come into a log of version ${version} that has none`, async () => {
    await using world = await setUp(logSqlite());
    await historyOf(world).append([testBatch(stream, 1, 3)]);
    await world.stop();
    const { folder } = world;
    using database = new Database(join(folder, "log.sqlite"));
    database.run("ALTER TABLE batches DROP COLUMN cut");
    const newer = ["told", "conversations", "holders"];
    if (version === 1) newer.push("words", "indexed", "abouts");
    for (const table of newer) database.run(`DROP TABLE IF EXISTS ${table}`);
    database.run(`PRAGMA user_version = ${version}`);
    database.close();
    await using later = await setUp(logSqlite({ conversations: true }), { folder });
    await talkOf(later).keep([told(1)]);
    expect(await texts(later)).toEqual(["text 1"]);
    expect(await historyOf(later).backlog(room, 9)).toHaveLength(3);
  });
