// Whoever keeps a list of a room's members by what he is told has the list that he would be given:
// whatever is set, ends, and is done by whom, on two servers that have each founded the room, and
// in the lobby; also where clocks are set.

import { expect, test } from "bun:test";
import { isFailure } from "../../src/errors.ts";
import type { SeededRandom } from "../../src/testing/random.ts";
import type { FrameName } from "../../src/protocol/frame.ts";
import type { Json, Peer } from "./peer.ts";
import type { Home } from "./place.ts";
import { Ruled } from "./ruled.ts";

const room = "#chat";
const NICKS = ["gus", "hal", "ida", "joe", "kim", "lou"] as const;
const addressOf = (value: unknown): string => String((value as Json)["address"]);

interface Known {
  readonly one: Peer;
  readonly where: string;
  /** What he had heard when he was given the `first` list. */
  readonly from: number;
  readonly first: ReadonlySet<string>;
}

/** The members that somebody knows by events alone. */
function listOf({ one, where, from, first }: Known): string[] {
  const list = new Set(first);
  for (const { name, value } of one.heard.slice(from)) {
    if (name === "renamed" && list.delete(addressOf(value["was"])))
      list.add(addressOf(value["person"]));
    if (value["room"] !== where) continue;
    if (name === "joined") list.add(addressOf(value["person"]));
    if (name === "left") list.delete(addressOf(value["person"]));
  }
  return [...list].toSorted();
}

/** Everybody is in the room, which each of two rulers has founded on his server, and they merge. */
function begin(seed: number) {
  const world = new Ruled(`lists ${seed}`);
  const homes = [world.start("paris"), world.start("lyon")] as const;
  const rulers = [
    world.account(homes[0], "ann", "operator"),
    world.account(homes[1], "ben", "operator"),
  ] as const;
  const people = NICKS.map((nick, i) => {
    const home = homes[i % 2] as Home; // there are two
    return i < 4 ? world.guest(home, nick) : world.account(home, nick);
  });
  for (const one of [...rulers, ...people]) one.get("join", { room });
  world.place.rest(70_000);
  world.place.join(...homes);
  return { world, homes, rulers, people };
}
type Town = ReturnType<typeof begin>;

/** Somebody does something; returns what. */
function act({ world, homes, rulers, people }: Town, random: SeededRandom): string {
  const at = random.below(2);
  const [home, ruler, peer] = [homes[at] as Home, rulers[at] as Peer, random.pick(people)];
  const name = `${random.pick(NICKS)}@${random.pick(["paris", "lyon"])}`;
  // His own people the operator would put off.
  const wild = `*${name.slice(1, name.indexOf("@"))}@${at === 0 ? "lyon" : "paris"}`;
  const until = home.environment.clock.now() + 20_000;
  const sets: readonly (readonly [string, unknown])[] = [
    [`ban/${name}`, {}],
    [`ban/${name}`, { until }],
    [`ban/${name}`, null],
    ["mode/invite-only", true],
    ["mode/invite-only", null],
    [`invite/${name}`, true],
    [`invite/${name}`, null],
    [`role/${name}`, "voice"],
    [`role/${name}`, "moderator"],
    [`role/${name}`, null],
  ];
  const commands: readonly string[][] = [
    ["ban", wild, "10s"],
    ["ban", name.replace(/@.*/, wild.slice(wild.indexOf("@"))), "10s"],
    ["unban", wild],
    ["room", "follow", room, "paris"],
    ["room", "follow", room, "lyon"],
  ];
  const asks: readonly (readonly [Peer, FrameName, Json])[] = [
    [peer, "join", { room }],
    [peer, "join", { room }],
    [peer, "part", { room }],
    [peer, "rename", { nick: random.pick(NICKS) }],
    [ruler, "kick", { room, address: name }],
    ...sets.map(([key, value]) => [ruler, "set", { room, key, value }] as const),
    ...sets
      .filter(([key]) => key.startsWith("ban/"))
      .map(([key, value]) => [ruler, "set", { room: "#lobby", key, value }] as const),
  ];
  const which = random.below(asks.length + commands.length);
  const [by, what, value] = asks[which] ?? [];
  if (by !== undefined && what !== undefined) {
    const { code = "ack" } = by.ask(what, value);
    return JSON.stringify([home.name, what, value, code]);
  }
  const words = commands[which - asks.length] as string[]; // within bounds
  const done = world.place.world.until(home.server.run(words, { by: "console", roles: [] }));
  return JSON.stringify([home.name, words, isFailure(done) ? done.code : "done"]);
}

test.each([1, 2, 3, 4])("as it was told to those who are there (%d)", (seed) => {
  const town = begin(seed);
  const { world, homes, rulers } = town;
  const random = world.place.world.random.fork("lists");
  const who = (by: Peer, where: string) =>
    (by.get("who", { room: where, limit: 200 })["people"] as readonly Json[]).map(addressOf);
  const known = rulers.flatMap((one) =>
    ["#lobby", room].map((where): Known => {
      return { one, where, from: one.heard.length, first: new Set(who(one, where)) };
    }),
  );
  const done: string[] = [];
  for (let i = 0; i < 80; i++) {
    // Now and then one of them hears of the other late, or has missed what it changed.
    const [late, lost] = [random.chance(0.2) ? 3000 : "pass", random.chance(0.1)] as const;
    const slow = random.pick(homes).name;
    world.place.hub.fate = ({ from, traffic }) =>
      from !== slow ? "pass" : lost && traffic === "control" ? "lose" : late;
    if (random.chance(0.05))
      world.place.world.skew(random.pick(homes).name, random.pick([0, 15_000, 40_000]));
    done.push(act(town, random));
    world.place.rest(random.chance(0.2) ? 15_000 : 1500);
    for (const one of known) {
      const expected = { done: done.slice(-12), list: who(one.one, one.where).toSorted() };
      expect({ done: done.slice(-12), list: listOf(one) }).toEqual(expected);
    }
  }
});
