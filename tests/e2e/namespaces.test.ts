// Three servers in a line, real processes, each in a network namespace of its own, whose people
// talk and tell each other things, while an interface is down or a cable swallows what it carries:
// no FIN, no RST. Nothing that was acknowledged is lost, shown twice or out of its sender's order,
// and every private message ends. `DOWN` says for how many seconds; a split is seen after 30 to 40.
//
//   DOWN=5 bun test tests/e2e/namespaces.test.ts            (`bun run namespaces`: 45)

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { createRandom } from "../../src/testing/random.ts";
import { type Cable, Laboratory, whyNoLaboratory } from "./cables.ts";
import { printFigure } from "./figures.ts";
import { type Line, type ServerProgram, Stage } from "./servers.ts";
import { checkWitnesses, Witness } from "./witness.ts";

const DOWN = Number(process.env["DOWN"] ?? 5);
/** After so many seconds of silence every link is given up. */
const SILENCE = ((LIMITS.heartbeatMissedMax + 1) * LIMITS.heartbeatMs) / 1000;
/** Lines of one person that are heard before and after the outage: about two seconds. */
const LINES = 30;
/** Also for private messages that nobody answers. */
const TEST_MS = 180_000 + DOWN * 1000;

let stage: Stage;
let laboratory: Laboratory;
const witnesses: Witness[] = [];
beforeEach(() => {
  stage = new Stage();
  laboratory = new Laboratory();
});
afterEach(async () => {
  await Promise.all(witnesses.splice(0).map(({ client }) => client.close()));
  await stage.close();
  laboratory.close();
});

/** Where no namespaces can be made, the tests' names say why they are skipped. */
const reason = whyNoLaboratory();
const title = reason === undefined ? "a cable" : `a cable (${reason})`;
const FAULTS: Readonly<Record<string, (cable: Cable) => void>> = {
  "whose interface is down": (cable) => cable.down(),
  "that swallows all": (cable) => cable.swallow("first", "second"),
  "that swallows what goes one way": (cable) => cable.swallow("first"),
};

describe.skipIf(reason !== undefined)(title, () => {
  for (const [fault, strike] of Object.entries(FAULTS)) {
    test(
      `${fault} for ${DOWN} s costs nothing that was said`,
      async () => {
        const { servers, cable } = await line();
        const random = createRandom(fault);
        for (const server of servers) witnesses.push(await Witness.enter(server, random));
        for (const one of witnesses) one.start(witnesses);
        const [here, there] = witnesses as [Witness, Witness];
        await there.more(LINES);
        const marks = servers.map(({ heard }) => heard.lines.length);
        strike(cable);
        const struck = performance.now();
        while (performance.now() - struck < DOWN * 1000) await there.more(1);
        // Between the first heart-beat that is missed and the last it may be seen or not.
        if (DOWN >= SILENCE) {
          const split = { event: "split" };
          await Promise.all(servers.map(({ heard }, at) => heard.when(split, marks[at])));
        }
        cable.mend();
        const mended = performance.now();
        here.say("mended");
        await there.hasHeard(["mended"]);
        const heardMs = performance.now() - mended;
        await viewsEqual(servers);
        const equalMs = performance.now() - mended;
        await there.more(LINES);
        await Promise.all(witnesses.map((one) => one.stop()));
        const ends = await checkWitnesses(witnesses);
        const has = ({ heard }: ServerProgram, at: number) =>
          heard.lines.slice(marks[at]).some(({ event }) => event === "split");
        printFigure("R6", [equalMs], {
          cable: fault.replaceAll(" ", "-"),
          down_s: DOWN,
          splits_seen: servers.filter(has).length,
          heard_ms: heardMs.toFixed(1),
          lost: 0,
          dup: 0,
          ...ends,
        });
      },
      TEST_MS,
    );
  }
});

// --- internal ------------------------------------------------------------------------------------

/** Servers a, b, c, merged over cables; the first of them is given. */
async function line() {
  const machines = ["a", "b", "c"].map((name) => laboratory.machine(name));
  const servers: ServerProgram[] = [];
  for (const at of machines) servers.push(await stage.serve(at.name, { at }));
  const cables = [0, 1].map((i) => laboratory.join(machines[i]!, machines[i + 1]!));
  for (const [i, { far }] of cables.entries()) {
    const answer = await servers[i]!.run(`merge ${far}:${servers[i + 1]!.port}`);
    expect(answer).toMatchObject({ ok: true });
  }
  await viewsEqual(servers);
  return { servers, cable: cables[0]! };
}

/** Resolves when every server sees all of them, and the same links. */
async function viewsEqual(servers: readonly ServerProgram[]): Promise<void> {
  for (;;) {
    const maps = await Promise.all(servers.map((one) => one.run("map")));
    const { servers: all } = maps[0] as { readonly servers?: readonly unknown[] };
    if (all?.length === servers.length && new Set(maps.map(sightOf)).size === 1) return;
  }
}

const sightOf = (map: Line): string =>
  (map["links"] as readonly { a: string; b: string; state: string }[])
    .map(({ a, b, state }) => `${[a, b].toSorted().join(" ")} ${state}`)
    .toSorted()
    .join();
