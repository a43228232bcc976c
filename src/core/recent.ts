// A client's own message ids: sent again after a reconnect, it is the same message. Remembers the
// last ones of each sender, of a bounded number of senders, the longest silent forgotten first.

import type { Millis } from "../environment.ts";
import { LIMITS } from "../limits.ts";

/** What was answered the first time. */
export interface Remembered {
  readonly id: string;
  readonly at: Millis;
  /** The log commit that holds it. */
  readonly logged: number;
}

export interface Recent {
  find(sender: string, cid: string): Remembered | undefined;
  remember(sender: string, cid: string, what: Remembered): void;
  /** Nothing came of it. */
  drop(sender: string, cid: string): void;
}

export function createRecent(): Recent {
  const senders = new Map<string, Map<string, Remembered>>();
  return {
    find: (sender, cid) => senders.get(sender)?.get(cid),
    remember(sender, cid, what) {
      const own = senders.get(sender) ?? new Map<string, Remembered>();
      senders.delete(sender); // set again below: the newest stands last
      senders.set(sender, own);
      own.set(cid, what);
      if (own.size > LIMITS.recentIdsMax) dropFirst(own);
      if (senders.size > LIMITS.recentSendersMax) dropFirst(senders);
    },
    drop: (sender, cid) => void senders.get(sender)?.delete(cid),
  };
}

function dropFirst<K>(map: Map<K, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}
