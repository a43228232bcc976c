// The beginning of a transfer: an offer goes past the onFile hooks of both home servers to its
// addressee. Next: transfers.ts (what follows).

import type { Clock, Random } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure, failureOf, isFailure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { cleanFileName } from "../names.ts";
import type { Nick, Sid } from "../names.ts";
import type { Offered } from "../protocol/files.ts";
import type { Answer, Ask, OfferEntry } from "../protocol/messages.ts";
import type { PeerMessageOf } from "../protocol/peer.ts";
import type { CompiledHooks } from "./hooks.ts";
import { goOn } from "./hooks.ts";
import type { Peer } from "./peer.ts";
import type { People } from "./people.ts";
import type { Ignoring } from "./room.ts";
import type { LiveSession } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import type { End, Transfers } from "./transfers.ts";

const MINUTE = 60_000;

export interface OffersOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly hooks: () => CompiledHooks;
  readonly people: People;
  readonly sessions: Sessions;
  readonly transfers: Transfers;
}

export function createOffers(options: OffersOptions) {
  const { clock, people, sessions, transfers } = options;
  const answers = new Map<
    string,
    { readonly sid: Sid; readonly done: (failed: Failure | undefined) => void }
  >();
  const rates = new WeakMap<LiveSession, { since: number; count: number }>();

  const tooMany = (session: LiveSession): Failure | undefined => {
    if (transfers.countsOf(session).own >= LIMITS.transfersPerSessionMax) {
      const text = `you have ${LIMITS.transfersPerSessionMax} transfers, the most at once`;
      return failure("TOO_MANY_TRANSFERS", text);
    }
    const now = clock.monotonic();
    let rate = rates.get(session);
    if (rate === undefined || now - rate.since > MINUTE) rate = { since: now, count: 0 };
    rates.set(session, rate);
    rate.count++;
    if (rate.count <= LIMITS.offersPerMinuteMax) return undefined;
    return failure("RATE_LIMITED", `more than ${LIMITS.offersPerMinuteMax} offers in a minute`);
  };
  const veto = (offer: OfferEntry) =>
    options.hooks().file({
      transfer: offer.transfer,
      from: offer.from,
      to: offer.to,
      name: offer.name,
      sizeBytes: offer.size,
      mediaType: offer.mediaType ?? "application/octet-stream",
    });
  const isIgnored = (ignoring: Ignoring, from: string): boolean => {
    const found = people.find(from);
    const { account } = "code" in found ? {} : people.personAt(found);
    return ignoring.person(account === undefined ? { from } : { from, account });
  };
  /** Shows an offer to somebody here. */
  const show = (offer: OfferEntry, sender: End, nick: Nick): Failure | undefined => {
    const session = sessions.find(nick);
    if (session === undefined || session.phase !== "in") return people.nobody(offer.to);
    if (session.ignoring !== undefined && isIgnored(session.ignoring, offer.from))
      return failure("BLOCKED", `${offer.to} takes no files of yours`);
    if (transfers.countsOf(session).all >= LIMITS.transfersPerSessionMax)
      return failure("TOO_MANY_TRANSFERS", `${offer.to} has too many transfers under way`);
    const refused = transfers.open(offer, sender, { at: "here", session });
    if (refused === undefined) session.doorway.personal({ type: "offered", offer });
    return refused;
  };
  /** Sends an offer to the addressee's home server; `told` of its refusal, or of nothing, once. */
  const sendAway = (
    offer: OfferEntry,
    session: LiveSession,
    peer: Peer,
    told: (refused: Failure | undefined) => void,
  ): void => {
    const there: End = { at: "there", sid: peer.sid, target: [peer.sid] };
    const refused = transfers.open(offer, { at: "here", session }, there);
    if (refused !== undefined) return told(refused);
    const done = (failed: Failure | undefined) => {
      answers.delete(offer.transfer);
      cancel();
      if (failed !== undefined) transfers.drop(offer.transfer);
      told(failed);
    };
    const late = failure("UNREACHABLE", `${offer.to}: no word from that server`);
    const cancel = clock.after(LIMITS.unconfirmedMsMax, () => {
      // Should it come through all the same, nobody is left to send the file.
      peer.send({ t: "failed", transfer: offer.transfer, ...late });
      done(late);
    });
    answers.set(offer.transfer, { sid: peer.sid, done });
    if (!peer.send({ t: "offer", ...offer }))
      done(failure("CONGESTED", `${offer.to}: too much waits for that server`));
  };

  return {
    /** Offers a file; `answer` is called once, before anything else is said of the transfer. */
    offer(
      session: LiveSession,
      ask: Ask<"offer">,
      answer: (answer: Answer<"offer"> | Failure) => void,
    ): void {
      const found = people.find(ask.to);
      if ("code" in found) return answer(found);
      const many = tooMany(session);
      if (many !== undefined) return answer(many);
      const offer: OfferEntry = {
        transfer: options.random.bytes(16).toHex(),
        from: session.address,
        to: found.address,
        ...offeredOf(ask),
      };
      const told = (refused: Failure | undefined) =>
        answer(refused ?? { transfer: offer.transfer });
      const pass = (refused: Failure | undefined): void => {
        if (refused !== undefined) return told(refused);
        if (session.phase !== "in")
          return told(failure("TRANSFER_INTERRUPTED", "the connection was lost meanwhile"));
        if (found.at === "there") return sendAway(offer, session, found.peer, told);
        told(show(offer, { at: "here", session }, found.nick));
      };
      const passed = goOn(veto(offer), pass);
      if (passed instanceof Promise) passed.catch((thrown: unknown) => answer(failureOf(thrown)));
    },
    /** Another server's offer to somebody here. */
    async arrived(peer: Peer, row: PeerMessageOf<"offer">): Promise<void> {
      const { transfer, from, to } = row;
      const offer: OfferEntry = { transfer, from, to, ...offeredOf(row) };
      const found = people.find(to);
      const sender: End = { at: "there", sid: peer.sid, target: [peer.sid] };
      let refused: Failure | undefined;
      if (!peer.owns(from) || "code" in found || found.at !== "here")
        refused = failure("ADDRESS_INVALID", `${from} to ${to}: not of these servers`);
      else {
        refused = await veto(offer);
        // It went meanwhile: nobody is left to send the file.
        if (!peer.present) return;
        refused ??= show(offer, sender, found.nick);
      }
      if (refused === undefined) peer.send({ t: "offered", transfer });
      else peer.send({ t: "failed", transfer, ...refused });
    },
    /** The other home server has shown the offer, or refused it. Returns whether one waited. */
    answered(transfer: string, failed?: { readonly code: string; readonly text: string }): boolean {
      const waiting = answers.get(transfer);
      if (waiting === undefined) return false;
      waiting.done(failed === undefined ? undefined : knownFailure(failed));
      return true;
    },
    /** A server is gone: nobody there answers. */
    gone(sid: Sid, text: string): void {
      for (const one of answers.values())
        if (one.sid === sid) one.done(failure("UNREACHABLE", text));
    },
    /** The server stops: no answer is awaited any more. */
    close(): void {
      for (const { done } of answers.values()) done(failure("SERVER_STOPPING", "the server stops"));
    },
  };
}

export type Offers = ReturnType<typeof createOffers>;

/** What is passed on of what an offer says of its file. */
function offeredOf({ name, size, mediaType, sha256, sending, again }: Offered) {
  return {
    name: cleanFileName(name),
    size,
    ...(mediaType === undefined ? {} : { mediaType }),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(sending === undefined ? {} : { sending }),
    ...(again === undefined ? {} : { again }),
  };
}

/** A failure of another server, whose code may be one of a newer version. */
export function knownFailure(from: { readonly code: string; readonly text: string }): Failure {
  return isFailure(from) ? failure(from.code, from.text) : failure("INTERNAL", from.text);
}
