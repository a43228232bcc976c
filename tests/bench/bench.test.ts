// The benchmark itself: its generator against a real server; that one message is noticed that was
// lost, doubled, swapped or altered; and what it prints. Speed is not asserted: machines are slow.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generate } from "./generator.ts";
import type { Answer } from "./load/job.ts";
import { peers } from "./peers.ts";
import { relays } from "./relays.ts";
import { faultOf, Results } from "./results.ts";
import type { Row } from "./results.ts";
import type { Scenario } from "./scenarios.ts";
import type { Running } from "./subjects.ts";
import { ours } from "./subjects.ts";
import { tableOf } from "./table.ts";
import { Tampered } from "./tampered.ts";

const folder = mkdtempSync(join(tmpdir(), "chatfusion-bench-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const NOT_PINNED = { server: [], generator: [] };
const PACE = { rampMs: 20, measureMs: 60, drainMs: 3000, idleMs: 20, fileBytes: 4e6 };
const PEOPLE = { kind: "rooms", groups: 2, members: 5, talkers: 3, textBytes: 100 } as const;
const ROOM: Scenario["load"] = { ...PEOPLE, window: 4 };
const PAIRS: Scenario["load"] = { ...ROOM, kind: "pairs", members: 2, talkers: 1 };

async function withServers(
  name: "bare" | "default",
  servers: 1 | 2,
  run: (play: (load: Scenario["load"]) => ReturnType<typeof generate>, r: Running) => Promise<void>,
): Promise<void> {
  const subject = ours(name, folder, NOT_PINNED);
  const running = await subject.start(servers);
  try {
    const play = (load: Scenario["load"]) =>
      generate({ servers, load }, subject, running, PACE, NOT_PINNED);
    await run(play, running);
  } finally {
    await running.stop();
  }
}

test(
  "rooms, pairs, a pace and idle people are played without a fault",
  () =>
    withServers("default", 1, async (play) => {
      for (const load of [ROOM, PAIRS, { ...PEOPLE, perSecond: 200 }, { ...ROOM, stalled: 1 }]) {
        const answer = await play(load);
        const { kind, ...rest } = answer;
        expect(kind, JSON.stringify(rest)).toBe("talked");
        const row = rowOf(answer);
        expect(row && faultOf(row)).toBeUndefined();
        expect(row?.values["deliveriesPerSecond"]?.median).toBeGreaterThan(0);
        expect(row?.values["cpuUsPerDelivery"]?.median).toBeGreaterThan(0);
      }
      expect(await play({ kind: "idle", clients: 20 })).toMatchObject({ kind: "idled" });
    }),
  20_000,
);

test("rooms that share their people and take turns are played without a fault", () =>
  withServers("bare", 1, async (play) => {
    const turns = { messages: 3, onTheirWay: 2 };
    const load = { ...PEOPLE, groups: 5, people: 8, turns, bystanders: 4, countsWrites: true };
    const answer = await play(load);
    const talked = { lost: 0, doubled: 0, misordered: 0, strange: 0 };
    expect(answer).toMatchObject({ kind: "talked", talked });
    const writes = rowOf(answer)?.values["writesPerDelivery"]?.median;
    if (Bun.which("ss") === null) expect(writes).toBeUndefined();
    else {
      expect(writes).toBeGreaterThan(0);
      expect(writes).toBeLessThan(2);
    }
  }));

test(
  "a file passes whole, with lines beside it, and to one who does not read for a while",
  () =>
    withServers("default", 1, async (play) => {
      const load = { kind: "file", creditBytes: 262_144 } as const;
      const other = { linesPerSecond: 500 };
      for (const answer of [
        await play({ ...load, ...other }),
        await play({ ...load, creditBytes: 1_000_000, stallMs: 100 }),
      ]) {
        expect(answer.kind, JSON.stringify(answer)).toBe("filed");
        const row = rowOf(answer);
        expect(row && faultOf(row)).toBeUndefined();
        expect(row?.values["cpuSecondsPerGb"]?.median).toBeGreaterThan(0);
        expect(row?.values["mbPerSecond"]?.median).toBeGreaterThan(0);
      }
    }),
  20_000,
);

test("relays of bytes, and scp, are played as far as they are installed", async () => {
  const { found, missing } = relays(folder, NOT_PINNED);
  expect(found.length + missing.length).toBe(3);
  for (const subject of found) {
    if (subject.copy !== undefined) continue; // sshd may not be allowed to run here
    const running = await subject.start(1);
    const load = { kind: "file", creditBytes: 262_144 } as const;
    const answer = await generate({ servers: 1, load }, subject, running, PACE, NOT_PINNED);
    await running.stop();
    const faults = { strange: 0, bytes: 3e6 };
    expect(answer, subject.name).toMatchObject({ kind: "filed", filed: faults });
  }
}, 20_000);

test("two merged servers are played without a fault", () =>
  withServers("bare", 2, async (play) => {
    for (const load of [ROOM, PAIRS, { ...ROOM, spread: "turns" as const }]) {
      const talked = { lost: 0, doubled: 0, misordered: 0, strange: 0 };
      expect(await play(load)).toMatchObject({ kind: "talked", talked });
    }
  }));

test(
  "a server that loses, doubles, swaps or alters a message is noticed",
  () =>
    withServers("bare", 1, async (_, { targets, stop }) => {
      const server = targets[0]!;
      const bare = ours("bare", folder, NOT_PINNED);
      const scenario = { servers: 1 as const, load: { ...ROOM, groups: 1, talkers: 1, window: 2 } };
      for (const [what, fault] of [
        ["loses", "lost"],
        ["doubles", "doubled"],
        ["swaps", "misordered"],
        ["alters", "strange"],
      ] as const) {
        const tampered = new Tampered(server.port, what);
        const between = { targets: [{ ...server, port: tampered.port }], stop };
        const pace = { ...PACE, measureMs: 200, drainMs: 300 };
        const answer = await generate(scenario, bare, between, pace, NOT_PINNED);
        tampered.close();
        const row = rowOf(answer);
        expect(row?.[fault], `${what}: ${JSON.stringify(answer)}`).toBeGreaterThan(0);
        expect(row && faultOf(row)).toContain(fault);
      }
    }),
  20_000,
);

/** What is told of one run. */
function rowOf(answer: Answer): Row | undefined {
  const results = new Results();
  results.add("bare", answer);
  return results.rows([], [{ name: "bare" }])[0];
}

const TALKED = {
  lost: 0,
  doubled: 0,
  misordered: 0,
  strange: 0,
  unacknowledged: 0,
  deliveries: 1000,
  seconds: 1,
  cpuSeconds: 0.002,
  kernelSeconds: 0.001,
  p50Ms: 1,
  p99Ms: 5,
  peakBytes: 50e6,
  generatorShare: 0.5,
} as const;

const BOTH = [{ name: "bare" }, { name: "peer" }];

function threeRuns(): Results {
  const made = new Results();
  for (const cpuSeconds of [0.002, 0.004, 0.003]) {
    made.add("bare", { kind: "talked", talked: { ...TALKED, cpuSeconds } });
    made.add("peer", { kind: "talked", talked: { ...TALKED, cpuSeconds: cpuSeconds * 2 } });
  }
  return made;
}

test("a row has medians, spread, and ratios within repetitions", () => {
  const [bare, peer] = threeRuns().rows(["peer"], BOTH);
  const { median = 0, min = 0, max = 0 } = bare?.values["cpuUsPerDelivery"] ?? {};
  expect([median, min, max].map(Math.round)).toEqual([3, 2, 4]);
  expect(bare?.ratios["peer"]).toBeCloseTo(2);
  expect(peer?.ratios["peer"]).toBeCloseTo(1);
});

test("a table is well-formed: the same columns in each line", () => {
  const lines = tableOf(threeRuns().rows(["peer"], BOTH), ["peer"]).split("\n");
  expect(lines).toHaveLength(4);
  expect(lines[0]).toContain("CPU a delivery, µs");
  expect(lines[0]).toContain("to peer");
  expect(lines[2]).toMatch(/^\| bare \| +3 \| +3\.00 \(2\.00–4\.00\) \| +2\.00 × \|/);
  const columns = lines.map((line) => line.split("|").length);
  expect(new Set(columns).size).toBe(1);
});

/** Runs the command line. */
async function bench(...words: readonly string[]) {
  const main = join(import.meta.dir, "main.ts");
  const child = Bun.spawn([process.execPath, main, ...words], { stdout: "pipe", stderr: "pipe" });
  const [out, errors] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { code: await child.exited, out, errors };
}

test("a peer that is not installed is skipped with one line", () => {
  const { found, missing } = peers(folder, NOT_PINNED, () => undefined);
  expect(found).toEqual([]);
  expect(missing).toEqual([
    "inspircd: skipped, not installed (Debian: apt install inspircd)",
    "ngircd: skipped, not installed (Debian: apt install ngircd)",
    "nats-server: skipped, not installed (Debian: apt install nats-server)",
  ]);
});

test("a relay that is not installed is skipped with one line", () => {
  const { found, missing } = relays(folder, NOT_PINNED, () => undefined);
  expect(found).toEqual([]);
  expect(missing).toEqual([
    "socat: skipped, not installed (Debian: apt install socat)",
    "nc pipe: skipped, not installed (Debian: apt install netcat-openbsd)",
    "scp: skipped, not installed (Debian: apt install openssh-client openssh-server)",
  ]);
});

test("a wrong word is refused in one line that says what there is", async () => {
  for (const [words, ...expected] of [
    [["--only", "nothing"], "--only", "fan-100", "got nothing"],
    [["--repetitions", "0"], "--repetitions: expected an integer from 1 to 100, got 0"],
    [["--shrot"], "--shrot", "expected --only, --subject, --repetitions, --short, --json"],
    [["--subject", "nobody"], "--subject", "expected one of bare, default, irc", "got nobody"],
    [["fan-100"], "fan-100", "expected --only"],
  ] as const) {
    const { code, out, errors } = await bench(...words);
    expect({ words, code, out, lines: errors.trim().split("\n").length }).toEqual({
      words,
      code: 2,
      out: "",
      lines: 1,
    });
    for (const part of expected) expect(errors).toContain(part);
  }
}, 20_000);

test("--json prints one object, and people's words elsewhere", async () => {
  const words = ["--short", "--json", "--repetitions", "1", "--only", "start"];
  const { code, out, errors } = await bench(...words);
  expect({ code, errors }).toMatchObject({ code: 0 });
  const told = JSON.parse(out) as Record<string, unknown>;
  expect(told).toMatchObject({
    machine: { bun: Bun.version },
    results: [{ scenario: "start", rows: [{ subject: "serve" }, { subject: "--help" }] }],
  });
  expect(errors).toContain("start: from the start of a process");
}, 20_000);
