// A client's own message ids: sent again after a reconnect, it is the same message. Remembers the
// last ones of each sender, of a bounded number of senders, the longest silent forgotten first.
// Next: recall.ts (what is remembered of earlier lives of the server).

import type { Millis } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { TellOutcome } from "./tells.ts";

/** What was answered the first time. */
export interface Remembered {
  readonly id: string;
  readonly at: Millis;
  /** The log commit that holds it. */
  readonly logged: number;
  /**
   * How a private message ended, set by who sent it when that is known, however late; until then it
   * may have arrived. One that failed may be tried again. Never set for what was said in a room.
   */
  outcome?: TellOutcome | "failed";
}

/** Whose message id it is: what its session has, and what a later login has of it. */
export interface Sender {
  /** The account, or for a guest something that only the session has. */
  readonly sender: string;
  readonly account: string | undefined;
  readonly nick: string;
}

export interface Recent {
  find(by: Sender, cid: string): Remembered | undefined;
  /** Keeps `what` itself, instead of what the id stood for before. */
  remember(by: Sender, cid: string, what: Remembered): void;
}

/** The `sender` of all sessions of an account. */
export const senderOfAccount = (account: string): string => `= ${account}`;

export function createRecent(): Recent {
  const senders = new Map<string, Map<string, Remembered>>();
  let size = 0;
  const put = (sender: string, cid: string, what: Remembered) => {
    const own = senders.get(sender) ?? new Map<string, Remembered>();
    senders.delete(sender); // set again below: the newest stands last
    senders.set(sender, own);
    size -= own.size;
    own.delete(cid); // one that is tried again counts as new
    own.set(cid, what);
    if (own.size > LIMITS.recentIdsMax) dropFirst(own);
    size += own.size;
    while (senders.size > LIMITS.recentSendersMax || size > LIMITS.recentIdsInAllMax)
      size -= dropFirst(senders)?.size ?? 0;
  };
  return {
    find(by, cid) {
      const known = senders.get(by.sender)?.get(cid);
      const later = known === undefined ? laterSender(by, cid) : undefined;
      return later === undefined ? known : senders.get(later)?.get(cid);
    },
    remember(by, cid, what) {
      put(by.sender, cid, what);
      const later = laterSender(by, cid);
      if (later !== undefined && later !== by.sender) put(later, cid, what);
    },
  };
}

// --- internal -----------------------------------------------------------------------------------

/**
 * What a new login is known by. A guest proves nothing; but an id that is long enough to be drawn
 * at random cannot be guessed before it is said, and whoever says it afterwards only gets to know
 * the id and the time of a message that he has heard. A short one may be anybody's first.
 */
function laterSender({ account, nick }: Sender, cid: string): string | undefined {
  if (account !== undefined) return senderOfAccount(account);
  return cid.length < LIMITS.uniqueIdBytesMin ? undefined : `~ ${nick}`;
}

function dropFirst<K, V>(map: Map<K, V>): V | undefined {
  for (const [key, value] of map) {
    map.delete(key);
    return value;
  }
  return undefined;
}
