// What two servers of a fusion say to each other above the fabric, whatever fabric it is:
// sealed messages between home servers (traffic "private"), signed changes of the directory
// (traffic "control"), batches (batch.ts, traffic "room") and chunks (transfer.ts, "bulk"). Pure.

import * as v from "valibot";
import type { Bytes } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import { acceptance, offered } from "./files.ts";
import { decodeJson } from "./frame.ts";
import { PrivateKind } from "./messages.ts";
import { Count, PeerName as Name, Sha256, Sid, Transfer } from "./shapes.ts";
import { StateRow } from "./state.ts";

const Account = v.pipe(v.string(), v.maxBytes(LIMITS.nameBytesMax * 2));
const Rtt = v.pipe(v.number(), v.minValue(0), v.maxValue(LIMITS.counterMax));
const Line = v.pipe(v.string(), v.maxBytes(LIMITS.reasonBytesMax * 2));

/** Drawn at each start of a server: 16 hex digits. */
const Life = v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/));

/** What a server's core says of itself in the announcement that its fabric signs. */
const Card = v.object({
  /** This start's. */
  life: Life,
  /** X25519, of this start: 64 hex digits. */
  seal: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});
export type Card = v.InferOutput<typeof Card>;

/** Reads a card; undefined when it is none. */
export function readCard(bytes: Bytes): Card | undefined {
  try {
    const parsed = v.safeParse(Card, decodeJson(bytes));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined; // no JSON: the same as no card, which the caller reports
  }
}

/** nick, account (or ""), since, rooms besides the lobby, and of one who is away, why (or ""). */
export type PersonRow = [
  nick: string,
  account: string,
  since: number,
  rooms: string[],
  away?: string | undefined,
];
const PersonRow = v.pipe(
  v.tuple([
    Name,
    Account,
    Count,
    v.pipe(v.array(Name), v.maxLength(LIMITS.roomsPerSessionMax)),
    v.optional(Line),
  ]),
  v.transform((row): PersonRow => row),
);

/** Why one is not in a room any more who has not left it, as the one's own server says it. */
const Removed = v.object({
  code: v.pipe(v.string(), v.maxLength(LIMITS.codeLengthMax)),
  by: v.exactOptional(v.object({ address: Name, account: v.exactOptional(Account) })),
  reason: v.exactOptional(Line),
});

/** One change of a server's people. The lobby needs no join. */
const Change = v.variant("op", [
  v.object({ op: v.literal("come"), nick: Name, account: v.string(), since: Count }),
  v.object({ op: v.literal("go"), nick: Name, reason: v.optional(Line) }),
  v.object({ op: v.literal("rename"), nick: Name, to: Name, account: v.string() }),
  v.object({ op: v.literal("away"), nick: Name, away: v.exactOptional(Line) }),
  v.object({ op: v.literal("join"), nick: Name, room: Name }),
  v.object({
    op: v.literal("part"),
    nick: Name,
    room: Name,
    reason: v.optional(Line),
    removed: v.exactOptional(Removed),
  }),
]);
export type Change = v.InferOutput<typeof Change>;

/** A signed frame of the directory: the changes that lead to version `v`, and streams' heads. */
export const DirectoryFrame = v.object({
  life: v.pipe(v.string(), v.maxLength(16)),
  v: Count,
  changes: v.pipe(v.array(Change), v.maxLength(LIMITS.directoryChangesMax)),
  /** How far this server's streams are, of rooms that were active. */
  heads: v.optional(v.record(Name, Count)),
});
export type DirectoryFrame = v.InferOutput<typeof DirectoryFrame>;

/** A private message, as it goes between servers and as it is kept. */
export const PrivateRow = v.object({
  id: v.pipe(v.string(), v.maxLength(LIMITS.idLengthMax)),
  from: Name,
  account: v.exactOptional(v.string()),
  to: Name,
  kind: PrivateKind,
  text: v.pipe(v.string(), v.maxBytes(LIMITS.textBytesMax)),
  at: Count,
  cid: v.exactOptional(v.pipe(v.string(), v.maxBytes(LIMITS.clientIdBytesMax))),
  about: v.exactOptional(v.pipe(v.string(), v.minLength(1), v.maxLength(LIMITS.idLengthMax))),
  aboutCid: v.exactOptional(v.pipe(v.string(), v.maxBytes(LIMITS.clientIdBytesMax))),
});

/**
 * How far the sender has a stream whose origin is not here to serve it: origin, life, last number,
 * when that was said (0: not known), the origin's key and name ("": not known).
 */
const HeldRow = v.tuple([
  Sid,
  Life,
  Count,
  Count,
  v.pipe(v.string(), v.regex(/^(?:[0-9a-f]{64})?$/)),
  v.pipe(v.string(), v.maxBytes(LIMITS.nameBytesMax * 2)),
]);
export type HeldRow = v.InferOutput<typeof HeldRow>;

/** Why a link has been ended that was not lost: by an operator, or since a server stops. */
export const PartedCode = v.picklist(["UNMERGED", "SERVER_STOPPING"]);
export type PartedCode = v.InferOutput<typeof PartedCode>;

/** 16 bytes of a hash. */
const Digest = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));

/** Of another life or another server than the one that is asked: both, or neither. */
const Elsewhere = { origin: v.optional(Sid), life: v.optional(Life) };

/** The messages of the sealed channel between two home servers, in order. */
export const PeerMessage = v.variant("t", [
  /** The sender's view, as a digest of its sids: equal at all when a merge has settled. */
  v.object({ t: v.literal("view"), digest: v.pipe(v.string(), v.maxLength(LIMITS.idLengthMax)) }),
  /** A page of all people, as of version `v`. */
  v.object({
    t: v.literal("people"),
    v: Count,
    first: v.boolean(),
    last: v.boolean(),
    people: v.pipe(v.array(PersonRow), v.maxLength(LIMITS.directoryPageMax)),
  }),
  /** The directory's changes have a hole: send all people again. */
  v.object({ t: v.literal("people?") }),
  /** Where the sender's streams stand: what comes after is owed. */
  v.object({ t: v.literal("stand"), heads: v.record(Name, Count) }),
  /** Where the sender's directory and streams are, after a while of quiet. It owes nothing. */
  v.object({ t: v.literal("heads"), v: Count, heads: v.record(Name, Count) }),
  /** Send these numbers of a stream again. */
  v.object({ t: v.literal("want"), room: Name, from: Count, to: Count, ...Elsewhere }),
  /** These numbers are held no more. */
  v.object({ t: v.literal("lost"), room: Name, from: Count, to: Count, ...Elsewhere }),
  /** How far streams have come at the sender whose origin is not here. */
  v.object({
    t: v.literal("held"),
    room: Name,
    streams: v.pipe(v.array(HeldRow), v.maxLength(LIMITS.heldPageMax)),
  }),
  /** The sender's link to this server was ended on purpose: a split that follows is no loss. */
  v.object({ t: v.literal("parted"), server: Name, code: PartedCode }),
  /** An operator asks for the round-trip times of your links. */
  v.object({ t: v.literal("links?") }),
  /** The other ends, and the milliseconds to each, where they are measured. */
  v.object({
    t: v.literal("links"),
    links: v.pipe(v.array(v.tuple([Sid, Rtt])), v.maxLength(LIMITS.linksPerServerMax)),
  }),
  /** One of the sender's people is writing something, in a room or to somebody. */
  v.object({
    t: v.literal("typing"),
    from: Name,
    room: v.exactOptional(Name),
    to: v.exactOptional(Name),
  }),
  /** What the sender holds of rooms' states: a digest of all, or one for each part of them. */
  v.object({ t: v.literal("states"), digests: v.pipe(v.array(Digest), v.maxLength(256)) }),
  /** The rooms of one part behind one name, up to another or all, each with its digest. */
  v.object({
    t: v.literal("rooms"),
    part: v.pipe(Count, v.maxValue(255)),
    after: v.string(),
    upTo: v.optional(v.string()),
    rooms: v.pipe(v.array(v.tuple([Name, Digest])), v.maxLength(LIMITS.stateDigestsMax)),
  }),
  /** Send me the entries of these rooms. */
  v.object({
    t: v.literal("entries?"),
    rooms: v.pipe(v.array(Name), v.maxLength(LIMITS.stateDigestsMax)),
  }),
  /** `fresh`: made just now by the sender. */
  v.object({
    t: v.literal("entries"),
    rows: v.pipe(v.array(StateRow), v.maxLength(LIMITS.statePageMax)),
    fresh: v.optional(v.literal(true)),
  }),
  /** Put one of your people out of a room, by this account of ours. */
  v.object({
    t: v.literal("kick"),
    id: v.pipe(v.string(), v.maxLength(LIMITS.idLengthMax)),
    room: Name,
    nick: Name,
    by: v.pipe(v.string(), v.maxBytes(LIMITS.nameBytesMax)),
    reason: v.optional(Line),
    /** Since when whoever is meant is there: nobody else, who has the nick now. */
    since: v.exactOptional(Count),
  }),
  v.object({
    t: v.literal("kicked"),
    id: v.pipe(v.string(), v.maxLength(LIMITS.idLengthMax)),
    code: v.optional(v.pipe(v.string(), v.maxLength(LIMITS.codeLengthMax))),
    text: v.optional(Line),
  }),
  /** `patient`: its author waits for no word that it went well; `told` of that is in no hurry. */
  v.object({
    t: v.literal("tell"),
    message: PrivateRow,
    patient: v.exactOptional(v.literal(true)),
  }),
  v.object({
    t: v.literal("told"),
    id: v.pipe(v.string(), v.maxLength(LIMITS.idLengthMax)),
    outcome: v.optional(v.picklist(["delivered", "stored"])),
    code: v.optional(v.pipe(v.string(), v.maxLength(LIMITS.codeLengthMax))),
    text: v.optional(Line),
  }),
  v.object({
    t: v.literal("offer"),
    transfer: Transfer,
    from: Name,
    to: Name,
    ...offered,
  }),
  v.object({ t: v.literal("offered"), transfer: Transfer }),
  v.object({ t: v.literal("accepted"), transfer: Transfer, ...acceptance, upTo: Count }),
  v.object({ t: v.literal("credit"), transfer: Transfer, upTo: Count }),
  v.object({ t: v.literal("finished"), transfer: Transfer, sha256: Sha256 }),
  v.object({ t: v.literal("done"), transfer: Transfer, sha256: Sha256 }),
  v.object({
    t: v.literal("failed"),
    transfer: Transfer,
    code: v.pipe(v.string(), v.maxLength(LIMITS.codeLengthMax)),
    text: Line,
  }),
]);
export type PeerMessage = v.InferOutput<typeof PeerMessage>;
export type PeerMessageOf<T extends PeerMessage["t"]> = Extract<PeerMessage, { t: T }>;
