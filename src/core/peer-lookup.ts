// The other servers of the fusion, found by what they are known by. Next: peers.ts.

import type { ServerName, Sid } from "../names.ts";
import { nameKey } from "../names.ts";
import type { Peer } from "./peer.ts";

/** Looks among servers by sid, in the lives seen last, and among other lives by `sid life`. */
export function createPeerLookup(peers: ReadonlyMap<Sid, Peer>, others: ReadonlyMap<string, Peer>) {
  let byName: ReadonlyMap<ServerName, Peer> | undefined; // made when it is asked for
  const present = () => [...peers.values()].filter((peer) => peer.present);
  return {
    /** Others are present now. */
    changed: (): void => void (byName = undefined),
    present,
    /** All that are remembered, in all lives that they had. */
    everMet: (): readonly Peer[] => [...peers.values(), ...others.values()],
    /** A server in the life in which it was seen last, here or not. */
    last: (sid: Sid): Peer | undefined => peers.get(sid),
    /** A server in one of its lives, here or not. */
    inLife: (sid: Sid, life: string): Peer | undefined =>
      [peers.get(sid), others.get(`${sid} ${life}`)].find((one) => one?.life === life),
    find: (sid: Sid): Peer | undefined => {
      const peer = peers.get(sid);
      return peer?.present ? peer : undefined;
    },
    named(name: ServerName): Peer | undefined {
      const key = nameKey(name);
      return present().find((peer) => nameKey(peer.name) === key);
    },
    /** The server of an address in its one form, as servers write it; undefined for others. */
    ownerOf(address: string): Peer | undefined {
      byName ??= new Map(present().map((peer) => [peer.name, peer]));
      const peer = byName.get(address.slice(address.lastIndexOf("@") + 1) as ServerName);
      return peer?.owns(address) === true ? peer : undefined; // looked up only, and now checked
    },
  };
}
