// What must hold in a simulated fusion: always, at rest after the last fault, and at the very end.
// I4, I5, I9, I10 and I11 of the reliability figures, with the promises of merging.

import { type ServerName, skeleton, type View } from "../../src/plugin.ts";
import type { LogFields } from "../../src/environment.ts";
import type { SimServer, World } from "../../src/testing.ts";
import type { History } from "./history.ts";

/**
 * Twice the longest back-off; before that, a silence is noticed after three heart-beats, and an
 * origin that has changed too often may be held back for a minute.
 */
export const restMsMax = 2 * 60_000 + 30_000 + 60_000;

/** A slow line is given up after three silent heart-beats; what it held is then asked for again. */
const silenceMsMax = 150_000;

/** Throws what is wrong at this moment, although faults go on. */
export function checkAlways({ watch, world, restored }: History): void {
  const [violation] = watch.violations;
  if (violation !== undefined) throw new Error(violation);
  for (const [host, { view }] of watch.fabrics) {
    const looks = view.servers.map(({ name }) => skeleton(name));
    if (new Set(looks).size < looks.length) {
      throw new Error(`${host} sees namesakes: ${view.servers.map(({ name }) => name).join(", ")}`);
    }
    const asked = watch.consents.get(host);
    for (const sid of view.neighbours) {
      if (asked?.has(sid) !== true) throw new Error(`${host} has not consented to ${sid}`);
    }
  }
  for (const { server, event, level, fields } of world.logged) {
    // A server that has its own disk needs not be told how far it had come; nobody lies here.
    const isStrange = (event === FOUGHT_BACK && !restored.has(server)) || event === NEWS_REFUSED;
    if (!isStrange && (level !== "error" || isOfDisk(event, fields))) continue;
    throw new Error(`${server} has logged ${event} ${JSON.stringify(fields)}`);
  }
}

/**
 * What is at rest stays so: nothing is made and undone again, and views change no more, but for
 * lines that are still full of what was said in the storm, and are given up in these minutes.
 */
export function checkStaysAtRest(history: History): void {
  const { watch, world } = history;
  const views = () =>
    [...watch.fabrics].map(([host, { view }]) => `${host} ${view.version}`).join();
  // As the fabric tells it: operators hear of what was undone just before rest only after it.
  const undoneBefore = watch.undone;
  for (let tries = 1; ; tries += 1) {
    const before = views();
    world.run(restAgainMs);
    checkAlways(history);
    if (watch.undone > undoneBefore) throw new Error("a link was made and undone at rest");
    if (views() === before) return;
    if (tries === 3) throw new Error(`views change at rest: ${before}; ${views()}`);
  }
}

/** No neighbour has a name that is pinned to another server. Before any pin is forgotten. */
export function checkPins({ watch, world, jumped }: History): void {
  for (const [host, { view }] of watch.fabrics) {
    if (jumped.has(host)) continue; // there, pins may be of another month
    const pins = (storedOf(world, host, "pins") ?? []) as Pin[];
    for (const { sid, name } of view.servers) {
      if (!view.neighbours.includes(sid)) continue;
      const pin = pins.find(({ looks }) => looks === skeleton(name));
      if (pin === undefined || pin.sid === sid) continue;
      throw new Error(`${host} has ${name}, ${sid}, for a neighbour, and knows it as ${pin.sid}`);
    }
  }
}

/** Longer than the longest back-off: all that is dialled again is dialled once. */
const restAgainMs = 80_000;
const NEWS_REFUSED = "news refused that would push others out";
const FOUGHT_BACK = "own announcement of another life met";

/** Says what is not yet as it should be when nothing is disturbed any more. */
export function checkAtRest(history: History): string | undefined {
  const { servers } = history;
  for (const { host, phase } of servers.values()) if (phase !== "running") return `${host} is down`;
  const [errand] = history.unanswered;
  if (errand !== undefined) return `no answer to ${errand}`;
  const components = componentsOf(history);
  for (const component of components) {
    const complaint = checkNames(component) ?? checkViews(history, component);
    if (complaint !== undefined) return complaint;
  }
  for (const pair of history.parted) {
    const [a = "", b = ""] = pair.split(" ");
    const isLinked = history.world.pairs.some((one) => pairOf(...one) === pair);
    if (isLinked) return `${a} and ${b} are linked although an operator has parted them`;
  }
  for (const server of servers.values()) {
    const complaint = checkWishes(history, server, components);
    if (complaint !== undefined) return complaint;
  }
  return undefined;
}

/** At rest: everybody hears everybody once; and when all stop, nothing is left behind. */
export function checkTheEnd(history: History): void {
  const { simulation, world, servers } = history;
  // The first words only show that everybody is back by now.
  for (const words of ["first", "last"]) {
    for (const [address, { client }] of simulation.people) {
      world.until(client.say("#lobby", `the ${words} words of ${address}`));
    }
    world.run(1000);
  }
  // A line that was slow may be full of what was said before, until its silence is noticed.
  for (const end = world.now + silenceMsMax; unheard(history) !== undefined; world.run(1000)) {
    if (world.now > end) throw new Error(unheard(history));
  }
  world.run(1000);
  const complaint = unheard(history);
  if (complaint !== undefined) throw new Error(complaint);
  for (const address of simulation.people.keys()) simulation.leave(address);
  for (const host of servers.keys()) simulation.stop(host);
  world.run(60_000);
  for (const host of servers.keys()) {
    const timers = world.timers(host);
    if (timers > 0) throw new Error(`${timers} timers of ${host} are left`);
  }
  if (world.connections > 0) throw new Error(`${world.connections} connections are left`);
}

/** Says who has not heard the last words of all others in the fusion, each once. */
function unheard(history: History): string | undefined {
  const people = [...history.simulation.people];
  // Not who is connected: a redial that will be refused joins nobody.
  const fusionOf = (address: string) => history.seenBy(homeOf(address));
  for (const [address, { lines }] of people) {
    const heard = lines.map(({ text }) => text).filter((text) => text.startsWith("the last"));
    const others = people.map(([other]) => other).filter((other) => other !== address);
    const expected = others
      .filter((other) => fusionOf(address).includes(homeOf(other)))
      .map((other) => `the last words of ${other}`);
    if (heard.toSorted().join() === expected.toSorted().join()) continue;
    return `${address} heard ${heard.join("; ")}; expected ${expected.join("; ")}`;
  }
  return undefined;
}

// --- internal ---

const homeOf = (address: string): string => address.slice(address.indexOf("@") + 1);

export type Component = readonly SimServer[];

/** A full disk is told, and made up for later; it is no fault of the program. */
const isOfDisk = (event: string, { error }: LogFields): boolean =>
  (event === "history failed" && String(error).includes("no space left")) ||
  ["not stored", "epoch not stored", "log failed", "message not removed"].includes(event) ||
  ["rooms not written", "audit not written", "marks not written"].includes(event);

/** Servers that are joined by open connections; at rest those are links, and nothing else. */
export function componentsOf({ servers, world }: History): Component[] {
  const sets = new Map([...servers.values()].map((server) => [server.host, [server]]));
  for (const [a, b] of world.pairs) {
    const [one, other] = [sets.get(a), sets.get(b)];
    if (one === undefined || other === undefined || one === other) continue;
    const joined = [...one, ...other];
    for (const { host } of joined) sets.set(host, joined);
  }
  return [...new Set(sets.values())];
}

/** Of a server's name, as it was started. */
export const looksOf = (name: string): string => skeleton(name as ServerName);

function checkNames(component: Component): string | undefined {
  const looks = component.map(({ name }) => looksOf(name));
  if (new Set(looks).size === looks.length) return undefined;
  return `namesakes are connected: ${component.map(({ host }) => host).join(", ")}`;
}

/** One view everywhere, equal to what is connected, with a tree that reaches all. */
function checkViews({ watch, world }: History, component: Component): string | undefined {
  const hosts = new Map(component.map(({ host, server }) => [server?.sid, host]));
  const inside = (host: string) => component.some((one) => one.host === host);
  const pairs = world.pairs.filter((pair) => pair.every(inside));
  const connected = pairs.map(([a, b]) => pairOf(a, b)).toSorted();
  if (new Set(connected).size < connected.length) return "two links between the same servers";
  let first: string | undefined;
  for (const { host } of component) {
    const view = watch.fabrics.get(host)?.view;
    if (view === undefined) return `${host} has no view`;
    const sees = view.servers.map(({ sid }) => hosts.get(sid) ?? sid).toSorted();
    const all = component.map((one) => one.host).toSorted();
    if (sees.join() !== all.join()) return `${host} sees ${sees.join(", ")}, not ${all.join(", ")}`;
    const links = view.links.map(({ a, b }) => pairOf(hosts.get(a) ?? a, hosts.get(b) ?? b));
    if (links.toSorted().join() !== connected.join()) {
      return `${host} sees the links ${links.join(", ")}, and there are ${connected.join(", ")}`;
    }
    const roles = rolesOf(view);
    first ??= roles;
    if (roles !== first) return `${host} sees other roles than its fusion: ${roles}, ${first}`;
    const tree = view.links.filter(({ state }) => state === "tree");
    if (tree.length !== component.length - 1) return `${host} sees ${tree.length} tree links`;
  }
  return undefined;
}

/** A pair of hosts, in either order. */
export const pairOf = (a: string, b: string): string => (a < b ? `${a} ${b}` : `${b} ${a}`);

const rolesOf = ({ links }: View): string =>
  links
    .map(({ a, b, state }) => `${pairOf(a, b)}: ${state}`)
    .toSorted()
    .join();

/** Every link that a server wants is up, unless a name, or its peer's new key, forbids it. */
function checkWishes(
  { world, servers, watch }: History,
  server: SimServer,
  components: readonly Component[],
): string | undefined {
  const { wishes = [] } = (storedOf(world, server.host, "links") ?? {}) as Wishes;
  const near: readonly string[] = watch.fabrics.get(server.host)?.view.neighbours ?? [];
  const partOf = (host: string) => components.find((one) => one.some((two) => two.host === host));
  for (const { peer, name, address } of wishes) {
    if (near.includes(peer)) continue;
    const host = address.slice(0, address.indexOf(":"));
    if (servers.get(host)?.server?.sid !== peer) continue; // another key lives there now
    const both = new Set([...(partOf(server.host) ?? []), ...(partOf(host) ?? [])]);
    const held = new Map<string, string | undefined>();
    const isTwice = [...both].some((one) => {
      const looks = looksOf(one.name);
      return held.size === held.set(looks, one.server?.sid).size;
    });
    if (isTwice) continue;
    const pins = [server.host, host].flatMap(
      (end) => (storedOf(world, end, "pins") ?? []) as Pin[],
    );
    if (pins.some(({ looks, sid }) => held.has(looks) && held.get(looks) !== sid)) continue;
    return `${server.host} wants ${name} and is not linked with it`;
  }
  return undefined;
}

interface Wishes {
  readonly wishes?: readonly { readonly peer: string; name: string; readonly address: string }[];
}
interface Pin {
  readonly looks: string;
  readonly sid: string;
}

/** What the fabric of a server has on its disk, as memory.ts writes it. */
export function storedOf(world: World, host: string, key: string): unknown {
  const bytes = world.disk(host).backup().get(`fabric-tree.${key}`);
  return bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes));
}
