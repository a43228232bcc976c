// The transfers of a client: how they begin, and where the frames of each one go. A transfer to
// oneself has both ends here, under one id. Next: outgoing.ts, incoming.ts.

import type { Bytes } from "../environment.ts";
import { ChatFusionError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { FRAME } from "../protocol/frame.ts";
import type { OfferEntry } from "../protocol/messages.ts";
import { readChunk } from "../protocol/transfer.ts";
import { refusalOf } from "./connection.ts";
import { openDownload } from "./download.ts";
import { Incoming, type Received } from "./incoming.ts";
import { Outgoing, type SendOptions, type Sent } from "./outgoing.ts";
import type { RequestTable } from "./requests.ts";
import * as shape from "./shape.ts";
import { type FileSource, type OpenSource, openSource } from "./source.ts";
import { interrupted, type TransferOptions, type TransferPort } from "./transfer.ts";

/** Asks with a callback for the answer: see `RequestTable.ask`. */
type Ask = RequestTable["ask"];

export class Transfers {
  readonly #outgoing = new Map<string, Outgoing>();
  readonly #incoming = new Map<string, Incoming>();

  readonly #port: TransferPort;
  readonly #ask: Ask;
  /** Offers without an answer yet. */
  #offering = 0;
  /**
   * What came for an id that is not known yet: an answer waits for the answers before it, and those
   * for the server's log; what the receiver does meanwhile does not. One entry an offer, at most.
   */
  readonly #early = new Map<string, (outgoing: Outgoing) => void>();

  constructor(port: TransferPort, ask: Ask) {
    this.#port = port;
    this.#ask = ask;
  }

  /** See `Client.send`. */
  async send(to: string, source: FileSource, options: SendOptions): Promise<Sent> {
    this.#admit();
    const opened = await openSource(source, options.name);
    let outgoing: Outgoing | undefined;
    this.#offering++;
    try {
      // Registered before anything that follows the answer is looked at: chunks may be wanted.
      const { transfer } = await this.#ask("offer", askOf(to, opened), (answer) => {
        outgoing = this.#offered(answer.transfer, opened, options);
        this.#answered();
      });
      const result = outgoing?.result ?? Promise.reject(interrupted("the offer had no answer"));
      return await result.finally(() => this.#outgoing.delete(transfer));
    } finally {
      if (outgoing === undefined) {
        this.#answered();
        await opened.close();
      }
    }
  }

  /** See `Client.receive`. */
  async receive(offer: OfferEntry, folder: string, options: TransferOptions): Promise<Received> {
    const { transfer, name, size } = offer;
    this.#admit();
    const download = await openDownload({ folder, name, size }).catch((thrown: unknown) => {
      this.#port.tell("reject", { transfer, reason: "the receiver cannot write it" });
      throw thrown;
    });
    if (this.#incoming.has(transfer)) {
      await download.discard();
      throw new ChatFusionError("TRANSFER_STATE", `${transfer} is being received already`);
    }
    const incoming = new Incoming(offer, download, this.#port, options);
    this.#incoming.set(transfer, incoming);
    this.#ask("accept", { transfer, offset: 0 }).catch((thrown: unknown) => {
      const isOurs = thrown instanceof ChatFusionError;
      incoming.end(isOurs ? thrown : new ChatFusionError("INTERNAL", String(thrown), thrown));
    });
    return incoming.result.finally(() => this.#incoming.delete(transfer));
  }

  /** Takes a frame; false when it is no transfer's. Throws `ProtocolError`. */
  frame(type: number, payload: Bytes): boolean {
    switch (type) {
      case FRAME.chunk: {
        const { transfer, offset, bytes } = readChunk(payload);
        // Of one that was just given up, chunks may still be on their way.
        this.#incoming.get(transfer)?.chunk(offset, bytes);
        return true;
      }
      case FRAME.finished: {
        const { transfer, sha256 } = shape.read(type, shape.HashShape, payload);
        this.#incoming.get(transfer)?.finished(sha256);
        return true;
      }
      case FRAME.accepted: {
        const { transfer, offset, upTo } = shape.read(type, shape.AcceptedShape, payload);
        this.#tellSender(transfer, (outgoing) => outgoing.accepted(offset, upTo));
        return true;
      }
      case FRAME.credit: {
        const { transfer, upTo } = shape.read(type, shape.CreditShape, payload);
        this.#outgoing.get(transfer)?.credited(upTo);
        return true;
      }
      case FRAME.done: {
        const { transfer, sha256 } = shape.read(type, shape.HashShape, payload);
        this.#outgoing.get(transfer)?.done(sha256);
        return true;
      }
      default:
        return false;
    }
  }

  /** The other side, or a server, gave a transfer up. */
  failed({ transfer, code, text }: { transfer: string; code: string; text: string }): void {
    const refusal = refusalOf({ code, text });
    const why = new ChatFusionError(refusal.code, refusal.text);
    const incoming = this.#incoming.get(transfer);
    incoming?.end(why);
    // One to oneself has failed at both ends.
    if (incoming === undefined || this.#outgoing.has(transfer))
      this.#tellSender(transfer, (outgoing) => outgoing.end(why));
  }

  drained(): void {
    for (const one of this.#outgoing.values()) one.drained();
  }

  /**
   * The connection is gone, and with it the chunks on their way. Returns the ids of the transfers
   * that ended; their other ends are told when the session goes on. With `all`, it does not.
   */
  lost(all: boolean): string[] {
    const ended: string[] = [];
    const why = interrupted("the connection was lost");
    for (const [id, one] of [...this.#outgoing, ...this.#incoming]) {
      if (!all && !one.begun) continue;
      ended.push(id);
      one.end(why);
    }
    return ended;
  }

  close(why: ChatFusionError): void {
    for (const one of [...this.#outgoing.values(), ...this.#incoming.values()]) one.end(why);
  }

  // --- internal ---------------------------------------------------------------------------------

  #admit(): void {
    const open = this.#outgoing.size + this.#incoming.size;
    if (open < LIMITS.transfersPerSessionMax) return;
    const text = `${open} transfers are open, which is the most: wait for one to end`;
    throw new ChatFusionError("TOO_MANY_TRANSFERS", text);
  }

  #offered(transfer: string, opened: OpenSource, options: SendOptions): Outgoing {
    const outgoing = new Outgoing(transfer, opened, this.#port, options);
    this.#outgoing.set(transfer, outgoing);
    options.onOffered?.({ transfer, name: opened.name, size: opened.size, bytes: 0 });
    this.#early.get(transfer)?.(outgoing);
    return outgoing;
  }

  #answered(): void {
    this.#offering--;
    if (this.#offering === 0) this.#early.clear();
  }

  /** Tells the sender's end, or keeps it for one whose offer is about to be answered. */
  #tellSender(transfer: string, tell: (outgoing: Outgoing) => void): void {
    const outgoing = this.#outgoing.get(transfer);
    if (outgoing !== undefined) return tell(outgoing);
    if (this.#early.has(transfer) || this.#early.size < this.#offering) {
      this.#early.set(transfer, tell);
    }
  }
}

// --- internal -----------------------------------------------------------------------------------

function askOf(to: string, { name, size, mediaType }: OpenSource) {
  return { to, name, size, ...(mediaType === undefined ? {} : { mediaType }) };
}
