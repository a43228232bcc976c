// What must come of merges when nothing else goes wrong, at the end of a history: all of them at
// one instant, on servers that have a past, and with two servers of one name among new ones. Here
// the bounds are tight: a second, where faults may take minutes.

import { isFailure, type ServerName, type Sid, skeleton } from "../../src/plugin.ts";
import { SIMULATED_PORT, type SimServer } from "../../src/testing.ts";
import type { History } from "./history.ts";
import { checkAtRest, componentsOf, pairOf, storedOf } from "./invariants.ts";
import { linkBetween } from "./places.ts";

/** From the last answer on; the answers themselves wait for all to see the same. */
const calmMsMax = 2000;

type Pair = readonly [from: SimServer, to: SimServer];

/** Plays the calm scenes. Throws what is not as it should be. */
export function checkCalmMerges(history: History): void {
  for (let round = 0; round < 2; round += 1) {
    mergeAtOnce(history, pairsOf(history));
    linkOnceMore(history);
  }
  mergeNamesakes(history);
}

// --- internal ---

/** Any servers, in any direction, some pairs from both sides. */
function pairsOf(history: History): Pair[] {
  const { random } = history;
  const pairs: Pair[] = [];
  for (let count = 1 + random.below(4); count > 0; count -= 1) {
    const [from, to] = history.twoServers();
    if (from === undefined || to === undefined) continue;
    pairs.push([from, to]);
    if (random.chance(0.5)) pairs.push([to, from]);
  }
  return pairs;
}

/** Merges between servers without a conflict succeed, all of them, whatever comes at once. */
function mergeAtOnce(history: History, pairs: readonly Pair[]): void {
  const isFree = isWithoutConflict(history, pairs);
  const answers = merge(history, pairs);
  settle(history);
  for (const [at, code] of answers.entries()) {
    const [from, to] = pairs[at] ?? [];
    const isRight = code === "merged" || code === "standby" || (!isFree && code === "NAME_TAKEN");
    if (isRight) continue;
    throw new Error(`in a calm world ${from?.host} merges ${to?.host}: ${code}`);
  }
}

/** A new link between two of one fusion is a standby link, and changes nothing else. */
function linkOnceMore(history: History): void {
  const { watch } = history;
  const candidates = componentsOf(history).flatMap((component) =>
    component.flatMap((from) => component.map((to): Pair => [from, to])),
  );
  const apart = candidates.filter(
    (pair) => pair[0] !== pair[1] && linkBetween(history, hostsOf(pair)) === "nothing",
  );
  const pair = history.oneOf(apart);
  if (pair === undefined || !isWithoutConflict(history, [pair])) return;
  const treeAt = (host: string) =>
    (watch.fabrics.get(host)?.view.links ?? [])
      .filter(({ state }) => state === "tree")
      .map(({ a, b }) => pairOf(a, b))
      .toSorted()
      .join();
  const [{ host }] = pair;
  const before = treeAt(host);
  const [answer] = merge(history, [pair]);
  settle(history);
  if (answer !== "standby")
    throw new Error(`${hostsOf(pair).join(" and ")}: ${answer}, not standby`);
  if (treeAt(host) !== before) throw new Error(`a new link changed the tree of ${host}`);
}

/**
 * Two new servers of one name, and two others: whatever is merged at once, the name is never there
 * twice, and all are joined that can be.
 */
function mergeNamesakes(history: History): void {
  const { random, simulation } = history;
  const name = (host: string) => (host.startsWith("twin") ? "zurich" : host);
  const hosts = ["twin1", "twin2", "york", "xanten"];
  for (const host of hosts) simulation.start(host, { name: name(host) });
  const [one, two, york, xanten] = hosts.map((host) => simulation.servers.get(host));
  if (!one || !two || !york || !xanten) return;
  const ends = random.chance(0.5) ? [york, xanten] : [york, york];
  const wanted = [
    [one, ends[0]],
    [two, ends[1]],
    [york, xanten],
  ] as readonly Pair[];
  const turned = wanted.map((pair): Pair => (random.chance(0.5) ? [pair[1], pair[0]] : pair));
  const answers = merge(history, random.shuffle(turned));
  settle(history);
  const wrong = answers.find((code) => !["merged", "standby", "NAME_TAKEN"].includes(code));
  if (wrong !== undefined) throw new Error(`namesakes merge: ${wrong}`);
  const joined = componentsOf(history).filter((all) =>
    all.some(({ host }) => hosts.includes(host)),
  );
  if (joined.length !== 2) {
    const text = joined.map((all) => all.map(({ host }) => host).join("+")).join(", ");
    throw new Error(`with one name twice, two fusions are expected: ${text}`);
  }
  for (const host of hosts) simulation.stop(host);
  for (const host of hosts) {
    history.watch.fabrics.delete(host);
    simulation.forget(host);
  }
}

const hostsOf = ([a, b]: Pair): readonly [string, string] => [a.host, b.host];

/** Types all merges at one instant, and waits for the answers. */
function merge(history: History, pairs: readonly Pair[]): string[] {
  const { simulation, world } = history;
  for (const [a, b] of pairs) history.parted.delete(pairOf(a.host, b.host));
  const answers = pairs.map(([from, to]) =>
    simulation.type(from.host, `merge ${to.host}:${SIMULATED_PORT}`),
  );
  return answers.map((promise) => {
    const answer = world.until(promise);
    if (isFailure(answer)) return answer.code;
    return (answer.data as { readonly state: string }).state; // of a merge
  });
}

function settle(history: History): void {
  const end = history.world.now + calmMsMax;
  for (let complaint = checkAtRest(history); complaint !== undefined;) {
    if (history.world.now >= end) throw new Error(`not at rest in a calm world: ${complaint}`);
    history.world.run(100);
    complaint = checkAtRest(history);
  }
}

/** No two servers that would be joined have one name, nor is a name pinned to another of them. */
function isWithoutConflict(history: History, pairs: readonly Pair[]): boolean {
  const components = componentsOf(history);
  const touched = components.filter((all) => pairs.flat().some((server) => all.includes(server)));
  const servers = touched.flat();
  const held = new Map<string, Sid | undefined>();
  for (const { name, server } of servers) {
    const looks = skeleton(name as ServerName); // as it was started
    if (held.has(looks)) return false;
    held.set(looks, server?.sid);
  }
  return servers.every(({ host }) => {
    const pins = (storedOf(history.world, host, "pins") ?? []) as { looks: string; sid: string }[];
    return pins.every(({ looks, sid }) => !held.has(looks) || held.get(looks) === sid);
  });
}
