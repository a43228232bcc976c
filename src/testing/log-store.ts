// A history on a server's own store, for simulations: it survives a crash as far as it was synced.
// A commit is one record at the end of a segment. It is written in two halves, as a disk may do it:
// a crash between them leaves a torn record, which the next start cuts off.

import { hasPhrases, phrasesOf } from "chatfusion/plugins/log-sqlite/words";
import * as v from "valibot";
import { isAmong } from "../core/redaction.ts";
import type { Store } from "../environment.ts";
import { ChatFusionError } from "../errors.ts";
import { definePlugin } from "../plugin.ts";
import type { Batch, Found, History, MessageRef, Search, Stream } from "../plugin/history.ts";
import type { MessageEntry } from "../protocol/messages.ts";

/** A segment is written anew with each commit, so it stays short. */
const SEGMENT_BYTES = 16 * 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Makes a plugin of the role "history" that keeps everything; for tests, not for operation. */
export const logStore = definePlugin({
  name: "log-store",
  provides: ["history"],
  options: v.optional(v.strictObject({}), {}),
  setup({ store, host }) {
    let batches: Batch[] = [];
    const journal = createJournal(store);
    const blanked = (batch: Batch, refs: readonly MessageRef[]): Batch => {
      const messages = batch.messages.filter((one) => !isAmong(refs, one));
      if (messages.length === batch.messages.length) return batch;
      return { ...batch, messages, bytes: host.blank(batch.bytes, refs) };
    };
    const sorted = (room: string) =>
      batches
        .filter((one) => one.stream.room === room)
        .flatMap((one) => one.messages)
        .toSorted(byId);
    return {
      history: {
        streams: () => endsOf(batches),
        async append(tick) {
          if (tick.length === 0) return;
          await journal.append(recordOf(tick));
          batches.push(...tick);
        },
        range: (stream, from, to, bytesMax) => rangeOf(batches, stream, { from, to, bytesMax }),
        backlog: (room, limit, before) =>
          sorted(room)
            .filter(({ id }) => before === undefined || id < before)
            .slice(-limit),
        onward: (room, limit, after) =>
          sorted(room)
            .filter(({ id }) => id > after)
            .slice(0, limit),
        since(room, id, limit) {
          const all = batches.filter((one) => one.stream.room === room);
          const messages = all.flatMap((one) => one.messages);
          const at = messages.findIndex((one) => one.id === id);
          return at < 0 ? undefined : messages.slice(at + 1, at + 1 + limit);
        },
        search: (what) => searchIn(batches, what),
        async redact(room, refs) {
          const blank = (batch: Batch) =>
            batch.stream.room === room ? blanked(batch, refs) : batch;
          await journal.rewrite((record) => {
            const held = parsed(record);
            const now = held.map(blank);
            return now.some((one, at) => one !== held[at]) ? recordOf(now) : record;
          });
          batches = batches.map(blank);
        },
        about(room, ids, limit) {
          const all = batches.filter((one) => one.stream.room === room);
          const wanted = new Set(ids);
          return all
            .flatMap((one) => one.messages)
            .filter(({ about }) => about !== undefined && wanted.has(about))
            .toSorted(byRank)
            .slice(0, limit);
        },
        deletions: (limit) => deletionsIn(batches.flatMap((one) => one.messages)).slice(0, limit),
      } satisfies History,
      async start() {
        for (const record of await journal.open()) batches.push(...parsed(record));
      },
    };
  },
});

/** Looks through batches in the order in which they were appended. Throws `BAD_REQUEST`. */
export function searchIn(batches: readonly Batch[], what: Search): Found {
  const { rooms, text, from, before = String(Number.MAX_SAFE_INTEGER), limit } = what;
  const phrases = phrasesOf(text);
  if ((from === undefined && phrases.length === 0) || !/^\d{1,16}$/.test(before))
    throw new ChatFusionError("BAD_REQUEST", "search: expected words, and the next of an answer");
  const found = batches
    .flatMap(({ messages }) => messages)
    .map((message, at) => ({ message, at }))
    .filter(({ message, at }) => {
      if (message.kind === "reaction" || message.kind === "unreaction") return false;
      const isThere = rooms.includes(message.room) && at < Number(before);
      return (
        isThere && (from ?? message.from) === message.from && hasPhrases(message.text, phrases)
      );
    });
  const shown = found.slice(-limit);
  const next = found.length > limit ? { next: String(shown[0]?.at) } : {};
  return { messages: shown.map(({ message }) => message), ...next };
}

// --- internal -----------------------------------------------------------------------------------

/** Records, one a line behind a checksum of it, in numbered segments. */
function createJournal(store: Store) {
  let segment = 0;
  let text = "";
  /** The last of the writes: they come one after the other. */
  let written: Promise<unknown> = Promise.resolve();
  const queued = (write: () => Promise<void>): Promise<void> => {
    const done = written.then(write);
    written = done.catch(() => undefined); // whoever asked for it is told
    return done;
  };
  const write = (at: number, what: string) => store.write(`segment-${at}`, encoder.encode(what));
  const append = async (record: string): Promise<void> => {
    if (text.length > SEGMENT_BYTES) {
      segment += 1;
      text = "";
    }
    const line = lineOf(record);
    await write(segment, text + line.slice(0, line.length / 2));
    await write(segment, `${text + line}\n`);
    text += `${line}\n`;
  };
  const rewrite = async (change: (record: string) => string): Promise<void> => {
    for (let at = 0; at <= segment; at += 1) {
      const records = recordsIn(await store.read(`segment-${at}`));
      const changed = records.map(change);
      if (changed.every((one, index) => one === records[index])) continue;
      const whole = changed.map((record) => `${lineOf(record)}\n`).join("");
      await write(at, whole);
      if (at === segment) text = whole;
    }
  };
  return {
    /** Reads all whole records; a torn one is cut off, since it was never acknowledged. */
    async open(): Promise<string[]> {
      const records: string[] = [];
      for (let at = 0; ; at += 1) {
        const bytes = await store.read(`segment-${at}`);
        if (bytes === undefined) return records;
        const found = recordsIn(bytes);
        segment = at;
        text = found.map((record) => `${lineOf(record)}\n`).join("");
        records.push(...found);
      }
    },
    /** Resolves when the record would survive a power cut; after a failure it is cut off. */
    append: (record: string) => queued(() => append(record)),
    /** Writes the segments anew in which a record changes: each is the old one or the new one. */
    rewrite: (change: (record: string) => string) => queued(() => rewrite(change)),
  };
}

/** The whole records of a segment, up to one that is torn. */
function recordsIn(bytes: Uint8Array | undefined): string[] {
  const records: string[] = [];
  for (const line of decoder.decode(bytes).split("\n")) {
    const record = line.slice(line.indexOf(" ") + 1);
    if (line !== lineOf(record)) break;
    records.push(record);
  }
  return records;
}

const lineOf = (record: string): string => `${Bun.hash.wyhash(record).toString(16)} ${record}`;

/** As it is stored. */
const plain = ({ bytes, ...batch }: Batch) => ({
  ...batch,
  bytes: bytes.toBase64(),
});

const recordOf = (batches: readonly Batch[]): string => JSON.stringify(batches.map(plain));

function parsed(record: string): Batch[] {
  const rows = JSON.parse(record) as ReturnType<typeof plain>[]; // its checksum is right
  return rows.map((row) => ({ ...row, bytes: Uint8Array.fromBase64(row.bytes) }));
}

const keyOf = ({ origin, life, room }: Stream): string => `${origin} ${life} ${room}`;

const byId = (a: { readonly id: string }, b: { readonly id: string }): number =>
  a.id < b.id ? -1 : Number(a.id > b.id);

/** As `History.deletions` gives them. */
function deletionsIn(messages: readonly MessageEntry[]) {
  const held = new Set(messages.map(({ room, id }) => `${room} ${id}`));
  return messages
    .filter(({ kind }) => kind === "delete")
    .toSorted((a, b) => byId(b, a))
    .map((deletion) => ({ deletion, isHeld: held.has(`${deletion.room} ${deletion.about}`) }));
}

/** As `History.about` gives them. */
const byRank = (a: MessageEntry, b: MessageEntry): number => rankOf(a) - rankOf(b) || byId(b, a);
const rankOf = ({ kind }: MessageEntry): number =>
  kind === "delete" ? 0 : kind === "edit" ? 1 : 2;

function endsOf(batches: readonly Batch[]) {
  const ends = new Map<string, { readonly stream: Stream; readonly last: number }>();
  for (const batch of batches) {
    const { stream } = batch;
    const before = ends.get(keyOf(stream))?.last ?? 0;
    ends.set(keyOf(stream), { stream, last: Math.max(before, batch.last) });
  }
  return [...ends.values()];
}

function rangeOf(
  batches: readonly Batch[],
  stream: Stream,
  { from, to, bytesMax }: { readonly from: number; readonly to: number; readonly bytesMax: number },
): Batch[] {
  const key = keyOf(stream);
  const all = batches.filter(
    (one) => keyOf(one.stream) === key && one.first <= to && one.last >= from,
  );
  let bytes = 0;
  const found = all.toSorted((a, b) => a.first - b.first);
  const end = found.findIndex((one, at) => (bytes += one.bytes.length) > bytesMax && at > 0);
  return end < 0 ? found : found.slice(0, end);
}
