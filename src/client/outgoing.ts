// The sender's end of a transfer: reads the source, as far ahead as the receiver permits and the
// connection takes, and never further. See sending.ts, transfer.ts.
//
//   offered ──accepted──▶ sending ──last byte──▶ finished ──done──▶ ended
//      └─────────────────────┴── end(why) ──────────┴──────────────▶ ended
//
// Invariants: 1. No byte at or past `#upTo` is sent. 2. The bytes that are sent are those that were
// hashed, in one reading.

import type { Bytes } from "../environment.ts";
import { ChatFusionError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { FRAME, FRAME_HEAD_BYTES, writeHead } from "../protocol/frame.ts";
import { CHUNK_HEAD_BYTES, writeChunkHead } from "../protocol/transfer.ts";
import type { HashedSource } from "./hashed-source.ts";
import type { OpenSource } from "./source.ts";
import {
  cancelled,
  cancelOf,
  interrupted,
  StallTimer,
  type Progress,
  type TransferOptions,
  type TransferPort,
} from "./transfer.ts";

/** A file that has arrived. */
export interface Sent {
  readonly transfer: string;
  /** As it was offered: a clean label. */
  readonly name: string;
  readonly size: number;
  /** Checked at both ends; 64 hex digits. */
  readonly sha256: string;
}

export interface SendOptions extends TransferOptions {
  /** Another name than the source's own. */
  readonly name?: string;
  /** The offer is out; the other side has yet to answer. */
  readonly onOffered?: (offered: Progress & { readonly name: string }) => void;
  readonly onAccepted?: (transfer: string) => void;
}

/** What the sending that it is a part of has to say, and is told. */
export interface OutgoingOptions {
  readonly hashed: HashedSource;
  /** The id that people are told. */
  readonly shown: string;
  readonly signal: AbortSignal | undefined;
  /** It is accepted from this byte on; returns why it is not to be sent to this receiver. */
  accepted(from: number, receiving: string | undefined): ChatFusionError | undefined;
  /** So much has been sent. */
  moved(bytes: number): void;
}

const headBytes = FRAME_HEAD_BYTES + CHUNK_HEAD_BYTES;

export class Outgoing {
  readonly #id: string;
  readonly #source: OpenSource;
  readonly #port: TransferPort;
  readonly #options: OutgoingOptions;
  readonly #result = Promise.withResolvers<Sent>();
  readonly #abort = (): void => this.#cancel(cancelled(this.#options.signal));
  #phase: "offered" | "sending" | "finished" | "ended" = "offered";
  #upTo = 0;
  /** The next byte to send. */
  #offset = 0;
  #sha256 = "";
  #reading: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  #stall: StallTimer | undefined;

  constructor(id: string, source: OpenSource, port: TransferPort, options: OutgoingOptions) {
    this.#id = id;
    this.#source = source;
    this.#port = port;
    this.#options = options;
    // It may fail before anybody has asked for the result; who asks is told.
    this.#result.promise.catch(() => undefined);
    options.signal?.addEventListener("abort", this.#abort);
    // Already aborted: no event comes any more.
    if (options.signal?.aborted === true) this.#abort();
  }

  /** Settles when it has ended, well or not. */
  get result(): Promise<Sent> {
    return this.#result.promise;
  }

  /** Bytes may be on their way. */
  get begun(): boolean {
    return this.#phase !== "offered";
  }

  /** Resolves when nobody reads the source any more, once the result is settled. */
  get stopped(): Promise<void> {
    return this.#reading ?? Promise.resolve();
  }

  accepted(offset: number, upTo: number, receiving?: string): void {
    if (this.#phase !== "offered") return;
    if (offset > this.#source.size) {
      const text = `accepted from byte ${offset} on, of ${this.#source.size}`;
      this.#cancel(new ChatFusionError("SIZE_MISMATCH", text));
      return;
    }
    const refusal = this.#options.accepted(offset, receiving);
    if (refusal !== undefined) return this.#cancel(refusal);
    if (this.#hasEnded()) return; // by who was told of it
    this.#phase = "sending";
    this.#upTo = upTo;
    this.#stall = new StallTimer(this.#port.clock, (why) => this.#cancel(why));
    this.#reading = this.#run(offset).catch((thrown: unknown) => {
      const isOurs = thrown instanceof ChatFusionError;
      this.#cancel(
        isOurs ? thrown : new ChatFusionError("FILE_UNREADABLE", String(thrown), thrown),
      );
    });
  }

  credited(upTo: number): void {
    this.#upTo = Math.max(this.#upTo, upTo);
    this.#stall?.moved();
    this.#wake?.();
  }

  drained(): void {
    this.#stall?.moved();
    this.#wake?.();
  }

  done(sha256: string): void {
    if (this.#phase !== "finished" || sha256 !== this.#sha256) {
      const text = "the receiver says that it has everything, but it has not";
      this.#cancel(new ChatFusionError("HASH_MISMATCH", text));
      return;
    }
    const { name, size } = this.#source;
    this.#result.resolve({ transfer: this.#options.shown, name, size, sha256 });
    this.#close();
  }

  /** Ends it without a word to the other side. Idempotent. */
  end(why: ChatFusionError): void {
    if (this.#phase === "ended") return;
    this.#result.reject(why);
    this.#close();
    this.#source.stop?.();
    this.#wake?.(); // whoever reads
  }

  // --- internal ---------------------------------------------------------------------------------

  #cancel(why: ChatFusionError): void {
    if (this.#phase === "ended") return;
    this.#port.tell("cancel", cancelOf(this.#id, why));
    this.end(why);
  }

  #close(): void {
    this.#phase = "ended";
    this.#stall?.stop();
    this.#options.signal?.removeEventListener("abort", this.#abort);
  }

  /** Reads and sends it all, but for what stands before `from`, which the receiver has already. */
  async #run(from: number): Promise<void> {
    const frames = chunkFrames(this.#id);
    const { size } = this.#source;
    const { hashed } = this.#options;
    this.#upTo = Math.max(this.#upTo, from);
    // What was changed while it waited need not be sent to be known.
    if (hashed.at > 0) await this.#source.verify();
    hashed.back(from);
    this.#offset = hashed.at;
    while (this.#offset < size && (await this.#room())) {
      // Up to `from` first: no chunk begins before it.
      const edge = Math.min(size, this.#offset < from ? from : this.#upTo);
      const views = viewsOf(frames, Math.min(LIMITS.readBytes, edge - this.#offset));
      const got = await hashed.read(views);
      if (this.#hasEnded()) return;
      if (got === 0) {
        const text = `${this.#source.name}: it ends at byte ${this.#offset} of ${size}`;
        throw new ChatFusionError("FILE_UNREADABLE", text);
      }
      this.#pass(frames, got, from);
      if (this.#offset > from) this.#options.moved(this.#offset);
    }
    if (!this.#hasEnded()) await this.#source.verify();
    if (this.#hasEnded()) return;
    this.#phase = "finished";
    this.#sha256 = hashed.sha256();
    this.#port.tellBehindChunks("finish", { transfer: this.#id, sha256: this.#sha256 });
  }

  #hasEnded(): boolean {
    return this.#phase === "ended";
  }

  /** Waits until there is credit and the outbox is short; false when it has ended meanwhile. */
  async #room(): Promise<boolean> {
    while (!this.#hasEnded()) {
      const isFull = this.#port.chunksQueued() > LIMITS.readBytes;
      if (!isFull && this.#upTo > this.#offset) return true;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
      this.#wake = undefined;
    }
    return false;
  }

  /** Sends what was read and the receiver lacks. */
  #pass(frames: readonly Bytes[], got: number, from: number): void {
    for (let at = 0, index = 0; at < got; at += LIMITS.chunkBytesMax, index++) {
      const frame = frames[index] as Bytes; // `got` is at most what the frames hold
      const length = Math.min(LIMITS.chunkBytesMax, got - at);
      if (this.#offset >= from) {
        writeHead(frame, 0, FRAME.chunk, CHUNK_HEAD_BYTES + length);
        writeOffset(frame, this.#offset);
        if (!this.#port.sendChunk(frame.subarray(0, headBytes + length))) {
          throw interrupted("the connection was lost");
        }
      }
      this.#offset += length;
    }
    this.#stall?.moved();
  }
}

/** Buffers for one reading: room for the heads stands before each chunk, so nothing is moved. */
function chunkFrames(id: string): Bytes[] {
  const count = Math.ceil(LIMITS.readBytes / LIMITS.chunkBytesMax);
  return Array.from({ length: count }, () => {
    const frame = new Uint8Array(headBytes + LIMITS.chunkBytesMax);
    writeChunkHead(frame, FRAME_HEAD_BYTES, id, 0);
    return frame;
  });
}

/** Changes the offset of a chunk whose head was written before. */
function writeOffset(frame: Bytes, offset: number): void {
  const view = new DataView(frame.buffer, frame.byteOffset + FRAME_HEAD_BYTES + 16, 8);
  view.setUint32(0, Math.floor(offset / 2 ** 32));
  view.setUint32(4, offset % 2 ** 32);
}

/** The parts of the frames into which `count` bytes are read. */
function viewsOf(frames: readonly Bytes[], count: number): Bytes[] {
  const views: Bytes[] = [];
  for (const frame of frames) {
    const left = count - views.length * LIMITS.chunkBytesMax;
    if (left <= 0) break;
    views.push(frame.subarray(headBytes, headBytes + Math.min(left, LIMITS.chunkBytesMax)));
  }
  return views;
}
