// The transfers of a client: how they begin, and where the frames of each one go. A transfer to
// oneself has both ends here, under one id. Next: sending.ts, outgoing.ts, incoming.ts.

import type { Bytes } from "../environment.ts";
import { ChatFusionError, type ErrorCode } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { FRAME } from "../protocol/frame.ts";
import type { OfferEntry, Requests } from "../protocol/messages.ts";
import { readChunk } from "../protocol/transfer.ts";
import { refusalOf } from "./connection.ts";
import { openDownload } from "./download.ts";
import { Incoming, type Received } from "./incoming.ts";
import type { Outgoing, SendOptions, Sent } from "./outgoing.ts";
import type { RequestTable } from "./requests.ts";
import { Sending } from "./sending.ts";
import * as shape from "./shape.ts";
import { type FileSource, openSource } from "./source.ts";
import { cancelled, interrupted, type TransferOptions, type TransferPort } from "./transfer.ts";

/** Asks with a callback for the answer: see `RequestTable.ask`. */
type Ask = RequestTable["ask"];

/** An offer was given up before its acceptance came to it: no end of a file that goes on. */
const cameToNothing: ReadonlySet<ErrorCode> = new Set(["UNREACHABLE", "NO_SUCH_TRANSFER"]);
const UNKNOWN = "its beginning is not there any more: send it again";

export class Transfers {
  /** Those that are paused, too. */
  readonly #sendings = new Set<Sending>();
  readonly #outgoing = new Map<string, Outgoing>();
  /** By the transfer they come by, or came by before they were paused. */
  readonly #incoming = new Map<string, Incoming>();
  /** Arrived or given up, of which their senders may not know yet; the newest last. */
  readonly #ended: Incoming[] = [];

  /** Those that ended with a connection: their other ends are still to be told. */
  #untold: string[] = [];

  readonly #port: TransferPort;
  readonly #ask: Ask;
  /** Offers without an answer yet. */
  #offering = 0;
  /**
   * What came for an id that is not known yet: an answer waits for the answers before it, and those
   * for the server's log; what the receiver does meanwhile does not. The last ones, of as many as
   * may be under way.
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
    if (options.signal?.aborted === true) {
      await opened.close();
      throw cancelled(options.signal);
    }
    const sending = new Sending({
      port: this.#port,
      to,
      source: opened,
      options,
      offer: (ask, begin) => this.#offer(ask, begin),
    });
    this.#sendings.add(sending);
    return sending.run().finally(() => this.#sendings.delete(sending));
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
    this.#accept(incoming, (why) => incoming.end(why));
    try {
      return await incoming.result;
    } finally {
      this.#incoming.delete(incoming.transfer);
      if (offer.sending !== undefined) this.#ended.push(incoming);
      if (this.#ended.length > LIMITS.endedKeptMax) this.#ended.shift();
    }
  }

  /** Takes an offer that is made again, of what is known here or not; false of any other. */
  offeredAgain(offer: OfferEntry): boolean {
    if (offer.again !== true) return false;
    const { transfer } = offer;
    const incoming = [...this.#ended, ...this.#incoming.values()].findLast((one) =>
      one.isOf(offer),
    );
    if (incoming !== undefined && incoming.refusal === undefined) {
      if (this.#incoming.delete(incoming.transfer)) this.#incoming.set(transfer, incoming);
      incoming.resume(transfer);
    }
    const reason = incoming === undefined ? UNKNOWN : incoming.refusal;
    if (reason !== undefined) this.#port.tell("reject", { transfer, reason });
    else if (incoming !== undefined)
      this.#accept(incoming, (why) => {
        if (incoming.transfer === transfer) incoming.interrupt(why);
      });
    return true;
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
        const ended = this.#ended.find((one) => one.transfer === transfer);
        (this.#incoming.get(transfer) ?? ended)?.finished(sha256);
        return true;
      }
      case FRAME.accepted: {
        const { transfer, offset, upTo, receiving } = shape.read(
          type,
          shape.AcceptedShape,
          payload,
        );
        this.#tellSender(transfer, (outgoing) => outgoing.accepted(offset, upTo, receiving));
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

  /**
   * The other side, or a server, gave a transfer up. Returns whether that is news: of what only
   * waits to go on, who sends or receives it is told.
   */
  failed({ transfer, code, text }: { transfer: string; code: string; text: string }): boolean {
    const refusal = refusalOf({ code, text });
    const why = new ChatFusionError(refusal.code, refusal.text);
    const [incoming, outgoing] = [this.#incoming.get(transfer), this.#outgoing.get(transfer)];
    const isInterrupted =
      why.code === "TRANSFER_INTERRUPTED" ||
      (incoming?.isAgain === true && cameToNothing.has(why.code));
    if (isInterrupted) incoming?.interrupt(why);
    else incoming?.end(why);
    // One to oneself has failed at both ends.
    if (incoming === undefined || outgoing !== undefined)
      this.#tellSender(transfer, (one) => one.end(why));
    return !isInterrupted || (incoming ?? outgoing) === undefined;
  }

  drained(): void {
    for (const one of this.#outgoing.values()) one.drained();
  }

  /** The connection is gone, and with it the chunks on their way; offers live on. */
  lost(): void {
    this.#untold = this.#interrupt(({ begun }) => begun);
  }

  /** The session has not gone on: nothing is left of what was offered, or was under way, in it. */
  over(): void {
    this.#untold = [];
    this.#interrupt(() => true);
  }

  /** The connection is there again. The other ends of what was interrupted may not know it. */
  back(): void {
    for (const transfer of this.#untold) {
      const [code, reason] = ["TRANSFER_INTERRUPTED", "the connection was lost"] as const;
      // Where it is forgotten already, there is nobody to tell.
      this.#ask("cancel", { transfer, code, reason }).catch(() => undefined);
    }
    this.#untold = [];
    for (const one of this.#sendings) one.back();
  }

  /** Ends all; where that is a wish, the other ends are told, who would wait otherwise. */
  close(why: ChatFusionError, reason?: string): void {
    const ids = [...this.#outgoing.keys(), ...this.#incoming.keys()];
    if (reason !== undefined)
      for (const transfer of ids) this.#port.tell("cancel", { transfer, reason });
    for (const one of [...this.#outgoing.values(), ...this.#incoming.values(), ...this.#sendings])
      one.end(why);
  }

  // --- internal ---------------------------------------------------------------------------------

  /** Returns the ids of the transfers that ended by it. */
  #interrupt(isOver: (outgoing: Outgoing) => boolean): string[] {
    const ended: string[] = [];
    const why = interrupted("the connection was lost");
    for (const [id, one] of this.#outgoing) {
      if (!isOver(one)) continue;
      ended.push(id);
      one.end(why);
    }
    for (const [id, one] of this.#incoming) {
      if (!one.isPaused) ended.push(id);
      one.interrupt(why);
    }
    return ended;
  }

  #admit(): void {
    const open = this.#sendings.size + this.#incoming.size;
    if (open < LIMITS.transfersPerSessionMax) return;
    const text = `${open} transfers are open, which is the most: wait for one to end`;
    throw new ChatFusionError("TOO_MANY_TRANSFERS", text);
  }

  async #offer(
    ask: Requests["offer"]["ask"],
    begin: (transfer: string) => Outgoing,
  ): Promise<Sent> {
    let outgoing: Outgoing | undefined;
    this.#offering++;
    try {
      // Registered before anything that follows the answer is looked at: chunks may be wanted.
      const { transfer } = await this.#ask("offer", ask, (answer) => {
        outgoing = begin(answer.transfer);
        this.#outgoing.set(answer.transfer, outgoing);
        this.#early.get(answer.transfer)?.(outgoing);
        this.#answered();
      });
      const result = outgoing?.result ?? Promise.reject(interrupted("the offer had no answer"));
      return await result.finally(() => this.#outgoing.delete(transfer));
    } finally {
      if (outgoing === undefined) this.#answered();
    }
  }

  #accept(incoming: Incoming, refused: (why: ChatFusionError) => void): void {
    this.#ask("accept", incoming.acceptance, () => incoming.accepted()).catch((thrown: unknown) => {
      const isOurs = thrown instanceof ChatFusionError;
      refused(isOurs ? thrown : new ChatFusionError("INTERNAL", String(thrown), thrown));
    });
  }

  #answered(): void {
    this.#offering--;
    if (this.#offering === 0) this.#early.clear();
  }

  /** Tells the sender's end, or keeps it for one whose offer is about to be answered. */
  #tellSender(transfer: string, tell: (outgoing: Outgoing) => void): void {
    const outgoing = this.#outgoing.get(transfer);
    if (outgoing !== undefined) return tell(outgoing);
    if (this.#offering === 0) return;
    this.#early.set(transfer, tell);
    // Offers of others that were withdrawn are among them; ours will be answered in a moment.
    const [oldest = ""] = this.#early.keys();
    if (this.#early.size > LIMITS.transfersPerSessionMax) this.#early.delete(oldest);
  }
}
