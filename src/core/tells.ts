// Private messages: each ends in delivered, stored, or a refusal with its reason; or, when the way
// back is cut after it was sent, in UNCONFIRMED after a while. Never silence, never twice.
// Next: mail.ts (what is stored).

import type { Clock, MaybePromise } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Nick, Sid } from "../names.ts";
import { checkKind, isPrivatelyDeletedBy, isSaid } from "../protocol/amendment.ts";
import type { Ask, PrivateEntry } from "../protocol/messages.ts";
import type { PeerMessageOf } from "../protocol/peer.ts";
import type { AccountOf } from "./auth.ts";
import type { ConversationsKept } from "./conversations.ts";
import { createDeadlines } from "./deadlines.ts";
import type { Ignores } from "./ignores.ts";
import type { Kept, Mail, TellOutcome } from "./mail.ts";
import { repeatKey } from "./mail.ts";
import { knownFailure } from "./offers.ts";
import type { Peer } from "./peer.ts";
import type { People } from "./people.ts";
import type { LiveSession } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import { whenDone } from "./when-done.ts";

export type { TellOutcome };

/** A message on its way, and who wants to know how it ends. */
interface Underway {
  readonly to: string;
  /** Whose word on it counts; undefined for one that is being stored here. */
  readonly sid: Sid | undefined;
  askers: Asker[];
  readonly settled: Settled;
  /** Somebody was told so, for want of a word. */
  isUnconfirmed: boolean;
}

interface Asker {
  readonly one: Underway;
  readonly ended: Ended;
}

/** Told how a message ended, or that it is unconfirmed: once. */
type Ended = (answer: TellOutcome | Failure) => void;

/**
 * Told how a message ended, at most once; `isLate` when its author has been told UNCONFIRMED, and
 * is told of its end by nothing else.
 */
type Settled = (end: TellOutcome | Failure, isLate?: boolean) => void;

export interface TellsOptions {
  readonly clock: Clock;
  readonly sessions: Sessions;
  readonly mail: Mail;
  readonly ignores: Ignores;
  readonly conversations: ConversationsKept;
  readonly accountOf: AccountOf;
  readonly people: Pick<People, "nobody">;
}

export function createTells(options: TellsOptions) {
  const { mail } = options;
  const underway = new Map<string, Underway>();
  const deadlines = createDeadlines<Asker>(options.clock, LIMITS.unconfirmedMsMax, (asker) => {
    const { one, ended } = asker;
    const seconds = LIMITS.unconfirmedMsMax / 1000;
    const text = `${one.to}: no word for ${seconds} s; it may have arrived all the same`;
    one.isUnconfirmed = true;
    one.askers = one.askers.filter((other) => other !== asker);
    ended(failure("UNCONFIRMED", text));
  });
  /** What came from other servers, or was stored: whose server was restarted says it again. */
  const delivered = new Set<string>();

  /** Calls back when the message's end is known, or with UNCONFIRMED after a while. */
  const whenEnded = (one: Underway, ended: Ended) => {
    const asker = { one, ended };
    one.askers.push(asker);
    deadlines.add(asker);
  };

  /** The address as it is: neither as it was typed, nor as another server wrote it. */
  const show = (session: LiveSession, message: PrivateEntry) => {
    const to = session.address;
    const shown = message.to === to ? message : { ...message, to };
    session.doorway.personal({ type: "private", message: shown });
  };
  /** What a deletion is about waits no more; true where it did, and was shown to nobody. */
  const takesBack = (account: string, deletion: PrivateEntry): boolean => {
    const isMeant = ({ message }: Kept) => isPrivatelyDeletedBy(message, deletion);
    const waiting = mail.of(account).filter(isMeant);
    mail.remove(waiting);
    return waiting.length > 0 && waiting.every(({ shownTo }) => shownTo === undefined);
  };
  /** Puts a message into the addressee's outbox here, or stores it until there is one. */
  const deliver = (nick: Nick, message: PrivateEntry): MaybePromise<TellOutcome | Failure> => {
    const session = options.sessions.find(nick);
    const own = session?.person.account;
    // A lost session may not come back: for an account its messages are safer where they are kept.
    const isHere = session?.phase === "in" || (session !== undefined && own === undefined);
    const account = isHere ? undefined : options.accountOf(nick);
    if (typeof account === "object") return account;
    const isStored = account !== undefined && (own ?? account) === account;
    const isIgnored = isStored
      ? options.ignores.isIgnoredBy(account, message)
      : session?.ignoring?.person(message) === true;
    if (isIgnored) return failure("BLOCKED", `${message.to} takes no messages of yours`);
    // A deletion has arrived when what it is about is gone here: until then its author's server
    // keeps it, too, so that he can delete it again after a crash of this one.
    const told = (how: TellOutcome): MaybePromise<TellOutcome> => {
      const keep = (done?: () => void) =>
        options.conversations.told(own ?? account, "addressee", message, done);
      if (message.kind === "delete") return new Promise((run) => keep(() => run(how)));
      keep();
      return how;
    };
    const of = message.kind === "delete" ? (own ?? account) : undefined;
    if (of !== undefined && takesBack(of, message)) return told("delivered");
    if (isStored) {
      // What is said again, under another id, is kept under the first one.
      const isKept = mail.isKept(message);
      return mail
        .keep(account, message)
        .then((end) => (typeof end === "string" && !isKept ? told(end) : end));
    }
    if (session === undefined) return options.people.nobody(message.to);
    show(session, message);
    return told("delivered");
  };
  const end = (id: string, one: Underway, how: TellOutcome | Failure) => {
    underway.delete(id);
    one.settled(how, one.isUnconfirmed && one.askers.length === 0);
    for (const asker of one.askers) {
      deadlines.remove(asker);
      asker.ended(how);
    }
  };
  const awaitEnd = (
    id: string,
    of: Pick<Underway, "to" | "sid" | "settled">,
    ended: Ended,
  ): Underway => {
    const { to, sid, settled } = of;
    const one: Underway = { to, sid, settled, askers: [], isUnconfirmed: false };
    underway.set(id, one);
    if (underway.size > LIMITS.tellsUnsettledMax) dropFirstUnasked(underway);
    whenEnded(one, ended);
    return one;
  };

  return {
    /** Delivers or stores what somebody here says to somebody here. */
    local(
      nick: Nick,
      message: PrivateEntry,
      settled: Settled,
    ): MaybePromise<TellOutcome | Failure> {
      const { id, to } = message;
      // Stored in an earlier life of this server, and handed over in this one.
      const key = repeatKey(message);
      const isRepeat = key !== undefined && delivered.has(key);
      const ended = isRepeat ? "delivered" : deliver(nick, message);
      if (!(ended instanceof Promise)) {
        settled(ended);
        return ended;
      }
      return new Promise((resolve) => {
        const one = awaitEnd(id, { to, sid: undefined, settled }, resolve);
        whenDone<TellOutcome | Failure>(ended, (how) => end(id, one, how));
      });
    },
    /**
     * Tells a session what was stored for its account: when it begins, comes back from being lost,
     * or proves another account. It is kept until all of it has reached the client.
     */
    handOver(session: LiveSession): void {
      const { account } = session.person;
      const kept = account === undefined ? [] : mail.of(account);
      if (kept.length === 0) return;
      for (const one of kept) {
        if (one.shownTo === session) continue; // it is in its outbox, which was kept
        one.shownTo = session;
        show(session, { ...one.message, late: true });
        const key = repeatKey(one.message);
        if (key !== undefined) remember(delivered, key);
      }
      mail.shown(kept);
      session.doorway.reached(() => mail.remove(kept));
    },
    /** The end of a message that was sent and has not ended; UNCONFIRMED if none is awaited. */
    again(id: string, to: string, ended: Ended): void {
      const one = underway.get(id);
      if (one !== undefined) return whenEnded(one, ended);
      const text = `${to}: no word came, and none is awaited any more; it may have arrived`;
      ended(failure("UNCONFIRMED", text));
    },
    /**
     * Sends to another home server; `ended` is told its answer, or UNCONFIRMED, once; `isPatient`
     * where nobody waits to hear that it went well.
     */
    send(
      peer: Peer,
      message: PrivateEntry,
      isPatient: boolean,
      settled: Settled,
      ended: Ended,
    ): void {
      const tell = { t: "tell", message } as const;
      if (!peer.send(isPatient ? { ...tell, patient: true } : tell)) {
        const text = `${message.to}: too much waits for that server; try again later`;
        const refused = failure("CONGESTED", text);
        settled(refused);
        return ended(refused);
      }
      awaitEnd(message.id, { to: message.to, sid: peer.sid, settled }, ended);
    },
    /** Another server's message for somebody here; the author must be its own. */
    arrived(peer: Peer, { message, patient }: PeerMessageOf<"tell">): void {
      const { id, from, to } = message;
      const nick = to.slice(0, to.lastIndexOf("@")) as Nick; // what is none is nobody's
      const key = repeatKey(message);
      const take = (): MaybePromise<TellOutcome | Failure> => {
        if (!peer.owns(from))
          return failure("ADDRESS_INVALID", "the author is not of the server that sent it");
        const invalid = isSaid(message.kind) ? undefined : checkKind(message);
        if (invalid !== undefined) return invalid;
        if (key !== undefined && delivered.has(key)) return "delivered";
        return deliver(nick, message);
      };
      const answer = (how: TellOutcome | Failure) => {
        if (how === "delivered" && key !== undefined) remember(delivered, key);
        if (typeof how === "string")
          peer.send({ t: "told", id, outcome: how }, patient === undefined);
        else peer.send({ t: "told", id, code: how.code, text: how.text });
      };
      const ended = take();
      if (ended instanceof Promise) whenDone<TellOutcome | Failure>(ended, answer);
      else answer(ended);
    },
    /** The other home server's word on a message of ours. */
    told(peer: Peer, message: PeerMessageOf<"told">): void {
      const one = underway.get(message.id);
      if (one?.sid !== peer.sid) return; // not its message to answer for
      const { code = "INTERNAL", text = "" } = message;
      end(message.id, one, message.outcome ?? knownFailure({ code, text }));
    },
    /** The server stops: nobody waits any more. */
    close(): void {
      deadlines.close();
      underway.clear();
    },
  };
}

export type Tells = ReturnType<typeof createTells>;

/** The message of a `tell`; `aboutCid` is its author's own id of what it deletes. */
export function privateOf(
  { kind, text, cid, about }: Ask<"tell">,
  {
    id,
    from,
    account,
    to,
    at,
  }: Pick<PrivateEntry, "id" | "from" | "to" | "at"> & {
    readonly account: string | undefined;
  },
  aboutCid: string | undefined,
): PrivateEntry {
  // Written out where it is plain: an object that is put together takes longer, also to encode.
  const plain: PrivateEntry =
    account === undefined && cid === undefined
      ? { id, from, to, kind, text, at }
      : {
          id,
          from,
          ...(account === undefined ? {} : { account }),
          to,
          kind,
          text,
          at,
          ...(cid === undefined ? {} : { cid }),
        };
  if (about === undefined) return plain;
  return { ...plain, about, ...(aboutCid === undefined ? {} : { aboutCid }) };
}

// --- internal -----------------------------------------------------------------------------------

function remember(delivered: Set<string>, what: string): void {
  delivered.add(what);
  const [oldest] = delivered;
  if (delivered.size > LIMITS.tellsDeliveredMax && oldest !== undefined) delivered.delete(oldest);
}

function dropFirstUnasked(underway: Map<string, Underway>): void {
  for (const [id, { askers }] of underway) {
    if (askers.length > 0) continue;
    underway.delete(id);
    return;
  }
}
