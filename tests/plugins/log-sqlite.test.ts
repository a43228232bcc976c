// log-sqlite: the suite of its role, durability, a slow disk, and what is removed.

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import logSqlite from "../../plugins/log-sqlite.ts";
import { openFile } from "../../plugins/log-sqlite/file.ts";
import { startWriter } from "../../plugins/log-sqlite/writer.ts";
import { LIMITS } from "../../src/limits.ts";
import type { SetUp } from "../../src/testing/context.ts";
import { setUp } from "../../src/testing/context.ts";
import { testBatch, testStream } from "../../src/testing/history-stage.ts";
import { testHistory } from "../../src/testing/history-suite.ts";
import { count, filesWith, historyOf, prune, turns } from "./log-sqlite/stage.ts";

testHistory("log-sqlite", () => logSqlite());

const stream = testStream();
const { room } = stream;

const pathOf = ({ folder }: SetUp) => join(folder, "log.sqlite");

test("the worker loads no code but its own, so that it is there at once", async () => {
  const plugins = join(import.meta.dir, "../../plugins");
  const transpiler = new Bun.Transpiler({ loader: "ts" });
  const seen = new Set<string>();
  const foreign: string[] = [];
  const look = async (file: string): Promise<void> => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const { path } of transpiler.scanImports(await Bun.file(file).text())) {
      if (path.startsWith("./")) await look(join(file, "..", path));
      else if (!/^(?:node|bun):/.test(path)) foreign.push(`${file}: ${path}`);
    }
  };
  await look(join(plugins, "log-sqlite/worker.ts"));
  expect(seen.size).toBeGreaterThan(3);
  expect(foreign).toEqual([]);
});

describe("durability", () => {
  test("an append settles after its commit, and the loop goes on meanwhile", async () => {
    await using world = await setUp(logSqlite());
    const history = historyOf(world);
    using other = new Database(pathOf(world));
    other.run("BEGIN IMMEDIATE");
    let isSettled = false;
    const appended = Promise.resolve(history.append([testBatch(stream, 1, 3)])).then(() => {
      isSettled = true;
    });
    await turns(1000);
    expect(isSettled).toBe(false);
    expect(count(world, "batches")).toBe(0);
    other.run("COMMIT");
    await appended;
    expect([count(world, "batches"), count(world, "marks")]).toEqual([1, 3]);
  });

  test("a commit is synced to the disk, and the files are their owner's alone", async () => {
    await using world = await setUp(logSqlite());
    await historyOf(world).append([testBatch(stream, 1, 3)]);
    for (const suffix of ["", "-wal", "-shm"]) {
      expect((await stat(`${pathOf(world)}${suffix}`)).mode & 0o777).toBe(0o600);
    }
    using database = openFile(pathOf(world), { busyMsMax: 0, checkedBytesMax: 0 });
    expect(database.query("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
    expect(database.query("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
  });

  for (const commits of [1, 25, 60]) {
    test(`all that settled in ${commits} commits is there after kill -9, whole`, async () => {
      const folder = await mkdtemp(join(tmpdir(), "chatfusion-crash-"));
      try {
        const script = Bun.fileURLToPath(new URL("./log-sqlite/crash.ts", import.meta.url));
        const child = Bun.spawn([process.execPath, script, folder], { stdout: "pipe" });
        const settled = await killAfter(child, commits);
        await using world = await setUp(logSqlite(), { folder });
        const history = historyOf(world);
        const lasts = (await history.streams()).map(({ last }) => last);
        expect(lasts).toHaveLength(3);
        expect(new Set(lasts).size).toBe(1);
        const last = lasts[0]!;
        expect(last).toBeGreaterThanOrEqual(settled);
        expect(last % 3).toBe(0);
        for (const { stream: one } of await history.streams()) {
          const batches = await history.range(one, 1, last, 10 ** 9);
          const numbers = batches.flatMap(({ first, messages }) =>
            messages.map((_, index) => first + index),
          );
          expect(numbers).toEqual(Array.from({ length: last }, (_, index) => index + 1));
          const newest = await history.backlog(one.room, 1);
          expect(newest[0]?.text).toBe(`${one.room} ${last}`);
        }
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  }

  test("a tick that cannot be kept whole is not kept at all, and the next one is", async () => {
    await using world = await setUp(logSqlite());
    const history = historyOf(world);
    await history.append([testBatch(stream, 1, 5)]);
    const other = testStream({ room: "#other" });
    const overlapping = [testBatch(other, 1, 2), testBatch(stream, 4, 5)];
    expect(await thrownBy(history.append(overlapping))).toMatchObject({ code: "INTERNAL" });
    await history.append([testBatch(stream, 6, 1)]);
    expect(await history.backlog(other.room, 10)).toEqual([]);
    expect(await history.streams()).toEqual([{ stream, last: 6 }]);
  });

  test("a batch that is held already is not held twice", async () => {
    await using world = await setUp(logSqlite());
    const history = historyOf(world);
    const batch = testBatch(stream, 1, 5);
    await history.append([batch, batch]);
    await history.append([batch, testBatch(stream, 6, 1), testBatch(stream, 2, 2)]);
    expect(await history.backlog(room, 100)).toHaveLength(6);
    expect(await history.range(stream, 1, 100, 10 ** 6)).toHaveLength(2);
  });
});

describe("a slow disk", () => {
  test("refuses reads beyond a bound, and answers the others once it is back", async () => {
    await using world = await setUp(logSqlite());
    const history = historyOf(world);
    using other = new Database(pathOf(world));
    other.run("BEGIN IMMEDIATE");
    const appended = history.append([testBatch(stream, 1, 1)]);
    const reads = Array.from({ length: LIMITS.historyReadsMax }, async () =>
      history.backlog(room, 1),
    );
    const settled = Promise.allSettled(reads);
    other.run("COMMIT");
    await appended;
    const outcomes = await settled;
    // The append is the one that was there first.
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(
      LIMITS.historyReadsMax - 1,
    );
    expect(outcomes.at(-1)).toMatchObject({ reason: { code: "QUEUE_FULL" } });
  });

  test("does not keep the log from being closed, however much waits for it", async () => {
    await using world = await setUp(logSqlite());
    const history = historyOf(world);
    using other = new Database(pathOf(world));
    other.run("BEGIN IMMEDIATE");
    const appended = history.append([testBatch(stream, 1, 1)]);
    const reads = Array.from({ length: LIMITS.historyReadsMax - 1 }, async () =>
      history.backlog(room, 1),
    );
    const stopped = world.stop();
    other.run("COMMIT");
    await stopped;
    await appended;
    expect(await Promise.all(reads)).toHaveLength(LIMITS.historyReadsMax - 1);
  });

  test("ends the worker also where the log cannot be closed", async () => {
    const writer = startWriter();
    const closed = writer.close();
    writer.end("failed");
    expect(await thrownBy(closed)).toMatchObject({ code: "INTERNAL" });
    expect(await thrownBy(writer.ask({ op: "streams" }))).toMatchObject({
      text: "log-sqlite: failed",
    });
  });

  test("does not keep what is under way at the stop from being written", async () => {
    await using world = await setUp(logSqlite());
    const appended = historyOf(world).append([testBatch(stream, 1, 3)]);
    await world.stop();
    await appended;
    expect(await Bun.file(`${pathOf(world)}-wal`).exists()).toBe(false);
    expect(count(world, "marks")).toBe(3);
    const read = historyOf(world).backlog(room, 1);
    expect(await thrownBy(read)).toMatchObject({ code: "NO_HISTORY" });
  });
});

describe("what is removed", () => {
  const secret = "xyzzy-plugh-42";
  const secretly = (first: number) =>
    testBatch(stream, first, [{ text: "hello" }, { text: `say ${secret}` }, { text: "hello" }]);
  test("is in no file any more, once that is answered", async () => {
    await using world = await setUp(logSqlite());
    const history = historyOf(world);
    for (let first = 1; first < 300; first += 3) await history.append([secretly(first)]);
    expect(await filesWith(world, secret)).not.toEqual([]);
    const gone = (await history.backlog(room, 1000)).filter(({ text }) => text !== "hello");
    expect(gone).toHaveLength(100);
    await history.redact(room, gone);
    expect(await filesWith(world, secret)).toEqual([]);
    expect(await history.backlog(room, 1000)).toHaveLength(200);
  });

  test("leaves the write-ahead log as soon as no other process holds it", async () => {
    await using world = await setUp(logSqlite());
    const history = historyOf(world);
    const batch = secretly(1);
    await history.append([batch]);
    using other = new Database(pathOf(world));
    other.run("BEGIN");
    other.query("SELECT count(*) FROM marks").get();
    await history.redact(room, batch.messages.slice(1, 2));
    expect(await history.backlog(room, 10)).toHaveLength(2);
    expect(await filesWith(world, secret)).toContain("log.sqlite-wal");
    other.run("COMMIT");
    await history.append([testBatch(stream, 4, 1)]);
    expect(await filesWith(world, secret)).toEqual([]);
  });

  test("makes no room for what is older, and its tombstones go in their time", async () => {
    await using world = await setUp(logSqlite({ retention: { messages: 4 } }));
    const history = historyOf(world);
    const batches = [1, 3, 5, 7].map((first) => testBatch(stream, first, 2));
    await history.append(batches);
    await history.redact(room, [...batches[0]!.messages, ...batches[2]!.messages]);
    await prune(world);
    expect(await history.backlog(room, 10)).toHaveLength(4);
    expect(count(world, "batches")).toBe(4);
    await history.append([testBatch(stream, 9, 2)]);
    await prune(world);
    expect((await history.range(stream, 1, 99, 10 ** 6)).map(({ first }) => first)).toEqual([
      5, 7, 9,
    ]);
  });
});

// --- internal ---

async function thrownBy(promise: unknown): Promise<unknown> {
  try {
    return await promise;
  } catch (thrown) {
    return thrown;
  }
}

/** Reads the lines of a child until there are so many, kills it, and returns the last number. */
async function killAfter(
  child: Bun.Subprocess<"ignore", "pipe", "inherit">,
  lines: number,
): Promise<number> {
  let text = "";
  let isKilled = false;
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    text += decoder.decode(chunk, { stream: true });
    if (!isKilled && text.split("\n").length > lines) {
      process.kill(child.pid, "SIGKILL");
      isKilled = true;
    }
  }
  await child.exited;
  expect(child.signalCode).toBe("SIGKILL");
  // What stands before the last line end was told whole.
  return Number(text.split("\n").at(-2));
}
