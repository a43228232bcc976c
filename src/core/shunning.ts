// What people here are told when an operator bans somebody of another server, and when that ends:
// he goes, and comes, though he stays where he is. Read server-bans.ts first.

import { PatternMap } from "./pattern.ts";
import { remoteEntry } from "./peer.ts";
import type { Peers } from "./peers.ts";
import type { Presence } from "./presence.ts";
import type { ServerBans } from "./server-bans.ts";

export interface ShunningOptions {
  readonly bans: ServerBans;
  readonly peers: () => Pick<Peers, "present">;
  readonly presence: () => Pick<Presence, "came" | "went" | "joined">;
}

/** Tells of those whom a ban hides, and whom none hides any more, from now on. */
export function tellOfBans({ bans, peers, presence }: ShunningOptions): void {
  bans.watch((patterns, now) => {
    const those = new PatternMap<true>();
    for (const of of patterns) those.add(of, true);
    for (const peer of peers().present())
      for (const one of peer.people.values()) {
        const person = { ...one, server: peer.name };
        // Whom another ban hides stays hidden.
        if (those.find(person) !== true || bans.find(person) !== undefined) continue;
        const entry = remoteEntry(peer, one);
        if (now === "banned") presence().went(entry, one.rooms);
        else {
          presence().came(entry);
          for (const room of one.rooms) presence().joined(room, entry);
        }
      }
  });
}
