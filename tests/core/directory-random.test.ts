// Merges, splits, heals and restarts at random, with changes lost on the way: at rest every server
// knows the same people in the same rooms, and those who are there; and a watcher knows it as well.

import { expect, test } from "bun:test";
import type { SeededRandom } from "../../src/testing.ts";
import type { Json, Peer } from "./peer.ts";
import { type Home, Place } from "./place.ts";

const NAMES = ["paris", "lyon", "nice", "brest"] as const;
const ROOMS = ["#a", "#b"] as const;
const STEPS = 60;
const SEEDS = 25;

/** A person as `who` shows them on their own server. */
interface Citizen {
  readonly peer: Peer;
  readonly home: string;
  nick: string;
  readonly rooms: Set<string>;
}

class Republic {
  readonly place: Place;
  readonly random: SeededRandom;
  readonly homes: Map<string, Home>;
  citizens: Citizen[] = [];

  constructor(seed: string) {
    this.place = new Place(seed);
    this.random = this.place.world.random;
    this.homes = new Map(NAMES.map((name) => [name, this.place.start(name)]));
  }

  step(): void {
    const { place, random } = this;
    const one = random.pick(this.citizens.length === 0 ? [undefined] : this.citizens);
    const name = random.pick(NAMES);
    const moves: readonly (() => void)[] = [
      () => this.#enter(name),
      () => this.#enter(name),
      () => {
        if (one === undefined) return;
        one.peer.send("bye");
        this.citizens = this.citizens.filter((other) => other !== one);
      },
      () => one !== undefined && this.#move(one, random.pick(ROOMS)),
      () => one !== undefined && this.#rename(one),
      () => place.hub.join(...NAMES.filter(() => random.chance(0.7))),
      () => place.hub.part(name),
      () => place.hub.flap(name),
      () => random.chance(0.3) && this.#restart(name),
      () => {
        const lost = random.chance(0.5) ? random.pick(["control", "private"]) : "nothing";
        place.hub.fate = ({ traffic }) => (traffic === lost ? "lose" : "pass");
      },
    ];
    random.pick(moves)();
    place.world.run(random.below(1500));
  }

  /** All servers together, nothing lost. */
  calm(): void {
    this.place.hub.fate = () => "pass";
    this.place.hub.join(...NAMES);
    this.place.rest(20_000);
  }

  // --- internal ---

  #nick(home: string): string | undefined {
    const taken = this.citizens.filter((one) => one.home === home).map(({ nick }) => nick);
    return ["n0", "n1", "n2", "n3", "n4"].find((nick) => !taken.includes(nick));
  }

  #enter(home: string): void {
    const nick = this.#nick(home);
    if (nick === undefined) return;
    const peer = this.place.enter(this.homes.get(home)!, nick);
    this.citizens.push({ peer, home, nick, rooms: new Set() });
  }

  #move({ peer, rooms }: Citizen, room: string): void {
    peer.get(rooms.has(room) ? "part" : "join", { room });
    if (!rooms.delete(room)) rooms.add(room);
  }

  #rename(one: Citizen): void {
    const nick = this.#nick(one.home);
    if (nick === undefined) return;
    one.peer.get("rename", { nick });
    one.nick = nick;
  }

  /** But for the one where the watcher is. */
  #restart(name: string): void {
    if (name === "paris") return;
    this.place.world.crash(name);
    this.citizens = this.citizens.filter(({ home }) => home !== name);
    this.homes.set(name, this.place.start(name));
  }
}

const addresses = (answer: Json) =>
  (answer["people"] as readonly { address: string }[]).map(({ address }) => address);

for (let seed = 0; seed < SEEDS; seed++) {
  test(`at rest all servers know the same people, as they are (seed ${seed})`, () => {
    const republic = new Republic(`directory ${seed}`);
    const { place, homes } = republic;
    const watcher = place.enter(homes.get("paris")!, "watcher");
    const all = NAMES.flatMap((home) => [0, 1, 2, 3, 4].map((i) => `n${i}@${home}`));
    watcher.get("watch", { addresses: all });
    for (let step = 0; step < STEPS; step++) republic.step();
    republic.calm();
    const askers = [...homes.values()].map((home) => place.enter(home, "asker"));
    const isCitizen = (address: string) => address.startsWith("n");
    const here = republic.citizens.map((one) => ({ ...one, address: `${one.nick}@${one.home}` }));
    const online = here.map(({ address }) => address).toSorted();
    for (const asker of askers) {
      expect(addresses(asker.get("who")).filter(isCitizen)).toEqual(online);
      for (const room of ROOMS) {
        const members = here.filter(({ rooms }) => rooms.has(room)).map(({ address }) => address);
        expect(addresses(asker.get("who", { room }))).toEqual(members.toSorted());
      }
    }
    const last = new Map(watcher.all("watched").map((one) => [one["address"], one["online"]]));
    expect(all.filter((address) => last.get(address) === true).toSorted()).toEqual(online);
  });
}
