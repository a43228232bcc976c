// What must hold in every situation, and what must hold when a configuration has come to rest.

import { GONE } from "./situation.ts";
import type { Situation } from "./situation.ts";
import { isQuiet } from "./world.ts";
import type { World } from "./world.ts";

/** More than one server has on its way to another at once, ever. */
const COMING_MAX = 40;
/** More alarms than any way to rest needs. */
const WAITS_MAX = 12;

/** What is wrong in any situation; undefined: nothing. */
export function wrongIn({ locals, addresses }: World, situation: Situation): string | undefined {
  for (let at = 0; at < situation.locals.length; at++) {
    const { wrong } = locals.facts(situation.locals[at]!);
    if (wrong !== undefined) return `${addresses[at]}: ${wrong}`;
  }
  for (const { ends, broken } of situation.connections) {
    const full = ends.map(({ server, number }) =>
      number === GONE ? undefined : locals.facts(situation.locals[server]!).full[number],
    );
    const births = full.flatMap((link) => link?.birth ?? []);
    if (!broken && births.length === 2 && births[0] !== births[1]) {
      return `the ends of a link say different births: ${births.join(", ")}`;
    }
    const open = ends.every(({ number }) => number !== GONE);
    if (open && full.includes(undefined) && full.some((link) => link?.used === true)) {
      return "a link is in the view of one end, and the other end does not take routed frames yet";
    }
    if (ends.some(({ coming }) => coming.length > COMING_MAX)) return "a queue grows";
  }
  return situation.waits > WAITS_MAX ? "it does not come to rest" : undefined;
}

/** Nothing will happen any more but heart-beats, and dials that stay refused. */
export function isAtRest(world: World, situation: Situation): boolean {
  if (!isQuiet(world, situation)) return false;
  const busy = situation.locals.some((local) => world.locals.facts(local).busy !== undefined);
  return !busy && patientOnes(world, situation).length === 0;
}

/** What is wrong with a situation that is at rest. */
export function wrongAtRest(world: World, situation: Situation): string | undefined {
  const { locals, looks, addresses } = world;
  if ((situation.said & ~situation.answered) !== 0) return "an operator's merge has no answer";
  const facts = situation.locals.map((local) => locals.facts(local));
  const { component, edges } = connected(world, situation);
  for (const { ends } of situation.connections) {
    const full = ends.map(({ server, number }) => facts[server]!.full[number]);
    if (full.includes(undefined)) return "a connection is open, and no link";
  }
  for (const [at, word] of world.config.operators.entries()) {
    if ((situation.parted & (1 << at)) === 0 || !("unmerge" in word)) continue;
    const peer = addresses.indexOf(word.unmerge);
    if (facts[addresses.indexOf(word.at)]!.full.some((link) => link?.peer === peer)) {
      return "a link is up that an operator has ended";
    }
  }
  for (let at = 0; at < facts.length; at++) {
    const { members, view, wishes } = facts[at]!;
    const here = addresses.flatMap((_, other) =>
      component[other] === component[at] ? [other] : [],
    );
    if (new Set(here.map((one) => looks[one])).size < here.length) {
      return "two namesakes are connected";
    }
    if (members.join() !== here.join()) {
      return `${addresses[at]} sees ${members.join()}, connected is ${here.join()}`;
    }
    const real = edges.filter((edge) => here.includes(Number(edge[0]))).join();
    if (facts[at]!.edges.join() !== real) {
      return `${addresses[at]} sees the links ${facts[at]!.edges.join()}, there are ${real}`;
    }
    const other = here.find((one) => facts[one]!.view !== view);
    if (other !== undefined) return `${addresses[at]} and ${addresses[other]} see different links`;
    for (const { peer } of wishes) {
      const up = facts[at]!.full.some((link) => link?.peer === peer);
      if (!up && !inConflict(world, situation, { from: at, to: peer, component })) {
        return `${addresses[at]} wants a link to ${addresses[peer]}, which is not up`;
      }
    }
  }
  return undefined;
}

/** Servers with a refused wish that nothing stands against any more: they dial again in a while. */
export function patientOnes(world: World, situation: Situation): number[] {
  const found: number[] = [];
  situation.locals.forEach((local, from) => {
    for (const { peer, refused, due } of world.locals.facts(local).wishes) {
      if (!refused || !Number.isFinite(due) || found.includes(from)) continue;
      const { component } = connected(world, situation);
      if (!inConflict(world, situation, { from, to: peer, component })) found.push(from);
    }
  });
  return found;
}

/**
 * What is wrong with undoing a link of this birth: of two merges that can't both be, the older one
 * stays. So some namesake is reached from this end over older links only.
 */
export function wrongToUndo(
  { locals, looks }: World,
  {
    local,
    server,
    birth,
  }: { readonly local: number; readonly server: number; readonly birth: number },
): string | undefined {
  const reached = new Set([server]);
  const older = locals.facts(local).tree.map((edge) => edge.split(/[-:]/).map(Number));
  for (let found = true; found;) {
    found = false;
    for (const [a = 0, b = 0, other = 0] of older) {
      if (other > birth || reached.has(a) === reached.has(b)) continue;
      reached.add(a).add(b);
      found = true;
    }
  }
  const hasNamesake = (one: number) => looks.filter((look) => look === looks[one]).length > 1;
  return [...reached].some(hasNamesake)
    ? undefined
    : `a link of birth ${birth} gave way to a newer one`;
}

/** Names stand against a link, which is to be wanted at rest. */
export function mustBeRefused(world: World, rest: Situation, from: number, to: number): boolean {
  return inConflict(world, rest, { from, to, component: connected(world, rest).component });
}

// --- internal ---

/** Which servers are really connected over links that are full at both ends, and by which edges. */
function connected({ locals }: World, situation: Situation) {
  const component = situation.locals.map((_, at) => at);
  const edges: string[] = [];
  for (const { ends } of situation.connections) {
    const [a, b] = ends.map(({ server, number }) =>
      number === GONE ? undefined : locals.facts(situation.locals[server]!).full[number],
    );
    if (a === undefined || b === undefined) continue;
    const [from, to] = [component[a.peer], component[b.peer]];
    component.forEach((one, at) => {
      if (one === from) component[at] = to ?? one;
    });
    edges.push(`${[a.peer, b.peer].toSorted((x, y) => x - y).join("-")}:${a.birth}`);
  }
  return { component, edges: edges.toSorted() };
}

/** A name would be there twice, or belongs to another server. */
function inConflict(
  { locals, looks }: World,
  situation: Situation,
  link: { readonly from: number; readonly to: number; readonly component: readonly number[] },
): boolean {
  const { from, to, component } = link;
  const sideOf = (server: number) =>
    looks.flatMap((_, at) => (component[at] === component[server] ? [at] : []));
  const [ours, theirs] = [sideOf(from), sideOf(to)];
  const both = new Set([...ours, ...theirs]);
  if (new Set([...both].map((one) => looks[one])).size < both.size) return true;
  const pinned = (server: number, side: readonly number[]) => {
    const { pins } = locals.facts(situation.locals[server]!);
    return side.some((one) => (pins.get(looks[one]!) ?? one) !== one);
  };
  return pinned(from, theirs) || pinned(to, ours);
}
