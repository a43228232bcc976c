// The curves of growth: their pure parts, the smallest size of each for real, and the command line.
// What is measured is not asserted: machines are slow.

import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Collected, counted, tableOf } from "./curve.ts";
import { CURVES } from "./curves.ts";
import type { CurveName } from "./curves.ts";
import { randomTree, SHAPES } from "./graphs.ts";
import { costOfMessage, shares } from "./law.ts";

const folder = mkdtempSync(join(tmpdir(), "chatfusion-growth-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PACE = { rampMs: 20, measureMs: 60, drainMs: 3000, idleMs: 20, fileBytes: 4e6 };

test("each shape of so many servers is one tree", () => {
  for (const shape of [SHAPES.line, SHAPES.star, randomTree]) {
    for (const count of [1, 2, 3, 16, 100]) {
      const wires = shape(count);
      expect(wires).toHaveLength(count - 1);
      const joined = new Set([0]);
      // Each wire leads from one that is there to a new one.
      for (const [a, b] of wires) {
        expect([joined.has(a), joined.has(b)]).toEqual([true, false]);
        joined.add(b);
      }
      expect(joined.size).toBe(count);
    }
  }
  expect(randomTree(50)).toEqual(randomTree(50));
});

const load = (messages: number, writes: number) => ({
  messages,
  writes,
  cost: 30 * messages + 5 * writes + 0.2,
});

test("what a message, a write and a delivery cost is found again in what loads cost", () => {
  const pairs = [10, 100, 1000].map(
    (members) => [load(1 / members, 0.02), load(1 / members, 1)] as const,
  );
  const a = costOfMessage(pairs.flat());
  expect(a).toBeCloseTo(30, 3);
  for (const pair of pairs) {
    const { write = 0, delivery = 0 } = shares(pair, a) ?? {};
    expect([write, delivery].map((cost) => Number(cost.toFixed(3)))).toEqual([5, 0.2]);
  }
});

test("loads that do not differ say nothing of what a message or a write costs", () => {
  expect(costOfMessage([load(0.1, 0.02), load(0.1, 1)])).toBe(0);
  expect(costOfMessage([])).toBe(0);
  expect(shares([load(0.1, 1), load(0.1, 0.9)], 0)).toBeUndefined();
});

test("a table has a column for each step that any series has, in order", () => {
  const collected = new Collected();
  collected.add("one", 1000, { median: 2, min: 1, max: 3 });
  collected.add("other", 10, counted(10, 7));
  collected.add("one", 10, counted(10, 5));
  const lines = tableOf("rooms", collected.series).split("\n");
  const cells = lines.map((line) => line.split("|").map((cell) => cell.trim()));
  expect(cells.map((row) => row.slice(1, -1)).toSpliced(1, 1)).toEqual([
    ["rooms", "10", "1,000"],
    ["one", "5.00", "2.00 (1.00–3.00)"],
    ["other", "7.00", ""],
  ]);
});

/** A longer one would not fit beside the field of the picture. */
const NAME_LENGTH_MAX = 12;
/** Smaller than the first step, where that takes more than a moment. */
const SMALLEST: Partial<Record<CurveName, number>> = { idle: 20, people: 100 };

test.each(Object.keys(CURVES) as CurveName[])(
  "the smallest size of %s is measured without a fault",
  async (name) => {
    const { steps, run } = CURVES[name];
    const step = SMALLEST[name] ?? steps[0]!;
    const cores = { server: [], generator: [] };
    const told: string[] = [];
    const tell = (line: string) => void told.push(line);
    const how = { folder, cores, pace: PACE, repetitions: 1, steps: [step], tell };
    const { drawn, beside, faults } = await run(how);
    expect([faults, told]).toEqual([[], []]);
    expect(drawn.length).toBeGreaterThan(0);
    for (const { name: of, points } of drawn) {
      expect({ of, x: points.map(({ x }) => x) }).toEqual({ of, x: [step] });
      expect(points[0]?.median).toBeGreaterThan(0);
      expect(of.length).toBeLessThanOrEqual(NAME_LENGTH_MAX);
    }
    for (const { name: of, points } of beside) {
      expect({ of, isNumber: Number.isFinite(points[0]?.median) }).toEqual({ of, isNumber: true });
    }
  },
  40_000,
);

/** Runs the command line. */
async function growth(...words: readonly string[]) {
  const main = join(import.meta.dir, "growth.ts");
  const child = Bun.spawn([process.execPath, main, ...words], { stdout: "pipe", stderr: "pipe" });
  const [out, errors] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { code: await child.exited, out, errors };
}

test("a wrong word is refused in one line that says what there is", async () => {
  for (const [words, ...expected] of [
    [["--only", "nothing"], "--only: expected one of members, rooms", "got nothing"],
    [["--repetitions", "0"], "--repetitions: expected an integer from 1 to 100, got 0"],
    [["--to", join(folder, "none")], "--to: expected a folder that is there", "none"],
    [["--shrot"], "--shrot", "expected --only, --to, --repetitions, --short, --json"],
    [["rooms"], "rooms", "expected --only"],
  ] as const) {
    const { code, out, errors } = await growth(...words);
    const lines = errors.trim().split("\n").length;
    expect({ words, code, out, lines }).toEqual({ words, code: 2, out: "", lines: 1 });
    for (const part of expected) expect(errors).toContain(part);
  }
}, 20_000);

test("--short --json prints one object, and draws where it is told to", async () => {
  const to = join(folder, "pictures");
  mkdirSync(to);
  const words = ["--short", "--json", "--only", "simulated", "--to", to];
  const { code, out, errors } = await growth(...words);
  expect({ code, errors }).toMatchObject({ code: 0 });
  expect(JSON.parse(out)).toMatchObject({
    machine: { bun: Bun.version },
    curves: [{ curve: "simulated", faults: [], drawn: [{ name: "line" }, {}, {}] }],
  });
  expect(errors).toContain("servers, each with one member of the room");
  expect(readdirSync(to)).toEqual(["growth-simulated.svg"]);
}, 20_000);
