// A file of somebody's on its way to an IRC client: the gateway listens for the client alone, says
// where by DCC SEND, and accepts the offer when it comes. More is asked of the sender only as the
// client reads, so that what waits here is bounded.
//
//   offered ──it has come──▶ moving ──all read, hash right──▶ done
//      └──── failed, no port free, gone ───▶ gone

import { createHash } from "node:crypto";
import type { Beside, BesideHandlers, Bytes, OfferEntry } from "chatfusion";
import { isFailure, LIMITS, readChunk } from "chatfusion";
import type { Client } from "./client.ts";
import { createAcks, formatSend } from "./dcc.ts";
import { notice } from "./personal.ts";

export class Delivery {
  readonly #client: Client;
  readonly #offer: OfferEntry;
  readonly #forget: () => void;
  readonly #hash = createHash("sha256");
  readonly #acks = createAcks();
  #isGone = false;
  #side: Beside | undefined;
  #listener: { readonly port: number; close(): void } | undefined;
  #came = 0;
  #upTo: number = LIMITS.creditBytes;
  /** The sender's hash; and whether it has proven to be that of what came. */
  #sha256 = "";
  #isRight = false;
  /** The client has said that it has all. */
  #isRead = false;

  constructor(client: Client, offer: OfferEntry, forget: () => void) {
    this.#client = client;
    this.#offer = offer;
    this.#forget = forget;
    this.#isRead = offer.size === 0;
  }

  /** Where the client may come; undefined when it has come. */
  get port(): number | undefined {
    return this.#listener?.port;
  }

  get #shown(): string {
    return `${this.#offer.name} from ${this.#client.world.names.nick(this.#offer.from)}`;
  }

  async begin(): Promise<void> {
    const { from, name, size } = this.#offer;
    const listener = await this.#client.files.listen((side) => this.#take(side));
    if (this.#isGone) return listener?.close();
    if (listener === undefined) return this.#reject("no port is free for it here");
    this.#listener = listener;
    const { names } = this.#client.world;
    const { address, port } = listener;
    const text = formatSend({ name, address, port, sizeBytes: size, token: undefined });
    notice(this.#client, `${this.#shown} is offered (${size} bytes): take it by DCC`);
    // Clients put the nick before the name of the file: a slash in it would be a folder.
    const mask = names.mask(from).replace("/", "@");
    this.#client.send(`:${mask} PRIVMSG ${this.#client.shown} :${text}\r\n`);
  }

  chunk(payload: Bytes): void {
    if (this.#isGone) return;
    const { bytes } = readChunk(payload);
    this.#hash.update(bytes);
    this.#came += bytes.length;
    if (this.#side?.send(bytes.slice()) !== true)
      return this.#giveUp("the client reads too slowly", "TRANSFER_CANCELLED");
    this.#permit();
    this.#check();
  }

  /** Its last chunks may still be behind this. */
  finished(sha256: string): void {
    this.#sha256 = sha256;
    this.#check();
  }

  ended(text: string): void {
    notice(this.#client, `${this.#shown}: ${text}`);
    this.gone();
  }

  gone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#listener?.close();
    this.#side?.close("the transfer has ended");
    this.#forget();
  }

  // --- internal ---

  #take(side: Beside): BesideHandlers {
    if (this.#isGone || this.#side !== undefined) {
      side.close("it was fetched already");
      return { data() {}, closed() {} };
    }
    this.#side = side;
    this.#listener?.close();
    this.#listener = undefined;
    const { transfer } = this.#offer;
    this.#client.session?.request("accept", { transfer, offset: 0 }, (answer) => {
      if (isFailure(answer)) this.ended(answer.text);
    });
    return {
      data: (chunk) => this.#acked(chunk),
      drained: () => this.#permit(),
      closed: () => this.#closed(),
    };
  }

  #acked(chunk: Bytes): void {
    const bytes = this.#acks(chunk);
    if (bytes !== this.#offer.size % 2 ** 32 || this.#came < this.#offer.size) return;
    this.#isRead = true;
    this.#endIfDone();
  }

  /** Many clients say nothing of what they have: they close when it is all. */
  #closed(): void {
    if (this.#isGone) return;
    if (this.#came < this.#offer.size)
      return this.#giveUp("the client closed the connection", "TRANSFER_CANCELLED");
    this.#isRead = true;
    this.#endIfDone();
  }

  /** Compares the hashes, once, when all of it has come. */
  #check(): void {
    const isWhole = this.#sha256 !== "" && this.#came === this.#offer.size;
    if (this.#isGone || this.#isRight || !isWhole) return;
    if (this.#hash.digest("hex") !== this.#sha256)
      return this.#giveUp("what came is not what was sent: do not use it", "HASH_MISMATCH");
    this.#isRight = true;
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#isGone || !this.#isRight || !this.#isRead) return;
    const sha256 = this.#sha256;
    this.#client.session?.request("done", { transfer: this.#offer.transfer, sha256 });
    this.ended("it has arrived, and is what was sent");
  }

  /** Asks for more, in steps, while little waits for the client. */
  #permit(): void {
    const waiting = this.#side?.queuedBytes() ?? 0;
    if (this.#isGone || waiting > LIMITS.creditBytes / 2) return;
    const upTo = Math.min(this.#offer.size, this.#came + LIMITS.creditBytes);
    const isWorth = upTo - this.#upTo >= LIMITS.creditStepBytesMin || upTo === this.#offer.size;
    if (upTo <= this.#upTo || !isWorth) return;
    this.#upTo = upTo;
    this.#client.session?.request("credit", { transfer: this.#offer.transfer, upTo });
  }

  #reject(reason: string): void {
    this.#client.session?.request("reject", { transfer: this.#offer.transfer, reason });
    this.ended(reason);
  }

  #giveUp(reason: string, code: "TRANSFER_CANCELLED" | "HASH_MISMATCH"): void {
    if (this.#isGone) return;
    this.#client.session?.request("cancel", { transfer: this.#offer.transfer, reason, code });
    this.ended(reason);
  }
}
