// Whoever keeps a list of a room's members by what he is told has the list that he would be given:
// whatever is set, ends, and is done by whom, on two servers that have each founded the room.

import { expect, test } from "bun:test";
import type { Json, Peer } from "./peer.ts";
import type { Home } from "./place.ts";
import { Ruled } from "./ruled.ts";

const room = "#chat";
const NICKS = ["gus", "hal", "ida", "joe", "kim", "lou"] as const;
const addressOf = (value: unknown): string => String((value as Json)["address"]);

/** The members that somebody knows by events alone. */
function listOf(one: Peer, from: number, first: ReadonlySet<string>): string[] {
  const list = new Set(first);
  for (const { name, value } of one.heard.slice(from)) {
    if (name === "renamed" && list.delete(addressOf(value["was"])))
      list.add(addressOf(value["person"]));
    if (value["room"] !== room) continue;
    if (name === "joined") list.add(addressOf(value["person"]));
    if (name === "left") list.delete(addressOf(value["person"]));
  }
  return [...list].toSorted();
}

function play(seed: number, steps: number): void {
  const world = new Ruled(`lists ${seed}`);
  const homes = [world.start("paris"), world.start("lyon")] as const;
  const random = world.place.world.random.fork("lists");
  const rulers = [world.account(homes[0], "ann"), world.account(homes[1], "ben")] as const;
  const people = NICKS.map((nick, i) => {
    const home = homes[i % 2] as Home;
    return { home, peer: i < 4 ? world.guest(home, nick) : world.account(home, nick) };
  });
  for (const one of [...rulers, ...people.map(({ peer }) => peer)]) one.get("join", { room });
  world.place.rest(70_000);
  world.place.join(...homes);
  const who = (by: Peer) =>
    (by.get("who", { room, limit: 200 })["people"] as readonly Json[]).map(addressOf);
  const known = rulers.map((one) => ({ one, from: one.heard.length, first: new Set(who(one)) }));
  const log: string[] = [];
  const act = () => {
    const [ruler, home] = random.pick([
      [rulers[0], homes[0]],
      [rulers[1], homes[1]],
    ] as const);
    const { peer } = random.pick(people);
    const name = `${random.pick(NICKS)}@${random.pick(["paris", "lyon"] as const)}`;
    // His own people the operator would put off.
    const wild = `*${name.slice(1, name.indexOf("@"))}@${home === homes[0] ? "lyon" : "paris"}`;
    const until = home.environment.clock.now() + 20_000;
    const set = (key: string, value: unknown) => () =>
      `${home.name} ${key} ${JSON.stringify(value)} ${world.set(ruler, room, key, value)["code"]}`;
    const ask =
      (what: "join" | "part" | "rename" | "kick", value: Json, by = peer) =>
      () =>
        `${what} ${JSON.stringify(value)} ${by.ask(what, value)["code"]}`;
    const command =
      (...words: string[]) =>
      () => {
        const done = world.place.world.until(home.server.run(words, { by: "console", roles: [] }));
        return `${home.name} ${words.join(" ")} ${JSON.stringify(done)}`;
      };
    return random.pick([
      ...[set(`ban/${name}`, {}), set(`ban/${name}`, { until }), set(`ban/${name}`, null)],
      ...[set("mode/invite-only", true), set("mode/invite-only", null)],
      ...[set(`invite/${name}`, true), set(`invite/${name}`, null)],
      ...[
        set(`role/${name}`, "voice"),
        set(`role/${name}`, "moderator"),
        set(`role/${name}`, null),
      ],
      ...[ask("join", { room }), ask("join", { room }), ask("part", { room })],
      ...[ask("rename", { nick: random.pick(NICKS) }), ask("kick", { room, address: name }, ruler)],
      ...[command("ban", wild, "10s"), command("unban", wild)],
      ...[command("room", "follow", room, "paris"), command("room", "follow", room, "lyon")],
    ])();
  };
  for (let i = 0; i < steps; i++) {
    // Now and then one of them hears of the other late, or has missed what it changed.
    const [late, lost] = [random.chance(0.2), random.chance(0.1)];
    const slow = random.pick(homes).name;
    world.place.hub.fate = ({ from, traffic }) =>
      from !== slow ? "pass" : lost && traffic === "control" ? "lose" : late ? 3000 : "pass";
    log.push(act());
    world.place.rest(random.chance(0.2) ? 15_000 : 1500);
    for (const { one, from, first } of known) {
      if (!one.get("room", { room })) continue;
      expect({ log: log.slice(-12), list: listOf(one, from, first) }).toEqual({
        log: log.slice(-12),
        list: who(one).toSorted(),
      });
    }
  }
}

test.each([1, 2, 3, 4])("as it was told to those who are there (%d)", (seed) => {
  play(seed, 80);
});
