// Routes that no honest server would write, through real servers: nobody sends more than the header
// lists, nobody gets a frame that it is not listed for, nothing goes round.
//
//   ROUTES=1000000 bun test tests/plugins/fabric-tree/hostile-routes.test.ts     (some minutes)

import { expect, test } from "bun:test";
import { LIMITS } from "../../../src/plugin.ts";
import type { Bytes } from "../../../src/plugin.ts";
import { concat, Writer } from "../../../plugins/fabric-tree/bytes.ts";
import { LINK_FRAME } from "../../../plugins/fabric-tree/hello.ts";
import { splitRoute } from "../../../plugins/fabric-tree/route.ts";
import { identity, Scripted } from "./scripted.ts";
import { World } from "./world.ts";
import type { Server } from "./world.ts";

const ROUTES = Number(process.env["ROUTES"] ?? 5_000);

/** a–b–c–d, a–c in reserve, and a hostile neighbour of a. Ports are small numbers from 1. */
function scene(seed = 1): { world: World; servers: readonly Server[]; evil: Scripted } {
  const world = new World(seed);
  const servers = ["a", "b", "c", "d"].map((name) => world.add(name));
  const [a, b, c, d] = servers as [Server, Server, Server, Server];
  world.merge(a, b);
  world.merge(b, c);
  world.merge(c, d);
  world.merge(a, c);
  world.run(1000);
  const evil = new Scripted(world, a, identity("evil"), { alive: true }).join();
  world.run(1000);
  return { world, servers, evil };
}

/** Half of them well-formed at least, with ports that are there or nearly so. */
function randomRoute(world: World, depth: number): Bytes {
  let route: Bytes = new Uint8Array(0);
  const entries = Math.floor(world.chance() * 4);
  for (let at = 0; at < entries; at++) {
    const inner =
      depth > 0 && world.chance() < 0.6 ? randomRoute(world, depth - 1) : route.slice(0, 0);
    const deliver = inner.length === 0 || world.chance() < 0.5 ? 1 : 0;
    const port = 1 + Math.floor(world.chance() * 5);
    const entry = new Writer()
      .varint(port * 2 + deliver)
      .varint(inner.length)
      .bytes(inner)
      .done();
    route = concat(route, entry);
  }
  if (world.chance() > 0.1 || route.length === 0) return route;
  route[Math.floor(world.chance() * route.length)] = Math.floor(world.chance() * 256);
  return route;
}

/** Entries of all depths; undefined if it is malformed. */
function entriesIn(route: Bytes): number | undefined {
  try {
    return splitRoute(route).reduce((sum, hop) => sum + 1 + (entriesIn(hop.route) ?? 0), 0);
  } catch {
    return undefined;
  }
}

test("random routes cause at most one frame for each entry, and none that is not listed", () => {
  const { world, servers, ...first } = scene();
  let { evil } = first;
  let listed = 0;
  const routed = () => {
    let count = 0;
    for (const connection of world.connections) {
      for (const end of [connection.dialler, connection.accepter]) {
        if (end.server !== undefined)
          count += end.sent.filter(({ type }) => type === LINK_FRAME.routed).length;
        end.sent.length = 0;
      }
    }
    return count;
  };
  routed();
  for (let at = 1; at <= ROUTES; at++) {
    const route = randomRoute(world, 5);
    const entries = entriesIn(route);
    evil.routed(String(at), route, 2 + (at % 2) * 4);
    if (entries === undefined) {
      expect(evil.reason?.code).toBe("BAD_FRAME");
      evil = new Scripted(world, servers[0]!, identity("evil", at + 1), { alive: true }).join();
      world.run(200);
    } else listed += entries;
    if (at % 100 !== 0) continue;
    // A number for each frame: nobody is handed one of them twice by the same entry.
    expect(routed()).toBeLessThanOrEqual(listed);
    listed = 0;
    for (const server of servers) server.delivered.length = 0;
    evil.heard.length = Math.min(evil.heard.length, 1);
  }
  evil.link.close({ code: "UNMERGED", text: "goes" });
  world.run(LIMITS.announcementHoldMsMax);
  for (const { sees } of servers) expect(sees).toBe("a b c d");
}, 3_600_000);

test("a route that lists each server is sent over each link once, and no further", () => {
  const { world, servers, evil } = scene();
  const often = Array.from({ length: 50 }, () => [3, 0, 5, 0, 7, 0]).flat();
  evil.routed("x", Uint8Array.from(often), 6);
  world.run(1000);
  expect(servers.map(({ said }) => said.length)).toEqual([1, 1, 1, 0]);
  expect(servers[0]!.counted.get("skipped")).toBe(148);
});

test("a route of ten thousand hops, or longer than any fusion's, is refused", () => {
  let nested: Bytes = new Uint8Array(0);
  for (let at = 0; at < 10_000 && nested.length < 30_000; at++) {
    nested = concat(
      new Writer()
        .varint(at === 0 ? 3 : 2)
        .varint(nested.length)
        .done(),
      nested,
    );
  }
  const max = 6 * LIMITS.serversMax;
  const flat = new Uint8Array(max + 2);
  for (let at = 0; at < flat.length; at += 2) flat[at] = 3;
  for (const [route, code] of [
    [nested, "BAD_FRAME"],
    [nested.subarray(-500), "BAD_FRAME"],
    [flat.subarray(0, max), undefined],
    [flat, "BAD_FRAME"],
  ] as const) {
    const { evil, world, servers } = scene();
    evil.routed("x", route, 2);
    expect(evil.reason?.code, `${route.length} bytes`).toBe(code);
    world.run(1000);
    expect(servers[1]!.said.length).toBeLessThanOrEqual(1);
  }
});

test("a length that is one too large, and flags that are none, are refused", () => {
  const self = identity("evil").sid;
  const frame = (flags: number, length: number, route: readonly number[]) =>
    concat(new Writer().u8(flags).sid(self).varint(length).done(), Uint8Array.from(route));
  for (const [bytes, code] of [
    [frame(2, 2, [3, 0]), undefined],
    [frame(2, 3, [3, 0]), "BAD_FRAME"],
    [frame(2, 1, [3, 0]), "BAD_FRAME"],
    [frame(2, 4, [2, 2, 3, 0]), undefined],
    [frame(2, 4, [2, 3, 3, 0]), "BAD_FRAME"],
    [frame(2, 4, [2, 1, 3, 0]), "BAD_FRAME"],
    [frame(8, 0, []), "BAD_FRAME"],
    [frame(255, 0, []), "BAD_FRAME"],
    [frame(2, 0, []).subarray(0, 17), "BAD_FRAME"],
    [frame(2, 0, []).subarray(0, 16), "BAD_FRAME"],
    [concat(frame(2, 0, []).subarray(0, 17), Uint8Array.of(0xff, 0xff, 0xff, 1)), "BAD_FRAME"],
    [concat(frame(2, 0, []).subarray(0, 17), Uint8Array.of(0x80, 0)), "BAD_FRAME"],
    [new Uint8Array(0), "BAD_FRAME"],
  ] as const) {
    const { evil } = scene();
    evil.send(LINK_FRAME.routed, bytes);
    expect(evil.reason?.code, bytes.toHex()).toBe(code);
  }
});

test("a frame in another's name goes where its header says; via tells who has brought it", () => {
  // Origins are proved above the fabric: by a batch's signature, or by the seal.
  const { servers, evil } = scene();
  const [a, b, c] = servers;
  evil.routed("I am c", Uint8Array.of(3, 0), 6, c!.sid);
  evil.routed("I am nobody", Uint8Array.of(3, 0), 6, identity("nobody").sid);
  expect(a!.delivered.map(({ via }) => via)).toEqual([evil.self.sid, evil.self.sid]);
  expect(b!.delivered.map(({ via }) => via)).toEqual([a!.sid, a!.sid]);
  expect(c!.delivered).toEqual([]);
});
