// The sealed channel between two home servers, above any fabric: ordered, without doubles,
// acknowledged, windowed, over whatever path there is at the moment. A server on the way can
// neither read nor alter nor replay nor invent a frame of it. Next: channel-queue.ts (what is
// sealed together).
//
//   from's life 8 · to's life 8 · kind u8 · counter u64 · sealed
//   kind: 0 a message, 1 an acknowledgement alone, 2 what came before is given up
//   sealed: AES-256-GCM of (highest number had in order u64 · message);
//   nonce = kind · 000 · counter
// Invariants: 1. A nonce is used once per key: messages are sealed once and sent again as they are,
// acknowledgements count on their own; so a channel is kept as long as both lives last. 2. Only the
// number after the last one is taken, but for kind 2. 3. Unacknowledged bytes stay within
// LIMITS.channelWindowBytesMax.

import type { Bytes, Clock, Crypto, Millis } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { Sid } from "../names.ts";
import { sidBytes } from "../names.ts";
import type { PublishResult } from "../plugin/fabric.ts";
import { ByteWriter, readU64, writeU64 } from "../protocol/bytes.ts";

const INFO = new TextEncoder().encode("chatfusion channel 1");
const KEY_BYTES = 32;
const LIVES_BYTES = 8 + 8;
const HEAD_BYTES = LIVES_BYTES + 1 + 8;
/** The highest number had in order, before a message. */
const HAD_BYTES = 8;
const NONCE_BYTES = 12;
/** Of the longest round trip, so much is kept at the next one. */
const ROUND_TRIP_KEPT = 7 / 8;

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
  /** An acknowledgement is due: what is sent now says it, too. */
  due(): void;
}

export interface Channel {
  /** False when the window is full: nothing was queued. */
  send(message: Bytes): boolean;
  /** A frame that came from the other end; anything else is dropped. Returns whether it was one. */
  receive(frame: Bytes): boolean;
  /** Sends again at once what is not acknowledged: the other end is there again. */
  resume(): void;
  /** Forgets what is not acknowledged; the other end is told when it is there again. */
  giveUp(): void;
  /** Stops the timers; what is not acknowledged is given up. For good. */
  close(): void;
  readonly unacknowledged: number;
  /** An acknowledgement goes within LIMITS.channelOwedMsMax. */
  readonly owes: boolean;
}

export function createChannel(options: ChannelOptions): Channel {
  const { clock } = options;
  const envelope = createEnvelope(options);
  let numbered = 0;
  let acknowledgements = 0;
  let had = 0;
  /** Bytes that came since the last acknowledgement; one is owed while there are any. */
  let owed = 0;
  let unsent: { readonly number: number; readonly frame: Bytes }[] = [];
  let unsentBytes = 0;
  let resendMs: number = LIMITS.channelResendMsMin;
  /** How long an acknowledgement takes at the most, lately: longer where servers are busy. */
  let roundTripMs: Millis = 0;
  /** A message on its way whose acknowledgement is timed. */
  let timed: { readonly number: number; readonly at: Millis } | undefined;
  /** When something was acknowledged, sent again, or sent where nothing else was on its way. */
  let progressAt: Millis = 0;
  let cancelResend: (() => void) | undefined;
  let cancelOwed: (() => void) | undefined;

  const seal = (kind: 0 | 1 | 2, counter: number, message: Bytes): Bytes => {
    owed = 0; // whatever is sealed says what was had
    return envelope.seal({ kind, counter, had, message });
  };
  // Neither timer is set anew for each frame: when it is over, it is seen how long is left.
  const arm = () => {
    if (cancelResend !== undefined || unsent.length === 0) return;
    cancelResend = clock.after(progressAt + resendMs - clock.monotonic(), () => {
      cancelResend = undefined;
      if (clock.monotonic() >= progressAt + resendMs) {
        resendMs = Math.min(resendMs * 2, LIMITS.channelResendMs);
        sendAgain();
      }
      arm();
    });
  };
  const firstResendMs = () =>
    Math.min(Math.max(2 * roundTripMs, LIMITS.channelResendMsMin), LIMITS.channelResendMs);
  const soonAgain = () => {
    resendMs = firstResendMs();
    cancelResend?.();
    cancelResend = undefined;
    arm();
  };
  const sendAgain = () => {
    progressAt = clock.monotonic();
    timed = undefined; // of which sending the acknowledgement is would not be known
    for (const { frame } of unsent) if (options.publish(frame) !== "sent") break;
  };
  const acknowledge = () => {
    if (owed > 0) options.due();
    if (owed > 0) options.publish(seal(1, ++acknowledgements, EMPTY));
  };
  const owe = (bytes: number) => {
    owed += bytes;
    if (owed >= LIMITS.channelOwedBytesMax) return acknowledge();
    cancelOwed ??= clock.after(LIMITS.channelOwedMsMax, () => {
      cancelOwed = undefined;
      acknowledge();
    });
  };
  const acknowledged = (number: number) => {
    let drop = 0;
    while (drop < unsent.length && (unsent[drop]?.number ?? 0) <= number) {
      unsentBytes -= unsent[drop]?.frame.length ?? 0;
      drop++;
    }
    if (drop === 0) return;
    unsent = unsent.slice(drop);
    progressAt = clock.monotonic();
    if (timed !== undefined && timed.number <= number) {
      roundTripMs = Math.max(progressAt - timed.at, roundTripMs * ROUND_TRIP_KEPT);
      timed = undefined;
      // Until one was timed, what follows is sent again as late as what went before.
      if (resendMs > firstResendMs()) soonAgain();
      else resendMs = firstResendMs();
    }
    options.drained();
  };

  return {
    get unacknowledged() {
      return unsent.length;
    },
    get owes() {
      return owed > 0;
    },
    send(message) {
      if (
        unsent.length >= LIMITS.channelWindowMax ||
        unsentBytes + message.length > LIMITS.channelWindowBytesMax
      )
        return false;
      numbered++;
      const frame = seal(0, numbered, message);
      if (timed === undefined || unsent.length === 0) {
        timed = { number: numbered, at: clock.monotonic() };
        if (unsent.length === 0) progressAt = timed.at;
      }
      unsent.push({ number: numbered, frame });
      unsentBytes += frame.length;
      options.publish(frame); // not sent now: it is sent again by the timer
      arm();
      return true;
    },
    receive(frame) {
      const opened = envelope.open(frame);
      if (opened === undefined) return false;
      const { kind, counter, message } = opened;
      acknowledged(opened.had);
      if (kind === 1) return true;
      if (kind === 2) had = Math.max(had, counter);
      const isNext = kind === 0 && counter === had + 1;
      if (isNext) had = counter;
      owe(frame.length); // also for a double: its acknowledgement was lost
      if (isNext) options.deliver(message);
      return true;
    },
    resume() {
      sendAgain();
      soonAgain();
    },
    giveUp() {
      cancelResend?.();
      cancelResend = undefined;
      if (unsent.length === 0) return;
      numbered++;
      const frame = seal(2, numbered, EMPTY);
      unsent = [{ number: numbered, frame }];
      unsentBytes = frame.length;
    },
    close() {
      cancelResend?.();
      cancelOwed?.();
      cancelResend = cancelOwed = undefined;
      unsent = [];
      unsentBytes = 0;
    },
  };
}

// --- internal -----------------------------------------------------------------------------------

const EMPTY = new Uint8Array(0);

interface Content {
  readonly kind: number;
  readonly counter: number;
  /** The highest number that its sender has had in order. */
  readonly had: number;
  readonly message: Bytes;
}

/** Makes what seals frames to the other end, and opens those that come from it. */
function createEnvelope({ crypto, mine, theirs }: ChannelOptions) {
  const secret = crypto.agree(mine.sealKey, theirs.sealKey);
  const keyFor = (from: ChannelEnd, to: ChannelEnd) =>
    crypto.derive(secret, describeEnds(from, to), KEY_BYTES);
  const sendKey = keyFor(mine, theirs);
  const receiveKey = keyFor(theirs, mine);
  const sendHead = lives(mine, theirs);
  const receiveHead = lives(theirs, mine);
  return {
    seal({ kind, counter, had, message }: Content): Bytes {
      const head = new Uint8Array(HEAD_BYTES);
      head.set(sendHead);
      head[LIVES_BYTES] = kind;
      writeU64(head, LIVES_BYTES + 1, counter);
      const plain = new Uint8Array(HAD_BYTES + message.length);
      writeU64(plain, 0, had);
      plain.set(message, HAD_BYTES);
      const sealed = crypto.seal(sendKey, nonceOf(kind, counter), plain, head);
      const frame = new Uint8Array(HEAD_BYTES + sealed.length);
      frame.set(head);
      frame.set(sealed, HEAD_BYTES);
      return frame;
    },
    /** Undefined for what is no frame of the other end. */
    open(frame: Bytes): Content | undefined {
      if (frame.length < HEAD_BYTES || !startsWith(frame, receiveHead)) return undefined;
      const kind = frame[LIVES_BYTES] ?? 0; // as just checked, it is there
      const counter = readU64(frame, LIVES_BYTES + 1);
      if (counter > LIMITS.counterMax) return undefined;
      const [head, sealed] = [frame.slice(0, HEAD_BYTES), behind(frame, HEAD_BYTES)];
      const plain = crypto.open(receiveKey, nonceOf(kind, counter), sealed, head);
      if (plain === undefined || plain.length < HAD_BYTES) return undefined;
      const had = readU64(plain, 0);
      if (had > LIMITS.counterMax) return undefined;
      return { kind, counter, had, message: behind(plain, HAD_BYTES) };
    },
  };
}

/** The bytes from `from` on; copied where a view costs more. Borrowed as all of them. */
const behind = (bytes: Bytes, from: number): Bytes =>
  bytes.length > LIMITS.frameCopiedBytesMax ? bytes.subarray(from) : bytes.slice(from);

const lives = (from: ChannelEnd, to: ChannelEnd): Bytes => Uint8Array.fromHex(from.life + to.life);

const describeEnds = (from: ChannelEnd, to: ChannelEnd): Bytes =>
  new ByteWriter(96)
    .raw(INFO)
    .raw(sidBytes(from.sid))
    .raw(Uint8Array.fromHex(from.life))
    .raw(sidBytes(to.sid))
    .raw(Uint8Array.fromHex(to.life))
    .done();

function nonceOf(kind: number, counter: number): Bytes {
  const nonce = new Uint8Array(NONCE_BYTES);
  nonce[0] = kind;
  writeU64(nonce, NONCE_BYTES - 8, counter);
  return nonce;
}

function startsWith(bytes: Bytes, head: Bytes): boolean {
  for (let i = 0; i < head.length; i++) if (bytes[i] !== head[i]) return false;
  return true;
}
