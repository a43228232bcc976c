// log-sqlite: what retention removes, and that it is gone for all who ask.

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import logSqlite from "../../../plugins/log-sqlite.ts";
import { LIMITS } from "../../../src/limits.ts";
import type { Batch, History } from "../../../src/plugin/history.ts";
import type { MessageEntry } from "../../../src/protocol/messages.ts";
import { setUp } from "../../../src/testing/context.ts";
import { testBatch, testStream } from "../../../src/testing/history-stage.ts";
import { count, filesWith, historyOf, inFolder, openIn, prune } from "./stage.ts";

const stream = testStream();
const { room } = stream;

const dayMs = 24 * 60 * 60 * 1000;

test("removes messages by the day they came in, whatever their own time says", async () => {
  await using world = await setUp(logSqlite({ retention: { days: 2 } }));
  const history = historyOf(world);
  const wrongClock = Array.from({ length: 5 }, (_, index) => ({ id: `z${index}`, at: 1e15 }));
  await history.append([testBatch(stream, 1, wrongClock)]);
  world.clock.advance(1.5 * dayMs);
  await history.append([testBatch(stream, 6, 4)]);
  await prune(world);
  expect(await history.backlog(room, 100)).toHaveLength(9);
  world.clock.advance(dayMs);
  await prune(world);
  expect((await history.backlog(room, 100)).map(({ text }) => text)).toEqual(
    testBatch(stream, 6, 4).messages.map(({ text }) => text),
  );
  expect((await history.range(stream, 1, 9, 10 ** 6)).map(({ first }) => first)).toEqual([6]);
  expect(await history.streams()).toEqual([{ stream, last: 9 }]);
});

test("keeps the newest messages of each room, and hands on whole batches", async () => {
  await using world = await setUp(logSqlite({ retention: { messages: 7 } }));
  const history = historyOf(world);
  const quiet = testStream({ room: "#quiet" });
  const tick: Batch[] = [testBatch(quiet, 1, 3)];
  for (let first = 1; first <= 30; first += 5) tick.push(testBatch(stream, first, 5));
  await history.append(tick);
  await prune(world);
  expect(await history.backlog(room, 100)).toEqual(
    tick.flatMap(({ stream: { room: in_ }, messages }) => (in_ === room ? messages : [])).slice(-7),
  );
  expect(await history.backlog(quiet.room, 100)).toHaveLength(3);
  const kept = await history.range(stream, 1, 30, 10 ** 6);
  expect(kept.map(({ first }) => first)).toEqual([26]); // of 21 to 25 some are gone
  expect(await history.streams()).toContainEqual({ stream, last: 30 });
});

describe("what has gone by its number, of a batch of which some is left,", () => {
  const secret = "xyzzy-plugh-42";
  const batch = testBatch(stream, 1, [{ text: secret, about: "x" }, {}, {}]);
  const next = testBatch(stream, 4, 1);
  // There are so many.
  const [, second, third] = batch.messages as [MessageEntry, MessageEntry, MessageEntry];
  const [fourth] = next.messages as [MessageEntry];
  const left = {
    backlog: [second, third, fourth],
    since: [third, fourth],
    found: [],
    about: [],
    handedOn: [next],
  };
  const given = async (history: History) => ({
    backlog: await history.backlog(room, 9),
    since: await history.since(room, second.id, 9),
    found: (await history.search({ rooms: [room], text: secret, limit: 9 })).messages,
    about: await history.about!(room, ["x"], 9),
    handedOn: await history.range(stream, 1, 4, 10 ** 6),
  });

  test("is given by nothing, nor left in the file, and what is left can be removed", async () => {
    await using world = await setUp(logSqlite({ retention: { messages: 3 } }));
    const history = historyOf(world);
    await history.append([batch, next]);
    expect(await given(history)).not.toEqual(left);
    await prune(world);
    expect(await given(history)).toEqual(left);
    await history.redact(room, [...batch.messages]);
    expect(await history.backlog(room, 9)).toEqual([fourth]);
    expect(await history.range(stream, 1, 4, 10 ** 6)).toEqual([next]);
    await world.stop();
    expect(await filesWith(world, secret)).toEqual([]);
  });

  test("does not come back by a removal that began before it went", () =>
    inFolder((folder) => {
      const log = openIn(folder, { messages: 3 });
      log.add(batch, next);
      const held = log.holding(room, [third]);
      while (log.prune(0, 5));
      log.redact(room, [third], held);
      const handedOn = log.range(stream, { from: 1, to: 4, bytesMax: 10 ** 6 });
      expect(handedOn.map(({ first }) => first)).toEqual([4]);
      expect(log.backlog(room, 9, undefined)).toEqual([second, fourth]);
      log.close();
    }));

  test("goes from a log of an older version, which had only unmarked it", async () => {
    await using world = await setUp(logSqlite());
    const history = historyOf(world);
    const deleted = testBatch(testStream({ room: "#other" }), 1, 2);
    await history.append([batch, next, deleted]);
    await history.redact(deleted.stream.room, deleted.messages.slice(0, 1));
    const blank = await history.range(deleted.stream, 1, 2, 10 ** 6);
    await world.stop();
    const { folder } = world;
    using database = new Database(join(folder, "log.sqlite"));
    database.run("DELETE FROM marks WHERE id = ?", [batch.messages[0]!.id]);
    database.run("UPDATE batches SET marked = 2 WHERE marked = 3");
    database.run(`ALTER TABLE batches DROP COLUMN cut;
      ALTER TABLE conversations DROP COLUMN guest; PRAGMA user_version = 3`);
    database.close();
    await using later = await setUp(logSqlite(), { folder });
    expect(await given(historyOf(later))).toEqual(left);
    expect(await historyOf(later).range(deleted.stream, 1, 2, 10 ** 6)).toEqual(blank);
  });
});

test("takes what says that a message is about another with it", async () => {
  await using world = await setUp(logSqlite({ retention: { messages: 2 } }));
  const answer = { about: "x" };
  await historyOf(world).append([
    testBatch(stream, 1, [answer, answer]),
    testBatch(stream, 3, [answer, {}]),
  ]);
  expect(count(world, "abouts")).toBe(3);
  await prune(world);
  expect(count(world, "abouts")).toBe(1);
});

test("goes on by days after it went by number, and leaves the index of words whole", async () => {
  await using world = await setUp(logSqlite({ retention: { days: 1, messages: 2 } }));
  const history = historyOf(world);
  await history.append([testBatch(testStream({ room: "#other" }), 1, 1)]);
  await history.append([testBatch(stream, 1, 10)]);
  await history.search({ rooms: [room], text: "lobby", limit: 5 }); // what is searched is indexed
  await prune(world);
  expect(await history.backlog(room, 20)).toHaveLength(2);
  world.clock.advance(24 * 60 * 60 * 1000);
  await prune(world);
  await prune(world);
  expect(world.logged.filter(({ level }) => level !== "info")).toEqual([]);
  expect(await history.backlog(room, 20)).toEqual([]);
});

test("goes in small steps, and also through what an earlier run has left", async () => {
  await using world = await setUp(logSqlite());
  const many = LIMITS.pruneStepMessages * 2;
  await historyOf(world).append([testBatch(stream, 1, many + 10)]);
  await world.stop();
  const { folder } = world;
  await using later = await setUp(logSqlite({ retention: { messages: 10 } }), { folder });
  later.clock.advance(LIMITS.pruneStepMs);
  await historyOf(later).backlog(room, 1);
  expect(count(later, "marks")).toBe(many + 10 - LIMITS.pruneStepMessages);
  await prune(later);
  expect(count(later, "marks")).toBe(10);
});
