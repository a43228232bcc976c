// What the two ends of a transfer have in common. The sender is outgoing.ts, the receiver
// incoming.ts, all of them are in transfers.ts; the frames are in protocol/transfer.ts.

import type { Bytes, Clock, Random } from "../environment.ts";
import { ChatFusionError, type ErrorCode } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { encodeJson, FRAME } from "../protocol/frame.ts";
import type { RequestName, Requests } from "../protocol/messages.ts";
import type { Connection } from "./connection.ts";

/** How far a transfer is. */
export interface Progress {
  readonly transfer: string;
  /** Sent, or written. */
  readonly bytes: number;
  readonly size: number;
}

/** Functions of it are called as listeners are: one that throws ends the program. */
export interface TransferOptions {
  /**
   * It was interrupted, and goes on by itself if it can within LIMITS.transferResumeMsMax: the
   * connection was lost, the other side is away, or its server.
   */
  readonly onPaused?: (why: ChatFusionError) => void;
  /** It goes on where it was interrupted. */
  readonly onResumed?: (progress: Progress) => void;
  /** Called for every piece: often. */
  readonly onProgress?: (progress: Progress) => void;
  /** Aborting cancels; its reason, where it is a text, is what the other side is told. */
  readonly signal?: AbortSignal;
}

/** What a transfer may use of its client. */
export interface TransferPort {
  readonly clock: Clock;
  /** What one end says first to the other of a file that may go on: 32 random hex digits. */
  token(): string;
  /** A request without an answer. Lost when there is no connection, as the transfer is then. */
  tell<T extends RequestName>(name: T, ask: Requests[T]["ask"]): void;
  /** Likewise, behind all chunks that were sent before. */
  tellBehindChunks<T extends RequestName>(name: T, ask: Requests[T]["ask"]): void;
  /** A whole chunk frame; borrowed. False when there is no connection. */
  sendChunk(frame: Bytes): boolean;
  /** Bytes of chunks that have not left yet; above 0 only until `drained` is called. */
  chunksQueued(): number;
  connected(): boolean;
  /** As the other side is told whose offer it is. */
  address(): string;
}

/** Makes the port of the transfers over the connection that there is now. */
export function createTransferPort(
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  to: {
    send(frame: Bytes, lane: "room" | "bulk"): boolean;
    connection(): Connection | undefined;
    address(): string;
  },
): TransferPort {
  return {
    clock,
    token: () => random.bytes(16).toHex(),
    tell(name, ask) {
      to.send(encodeJson(FRAME[name], ask), "room");
    },
    tellBehindChunks(name, ask) {
      to.send(encodeJson(FRAME[name], ask), "bulk");
    },
    sendChunk(frame) {
      const connection = to.connection();
      // First what waits for the end of the turn: then either all has left and the chunk is
      // written at once, or the outbox is blocked and will say when it is not.
      connection?.flush();
      return connection?.sendChunk(frame) ?? false;
    },
    chunksQueued: () => to.connection()?.chunksQueued ?? 0,
    connected: () => to.connection() !== undefined,
    address: () => to.address(),
  };
}

/** Runs `passed` when nothing has moved for `LIMITS.transferStallMsMax` twice over. */
export class StallTimer {
  readonly #clock: Clock;
  readonly #passed: (why: ChatFusionError) => void;
  #moved = true;
  #cancel: () => void;

  constructor(clock: Clock, passed: (why: ChatFusionError) => void) {
    this.#clock = clock;
    this.#passed = passed;
    this.#cancel = this.#arm();
  }

  moved(): void {
    this.#moved = true;
  }

  stop(): void {
    this.#cancel();
  }

  #arm(): () => void {
    // The server notices first, and tells both ends; this is for servers that do not.
    return this.#clock.after(2 * LIMITS.transferStallMsMax, () => {
      if (this.#moved) {
        this.#moved = false;
        this.#cancel = this.#arm();
        return;
      }
      const seconds = Math.round((2 * LIMITS.transferStallMsMax) / 1000);
      this.#passed(interrupted(`nothing moved for ${seconds} s`));
    });
  }
}

/** Makes the refusal of a transfer that something else ended. */
export const interrupted = (text: string): ChatFusionError =>
  new ChatFusionError("TRANSFER_INTERRUPTED", text);

/**
 * By what an end of a file that goes on is known: the secret that its receiver said when it first
 * accepted it, bound to what it is said of. Who hears it in the other end's place, as that one's
 * nick is his by now, can't use it for anything else. 32 hex digits.
 */
export const proofOf = (secret: string, of: string): string =>
  new Bun.CryptoHasher("sha256")
    .update(secret + of)
    .digest("hex")
    .slice(0, 32);

/** Whether what ended a transfer, or an offer of one that goes on, may be over soon. */
export const isPassing = (code: ErrorCode): boolean => passing.has(code);

const passing: ReadonlySet<ErrorCode> = new Set([
  "TRANSFER_INTERRUPTED",
  "NO_SUCH_NICK",
  "NO_SUCH_SERVER",
  "UNREACHABLE",
  "UNCONFIRMED",
  "CONGESTED",
  "TOO_MANY_TRANSFERS",
  "RATE_LIMITED",
  "QUEUE_FULL",
  "SERVER_STOPPING",
]);

/** What the other side is told; where our files are is none of its business. */
export function cancelOf(transfer: string, why: ChatFusionError): Requests["cancel"]["ask"] {
  const reason = why.text.slice(0, reasonCharacters);
  switch (why.code) {
    case "FILE_UNREADABLE":
      return { transfer, code: why.code, reason: "the sender cannot read it, or not any more" };
    case "FILE_UNWRITABLE":
      return { transfer, code: why.code, reason: "the receiver cannot write it" };
    case "TRANSFER_INTERRUPTED":
    case "SIZE_MISMATCH":
    case "HASH_MISMATCH":
      return { transfer, code: why.code, reason };
    default:
      return { transfer, reason };
  }
}

/** A reason is LIMITS.reasonBytesMax bytes at most, whatever its letters. */
const reasonCharacters = Math.floor(LIMITS.reasonBytesMax / 3);

/** What an aborted signal means for a transfer. */
export function cancelled(signal: AbortSignal | undefined): ChatFusionError {
  const reason: unknown = signal?.reason;
  const text = typeof reason === "string" ? reason : "cancelled";
  return new ChatFusionError("TRANSFER_CANCELLED", text);
}
