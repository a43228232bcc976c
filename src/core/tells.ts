// Private messages: each ends in delivered, stored, or a refusal with its reason; or, when the way
// back is cut after it was sent, in UNCONFIRMED after a while. Never silence, never twice.

import type { Clock } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Nick, Sid } from "../names.ts";
import type { PrivateEntry } from "../protocol/messages.ts";
import type { PeerMessageOf } from "../protocol/peer.ts";
import { knownFailure } from "./offers.ts";
import type { Peer } from "./peer.ts";
import type { Sessions } from "./sessions.ts";

export type TellOutcome = "delivered" | "stored";

/** A message on its way, and who wants to know how it ends. */
interface Underway {
  readonly to: string;
  /** Whose word on it counts. */
  readonly sid: Sid;
  readonly askers: Set<(answer: TellOutcome | Failure) => void>;
  readonly settled: Settled;
}

/** Told how a message ended, at most once; also when that comes after UNCONFIRMED. */
type Settled = (end: TellOutcome | Failure) => void;

export function createTells(options: { readonly clock: Clock; readonly sessions: Sessions }) {
  const underway = new Map<string, Underway>();
  const cancels = new Set<() => void>();
  /** What came from other servers, as author and cid: whose server was restarted says it again. */
  const delivered = new Set<string>();

  /** Resolves when the message's end is known, or with UNCONFIRMED after a while. */
  const endOf = ({ to, askers }: Underway): Promise<TellOutcome | Failure> =>
    new Promise((resolve) => {
      const seconds = LIMITS.unconfirmedMsMax / 1000;
      const text = `${to}: no word for ${seconds} s; it may have arrived all the same`;
      const done = (answer: TellOutcome | Failure) => {
        askers.delete(done);
        cancels.delete(cancel);
        cancel();
        resolve(answer);
      };
      const cancel = options.clock.after(LIMITS.unconfirmedMsMax, () =>
        done(failure("UNCONFIRMED", text)),
      );
      cancels.add(cancel);
      askers.add(done);
    });

  /** Puts a message into the addressee's outbox here. */
  const deliver = (nick: Nick, message: PrivateEntry): TellOutcome | Failure => {
    const session = options.sessions.find(nick);
    if (session === undefined) {
      return failure("NO_SUCH_NICK", `${message.to}: nobody is there under this nick`);
    }
    // The address as it is: neither as it was typed, nor as another server wrote it.
    session.doorway.personal({ type: "private", message: { ...message, to: session.address } });
    return "delivered";
  };

  return {
    deliver,
    get count() {
      return underway.size;
    },
    /** The end of a message that was sent and has not ended; UNCONFIRMED if none is awaited. */
    again(id: string, to: string): Promise<TellOutcome | Failure> {
      const one = underway.get(id);
      if (one !== undefined) return endOf(one);
      const text = `${to}: no word came, and none is awaited any more; it may have arrived`;
      return Promise.resolve(failure("UNCONFIRMED", text));
    },
    /** Sends to another home server; resolves when it answers, or with UNCONFIRMED. */
    send(peer: Peer, message: PrivateEntry, settled: Settled): Promise<TellOutcome | Failure> {
      if (!peer.send({ t: "tell", message: { ...message } })) {
        const text = `${message.to}: too much waits for that server; try again later`;
        const refused = failure("CONGESTED", text);
        settled(refused);
        return Promise.resolve(refused);
      }
      const one: Underway = { to: message.to, sid: peer.sid, askers: new Set(), settled };
      underway.set(message.id, one);
      if (underway.size > LIMITS.tellsUnsettledMax) dropFirstUnasked(underway);
      return endOf(one);
    },
    /** Another server's message for somebody here; the author must be its own. */
    arrived(peer: Peer, row: PeerMessageOf<"tell">["message"]): void {
      const nick = row.to.slice(0, row.to.lastIndexOf("@")) as Nick; // what is none is nobody's
      const message: PrivateEntry = {
        id: row.id,
        from: row.from,
        ...(row.account === undefined ? {} : { account: row.account }),
        to: row.to,
        kind: row.kind,
        text: row.text,
        at: row.at,
      };
      const { cid = "" } = row;
      const same =
        cid.length < LIMITS.uniqueIdBytesMin ? undefined : `${row.from} ${row.to} ${cid}`;
      const take = (): TellOutcome | Failure => {
        if (!peer.owns(row.from))
          return failure("ADDRESS_INVALID", "the author is not of the server that sent it");
        if (same !== undefined && delivered.has(same)) return "delivered";
        return deliver(nick, message);
      };
      const answer = take();
      if (answer === "delivered" && same !== undefined) remember(delivered, same);
      if (typeof answer === "string") peer.send({ t: "told", id: row.id, outcome: answer });
      else peer.send({ t: "told", id: row.id, code: answer.code, text: answer.text });
    },
    /** The other home server's word on a message of ours. */
    told(peer: Peer, message: PeerMessageOf<"told">): void {
      const one = underway.get(message.id);
      if (one?.sid !== peer.sid) return; // not its message to answer for
      underway.delete(message.id);
      const { code = "INTERNAL", text = "" } = message;
      const end = message.outcome ?? knownFailure({ code, text });
      one.settled(end);
      for (const done of one.askers) done(end);
    },
    /** The server stops: nobody waits any more. */
    close(): void {
      for (const cancel of cancels) cancel();
      cancels.clear();
      underway.clear();
    },
  };
}

export type Tells = ReturnType<typeof createTells>;

// --- internal -----------------------------------------------------------------------------------

function remember(delivered: Set<string>, what: string): void {
  delivered.add(what);
  const [oldest] = delivered;
  if (delivered.size > LIMITS.tellsDeliveredMax && oldest !== undefined) delivered.delete(oldest);
}

function dropFirstUnasked(underway: Map<string, Underway>): void {
  for (const [id, { askers }] of underway) {
    if (askers.size > 0) continue;
    underway.delete(id);
    return;
  }
}
