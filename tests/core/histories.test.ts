// Random histories of whole fusions: servers merge, part and lose frames while people talk, come
// and go; afterwards all faults end, and everything that was promised must have come true.

import { describe, expect, test } from "bun:test";
import type { SeededRandom } from "../../src/testing.ts";
import { MemoryHistory } from "./memory.ts";
import type { Json, Peer } from "./peer.ts";
import { type Home, Place } from "./place.ts";

const SEEDS = Number(process.env["SEEDS"] ?? 50);
const FIRST = Number(process.env["FIRST_SEED"] ?? 1);
const STEPS = 70;
const LOCAL = "only-here-";

interface Actor {
  readonly home: Home;
  readonly address: string;
  readonly peer: Peer;
  /** Is in #constant from beginning to end. */
  readonly constant: boolean;
  readonly inside: Set<string>;
}

interface Said {
  readonly by: string;
  readonly room: string;
  readonly text: string;
}

interface Told {
  readonly by: Actor;
  readonly to: Actor;
  readonly text: string;
  readonly ref: number;
}

class History {
  readonly place: Place;
  readonly random: SeededRandom;
  readonly homes: Home[] = [];
  readonly actors: Actor[] = [];
  readonly said: Said[] = [];
  readonly told: Told[] = [];
  #texts = 0;
  #guests = 0;

  constructor(seed: number) {
    this.place = new Place(`history ${seed}`);
    this.random = this.place.world.random.fork("history");
    const count = 3 + this.random.below(3);
    for (let i = 0; i < count; i++) {
      const more = this.random.chance(0.5) ? [new MemoryHistory().plugin()] : [];
      this.homes.push(this.place.start(`server${i}`, { more }));
    }
    this.place.hub.seesAfterMs = () => this.random.next() * 40;
    this.place.join(...this.homes);
    for (const home of this.homes) {
      this.enter(home, true);
      if (this.random.chance(0.5)) this.enter(home, false);
    }
    this.place.rest();
  }

  enter(home: Home, constant: boolean): void {
    this.#guests += 1;
    const nick = `guest${this.#guests}`;
    const peer = this.place.enter(home, nick);
    const actor = {
      home,
      address: `${nick}@${home.name}`,
      peer,
      constant,
      inside: new Set<string>(),
    };
    this.actors.push(actor);
    this.join(actor, "&here");
    if (constant) this.join(actor, "#constant");
  }

  join(actor: Actor, room: string): void {
    actor.peer.request("join", { room });
    actor.inside.add(room);
  }

  step(): void {
    const { random, place } = this;
    const actor = random.pick(this.actors);
    const dice = random.next();
    if (dice < 0.55) this.say(actor);
    else if (dice < 0.65) this.tell(actor, random.pick(this.actors));
    else if (dice < 0.72) this.join(actor, random.pick(["#a", "#b"]));
    else if (dice < 0.79) this.part(actor);
    else if (dice < 0.84) this.split();
    else if (dice < 0.89) place.hub.join(...this.homes.map(({ name }) => name));
    else if (dice < 0.95) this.fault();
    else this.comeOrGo();
    place.world.run(random.chance(0.5) ? random.next() * 10 : random.next() * 1500);
  }

  say(actor: Actor): void {
    const room = this.random.pick(["#lobby", "#lobby", ...actor.inside]);
    this.#texts += 1;
    const text = `${room === "&here" ? LOCAL : "said-"}${this.#texts}`;
    actor.peer.request("say", { room, text });
    this.said.push({ by: actor.address, room, text });
  }

  tell(by: Actor, to: Actor): void {
    this.#texts += 1;
    const text = `told-${this.#texts}`;
    const ref = by.peer.request("tell", { to: to.address, text });
    this.told.push({ by, to, text, ref });
  }

  part(actor: Actor): void {
    const rooms = [...actor.inside].filter((room) => room !== "&here" && room !== "#constant");
    if (rooms.length === 0) return;
    const room = this.random.pick(rooms);
    actor.peer.request("part", { room });
    actor.inside.delete(room);
  }

  split(): void {
    const names = this.random.shuffle(this.homes.map(({ name }) => name));
    const cut = 1 + this.random.below(names.length - 1);
    this.place.hub.join(...names.slice(0, cut));
    this.place.hub.join(...names.slice(cut));
  }

  fault(): void {
    const { random } = this;
    const [loss, delay] = [random.next() * 0.5, random.next() * 300];
    this.place.hub.fate = () => {
      if (random.chance(loss)) return random.chance(0.2) ? "congest" : "lose";
      return random.chance(0.3) ? random.next() * delay : "pass";
    };
  }

  comeOrGo(): void {
    const leavers = this.actors.filter(({ constant }) => !constant);
    const leaver = leavers[0];
    if (leaver === undefined || this.random.chance(0.5)) {
      this.enter(this.random.pick(this.homes), false);
      return;
    }
    leaver.peer.send("bye");
    this.actors.splice(this.actors.indexOf(leaver), 1);
  }

  calm(): void {
    this.place.hub.fate = () => "pass";
    this.place.hub.join(...this.homes.map(({ name }) => name));
    this.place.rest(90_000);
  }
}

function checkMessages({ actors, said }: History): void {
  for (const { peer, constant, inside } of actors) {
    const texts = peer.texts();
    expect(new Set(texts).size).toBe(texts.length);
    for (const room of ["#lobby", "#constant", ...inside]) {
      const got = peer.texts(room);
      const whole = constant && (room === "#lobby" || room === "#constant");
      for (const by of new Set(said.map((one) => one.by))) {
        const all = said.filter((one) => one.by === by && one.room === room).map(textOf);
        const of = got.filter((text) => all.includes(text));
        expect(of).toEqual(whole ? all : all.filter((text) => of.includes(text)));
      }
    }
    if (constant) expect(peer.all("gap")).toEqual([]);
  }
}

function checkTells({ told }: History): void {
  for (const { by, to, text, ref } of told) {
    const times = to.peer.all("private").filter((one) => one["text"] === text).length;
    expect(times).toBeLessThanOrEqual(1);
    const answer = by.peer.answer(ref);
    if (answer === undefined) expect(by.peer.closed).toBeDefined();
    else if (answer.name === "ack") expect(times).toBe(1);
    else if (answer.value["code"] !== "UNCONFIRMED") expect(times).toBe(0);
  }
}

function checkDirectory({ place, homes, actors }: History): void {
  const rooms = [undefined, "#a", "#b", "#constant"];
  for (const home of homes)
    for (const room of rooms) {
      const { data } = place.command(home, "who", ...(room === undefined ? [] : [room]));
      const people = (data as { people: Json[] }).people.map(({ address }) => String(address));
      const there = actors.filter((one) => room === undefined || one.inside.has(room));
      expect(people).toEqual(there.map(({ address }) => address).toSorted());
    }
}

const textOf = ({ text }: Said): string => text;

describe("after a random history, what was promised has come true", () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++)
    test(`seed ${seed}`, () => {
      const history = new History(seed);
      for (let i = 0; i < STEPS; i++) history.step();
      history.calm();
      checkMessages(history);
      checkTells(history);
      checkDirectory(history);
      const { place, homes } = history;
      const decoder = new TextDecoder();
      const wire = place.hub.frames.filter(({ traffic }) => traffic !== "private");
      expect(wire.some(({ bytes }) => decoder.decode(bytes).includes(LOCAL))).toBe(false);
      for (const home of homes) place.stop(home);
      place.rest(5000);
      const quiet = place.world.digest();
      place.world.run(30 * 60_000);
      expect([place.world.digest(), place.world.connections]).toEqual([quiet, 0]);
      expect(place.faults()).toEqual([]);
    });
});
