// Acted scripts: what happens in a simulation, a line a happening, for people to read and write.
//
//   paris, lyon start
//   alice@paris enters
//   bob@lyon enters
//   paris merges lyon
//   alice@paris says: hello
//   bob@lyon hears: hello
//
// A cue ("hears", "sees", "reads") waits in virtual time until it comes true; what somebody hears
// is the next that others said to them: nothing comes twice, early or in another order unnoticed.
// All sentences stand in `SENTENCES`, below.

import { type Failure, isFailure } from "../errors.ts";
import type { CommandResult } from "../plugin/context.ts";
import { type HeardLine, SIMULATED_PORT, type SimPerson, type Simulation } from "./simulation.ts";

/** Longer than any redial, resume or heart-beat takes. */
const cueMsMax = 180_000;
/** What nobody hears has not come after this. */
const silenceMs = 5000;

/**
 * Acts a script, line by line; empty lines and those that begin with # are passed over. Throws an
 * error that names the line, what was expected there and what happened instead.
 */
export function play(simulation: Simulation, script: string): void {
  const stage = new Stage(simulation);
  for (const [index, line] of script.split("\n").entries()) {
    const text = line.trim();
    if (text === "" || text.startsWith("#")) continue;
    try {
      stage.act(text);
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      throw new Error(`line ${index + 1}, "${text}": ${why}`, { cause: thrown });
    }
  }
}

// --- internal ---

type Sentence = readonly [pattern: RegExp, act: (stage: Stage, ...words: string[]) => void];

const NAME = String.raw`([^\s,:]+)`;
const NAMES = String.raw`([^\s,:]+(?:, [^\s,:]+)*)`;
const PERSON = String.raw`([^\s@:]+@[^\s:]+)`;
const sentence = (words: string, act: Sentence[1]): Sentence => [new RegExp(`^${words}$`), act];
const listOf = (names = ""): string[] => names.split(", ");

const SENTENCES: readonly Sentence[] = [
  sentence(`${NAMES} starts?`, (stage, names) => {
    for (const host of listOf(names)) stage.simulation.start(host);
  }),
  sentence(`${NAME} starts as ${NAME}`, (stage, host = "", name = "") => {
    stage.simulation.start(host, { name });
  }),
  sentence(`${NAME} stops`, (stage, host = "") => stage.simulation.stop(host)),
  sentence(`${NAME} crashes`, (stage, host = "") => stage.simulation.crash(host)),
  sentence(`${NAME} crashes silently`, (stage, host = "") =>
    stage.simulation.crash(host, { silent: true }),
  ),
  sentence(`${PERSON} enters`, (stage, address = "") => void stage.simulation.enter(address)),
  sentence(`${PERSON} enters with the password (.+)`, (stage, address = "", password = "") => {
    stage.simulation.enter(address, { password });
  }),
  sentence(`${PERSON} leaves`, (stage, address = "") => stage.simulation.leave(address)),
  sentence(`${PERSON} joins ${NAME}`, (stage, address, room = "") => {
    stage.wait(stage.person(address).client.join(room));
  }),
  sentence(`${PERSON} says: (.+)`, (stage, address, text = "") => {
    stage.wait(stage.person(address).client.say("#lobby", text));
  }),
  sentence(`${PERSON} says in ${NAME}: (.+)`, (stage, address, room = "", text = "") => {
    stage.wait(stage.person(address).client.say(room, text));
  }),
  sentence(`${PERSON} tells ${PERSON}: (.+)`, (stage, address, to = "", text = "") => {
    stage.wait(stage.person(address).client.tell(to, text));
  }),
  sentence(`${PERSON} hears: (.+)`, (stage, address, text) => stage.hears(address, { text })),
  sentence(`${PERSON} hears late: (.+)`, (stage, address, text) =>
    stage.hears(address, { text, late: true }),
  ),
  sentence(`${PERSON} hears in ${NAME}: (.+)`, (stage, address, room, text) =>
    stage.hears(address, { text, room }),
  ),
  sentence(`${PERSON} hears from ${PERSON}: (.+)`, (stage, address, from, text) =>
    stage.hears(address, { text, from }),
  ),
  sentence(`${PERSON} is told: (.+)`, (stage, address, text) =>
    stage.hears(address, { text, room: undefined }),
  ),
  sentence(`${PERSON} hears nothing`, (stage, address) => stage.hearsNothing(address)),
  sentence(`${NAME} merges ${NAME}`, (stage, host, to) => stage.merge([[host, to]])),
  sentence(`at once: (.+)`, (stage, all) => stage.mergeAtOnce(all)),
  sentence(`${NAME} cannot merge ${NAME}: ([A-Z_]+)`, (stage, host, to, code) =>
    stage.refused(host, `merge ${to}:${SIMULATED_PORT}`, code),
  ),
  sentence(`${NAME} unmerges ${NAME}`, (stage, host, name) =>
    stage.accepted(stage.simulation.run(host ?? "", `unmerge ${name}`)),
  ),
  sentence(`${NAME} types: (.+)`, (stage, host, line) =>
    stage.accepted(stage.simulation.run(host ?? "", line ?? "")),
  ),
  sentence(`${NAME} sees ${NAMES}`, (stage, host, names) => stage.sees(host, listOf(names))),
  sentence(`${NAME} reads: (.+)`, (stage, host, text) => stage.reads(host, text)),
  sentence(`${NAME} and ${NAME} are cut`, ({ simulation }, a = "", b = "") =>
    simulation.world.cut(a, b),
  ),
  sentence(`${NAME} and ${NAME} are cut silently`, ({ simulation }, a = "", b = "") =>
    simulation.world.cut(a, b, "silent"),
  ),
  sentence(`${NAME} and ${NAME} are healed`, ({ simulation }, a = "", b = "") =>
    simulation.world.heal(a, b),
  ),
  sentence(`all is healed`, ({ simulation }) => simulation.world.healAll()),
  sentence(`(\\d+) seconds? pass(?:es)?`, ({ simulation }, seconds) =>
    simulation.world.run(Number(seconds) * 1000),
  ),
];

class Stage {
  readonly simulation: Simulation;
  /** How far each person's lines were compared. */
  readonly #heard = new Map<SimPerson, number>();

  constructor(simulation: Simulation) {
    this.simulation = simulation;
  }

  act(text: string): void {
    for (const [pattern, act] of SENTENCES) {
      const match = pattern.exec(text);
      if (match !== null) return act(this, ...match.slice(1));
    }
    throw new Error(`no such sentence; see SENTENCES in script.ts`);
  }

  wait(promise: Promise<unknown>): void {
    this.simulation.world.until(promise);
  }

  person(address = ""): SimPerson {
    const person = this.simulation.people.get(address);
    if (person === undefined) throw new Error(`nobody has entered as ${address}`);
    return person;
  }

  hears(address: string | undefined, expected: Partial<HeardLine>): void {
    const person = this.person(address);
    const at = this.#heard.get(person) ?? 0;
    this.#until(() => person.lines.length > at);
    const line = person.lines[at];
    if (line === undefined) throw new Error("nothing was heard");
    this.#heard.set(person, at + 1);
    for (const key of Object.keys(expected) as (keyof HeardLine)[]) {
      if (line[key] === expected[key]) continue;
      throw new Error(`expected ${JSON.stringify(expected)}, heard ${JSON.stringify(line)}`);
    }
  }

  hearsNothing(address: string | undefined): void {
    const person = this.person(address);
    this.simulation.world.run(silenceMs);
    const line = person.lines[this.#heard.get(person) ?? 0];
    if (line !== undefined) throw new Error(`heard ${JSON.stringify(line)}`);
  }

  mergeAtOnce(all = ""): void {
    const pairs = all.split("; ").map((text) => {
      const match = new RegExp(`^${NAME} merges ${NAME}$`).exec(text);
      if (match === null) throw new Error(`${text}: expected "A merges B; C merges D"`);
      return [match[1], match[2]] as const;
    });
    this.merge(pairs);
  }

  merge(pairs: readonly (readonly [host: string | undefined, to: string | undefined])[]): void {
    const answers = pairs.map(([host = "", to]) =>
      this.simulation.type(host, `merge ${to}:${SIMULATED_PORT}`),
    );
    for (const answer of answers) this.accepted(this.simulation.world.until(answer));
  }

  accepted(answer: CommandResult | Failure): void {
    if (isFailure(answer)) throw new Error(`refused with ${answer.code}: ${answer.text}`);
  }

  refused(host = "", line = "", code = ""): void {
    const answer = this.simulation.run(host, line);
    if (!isFailure(answer)) throw new Error(`expected ${code}, got "${answer.text}"`);
    if (answer.code === code) return;
    throw new Error(`expected ${code}, got ${answer.code}: ${answer.text}`);
  }

  sees(host = "", names: readonly string[] = []): void {
    const wanted = names.toSorted().join(", ");
    const seen = () => {
      const { server } = this.#server(host);
      const fusion = server?.status()["fusion"];
      return Array.isArray(fusion)
        ? fusion.map(String).toSorted().join(", ")
        : "nothing: it is down";
    };
    this.#until(() => seen() === wanted);
    if (seen() !== wanted) throw new Error(`it sees ${seen()}`);
  }

  reads(host = "", text = ""): void {
    const lines = () => this.#server(host).events.map((event) => JSON.stringify(event));
    const found = () => lines().some((line) => line.includes(text));
    this.#until(found);
    if (!found()) throw new Error(`it has read ${lines().slice(-5).join(" ")}`);
  }

  // --- internal ---

  #server(host: string) {
    const server = this.simulation.servers.get(host);
    if (server === undefined) throw new Error(`no server ${host} in this simulation`);
    return server;
  }

  #until(isTrue: () => boolean): void {
    const { world } = this.simulation;
    for (const end = world.now + cueMsMax; !isTrue() && world.now < end;) world.run(20);
  }
}
