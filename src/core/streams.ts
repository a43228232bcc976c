// What this server says: one numbered stream per room and life. All that was said in a tick is one
// batch per room, signed once for all rooms, logged in one commit and published to the servers that
// subscribe to the room. The last batches are kept, for those who missed them.
// Invariants: 1. Numbers have no hole. 2. A batch is published after it is in the log's queue, and
// never waits for the disk. 3. What a local room says is never published, nor hashed with the rest.

import type { Bytes, Clock, Crypto, MaybePromise } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName, Sid } from "../names.ts";
import { isShared } from "../names.ts";
import type { PublishResult } from "../plugin/fabric.ts";
import type { History, Stream } from "../plugin/history.ts";
import type { Redacted } from "../plugin/hooks.ts";
import type { Leaf } from "../protocol/batch.ts";
import { decodeBatch, encodeTick, encodeUnsigned } from "../protocol/batch.ts";
import type { MessageEntry } from "../protocol/messages.ts";
import type { Identity } from "./identity.ts";
import type { MessageLog } from "./log.ts";
import { createHistoryHost } from "./redaction.ts";
import { Ring } from "./ring.ts";
import type { Spoken } from "./spoken.ts";

interface Open {
  bytes: number;
  readonly first: number;
  readonly entries: MessageEntry[];
  readonly frames: Bytes[];
}

export interface StreamsOptions {
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly log: MessageLog;
  readonly spoken: Spoken;
  readonly history: () => History | undefined;
  readonly identity: () => Identity;
  /** Somebody keeps or hears what is logged. */
  readonly wantsLog: () => boolean;
  /** Lets the plugins remove what they have written of messages; returns why one has not. */
  redacted(messages: readonly Redacted[]): MaybePromise<Failure | undefined>;
  /** The other servers that subscribe to a room; the same array while it does not change. */
  subscribers(room: RoomName): readonly Sid[];
  /** There are other servers in the fusion, or may be again: batches are signed and kept. */
  accompanied(): boolean;
  publish(to: readonly Sid[], bytes: Bytes): PublishResult;
}

/** Numbers from..last of a stream are asked for, of those up to `head`. */
export interface Asked {
  readonly from: number;
  readonly last: number;
  readonly head: number;
}

export interface Streams {
  /** Numbers a message; returns the log's commit that will hold it. `frame` is given. */
  add(room: RoomName, entry: MessageEntry, frame: Bytes): number;
  /** The number of the last message of a room that is published or about to be. */
  head(room: RoomName): number;
  /** Heads of the rooms that spoke since this was last asked. */
  recentHeads(): Record<string, number>;
  /** Likewise: of a second series, for those who are told surely. */
  unsureHeads(): Record<string, number>;
  /** Signs, logs and publishes what was said; the tick's. Returns whether anything was. */
  flush(): boolean;
  /** Keeps another server's batch for a while, for those who missed it; given. */
  keep(stream: Stream, first: number, last: number, bytes: Bytes): void;
  /** Says once more what was said last, since the routes have changed. */
  sayAgain(): void;
  /**
   * Sends numbers of any stream again to one server; returns up to which number nothing is held.
   */
  serve(to: Sid, stream: Stream, numbers: Asked): Promise<number>;
  /**
   * Removes messages of a room for good: from what is kept for repair, from what plugins have
   * written of them, and from the history, last of all: what it holds is removed again after a
   * crash. Resolves when that is durable; rejects with what the history throws, or with the fault
   * of a plugin, which holds up nothing else.
   */
  redact(room: RoomName, messages: readonly Redacted[]): Promise<void>;
}

export function createStreams(options: StreamsOptions): Streams {
  const heads = new Map<RoomName, number>();
  let spoken = new Set<RoomName>();
  let unsure = new Set<RoomName>();
  let open = new Map<RoomName, Open>();
  let tick = 0;
  const own = new Ring(LIMITS.streamRingBytesMax);
  const others = new Ring(LIMITS.streamRingBytesMax);
  const host = createHistoryHost(options.crypto);

  const headsOf = (rooms: ReadonlySet<RoomName>): Record<string, number> =>
    Object.fromEntries([...rooms].map((room) => [room, heads.get(room) ?? 0]));
  const leafOf = (room: RoomName, one: Open): Leaf => {
    const { sid, life } = options.identity();
    return { origin: sid, life, tick, room, first: one.first, frames: one.frames };
  };
  const put = (leaf: Leaf, one: Open, bytes: Bytes) => {
    const stream = { origin: leaf.origin, life: leaf.life, room: leaf.room };
    const { first, entries: messages } = one;
    if (options.wantsLog())
      options.log.add({ stream, first, last: first + messages.length - 1, messages, bytes });
  };
  /** Signed together, kept for repair, and sent out. */
  const flushSigned = (rooms: readonly (readonly [RoomName, Open])[]) => {
    const leaves = rooms.map(([room, one]) => leafOf(room, one));
    const batches = encodeTick(options.crypto, options.identity().sign, leaves);
    for (const [i, [room, one]] of rooms.entries()) {
      const [leaf, bytes] = [leaves[i], batches[i]];
      if (leaf === undefined || bytes === undefined) continue; // one batch per leaf
      put(leaf, one, bytes);
      const last = one.first + one.frames.length - 1;
      own.keep({ stream: leaf, first: one.first, last, bytes, at: options.clock.monotonic() });
      const to = options.subscribers(room);
      if (to.length > 0) options.publish(to, bytes);
    }
  };
  /** Nobody is there to check a signature: it is made when the batch is asked for. */
  const flushUnsigned = (room: RoomName, one: Open) => {
    if (!options.wantsLog()) return;
    const leaf = leafOf(room, one);
    put(leaf, one, encodeUnsigned(leaf));
  };

  return {
    add(room, entry, frame) {
      const number = (heads.get(room) ?? 0) + 1;
      heads.set(room, number);
      let one = open.get(room);
      if (one === undefined) {
        one = { bytes: 0, first: number, entries: [], frames: [] };
        open.set(room, one);
        if (isShared(room)) spoken.add(room);
      }
      one.entries.push(entry);
      one.frames.push(frame);
      one.bytes += frame.length;
      const commit = options.wantsLog() ? options.log.promise() : 0;
      if (commit === 0) options.spoken.put(entry);
      const full =
        one.frames.length >= LIMITS.batchMessagesMax || one.bytes >= LIMITS.batchBytesMax;
      if (full || open.size >= LIMITS.batchLeavesMax) this.flush();
      return commit;
    },
    head: (room) => heads.get(room) ?? 0,
    recentHeads() {
      const rooms = spoken;
      spoken = new Set();
      unsure = unsure.union(rooms);
      return headsOf(rooms);
    },
    unsureHeads() {
      const rooms = unsure.union(spoken);
      unsure = new Set();
      spoken = new Set();
      return headsOf(rooms);
    },
    flush() {
      const spoke = open.size > 0;
      if (spoke) {
        const rooms = [...open];
        open = new Map();
        tick++;
        const signed = options.accompanied() ? rooms.filter(([room]) => isShared(room)) : [];
        if (signed.length > 0) flushSigned(signed);
        for (const [room, one] of rooms)
          if (signed.length === 0 || !isShared(room)) flushUnsigned(room, one);
      }
      options.log.flush();
      return spoke;
    },
    keep(stream, first, last, bytes) {
      others.keep({ stream, first, last, bytes, at: options.clock.monotonic() });
    },
    sayAgain() {
      let bytes = 0;
      for (const one of own.since(options.clock.monotonic() - LIMITS.sayAgainMs)) {
        bytes += one.bytes.length;
        if (bytes > LIMITS.sayAgainBytesMax) return; // the rest is asked for
        const to = options.subscribers(one.stream.room);
        if (to.length > 0) options.publish(to, one.bytes);
      }
    },
    async serve(to, stream, { from, last, head }) {
      const target = [to];
      const isOwn = stream.origin === options.identity().sid;
      const kept = [...own.find(stream, from, head), ...others.find(stream, from, head)];
      const held = kept[0]?.first ?? head + 1;
      const bytesMax = LIMITS.linkRoomBytesMax / 4;
      const range = () => options.history()?.range(stream, from, held - 1, bytesMax);
      const older = held > from ? ((await range()) ?? []) : [];
      // What is not held is one gap, also where not all of it was asked for yet; and what comes
      // after it is sent, too: it proves that there is one.
      const begin = older[0]?.first ?? held;
      const isWanted = ({ first }: { readonly first: number }) => first <= Math.max(last, begin);
      const send = (bytes: Bytes) => options.publish(target, bytes);
      for (const { bytes } of older.filter(isWanted))
        send(isOwn ? signAgain(options, bytes, stream) : bytes);
      for (const { bytes } of kept.filter(isWanted)) send(bytes);
      return begin - 1;
    },
    async redact(room, messages) {
      this.flush(); // what is open is kept, too
      // Looked at more closely only where an id is.
      const isHeld = ({ buffer, byteOffset, length }: Bytes) =>
        messages.some(({ id }) => Buffer.from(buffer, byteOffset, length).includes(id));
      for (const ring of [own, others])
        ring.replace(room, (bytes) => (isHeld(bytes) ? host.blank(bytes, messages) : bytes));
      await options.log.caughtUp();
      const refused = await options.redacted(messages);
      await options.history()?.redact(room, messages);
      if (refused !== undefined) throw new Error(refused.text);
    },
  };
}

// --- internal -----------------------------------------------------------------------------------

/** Signs an own batch that was stored while nobody was there to check it. */
function signAgain(options: StreamsOptions, bytes: Bytes, stream: Stream): Bytes {
  const { frames, tick, first } = decodeBatch(options.crypto, bytes);
  const leaf = { ...stream, tick, first, frames };
  return encodeTick(options.crypto, options.identity().sign, [leaf])[0] ?? bytes;
}
