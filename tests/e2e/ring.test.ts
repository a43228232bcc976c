// Rings of real processes whose people talk without a pause, while servers are killed and
// connections cut: the others go on, nothing is lost, and the gap in live delivery is measured.
//
//   KILLS=4 CUTS=6 bun test tests/e2e/ring.test.ts      (`bun run gap`: a hundred of each)

import { afterEach, beforeEach, expect, test } from "bun:test";
import { printFigure } from "./figures.ts";
import { type Relay, relayTo } from "./relay.ts";
import { type ServerProgram, Stage } from "./servers.ts";
import { Talk } from "./talk.ts";

const KILLS = Number(process.env["KILLS"] ?? 4);
const CUTS = Number(process.env["CUTS"] ?? 6);
/** About as long as a fault is felt. */
const QUIET_LINES = 30;
/** For a machine that is slow; a link that is lost comes back after some seconds. */
const TEST_MS = 60_000 + (KILLS + CUTS) * 20_000;

interface Edge {
  readonly a: string;
  readonly b: string;
  readonly state: string;
}

let stage: Stage;
let talk: Talk;
const relays: Relay[] = [];
beforeEach(() => {
  stage = new Stage();
  talk = new Talk();
});
afterEach(async () => {
  for (const relay of relays.splice(0)) relay.stop();
  await stage.close();
});

test(
  "kill -9 of any one of a ring of four leaves the others talking, and it comes back",
  async () => {
    const servers = await startRing(["a", "b", "c", "d"], (server) => server.port);
    const gaps: number[] = [];
    const quiet: number[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const [victim, isBetween] = await victimOf(servers, kill);
      const others = servers.filter((server) => server !== victim);
      const fusion = others.map(({ name }) => name);
      await talk.leave(victim.name);
      quiet.push(await quietGap());
      const marks = others.map(({ heard }) => heard.lines.length);
      talk.mark();
      victim.signal("SIGKILL");
      await Promise.all(others.map((one, i) => one.when({ event: "split", fusion }, marks[i])));
      await talk.allHear();
      if (isBetween) gaps.push(talk.silenceMs); // else nobody's way has changed
      await victim.exited();
      const back = await stage.serve(victim.name, { port: victim.port });
      servers[servers.indexOf(victim)] = back;
      await talk.enter(back);
      await whole(servers);
    }
    await talk.finish();
    print("kill", gaps, quiet);
  },
  TEST_MS,
);

test(
  "a tree link that is cut is replaced by the standby link, and nobody hears nothing for long",
  async () => {
    const byServer = new Map<string, Relay>();
    const servers = await startRing(["a", "b", "c"], (server) => {
      const relay = relayTo(server.port);
      relays.push(relay);
      byServer.set(server.name, relay);
      return relay.port;
    });
    const gaps: number[] = [];
    const quiet: number[] = [];
    for (let cut = 0; cut < CUTS; cut++) {
      const [from, to] = await treeLink(servers, cut);
      const marks = [from, to].map(({ heard }) => heard.lines.length);
      quiet.push(await quietGap());
      talk.mark();
      const relay = byServer.get(to.name)!;
      relay.cut();
      const lost = (one: ServerProgram, other: ServerProgram, mark: number | undefined) =>
        one.when({ event: "link", state: "lost", server: other.name }, mark);
      await Promise.all([lost(from, to, marks[0]), lost(to, from, marks[1])]);
      relay.open();
      await talk.allHear();
      gaps.push(talk.silenceMs);
      await whole(servers);
    }
    await talk.finish();
    for (const { heard } of servers) expect(heard.all({ event: "split" })).toEqual([]);
    print("cut", gaps, quiet);
  },
  TEST_MS,
);

// --- internal ------------------------------------------------------------------------------------

/** The longest silence while nothing is wrong: what the machine itself makes of it. */
async function quietGap(): Promise<number> {
  await talk.allHear();
  talk.mark();
  await talk.allHear(QUIET_LINES);
  return talk.silenceMs;
}

function print(kind: string, gaps: readonly number[], quiet: readonly number[]): void {
  printFigure("R6", gaps, { gap: kind, count: gaps.length });
  printFigure("R6", quiet, { gap: `before_${kind}`, count: quiet.length });
}

/** Starts servers that each have merged with the next one, at its port; everybody talks. */
async function startRing(
  names: readonly string[],
  portOf: (server: ServerProgram) => number,
): Promise<ServerProgram[]> {
  const servers = await Promise.all(names.map((name) => stage.serve(name)));
  for (const [i, server] of servers.entries()) {
    const next = servers[(i + 1) % servers.length]!;
    const answer = await server.run(`merge 127.0.0.1:${portOf(next)}`);
    expect(answer).toMatchObject({ ok: true, server: next.name });
  }
  await Promise.all(servers.map((server) => talk.enter(server)));
  talk.start();
  await whole(servers);
  return servers;
}

/** Resolves when every server sees the whole ring, and everybody hears everybody. */
async function whole(servers: readonly ServerProgram[]): Promise<void> {
  const isWhole = (edges: readonly Edge[]) =>
    edges.length === servers.length &&
    edges.filter(({ state }) => state === "standby").length === 1;
  do await talk.allHear();
  while (!(await Promise.all(servers.map(edgesOf))).every(isWhole));
}

async function edgesOf(server: ServerProgram): Promise<readonly Edge[]> {
  return (await server.run("map"))["links"] as readonly Edge[]; // what map answers with
}

/**
 * Each of them once; then those that stand between others: a server that came back has the youngest
 * links, and nobody's way leads through it.
 */
async function victimOf(
  servers: readonly ServerProgram[],
  turn: number,
): Promise<readonly [ServerProgram, isBetween: boolean]> {
  const links = await Promise.all(servers.map(treeLinks));
  const between = servers.filter((_, at) => links[at] === 2);
  const victim = turn < servers.length ? servers[turn]! : between[turn % between.length]!;
  return [victim, between.includes(victim)];
}

/** How many tree links a server has itself. */
async function treeLinks(server: ServerProgram): Promise<number> {
  const own = ({ a, b, state }: Edge) =>
    state === "tree" && (a === server.name || b === server.name);
  return (await edgesOf(server)).filter(own).length;
}

/** A tree link of the ring, another one each time: who dialled it, and who was dialled. */
async function treeLink(
  servers: readonly ServerProgram[],
  turn: number,
): Promise<readonly [ServerProgram, ServerProgram]> {
  const edges = await edgesOf(servers[0]!);
  const tree = servers.flatMap((from, i) => {
    const to = servers[(i + 1) % servers.length]!;
    const ends = [from.name, to.name];
    const isTree = edges.some(
      ({ a, b, state }) => state === "tree" && ends.includes(a) && ends.includes(b),
    );
    return isTree ? [[from, to] as const] : [];
  });
  return tree[turn % tree.length]!;
}
