// Random histories: merges from any side, cuts, half-open links, kills, restarts, unmerges, and
// namesakes. While they last no view has two namesakes; afterwards everything is as it should be.
// A failure names its seed; `CHAOS_SEEDS=from-to bun test chaos` runs others.

import { expect, test } from "bun:test";
import { World } from "./world.ts";
import type { Server } from "./world.ts";

const [first = 1, last = 8] = (process.env["CHAOS_SEEDS"] ?? "1-8").split("-").map(Number);

function fault(world: World, servers: readonly Server[]): void {
  const server = world.pick(servers);
  const connections = [...world.connections];
  const kind = world.chance();
  if (kind < 0.3 && connections.length > 0) world.pick(connections).cut();
  else if (kind < 0.45 && connections.length > 0) world.pick(connections).stalled = true;
  else if (kind < 0.65) server.restart();
  else if (kind < 0.8 && server.running) {
    server.kill();
    world.after(world.chance() * 20_000, () => {
      if (!server.running) server.start(true);
    });
  } else if (server.running) {
    const [sid] = server.fabric.view.neighbours;
    const neighbour = server.fabric.view.servers.find((one) => one.sid === sid);
    if (neighbour !== undefined) world.soon(server.fabric.unmerge(neighbour.name));
  }
}

function noNamesakes(servers: readonly Server[]): void {
  for (const { running, parts } of servers) {
    if (!running) continue;
    const names = parts.fabric!.view.servers.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  }
}

function play(world: World, servers: readonly Server[]): void {
  for (let step = 0; step < 60; step++) {
    const [a, b] = [world.pick(servers), world.pick(servers)];
    if (world.chance() < 0.55) fault(world, servers);
    else if (a !== b && a.running) world.soon(a.fabric.merge(b.address, { dryRun: false }));
    world.run(world.chance() < 0.5 ? world.chance() * 30 : world.chance() * 3000);
    noNamesakes(servers);
  }
  world.run(200_000);
  noNamesakes(servers);
}

/** Sets of servers that are joined by connections which work. */
function components(world: World, servers: readonly Server[]): Map<Server, Server[]> {
  const sets = new Map(servers.map((server) => [server, [server]]));
  for (const { dialler, accepter, stalled } of world.connections) {
    const [a, b] = [sets.get(dialler.server!)!, sets.get(accepter.server!)!];
    if (stalled || !dialler.open || !accepter.open || a === b) continue;
    const joined = [...a, ...b];
    for (const server of joined) sets.set(server, joined);
  }
  return sets;
}

/** At rest: one view everywhere, equal to what is connected, and everybody hears everybody. */
function atRest(world: World, servers: readonly Server[]): void {
  for (const [server, joined] of components(world, servers)) {
    const { view } = server.fabric;
    const sids = joined.map(({ sid }) => sid).toSorted();
    expect(view.servers.map(({ sid }) => sid).toSorted()).toEqual(sids);
    const links = (one: Server) => one.fabric.view.links.map(({ a, b, state }) => a + b + state);
    for (const other of joined) expect(links(server).toSorted()).toEqual(links(other).toSorted());
    expect(view.links.filter(({ state }) => state === "tree")).toHaveLength(sids.length - 1);
    server.delivered.length = 0;
  }
  for (const { fabric, sid } of servers) {
    const all = fabric.view.servers.map((one) => one.sid);
    fabric.publish(all, "room", new TextEncoder().encode(sid));
  }
  world.run(500);
  for (const [{ sid, said }, joined] of components(world, servers)) {
    const others = joined.map((one) => one.sid as string).filter((one) => one !== sid);
    expect(said.toSorted()).toEqual(others.toSorted());
  }
}

function wanted(server: Server): readonly string[] {
  const stored = server.stored.get("links");
  if (stored === undefined) return [];
  const { wishes } = JSON.parse(new TextDecoder().decode(stored)) as { wishes: { peer: string }[] };
  return wishes.map(({ peer }) => peer);
}

test("after any history of faults, all that is wanted is joined, and views are the truth", () => {
  for (let seed = first; seed <= last; seed++) {
    const world = new World(seed);
    const servers = "abcde".split("").map((name) => world.add(name));
    try {
      play(world, servers);
      atRest(world, servers);
      for (const server of servers) {
        const near: readonly string[] = server.fabric.view.neighbours;
        for (const peer of wanted(server)) expect(near).toContain(peer);
      }
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
}, 60_000);

test("with two servers of one name among them, no fusion ever has both", () => {
  for (let seed = first; seed <= last; seed++) {
    const world = new World(seed);
    const servers = "abcd".split("").map((name) => world.add(name));
    servers.push(world.addAt("e", "a"), world.addAt("f", "b"));
    try {
      play(world, servers);
      atRest(world, servers);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
}, 60_000);
