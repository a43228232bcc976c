// The state of rooms as this server goes by it: whose founding it follows, what is in force, and
// what that means for its own people and for what comes of others. It decides for itself alone, so
// that no server need be believed. Read room-state.ts first. Next: state-changes.ts (what people
// change), state-sync.ts (how servers come to hold the same).
//
// Which founding: the room is followed from when the first one here joins it. Then its founding is
// the oldest that is known of servers that are merged, or were lately; where there is none, an
// account that joins founds it. A founding that is made while others are in the room is followed
// by their servers, too; one that comes by a merge is not: each side keeps its own.

import type { Environment, Millis } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { Nick, RoomName, ServerName, Sid } from "../names.ts";
import { LOBBY, nameKey } from "../names.ts";
import type { PersonEntry } from "../protocol/messages.ts";
import type { RoomSetting } from "../protocol/ruling.ts";
import type { StateEntry } from "../protocol/state.ts";
import { accountId, accountIn, partsOf } from "../protocol/state.ts";
import type { Identity } from "./identity.ts";
import { timeIn } from "../protocol/id.ts";
import type { Peer, Source } from "./peer.ts";
import { createGuestRooms, isMark } from "./guest-rooms.ts";
import type { Authority, Person, RoomState, Signed } from "./room-state.ts";
import { createKnownStates } from "./known-states.ts";
import { asRemoved } from "./removed-accounts.ts";
import { actorOf } from "./room-roles.ts";
import { effective, EMPTY_STATE, modeOf, speechRefusal, stands } from "./room-state.ts";
import type { LiveSession } from "./session.ts";
import type { Held, StateStore } from "./state-store.ts";
import { isTold } from "./state-store.ts";
import type { RuledRoom } from "./summary.ts";

/** The role, given by an auth plugin, of those who run this server. */
export const OPERATOR = "operator";

export interface StatesOptions {
  readonly clock: Environment["clock"];
  readonly self: ServerName;
  readonly identity: () => Identity;
  readonly store: StateStore;
  /** A server that is here, or was lately; in its last life. */
  peer(sid: Sid): Peer | undefined;
  peerNamed(name: ServerName): Peer | undefined;
  /** Somebody of this server is in the room. */
  isOpen(room: RoomName): boolean;
  /** What is in force is about to be what `after` says; the state before is still to be asked. */
  changing(room: RoomName, change: StateChange): void;
  /** And now it is. */
  changed(room: RoomName, change: StateChange): void;
  /** Somebody is invited by an entry that is news, and in force. */
  invited(one: Signed): void;
}

export interface StateChange {
  readonly before: RoomState;
  readonly after: RoomState;
  /** One of this server has just now set this key. */
  readonly cause?: StateCause | undefined;
}

export interface StateCause {
  readonly session: LiveSession;
  readonly key: string;
}

/** What somebody of this server proves, or is about to. */
export interface Proven {
  /** Left out where it stays. */
  readonly nick?: Nick;
  readonly account: string | undefined;
  readonly roles: readonly string[];
}

export type States = ReturnType<typeof createStates>;

export function createStates(options: StatesOptions) {
  const { store, self } = options;
  const guests = createGuestRooms();
  const entriesOf = (room: RoomName): readonly Held[] =>
    guests.entries(room) ?? store.entries(room);
  const ofKey = (room: RoomName, key: string): readonly Held[] =>
    guests.has(room) ? guests.ofKey(room, key) : store.ofKey(room, key);
  const known = createKnownStates(options.clock, (room) => refresh(room));
  /** When a founding came to be followed, in this life of the server. */
  const followedAt = new Map<RoomName, Millis>();
  const selfSid = () => options.identity().sid;
  const foundingOf = (room: RoomName, sid: Sid): Signed | undefined =>
    store.ofKey(room, "founded").find((one) => one.sid === sid && one.entry.value === true);
  const isAround = (sid: Sid) => sid === selfSid() || options.peer(sid) !== undefined;
  /** The founding that would be followed by one who joins now. */
  const candidate = (room: RoomName) => oldestFounding(store.ofKey(room, "founded"), isAround);
  const authority = (room: RoomName): Authority => {
    const sid = isTold(room) ? store.follows(room) : selfSid();
    // Those who are in a room that nobody has founded come under no founding that they met later.
    const found = () => (options.isOpen(room) ? undefined : candidate(room));
    const followed = sid === undefined ? found() : foundingOf(room, sid);
    const guest = guests.founder(room);
    const office = isTold(room) ? {} : { office: selfSid() };
    if (guest !== undefined) return { founder: accountId(guest, selfSid()), ...office };
    if (followed === undefined) return { founder: undefined, ...office };
    if (!isByRemoved(followed, store)) return { founder: actorOf(followed), ...office };
    return { founder: asRemoved(followed.entry.by, followed.sid), office: followed.sid };
  };
  const compute = (room: RoomName): RoomState => {
    const entries = entriesOf(room);
    const isEmpty = entries.length === 0 && !guests.has(room);
    return isEmpty ? EMPTY_STATE : effective(entries, authority(room), options.clock.now());
  };
  const stateOf = (room: RoomName): RoomState => {
    // Whose founding it would go by is not sure yet: it may be another one at the next question.
    if (!options.isOpen(room)) return compute(room);
    return known.get(room) ?? known.put(room, compute(room));
  };
  const refresh = (room: RoomName, cause?: StateCause) => {
    const before = known.get(room);
    if (before === undefined || !options.isOpen(room)) return known.delete(room);
    const change = { before, after: compute(room), cause };
    options.changing(room, change);
    if (!options.isOpen(room)) return; // the last one here has been put out
    known.put(room, change.after);
    options.changed(room, change);
  };
  const follow = (room: RoomName, sid: Sid) => {
    if (store.follows(room) === sid) return;
    guests.drop(room);
    store.follow(room, sid);
    followedAt.set(room, options.clock.monotonic());
    refresh(room);
  };
  /** Another server of the fusion has just now founded a room. */
  const consider = (founding: Signed) => {
    const { room } = founding.entry;
    const sid = store.follows(room);
    if (sid === undefined) return options.isOpen(room) ? follow(room, founding.sid) : undefined;
    const since = followedAt.get(room);
    const isNew = since !== undefined && options.clock.monotonic() - since < LIMITS.foundingMsMax;
    const followed = foundingOf(room, sid);
    if (isNew && followed !== undefined && byAge(founding, followed) < 0)
      follow(room, founding.sid);
  };

  /** One of this server in a room, as he is or as he would be with what he has proven `as`. */
  const personOf = (session: LiveSession, room: RoomName, as: Proven = session.person): Person => ({
    nick: as.nick ?? session.nick,
    account: as.account ?? guests.mark(session, room),
    server: self,
    sid: selfSid(),
    office: as.roles.includes(OPERATOR) && authority(room).office === selfSid(),
  });
  /** One who is shown to others, wherever they are; undefined where nobody knows the server. */
  const personIn = ({ address, account }: PersonEntry): Person | undefined => {
    const at = address.lastIndexOf("@");
    const [nick, server] = [address.slice(0, at), address.slice(at + 1) as ServerName];
    const sid = sidNamed(server);
    return sid === undefined ? undefined : { nick, account, server, sid };
  };
  const sidNamed = (server: ServerName): Sid | undefined =>
    nameKey(server) === nameKey(self) ? selfSid() : options.peerNamed(server)?.sid;
  const naming = createNaming({ ...options, guests, selfSid, sidNamed });

  return {
    of: stateOf,
    /** All that is held of a room, in force or not; where guests run it, what they have set. */
    entries: entriesOf,
    ofKey,
    guests,
    authority,
    foundingOf,
    isAround,
    follow,
    refresh,
    personOf,
    personIn,
    sidNamed,
    ...naming,
    /** Entries came from another server; `isFresh`: told by who signed them, as they were made. */
    took(some: readonly Held[], isFresh: boolean, cause?: StateCause): void {
      const rooms = new Set<RoomName>();
      for (const one of some) {
        if (isFresh && one.entry.key === "founded" && one.entry.value === true) consider(one);
        rooms.add(one.entry.room);
      }
      for (const room of rooms) refresh(room, cause);
      for (const one of some) {
        const { room, key, value } = one.entry;
        const isSet = key.startsWith("invite/") && value !== null;
        if (isSet && stateOf(room).registers.get(key) === one) options.invited(one);
      }
    },
    /** The founding by an account, `account@sid`. */
    foundingIn: (room: RoomName, founder: string): Signed | undefined =>
      foundingOf(room, accountIn(founder)?.sid ?? selfSid()),
    /** When it was founded, by the clock of the founder's server. */
    foundedAt(room: RoomName, founder: string): Millis | undefined {
      if (guests.has(room)) return guests.openedAt(room);
      const founding = foundingOf(room, accountIn(founder)?.sid ?? selfSid());
      return founding === undefined ? undefined : timeIn(founding.entry.id);
    },
    /** The founder as people know him: his server may be away. */
    founderShown: (room: RoomName, founder: string): string => {
      const founding = foundingOf(room, accountIn(founder)?.sid ?? selfSid());
      return naming.shownAccount(founder, founding?.entry.server);
    },
    /** Those of some rooms that somebody has founded, and that are no secret. */
    ruled(rooms: readonly RoomName[]): RuledRoom[] {
      return rooms.flatMap((room) => {
        if (!isTold(room) || store.ofKey(room, "founded").length === 0) return [];
        const { founder, registers, bans } = stateOf(room);
        if (founder === undefined || registers.has("mode/secret")) return [];
        const sid = accountIn(founder)?.sid ?? selfSid();
        const by = naming.shownAccount(founder, foundingOf(room, sid)?.entry.server);
        const topic = registers.get("topic")?.entry.value;
        const about = typeof topic === "string" ? { topic: topic.slice(0, SHOWN_TOPIC) } : {};
        return [{ room, founder: by, bans: bans.size, ...about }];
      });
    },
    /** The last one here has left the room: whom it would follow may be another one next time. */
    closed(room: RoomName): void {
      guests.drop(room);
      known.delete(room);
    },
    close: known.close,
    /** A guest is alone in a room that nobody has founded: it is his. */
    openedByGuest(room: RoomName, session: LiveSession): void {
      guests.open(room, session, options.clock.now());
      refresh(room);
    },
    /** Settles whom the room follows; false where nobody has founded it yet. */
    settle(room: RoomName): boolean {
      if (guests.has(room)) return true;
      if (!isTold(room)) return room === LOBBY || foundingOf(room, selfSid()) !== undefined;
      if (store.follows(room) !== undefined) return true;
      const found = candidate(room);
      if (found === undefined) return false;
      follow(room, found.sid);
      return true;
    },
    // Of most rooms it is known without working out what is in force.
    isSecret: (room: RoomName): boolean =>
      ofKey(room, "mode/secret").length > 0 && modeOf(stateOf(room), "secret") !== undefined,
    /** Whether what one of another server says is shown here. */
    hears(room: RoomName, source: Source, from: PersonEntry): boolean {
      const state = stateOf(room);
      if (!state.restricted) return true;
      const nick = from.address.slice(0, from.address.lastIndexOf("@"));
      const who = { nick, account: from.account, server: source.name, sid: source.sid };
      const now = options.clock.now();
      return speechRefusal(state, who, now) === undefined;
    },
    /** Whether an account, `account@server`, may remove what others have said in a room. */
    mayModerate(room: RoomName, who: string): boolean {
      const at = who.lastIndexOf("@");
      const sid = sidNamed(who.slice(at + 1) as ServerName);
      if (at < 1 || sid === undefined) return false;
      return stands(stateOf(room), { account: who.slice(0, at), sid });
    },
    /** An entry in force, as people are shown it: the hash of a key is nobody's business. */
    shown({ entry, sid }: Signed): RoomSetting {
      const key = naming.shownKey(entry);
      const by = naming.shownAccount(accountId(entry.by, sid), entry.server);
      const at = timeIn(entry.id) ?? 0;
      if (partsOf(entry.key)?.kind !== "role") {
        const isHash = entry.key === "mode/key" && entry.value !== null;
        const value = isHash ? true : (entry.value as RoomSetting["value"]); // no role's
        return { key, value, by, at, ...(key === "topic" ? { id: entry.id } : {}) };
      }
      const given = entry.value as { readonly role: string } | null; // checked with its key
      return { key, value: given?.role ?? null, by, at };
    },
  };
}

// --- internal -----------------------------------------------------------------------------------

const oldestFounding = (
  foundings: readonly Held[],
  isAround: (sid: Sid) => boolean,
): Signed | undefined =>
  foundings.filter(({ entry, sid }) => entry.value === true && isAround(sid)).toSorted(byAge)[0];

/** Whoever has the account that did it is another one since. */
const isByRemoved = ({ entry, sid }: Signed, store: Pick<StateStore, "ofKey">): boolean =>
  store
    .ofKey(entry.room, `gone/${entry.by}`)
    .some((one) => one.sid === sid && one.entry.value === true && one.entry.id > entry.id);

interface NamingOptions extends Pick<StatesOptions, "self" | "peer"> {
  readonly guests: ReturnType<typeof createGuestRooms>;
  selfSid(): Sid;
  sidNamed(server: ServerName): Sid | undefined;
}

/** How accounts are shown to people, who know servers by their names. */
function createNaming({ self, peer, guests, selfSid, sidNamed }: NamingOptions) {
  /** `account@server`, as far as the server's name is known or was said. */
  const shownAccount = (id: string, said?: string): string => {
    const { account = id, sid = selfSid() } = accountIn(id) ?? {};
    if (sid === selfSid()) {
      const guest = isMark(account) ? guests.holder(account) : undefined;
      return guest === undefined ? `${account}@${self}` : `~${guest.address}`;
    }
    const known = peer(sid);
    if (known !== undefined) return `${account}@${known.name}`;
    // A name that somebody else has now is not said of one who is away.
    const isFree = said !== undefined && sidNamed(said as ServerName) === undefined;
    return `${account}@${isFree ? said : sid.slice(0, SHOWN_SID)}`;
  };
  return {
    shownAccount,
    /** A key, in which an account stands by the name of its server. */
    shownKey({ key, value }: StateEntry): string {
      const { kind, of = "" } = partsOf(key) ?? {};
      if (kind !== "role") return key;
      const given = value as { readonly server: string } | null; // checked with its key
      return `role/${shownAccount(of, given?.server)}`;
    },
  };
}

/** As many digits of a sid as tell it from others when nobody knows its server's name. */
const SHOWN_SID = 8;
/** Of a topic, so that an operator knows which room it is. */
const SHOWN_TOPIC = 60;

const byAge = (a: Signed, b: Signed): number => {
  const [one, other] = [a.entry.id + a.sid, b.entry.id + b.sid];
  return one < other ? -1 : Number(one > other);
};
