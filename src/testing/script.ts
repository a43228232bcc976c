// Acted scripts: what happens in a simulation, a line a happening, for people to read and write.
//
//   paris, lyon start
//   paris, lyon merge
//   alice@paris, bob@lyon enter
//   alice@paris says: hello
//   bob@lyon hears: hello
//
// A cue ("hears", "sees", "reads") waits in virtual time until it comes true; what somebody hears
// is the next that others said to them: nothing comes twice, early or in another order unnoticed.
// All sentences stand in `ACTS`, below, and with what they say in docs/testing.md.

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
      const about = [why, ...faultsOf(simulation), `seed ${simulation.world.seed}`].join("\n");
      throw new Error(`line ${index + 1}, "${text}": ${about}`, { cause: thrown });
    }
  }
}

// --- internal ---

/** What servers have logged as errors: most often the very reason, such as a plugin's throw. */
function faultsOf({ world: { logged } }: Simulation): string[] {
  const faults = logged.filter(({ level }) => level === "error").slice(-3);
  return faults.map(({ server, event, fields }) => {
    const all = Object.entries(fields).map(([key, value]) => `${key} ${shortOf(value)}`);
    return `logged by ${server}: ${[event, ...all].join(", ")}`;
  });
}

/** Of a stack, where it began. */
const shortOf = (value: unknown): string => String(value).split("\n").slice(0, 2).join("");

type Act = (stage: Stage, ...words: string[]) => void;

/** What stands for what in a sentence; "(s)" may be left out. */
const WORDS: Readonly<Record<string, string>> = {
  NAME: String.raw`([^\s,:]+)`,
  NAMES: String.raw`([^\s,:]+(?:, [^\s,:]+)*)`,
  PERSON: String.raw`([^\s@:,]+@[^\s@:,]+)`,
  PEOPLE: String.raw`([^\s@:,]+@[^\s@:,]+(?:, [^\s@:,]+@[^\s@:,]+)*)`,
  ROOM: String.raw`([#&][^\s,:]+)`,
  TEXT: "(.+)",
  CODE: "([A-Z_]+)",
  NUMBER: String.raw`(\d+)`,
};

const patternOf = (words: string): RegExp => {
  const pattern = words
    .replaceAll(/\((e?s)\)/g, "(?:$1)?")
    .replaceAll(/\b[A-Z]{4,}\b/g, (word) => WORDS[word] ?? word);
  return new RegExp(`^${pattern}$`);
};

const listOf = (names = ""): string[] => names.split(", ");

const ACTS: Readonly<Record<string, Act>> = {
  "NAMES start(s)": (stage, names) => {
    for (const host of listOf(names)) stage.simulation.start(host);
  },
  "NAME starts as NAME": ({ simulation }, host = "", name = "") => {
    simulation.start(host, { name });
  },
  "NAME stops": ({ simulation }, host = "") => simulation.stop(host),
  "NAME crashes": ({ simulation }, host = "") => simulation.crash(host),
  "NAME crashes silently": ({ simulation }, host = "") => simulation.crash(host, { silent: true }),
  "PEOPLE enter(s)": ({ simulation }, addresses) => {
    for (const address of listOf(addresses)) simulation.enter(address);
  },
  "PERSON enters with the password TEXT": ({ simulation }, address = "", password = "") => {
    simulation.enter(address, { password });
  },
  "PERSON leaves": ({ simulation }, address = "") => simulation.leave(address),
  "PERSON joins ROOM": (stage, address, room = "") => stage.person(address).join(room),
  "PERSON says: TEXT": (stage, address, text = "") => stage.person(address).say(text),
  "PERSON says in ROOM: TEXT": (stage, address, room = "", text = "") =>
    stage.person(address).say(text, room),
  "PERSON tells PERSON: TEXT": (stage, address, to = "", text = "") =>
    stage.person(address).tell(to, text),
  "PERSON hears: TEXT": (stage, address, text) => stage.hears(address, { text }),
  "PERSON hears late: TEXT": (stage, address, text) => stage.hears(address, { text, late: true }),
  "PERSON hears in ROOM: TEXT": (stage, address, room, text) =>
    stage.hears(address, { text, room }),
  "PERSON hears from PERSON: TEXT": (stage, address, from, text) =>
    stage.hears(address, { text, from }),
  "PERSON is told: TEXT": (stage, address, text) => stage.hears(address, { text, room: undefined }),
  "PERSON hears nothing": (stage, address) => stage.hearsNothing(address),
  "NAME merges NAME": (stage, host, to) => stage.merge([[host, to]]),
  "NAMES merge": ({ simulation }, names) => simulation.merge(...listOf(names)),
  "at once: TEXT": (stage, all) => stage.mergeAtOnce(all),
  "NAME cannot merge NAME: CODE": (stage, host, to, code) =>
    stage.refused(host, `merge ${to}:${SIMULATED_PORT}`, code),
  "NAME unmerges NAME": (stage, host = "", name) =>
    stage.accepted(stage.simulation.run(host, `unmerge ${name}`)),
  "NAME types: TEXT": (stage, host = "", line = "") =>
    stage.accepted(stage.simulation.run(host, line)),
  "NAME sees NAMES": (stage, host, names) => stage.sees(host, listOf(names)),
  "NAME reads: TEXT": (stage, host, text) => stage.reads(host, text),
  "NAME and NAME are cut": ({ simulation }, a = "", b = "") => simulation.world.cut(a, b),
  "NAME and NAME are cut silently": ({ simulation }, a = "", b = "") =>
    simulation.world.cut(a, b, "silent"),
  "NAME and NAME are healed": ({ simulation }, a = "", b = "") => simulation.world.heal(a, b),
  "all is healed": ({ simulation }) => simulation.world.healAll(),
  "NUMBER second(s) pass(es)": ({ simulation }, seconds) =>
    simulation.world.run(Number(seconds) * 1000),
};

const PATTERNS = Object.entries(ACTS).map(([words, act]) => [patternOf(words), act] as const);

/** All sentences of scripts; the words in capitals stand for others. */
export const SENTENCES: readonly string[] = Object.keys(ACTS);

class Stage {
  readonly simulation: Simulation;
  /** How far each person's lines were compared. */
  readonly #heard = new Map<SimPerson, number>();

  constructor(simulation: Simulation) {
    this.simulation = simulation;
  }

  act(text: string): void {
    for (const [pattern, act] of PATTERNS) {
      const match = pattern.exec(text);
      if (match !== null) return act(this, ...match.slice(1));
    }
    throw new Error(["no such sentence; expected one of", ...SENTENCES].join("\n  "));
  }

  person(address = ""): SimPerson {
    const person = this.simulation.people.get(address);
    if (person !== undefined) return person;
    const people = [...this.simulation.people.keys()].join(", ");
    throw new Error(`nobody has entered as ${address}; there are: ${people || "none"}`);
  }

  hears(address: string | undefined, expected: Partial<HeardLine>): void {
    const person = this.person(address);
    const at = this.#heard.get(person) ?? 0;
    this.#until(() => person.lines.length > at);
    const line = person.lines[at];
    if (line === undefined) throw new Error(`nothing more was heard${this.#before(person)}`);
    this.#heard.set(person, at + 1);
    for (const key of Object.keys(expected) as (keyof HeardLine)[]) {
      if (line[key] === expected[key]) continue;
      throw new Error(`expected ${JSON.stringify(expected)}, heard ${JSON.stringify(line)}`);
    }
  }

  #before({ lines }: SimPerson): string {
    const last = lines.slice(-3).map(({ text }) => text);
    return last.length === 0 ? "" : `; the last were: ${last.join(" / ")}`;
  }

  hearsNothing(address: string | undefined): void {
    const person = this.person(address);
    this.simulation.world.run(silenceMs);
    const line = person.lines[this.#heard.get(person) ?? 0];
    if (line !== undefined) throw new Error(`heard ${JSON.stringify(line)}`);
  }

  mergeAtOnce(all = ""): void {
    const pairs = all.split("; ").map((text) => {
      const match = patternOf("NAME merges NAME").exec(text);
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
    return this.simulation.server(host);
  }

  #until(isTrue: () => boolean): void {
    const { world } = this.simulation;
    for (const end = world.now + cueMsMax; !isTrue() && world.now < end;) world.run(20);
  }
}
