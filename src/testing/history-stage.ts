// What the suite of the role "history" stands on: one that runs in a folder of its own, and streams
// and batches to feed it with. Next: history-suite.ts, history-redaction.ts.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RoomName, Sid } from "../names.ts";
import type { Plugin } from "../plugin/context.ts";
import type { Batch, History, Stream } from "../plugin/history.ts";
import { encodeUnsigned } from "../protocol/batch.ts";
import { encodeJson, FRAME } from "../protocol/frame.ts";
import type { MessageEntry } from "../protocol/messages.ts";
import { setUp } from "./context.ts";

/** Makes a stream; origin and life are repeated digits. */
export function testStream(
  of: { readonly origin?: string; readonly life?: string; readonly room?: string } = {},
): Stream {
  return {
    origin: (of.origin ?? "a").repeat(32) as Sid, // as long as a sid, of hex digits
    life: (of.life ?? "1").repeat(16),
    room: (of.room ?? "#lobby") as RoomName, // hostile ones are meant to be none
  };
}

/** Makes a batch whose messages have the ids of their numbers, or those that are given. */
export function testBatch(
  stream: Stream,
  first: number,
  what: number | readonly Partial<MessageEntry>[],
): Batch {
  const parts = typeof what === "number" ? Array.from({ length: what }, () => ({})) : what;
  const messages = parts.map((part, index): MessageEntry => {
    const number = first + index;
    const id = String(number).padStart(9, "0") + stream.origin.slice(0, 8);
    const text = `${stream.room} ${number}`;
    const { room } = stream;
    return { id, from: "ana@paris", room, kind: "text", text, at: 1_790_000_000_000, ...part };
  });
  const frames = messages.map((message) => encodeJson(FRAME.message, message));
  const bytes = encodeUnsigned({ ...stream, tick: first, first, frames });
  return { stream, first, last: first + messages.length - 1, messages, bytes };
}

/** Makes the plugin; its folder is there. */
export type Make = (folder: string) => Plugin;

/** Runs a test on a history; `restart` gives one that is opened on the same folder. */
export async function withHistory(
  make: Make,
  run: (history: History, restart: () => Promise<History>) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "chatfusion-history-"));
  const begin = async () => {
    const world = await setUp(make(folder), { folder });
    const { history } = world.parts;
    if (history === undefined) throw new Error("a plugin that provides history has one");
    return { world, history };
  };
  let now = await begin();
  try {
    await run(now.history, async () => {
      await now.world.stop();
      now = await begin();
      return now.history;
    });
  } finally {
    await now.world.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
