// What of a room's entries is in force, and who may do what: pure functions of the entries and of
// the founding that a server follows. Every server of a fusion decides by them for its own people,
// so that nothing depends on whether others obey.
//
// Roles are a tree (room-roles.ts). All other keys are registers: the newest entry counts whose
// actor has the right now. What one who has no right any more once set, under whatever date, is
// void. Bans and mutes may end by themselves: what is in force then is worked out anew.
// Read next: states.ts (who holds the entries), docs/rooms.md (the matrix).

import type { ErrorCode, Failure } from "../errors.ts";
import { failure } from "../errors.ts";
import type { Millis } from "../environment.ts";
import type { RoomName, Sid } from "../names.ts";
import { timeIn } from "../protocol/id.ts";
import type { ModeName, RoleName, Sanction, StateKind } from "../protocol/state.ts";
import type { StateEntry } from "../protocol/state.ts";
import { partsOf } from "../protocol/state.ts";
import { isMark, nickInMark } from "./guest-rooms.ts";
import type { Somebody } from "./pattern.ts";
import { PatternMap } from "./pattern.ts";
import { apartFromRemoved, isRemoved } from "./removed-accounts.ts";
import { grantOf, isInOffice, isNewer, rolesOf, targetOf } from "./room-roles.ts";
import { sanctionText } from "./sanction-text.ts";

/** An entry, and the server whose signature it bears; checked before it comes here. */
export interface Signed {
  readonly entry: StateEntry;
  readonly sid: Sid;
}

/** Whose rooms' authority a server follows. */
export interface Authority {
  /** `account@sid` of the founder; undefined where nobody has founded the room. */
  readonly founder: string | undefined;
  /**
   * The server whose operators stand on top: this one, in a room that is its own (the lobby,
   * `&room`); the founder's, where that account was removed.
   */
  readonly office?: Sid;
}

/** A role, who gave it, and how far below the founder. */
export interface Granted {
  readonly role: RoleName | undefined;
  readonly depth: number;
  /** Undefined for the founder's own. */
  readonly from: Signed | undefined;
}

export interface RoomState {
  readonly founder: string | undefined;
  /**
   * By `account@sid`, folded (`grantOf`): an account is the same in large letters and small.
   * "undefined" roles are decided, too: nobody below gives another one.
   */
  readonly roles: ReadonlyMap<string, Granted>;
  /** The entry in force by key, for all keys but roles and the founding; unset keys left out. */
  readonly registers: ReadonlyMap<string, Signed>;
  readonly bans: PatternMap<Signed>;
  readonly mutes: PatternMap<Signed>;
  readonly invites: PatternMap<Signed>;
  /** Somebody might not be let in, or not be heard: without it nothing need be looked at. */
  readonly restricted: boolean;
  /** For when this was worked out; what had ended by then is not in force. */
  readonly at: Millis;
  /** When the next ban or mute ends; infinite where none does. */
  readonly endsAt: Millis;
}

/** One who wants to do something; `office`: as an operator of the server in `Authority.office`. */
export interface Actor extends Pick<Somebody, "account"> {
  readonly sid: Sid;
  readonly office?: boolean;
}

/** One who is compared with bans and invitations. */
export interface Person extends Somebody, Actor {}

/** What can be done to a room; kicking leaves no entry. */
export type Act = Exclude<StateKind, "founded" | "gone" | "mode"> | `mode/${ModeName}` | "kick";

/**
 * Which role each act needs, at least. docs/rooms.md has the table. Where the mode `open-topic` is
 * set, the topic needs none.
 */
export const NEEDS: Readonly<Record<Act, "owner" | "moderator">> = {
  topic: "moderator",
  description: "moderator",
  pin: "moderator",
  invite: "moderator",
  ban: "moderator",
  mute: "moderator",
  kick: "moderator",
  "mode/moderated": "moderator",
  "mode/slow": "moderator",
  "mode/read-only": "moderator",
  "mode/open-topic": "moderator",
  "mode/open-talk": "moderator",
  "mode/invite-only": "owner",
  "mode/key": "owner",
  "mode/limit": "owner",
  "mode/secret": "owner",
  // Moderators give and take "voice" alone.
  role: "owner",
};

/**
 * Works out what is in force at a time, by which alone bans and mutes end. The order of the entries
 * does not matter.
 */
export function effective(
  held: readonly Signed[],
  authority: Authority,
  at: Millis = 0,
): RoomState {
  const entries = apartFromRemoved(held);
  const roles = rolesOf(entries, authority);
  const registers = new Map<string, Signed>();
  const take = (one: Signed) => {
    const other = registers.get(one.entry.key);
    if (other === undefined || isNewer(one, other)) registers.set(one.entry.key, one);
  };
  for (const one of entries) {
    const act = actOf(one.entry.key);
    if (act === undefined || act === "role") continue;
    if (hasRight(one, roles, authority, NEEDS[act])) take(one);
  }
  for (const [key, one] of registers)
    // The topic stays: one that somebody sets where it is open may be older than its end.
    if (one.entry.value === null && key !== "topic") registers.delete(key);
  const { founder } = authority;
  const state = indexed({ founder, roles, registers, at });
  // Who was muted when he set an open topic has not set it, also when that is over.
  if (isTopicOpen(state))
    for (const one of entries)
      if (one.entry.key === "topic" && setsOpenTopic(state, one)) take(one);
  if (registers.get("topic")?.entry.value === null) registers.delete("topic");
  if (state.endsAt > at) return state;
  for (const [key, one] of registers) if (endOf(one) <= at) registers.delete(key);
  return indexed(state);
}

/** The role that somebody has here. */
export const roleOf = (state: RoomState, { account, sid, office }: Actor): RoleName | undefined =>
  office === true
    ? "owner"
    : account === undefined
      ? undefined
      : grantOf(state.roles, account, sid)?.role;

/** The entries by which accounts have roles, but for those that were removed. */
export const givenRoles = ({ roles }: RoomState): Signed[] =>
  [...roles].flatMap(([id, { role, from }]) =>
    role === undefined || from === undefined || isRemoved(id) ? [] : [from],
  );

/** Whether somebody may do this now. For roles it is not all: see `counts`. */
export const may = (state: RoomState, who: Actor, act: Act): boolean =>
  reaches(roleOf(state, who), NEEDS[act]);

/**
 * Whether an entry, newer than those of its key, would be in force beside the others: also beside
 * those of the same server that it takes the place of, unless they are the same account's. `state`
 * is what is in force without it: only a role changes what is to be worked out anew.
 */
export function counts(
  state: RoomState,
  entries: readonly Signed[],
  one: Signed,
  authority: Authority,
): boolean {
  const { key } = one.entry;
  const act = actOf(key);
  if (act === undefined) return false;
  if (act === "topic" && isTopicOpen(state) && setsOpenTopic(state, one)) return true;
  if (act !== "role") return hasRight(one, state.roles, authority, NEEDS[act]);
  const all = apartFromRemoved([...entries, one]);
  return rolesOf(all, authority).get(targetOf(one))?.from === one;
}

/** The value of a mode; undefined where it is not set. */
export const modeOf = (state: RoomState, mode: ModeName) =>
  state.registers.get(`mode/${mode}`)?.entry.value ?? undefined;

/** Whoever may speak sets the topic. */
export const isTopicOpen = (state: RoomState): boolean => modeOf(state, "open-topic") !== undefined;

/**
 * Why somebody may not be in the room: banned, or not invited. Owners and moderators are not
 * touched by bans, nor by mutes: their role is taken first.
 */
export function barred(state: RoomState, who: Person, now: Millis): Failure | undefined {
  if (!state.restricted || stands(state, who)) return undefined;
  const ban = state.bans.find(who, holdsAt(now));
  if (ban !== undefined) return sanctioned("BANNED", "you are banned", ban);
  if (modeOf(state, "invite-only") === undefined || isInvited(state, who)) return undefined;
  const what = "it is by invitation only, and you have none";
  return failure("INVITE_ONLY", `room ${roomIn(state)}: ${what}`);
}

/** What keeps one out who is barred: the ban, or that the room is by invitation only. */
export const barrierOf = (state: RoomState, who: Person, now: Millis): Signed | undefined =>
  state.bans.find(who, holdsAt(now)) ?? state.registers.get("mode/invite-only");

/** Somebody is expected: a key is not asked of them, nor an invitation. */
export const isInvited = (state: RoomState, who: Person): boolean =>
  roleOf(state, who) !== undefined || hasInvitation(state, who);

export const hasInvitation = (state: RoomState, who: Somebody): boolean =>
  state.invites.find(who) !== undefined;

/** Why somebody who is in the room may say nothing there. */
export function silenced(state: RoomState, who: Person, now: Millis): Failure | undefined {
  if (!state.restricted || stands(state, who)) return undefined;
  const mute = state.mutes.find(who, holdsAt(now));
  if (mute !== undefined) return sanctioned("MUTED", "you are muted", mute);
  if (modeOf(state, "read-only") !== undefined)
    return failure("READ_ONLY", `room ${roomIn(state)}: only its owners and moderators speak`);
  if (modeOf(state, "moderated") === undefined || roleOf(state, who) === "voice") return undefined;
  const what = "it is moderated, and you have no voice";
  return failure("MODERATED", `room ${roomIn(state)}: ${what}`);
}

/** Why somebody says nothing in the room: may not be there, or may not speak. */
export const speechRefusal = (state: RoomState, who: Person, now: Millis): Failure | undefined =>
  barred(state, who, now) ?? silenced(state, who, now);

/** Owners and moderators; nothing holds them up. */
export const stands = (state: RoomState, who: Actor): boolean => {
  const role = roleOf(state, who);
  return role === "owner" || role === "moderator";
};

/** When what is set ends by itself; infinite where it does not. */
export function endOf({ entry: { value } }: Signed): Millis {
  const isObject = typeof value === "object" && value !== null;
  return (isObject && "until" in value ? value.until : undefined) ?? Number.POSITIVE_INFINITY;
}

/** Whether two entries of a key, or none, say the same, whoever says it. */
export const saySame = (one: Signed | undefined, other: Signed | undefined): boolean =>
  one === other ||
  JSON.stringify(one?.entry.value ?? null) === JSON.stringify(other?.entry.value ?? null);

/** The act that an entry of this key is; undefined where people do nothing by it. */
function actOf(key: string): Exclude<Act, "kick"> | undefined {
  const { kind } = partsOf(key) ?? {};
  if (kind === undefined || kind === "founded" || kind === "gone") return undefined;
  return kind === "mode" ? (key as Act & `mode/${string}`) : kind; // its mode was looked up
}

// --- internal -----------------------------------------------------------------------------------

const RESTRICTING: readonly ModeName[] = ["moderated", "read-only", "invite-only", "slow"];

const reaches = (role: RoleName | undefined, needed: "owner" | "moderator"): boolean =>
  role === "owner" || (role === "moderator" && needed === "moderator");

/** What is done in office counts in that office alone, whatever role the account has besides. */
const hasRight = (
  one: Signed,
  roles: ReadonlyMap<string, Granted>,
  authority: Authority,
  needed: "owner" | "moderator",
): boolean =>
  one.entry.office === true
    ? isInOffice(one, authority)
    : reaches(grantOf(roles, one.entry.by, one.sid)?.role, needed);

/**
 * Whether an open topic is of one who may speak, as far as entries tell: who was there they don't.
 * So a server that does not obey gains nothing by people who are banned or muted.
 */
function setsOpenTopic(state: RoomState, { entry, sid }: Signed): boolean {
  const { by, server, office } = entry;
  if (office !== undefined) return false;
  // Bans and invitations are of a nick as well as of an account.
  const nick = entry.nick ?? (isMark(by) ? nickInMark(by) : by);
  // A guest's mark by the nick is no account, and has no role; in rooms that guests run one may.
  const who = {
    nick,
    account: isMark(by) && grantOf(state.roles, by, sid) === undefined ? undefined : by,
    server,
    sid,
  };
  const at = timeIn(entry.id) ?? 0;
  return speechRefusal(state, who, at) === undefined;
}

const holdsAt = (now: Millis) => (one: Signed) => endOf(one) > now;

/** What is set, to be looked up; bans and mutes as long as they are registers. */
function indexed(rules: Pick<RoomState, "founder" | "roles" | "registers" | "at">): RoomState {
  const { founder, roles, registers, at } = rules;
  const [bans, mutes] = [new PatternMap<Signed>(), new PatternMap<Signed>()];
  const invites = new PatternMap<Signed>();
  const sets: Readonly<Record<string, PatternMap<Signed>>> = {
    ban: bans,
    mute: mutes,
    invite: invites,
  };
  let endsAt = Number.POSITIVE_INFINITY;
  for (const [key, one] of registers) {
    const { kind = "", of = "" } = partsOf(key) ?? {};
    sets[kind]?.add(of, one);
    endsAt = Math.min(endsAt, endOf(one));
  }
  const restricted =
    bans.size > 0 || mutes.size > 0 || RESTRICTING.some((mode) => registers.has(`mode/${mode}`));
  return { founder, roles, registers, bans, mutes, invites, restricted, at, endsAt };
}

const roomIn = ({ registers }: RoomState): RoomName =>
  registers.values().next().value?.entry.room ?? ("" as RoomName); // what restricts is a register

function sanctioned(code: ErrorCode, what: string, { entry }: Signed): Failure {
  const how = sanctionText(entry.value as Sanction); // checked with its key
  return failure(code, `room ${entry.room}: ${what}${how}`);
}

/** Nothing is set, nobody has a role. */
export const EMPTY_STATE: RoomState = effective([], { founder: undefined });
