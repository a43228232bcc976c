// The receiver's end of a transfer: takes chunks in order, writes them, and renews the credit as
// they come, but no further than its disk follows, so that memory is bounded whatever the sender
// does. The sender and the servers may lie: sizes, order, credit and the hash are all checked here.
// See transfer.ts.
//
//   receiving ──all written, "finished" is there, hash right──▶ keeping ──▶ kept
//    │  ▲  └──── end(why) ────────────────────────────────────────┴──────▶ ended
//    ▼  │ offered again                                                      ▲
//   paused ── end(why), or not offered within transferResumeMsMax ───────────┘
//
// Invariants: 1. `#written` ≤ `#taken` ≤ `#upTo` ≤ size. 2. What may still come is at most the
// window, and with what waits to be written at most LIMITS.writeAheadBytes more. 3. The download is
// kept or discarded, once, when no write is running. 4. It pauses only where its sender has said by
// what it is known when it is offered again; and it is taken again also when it is kept, since the
// word of that may be lost.
//
// The window begins with LIMITS.creditBytes, and stays there on a short way. On a long one it is
// doubled when bytes for a renewed credit come as soon as ever after it was sent, and halved when
// they come late: it then only fills queues on the way, where chat waits behind it.

import type { Bytes, Millis } from "../environment.ts";
import { ChatFusionError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { OfferEntry, Requests } from "../protocol/messages.ts";
import type { Download } from "./download.ts";
import { callOutside } from "./listeners.ts";
import {
  cancelled,
  cancelOf,
  interrupted,
  proofOf,
  StallTimer,
  type TransferOptions,
  type TransferPort,
} from "./transfer.ts";

/** A file that has arrived. */
export interface Received {
  readonly transfer: string;
  /** Where it is now, absolute. */
  readonly path: string;
  readonly size: number;
  /** Checked; 64 hex digits. */
  readonly sha256: string;
}

export class Incoming {
  readonly #offer: OfferEntry;
  readonly #download: Download;
  readonly #port: TransferPort;
  readonly #options: TransferOptions;
  readonly #result = Promise.withResolvers<Received>();
  readonly #hash = new Bun.CryptoHasher("sha256");
  readonly #abort = (): void => this.#cancel(cancelled(this.#options.signal));
  /** By what both ends are known when it is offered again, and nobody else: 32 hex digits. */
  readonly #receiving: string;
  /** The transfer by which it comes now. */
  #transfer: string;
  #stall: StallTimer;
  #phase: "receiving" | "paused" | "keeping" | "kept" | "ended" = "receiving";
  #cancelPause: (() => void) | undefined;
  /** Its sender knows how this end is known. */
  #isAccepted = false;
  #taken = 0;
  #written = 0;
  #upTo: number;
  #window: number = LIMITS.creditBytes;
  /** The hash that the sender has said. */
  #said: string | undefined;
  /** Of all of it; "" before. */
  #sha256 = "";
  #writing = false;
  /** Full, in order; then the one that is being filled; and those to be used again. */
  readonly #full: Bytes[] = [];
  #filling: Bytes | undefined;
  #filled = 0;
  readonly #spare: Bytes[] = [];
  /** A renewed credit whose first byte has not come yet. */
  #mark: { readonly offset: number; readonly at: Millis } | undefined;
  /** Why it was given up; set with the phase "ended". */
  #why: ChatFusionError | undefined;
  #delayLeast: Millis = Number.POSITIVE_INFINITY;

  constructor(offer: OfferEntry, download: Download, port: TransferPort, options: TransferOptions) {
    this.#offer = offer;
    this.#receiving = port.token();
    this.#transfer = offer.transfer;
    this.#download = download;
    this.#port = port;
    this.#options = options;
    this.#upTo = Math.min(offer.size, LIMITS.creditBytes);
    this.#stall = this.#startStall();
    // It may fail before anybody has asked for the result; who asks is told.
    this.#result.promise.catch(() => undefined);
    options.signal?.addEventListener("abort", this.#abort);
    // Already aborted: no event comes any more.
    if (options.signal?.aborted === true) this.#abort();
  }

  /** Settles when it has ended, well or not, and nothing is being written any more. */
  get result(): Promise<Received> {
    return this.#result.promise;
  }

  /** The transfer by which it comes now. */
  get transfer(): string {
    return this.#transfer;
  }

  get isPaused(): boolean {
    return this.#phase === "paused";
  }

  /** It has been offered again. */
  get isAgain(): boolean {
    return this.#transfer !== this.#offer.transfer;
  }

  /** Why it does not go on, as its sender is told; undefined where it does, or has arrived. */
  get refusal(): string | undefined {
    return this.#why && cancelOf(this.#transfer, this.#why).reason;
  }

  /** What accepts it, from where it has got to. */
  get acceptance(): Requests["accept"]["ask"] {
    const [transfer, offset] = [this.#transfer, this.#taken];
    if (this.#offer.sending === undefined) return { transfer, offset };
    const receiving = this.isAgain ? proofOf(this.#receiving, transfer) : this.#receiving;
    return { transfer, offset, receiving };
  }

  /** Tells whether this is what an offer, made again, is of. */
  isOf({ sending, from, name, size }: OfferEntry): boolean {
    const isKnown = sending === proofOf(this.#receiving, from);
    return isKnown && name === this.#offer.name && size === this.#offer.size;
  }

  /** Takes a chunk; the bytes are borrowed. */
  chunk(offset: number, bytes: Bytes): void {
    if (this.#phase !== "receiving") return;
    const fault = this.#faultOf(offset, bytes.length);
    if (fault !== undefined) return this.#cancel(fault);
    this.#stall.moved();
    this.#measure(offset);
    this.#hash.update(bytes);
    this.#taken += bytes.length;
    this.#copy(bytes);
    this.#renew();
    this.#write();
  }

  /** The sender has sent everything; its last chunks may still be behind this. */
  finished(sha256: string): void {
    if (this.#phase === "ended" || this.#said !== undefined) return;
    this.#stall.moved();
    this.#said = sha256;
    if (this.#phase === "kept") this.#tellDone();
    else this.#complete();
  }

  /** The server has taken what accepts it. */
  accepted(): void {
    this.#isAccepted = true;
  }

  /** The transfer is no more: waits to be offered again, where that may be. */
  interrupt(why: ChatFusionError): void {
    const isOfferedAgain = this.#offer.sending !== undefined && this.#isAccepted;
    if (!isOfferedAgain) return this.end(why);
    // Where all is here, only the disk is waited for.
    const isHere = this.#said !== undefined && this.#taken === this.#offer.size;
    if (this.#phase !== "receiving" || isHere) return;
    this.#phase = "paused";
    this.#stall.stop();
    this.#cancelPause = this.#port.clock.after(LIMITS.transferResumeMsMax, () => {
      const minutes = LIMITS.transferResumeMsMax / 60_000;
      this.end(interrupted(`${why.text}; it did not go on within ${minutes} minutes`));
    });
    callOutside(this.#port.clock, () => this.#options.onPaused?.(why));
  }

  /** It is offered again: goes on as that transfer, which is then to be accepted, or refused. */
  resume(transfer: string): void {
    this.interrupt(interrupted("it was offered again"));
    this.#transfer = transfer;
    this.#said = undefined;
    if (this.#phase !== "paused") return; // all of it is here
    this.#phase = "receiving";
    this.#cancelPause?.();
    this.#upTo = Math.min(this.#offer.size, this.#taken + LIMITS.creditBytes);
    this.#window = LIMITS.creditBytes;
    this.#mark = undefined;
    this.#delayLeast = Number.POSITIVE_INFINITY;
    this.#stall = this.#startStall();
    const { transfer: shown, size } = this.#offer;
    const progress = { transfer: shown, bytes: this.#taken, size };
    callOutside(this.#port.clock, () => this.#options.onResumed?.(progress));
  }

  /** Ends it without a word to the other side. Idempotent. */
  end(why: ChatFusionError): void {
    // What is being given its name has arrived.
    if (this.#phase !== "receiving" && this.#phase !== "paused") return;
    this.#close();
    this.#why = why;
    if (!this.#writing) this.#discard();
  }

  // --- internal ---------------------------------------------------------------------------------

  #cancel(why: ChatFusionError): void {
    if (this.#phase === "receiving") this.#port.tell("cancel", cancelOf(this.#transfer, why));
    this.end(why);
  }

  #startStall(): StallTimer {
    return new StallTimer(this.#port.clock, (why) => {
      this.#port.tell("cancel", cancelOf(this.#transfer, why));
      this.interrupt(why);
    });
  }

  #close(): void {
    this.#phase = "ended";
    this.#stall.stop();
    this.#cancelPause?.();
    this.#options.signal?.removeEventListener("abort", this.#abort);
  }

  #discard(): void {
    this.#full.length = 0;
    this.#spare.length = 0;
    this.#filling = undefined;
    const why = this.#why ?? cancelled(undefined);
    this.#download.discard().then(
      () => this.#result.reject(why),
      (thrown: unknown) => {
        const text = `${why.text}; what was received of it could not be removed: ${String(thrown)}`;
        this.#result.reject(new ChatFusionError(why.code, text, thrown));
      },
    );
  }

  #faultOf(offset: number, length: number): ChatFusionError | undefined {
    const { size } = this.#offer;
    const end = this.#taken + length;
    if (offset !== this.#taken) {
      const text = `a chunk at byte ${offset}, expected ${this.#taken}`;
      return new ChatFusionError("CHUNK_OUT_OF_ORDER", text);
    }
    if (end > size) {
      return new ChatFusionError("SIZE_MISMATCH", `${end} bytes or more, expected ${size}`);
    }
    if (end > this.#upTo) {
      const text = `bytes up to ${end} were sent, permitted were ${this.#upTo}`;
      return new ChatFusionError("CHUNK_PAST_CREDIT", text);
    }
    return undefined;
  }

  #copy(bytes: Bytes): void {
    for (let at = 0; at < bytes.length;) {
      const filling = (this.#filling ??= this.#spare.pop() ?? new Uint8Array(LIMITS.writeBytes));
      const piece = bytes.subarray(at, at + filling.length - this.#filled);
      filling.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
      if (this.#filled < filling.length) continue;
      this.#full.push(filling);
      this.#filling = undefined;
      this.#filled = 0;
    }
  }

  /** The next piece to write, and the buffer that it stands in. */
  #next(): { readonly buffer: Bytes; readonly piece: Bytes } | undefined {
    const full = this.#full.shift();
    if (full !== undefined) return { buffer: full, piece: full };
    const buffer = this.#filling;
    if (buffer === undefined || this.#filled === 0) return undefined;
    const piece = buffer.subarray(0, this.#filled);
    this.#filling = undefined;
    this.#filled = 0;
    return { buffer, piece };
  }

  #write(): void {
    if (this.#writing) return;
    this.#writing = true;
    this.#writeAll().then(
      () => {
        this.#writing = false;
        if (this.#phase === "ended") this.#discard();
        else this.#complete();
      },
      (thrown: unknown) => {
        this.#writing = false;
        const isOurs = thrown instanceof ChatFusionError;
        const why = isOurs
          ? thrown
          : new ChatFusionError("FILE_UNWRITABLE", String(thrown), thrown);
        if (this.#phase === "ended") this.#discard();
        else this.#cancel(why);
      },
    );
  }

  async #writeAll(): Promise<void> {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      await this.#download.write(next.piece);
      if (this.#hasEnded()) return;
      this.#written += next.piece.length;
      this.#spare.push(next.buffer);
      this.#stall.moved();
      this.#renew();
      const { transfer, size } = this.#offer;
      const progress = { transfer, bytes: this.#written, size };
      callOutside(this.#port.clock, () => this.#options.onProgress?.(progress));
    }
  }

  #hasEnded(): boolean {
    return this.#phase === "ended";
  }

  #renew(): void {
    const room = this.#written + LIMITS.writeAheadBytes;
    const upTo = Math.min(this.#offer.size, Math.min(this.#taken, room) + this.#window);
    const isLast = upTo === this.#offer.size;
    const step = Math.max(LIMITS.creditStepBytesMin, this.#window / 4);
    if (upTo <= this.#upTo || (!isLast && upTo - this.#upTo < step)) return;
    this.#mark ??= { offset: this.#upTo, at: this.#port.clock.monotonic() };
    this.#upTo = upTo;
    this.#port.tell("credit", { transfer: this.#transfer, upTo });
  }

  /** Sees how long a renewed credit took to come back as bytes, and fits the window to it. */
  #measure(offset: number): void {
    if (this.#mark === undefined || offset < this.#mark.offset) return;
    const delay = this.#port.clock.monotonic() - this.#mark.at;
    this.#mark = undefined;
    const least = Math.min(this.#delayLeast, delay);
    this.#delayLeast = least;
    if (least <= LIMITS.creditDelayMs) this.#window = LIMITS.creditBytes;
    else if (delay <= 1.5 * least) this.#window = Math.min(2 * this.#window, LIMITS.creditBytesMax);
    else if (delay > 2 * least) this.#window = Math.max(this.#window / 2, LIMITS.creditBytes);
  }

  /** Checks and keeps the file when all of it is there. */
  #complete(): void {
    if (this.#phase !== "receiving" || this.#said === undefined || this.#writing) return;
    const { size, transfer, sha256: offered } = this.#offer;
    if (this.#written < size) return;
    const sha256 = this.#hash.digest("hex");
    this.#sha256 = sha256;
    if (sha256 !== this.#said || (offered !== undefined && sha256 !== offered)) {
      const text = `its SHA-256 is ${sha256}, the sender said ${offered ?? this.#said}`;
      return this.#cancel(new ChatFusionError("HASH_MISMATCH", text));
    }
    this.#close();
    this.#phase = "keeping";
    this.#download.keep().then(
      (path) => {
        this.#phase = "kept";
        this.#spare.length = 0;
        this.#tellDone();
        this.#result.resolve({ transfer, path, size, sha256 });
      },
      (thrown: unknown) => {
        const isOurs = thrown instanceof ChatFusionError;
        const why = isOurs
          ? thrown
          : new ChatFusionError("FILE_UNWRITABLE", String(thrown), thrown);
        this.#phase = "ended";
        this.#why = why;
        this.#port.tell("cancel", cancelOf(this.#transfer, why));
        this.#result.reject(why);
      },
    );
  }

  /** All is here, and its sender has said so, by the transfer there is now. */
  #tellDone(): void {
    if (this.#said === undefined) return;
    const [transfer, sha256] = [this.#transfer, this.#sha256];
    if (this.#said === sha256) return this.#port.tell("done", { transfer, sha256 });
    const text = `its SHA-256 was ${sha256}, the sender says ${this.#said} now`;
    const why = new ChatFusionError("HASH_MISMATCH", text);
    this.#port.tell("cancel", cancelOf(transfer, why));
  }
}
