// What a message costs in our own code, piece by piece: `bun run bench:micro`, or with `--json`.
// What the fabric's functions cost in detail: fabric.ts. No figure is a bound: machines differ.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import logSqlite from "../../plugins/log-sqlite.ts";
import { judge } from "../../plugins/fabric-tree/view.ts";
import { routesTo } from "../../plugins/fabric-tree/route.ts";
import { NATIVE } from "../../src/core/format.ts";
import type { HookSource } from "../../src/core/hooks.ts";
import { compileHooks } from "../../src/core/hooks.ts";
import type { Nick, RoomName, ServerName } from "../../src/names.ts";
import type { Batch, History, Message, MessageEntry, Sid } from "../../src/plugin.ts";
import { decodeJson, encodeJson, FRAME, FrameReader } from "../../src/protocol/frame.ts";
import { requestShape } from "../../src/protocol/messages.ts";
import { createClock } from "../../src/serve/clock.ts";
import { createLog } from "../../src/serve/log.ts";
import { setUp } from "../../src/testing/context.ts";
import { argumentsOf } from "../arguments.ts";
import { announced, SHAPES } from "./graphs.ts";
import { digits, markdown } from "./table.ts";
import { timed } from "./timing.ts";

/** Handlers of the compiled list: of a server without plugins, with one, with several. */
const HANDLERS = [0, 1, 3];
/** Messages of one commit: alone, and as many as come together on a busy server. */
const COMMITS = [1, 100];
/** As on a busy server, where one read brings many. */
const FRAMES_A_CHUNK = 64;
const SERVERS = 64;
const PAYLOAD_BYTES_MAX = 65_560;

const { values } = argumentsOf({ options: { json: { type: "boolean", default: false } } });

const rows: { what: string; unit: "µs"; median: number; least: number }[] = [];
const text = "x".repeat(100);
const entry: MessageEntry = {
  id: "mfx1p9k2r000112345678",
  from: "ann@paris",
  room: "#bench" as RoomName, // in its folded form
  kind: "text",
  text,
  at: 1_790_000_000_000,
};
const clock = createClock();
const log = createLog({ clock, level: "error", format: "human", write: () => undefined });

await frames();
await hooks();
await fabric();
await history();
print();

// --- internal ---

/** `parts` pieces are done in one run. */
async function time(what: string, run: () => unknown, parts = 1): Promise<void> {
  await timed(run); // the compilers are still at work
  const { median, least } = await timed(run);
  rows.push({ what, unit: "µs", median: median / parts, least: least / parts });
}

async function frames(): Promise<void> {
  const payload = { room: "#bench", text, ref: 1 };
  const frame = encodeJson(FRAME.say, payload);
  const chunk = new Uint8Array(frame.length * FRAMES_A_CHUNK);
  for (let at = 0; at < FRAMES_A_CHUNK; at++) chunk.set(frame, at * frame.length);
  const reader = new FrameReader(PAYLOAD_BYTES_MAX);
  let bytes = 0;
  await time(
    "decode: a frame of a chunk, cut out",
    () => reader.push(chunk, (_, inner) => void (bytes += inner.length)),
    FRAMES_A_CHUNK,
  );
  const body = frame.subarray(5);
  await time("decode: JSON of a say of 100 bytes", () => decodeJson(body));
  const shape = requestShape("say");
  await time("decode: its fields checked", () => v.safeParse(shape, payload));
  const event = { type: "message", message: entry } as const;
  await time("encode: a message of 100 bytes", () => NATIVE.encode(event));
}

async function hooks(): Promise<void> {
  const names = { nick: "ann" as Nick, server: "paris" as ServerName }; // in their canonical form
  const from = { ...names, account: undefined, roles: [] };
  const message: Message = { ...entry, kind: "text", from };
  for (const count of HANDLERS) {
    const sources = Array.from({ length: count }, (_, at): HookSource => {
      // Two of three look on; one changes the text.
      const onMessage = (one: Message) => (at === 1 ? { ...one, text: one.text } : undefined);
      return { plugin: `bench-${at}`, hooks: { onMessage } };
    });
    const compiled = compileHooks(sources, clock, log);
    await time(`hooks: onMessage, ${count} handlers`, () => compiled.message(message));
  }
}

async function fabric(): Promise<void> {
  const { self, sids, all } = announced(SERVERS, SHAPES.random(SERVERS));
  await time(`view: of ${SERVERS} servers`, () => judge(all, self));
  const judgement = judge(all, self);
  await time(`route: to ${SERVERS} servers`, () => routesTo(judgement, judgement.tree, sids));
}

/** With the disk: until a commit is durable. */
async function history(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "chatfusion-micro-"));
  try {
    await using world = await setUp(logSqlite(), { folder });
    const { history: opened } = world.parts;
    if (opened === undefined) throw new Error("log-sqlite provides a history");
    for (const count of COMMITS) await appends(opened, count);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function appends(to: History, count: number): Promise<void> {
  const stream = {
    origin: "a".repeat(32) as Sid, // as long as one
    life: String(count).padStart(16, "0"),
    room: entry.room,
  };
  let first = 1;
  const next = (): Batch => {
    const messages = Array.from({ length: count }, (_, at) => {
      const id = (first + at).toString(36).padStart(13, "0") + stream.life.slice(8);
      return { ...entry, id };
    });
    const last = first + count - 1;
    const batch = { stream, first, last, messages, bytes: encodeJson(FRAME.message, messages) };
    first = last + 1;
    return batch;
  };
  const what = `log: a message, ${count} in a commit`;
  await time(what, () => to.append([next()]), count);
}

function print(): void {
  if (values.json) return console.log(JSON.stringify(rows));
  const cells = rows.map(({ what, median, least }) => [what, digits(median), digits(least)]);
  console.log(markdown([["", "µs, median", "least"], ...cells]));
}
