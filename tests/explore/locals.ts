// The states of single servers and what leads from one to another. A server is a function of its
// own inputs: each (state, input) is run once, by the real code, and then looked up. A state is put
// back into its life's objects before the next input (graph.ts), so nothing is replayed.

import type { Operator } from "./config.ts";
import type { Capture } from "./graph.ts";
import { Graph } from "./graph.ts";
import { factsOf } from "./facts.ts";
import type { Facts, Roster } from "./facts.ts";
import { Life } from "./life.ts";
import type { Input, Output, Person } from "./life.ts";
import type { Message } from "./end.ts";
import { Messages } from "./messages.ts";
import type { Bytes } from "../../src/plugin.ts";

/** What a disk holds: where a life begins. */
export interface Disk {
  readonly server: number;
  /** Of the newest start that it knows of. */
  readonly epoch: number;
  readonly stored: ReadonlyMap<string, Bytes>;
}

/** What happens to one server: its number says all that `Input` says. */
export const INPUT = {
  merge: 0,
  unmerge: 1,
  opened: 2,
  failed: 3,
  accept: 4,
  hear: 5,
  lost: 6,
  ring: 7,
  tick: 8,
} as const;

export interface Step {
  readonly next: number;
  readonly said: readonly Said[];
  /** The fabric threw. */
  readonly fault: string | undefined;
}

export type Said =
  | { readonly is: "send"; readonly end: number; readonly message: number }
  | { readonly is: "dial"; readonly dial: number; readonly address: string; readonly hello: number }
  | { readonly is: "answer"; readonly operator: number; readonly code: string };

interface Local {
  readonly life: Life;
  readonly hash: bigint;
  readonly disk: Disk;
  readonly facts: Facts;
  readonly capture: Capture;
  readonly from: { readonly local: number; readonly input: Input } | undefined;
}

export interface LocalsParts {
  readonly people: readonly Person[];
  readonly roster: Roster;
  /** Operators' words, by number. */
  readonly operators: readonly Operator[];
  /** All frames that one step puts on a connection arrive together. */
  readonly batches: boolean;
  readonly ticks: boolean;
}

export class Locals {
  readonly messages = new Messages();
  /** How often the real code was run. */
  executed = 0;
  readonly #parts: LocalsParts;
  readonly #graph = new Graph();
  readonly #all: Local[] = [];
  readonly #byHash = new Map<bigint, number>();
  readonly #steps = new Map<number, Step>();
  readonly #disks: Disk[] = [];
  readonly #diskNumbers = new Map<string, number>();
  readonly #begun = new Map<number, number>();
  /** The state in which a life's objects are now. */
  readonly #now = new WeakMap<Life, number>();

  constructor(parts: LocalsParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#all.length;
  }

  facts(local: number): Facts {
    return this.#all[local]!.facts;
  }

  /** What this server has on its disk, as a number. */
  disk(local: number): number {
    const { disk, life } = this.#all[local]!;
    this.#put(local);
    return this.diskOf({ ...disk, stored: new Map(life.self.stored) });
  }

  diskOf(disk: Disk): number {
    const stored = [...disk.stored].map(([key, bytes]) => `${key}=${bytes.toHex()}`);
    const key = `${disk.server} ${disk.epoch} ${stored.toSorted().join(" ")}`;
    let number = this.#diskNumbers.get(key);
    if (number === undefined) {
      number = this.#disks.push(disk) - 1;
      this.#diskNumbers.set(key, number);
    }
    return number;
  }

  /** Starts a server from a disk. */
  begin(disk: number): number {
    let local = this.#begun.get(disk);
    if (local !== undefined) return local;
    const { server, epoch, stored } = this.#disks[disk]!;
    const now = { server, epoch: epoch + 1, stored };
    local = this.#know(this.#start(now), now, undefined);
    this.#begun.set(disk, local);
    return local;
  }

  /** Lets something happen to a server in this state. */
  step(local: number, is: number, where: number, what: number): Step {
    const key = ((local * 16 + is) * 32 + where) * 2 ** 20 + what;
    let step = this.#steps.get(key);
    if (step === undefined) {
      step = this.#run(local, this.#input(local, is, where, what));
      this.#steps.set(key, step);
    }
    return step;
  }

  /** Runs a state's whole life again in fresh objects; false: it ends elsewhere. */
  reproduces(local: number): boolean {
    const inputs: Input[] = [];
    let at = this.#all[local]!;
    const { hash, disk } = at;
    while (at.from !== undefined) {
      inputs.unshift(at.from.input);
      at = this.#all[at.from.local]!;
    }
    const life = this.#start(disk);
    for (const input of inputs) life.run(input);
    return this.#hash(life, disk) === hash;
  }

  // --- internal ---

  #start({ server, epoch, stored }: Disk): Life {
    const { people, ticks } = this.#parts;
    this.executed++;
    return new Life(this.#graph, people[server]!, { epoch, stored, ticks });
  }

  #put(local: number): Life {
    const { life, capture } = this.#all[local]!;
    if (this.#now.get(life) !== local) this.#graph.restore(capture);
    this.#now.set(life, local);
    return life;
  }

  #run(local: number, input: Input): Step {
    const life = this.#put(local);
    this.#now.delete(life);
    this.executed++;
    let outputs: Output[];
    try {
      outputs = life.run(input);
    } catch (error) {
      const fault = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { next: local, said: [], fault };
    }
    const next = this.#know(life, this.#all[local]!.disk, { local, input });
    return { next, said: this.#said(outputs), fault: undefined };
  }

  #hash(life: Life, { server, epoch }: Disk): bigint {
    const text = this.#graph.describe(life.root, life.self.now);
    return Bun.hash.wyhash(`${server} ${epoch} ${text}`);
  }

  #know(life: Life, disk: Disk, from: Local["from"]): number {
    const hash = this.#hash(life, disk);
    const known = this.#byHash.get(hash);
    if (known !== undefined) return known;
    const facts = factsOf(life, this.#parts.roster);
    const capture = this.#graph.capture(life.root);
    const local = this.#all.push({ life, hash, disk, facts, capture, from }) - 1;
    this.#byHash.set(hash, local);
    this.#now.set(life, local);
    return local;
  }

  #said(outputs: readonly Output[]): Said[] {
    const said: Said[] = [];
    const batches = new Map<
      number,
      { frames: Message["frames"][number][]; end?: Message["end"] }
    >();
    for (const output of outputs) {
      if (output.is === "dial") {
        const frames = [{ type: 0x10, bytes: output.hello }];
        said.push({ ...output, hello: this.messages.number({ frames }) });
      } else if (output.is === "answer") {
        const { operator, outcome } = output;
        said.push({
          is: "answer",
          operator,
          code: "code" in outcome ? outcome.code : outcome.state,
        });
      } else if (!this.#parts.batches) {
        said.push({ is: "send", end: output.end, message: this.messages.number(output.message) });
      } else {
        const batch = batches.get(output.end) ?? { frames: [] };
        batch.frames.push(...output.message.frames);
        if (output.message.end !== undefined) batch.end = output.message.end;
        batches.set(output.end, batch);
      }
    }
    for (const [end, batch] of batches) {
      said.push({ is: "send", end, message: this.messages.number(batch as Message) });
    }
    return said;
  }

  #input(local: number, is: number, where: number, what: number): Input {
    switch (is) {
      case INPUT.merge:
      case INPUT.unmerge: {
        const word = this.#parts.operators[where]!;
        return "merge" in word
          ? { is: "merge", operator: where, address: word.merge }
          : { is: "unmerge", operator: where, server: word.unmerge };
      }
      case INPUT.opened:
        return { is: "opened", dial: where, end: what };
      case INPUT.failed:
        return { is: "failed", dial: where };
      case INPUT.accept:
        return { is: "accept", end: where, hello: this.messages.of(what).frames[0]!.bytes };
      case INPUT.hear:
        return { is: "hear", end: where, message: this.messages.of(what) };
      case INPUT.lost:
        return { is: "lost", end: where };
      case INPUT.tick:
        return { is: "tick" };
      default: {
        const { busy, wishes } = this.facts(local);
        const due = wishes.map((wish) => wish.due);
        return { is: "ring", until: Math.min(...(where === 0 ? [busy!.due] : due)) };
      }
    }
  }
}
