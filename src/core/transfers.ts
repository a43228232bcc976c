// Files on their way. A transfer has two ends, the sender's and the receiver's; each is a session
// here or another home server. Each home server checks what its own client may do in this phase,
// and hands the rest on. Chunks are forwarded in place, under the receiver's credit.
// Phases: offered → open (accepted) → finished → gone. Chunks only while open or finished.
// Invariants: 1. `next` is the offset of the next chunk, in one unbroken sequence. 2. next ≤ upTo
// ≤ size + credit. 3. What ends is forgotten at once, and both ends are told how it ended. 4. What
// a receiver permits costs the way to the sender no more than the file does.

import type { Bytes, Clock } from "../environment.ts";
import type { ErrorCode, Failure } from "../errors.ts";
import { failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Sid } from "../names.ts";
import type { PublishResult } from "../plugin/fabric.ts";
import type { OfferEntry, PersonalEventOnWire } from "../protocol/messages.ts";
import { readChunk } from "../protocol/transfer.ts";
import { createForwarding } from "./forwarding.ts";
import type { LiveSession } from "./session.ts";

/** Where one side of a transfer lives. */
export type End =
  | { readonly at: "here"; readonly session: LiveSession }
  | { readonly at: "there"; readonly sid: Sid; readonly target: readonly Sid[] };

/** What passes from one end to the other. */
export type TransferEvent = Extract<PersonalEventOnWire, { readonly transfer: string }>;

export interface Transfer {
  readonly offer: OfferEntry;
  readonly sender: End;
  readonly receiver: End;
  phase: "offered" | "open" | "finished";
  next: number;
  upTo: number;
  /** As the sender's end knows it. */
  toldUpTo: number;
  movedAt: number;
}

export interface TransfersOptions {
  readonly clock: Clock;
  /** Hands an event to the other home server. */
  toPeer(sid: Sid, event: TransferEvent): void;
  publishChunk(target: readonly Sid[], payload: Bytes): PublishResult;
}

export function createTransfers(options: TransfersOptions) {
  const transfers = new Map<string, Transfer>();
  const forwarding = createForwarding();
  let sweeping = false;
  let cancelSweep: (() => void) | undefined;

  const isEnd = (end: End, who: LiveSession | Sid): boolean =>
    end.at === "here" ? end.session === who : end.sid === who;
  const tell = (end: End, event: TransferEvent) => {
    if (end.at === "there") options.toPeer(end.sid, event);
    else if (end.session.phase !== "ended") end.session.doorway.personal(event);
  };
  const end = (transfer: Transfer, code: ErrorCode, text: string, but?: End) => {
    if (!transfers.delete(transfer.offer.transfer)) return;
    const event = { type: "failed", transfer: transfer.offer.transfer, code, text } as const;
    for (const one of [transfer.sender, transfer.receiver]) if (one !== but) tell(one, event);
  };
  const sweep = () => {
    sweeping = transfers.size > 0;
    if (!sweeping) return;
    cancelSweep = options.clock.after(LIMITS.transferSweepMs, sweep);
    const now = options.clock.monotonic();
    for (const transfer of transfers.values()) {
      const idle = now - transfer.movedAt;
      if (transfer.phase === "offered") {
        if (idle > LIMITS.offerMsMax) end(transfer, "TRANSFER_REJECTED", "nobody answered");
      } else if (idle > LIMITS.transferStallMsMax) {
        const text = `nothing moved for ${LIMITS.transferStallMsMax / 1000} s`;
        end(transfer, "TRANSFER_INTERRUPTED", text);
      }
    }
  };
  /** The transfer, where `who` is the end that may act so. */
  const lookUp = (id: string, who: LiveSession | Sid, side: "sender" | "receiver" | "any") => {
    const transfer = transfers.get(id);
    const may =
      transfer !== undefined &&
      ((side !== "receiver" && isEnd(transfer.sender, who)) ||
        (side !== "sender" && isEnd(transfer.receiver, who)));
    return may ? transfer : undefined;
  };
  /** How many transfers a server has a part in. */
  const countWith = (sid: Sid): number => {
    let count = 0;
    for (const { sender, receiver } of transfers.values())
      if (isEnd(sender, sid) || isEnd(receiver, sid)) count++;
    return count;
  };
  const unknown = (id: string) =>
    failure("NO_SUCH_TRANSFER", `transfer ${id}: there is none of yours that this fits`);
  const state = (transfer: Transfer, what: string) =>
    failure("TRANSFER_STATE", `transfer ${transfer.offer.transfer} is ${transfer.phase}: ${what}`);

  /** Tells the sender's end what is permitted, where that is worth a word or it waits for it. */
  const permit = (transfer: Transfer) => {
    const { upTo, toldUpTo, next, sender, offer } = transfer;
    const isWorth = upTo - toldUpTo >= LIMITS.chunkBytesMax || upTo >= offer.size;
    if (upTo <= toldUpTo || toldUpTo >= offer.size || !(isWorth || next === toldUpTo)) return;
    transfer.toldUpTo = upTo;
    // Written out: one comes for every few chunks.
    tell(sender, { type: "credit", transfer: offer.transfer, upTo });
  };
  const credited = (transfer: Transfer, asked: number): Failure | undefined => {
    if (transfer.phase === "offered") return state(transfer, "accept it first");
    const upTo = Math.min(asked, transfer.next + LIMITS.creditBytesMax);
    if (upTo <= transfer.upTo) return undefined;
    transfer.upTo = upTo;
    transfer.movedAt = options.clock.monotonic();
    permit(transfer);
    return undefined;
  };

  /** Takes an event of one end: checks it, notes it, hands it to the other end. */
  const take = (who: LiveSession | Sid, event: TransferEvent): Failure | undefined => {
    const side =
      event.type === "finished" ? "sender" : event.type === "failed" ? "any" : "receiver";
    const transfer = lookUp(event.transfer, who, side);
    if (transfer === undefined) return unknown(event.transfer);
    if (event.type === "credit") return credited(transfer, event.upTo);
    const { size } = transfer.offer;
    transfer.movedAt = options.clock.monotonic();
    const other = isEnd(transfer.sender, who) ? transfer.receiver : transfer.sender;
    switch (event.type) {
      case "accepted":
        if (transfer.phase !== "offered") return state(transfer, "it was accepted already");
        if (event.offset > size)
          return failure("BAD_REQUEST", `offset: ${event.offset}, expected at most ${size}`);
        transfer.phase = "open";
        transfer.next = event.offset;
        transfer.upTo = Math.min(event.upTo, event.offset + LIMITS.creditBytesMax);
        transfer.toldUpTo = transfer.upTo;
        tell(other, { ...event, upTo: transfer.upTo });
        return undefined;
      case "finished":
        if (transfer.phase !== "open") return state(transfer, "expected it to be open");
        if (isHere(transfer.sender) && transfer.next !== size) {
          const what = `${transfer.next} of ${size} bytes were sent`;
          end(transfer, "SIZE_MISMATCH", what);
          return failure("SIZE_MISMATCH", what);
        }
        transfer.phase = "finished";
        tell(other, event);
        return undefined;
      case "done":
        if (transfer.phase !== "finished") return state(transfer, "its sender has not finished");
        transfers.delete(event.transfer);
        tell(other, event);
        return undefined;
      case "failed":
        transfers.delete(event.transfer);
        tell(other, event);
        return undefined;
      default:
        event satisfies never;
        return undefined;
    }
  };
  const chunkFault = (transfer: Transfer, offset: number, bytes: number) => {
    if (transfer.phase === "offered") return state(transfer, "it is not accepted yet");
    // Its home server has checked the order: what is missing was lost on the way here.
    if (!isHere(transfer.sender) && offset > transfer.next)
      return failure("TRANSFER_INTERRUPTED", "some of it was lost on the way");
    if (offset !== transfer.next)
      return failure("CHUNK_OUT_OF_ORDER", `offset ${offset}, expected ${transfer.next}`);
    if (offset + bytes > transfer.offer.size)
      return failure(
        "CHUNK_PAST_SIZE",
        `a chunk up to ${offset + bytes}, the file was offered with ${transfer.offer.size} bytes`,
      );
    if (offset + bytes > transfer.upTo)
      return failure("CHUNK_PAST_CREDIT", `a chunk up to ${offset + bytes} of ${transfer.upTo}`);
    return undefined;
  };

  return {
    get count() {
      return transfers.size;
    },
    find: (id: string): Transfer | undefined => transfers.get(id),
    /** Forgets a transfer that never began. */
    drop: (id: string): void => void transfers.delete(id),
    /**
     * How many transfers a session has a part in, and how many of them by its own will: others can
     * offer as much as they like.
     */
    countsOf(session: LiveSession): { readonly all: number; readonly own: number } {
      let [all, own] = [0, 0];
      for (const { sender, receiver, phase } of transfers.values()) {
        const isOwn = isEnd(sender, session);
        if (!isOwn && !isEnd(receiver, session)) continue;
        all++;
        if (isOwn || phase !== "offered") own++;
      }
      return { all, own };
    },
    /** Notes an offer. A refusal when its id is known or there are too many. */
    open(offer: OfferEntry, sender: End, receiver: End): Failure | undefined {
      if (transfers.has(offer.transfer))
        return failure("TRANSFER_STATE", `transfer ${offer.transfer}: its id is in use`);
      if (transfers.size >= LIMITS.transfersMax)
        return failure("TOO_MANY_TRANSFERS", `${LIMITS.transfersMax} transfers are under way`);
      // Its people may be as many as it likes.
      if (sender.at === "there" && countWith(sender.sid) >= LIMITS.transfersPerServerMax)
        return failure("TOO_MANY_TRANSFERS", "too many transfers with that server are under way");
      transfers.set(offer.transfer, {
        offer,
        sender,
        receiver,
        phase: "offered",
        next: 0,
        upTo: 0,
        toldUpTo: 0,
        movedAt: options.clock.monotonic(),
      });
      if (!sweeping) cancelSweep = options.clock.after(LIMITS.transferSweepMs, sweep);
      sweeping = true;
      return undefined;
    },
    take,
    /**
     * A chunk of the sending end; borrowed. A refusal ends the transfer. `frame`: the whole frame
     * that it came in, where `handOn` is called before its bytes are used again.
     */
    chunk(who: LiveSession | Sid, payload: Bytes, frame?: Bytes): Failure | undefined {
      const { transfer: id, offset, bytes } = readChunk(payload);
      const transfer = lookUp(id, who, "sender");
      // What was under way when a transfer ended is no fault.
      if (transfer === undefined) return undefined;
      const fault = chunkFault(transfer, offset, bytes.length);
      if (fault !== undefined) {
        end(transfer, fault.code, fault.text);
        return fault;
      }
      transfer.next += bytes.length;
      transfer.movedAt = options.clock.monotonic();
      permit(transfer);
      const to = transfer.receiver;
      if (to.at === "here") {
        const { doorway } = to.session;
        if (frame !== undefined && doorway.chunks !== undefined) forwarding.add(doorway, frame);
        else doorway.personal({ type: "chunk", chunk: payload });
        return undefined;
      }
      const result = options.publishChunk(to.target, payload);
      if (result !== "sent") end(transfer, "TRANSFER_INTERRUPTED", `the way there is ${result}`);
      return undefined;
    },
    /** What was read is worked off: hands on the chunks in it. */
    handOn: forwarding.handOn,
    /** The receiver's wire took no more: its credit is broken, or it is gone. */
    interrupt(id: string, text: string): void {
      const transfer = transfers.get(id);
      if (transfer !== undefined) end(transfer, "TRANSFER_INTERRUPTED", text);
    },
    /** An end is gone: the other one of each of its transfers is told. */
    gone(who: LiveSession | Sid, text: string): void {
      for (const transfer of transfers.values())
        for (const one of [transfer.sender, transfer.receiver])
          if (isEnd(one, who)) end(transfer, "TRANSFER_INTERRUPTED", text, lostEnd(one));
    },
    /** The server stops: stops the timer. */
    close(): void {
      cancelSweep?.();
      transfers.clear();
    },
  };
}

export type Transfers = ReturnType<typeof createTransfers>;

const isHere = (end: End): boolean => end.at === "here";
/** A lost session may come back, and is told then; one that ended is not. */
const lostEnd = (end: End): End | undefined =>
  end.at === "here" && end.session.phase !== "ended" ? undefined : end;
