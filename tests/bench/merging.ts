// What a merge of two large fusions costs the server in the middle: a real fabric, to which two
// peers made by hand bring, one after the other, all that the servers of their fusions announce.

import { LIMITS } from "../../src/plugin.ts";
import { announce } from "../../plugins/fabric-tree/announcement.ts";
import { LINK_FRAME } from "../../plugins/fabric-tree/hello.ts";
import { identity, Scripted } from "../plugins/fabric-tree/scripted.ts";
import type { Server } from "../plugins/fabric-tree/world.ts";
import { World } from "../plugins/fabric-tree/world.ts";
import { linksOf, SHAPES } from "./graphs.ts";

/**
 * Returns the milliseconds of CPU that it takes from the second handshake to the view of all, who
 * are twice `servers`; `atOnce` announcements come in one tick.
 */
export function mergeMs(servers: number, atOnce: number): number {
  const world = new World();
  const self = world.add("self");
  const [ours, theirs] = [fusion("a", servers - 1), fusion("b", servers)];
  join(self, ours, atOnce, 10_000);
  const before = process.cpuUsage();
  join(self, theirs, atOnce, 20_000);
  const { user, system } = process.cpuUsage(before);
  const seen = self.fabric.view.servers.length;
  if (seen !== 2 * servers) throw new Error(`${seen} of ${2 * servers} servers are in the view`);
  return (user + system) / 1000;
}

// --- internal ---

type Fusion = ReturnType<typeof fusion>;

/** The first one is the neighbour to be. */
function fusion(prefix: string, servers: number) {
  const all = Array.from({ length: servers }, (_, at) => identity(`${prefix}${at}`));
  const sids = all.map(({ sid }) => sid);
  const links = linksOf(sids, SHAPES.random(servers));
  const version = { epoch: 1, seq: 0 };
  const announcements = all.map((one, at) => announce(one, version, links[at] ?? []).bytes);
  const [gate = identity(prefix), ...others] = all;
  return { gate, others, announcements, links: links[0] ?? [] };
}

/** `birth` is larger than all others. */
function join(self: Server, joining: Fusion, atOnce: number, birth: number): void {
  const { world } = self;
  const peer = new Scripted(world, self, joining.gate).dial();
  peer.link.limit(LIMITS.linkFrameBytesMax);
  peer.auth().fusion(joining.others);
  for (const [at, bytes] of joining.announcements.entries()) {
    peer.link.send("control", LINK_FRAME.announcement, bytes);
    if ((at + 1) % atOnce === 0) world.run(10);
  }
  const { links } = joining;
  peer.synced(birth).announce([...links, { peer: self.sid, port: links.length + 1, birth }]);
  world.run(1000);
}
