// What people change of a room's state: looked at as all servers will look at it, signed, on the
// disk, and only then in force here and told to the others. Who takes somebody's role confirms what
// that one had set, so that to dismiss a moderator lifts no ban. Next: states.ts.

import type { Clock, Millis } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure, isFailure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName } from "../names.ts";
import { isShared, LOBBY, visible } from "../names.ts";
import type { Answer, Ask, PersonEntry } from "../protocol/messages.ts";
import type { RoleValue, StateEntry } from "../protocol/state.ts";
import { accountId, accountIn, encodeState, partsOf, signedState } from "../protocol/state.ts";
import type { Identity } from "./identity.ts";
import type { Ids } from "./ids.ts";
import { idAt, timeIn } from "../protocol/id.ts";
import { patternOf } from "./pattern.ts";
import { markOfNick } from "./guest-rooms.ts";
import { isRemoved } from "./removed-accounts.ts";
import { grantOf, targetOf } from "./room-roles.ts";
import type { Authority, Person, RoomState } from "./room-state.ts";
import {
  barred,
  counts,
  effective,
  endOf,
  hasInvitation,
  isTopicOpen,
  modeOf,
  roleOf,
  saySame,
  speechRefusal,
  stands,
} from "./room-state.ts";
import type { LiveSession } from "./session.ts";
import type { Held, StateStore } from "./state-store.ts";
import { isTold } from "./state-store.ts";
import { settingOf, type SettingOptions } from "./state-settings.ts";
import type { StateCause, States } from "./states.ts";
import { OPERATOR } from "./states.ts";
import { createPace } from "./pace.ts";

export interface StateChangesOptions extends SettingOptions {
  readonly clock: Clock;
  readonly identity: () => Identity;
  readonly ids: Ids;
  readonly store: StateStore;
  /** Guests may run rooms that nobody has founded. */
  readonly guests: boolean;
  memberCount(room: RoomName): number;
  /** Those who are in a room, on all servers. */
  members(room: RoomName): Iterable<PersonEntry>;
  /** Tells the other servers what was made here. */
  publish(made: readonly Held[]): void;
}

export type StateChanges = ReturnType<typeof createStateChanges>;

export function createStateChanges(options: StateChangesOptions) {
  const { store, states, identity } = options;
  const pace = createPace(options.clock, {
    burst: LIMITS.stateChangesBurst,
    perMinute: LIMITS.stateChangesPerMinute,
  });

  const ownRole = (by: string) => `role/${accountId(by, identity().sid)}`;

  /** Signs an entry that is newer than all that is held of its key. */
  const make = (of: Omit<StateEntry, "id" | "server">): Held => {
    const { id: next } = options.ids.next();
    const newest = states
      .ofKey(of.room, of.key)
      .concat(store.staged(of.room, of.key))
      .reduce((most, { entry: { id } }) => (id > most ? id : most), "");
    const id = next > newest ? next : `${idAt((timeIn(newest) ?? 0) + 1)}0000${next.slice(13)}`;
    const entry: StateEntry = { ...of, id, server: options.self };
    const { sid, key: publicKey, sign } = identity();
    const body = encodeState(entry);
    return { entry, sid, row: [body, publicKey.toHex(), sign(signedState(sid, body)).toHex()] };
  };
  /** Puts entries on the disk, then in force, then on their way. */
  const commit = async (
    made: readonly Held[],
    cause?: StateCause,
  ): Promise<Failure | undefined> => {
    if (made.every(({ entry }) => states.guests.has(entry.room))) {
      for (const one of made) states.guests.put(one);
      states.took(made, false, cause);
      return undefined;
    }
    const refused = await store.stage(made);
    if (refused !== undefined) return refused;
    states.took(made, false, cause);
    const told = made.filter(({ entry }) => isTold(entry.room));
    if (told.length > 0) options.publish(told);
    return undefined;
  };
  /**
   * What an entry changes besides its own key, and those of what goes with it, is set once more as
   * it was, by the same actor.
   */
  const confirmed = (
    [{ entry }, ...more]: readonly [Held, ...Held[]],
    { before, after }: { readonly before: RoomState; readonly after: RoomState },
  ): Held[] => {
    const { room, by, office } = entry;
    const meant = new Set([entry.key, ...more.map((one) => one.entry.key)]);
    const keys = new Set([...before.registers.keys(), ...after.registers.keys()]);
    return [...keys].flatMap((key) => {
      const value = before.registers.get(key)?.entry.value ?? null;
      const now = after.registers.get(key)?.entry.value ?? null;
      if (meant.has(key) || value === now) return [];
      return [make({ room, key, value, by, ...(office === undefined ? {} : { office }) })];
    });
  };
  /** Those who are in a room that becomes invite-only have come by right. */
  const invited = ({ entry }: Held, state: RoomState): Held[] | Failure => {
    const { room, by, office } = entry;
    const uninvited = new Set<string>();
    for (const person of options.members(room)) {
      const who = states.personIn(person);
      // Who is banned here sits in it by the word of another house.
      if (who !== undefined && barred(state, who, options.clock.now()) !== undefined) continue;
      const pattern = patternOf(`${person.account ?? who?.nick}@${who?.server}`);
      // Also who has a role, but for the founder: it may be taken.
      const isSafe =
        who !== undefined &&
        (state.founder === accountId(who.account ?? "", who.sid) || hasInvitation(state, who));
      if (who !== undefined && typeof pattern === "string" && !isSafe) uninvited.add(pattern);
    }
    const most = LIMITS.invitedAtOnceMax;
    if (uninvited.size > most) {
      const what = `${uninvited.size} people are in it without an invitation`;
      return failure(
        "TOO_MANY_ENTRIES",
        `room ${room}: ${what}, at most ${most} are invited at once`,
      );
    }
    const how = { room, value: true, by, ...(office === undefined ? {} : { office }) } as const;
    return [...uninvited].map((pattern) => make({ ...how, key: `invite/${pattern}` }));
  };
  /** All that goes with an entry, itself first; or why it is not taken. */
  const consequences = (one: Held, authority: Authority): Held[] | Failure => {
    const { room, key, value } = one.entry;
    const isClosing = key === "mode/invite-only" && value !== null;
    const more = isClosing ? invited(one, states.of(room)) : [];
    if (isFailure(more)) return more;
    const before = states.of(room);
    const mayChangeMore = key.startsWith("role/") || key === "mode/open-topic";
    // Whose topic it is may not be one who may speak any more.
    if (!mayChangeMore && !isTopicOpen(before)) return [one, ...more];
    const entries = states.entries(room);
    const others = entries.filter((other) => other.sid !== one.sid || other.entry.key !== key);
    const after = effective([...others, one, ...more], authority, before.at);
    return [one, ...more, ...confirmed([one, ...more], { before, after })];
  };
  const roomFor = (made: readonly Held[]): Failure | undefined => {
    const room = made[0]?.entry.room;
    if (room === undefined) return undefined;
    if (states.guests.has(room)) return states.guests.refusal(room, made);
    const isNew = ({ entry, sid }: Held) => store.refusal(room, sid, entry.key);
    const refused = made.map(isNew).find((one) => one !== undefined);
    if (refused !== undefined || made.length === 1) return refused;
    const keys = new Set(store.lasting(room, identity().sid));
    for (const { entry } of made) if (entry.value !== null) keys.add(entry.key);
    if (keys.size <= LIMITS.stateEntriesPerServerMax) return undefined;
    const what = `it would make ${keys.size} things that people here have set`;
    const most = LIMITS.stateEntriesPerServerMax;
    return failure("TOO_MANY_ENTRIES", `room ${room}: ${what}, at most ${most} are kept`);
  };

  const setNow = async (
    session: LiveSession,
    room: RoomName,
    ask: Ask<"set">,
  ): Promise<Answer<"set"> | Failure> => {
    const actor = states.personOf(session, room);
    const state = states.of(room);
    const setter = { ...actor, key: ask.key };
    const refused = refusalOf(state, room, setter, options.clock.now());
    const by = authorIn(state, session, setter);
    if (by === undefined || refused !== undefined)
      return refused ?? failure("NOT_PERMITTED", `room ${room}: guests have no role; log in`);
    const waitMs = pace.wait(session);
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1000);
      return failure("RATE_LIMITED", `room ${room}: too many changes; wait ${seconds} s`);
    }
    const wanted = await settingOf(options, room, ask);
    if (isFailure(wanted)) return wanted;
    const { key, value } = wanted;
    const office = actor.office === true ? ({ office: true } as const) : {};
    // Whose role is nobody's to take may lay it down himself, where no other server goes by it.
    const resigns = states.guests.founder(room) === by && key === ownRole(by) && value === null;
    const as = resigns ? states.guests.resign(room, session) : by;
    const one = make({ room, key, value, by: as, ...nickBeside(state, setter), ...office });
    const authority = states.authority(room);
    if (!counts(states.of(room), states.entries(room), one, authority))
      return failure("NOT_PERMITTED", `room ${room}: ${whyNot(states, room, key)}`);
    const unfit = pinsRefusal(states.of(room), one) ?? endRefusal(one, options.clock.now());
    if (unfit !== undefined) return unfit;
    const before = states.of(room);
    const made = consequences(one, authority);
    if (isFailure(made)) return made;
    const full = roomFor(made);
    if (full !== undefined) return full;
    const unwritten = await commit(made, { session, key });
    if (unwritten !== undefined) return unwritten;
    const ended = endedRoles(states, room, { before, but: one });
    const shown = { ...states.shown(one), from: session.address };
    const same = isSet(before, one) ? ({ unchanged: true } as const) : {};
    return { room, ...shown, ...(ended.length === 0 ? {} : { ended }), ...same };
  };
  /** A key takes a while to be hashed: what is asked behind it waits for it. */
  const keyed = new Map<RoomName, Promise<Answer<"set"> | Failure>>();
  const inTurn = (session: LiveSession, room: RoomName, ask: Ask<"set">) => {
    const run = () => setNow(session, room, ask);
    const turn = keyed.get(room)?.then(run, run) ?? run();
    keyed.set(room, turn);
    const end = () => {
      if (keyed.get(room) === turn) keyed.delete(room);
    };
    void turn.then(end, end);
    return turn;
  };

  return {
    commit,
    /** Says in rooms that accounts of this server were removed. */
    remove: (some: readonly { readonly room: RoomName; readonly account: string }[]) =>
      commit(
        some.map(({ room, account }) =>
          make({ room, key: `gone/${account}`, value: true, by: account }),
        ),
      ),
    /**
     * Founds a room that nobody has founded; resolves when it is on the disk. Undefined where this
     * one founds none: a guest, or one who has founded too many. Where guests may run rooms, one
     * who comes into an empty one has it.
     */
    found(session: LiveSession, room: RoomName): Promise<Failure | undefined> | undefined {
      const { account } = session.person;
      const isFounding = store.staged(room, "founded").length > 0;
      const isEmpty = options.memberCount(room) === 0 && !isFounding;
      if (account === undefined && options.guests && isEmpty) states.openedByGuest(room, session);
      if (account === undefined || Buffer.byteLength(account) > LIMITS.nameBytesMax)
        return undefined;
      const sid = identity().sid;
      const isFull = store.refusal(room, sid, "founded") !== undefined;
      if (isFull || isFounding) return undefined;
      const founded = store.foundedBy(accountId(account, sid));
      if (founded >= LIMITS.foundedPerAccountMax) return undefined;
      const one = make({ room, key: "founded", value: true, by: account });
      return commit([one]).then((refused) => {
        if (refused === undefined && isTold(room)) states.follow(room, sid);
        return refused;
      });
    },
    /** Sets or unsets a key, as somebody who is in the room asks. */
    set: (
      session: LiveSession,
      room: RoomName,
      ask: Ask<"set">,
    ): Promise<Answer<"set"> | Failure> =>
      ask.key === "mode/key" ? inTurn(session, room, ask) : setNow(session, room, ask),
  };
}

// --- internal -----------------------------------------------------------------------------------

/** One who wants to set a key. */
interface Setter extends Person {
  readonly key: string;
}

/** Without any role there is nothing to look at; and nobody hears how a key would be judged. */
function refusalOf(
  state: RoomState,
  room: RoomName,
  setter: Setter,
  now: Millis,
): Failure | undefined {
  if (stands(state, setter)) return undefined;
  const { key } = setter;
  if (key === "topic" && isTopicOpen(state)) return speechRefusal(state, setter, now);
  const what = visible(key.replace("/", " "));
  return failure(
    "NOT_PERMITTED",
    `room ${room}: ${what} is not yours to set: ${whoMay(state, room)}`,
  );
}

/** Whose it is to set things in a room, for one who is none of them. */
function whoMay(state: RoomState, room: RoomName): string {
  const operators = `accounts of this server with the role ${OPERATOR}`;
  if (room === LOBBY) return `in the lobby that is for ${operators}`;
  if (state.founder === undefined)
    return "it has no owners; whoever joins it first with an account founds it, and is one";
  const theirs = isRemoved(state.founder) ? ", and for operators of its founder's server" : "";
  const beside = isShared(room) ? theirs : `, and for ${operators}`;
  return `that is for its owners and moderators${beside}`;
}

/** Who has set a key, as an entry says it; undefined for a guest who has no right to it. */
function authorIn(state: RoomState, session: LiveSession, setter: Setter): string | undefined {
  const { account, office, key } = setter;
  // Of a guest who has a voice, in a room that guests run, it is by that; of others by the nick.
  if (key === "topic" && !stands(state, setter))
    return roleOf(state, setter) === undefined
      ? (session.person.account ?? markOfNick(session.nick))
      : account;
  return account ?? (office === true ? session.nick : undefined);
}

/** The nick, where it is not the name in an entry, and it is to be known who set an open topic. */
function nickBeside(state: RoomState, { nick, account, key, ...who }: Setter): { nick?: string } {
  const isOpen = key === "topic" && !stands(state, { ...who, account });
  return isOpen && account !== undefined && account !== nick ? { nick } : {};
}

function whyNot(states: States, room: RoomName, key: string): string {
  const { of = "" } = partsOf(key) ?? {};
  const target = accountIn(of);
  if (!key.startsWith("role/") || target === undefined) return `${key} is set by its owners only`;
  const { role, from } = grantOf(states.of(room).roles, target.account, target.sid) ?? {};
  const who = states.shownAccount(of);
  if (from === undefined)
    return role === undefined ? `roles are given by its owners only` : `${who} has founded it`;
  const by = states.shown(from).by;
  return `the role of ${who} was given or taken by ${by}, and is not yours to change`;
}

function pinsRefusal({ registers }: RoomState, { entry }: Held): Failure | undefined {
  if (!entry.key.startsWith("pin/") || entry.value === null) return undefined;
  const pins = [...registers.keys()].filter((key) => key.startsWith("pin/") && key !== entry.key);
  if (pins.length < LIMITS.pinnedMax) return undefined;
  const most = LIMITS.pinnedMax;
  return failure("TOO_MANY_ENTRIES", `room ${entry.room}: ${most} messages are pinned, the most`);
}

/** Clients work out the end by their own clocks. */
function endRefusal(one: Held, now: Millis): Failure | undefined {
  const end = endOf(one);
  if (end > now) return undefined;
  const { room, key } = one.entry;
  const [until, is] = [end, now].map((at) => new Date(at).toISOString());
  const what = `${key} until ${until}: expected a time to come; here it is ${is}`;
  return failure("BAD_REQUEST", `room ${room}: ${what}`);
}

/** Whether what an entry sets was so already; what nobody had set is not set. */
function isSet({ roles, registers }: RoomState, one: Held): boolean {
  const { key, value } = one.entry;
  if (!key.startsWith("role/")) return saySame(registers.get(key), one);
  const role = roles.get(targetOf(one))?.role;
  return role === (value as RoleValue | null)?.role; // checked with its key
}

/** Who had a role before, and has none now, beside the one whose role was asked to be changed. */
function endedRoles(
  states: States,
  room: RoomName,
  { before, but }: { readonly before: RoomState; readonly but: Held },
): string[] {
  const { roles } = states.of(room);
  return [...before.roles].flatMap(([id, { role, from }]) => {
    const isEnded = role !== undefined && roles.get(id)?.role === undefined;
    if (!isEnded || id === targetOf(but)) return [];
    return [from === undefined ? states.shownAccount(id) : states.shown(from).key.slice(5)];
  });
}

/** What a key that somebody gives is compared with; undefined where the room has none. */
export const keyHashOf = (state: RoomState): string | undefined => {
  const hash = modeOf(state, "key");
  return typeof hash === "string" ? hash : undefined;
};
