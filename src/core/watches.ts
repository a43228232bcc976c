// Watching single people: who watches an address is told when somebody is there under it and when
// nobody is any more, whatever the cause: also in large rooms, and when whole servers come or go.
// Invariant: `online` is what all who watch it were told last.

import type { Failure } from "../errors.ts";
import { failure, failureOf } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Nick, ServerName } from "../names.ts";
import { nameKey, parseAddress } from "../names.ts";
import type { PersonEntry } from "../protocol/messages.ts";
import type { LiveSession } from "./session.ts";

interface Watched {
  readonly nick: Nick;
  readonly server: ServerName;
  online: boolean;
  /** With the address in the form in which each of them is answered. */
  readonly watchers: Map<LiveSession, string>;
}

type Parsed = { readonly nick: Nick; readonly server: ServerName };

export function createWatches(isOnline: (nick: Nick, server: ServerName) => boolean) {
  /** By the key of the server, and of the nick. */
  const servers = new Map<string, Map<string, Watched>>();
  const ofSession = new Map<LiveSession, Set<Watched>>();

  const find = ({ nick, server }: Parsed) => servers.get(nameKey(server))?.get(nameKey(nick));
  const make = ({ nick, server }: Parsed): Watched => {
    const nicks = servers.get(nameKey(server)) ?? new Map<string, Watched>();
    servers.set(nameKey(server), nicks);
    const one = { nick, server, online: isOnline(nick, server), watchers: new Map() };
    nicks.set(nameKey(nick), one);
    return one;
  };
  const drop = (session: LiveSession, one: Watched) => {
    one.watchers.delete(session);
    const own = ofSession.get(session);
    own?.delete(one);
    if (own?.size === 0) ofSession.delete(session);
    if (one.watchers.size > 0) return;
    const nicks = servers.get(nameKey(one.server));
    nicks?.delete(nameKey(one.nick));
    if (nicks?.size === 0) servers.delete(nameKey(one.server));
  };
  const tell = (session: LiveSession, address: string, { online }: Watched) =>
    session.doorway.personal({ type: "watched", address, online });
  const check = (one: Watched) => {
    const online = isOnline(one.nick, one.server);
    if (online === one.online) return;
    one.online = online;
    for (const [session, address] of one.watchers) tell(session, address, one);
  };
  const parseAll = (addresses: readonly string[]): readonly Parsed[] | Failure => {
    try {
      return addresses.map(parseAddress);
    } catch (thrown) {
      return failureOf(thrown);
    }
  };
  const answer = (parsed: readonly Parsed[]) => ({ addresses: parsed.map(addressOf) });

  return {
    /** Watches all of these, or none; tells how each of them is, now and when it changes. */
    watch(session: LiveSession, addresses: readonly string[]) {
      const parsed = parseAll(addresses);
      if ("code" in parsed) return parsed;
      const own = ofSession.get(session) ?? new Set<Watched>();
      const keys = new Set(parsed.filter((one) => !own.has(find(one) as Watched)).map(keyOf));
      const max = LIMITS.watchedMax;
      if (own.size + keys.size > max) {
        const text = `watch: ${own.size} are watched, ${keys.size} more asked for, at most ${max}`;
        return failure("TOO_MANY_WATCHED", text);
      }
      ofSession.set(session, own);
      for (const one of parsed) {
        const watched = find(one) ?? make(one);
        own.add(watched);
        watched.watchers.set(session, addressOf(one));
        tell(session, addressOf(one), watched);
      }
      return answer(parsed);
    },
    unwatch(session: LiveSession, addresses: readonly string[]) {
      const parsed = parseAll(addresses);
      if ("code" in parsed) return parsed;
      for (const one of parsed) {
        const watched = find(one);
        if (watched?.watchers.has(session) === true) drop(session, watched);
      }
      return answer(parsed);
    },
    /** Somebody has come or gone; `address` is in its one form. */
    changed(address: string): void {
      if (servers.size === 0) return;
      const one = find(partsOf(address));
      if (one !== undefined) check(one);
    },
    /** Somebody who is there is away, or is back, or another account than before. */
    told(person: PersonEntry, was?: PersonEntry): void {
      if (servers.size === 0) return;
      const one = find(partsOf(person.address));
      const before = was === undefined ? {} : { was };
      for (const session of one?.watchers.keys() ?? [])
        session.doorway.personal({ type: "changed", person, ...before });
    },
    /** A server has come or gone with all its people. */
    moved(server: ServerName): void {
      for (const one of servers.get(nameKey(server))?.values() ?? []) check(one);
    },
    ended(session: LiveSession): void {
      for (const one of ofSession.get(session) ?? []) drop(session, one);
    },
  };
}

export type Watches = ReturnType<typeof createWatches>;

// --- internal -----------------------------------------------------------------------------------

const addressOf = ({ nick, server }: Parsed): string => `${nick}@${server}`;
/** Of an address in its one form. */
function partsOf(address: string): Parsed {
  const at = address.lastIndexOf("@");
  return { nick: address.slice(0, at) as Nick, server: address.slice(at + 1) as ServerName };
}
const keyOf = (one: Parsed): string => nameKey(addressOf(one) as Nick);
