// What people here are told when an operator bans somebody of another server, and when that ends:
// he goes, and comes, though he stays where he is. Read server-bans.ts first.

import { LIMITS } from "../limits.ts";
import { PatternMap } from "./pattern.ts";
import { remoteEntry } from "./peer.ts";
import type { Peers } from "./peers.ts";
import type { Presence } from "./presence.ts";
import type { ServerBans } from "./server-bans.ts";

export interface ShunningOptions {
  readonly bans: ServerBans;
  readonly peers: () => Pick<Peers, "present">;
  readonly presence: () => Pick<Presence, "came" | "went" | "joined" | "moved">;
}

/** Tells of those whom a ban hides, and whom none hides any more, from now on. */
export function tellOfBans({ bans, peers, presence }: ShunningOptions): void {
  bans.watch((of, now) => {
    const those = new PatternMap<true>();
    those.add(of, true);
    for (const peer of peers().present()) {
      // Whom another ban hides stays hidden.
      const people = [...peer.people.values()].filter((one) => {
        const person = { ...one, server: peer.name };
        return those.find(person, () => true) === true && bans.find(person) === undefined;
      });
      // As many as a large room's: that is no list to read.
      if (people.length > LIMITS.roomPresenceMembersMax) {
        presence().moved(peer.name, peer.rooms.keys());
        continue;
      }
      for (const person of people) {
        const entry = remoteEntry(peer, person);
        if (now === "banned") presence().went(entry, person.rooms);
        else {
          presence().came(entry);
          for (const room of person.rooms) presence().joined(room, entry);
        }
      }
    }
  });
}
