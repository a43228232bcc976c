// What is held of rooms' states, in few bytes, so that servers can compare it. Who holds something
// else has another digest: with sums of hashes anybody could choose entries that leave it the same.

import type { Crypto } from "../environment.ts";
import type { Held } from "./state-store.ts";

export function createStateDigests(crypto: Pick<Crypto, "sha256">) {
  const ofEntries = new WeakMap<Held, string>();
  const hash = (...texts: readonly string[]): string =>
    crypto
      .sha256(...texts.map((text) => encoder.encode(text)))
      .subarray(0, DIGEST_BYTES)
      .toHex();
  const all = (digests: readonly string[]): string => hash(digests.toSorted().join(""));
  const entry = (one: Held): string => {
    const known = ofEntries.get(one);
    if (known !== undefined) return known;
    const [body, , signature] = one.row;
    const made = hash(body, signature);
    ofEntries.set(one, made);
    return made;
  };
  return {
    /** Of things that have digests, in hex, in whatever order. */
    all,
    /** Of entries. */
    entries: (some: Iterable<Held>): string => all(Array.from(some, entry)),
  };
}

// --- internal -----------------------------------------------------------------------------------

const DIGEST_BYTES = 16;
const encoder = new TextEncoder();
