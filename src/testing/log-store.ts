// A history on a server's own store, for simulations: it survives a crash as far as it was synced.
// A commit is one record at the end of a segment. It is written in two halves, as a disk may do it:
// a crash between them leaves a torn record, which the next start cuts off.

import * as v from "valibot";
import type { Store } from "../environment.ts";
import { definePlugin } from "../plugin.ts";
import type { Batch, History, Stream } from "../plugin/history.ts";

/** A segment is written anew with each commit, so it stays short. */
const SEGMENT_BYTES = 16 * 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Makes a plugin of the role "history" that keeps everything; for tests, not for operation. */
export const logStore = definePlugin({
  name: "log-store",
  provides: ["history"],
  options: v.optional(v.strictObject({}), {}),
  setup({ store }) {
    const batches: Batch[] = [];
    const journal = createJournal(store);
    return {
      history: {
        streams: () => endsOf(batches),
        async append(tick) {
          if (tick.length === 0) return;
          await journal.append(JSON.stringify(tick.map(plain)));
          batches.push(...tick);
        },
        range: (stream, from, to, bytesMax) => rangeOf(batches, stream, { from, to, bytesMax }),
        backlog: (room, limit, before) => {
          const all = batches.filter((one) => one.stream.room === room);
          const messages = all.flatMap((one) => one.messages).toSorted(byId);
          const found = messages.filter(({ id }) => before === undefined || id < before);
          return found.slice(-limit);
        },
        since(room, id, limit) {
          const all = batches.filter((one) => one.stream.room === room);
          const messages = all.flatMap((one) => one.messages);
          const at = messages.findIndex((one) => one.id === id);
          return at < 0 ? undefined : messages.slice(at + 1, at + 1 + limit);
        },
      } satisfies History,
      async start() {
        for (const record of await journal.open()) batches.push(...parsed(record));
      },
    };
  },
});

// --- internal -----------------------------------------------------------------------------------

/** Records, one a line behind a checksum of it, in numbered segments. */
function createJournal(store: Store) {
  let segment = 0;
  let text = "";
  const write = (what: string) => store.write(`segment-${segment}`, encoder.encode(what));
  return {
    /** Reads all whole records; a torn one is cut off, since it was never acknowledged. */
    async open(): Promise<string[]> {
      const records: string[] = [];
      for (let at = 0; ; at += 1) {
        const bytes = await store.read(`segment-${at}`);
        if (bytes === undefined) return records;
        segment = at;
        text = "";
        for (const line of decoder.decode(bytes).split("\n")) {
          const record = line.slice(line.indexOf(" ") + 1);
          if (line !== lineOf(record)) break;
          records.push(record);
          text += `${line}\n`;
        }
      }
    },
    /** Resolves when the record would survive a power cut; after a failure it is cut off. */
    async append(record: string): Promise<void> {
      if (text.length > SEGMENT_BYTES) {
        segment += 1;
        text = "";
      }
      const line = lineOf(record);
      await write(text + line.slice(0, line.length / 2));
      await write(`${text + line}\n`);
      text += `${line}\n`;
    },
  };
}

const lineOf = (record: string): string => `${Bun.hash.wyhash(record).toString(16)} ${record}`;

/** As it is stored. */
const plain = ({ stream, first, messages, bytes }: Batch) => ({
  stream,
  first,
  messages,
  bytes: bytes.toBase64(),
});

function parsed(record: string): Batch[] {
  const rows = JSON.parse(record) as ReturnType<typeof plain>[]; // its checksum is right
  return rows.map((row) => ({ ...row, bytes: Uint8Array.fromBase64(row.bytes) }));
}

const keyOf = ({ origin, life, room }: Stream): string => `${origin} ${life} ${room}`;

const lastOf = ({ first, messages }: Batch): number => first + messages.length - 1;

const byId = (a: { readonly id: string }, b: { readonly id: string }): number =>
  a.id < b.id ? -1 : Number(a.id > b.id);

function endsOf(batches: readonly Batch[]) {
  const ends = new Map<string, { readonly stream: Stream; readonly last: number }>();
  for (const batch of batches) {
    const { stream } = batch;
    const before = ends.get(keyOf(stream))?.last ?? 0;
    ends.set(keyOf(stream), { stream, last: Math.max(before, lastOf(batch)) });
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
    (one) => keyOf(one.stream) === key && one.first <= to && lastOf(one) >= from,
  );
  let bytes = 0;
  const found = all.toSorted((a, b) => a.first - b.first);
  const end = found.findIndex((one, at) => (bytes += one.bytes.length) > bytesMax && at > 0);
  return end < 0 ? found : found.slice(0, end);
}
