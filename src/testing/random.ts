// Chance from a seed: sfc32 (Chris Doty-Humphrey, PractRand), seeded through SHA-256 so that
// seeds and names that differ by a bit have nothing in common. Never for secrets.

import { createHash } from "node:crypto";
import type { Random } from "../environment.ts";

/** Chance that can be repeated, with what tests want of it. */
export interface SeededRandom extends Random {
  /** An integer from 0 to below `bound`. */
  below(bound: number): number;
  /** True with a probability. */
  chance(probability: number): boolean;
  /** One of them; there must be one. */
  pick<T>(items: readonly T[]): T;
  /** A new order of them; what is given is left as it is. */
  shuffle<T>(items: readonly T[]): T[];
  /** Chance of its own, so that more use of one does not change the other. */
  fork(name: string): SeededRandom;
}

/** Makes the chance of a seed. */
export function createRandom(seed: string): SeededRandom {
  const next = sfc32(seed);
  const random: SeededRandom = {
    next: () => next() / 2 ** 32,
    bytes(count) {
      const bytes = new Uint8Array(count);
      for (let index = 0; index < count; index += 1) bytes[index] = next() & 0xff;
      return bytes;
    },
    below: (bound) => Math.floor(random.next() * bound),
    chance: (probability) => random.next() < probability,
    pick(items) {
      const index = random.below(items.length);
      if (index >= items.length) throw new RangeError("nothing to pick from");
      // Holds, since index is below the length.
      return items[index] as (typeof items)[number];
    },
    shuffle(items) {
      const keyed = items.map((item) => ({ item, key: random.next() }));
      return keyed.toSorted((a, b) => a.key - b.key).map(({ item }) => item);
    },
    fork: (name) => createRandom(`${seed}/${name}`),
  };
  return random;
}

// --- internal ---

function sfc32(seed: string): () => number {
  const digest = createHash("sha256").update(seed).digest();
  let a = digest.readInt32LE(0);
  let b = digest.readInt32LE(4);
  let c = digest.readInt32LE(8);
  let counter = digest.readInt32LE(12);
  return () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
}
