// A share of the simulation that every `bun test` has time for; CI plays as many seeds as fit into
// two minutes (`bun run sim --seconds 110`), and `bun run sim --seeds 10000` is what counts.

import { describe, expect, test } from "bun:test";
import { History } from "./history.ts";

const SEEDS = Array.from({ length: 20 }, (_, at) => at + 1);

/** Seeds that once failed, with what they had found. */
const REGRESSIONS: readonly (readonly [seed: number, found: string])[] = [
  [155, "an unmerge that a full disk had not taken was forgotten at the next start"],
  [166, "likewise"],
  [392, "likewise, with pins"],
  [504, "a life that was shown again lost the numbers of its channel, and nothing came any more"],
  [567, "of two namesakes in one storm the one that had to go was pinned"],
  [
    500629,
    "what is set was passed on to a server that was dead already, and one never heard of it",
  ],
  [601311, "likewise"],
  [1876, "what was given up of a stream of which nothing was held yet was judged to be owed"],
  [5661, "a line about a link undone before rest came after it, and was taken for another one"],
  [901363, "with an open topic, those there when a room became invite-only were uninvited at once"],
  [931546, "what another one had, behind a slow line, was given up by the answers of the others"],
  [941272, "likewise, by two answers each of the same ones"],
];

describe("after random histories of faults all is as it should be:", () => {
  test.each(SEEDS)("seed %d", (seed) => {
    const { faults, servers } = new History(seed).play();
    expect(faults).toBeGreaterThanOrEqual(50);
    expect(servers).toBeGreaterThanOrEqual(3);
  });

  test("seed 21, with real signatures", () => {
    expect(new History(21, { crypto: "real" }).play().faults).toBeGreaterThanOrEqual(50);
  });

  test.each(REGRESSIONS)("seed %d: %s", (seed) => {
    new History(seed).play();
  });
});

test("a seed is a history, to the byte", () => {
  const digests = [7, 7, 8].map((seed) => new History(seed).play().digest);
  expect(digests[1]).toBe(digests[0]);
  expect(digests[2]).not.toBe(digests[0]);
});
