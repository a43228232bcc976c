// What other servers say: their streams, taken in the order of their numbers. The next number is
// taken and delivered, a smaller one ignored, a larger one means a gap, which is asked for. So
// delivery is right whatever the fabric's routes say; stale routes cost latency only.
// Invariants: 1. A message is delivered once, after the one before it. 2. Nothing is delivered
// whose signature, origin, life and author don't fit. 3. A gap is closed by its messages, or told.
// 4. What a server said after a restart waits until what it said before is here, for a while.

import type { Bytes, Clock, Crypto, Log, Millis } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName, Sid } from "../names.ts";
import { isShared } from "../names.ts";
import type { DecodedBatch } from "../protocol/batch.ts";
import { decodeBatch, isTombstone, signedBytes } from "../protocol/batch.ts";
import type { MessageEntry } from "../protocol/messages.ts";
import type { PeerMessageOf } from "../protocol/peer.ts";
import type { Source } from "./peer.ts";
import { entryIn } from "./redaction.ts";

/** How far one stream has come here. */
export interface Incoming {
  /** The last number had; undefined until its origin has said where the stream stands. */
  have: number | undefined;
  /** A number that is known to be there. */
  wanted: number;
  /** Messages up to this number were said while we were apart. */
  lateUpTo: number;
  /** Up to this number it was said before it was first heard here: no gap is told of that. */
  pastUpTo: number;
  /** Its origin was away: what it says next of the stream is what was said meanwhile. */
  apart: boolean;
  held: DecodedBatch[];
  askedAt: number;
  /** The numbers that were asked for last. */
  asked: { readonly from: number; readonly to: number };
  /** Who may have it while its origin is away; the last one is asked. */
  tellers: readonly Sid[];
  /** How often in a row others did not have what is missing, since its origin's life was over. */
  refusals: number;
  /** Who they were, but for those who have told since that they have it. */
  readonly refusedBy: Set<Sid>;
  /** When others first did not have it, in the clock's monotonic time. */
  refusedAt: Millis | undefined;
  /** When the last message that was taken was said, as it says; 0 before. */
  at: number;
}

export interface IncomingOptions {
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly log: Log;
  /** Messages of a stream that are taken from before it was first heard. */
  readonly onMerge: number;
  /** Whose stream it is: a server in view, or one that is away or of another life. */
  source(sid: Sid, life: string): Source | undefined;
  /** How far a stream had come before this start. */
  mark(source: Source, room: RoomName): number | undefined;
  /** A stream was not heard before, in this life or another: it goes on from here. */
  begun(source: Source, room: RoomName, have: number): void;
  /** Asks for what comes after `stream.have`. */
  ask(source: Source, room: RoomName, stream: Incoming, to: number): void;
  /** Somebody is there who may have it. */
  canAsk(source: Source, stream: Incoming): boolean;
  /** Another life has taken its place: it does not come back. */
  isOver(source: Source): boolean;
  /** Something was taken of a stream whose origin is not here. */
  progressed(room: RoomName): void;
  /** This server has members in the room. */
  subscribed(room: RoomName): boolean;
  /** No more can be logged: what comes is asked for again later. */
  full(): boolean;
  /** Ordered, verified messages. `bytes` is the batch as its origin signed it. */
  deliver(arrival: Arrival): void;
  gap(room: RoomName, missing: number): void;
}

export interface Arrival {
  readonly source: Source;
  readonly batch: DecodedBatch;
  /** The batch's whole bytes, ours to keep. */
  readonly bytes: Bytes;
  /** The number from which on it is new here. */
  readonly first: number;
  /** The messages that are new here, with their frames; of some only tombstones may be left. */
  readonly entries: readonly MessageEntry[];
  readonly frames: readonly Bytes[];
  readonly late: boolean;
}

export function createIncoming(options: IncomingOptions) {
  const bytesOf = new WeakMap<DecodedBatch, Bytes>();
  /** What is being asked for, in the order in which that began. */
  const behind = new Map<Incoming, Behind>();
  /** Streams that wait for what their server said in an earlier life, or for its word on that. */
  const waiting = new Map<Incoming, Waiting>();
  let cancel: (() => void) | undefined;
  const refuse = (why: string, origin: string) =>
    options.log.warn("batch refused", { why, origin });

  const streamOf = (peer: Source, room: RoomName): Incoming => {
    let stream = peer.streams.get(room);
    if (stream === undefined) {
      const have = options.mark(peer, room);
      const apart = have !== undefined;
      const askedAt = -LIMITS.askAgainMs;
      stream = {
        have,
        wanted: 0,
        lateUpTo: 0,
        pastUpTo: 0,
        apart,
        held: [],
        tellers: [],
        refusals: 0,
        refusedBy: new Set(),
        refusedAt: undefined,
        askedAt,
        asked: { from: 0, to: 0 },
        at: 0,
      };
      peer.streams.set(room, stream);
    }
    return stream;
  };
  /** What a life of this server said waits for what is missing of others. */
  const isAwaited = ({ sid }: Source, room: RoomName): boolean => {
    for (const one of waiting.values()) if (one.peer.sid === sid && one.room === room) return true;
    return false;
  };
  /** The answer, too, may be lost: asks again until there is no gap. */
  const askAgain = () => {
    cancel = undefined;
    for (const [stream, { peer, room }] of behind) {
      const had = stream.have === undefined || stream.have >= stream.wanted;
      const isForgotten = peer.streams.get(room) !== stream;
      const isAskable = options.canAsk(peer, stream);
      // What a later life said waits for it also while nobody is there who may have it.
      if (had || isForgotten || !(isAskable || isAwaited(peer, room))) behind.delete(stream);
      else if (isAskable) ask(peer, room, stream, stream.wanted);
    }
    release();
    if (behind.size > 0 || waiting.size > 0)
      cancel ??= options.clock.after(LIMITS.askAgainMs, askAgain);
  };
  /** Something of an earlier life of its server is still to come. */
  const hasEarlier = (peer: Source, room: RoomName): boolean => {
    for (const [stream, one] of behind) {
      if (one.peer.sid !== peer.sid || one.room !== room) continue;
      if (one.peer === peer && !peer.present) return false; // those behind it are of later lives
      const isOpen = stream.have !== undefined && stream.have < stream.wanted;
      if (!one.peer.present && isOpen) return true;
    }
    return false;
  };
  /** A server that has started again tells first how far it came before. */
  const mustWait = (peer: Source, room: RoomName, stream: Incoming): boolean => {
    // Whatever comes of an earlier life now, what it has begun to say was shown before that.
    if (peer.present && stream.have !== 0) return false;
    const now = options.clock.monotonic();
    const { since = now } = waiting.get(stream) ?? {};
    // It waits so long for word of it, and so long again for what that word is of.
    if (now - since >= LIMITS.earlierLifeMsMax) stream.apart = false;
    const isOver = now - since >= 2 * LIMITS.earlierLifeMsMax;
    if (!isOver && behind.size > 0 && hasEarlier(peer, room)) return true;
    // Once it waits for that word it goes on to, though its server is gone again.
    return stream.have === 0 && stream.apart && (peer.present || waiting.has(stream));
  };
  const release = () => {
    for (const [stream, { peer, room }] of waiting) drain(peer, room, stream);
  };
  const want = (peer: Source, room: RoomName, stream: Incoming, to: number) => {
    stream.wanted = Math.max(stream.wanted, to);
    if (!behind.has(stream)) behind.set(stream, { peer, room });
    cancel ??= options.clock.after(LIMITS.askAgainMs, askAgain);
  };
  const ask = (peer: Source, room: RoomName, stream: Incoming, to: number) => {
    want(peer, room, stream, to);
    const now = options.clock.monotonic();
    const isEarly = now - stream.askedAt < LIMITS.askAgainMs || waiting.has(stream);
    if (stream.have === undefined || isEarly) return;
    stream.askedAt = now;
    const from = stream.have + 1;
    stream.asked = { from, to: Math.min(to, stream.have + partOf(stream.asked, stream.have)) };
    options.ask(peer, room, stream, stream.asked.to);
  };
  const hold = (peer: Source, stream: Incoming, batch: DecodedBatch) => {
    if (stream.held.some((one) => one.first === batch.first)) return;
    const isNext = stream.have !== undefined && batch.first <= stream.have + 1;
    if (!isNext && heldBytes(peer) + batch.body.length > LIMITS.aheadPeerBytesMax)
      return ask(peer, batch.room, stream, batch.first + batch.frames.length - 1);
    stream.held.push(batch);
    stream.held.sort((a, b) => a.first - b.first);
    let bytes = stream.held.reduce((sum, one) => sum + one.body.length, 0);
    while (stream.held.length > LIMITS.aheadBatchesMax || bytes > LIMITS.aheadBytesMax)
      bytes -= stream.held.pop()?.body.length ?? 0; // asked for again later
  };
  const take = (peer: Source, stream: Incoming, have: number, batch: DecodedBatch): void => {
    const skip = have + 1 - batch.first;
    const fresh = skip === 0 ? batch.frames : batch.frames.slice(skip);
    const frames = fresh.filter((frame) => !isTombstone(frame));
    const entries: MessageEntry[] = [];
    const last = batch.first + batch.frames.length - 1;
    stream.have = last;
    for (const frame of frames) {
      const entry = entryIn(frame);
      if (entry === undefined || entry.room !== batch.room || !peer.owns(entry.from)) {
        refuse("a message that is not its origin's", peer.name);
        return options.gap(batch.room, fresh.length);
      }
      entries.push(entry);
    }
    const bytes = bytesOf.get(batch);
    if (bytes === undefined) return;
    stream.at = entries.at(-1)?.at ?? stream.at;
    const late = last <= stream.lateUpTo || !peer.present;
    options.deliver({ source: peer, batch, bytes, first: have + 1, entries, frames, late });
    if (!peer.present) options.progressed(batch.room);
  };
  const drain = (peer: Source, room: RoomName, stream: Incoming) => {
    if (stream.held.length > 0 && mustWait(peer, room, stream)) {
      if (!waiting.has(stream))
        waiting.set(stream, { peer, room, since: options.clock.monotonic() });
      cancel ??= options.clock.after(LIMITS.askAgainMs, askAgain);
      return;
    }
    waiting.delete(stream);
    while (stream.have !== undefined) {
      const next = stream.held[0];
      if (next === undefined) {
        if (stream.wanted > stream.have) ask(peer, room, stream, stream.wanted);
        return;
      }
      if (next.first > stream.have + 1) return ask(peer, room, stream, next.first - 1);
      stream.held.shift();
      const last = next.first + next.frames.length - 1;
      if (last > stream.have) {
        // The rest of an answer is on its way; behind it, the next part is asked for at once.
        stream.askedAt = last < stream.asked.to ? options.clock.monotonic() : -LIMITS.askAgainMs;
        stream.refusals = 0;
        stream.refusedBy.clear();
        stream.refusedAt = undefined;
        take(peer, stream, stream.have, next);
      }
    }
  };

  return {
    stream: streamOf,
    isSubscribed: options.subscribed,
    /** A batch arrived; `bytes` are borrowed. */
    receive(bytes: Bytes): void {
      const own = bytes.slice(); // views of it are kept
      const batch = decodeBatch(options.crypto, own);
      const peer = options.source(batch.origin, batch.life);
      // What is said again when a server is back may come before the view that shows it.
      if (peer === undefined || !isShared(batch.room))
        return options.log.debug("batch of no server in view", { origin: batch.origin });
      if (!options.subscribed(batch.room)) return;
      // Who is not here owes nothing but what was asked for.
      if (!peer.present && peer.streams.get(batch.room)?.have === undefined) return;
      const stream = streamOf(peer, batch.room);
      const last = batch.first + batch.frames.length - 1;
      if (stream.have !== undefined && last <= stream.have) return;
      if (options.full()) return want(peer, batch.room, stream, last);
      const signed = signedBytes(batch.origin, batch.life, batch.tick, batch.root);
      if (!options.crypto.verify(peer.key, signed, batch.signature))
        return refuse("signature", batch.origin);
      // What was just said has no tombstones: else it is its origin's to give it once more. So who
      // passes it on withholds nothing unless the answer comes through it as well.
      if (!behind.has(stream) && batch.frames.some(isTombstone))
        return ask(peer, batch.room, stream, last);
      bytesOf.set(batch, own);
      hold(peer, stream, batch);
      drain(peer, batch.room, stream);
      if (waiting.size > 0) release();
    },
    /** The origin says where its stream stands: what comes after is owed to us. */
    stands(peer: Source, room: RoomName, head: number): void {
      if (!options.subscribed(room)) return;
      const stream = streamOf(peer, room);
      if (stream.apart) stream.lateUpTo = head;
      stream.apart = false;
      if (stream.have === undefined) {
        stream.have = Math.max(0, head - options.onMerge);
        stream.lateUpTo = stream.pastUpTo = head;
        options.begun(peer, room, stream.have);
      }
      if (head > stream.have) {
        stream.askedAt = -LIMITS.askAgainMs;
        ask(peer, room, stream, head);
      }
      drain(peer, room, stream);
    },
    /** The origin's head, told in passing: asks for what is missing. */
    head(peer: Source, room: RoomName, head: number): void {
      const stream = peer.streams.get(room);
      if (stream?.have !== undefined && head > stream.have) ask(peer, room, stream, head);
    },
    /**
     * These numbers are held no more: the gap is told, never silent. Where it is not the origin
     * that says so, it is asked for again some times, since others may have it; an origin that may
     * come back is waited for; and a batch behind the gap must prove that there is one.
     */
    lost(
      peer: Source,
      { room: name, from, to: said }: PeerMessageOf<"lost">,
      /** Somebody is there who has not answered. */
      goesOn = false,
    ): void {
      const room = name as RoomName; // looked up only: one that is none has no stream
      const stream = peer.streams.get(room);
      if (stream?.have === undefined || from > stream.have + 1) return;
      let to = said;
      if (!peer.present) {
        const now = options.clock.monotonic();
        const isOver = options.isOver(peer);
        stream.refusedAt ??= now;
        if (isOver) stream.refusals += 1;
        const { lostAnswersMin, originAwayMsMax } = LIMITS;
        // By time as well: new tellers, who are asked first, can come without end.
        const isLost =
          now - stream.refusedAt >= originAwayMsMax ||
          (isOver && stream.refusals >= lostAnswersMin && !goesOn);
        if (!isLost) {
          if (goesOn) stream.askedAt = -LIMITS.askAgainMs;
          if (goesOn) ask(peer, room, stream, stream.wanted);
          return;
        }
        to = Math.min(said, (stream.held[0]?.first ?? 0) - 1);
        if (to <= stream.have) stream.wanted = 0; // nothing proves that there is any
      }
      if (to <= stream.have) return;
      const owed = to - Math.max(stream.have, stream.pastUpTo);
      if (owed > 0) options.gap(room, owed);
      stream.have = to;
      stream.askedAt = -LIMITS.askAgainMs;
      drain(peer, room, stream);
      if (waiting.size > 0) release();
    },
    /** Nobody here is in the room any more: nothing is owed. */
    forget(peer: Source, room: RoomName): void {
      const stream = peer.streams.get(room);
      if (stream !== undefined) waiting.delete(stream);
      peer.streams.delete(room);
    },
    /** Stops the timer. */
    close(): void {
      cancel?.();
      behind.clear();
      waiting.clear();
    },
  };
}

export type IncomingStreams = ReturnType<typeof createIncoming>;

// --- internal -----------------------------------------------------------------------------------

interface Behind {
  readonly peer: Source;
  readonly room: RoomName;
}

interface Waiting extends Behind {
  /** When it began, in the clock's monotonic time. */
  readonly since: Millis;
}

/** How much is asked for next: twice what came whole; as much as came of what did not. */
function partOf({ from, to }: Incoming["asked"], have: number): number {
  const part = have >= to ? 2 * (to + 1 - from) : have + 1 - from;
  return Math.min(Math.max(part, LIMITS.askedMin), LIMITS.askedMax);
}

/** What waits of all streams of a server. */
function heldBytes(peer: Source): number {
  let bytes = 0;
  for (const { held } of peer.streams.values()) for (const one of held) bytes += one.body.length;
  return bytes;
}
