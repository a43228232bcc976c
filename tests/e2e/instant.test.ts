// Processes that merge with each other at the same instant: their operators type at once. What one
// process can only play (storm.test.ts) is true here: nobody waits for another one's turn.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Program, type ServerProgram, Stage } from "./servers.ts";

const PAIRS = 10;
const RINGS = 5;
/** For a machine that is slow. */
const TEST_MS = 240_000;
const NAMES = ["a", "b", "c"];

const stage = new Stage();
let servers: readonly ServerProgram[] = [];
let chats: readonly Program[] = [];

beforeAll(async () => {
  servers = await Promise.all(NAMES.map((name) => stage.serve(name)));
  chats = await Promise.all(servers.map((server) => stage.chat("ann", server)));
}, TEST_MS);
afterAll(() => stage.close());

test(
  `two processes that call each other are one fusion with one link, ${PAIRS} times`,
  async () => {
    for (let round = 1; round <= PAIRS; round++) {
      await mergeAtOnce([
        [0, 1],
        [1, 0],
      ]);
      expect(await agreed(["a", "b"], 1), `round ${round}`).toEqual(["a-b tree"]);
      await talk(`pair ${round}`, [0, 1]);
      await part([[0, 1]]);
    }
  },
  TEST_MS,
);

test(
  `three processes that call each other in a ring have one standby link, ${RINGS} times`,
  async () => {
    for (let round = 1; round <= RINGS; round++) {
      await mergeAtOnce([
        [0, 1],
        [1, 2],
        [2, 0],
      ]);
      const seen = await agreed(NAMES, 3);
      const spare = seen.filter((link) => link.endsWith(" standby"));
      expect([seen.length, spare.length], `round ${round}: ${seen.join(", ")}`).toEqual([3, 1]);
      await talk(`ring ${round}`, [0, 1, 2]);
      await part([
        [0, 1],
        [1, 2],
        [2, 0],
      ]);
    }
  },
  TEST_MS,
);

// --- internal ------------------------------------------------------------------------------------

type Merges = readonly (readonly [from: number, to: number])[];

/** All type at once; each is answered with a link to the server that was asked for. */
async function mergeAtOnce(merges: Merges): Promise<void> {
  const answers = await Promise.all(
    merges.map(([from, to]) => servers[from]!.run(`merge ${servers[to]!.address}`)),
  );
  for (const [i, answer] of answers.entries()) {
    expect(answer).toMatchObject({ ok: true, server: NAMES[merges[i]![1]] });
    expect(["merged", "standby"]).toContain(String(answer["state"]));
  }
}

/**
 * So many links, as all of these see them alike. An answer waits a second at most; a server that
 * has changed often, as in these rounds, sends its news twice a second only.
 */
async function agreed(names: readonly string[], count: number): Promise<readonly string[]> {
  const end = performance.now() + 5000;
  for (;;) {
    const seen = await Promise.all(names.map((_, at) => links(at)));
    const isSame = new Set(seen.map(String)).size === 1;
    if (isSame && seen[0]!.length === count) return seen[0]!;
    if (performance.now() > end) throw new Error(`they see ${seen.join(" / ")}`);
  }
}

/** The fusion's links, as one server sees them. */
async function links(at: number): Promise<readonly string[]> {
  const map = await servers[at]!.run("map");
  const edges = map["links"] as readonly { readonly [key in "a" | "b" | "state"]: string }[];
  return edges.map(({ a, b, state }) => `${[a, b].toSorted().join("-")} ${state}`).toSorted();
}

/** Each says something, and hears those of all others: each once. */
async function talk(about: string, speakers: readonly number[]): Promise<void> {
  const said = speakers.flatMap((at) => [`${about} of ${NAMES[at]}`, `${about}, ${NAMES[at]}`]);
  for (const at of speakers) chats[at]!.type(said[2 * at]!, said[2 * at + 1]!);
  for (const at of speakers) {
    const { heard } = chats[at]!;
    await Promise.all(said.map((text) => heard.when({ event: "message", text })));
    const texts = heard.all({ event: "message" }).map(({ text }) => String(text));
    const ours = texts.filter((text) => said.includes(text));
    expect(ours.toSorted(), `${NAMES[at]} hears`).toEqual(said.toSorted());
  }
}

/** Ends all links; resolves when each is alone. */
async function part(pairs: Merges): Promise<void> {
  const at = [...new Set(pairs.flat())];
  const marks = new Map(at.map((index) => [index, servers[index]!.heard.lines.length]));
  for (const [from, to] of pairs) {
    expect(await servers[from]!.run(`unmerge ${NAMES[to]}`)).toMatchObject({ ok: true });
  }
  await Promise.all(
    at.map((index) =>
      servers[index]!.when({ event: "split", fusion: [NAMES[index]] }, marks.get(index)),
    ),
  );
}
