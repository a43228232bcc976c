// Who in a room's state is who of those who are there: the people behind its accounts, and its
// members' roles. Read states.ts first. Next: enforcement.ts (what is told of it).

import type { RoomName, Sid } from "../names.ts";
import type { PersonEntry } from "../protocol/messages.ts";
import type { Removal, RoomSetting } from "../protocol/ruling.ts";
import type { RoleName } from "../protocol/state.ts";
import { accountId } from "../protocol/state.ts";
import type { Peers } from "./peers.ts";
import { personOf, remoteEntry } from "./peer.ts";
import { isMark, nickInMark } from "./guest-rooms.ts";
import { entryOf } from "./people.ts";
import type { Person, Signed } from "./room-state.ts";
import { roleOf } from "./room-state.ts";
import type { Sessions } from "./sessions.ts";
import { isTold } from "./state-store.ts";
import type { States } from "./states.ts";

export interface ActorsOptions {
  readonly selfSid: () => Sid;
  readonly sessions: Sessions;
  readonly states: States;
  readonly peers: () => Peers;
}

/** The roles in a room, as they are now: for all of a list, and not to be kept. */
export interface Roles {
  of(person: PersonEntry): RoleName | undefined;
  /** Of one who has logged in or out since. */
  before(was: PersonEntry, now: PersonEntry): RoleName | undefined;
}
export type RolesIn = (room: RoomName) => Roles;

export type Actors = ReturnType<typeof createActors>;

export function createActors({ selfSid, sessions, states, peers }: ActorsOptions) {
  /** One who is in the room with this account; else, of this server, who is here with it. */
  const personWith = (room: RoomName, account: string, sid: Sid): PersonEntry | undefined => {
    if (sid === selfSid()) {
      if (isMark(account)) {
        const guest = states.guests.holder(account) ?? sessions.find(nickInMark(account));
        return guest === undefined || guest.person.account !== undefined
          ? undefined
          : entryOf(guest);
      }
      const own = Array.from(sessions.ofAccount(account));
      const one = own.find(({ memberships }) => memberships.has(room)) ?? own[0];
      return one === undefined ? undefined : entryOf(one);
    }
    const peer = peers().last(sid);
    if (peer?.present !== true) return undefined;
    if (isMark(account)) {
      const guest = personOf(peer, nickInMark(account));
      return guest === undefined || guest.account !== undefined
        ? undefined
        : remoteEntry(peer, guest);
    }
    for (const key of peer.rooms.get(room) ?? []) {
      const person = peer.people.get(key);
      if (person?.account === account) return remoteEntry(peer, person);
    }
    return undefined;
  };
  /** Somebody who is there, as bans and roles are looked up. */
  const somebody = (room: RoomName, person: PersonEntry): Person | undefined => {
    const here = sessions.at(person.address);
    return here === undefined ? states.personIn(person) : states.personOf(here, room);
  };
  const rolesIn: RolesIn = (room) => {
    const state = states.of(room);
    const isEmpty = state.roles.size === 0 && isTold(room);
    const role = (who: Person | undefined) =>
      who === undefined || isEmpty ? undefined : roleOf(state, who);
    return {
      of: (person) => (isEmpty ? undefined : role(somebody(room, person))),
      before(was, now) {
        const who = states.personIn(was);
        const here = sessions.at(now.address);
        const mark = here === undefined ? undefined : states.guests.mark(here, room);
        return role(who === undefined ? undefined : { ...who, account: who.account ?? mark });
      },
    };
  };
  return {
    somebody,
    rolesIn,
    /** One with this account, under the nick of one who is there, or else the account's name. */
    author(room: RoomName, account: string, sid: Sid): NonNullable<Removal["by"]> {
      const there = personWith(room, account, sid);
      const address = there?.address ?? states.shownAccount(accountId(account, sid));
      return isMark(account) ? { address } : { address, account };
    },
    /**
     * How people are shown entries in force. For all of a list, and not to be kept: each author is
     * looked for once, as a room of another server is gone through for him.
     */
    teller(): (one: Signed) => RoomSetting {
      const found = new Map<string, PersonEntry | undefined>();
      return (one) => {
        const { room, by } = one.entry;
        const key = `${room} ${one.sid} ${by}`;
        if (!found.has(key)) found.set(key, personWith(room, by, one.sid));
        const there = found.get(key);
        const setting = states.shown(one);
        return there === undefined ? setting : { ...setting, from: there.address };
      };
    },
  };
}
