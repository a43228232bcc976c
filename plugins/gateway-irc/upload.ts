// A file of an IRC client's on its way to somebody: offered in the fusion, and fetched from the
// client by DCC once it is accepted. What the client sends ahead of the addressee's credit is held,
// within a bound, and then it is paused.
//
//   offered ──accepted──▶ opening ──connected──▶ moving ──all sent──▶ finished ──done──▶ gone
//      └──────────── failed, refused, given up, the end of the session ───────────────────▲

import { createHash } from "node:crypto";
import type { Beside, BesideHandlers, Bytes } from "chatfusion";
import { CHUNK_HEAD_BYTES, isFailure, LIMITS, writeChunkHead } from "chatfusion";
import type { Client } from "./client.ts";
import type { DccOffer } from "./dcc.ts";
import { ackOf, formatSend } from "./dcc.ts";
import { notice } from "./personal.ts";

export class Upload {
  readonly #client: Client;
  readonly #transfer: string;
  readonly #offer: DccOffer;
  /** The addressee's address, and as the client calls it. */
  readonly #to: string;
  readonly #forget: () => void;
  readonly #hash = createHash("sha256");
  #isGone = false;
  #side: Beside | undefined;
  #closeListener: (() => void) | undefined;
  /** Bytes that have come; up to which the addressee has all; which it permits. */
  #came = 0;
  #sent = 0;
  #upTo = 0;
  #held: Bytes[] = [];
  #heldBytes = 0;
  #isPaused = false;

  constructor(by: {
    readonly client: Client;
    readonly transfer: string;
    readonly offer: DccOffer;
    readonly to: string;
    readonly forget: () => void;
  }) {
    this.#client = by.client;
    this.#transfer = by.transfer;
    this.#offer = by.offer;
    this.#to = by.to;
    this.#forget = by.forget;
  }

  get #shown(): string {
    return `${this.#offer.name} to ${this.#client.world.names.nick(this.#to)}`;
  }

  accepted(offset: number, upTo: number): void {
    this.#sent = offset; // what is before it, the addressee has
    this.#upTo = upTo;
    notice(this.#client, `${this.#shown}: accepted`);
    this.#open().catch((thrown: unknown) => {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      this.#giveUp(`the client cannot be reached: ${why}`, "FILE_UNREADABLE");
    });
  }

  credit(upTo: number): void {
    this.#upTo = upTo;
    this.#move();
  }

  /** The transfer has ended, well or not. */
  ended(text: string): void {
    notice(this.#client, `${this.#shown}: ${text}`);
    this.gone();
  }

  /** The session has ended, or the transfer. */
  gone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#held = [];
    this.#closeListener?.();
    this.#side?.close("the transfer has ended");
    this.#forget();
  }

  // --- internal ---

  async #open(): Promise<void> {
    const { connection, world } = this.#client;
    const { dcc } = world.options;
    const { port, token } = this.#offer;
    const take = (side: Beside) => this.#take(side);
    if (port !== 0) {
      const loopback = dcc !== false && dcc.loopback;
      return world.host.dialBeside({ connection, port, loopback }, take);
    }
    const listener = await this.#client.files.listen(take);
    if (listener === undefined) throw new Error("no port is free here");
    if (this.#isGone) return listener.close();
    this.#closeListener = () => listener.close();
    const from = world.names.mask(this.#to);
    const ask = formatSend({
      ...this.#offer,
      address: listener.address,
      port: listener.port,
      token,
    });
    this.#client.send(`:${from} PRIVMSG ${this.#client.shown} :${ask}\r\n`);
  }

  #take(side: Beside): BesideHandlers {
    if (this.#isGone || this.#side !== undefined) {
      side.close("nothing is awaited here");
      return { data() {}, closed() {} };
    }
    this.#side = side;
    this.#closeListener?.();
    if (this.#offer.sizeBytes === 0) this.#finish();
    return {
      data: (chunk) => this.#data(chunk),
      closed: () => {
        if (this.#came < this.#offer.sizeBytes)
          this.#giveUp("the client closed the connection", "TRANSFER_CANCELLED");
      },
    };
  }

  #data(chunk: Bytes): void {
    if (this.#isGone) return;
    const { sizeBytes } = this.#offer;
    if (this.#came + chunk.length > sizeBytes)
      return this.#giveUp(`more came than the ${sizeBytes} bytes of the offer`, "SIZE_MISMATCH");
    this.#hash.update(chunk);
    const skipped = Math.max(0, Math.min(chunk.length, this.#sent - this.#came));
    this.#came += chunk.length;
    this.#side?.send(ackOf(this.#came));
    if (skipped < chunk.length) {
      this.#held.push(chunk.slice(skipped));
      this.#heldBytes += chunk.length - skipped;
    }
    this.#move();
    if (this.#heldBytes <= LIMITS.dccHeldBytesMax || this.#isPaused) return;
    this.#isPaused = true;
    this.#side?.pause();
  }

  /** Sends what is held, as far as the addressee permits. */
  #move(): void {
    for (;;) {
      const most = Math.min(this.#heldBytes, this.#upTo - this.#sent, LIMITS.chunkBytesMax);
      if (most <= 0 || this.#isGone) break;
      const payload = new Uint8Array(CHUNK_HEAD_BYTES + most);
      writeChunkHead(payload, 0, this.#transfer, this.#sent);
      this.#fill(payload.subarray(CHUNK_HEAD_BYTES));
      this.#sent += most;
      this.#client.session?.chunk(payload);
    }
    if (this.#isPaused && this.#heldBytes <= LIMITS.dccHeldBytesMax / 2) {
      this.#isPaused = false;
      this.#side?.resume();
    }
    const { sizeBytes } = this.#offer;
    if (sizeBytes > 0 && this.#came === sizeBytes && this.#heldBytes === 0) this.#finish();
  }

  #fill(into: Bytes): void {
    let at = 0;
    while (at < into.length) {
      const first = this.#held[0];
      if (first === undefined) break;
      const part = first.subarray(0, into.length - at);
      into.set(part, at);
      at += part.length;
      if (part.length === first.length) this.#held.shift();
      else this.#held[0] = first.subarray(part.length);
    }
    this.#heldBytes -= into.length;
  }

  #isFinished = false;
  #finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    const sha256 = this.#hash.digest("hex");
    this.#client.session?.request("finish", { transfer: this.#transfer, sha256 }, (answer) => {
      if (isFailure(answer)) this.ended(answer.text);
    });
  }

  #giveUp(reason: string, code: "TRANSFER_CANCELLED" | "SIZE_MISMATCH" | "FILE_UNREADABLE"): void {
    if (this.#isGone) return;
    this.#client.session?.request("cancel", { transfer: this.#transfer, reason, code });
    this.ended(reason);
  }
}
