// Who may be where and speak there: the state of rooms (states.ts) and the operator's bans
// (server-bans.ts), as the rest of the server asks for them and as they act on those who are here.
// What people of other servers do is looked at as well: a server that lets its people do what they
// may not gains nothing here.

import type { Environment, MaybePromise } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName, ServerName } from "../names.ts";
import { LOBBY } from "../names.ts";
import { isSaid } from "../protocol/amendment.ts";
import type { MessageEntry, MessageKind, PersonEntry } from "../protocol/messages.ts";
import type { RoomOutline } from "../protocol/ruling.ts";
import type { ModeName } from "../protocol/state.ts";
import { MODES } from "../protocol/state.ts";
import { createActors } from "./actors.ts";
import type { Audit } from "./audit.ts";
import { loadAudit } from "./audit.ts";
import type { Directory } from "./directory.ts";
import { createEnforcement } from "./enforcement.ts";
import type { Identity } from "./identity.ts";
import type { Ids } from "./ids.ts";
import type { AccountOf, HashingPool } from "./auth.ts";
import { createKicks } from "./kicks.ts";
import type { Peer, Source } from "./peer.ts";
import type { Peers } from "./peers.ts";
import type { People } from "./people.ts";
import type { Presence } from "./presence.ts";
import type { Person, RoomState } from "./room-state.ts";
import {
  barred,
  isInvited,
  isTopicOpen,
  modeOf,
  roleOf,
  speechRefusal,
  stands,
} from "./room-state.ts";
import { createRemovals } from "./removals.ts";
import type { Rooms } from "./rooms.ts";
import type { ServerBans } from "./server-bans.ts";
import { loadServerBans } from "./server-bans.ts";
import type { LiveSession } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import { tellOfBans } from "./shunning.ts";
import { createSlowMode } from "./slow-mode.ts";
import { createStateChanges, keyHashOf } from "./state-changes.ts";
import type { StateStore } from "./state-store.ts";
import { createStateStore } from "./state-store.ts";
import { createStateSync } from "./state-sync.ts";
import type { Proven, States } from "./states.ts";
import { createStates } from "./states.ts";
import { createThrottle } from "./throttle.ts";

export interface GovernanceOptions {
  readonly environment: Environment;
  readonly self: ServerName;
  /** Guests may run rooms that nobody has founded. */
  readonly guests: boolean;
  readonly identity: () => Identity;
  readonly ids: Ids;
  readonly store: StateStore;
  readonly bans: ServerBans;
  readonly pool: HashingPool;
  readonly accountOf: AccountOf;
  readonly tellsAccounts: () => boolean;
  readonly sessions: Sessions;
  readonly rooms: () => Rooms;
  readonly people: () => People;
  readonly peers: () => Peers;
  readonly presence: () => Presence;
  readonly directory: () => Directory;
}

export type Governance = ReturnType<typeof createGovernance>;

/** What of it is on the disk. */
export interface Governed {
  readonly store: StateStore;
  readonly bans: ServerBans;
  readonly audit: Audit;
}

/** Reads what earlier lives of the server held. Rejects with `CONFIG_INVALID`. */
export async function loadGoverned(environment: Environment): Promise<Governed> {
  const store = createStateStore(environment);
  await store.load();
  return { store, bans: await loadServerBans(environment), audit: await loadAudit(environment) };
}

export function createGovernance(options: GovernanceOptions) {
  const { environment, store, bans, pool, self, rooms } = options;
  const { clock } = environment;
  const { states, actors, sync, changes, removals, kicks, judge } = createParts(options);
  const slow = createSlowMode(clock);
  /** Who guesses the keys of rooms is slowed down as who guesses passwords. */
  const keyTries = createThrottle(clock);
  const isOwn = ({ address }: PersonEntry) => address.endsWith(`@${self}`);
  const isBarredFrom: HiderOptions["isBarredFrom"] = (room, person, of) => {
    // Who is in a room here may be there: else he is put out at once, but not of the lobby.
    if (room !== LOBBY && isOwn(person)) return false;
    const somebody = of === undefined ? actors.somebody(room, person) : who(of, person);
    if (somebody === undefined) return false;
    // Until those who are there have been told that a ban has ended, it hides.
    const state = states.of(room);
    return barred(state, somebody, state.at) !== undefined;
  };
  tellOfBans(options);
  const hider = createHider({ rooms, states, bans, isOwn, isBarredFrom });

  /** Why somebody of this server may not be in a room, whatever key he has. */
  const excludes = (session: LiveSession, room: RoomName): Failure | undefined => {
    const state = states.of(room);
    const person = states.personOf(session, room);
    const refused = barred(state, person, clock.now());
    if (refused !== undefined || stands(state, person)) return refused;
    const limit = modeOf(state, "limit");
    if (typeof limit !== "number") return undefined;
    // Who is banned here and sits in it elsewhere takes nobody's place.
    const people = options.people();
    if (people.members(room) < limit || people.shownIn(room) < limit) return undefined;
    return failure("ROOM_FULL", `room ${room}: ${limit} people are in it, as many as may be`);
  };
  return {
    store,
    states,
    actors,
    sync,
    changes,
    kicks,
    bans,
    /** An account of this server may have been removed: what it had in rooms ends. */
    revoked: removals.revoked,
    removedAt: removals.removedAt,
    /** A room has its first member here. */
    opened(room: RoomName): void {
      const open = rooms().find(room);
      if (open !== undefined) open.restricted = states.of(room).restricted;
    },
    closed: states.closed,
    excludes,
    /** Why somebody of this server may not enter a room; a key takes a moment to be compared. */
    admits(
      session: LiveSession,
      room: RoomName,
      key: string | undefined,
    ): MaybePromise<Failure | undefined> {
      const refused = excludes(session, room);
      if (refused !== undefined) return refused;
      const state = states.of(room);
      const person = states.personOf(session, room);
      const hash = stands(state, person) ? undefined : keyHashOf(state);
      if (hash === undefined || isInvited(state, person)) return undefined;
      const wrong = failure("KEY_WRONG", `room ${room}: it has a key, and this is not it`);
      if (key === undefined) return failure("KEY_WRONG", `room ${room}: it is entered with a key`);
      const { remote, nick } = session;
      const waitMs = keyTries.try(remote, nick);
      if (waitMs > 0) {
        const text = `room ${room}: too many wrong keys; wait ${Math.ceil(waitMs / 1000)} s`;
        return failure("RATE_LIMITED", text);
      }
      const compared = (isRight: boolean) => {
        if (isRight) keyTries.succeeded(remote, nick);
        else keyTries.failed(remote, nick);
        return isRight ? undefined : wrong;
      };
      return pool.verify(key, hash).then(compared, (thrown: unknown) => {
        keyTries.untried(remote, nick); // too many wait
        throw thrown;
      });
    },
    /** Why one who is in rooms may not have another name: by that he would be kept out of one. */
    excludesAs(session: LiveSession, as: Proven): Failure | undefined {
      const now = clock.now();
      for (const room of session.memberships.keys()) {
        const state = states.of(room);
        if (room === LOBBY || !state.restricted) continue;
        const is = states.personOf(session, room);
        const refused = barred(state, states.personOf(session, room, as), now);
        if (refused !== undefined && barred(state, is, now) === undefined)
          return failure(refused.code, `${refused.text}; that would be so under this nick`);
      }
      return undefined;
    },
    /**
     * Somebody in rooms is about to be another account: where that may not be, he is put out. While
     * he is who he was, so that those there are told of the one they know.
     */
    identifying(session: LiveSession, as: Proven): void {
      for (const room of Array.from(session.memberships.keys()))
        judge(session, room, states.of(room), states.personOf(session, room, as));
    },
    /**
     * Somebody is about to enter: settles whose founding counts, or founds it. Before anybody sees
     * him there, so that he is seen with his role.
     */
    entering(session: LiveSession, room: RoomName): Promise<Failure | undefined> | undefined {
      return states.settle(room) ? undefined : changes.found(session, room);
    },
    isSecret: states.isSecret,
    rolesIn: actors.rolesIn,
    /** The topic of a room, which may be nobody's here. */
    topicOf: (room: RoomName): string | undefined => topicIn(states.of(room)),
    /** What one who is in a room must know of it at once. */
    outline: (session: LiveSession, room: RoomName): RoomOutline =>
      outlineOf(states.of(room), states.personOf(session, room)),
    /**
     * Why somebody of this server may say nothing in a room now; asked where it is restricted. What
     * is done to a message is no message of slow mode's.
     */
    silences(session: LiveSession, room: RoomName, kind: MessageKind): Failure | undefined {
      const state = states.of(room);
      const person = states.personOf(session, room);
      const now = clock.now();
      const refused = speechRefusal(state, person, now);
      const seconds = isSaid(kind) ? modeOf(state, "slow") : undefined;
      if (refused !== undefined || typeof seconds !== "number" || stands(state, person))
        return refused;
      const waitMs = slow.wait(room, session.sender, seconds);
      if (waitMs === 0) return undefined;
      const text = `room ${room}: one message in ${seconds} s; wait ${Math.ceil(waitMs / 1000)} s`;
      return failure("SLOW_MODE", text);
    },
    /** A message that was not silenced was refused after all: it does not count in slow mode. */
    unsaid(session: LiveSession, room: RoomName, kind: MessageKind): void {
      const state = states.of(room);
      const isSlow = isSaid(kind) && modeOf(state, "slow") !== undefined;
      if (isSlow && !stands(state, states.personOf(session, room)))
        slow.spare(room, session.sender);
    },
    /** Whether one who is not in a room may speak there: what keeps one out keeps one silent. */
    hearsOutside(session: LiveSession, room: RoomName): boolean {
      const state = states.of(room);
      if (modeOf(state, "open-talk") === undefined) return false;
      return barred(state, states.personOf(session, room), clock.now()) === undefined;
    },
    /** Whether a message of another server's person is shown here. */
    hears(source: Source, message: MessageEntry, isLate: boolean): boolean {
      const { room, from, account, kind } = message;
      const isRestricted = rooms().find(room)?.restricted === true;
      if (!isRestricted && !bans.isActive && kind !== "topic") return true;
      const person = who(source, { address: from, ...(account === undefined ? {} : { account }) });
      if (kind === "topic" && !setsTopic(states.of(room), person)) return false;
      if (bans.isActive && bans.find(person) !== undefined) return false;
      if (!isRestricted) return true;
      const state = states.of(room);
      const now = clock.now();
      if (speechRefusal(state, person, now) !== undefined) return false;
      const seconds = isSaid(kind) ? modeOf(state, "slow") : undefined;
      if (isLate || typeof seconds !== "number" || stands(state, person)) return true;
      const burst = LIMITS.slowBurstMax;
      return slow.wait(room, `${source.sid} ${account ?? from}`, seconds, burst) === 0;
    },
    /** Whether somebody may remove what others have said in a room. */
    mayModerate(
      room: RoomName,
      { from, account }: Pick<MessageEntry, "from" | "account">,
    ): boolean {
      const here = options.sessions.at(from);
      if (here !== undefined && here.person.account === account)
        return stands(states.of(room), states.personOf(here, room));
      const server = from.slice(from.lastIndexOf("@") + 1);
      return account !== undefined && states.mayModerate(room, `${account}@${server}`);
    },
    /** Whether nobody sees this person in a room; `of` a server, where that may be gone already. */
    hides: (room: RoomName, person: PersonEntry, of?: Source): boolean =>
      hider(room)?.(person, of) === true,
    hider,
    /** Why a private message or an offer of another server's person is not taken here. */
    refuses(peer: Peer, from: PersonEntry): Failure | undefined {
      if (!bans.isActive || bans.find(who(peer, from)) === undefined) return undefined;
      return failure("BANNED", `${self} takes nothing of ${from.address}: it is banned there`);
    },
    close(): void {
      sync.close();
      states.close();
      bans.close();
      kicks.close();
      store.close();
    },
  };
}

// --- internal -----------------------------------------------------------------------------------

/** What it consists of, each with the others that it needs. */
function createParts(options: GovernanceOptions) {
  const { environment, store, pool, self, rooms } = options;
  const { clock } = environment;
  const states = createStates({
    clock,
    self,
    identity: options.identity,
    store,
    peer: (sid) => options.peers().last(sid),
    peerNamed: (name) => options.peers().named(name),
    isOpen: (room) => rooms().find(room) !== undefined,
    changing: (room, change) => acts.enforce(room, change),
    changed: (room, change) => acts.tell(room, change),
    invited: (one) => acts.invite(one),
  });
  const selfSid = () => options.identity().sid;
  const actors = createActors({ ...options, selfSid, states });
  const acts = createEnforcement({ ...options, clock, states, actors });
  const sync = createStateSync({
    ...environment,
    identity: options.identity,
    ids: options.ids,
    store,
    states: () => states,
    present: () => options.peers().present(),
    arrived: (some) => removals.arrived(some),
  });
  const changes = createStateChanges({
    ...options,
    clock,
    states,
    memberCount: (room) => options.people().members(room),
    sessionAt: (address) => options.sessions.at(address),
    hash: (key) => pool.hash(key),
    members: (room) => options.people().inRoom(room),
    person: (address) => options.people().entryAt(address),
    namesakes: (nick) => options.people().namesakes(nick),
    publish: (made) => sync.publish(made),
  });
  const removals = createRemovals({ ...options, log: environment.log, selfSid, changes });
  const { remove, judge } = acts;
  const { random } = environment;
  const kicks = createKicks({ ...options, clock, random, states, actors, remove });
  return { states, actors, sync, changes, removals, kicks, judge };
}

/** Tells whom nobody sees in a room; undefined where nobody need be looked at. */
const createHider =
  ({ rooms, states, bans, isOwn, isBarredFrom }: HiderOptions) =>
  (room: RoomName): ((person: PersonEntry, of?: Source) => boolean) | undefined => {
    const isRestricted = rooms().find(room)?.restricted === true;
    if (!isRestricted && !bans.isActive) return undefined;
    const isBanned = (person: PersonEntry, of: Source | undefined): boolean => {
      if (isOwn(person)) return false; // he is put off
      const somebody = of === undefined ? states.personIn(person) : who(of, person);
      return somebody !== undefined && bans.find(somebody) !== undefined;
    };
    return (person, of) =>
      (bans.isActive && isBanned(person, of)) || (isRestricted && isBarredFrom(room, person, of));
  };

interface HiderOptions extends Pick<GovernanceOptions, "rooms" | "bans"> {
  readonly states: Pick<States, "personIn">;
  isOwn(person: PersonEntry): boolean;
  isBarredFrom(room: RoomName, person: PersonEntry, of: Source | undefined): boolean;
}

/** One of another server's people. */
const who = (source: Source, { address, account }: PersonEntry) => ({
  nick: address.slice(0, address.lastIndexOf("@")),
  account,
  server: source.name,
  sid: source.sid,
});

const setsTopic = (state: RoomState, person: Person): boolean =>
  isTopicOpen(state) || stands(state, person);

function topicIn({ registers }: RoomState): string | undefined {
  const topic = registers.get("topic")?.entry.value;
  return typeof topic === "string" ? topic : undefined;
}

function outlineOf(state: RoomState, person: Person): RoomOutline {
  const topic = topicIn(state);
  const role = roleOf(state, person);
  const modes: Partial<Record<ModeName, true | number>> = {};
  for (const mode of MODES) {
    const value = modeOf(state, mode);
    if (value !== undefined) modes[mode] = typeof value === "number" ? value : true;
  }
  return {
    ...(topic === undefined ? {} : { topic }),
    ...(Object.keys(modes).length > 0 ? { modes } : {}),
    ...(role === undefined ? {} : { role }),
  };
}
