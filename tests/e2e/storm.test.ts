// Merges at the same instant, over real sockets: pairs, rings, and storms of many servers from all
// sides at once, also with names that are there twice. `bun run storm` plays 1,000 rounds of 16.
//
//   ROUNDS=100 SERVERS=8 SEED=storm bun test tests/e2e/storm.test.ts

import { expect, test } from "bun:test";
import { createRandom, type SeededRandom } from "../../src/testing.ts";
import { printFigure } from "./figures.ts";
import { type Outcome, type Plan, play } from "./storm.ts";

const ROUNDS = Number(process.env["ROUNDS"] ?? 100);
const SERVERS = Number(process.env["SERVERS"] ?? 8);
const SEED = process.env["SEED"] ?? "storm";
/** For a machine that is slow. */
const TEST_MS = 60_000 + ROUNDS * SERVERS * 1000;
const LETTERS = ["a", "b", "c"];

test(
  "A and B who call each other at the same instant are one fusion with one link",
  async () => {
    const merges = [
      [0, 1],
      [1, 0],
    ] as const;
    const names = LETTERS.slice(0, 2);
    await playAll("pair", ROUNDS, (title) => ({ title, names, merges, atOnce: 2 }));
  },
  TEST_MS,
);

test(
  "A who calls B, B who calls C, and C who calls A at the same instant have one standby link",
  async () => {
    const merges = [
      [0, 1],
      [1, 2],
      [2, 0],
    ] as const;
    await playAll("ring", ROUNDS, (title) => ({ title, names: LETTERS, merges, atOnce: 3 }));
  },
  TEST_MS,
);

test(
  "servers that merge at random from all sides at once are one fusion",
  () => playAll("storm", ROUNDS, (title) => randomPlan(title, 0)),
  TEST_MS,
);

test(
  "with two names there twice, the youngest link between them gives way, and its ends read why",
  async () => {
    const rounds = Math.ceil(ROUNDS / 4);
    const outcomes = await playAll("conflict", rounds, (title) => randomPlan(title, 2));
    expect(outcomes.some(({ undone }) => undone > 0)).toBe(true);
    expect(outcomes.some(({ refused }) => refused > 0)).toBe(true);
  },
  TEST_MS,
);

// --- internal ------------------------------------------------------------------------------------

async function playAll(
  kind: string,
  rounds: number,
  plan: (title: string) => Plan,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  let servers = 0;
  for (let round = 1; round <= rounds; round++) {
    const planned = plan(`SEED=${SEED} ${kind} ${round}`);
    servers = planned.names.length;
    outcomes.push(await play(planned));
  }
  const sum = (key: keyof Outcome) => outcomes.reduce((all, outcome) => all + outcome[key], 0);
  const ms = outcomes.map((outcome) => outcome.ms);
  const [undone, inPassing, refused] = [sum("undone"), sum("inPassing"), sum("refused")];
  const counted = { kind, rounds, servers, seed: SEED, fusions: sum("fusions") };
  printFigure("R13", ms, { ...counted, undone, in_passing: inPassing, refused });
  return outcomes;
}

/** Merges of anybody with anybody, some of them twice or from both sides, until all are joined. */
function randomPlan(title: string, namesTwice: number): Plan {
  const random = createRandom(title);
  const names = Array.from({ length: SERVERS }, (_, at) => nameOf(at, namesTwice));
  const merges: (readonly [number, number])[] = [];
  let sides = names.map((_, at) => at);
  while (new Set(sides).size > 1) {
    const [from, to] = pair(random);
    merges.push([from, to]);
    sides = sides.map((side) => (side === sides[from] ? sides[to]! : side));
  }
  const atOnce = random.chance(0.5) ? merges.length : Math.ceil(merges.length / 2);
  return { title, names, merges, atOnce };
}

/** The first servers have the names of the last ones. */
const nameOf = (at: number, namesTwice: number): string =>
  `s${at < namesTwice ? SERVERS - 1 - at : at}`;

function pair(random: SeededRandom): readonly [number, number] {
  const from = random.below(SERVERS);
  return [from, (from + 1 + random.below(SERVERS - 1)) % SERVERS];
}
