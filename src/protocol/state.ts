// A room's state is made of entries: each sets or unsets one key, and is signed by the home server
// of the account that did so, so that anybody can carry and check it. What of them is in force is
// core/room-state.ts' to say. Pure.
//
//   an entry on the wire: [body, key of the signing server, signature], the last two in hex
//   body: {"id","room","key","value","by","server","nick"?} as JSON; the signature covers
//   "chatfusion room 1" · sid of the signing server · body

import * as v from "valibot";
import type { Bytes } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName, ServerName, Sid } from "../names.ts";
import { isSid, sidBytes } from "../names.ts";

const PREFIX = new TextEncoder().encode("chatfusion room 1");
const encoder = new TextEncoder();

export const ROLES = ["owner", "moderator", "voice"] as const;
export type RoleName = (typeof ROLES)[number];
export const MODES = [
  ...(["moderated", "invite-only", "key", "secret", "limit", "slow", "read-only"] as const),
  ...(["open-topic", "open-talk"] as const),
] as const;
export type ModeName = (typeof MODES)[number];

/** What keys begin with, and what they stand before a `/` for. */
export const STATE_KINDS = [
  ...(["founded", "topic", "description"] as const),
  ...(["mode", "role", "ban", "mute", "invite", "pin", "gone"] as const),
] as const;
export type StateKind = (typeof STATE_KINDS)[number];

/** Why and until when, in milliseconds since 1970, somebody is banned or muted. */
export interface Sanction {
  readonly reason?: string;
  readonly until?: number;
}
/** A role, and the name of the server of the account, for people: its sid stands in the key. */
export interface RoleValue {
  readonly role: RoleName;
  readonly server: string;
}
export type StateValue = string | number | true | Sanction | RoleValue | null;

/** One change of one key. `value` null unsets it. */
export interface StateEntry {
  /** Sorts by time; see core/ids.ts. */
  readonly id: string;
  readonly room: RoomName;
  readonly key: string;
  readonly value: StateValue;
  /** The account of the signing server that did it; of a guest `~` and the nick. */
  readonly by: string;
  /** The name that the signing server had. */
  readonly server: ServerName;
  /** Of an open topic: the nick of who set it, where that is not the name in `by`. */
  readonly nick?: string;
  /** Done as an operator of the signing server, where its operators stand on top. */
  readonly office?: true;
}

/** An entry as servers tell each other: its body, the signer's key, the signature. */
export const StateRow = v.tuple([
  v.pipe(v.string(), v.maxBytes(LIMITS.stateEntryBytesMax)),
  v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/)),
]);
export type StateRow = v.InferOutput<typeof StateRow>;

/** The kind of a key, and what stands behind it; undefined where it is no key. */
export function partsOf(
  key: string,
): { readonly kind: StateKind; readonly of: string } | undefined {
  const slash = key.indexOf("/");
  const kind = (slash < 0 ? key : key.slice(0, slash)) as StateKind; // looked up next
  const of = slash < 0 ? "" : key.slice(slash + 1);
  if (!STATE_KINDS.includes(kind)) return undefined;
  const isAlone = kind === "founded" || kind === "topic" || kind === "description";
  if (isAlone !== slash < 0 || (!isAlone && of === "")) return undefined;
  if (kind === "mode" && !(MODES as readonly string[]).includes(of)) return undefined;
  if (kind === "role" && accountIn(of) === undefined) return undefined;
  return { kind, of };
}

/** An account of a server, by its sid: `account@sid`. Names of servers may change hands. */
export const accountId = (account: string, sid: Sid): string => `${account}@${sid}`;

/** The account and the server in such an id; undefined where it is none. */
export function accountIn(id: string): { readonly account: string; readonly sid: Sid } | undefined {
  const at = id.lastIndexOf("@");
  const sid = id.slice(at + 1);
  return at > 0 && isSid(sid) ? { account: id.slice(0, at), sid } : undefined;
}

/** Whether a key may have this value. */
export function fitsKey(key: string, value: StateValue): boolean {
  const parts = partsOf(key);
  if (parts === undefined) return false;
  if (value === null) return true;
  const { kind, of } = parts;
  return v.is(kind === "mode" ? MODE_VALUES[of as ModeName] : VALUES[kind], value); // a mode's name
}

/** The JSON that is signed. */
export const encodeState = (entry: StateEntry): string => {
  const { id, room, key, value, by, server, nick, office } = entry;
  return JSON.stringify({ id, room, key, value, by, server, nick, office }); // what is there of it
};

/** Reads a body; undefined where it is none. Whether its room has its one form is not looked at. */
export function decodeState(body: string): StateEntry | undefined {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return undefined;
  }
  const parsed = v.safeParse(Body, json);
  if (!parsed.success) return undefined;
  // The names are branded; that the value is one of the key is checked here.
  const entry = parsed.output as StateEntry;
  return fitsKey(entry.key, entry.value) ? entry : undefined;
}

/** The bytes that the server of this sid signs. */
export function signedState(sid: Sid, body: string): Bytes {
  const text = encoder.encode(body);
  const bytes = new Uint8Array(PREFIX.length + 16 + text.length);
  bytes.set(PREFIX);
  bytes.set(sidBytes(sid), PREFIX.length);
  bytes.set(text, PREFIX.length + 16);
  return bytes;
}

// --- internal -----------------------------------------------------------------------------------

const Line = v.pipe(v.string(), v.minLength(1), v.maxBytes(LIMITS.reasonBytesMax));
const Time = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(LIMITS.timeMsMax));
const Yes = v.literal(true);
const SanctionShape = v.strictObject({ reason: v.optional(Line), until: v.optional(Time) });

const VALUES: Readonly<Record<Exclude<StateKind, "mode">, v.GenericSchema>> = {
  founded: Yes,
  topic: Line,
  description: Line,
  role: v.strictObject({
    role: v.picklist(ROLES),
    server: v.pipe(v.string(), v.maxBytes(LIMITS.nameBytesMax)),
  }),
  ban: SanctionShape,
  mute: SanctionShape,
  invite: Yes,
  pin: Yes,
  /** An account of the signing server was removed: who has its name later is another one. */
  gone: Yes,
};

const bounded = (max: number) => v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(max));
const MODE_VALUES: Readonly<Record<ModeName, v.GenericSchema>> = {
  moderated: Yes,
  "invite-only": Yes,
  secret: Yes,
  "read-only": Yes,
  "open-topic": Yes,
  "open-talk": Yes,
  /** A hash of it: the key itself never leaves the server where it was set. */
  key: v.pipe(v.string(), v.minLength(1), v.maxBytes(LIMITS.keyHashBytesMax)),
  limit: bounded(LIMITS.peoplePerServerMax),
  slow: bounded(LIMITS.slowModeSecondsMax),
};

const Body = v.object({
  id: v.pipe(v.string(), v.regex(/^[0-9a-z]{13}[0-9a-f]{8}$/)),
  room: v.pipe(v.string(), v.maxBytes(LIMITS.nameBytesMax)),
  key: v.pipe(v.string(), v.maxBytes(LIMITS.stateKeyBytesMax)),
  value: v.nullable(v.union([v.string(), v.number(), Yes, v.record(v.string(), v.unknown())])),
  // Of a guest there is a sign before the nick.
  by: v.pipe(v.string(), v.minLength(1), v.maxBytes(LIMITS.nameBytesMax + 1)),
  server: v.pipe(v.string(), v.minLength(1), v.maxBytes(LIMITS.nameBytesMax)),
  nick: v.exactOptional(v.pipe(v.string(), v.minLength(1), v.maxBytes(LIMITS.nameBytesMax))),
  office: v.exactOptional(Yes),
});
