// Goes through all situations of a configuration. Breadth first, so that a violation comes with a
// shortest way to it; where there are too many, in dives: from some open situation at random down
// to rest, again and again, so that the whole length of histories is met. A configuration that was
// searched completely must also be live: from everywhere there is a way to rest.

import { follow, movesOf } from "./moves.ts";
import { isAtRest, wrongAtRest, wrongIn } from "./rest.ts";
import { decode, encode } from "./situation.ts";
import { States } from "./states.ts";
import { firstOf } from "./world.ts";
import type { World } from "./world.ts";

export interface Found {
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  readonly rests: number;
  /** Everything was met. */
  readonly complete: boolean;
  /** States of single servers, and how often the real code was run. */
  readonly locals: number;
  readonly executed: number;
  readonly violation: { readonly what: string; readonly way: readonly number[] } | undefined;
}

export interface How {
  readonly statesMax: number;
  readonly dive: boolean;
  readonly seed: number;
  /** Every so many states of single servers are reached again in fresh objects, and compared. */
  readonly checkEvery: number;
}

export function search(world: World, how: How): Found {
  const one = new Search(world, how);
  one.run();
  return one.found;
}

// --- internal ---

class Search {
  readonly #world: World;
  readonly #how: How;
  readonly #states = new States();
  readonly #edges = new Edges();
  readonly #rests: number[] = [];
  #transitions = 0;
  #depth = 0;
  #violation: Found["violation"];
  #complete = false;
  #chance: number;

  constructor(world: World, how: How) {
    this.#world = world;
    this.#how = how;
    this.#chance = how.seed;
  }

  get found(): Found {
    const { count, executed } = this.#world.locals;
    return {
      states: this.#states.count,
      transitions: this.#transitions,
      depth: this.#depth,
      rests: this.#rests.length,
      complete: this.#complete,
      locals: count,
      executed,
      violation: this.#violation,
    };
  }

  run(): void {
    const { locals } = this.#world;
    this.#states.add(encode(firstOf(this.#world)), -1, 0);
    if (this.#how.dive) this.#dive();
    else {
      for (let at = 0; at < this.#states.count && this.#goesOn(); at++) this.#expand(at);
    }
    if (this.#violation !== undefined) return;
    this.#complete = this.#goesOn();
    if (this.#complete) this.#checkLive();
    for (let local = 0; local < locals.count; local += this.#how.checkEvery) {
      if (!locals.reproduces(local)) throw new Error(`the state ${local} is not reproduced`);
    }
  }

  // --- internal ---

  #goesOn(): boolean {
    return this.#violation === undefined && this.#states.count < this.#how.statesMax;
  }

  #dive(): void {
    const open = [0];
    while (open.length > 0 && this.#goesOn()) {
      const place = Math.floor(this.#next() * open.length);
      let at = open[place]!;
      open[place] = open.at(-1)!;
      open.pop();
      for (;;) {
        const fresh = this.#expand(at);
        if (fresh.length === 0 || !this.#goesOn()) break;
        at = fresh.splice(Math.floor(this.#next() * fresh.length), 1)[0]!;
        open.push(...fresh);
      }
    }
  }

  /** Follows all moves; returns the new situations. */
  #expand(at: number): number[] {
    const world = this.#world;
    const situation = decode(this.#states.words(at), world.config.servers.length);
    if (isAtRest(world, situation)) {
      this.#rests.push(at);
      const wrong = wrongAtRest(world, situation);
      if (wrong !== undefined) this.#fail(`at rest: ${wrong}`, at);
    }
    const fresh: number[] = [];
    const moves = movesOf(world, situation);
    if (moves.length === 0 && this.#rests.at(-1) !== at) this.#fail("stuck", at);
    for (let move = 0; move < moves.length; move++) {
      const after = follow(world, situation, moves[move]!);
      this.#transitions++;
      if (typeof after === "string") return this.#fail(after, at, move);
      const { at: to, isNew } = this.#states.add(encode(after), at, move);
      this.#edges.add(at, to);
      if (!isNew) continue;
      const wrong = wrongIn(world, after);
      if (wrong !== undefined) return this.#fail(wrong, to);
      this.#depth = Math.max(this.#depth, this.#states.depth(to));
      fresh.push(to);
    }
    return fresh;
  }

  #fail(what: string, at: number, move?: number): number[] {
    const way = this.#states.way(at);
    if (move !== undefined) way.push(move);
    this.#violation ??= { what, way };
    return [];
  }

  #checkLive(): void {
    const stuck = this.#edges.firstWithoutWayTo(this.#rests, this.#states.count);
    if (stuck !== undefined) this.#fail("from here it never comes to rest", stuck);
  }

  /** mulberry32. */
  #next(): number {
    this.#chance = (this.#chance + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#chance ^ (this.#chance >>> 15), 1 | this.#chance);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }
}

/** All transitions, to be walked backwards. */
class Edges {
  #from = new Uint32Array(1 << 16);
  #to = new Uint32Array(1 << 16);
  #count = 0;

  add(from: number, to: number): void {
    if (this.#count === this.#from.length) {
      const wider = (words: Uint32Array<ArrayBuffer>) => {
        const more = new Uint32Array(2 * words.length);
        more.set(words);
        return more;
      };
      this.#from = wider(this.#from);
      this.#to = wider(this.#to);
    }
    this.#from[this.#count] = from;
    this.#to[this.#count++] = to;
  }

  /** The first of `count` from which none of the goals is reached. */
  firstWithoutWayTo(goals: readonly number[], count: number): number | undefined {
    const starts = new Uint32Array(count + 1);
    for (let edge = 0; edge < this.#count; edge++) starts[this.#to[edge]!]!++;
    for (let at = 1; at <= count; at++) starts[at] = starts[at]! + starts[at - 1]!;
    const back = new Uint32Array(this.#count);
    for (let edge = 0; edge < this.#count; edge++) {
      const to = this.#to[edge]!;
      starts[to] = starts[to]! - 1;
      back[starts[to]] = this.#from[edge]!;
    }
    const reached = new Uint8Array(count);
    const open = goals.slice();
    for (const goal of goals) reached[goal] = 1;
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (let edge = starts[at]!; edge < starts[at + 1]!; edge++) {
        const from = back[edge]!;
        if (reached[from] === 1) continue;
        reached[from] = 1;
        open.push(from);
      }
    }
    const missing = reached.indexOf(0);
    return missing < 0 ? undefined : missing;
  }
}
