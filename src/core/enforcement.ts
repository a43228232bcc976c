// What a change of a room's state does to those who are there: who may not be in it any more is put
// out, the members hear what was set, the invited that they are. Read states.ts first.

import type { Clock, Millis } from "../environment.ts";
import type { Failure } from "../errors.ts";
import type { RoomName } from "../names.ts";
import { LOBBY } from "../names.ts";
import type { Ranked } from "../plugin/gateway.ts";
import type { PersonEntry } from "../protocol/messages.ts";
import type { Removal } from "../protocol/ruling.ts";
import type { Sanction } from "../protocol/state.ts";
import { partsOf } from "../protocol/state.ts";
import type { Actors } from "./actors.ts";
import type { Directory } from "./directory.ts";
import { hasForeign } from "./format.ts";
import { PatternMap } from "./pattern.ts";
import { remoteEntry } from "./peer.ts";
import { isRemoved } from "./removed-accounts.ts";
import type { Peers } from "./peers.ts";
import type { People } from "./people.ts";
import { entryOf, thereIn } from "./people.ts";
import type { Presence } from "./presence.ts";
import type { Room } from "./room.ts";
import { grantOf } from "./room-roles.ts";
import type { Person, RoomState, Signed } from "./room-state.ts";
import { barred, barrierOf, endOf, modeOf, roleOf, saySame } from "./room-state.ts";
import type { Rooms } from "./rooms.ts";
import type { LiveSession } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import type { StateChange, States } from "./states.ts";

export interface EnforcementOptions {
  readonly clock: Clock;
  readonly sessions: Sessions;
  readonly states: States;
  readonly actors: Actors;
  readonly people: () => People;
  readonly rooms: () => Rooms;
  readonly peers: () => Peers;
  readonly presence: () => Presence;
  readonly directory: () => Directory;
}

export function createEnforcement(options: EnforcementOptions) {
  const { clock, states, actors } = options;

  /** Puts somebody of this server out of a room. */
  const remove = (session: LiveSession, room: RoomName, text: string, removed: Removal) => {
    if (room === LOBBY || !session.memberships.has(room)) return;
    const why = { reason: toldText(removed), removed };
    options.presence().left(room, entryOf(session), why, session);
    options.rooms().leave(session, room);
    options.directory().left(session, room, why);
    session.doorway.personal({ type: "removed", room, text, ...removed });
  };
  /** Why one is put out by what is in force from now on. */
  const removalOf = (after: RoomState, who: Person, { code }: Failure): Removal => {
    const one = barrierOf(after, who, clock.now());
    if (one === undefined) return { code };
    const { room, by, key, value } = one.entry;
    const { reason } = key.startsWith("ban/") ? (value as Sanction) : {}; // a ban's
    const author = actors.author(room, by, one.sid);
    return { code, by: author, ...(reason === undefined ? {} : { reason }) };
  };
  /** Puts one of this server out of a room in which he may not be, as `who` he is or will be. */
  const judge = (session: LiveSession, room: RoomName, state: RoomState, who: Person) => {
    const refused = barred(state, who, clock.now());
    if (refused !== undefined) remove(session, room, refused.text, removalOf(state, who, refused));
  };
  /** Who stays in a room whatever is decided here: other servers' people, in the lobby all. */
  const hidableIn = function* (room: RoomName): Generator<Hidable> {
    if (room === LOBBY)
      for (const by of options.sessions.all())
        yield { entry: entryOf(by), who: states.personOf(by, room), by };
    for (const peer of options.peers().present())
      for (const person of thereIn(peer, room)) {
        const who: Person = { ...person, server: peer.name, sid: peer.sid };
        yield { entry: remoteEntry(peer, person), who };
      }
  };
  /** Who may not be in a room any more leaves it, here; and elsewhere is not shown any more. */
  const enforce = (room: RoomName, { before, after }: StateChange) => {
    const open = options.rooms().find(room);
    if (!after.restricted || open === undefined || !mayBar(before, after)) return;
    if (room !== LOBBY)
      for (const session of Array.from(open.members()))
        judge(session, room, after, states.personOf(session, room));
    for (const { entry, who, by } of hidableIn(room)) {
      const refused = barred(after, who, after.at);
      if (refused === undefined || barred(before, who, before.at) !== undefined) continue;
      const removed = removalOf(after, who, refused);
      options.presence().left(room, entry, { reason: toldText(removed), removed }, by);
    }
  };
  /** Tells the members what is otherwise than before. */
  const tell = (room: RoomName, change: StateChange) => {
    const { before, after, cause } = change;
    const open = options.rooms().find(room);
    const shown = actors.teller();
    if (open !== undefined) open.restricted = after.restricted;
    if (after.founder !== undefined && after.founder !== before.founder) {
      const founding = states.foundingIn(room, after.founder);
      if (founding !== undefined) open?.tell({ type: "state", room, ...shown(founding) });
    }
    for (const key of new Set([...before.registers.keys(), ...after.registers.keys()])) {
      const [was, now] = [before.registers.get(key), after.registers.get(key)];
      const one = now ?? endedOf(was, after.at) ?? newestOf(room, key);
      if (saySame(was, now) || one === undefined) continue;
      const by = cause?.key === key ? cause.session : undefined;
      const how = now === undefined ? unsetOf(one, after.at) : {};
      open?.tell({ type: "state", room, ...shown(one), ...how }, by);
    }
    for (const id of new Set([...before.roles.keys(), ...after.roles.keys()])) {
      const [was, now] = [before.roles.get(id), after.roles.get(id)];
      const from = now?.from ?? was?.from;
      if (was?.role === now?.role || from === undefined || isRemoved(id)) continue;
      open?.tell({ type: "state", room, ...shown(from), value: now?.role ?? null });
    }
    if (open !== undefined && hasForeign(open)) rank(open, change);
    show(room, change);
  };
  /** Who was hidden, and may be in a room again in which he is elsewhere, is shown there. */
  const show = (room: RoomName, { before, after }: StateChange) => {
    const isOpen = options.rooms().find(room) !== undefined;
    if (!before.restricted || !isOpen || !mayBar(after, before)) return;
    for (const { entry, who, by } of hidableIn(room)) {
      const wasBarred = barred(before, who, before.at) !== undefined;
      if (wasBarred && barred(after, who, after.at) === undefined)
        options.presence().joined(room, entry, by);
    }
  };
  /** Tells whose role is another one, of those who are there. */
  const rank = (open: Room<LiveSession>, { before, after }: StateChange) => {
    const { name } = open;
    if (before.roles === after.roles || before.roles.size + after.roles.size === 0) return;
    const told = new Map<Signed | undefined, Ranked["people"][number][]>();
    for (const person of options.people().inRoom(name)) {
      const who = actors.somebody(name, person);
      if (who === undefined) continue;
      const [was, role] = [roleOf(before, who), roleOf(after, who)];
      if (was === role) continue;
      const grant = ({ roles }: RoomState) => grantOf(roles, who.account ?? "", who.sid);
      const from = grant(after)?.from ?? grant(before)?.from;
      const ranks = {
        ...(was === undefined ? {} : { was }),
        ...(role === undefined ? {} : { role }),
      };
      told.set(from, [...(told.get(from) ?? []), { ...person, ...ranks }]);
    }
    for (const [from, people] of told) {
      const by = from === undefined ? {} : { by: actors.author(name, from.entry.by, from.sid) };
      open.tell({ type: "ranked", room: name, people, ...by });
    }
  };
  /** Says to an invited one who is here that he is; others' homes say it to theirs. */
  const invite = (one: Signed) => {
    const { room, key } = one.entry;
    const { of = "" } = partsOf(key) ?? {};
    if (/[*?]/.test(of)) return; // many may come, and nobody is asked to
    const invited = new PatternMap<Signed>();
    invited.add(of, one);
    const { by, from } = actors.teller()(one);
    const who = from === undefined ? { by } : { by, from };
    for (const session of options.sessions.all()) {
      const isThere = session.memberships.has(room);
      if (isThere || invited.find(states.personOf(session, room)) === undefined) continue;
      session.doorway.personal({ type: "invited", room, ...who });
    }
  };
  const newestOf = (room: RoomName, key: string) =>
    states.ofKey(room, key).toSorted((a, b) => (a.entry.id < b.entry.id ? 1 : -1))[0];

  return { remove, judge, enforce, tell, invite };
}

// --- internal -----------------------------------------------------------------------------------

/** Whether somebody may be barred after a change who was not before: else nobody is looked at. */
function mayBar(before: RoomState, after: RoomState): boolean {
  const isClosed = modeOf(after, "invite-only") !== undefined;
  if (after.bans.size === 0 && !isClosed) return false;
  for (const [key, one] of after.registers)
    if ((key.startsWith("ban/") || key === CLOSED) && before.registers.get(key) !== one)
      return true;
  // Who loses a role or an invitation may be barred by what was there already.
  for (const [id, { role }] of before.roles)
    if (role !== undefined && after.roles.get(id)?.role !== role) return true;
  if (!isClosed) return false;
  for (const key of before.registers.keys())
    if (key.startsWith("invite/") && !after.registers.has(key)) return true;
  return false;
}

/** One who is in a room; `by` where he is of this server, and knows that he stays. */
interface Hidable {
  readonly entry: PersonEntry;
  readonly who: Person;
  readonly by?: LiveSession;
}

const CLOSED = "mode/invite-only";

/** Why one was put out, for the others: what he is told himself is meant for him. */
function toldText({ code, by, reason }: Removal): string {
  const author = by === undefined ? "" : ` by ${by.address}`;
  const why = reason === undefined ? "" : `: ${reason}`;
  if (code === "INVITE_ONLY") return "the room is by invitation only";
  return `${code === "BANNED" ? "banned" : "kicked"}${author}${why}`;
}

const endedOf = (one: Signed | undefined, now: Millis): Signed | undefined =>
  one === undefined || endOf(one) > now ? undefined : one;

/** How it is told that a key is set no more: that somebody has unset it, or that it has ended. */
const unsetOf = (one: Signed, now: Millis) => {
  const ended = endedOf(one, now);
  const over = ended === undefined ? {} : ({ at: endOf(ended), expired: true } as const);
  return { value: null, ...over };
};
