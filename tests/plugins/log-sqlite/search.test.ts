// The index of words: it keeps in step with the log, also with one that was there before it, and is
// nobody's way to what was removed.

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import logSqlite from "../../../plugins/log-sqlite.ts";
import { hasPhrases, phrasesOf } from "../../../plugins/log-sqlite/words.ts";
import { LIMITS } from "../../../src/limits.ts";
import type { Plugin } from "../../../src/plugin.ts";
import { setUp } from "../../../src/testing/context.ts";
import { testBatch, testStream } from "../../../src/testing/history-stage.ts";
import { inFolder, openIn } from "./stage.ts";

const stream = testStream();
const { room } = stream;
const said = (...all: string[]) => all.map((text) => ({ text }));

/** What the index holds, by SQLite's own account of it. */
const wordsIn = (database: Database): string[] => {
  database.run("CREATE VIRTUAL TABLE temp.terms USING fts5vocab(main, words, row)");
  const rows = database.query<{ term: string }, []>("SELECT term FROM terms").all();
  return rows.map(({ term }) => term);
};

describe("the index", () => {
  test("finds what is there, whatever is said, and in whatever steps it was made", () => {
    const word = fc.constantFrom("tea", "té", "teas", "茶", "milk", "and", "🎉", "x1", "no");
    const text = fc.array(word, { maxLength: 5 }).map((words) => words.join(" "));
    const batches = fc.array(fc.array(text, { minLength: 1, maxLength: 5 }), { maxLength: 8 });
    const steps = fc.array(fc.nat(3), { maxLength: 8 });
    return inFolder((folder) => {
      let run = 0;
      fc.assert(
        fc.property(batches, steps, text, fc.constantFrom("", "*"), (all, when, asked, star) => {
          const log = openIn(folder, {}, `${(run += 1)}.sqlite`);
          let first = 1;
          for (const [at, texts] of all.entries()) {
            log.add(testBatch(stream, first, said(...texts)));
            first += texts.length;
            for (let step = 0; step < (when[at] ?? 0); step += 1) log.index();
          }
          const phrases = phrasesOf(asked + star);
          const expected = all.flat().filter((one) => hasPhrases(one, phrases));
          expect(log.found(asked + star)).toEqual(expected);
          log.close();
        }),
        { numRuns: 40 },
      );
    });
  });

  test("of a log of version 1 is made in the background, the newest first, and then stays", () =>
    inFolder((folder) => {
      const old = openIn(folder);
      for (let first = 1; first <= 20; first += 2)
        old.add(testBatch(stream, first, said(`tea ${first}`, `tea ${first + 1}`)));
      old.indexAll();
      old.close();
      using database = new Database(join(folder, "log.sqlite"));
      database.run(`
        DROP TABLE words; DROP TABLE indexed;
        ALTER TABLE batches DROP COLUMN cut; PRAGMA user_version = 1`);
      database.close();

      const log = openIn(folder);
      log.add(testBatch(stream, 21, said("tea 21")));
      expect(log.index()).toBe(true);
      expect(log.index()).toBe(true);
      using now = new Database(join(folder, "log.sqlite"), { readonly: true });
      const range = () => now.query("SELECT low, high FROM indexed").get();
      expect(range()).toEqual({ low: 9, high: 12 });
      expect(log.found("tea")).toHaveLength(5);
      log.indexAll();
      expect(log.found("tea")).toHaveLength(21);
      expect(range()).toEqual({ low: 1, high: 12 });
      expect(log.backlog(room, 50, undefined)).toHaveLength(21);
      log.close();
      const again = openIn(folder);
      expect(again.index()).toBe(false);
      expect(again.found("tea 3")).toEqual(["tea 3"]);
      again.close();
    }));

  test("says nothing of what a crash has kept it from, and goes on there", () =>
    inFolder((folder) => {
      const log = openIn(folder);
      log.add(testBatch(stream, 1, said("one", "two", "three", "four")));
      log.add(testBatch(stream, 5, said("five")));
      log.index();
      log.close();
      const again = openIn(folder);
      expect(again.found("five")).toEqual(["five"]);
      expect(again.found("one")).toEqual(["one"]);
      expect(again.index()).toBe(false);
      again.close();
    }));

  test("does not hold a commit up: it is made when the commit has been answered", async () => {
    await using world = await setUp(logSqlite());
    const history = world.parts.history!;
    await history.append([testBatch(stream, 1, said("tea"))]);
    using other = new Database(join(world.folder, "log.sqlite"), { readonly: true });
    const high = () => other.query<{ high: number }, []>("SELECT high FROM indexed").get()!.high;
    expect(high()).toBe(1);
    while (high() === 1) await history.backlog(room, 1);
    expect(await history.search({ rooms: [room], text: "tea", limit: 1 })).toMatchObject({
      messages: [{ text: "tea" }],
    });
  });

  test("waits while another process holds the file, and keeps no commit waiting", async () => {
    await using world = await setUp(logSqlite());
    const history = world.parts.history!;
    await history.append([testBatch(stream, 1, said("tea"))]);
    using other = new Database(join(world.folder, "log.sqlite"));
    other.run("BEGIN IMMEDIATE");
    // As long as it takes until a step has been tried.
    const end = performance.now() + 2 * LIMITS.indexEveryMs;
    while (performance.now() < end) await history.backlog(room, 1);
    other.run("COMMIT");
    await history.append([testBatch(stream, 2, said("milk"))]);
    const { messages } = await history.search({ rooms: [room], text: "milk", limit: 1 });
    expect(messages).toHaveLength(1);
  });
});

describe("what is gone from the log is gone from the index", () => {
  test("when it was removed: no word of it is in the files", async () => {
    const secret = "xyzzyplugh";
    await using world = await setUp(logSqlite());
    const history = world.parts.history!;
    const texts = Array.from({ length: 300 }, (_, at) => `line ${at} of ${at % 7}`);
    texts[150] = `my ${secret} and ${secret}s`;
    for (let at = 0; at < 300; at += 10)
      await history.append([testBatch(stream, at + 1, said(...texts.slice(at, at + 10)))]);
    const search = (text: string) => history.search({ rooms: [room], text, limit: 9 });
    const { messages } = await search(secret);
    expect(messages).toHaveLength(1);
    const files = async () => {
      const found: string[] = [];
      for (const name of await readdir(world.folder)) {
        const bytes = Buffer.from(await Bun.file(join(world.folder, name)).bytes());
        // The index leaves out how a word begins, where that is the one before it's, too.
        if (bytes.includes(secret) || bytes.includes("zzyplugh")) found.push(name);
      }
      return found;
    };
    expect(await files()).not.toEqual([]);
    await history.redact(room, messages);
    expect(await files()).toEqual([]);
    expect(await search(secret)).toEqual({ messages: [] });
    expect((await search("line 151")).messages).toHaveLength(1);
    using database = new Database(join(world.folder, "log.sqlite"));
    expect(wordsIn(database).filter((one) => one.startsWith("xyz"))).toEqual([]);
    database.run("INSERT INTO words (words) VALUES ('integrity-check')");
  });

  for (const [what, retention, left] of [
    ["by its number", { messages: 3 }, 3],
    ["by its age", { days: 0.01 }, 0],
  ] satisfies [string, object, number][])
    test(`when it was pruned ${what}, and what comes then is found`, () =>
      inFolder((folder) => {
        const log = openIn(folder, retention);
        for (let first = 1; first <= 12; first += 4)
          log.add(testBatch(stream, first, said("tea a", "tea b", "tea c", "tea d")));
        for (let step = 0; step < 2; step += 1) log.index();
        while (log.prune(Date.UTC(2030, 0, 1), 5));
        expect(log.found("tea")).toHaveLength(left);
        expect(log.backlog(room, 50, undefined)).toHaveLength(left);
        log.indexAll();
        log.add(testBatch(stream, 13, said("tea e")));
        log.indexAll();
        expect(log.found("tea")).toHaveLength(left + 1);
        log.close();
        using database = new Database(join(folder, "log.sqlite"));
        expect(wordsIn(database)).not.toContain(left === 0 ? "d" : "a");
        database.run("INSERT INTO words (words) VALUES ('integrity-check')");
      }));
});

test("a search is answered in its turn, with what was said before it", async () => {
  const plugin: Plugin = logSqlite();
  await using world = await setUp(plugin);
  const history = world.parts.history!;
  const answers = Array.from({ length: 20 }, (_, at) => {
    const appended = history.append([testBatch(stream, at + 1, said(`tea ${at}`))]);
    const found = history.search({ rooms: [room], text: "tea", limit: 50 });
    return Promise.all([appended, found]);
  });
  const counts = (await Promise.all(answers)).map(([, { messages }]) => messages.length);
  expect(counts).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
});
