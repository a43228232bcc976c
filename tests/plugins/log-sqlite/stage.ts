// What tests of log-sqlite look at: its files, and its pruning.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { RoomName } from "../../../src/names.ts";
import { LIMITS } from "../../../src/limits.ts";
import type { SetUp } from "../../../src/testing/context.ts";

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
