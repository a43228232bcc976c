// A file on its way to somebody, over as many transfers as it takes: one that was interrupted is
// offered again, and goes on where its receiver has got to. See transfer.ts, outgoing.ts.
//
//   offered ──accepted──▶ moving ──done──▶ ended
//                          │  ▲
//              interrupted ▼  │ offered again, and accepted by the same receiver
//                         paused ──refused, or no byte for transferResumeMsMax──▶ ended
//
// Invariants: 1. It is offered again only to one who has said a secret when he accepted it, and
// goes on with nobody who does not prove that he knows it: who has that nick by now gets no byte
// of it, and can't pass for the sender either. 2. The source is closed once, when nobody reads it
// any more.

import { ChatFusionError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Requests } from "../protocol/messages.ts";
import { callOutside } from "./listeners.ts";
import { HashedSource } from "./hashed-source.ts";
import { Outgoing, type SendOptions, type Sent } from "./outgoing.ts";
import type { OpenSource } from "./source.ts";
import { cancelled, interrupted, isPassing, proofOf, type TransferPort } from "./transfer.ts";

export interface SendingParts {
  readonly port: TransferPort;
  readonly to: string;
  readonly source: OpenSource;
  readonly options: SendOptions;
  /** Makes an offer; resolves or rejects as the transfer that is begun when it is answered. */
  offer(ask: Requests["offer"]["ask"], begin: (transfer: string) => Outgoing): Promise<Sent>;
}

export class Sending {
  readonly #parts: SendingParts;
  readonly #hashed: HashedSource;
  /** The receiver's secret, once it has accepted and can go on. */
  #receiving: string | undefined;
  /** The first transfer: as which all of them are shown. */
  #transfer = "";
  #outgoing: Outgoing | undefined;
  /** Whose its last offer was, as far as was known here. */
  #address = "";
  #bytes = 0;
  #movedAt = 0;
  /** Why it is paused. */
  #why: ChatFusionError | undefined;
  /** Offers since a byte has moved. */
  #tries = 0;
  #wake: (() => void) | undefined;
  /** Why it is not to go on, whatever comes. */
  #over: ChatFusionError | undefined;

  constructor(parts: SendingParts) {
    this.#parts = parts;
    this.#hashed = new HashedSource(parts.source);
  }

  /** Settles when it has ended, well or not. */
  async run(): Promise<Sent> {
    try {
      return await this.#offer();
    } finally {
      // It was only read: if closing fails, nobody loses anything, but it must not be unhandled.
      const stopped = this.#outgoing?.stopped ?? Promise.resolve();
      stopped.then(() => this.#parts.source.close()).catch(() => undefined);
    }
  }

  /** The connection is there again: what is paused is offered at once. */
  back(): void {
    this.#wake?.();
  }

  /** Ends it where it is paused, now or next; what is under way ends as its transfer. */
  end(why: ChatFusionError): void {
    this.#over = why;
    this.#wake?.();
  }

  // --- internal ---------------------------------------------------------------------------------

  async #offer(): Promise<Sent> {
    for (;;) {
      try {
        return await this.#offerOnce();
      } catch (thrown) {
        await this.#pause(thrown);
      }
      await this.#outgoing?.stopped;
    }
  }

  #offerOnce(): Promise<Sent> {
    const { to, source, port, offer } = this.#parts;
    const { name, size, mediaType, seek } = source;
    const type = mediaType === undefined ? {} : { mediaType };
    this.#address = port.address();
    const first = seek === undefined ? {} : { sending: port.token() };
    const again = (secret: string) =>
      ({ sending: proofOf(secret, this.#address), again: true }) as const;
    const known = this.#receiving === undefined ? first : again(this.#receiving);
    return offer({ to, name, size, ...type, ...known }, (transfer) => this.#begin(transfer));
  }

  #begin(transfer: string): Outgoing {
    const { port, source, options } = this.#parts;
    const { name, size } = source;
    if (this.#transfer === "") {
      this.#transfer = transfer;
      const offered = { transfer, name, size, bytes: 0 };
      this.#call(() => options.onOffered?.(offered));
    }
    this.#outgoing = new Outgoing(transfer, source, port, {
      hashed: this.#hashed,
      shown: this.#transfer,
      signal: options.signal,
      accepted: (from, receiving) => this.#accepted(transfer, { from, receiving }),
      moved: (bytes) => this.#moved(bytes),
    });
    // By who was told that it is offered.
    if (this.#over !== undefined) this.#outgoing.end(this.#over);
    return this.#outgoing;
  }

  /** Says why it is not to go on with this receiver. */
  #accepted(
    as: string,
    { from, receiving }: { readonly from: number; readonly receiving: string | undefined },
  ): ChatFusionError | undefined {
    const { options, source, to, port } = this.#parts;
    const transfer = this.#transfer;
    if (this.#receiving === undefined) {
      this.#receiving = receiving;
      this.#movedAt = port.clock.monotonic();
      this.#call(() => options.onAccepted?.(transfer));
    } else if (receiving === proofOf(this.#receiving, as)) {
      this.#why = undefined;
      this.#call(() => options.onResumed?.({ transfer, bytes: from, size: source.size }));
    } else {
      const text = `${to} does not have its beginning: send it again`;
      return new ChatFusionError("TRANSFER_REJECTED", text);
    }
    return undefined;
  }

  #moved(bytes: number): void {
    const { options, source, port } = this.#parts;
    const progress = { transfer: this.#transfer, bytes, size: source.size };
    this.#call(() => options.onProgress?.(progress));
    if (bytes <= this.#bytes) return;
    this.#bytes = bytes;
    this.#movedAt = port.clock.monotonic();
    this.#tries = 0;
  }

  /** Resolves when it is to be offered again; rejects when it is not. */
  async #pause(thrown: unknown): Promise<void> {
    const { port, options, source } = this.#parts;
    const canGoOn = this.#receiving !== undefined && source.seek !== undefined;
    const isOver = this.#over !== undefined || !canGoOn;
    if (isOver || !(thrown instanceof ChatFusionError)) throw thrown;
    // Renamed on the way of its offer, it was not known by that.
    const isUnknown = thrown.code === "TRANSFER_REJECTED" && this.#address !== port.address();
    if (!isPassing(thrown.code) && !isUnknown) throw thrown;
    if (this.#why === undefined) this.#call(() => options.onPaused?.(thrown));
    this.#why ??= thrown;
    let ms = Math.min(LIMITS.transferAgainMsMax, LIMITS.transferAgainMs * 2 ** this.#tries++);
    do {
      const left = this.#movedAt + LIMITS.transferResumeMsMax - port.clock.monotonic();
      if (left <= 0) throw this.#late(thrown);
      await this.#wait(Math.min(left, ms));
      if (this.#over !== undefined) throw this.#over;
      ms = left; // as long as there is no connection, only that is waited for
    } while (!port.connected());
  }

  #call(listener: () => void): void {
    callOutside(this.#parts.port.clock, listener);
  }

  #late(last: ChatFusionError): ChatFusionError {
    const minutes = LIMITS.transferResumeMsMax / 60_000;
    return interrupted(`${last.text}; it could not go on within ${minutes} minutes`);
  }

  async #wait(ms: number): Promise<void> {
    const { port, options } = this.#parts;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const cancel = port.clock.after(ms, resolve);
    const abort = () => {
      reject(cancelled(options.signal));
      // The receiver waits for it, and is told by an offer that is withdrawn once it is answered.
      if (port.connected()) this.#offerOnce().catch(() => undefined);
    };
    options.signal?.addEventListener("abort", abort);
    if (options.signal?.aborted === true) abort();
    if (this.#over !== undefined) resolve();
    try {
      await promise;
    } finally {
      cancel();
      options.signal?.removeEventListener("abort", abort);
      this.#wake = undefined;
    }
  }
}
