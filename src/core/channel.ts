// The sealed channel between two home servers, above any fabric: ordered, without doubles,
// acknowledged, windowed, over whatever path there is at the moment. A server on the way can
// neither read nor alter nor replay nor invent a frame of it.
//
//   from's life 8 · to's life 8 · kind u8 · counter u64 · sealed
//   kind: 0 a message, 1 an acknowledgement alone, 2 what came before is given up
//   sealed: AES-256-GCM of (highest number had in order u64 · message);
//   nonce = kind · 000 · counter
// Invariants: 1. A nonce is used once per key: messages are sealed once and sent again as they are,
// acknowledgements count on their own; so a channel is kept as long as both lives last. 2. Only the
// number after the last one is taken, but for kind 2. 3. Unacknowledged bytes stay within
// LIMITS.channelWindowBytesMax.

import type { Bytes, Clock, Crypto } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { Sid } from "../names.ts";
import { sidBytes } from "../names.ts";
import type { PublishResult } from "../plugin/fabric.ts";
import { ByteReader, ByteWriter } from "../protocol/bytes.ts";

const INFO = new TextEncoder().encode("chatfusion channel 1");
const KEY_BYTES = 32;
const HEAD_BYTES = 8 + 8 + 1 + 8;

export interface ChannelEnd {
  readonly sid: Sid;
  /** 16 hex digits. */
  readonly life: string;
}

export interface ChannelOptions {
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly mine: ChannelEnd & { readonly sealKey: Bytes };
  readonly theirs: ChannelEnd & { readonly sealKey: Bytes };
  publish(bytes: Bytes): PublishResult;
  /** A message, in its order. Borrowed. */
  deliver(message: Bytes): void;
  /** The window is open again. */
  drained(): void;
  /** An acknowledgement is owed: call `acknowledge` at the end of the tick. */
  owes(): void;
}

export interface Channel {
  /** False when the window is full: nothing was queued. */
  send(message: Bytes): boolean;
  /** A frame that came from the other end; anything else is dropped. Returns whether it was one. */
  receive(frame: Bytes): boolean;
  acknowledge(): void;
  /** Sends again at once what is not acknowledged: the other end is there again. */
  resume(): void;
  /** Forgets what is not acknowledged; the other end is told when it is there again. */
  giveUp(): void;
  /** Stops the timers; what is not acknowledged is given up. For good. */
  close(): void;
  readonly unacknowledged: number;
}

export function createChannel(options: ChannelOptions): Channel {
  const { clock, crypto, mine, theirs } = options;
  const secret = crypto.agree(mine.sealKey, theirs.sealKey);
  const keyFor = (from: ChannelEnd, to: ChannelEnd) =>
    crypto.derive(secret, describeEnds(from, to), KEY_BYTES);
  const sendKey = keyFor(mine, theirs);
  const receiveKey = keyFor(theirs, mine);
  const sendHead = lives(mine, theirs);
  const receiveHead = lives(theirs, mine);

  let numbered = 0;
  let acknowledgements = 0;
  let had = 0;
  let owing = false;
  let unsent: { readonly number: number; readonly frame: Bytes }[] = [];
  let unsentBytes = 0;
  let resendMs: number = LIMITS.channelResendMsMin;
  let cancel: (() => void) | undefined;

  const seal = (kind: 0 | 1 | 2, counter: number, message: Bytes): Bytes => {
    const head = new ByteWriter(HEAD_BYTES).raw(sendHead).u8(kind).u64(counter).done();
    const plain = new ByteWriter(8 + message.length).u64(had).raw(message).done();
    const sealed = crypto.seal(sendKey, nonceOf(kind, counter), plain, head);
    return new ByteWriter(HEAD_BYTES + sealed.length).raw(head).raw(sealed).done();
  };
  const arm = () => {
    if (cancel !== undefined || unsent.length === 0) return;
    cancel = clock.after(resendMs, () => {
      cancel = undefined;
      resendMs = Math.min(resendMs * 2, LIMITS.channelResendMs);
      for (const { frame } of unsent) if (options.publish(frame) !== "sent") break;
      arm();
    });
  };
  const acknowledged = (number: number) => {
    const before = unsent.length;
    let drop = 0;
    while (drop < unsent.length && (unsent[drop]?.number ?? 0) <= number) {
      unsentBytes -= unsent[drop]?.frame.length ?? 0;
      drop++;
    }
    if (drop === 0) return;
    unsent = unsent.slice(drop);
    resendMs = LIMITS.channelResendMsMin;
    cancel?.();
    cancel = undefined;
    arm();
    if (before > unsent.length) options.drained();
  };

  return {
    get unacknowledged() {
      return unsent.length;
    },
    send(message) {
      if (
        unsent.length >= LIMITS.channelWindowMax ||
        unsentBytes + message.length > LIMITS.channelWindowBytesMax
      )
        return false;
      numbered++;
      const frame = seal(0, numbered, message);
      unsent.push({ number: numbered, frame });
      unsentBytes += frame.length;
      owing = false; // it carries the acknowledgement
      options.publish(frame); // not sent now: it is sent again by the timer
      arm();
      return true;
    },
    receive(frame) {
      if (frame.length < HEAD_BYTES || !startsWith(frame, receiveHead)) return false;
      const reader = new ByteReader(frame.subarray(receiveHead.length));
      const kind = reader.u8();
      const counter = reader.u32() * 2 ** 32 + reader.u32();
      if (counter > LIMITS.counterMax) return false;
      const head = frame.subarray(0, HEAD_BYTES);
      const plain = crypto.open(receiveKey, nonceOf(kind, counter), reader.rest(), head);
      if (plain === undefined || plain.length < 8) return false;
      const inside = new ByteReader(plain);
      acknowledged(inside.u64());
      if (kind === 1) return true;
      if (!owing) options.owes();
      owing = true; // also for a double: its acknowledgement was lost
      if (kind === 2) had = Math.max(had, counter);
      if (kind !== 0 || counter !== had + 1) return true;
      had = counter;
      options.deliver(inside.rest());
      return true;
    },
    acknowledge() {
      if (!owing) return;
      owing = false;
      options.publish(seal(1, ++acknowledgements, EMPTY));
    },
    resume() {
      resendMs = LIMITS.channelResendMsMin;
      for (const { frame } of unsent) if (options.publish(frame) !== "sent") break;
      arm();
    },
    giveUp() {
      cancel?.();
      cancel = undefined;
      if (unsent.length === 0) return;
      numbered++;
      const frame = seal(2, numbered, EMPTY);
      unsent = [{ number: numbered, frame }];
      unsentBytes = frame.length;
    },
    close() {
      cancel?.();
      cancel = undefined;
      unsent = [];
      unsentBytes = 0;
    },
  };
}

// --- internal -----------------------------------------------------------------------------------

const EMPTY = new Uint8Array(0);

const lives = (from: ChannelEnd, to: ChannelEnd): Bytes => Uint8Array.fromHex(from.life + to.life);

const describeEnds = (from: ChannelEnd, to: ChannelEnd): Bytes =>
  new ByteWriter(96)
    .raw(INFO)
    .raw(sidBytes(from.sid))
    .raw(Uint8Array.fromHex(from.life))
    .raw(sidBytes(to.sid))
    .raw(Uint8Array.fromHex(to.life))
    .done();

const nonceOf = (kind: number, counter: number): Bytes =>
  new ByteWriter(12).u8(kind).u8(0).u16(0).u64(counter).done();

function startsWith(bytes: Bytes, head: Bytes): boolean {
  for (let i = 0; i < head.length; i++) if (bytes[i] !== head[i]) return false;
  return true;
}
