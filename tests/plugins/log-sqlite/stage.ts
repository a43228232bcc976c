// What tests of log-sqlite look at: its files, its pruning, and its log without the worker.

import { Database } from "bun:sqlite";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLog } from "../../../plugins/log-sqlite/database.ts";
import { packAppend, unpackGiven } from "../../../plugins/log-sqlite/request.ts";
import type { RoomName } from "../../../src/names.ts";
import { LIMITS } from "../../../src/limits.ts";
import type { Batch, History } from "../../../src/plugin/history.ts";
import type { SetUp } from "../../../src/testing/context.ts";

export const historyOf = ({ parts }: SetUp): History => parts.history!;

/** What another process sees in the file. */
export function count(
  { folder }: SetUp,
  table: "abouts" | "batches" | "marks" | "streams",
): number {
  using database = new Database(join(folder, "log.sqlite"), { readonly: true });
  return database.query<{ n: number }, []>(`SELECT count(*) AS n FROM ${table}`).get()!.n;
}

/** The files in which some text is. */
export async function filesWith({ folder }: SetUp, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(folder))
    if (Buffer.from(await Bun.file(join(folder, name)).bytes()).includes(text)) found.push(name);
  return found.toSorted();
}

/** Waits until the loop has turned so often: time for anything that does not wait for the disk. */
export async function turns(number: number): Promise<void> {
  for (let turn = 0; turn < number; turn += 1) {
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }
}

/** Lets the pruning take more steps than it needs here. */
export async function prune(world: SetUp): Promise<void> {
  for (let step = 0; step < 10; step += 1) {
    world.clock.advance(LIMITS.pruneEveryMs);
    // The answer to a read comes after that to the step before it.
    await world.parts.history!.backlog("#any" as RoomName, 1);
    await turns(3);
  }
}

const bounds = {
  busyMsMax: 1000,
  checkedBytesMax: 1e6,
  pruneStepRooms: 20,
  indexStepMessages: 3,
  indexEveryMs: 0,
  conversationsBytesMax: LIMITS.conversationsBytesMax,
};

/** Runs a test in a folder of its own. */
export async function inFolder(run: (folder: string) => unknown): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "chatfusion-log-"));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The log as its worker has it: a step of the index is made when a test says so. */
export function openIn(folder: string, retention = {}, file = "log.sqlite") {
  const log = openLog(join(folder, file), retention, bounds);
  let number = 0;
  return {
    ...log,
    add(...batches: readonly Batch[]): void {
      const given = unpackGiven(packAppend((number += 1), number, batches));
      if (given.op === "append") log.append(given.batches, number);
    },
    indexAll(): number {
      let steps = 0;
      while (log.index()) steps += 1;
      return steps;
    },
    found: (text: string, more = {}) =>
      log.search({ rooms: ["#lobby"], text, limit: 50, ...more }).messages.map((one) => one.text),
  };
}
