// Five servers in a ring with a spare link, real processes, whose people talk and tell each other
// things, while a wire is cut or held or a process killed all the time (R6): nothing that was
// acknowledged is lost, shown twice or out of its sender's order, and every private message ends.
//
//   FAULTS=5 MISSED=1000 bun test tests/e2e/partition.test.ts   (`bun run partition`: 300, 10,000)

import { afterEach, beforeEach, expect, test } from "bun:test";
import { createRandom } from "../../src/testing/random.ts";
import { printFigure } from "./figures.ts";
import { type Relay, relayTo } from "./relay.ts";
import { type Line, type ServerProgram, Stage } from "./servers.ts";
import { checkWitnesses, Witness } from "./witness.ts";

const FAULTS = Number(process.env["FAULTS"] ?? 5);
const MISSED = Number(process.env["MISSED"] ?? 1000);
const SEED = Number(process.env["SEED"] ?? 1);
/** The ring, and a spare link across it. */
const EDGES = ["ab", "bc", "cd", "de", "ea", "ac"];
/** The wires are mended and the views compared after so many faults. */
const FAULTS_A_ROUND = 5;
/** Lines that somebody else hears between two faults: about a second of the others' talk. */
const LINES_A_FAULT = 40;
const SLOW_MS_MAX = 200;
/** At most so many are said before the first of them is answered. */
const SAID_AT_ONCE = 500;
const TEST_MS = 120_000 + FAULTS * 10_000;

let stage: Stage;
const relays = new Map<string, Relay>();
const witnesses: Witness[] = [];
beforeEach(() => {
  stage = new Stage();
});
afterEach(async () => {
  for (const relay of relays.values()) relay.stop();
  relays.clear();
  await Promise.all(witnesses.splice(0).map(({ client }) => client.close()));
  await stage.close();
});

test(
  "five servers in a ring lose nothing while links are cut and processes killed",
  async () => {
    const random = createRandom(`partition ${SEED}`);
    const servers = new Map<string, ServerProgram>();
    for (const name of ["a", "b", "c", "d", "e"]) servers.set(name, await stage.serve(name));
    await Promise.all(EDGES.map((edge) => mergeOver(servers, edge)));
    await whole(servers);
    for (const server of servers.values()) witnesses.push(await Witness.enter(server, random));
    for (const one of witnesses) one.start(witnesses);
    const equalMs: number[] = [];
    for (let fault = 0; fault < FAULTS; fault++) {
      const listener = random.pick(witnesses);
      await listener.more(LINES_A_FAULT);
      if (random.chance(0.3)) await killAndRestart(servers, random.pick([...servers.keys()]));
      else {
        const relay = relays.get(random.pick(EDGES))!;
        const disturb = [
          () => relay.cut(),
          () => relay.hold(),
          () => relay.slow(random.below(SLOW_MS_MAX)),
        ];
        random.pick(disturb)();
      }
      if (fault % FAULTS_A_ROUND < FAULTS_A_ROUND - 1) continue;
      for (const relay of relays.values()) {
        relay.slow(0);
        relay.open();
      }
      const began = performance.now();
      await viewsEqual(servers);
      equalMs.push(performance.now() - began);
    }
    await Promise.all(witnesses.map((one) => one.stop()));
    const ends = await checkWitnesses(witnesses);
    printFigure("R6", equalMs, { faults: FAULTS, seed: SEED, lost: 0, dup: 0, ...ends });
  },
  TEST_MS,
);

test(
  "what was said while a wire was cut is back-filled, once and in its order",
  async () => {
    const servers = new Map<string, ServerProgram>();
    for (const name of ["a", "b"]) servers.set(name, await stage.serve(name));
    await mergeOver(servers, "ab");
    const random = createRandom("missed");
    for (const server of servers.values()) witnesses.push(await Witness.enter(server, random));
    const [speaker, listener] = witnesses as [Witness, Witness];
    speaker.say("a 1");
    await listener.hasHeard(["a 1"]);
    const relay = relays.get("ab")!;
    const marks = [...servers.values()].map(({ heard }) => heard.lines.length);
    relay.cut();
    await Promise.all(
      [...servers.values()].map((one, at) => one.when({ event: "split" }, marks[at])),
    );
    for (let said = 2; said <= MISSED + 1;) {
      for (let i = 0; i < SAID_AT_ONCE && said <= MISSED + 1; i++) speaker.say(`a ${said++}`);
      await speaker.stop();
    }
    const mark = servers.get("b")!.heard.lines.length;
    relay.open();
    await servers.get("b")!.when({ event: "merged" }, mark);
    const began = performance.now();
    await listener.hasHeard(speaker.acked);
    printFigure("R6", [performance.now() - began], { backfilled: MISSED });
    await checkWitnesses(witnesses);
    expect(speaker.acked).toHaveLength(MISSED + 1);
  },
  TEST_MS,
);

// --- internal ------------------------------------------------------------------------------------

/** Merges two servers, "ab" for a with b, over a relay of that name. */
async function mergeOver(servers: ReadonlyMap<string, ServerProgram>, edge: string): Promise<void> {
  const [from, to] = edge.split("").map((name) => servers.get(name)!) as [
    ServerProgram,
    ServerProgram,
  ];
  const relay = relayTo(to.port);
  relays.set(edge, relay);
  const answer = await from.run(`merge 127.0.0.1:${relay.port}`);
  expect(answer).toMatchObject({ ok: true });
}

async function killAndRestart(servers: Map<string, ServerProgram>, name: string): Promise<void> {
  const victim = servers.get(name)!;
  victim.signal("SIGKILL");
  await victim.exited();
  for (const one of witnesses) if (one.server === name) one.kills.push(performance.now());
  servers.set(name, await stage.serve(name, { port: victim.port }));
}

/** Resolves when every server sees every other one, and the same links. */
async function viewsEqual(servers: ReadonlyMap<string, ServerProgram>): Promise<void> {
  for (;;) {
    const maps = await Promise.all([...servers.values()].map((one) => one.run("map")));
    const seen = maps.map(sightOf);
    const { servers: all } = maps[0] as { readonly servers?: readonly unknown[] };
    if (all?.length === servers.size && new Set(seen).size === 1) return;
  }
}

/** Likewise, with all the links that were ever made. */
async function whole(servers: ReadonlyMap<string, ServerProgram>): Promise<void> {
  for (;;) {
    await viewsEqual(servers);
    const map = await servers.get("a")!.run("map");
    if ((map["links"] as readonly unknown[]).length === EDGES.length) return;
  }
}

const sightOf = (map: Line): string =>
  (map["links"] as readonly { a: string; b: string; state: string }[])
    .map(({ a, b, state }) => `${[a, b].toSorted().join(" ")} ${state}`)
    .toSorted()
    .join();
