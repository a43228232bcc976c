// One life of one server, from its start to its death: the real fabric-tree, with a host that does
// nothing by itself. Something happens only in `run`, for one input; what comes of it are outputs.
// Chance is constant, keys and signatures are cheap, and the clock stands still: it moves only when
// the alarm rings. So a life is a function of its inputs.
//
// All that the host remembers is in `Self`, so that a life can be put back to an earlier state.

import { drainMicrotasks } from "bun:jsc";
import * as v from "valibot";
import fabricTree from "../../plugins/fabric-tree.ts";
import { Tree } from "../../plugins/fabric-tree/tree.ts";
import { sidOf } from "../../src/plugin.ts";
import type {
  Bytes,
  Failure,
  FabricHost,
  Link,
  LinkHandlers,
  MergeOutcome,
  Parts,
  ServerName,
} from "../../src/plugin.ts";
import { LINK_FRAME } from "../../plugins/fabric-tree/hello.ts";
import { End } from "./end.ts";
import type { Message } from "./end.ts";
import type { Graph } from "./graph.ts";

/** Where every clock begins: far from all other numbers of a state (graph.ts). */
const BEGIN = 2 ** 42;
const WALL = 10 ** 12;

/** Connections and dials are named by small numbers of the server's own. */
export type Input =
  | { readonly is: "merge"; readonly operator: number; readonly address: string }
  | { readonly is: "unmerge"; readonly operator: number; readonly server: string }
  | { readonly is: "opened"; readonly dial: number; readonly end: number }
  | { readonly is: "failed"; readonly dial: number }
  | { readonly is: "accept"; readonly end: number; readonly hello: Bytes }
  | { readonly is: "hear"; readonly end: number; readonly message: Message }
  | { readonly is: "lost"; readonly end: number }
  | { readonly is: "ring"; readonly until: number }
  | { readonly is: "tick" };

export type Output =
  | { readonly is: "send"; readonly end: number; readonly message: Message }
  | { readonly is: "dial"; readonly dial: number; readonly address: string; readonly hello: Bytes }
  | { readonly is: "answer"; readonly operator: number; readonly outcome: MergeOutcome };

export interface Person {
  readonly name: string;
  readonly key: Bytes;
  readonly card: Bytes;
}

interface Dial {
  readonly hello: Bytes;
  readonly opened: (link: Link) => LinkHandlers;
  failed: (error: unknown) => void;
}

/** What a host remembers of a life. */
class Self {
  now = BEGIN;
  readonly ends: (End | undefined)[] = [];
  readonly dials: (Dial | undefined)[] = [];
  readonly timers: { readonly at: number; readonly run: () => void }[] = [];
  readonly stored = new Map<string, Bytes>();
  /** What is left for later, and for which end, where it is for one. */
  readonly later: { readonly run: () => void; readonly what: string; readonly end?: End }[] = [];
}

export class Life {
  readonly self = new Self();
  tree!: Tree;
  readonly #parts: Parts;
  readonly #ticks: boolean;
  #outputs: Output[] = [];

  /** Starts it. `stored` is what earlier lives have left. */
  constructor(
    graph: Graph,
    person: Person,
    how: {
      readonly epoch: number;
      readonly stored: ReadonlyMap<string, Bytes>;
      /** What is left for later waits for the input "tick". */
      readonly ticks: boolean;
    },
  ) {
    const { epoch, stored } = how;
    this.#ticks = how.ticks;
    for (const [key, bytes] of stored) this.self.stored.set(key, bytes);
    const plugin = fabricTree();
    const context = this.#context(this.#host(person, epoch), person.name as ServerName);
    for (const one of Object.values(context)) {
      if (typeof one === "object" && one !== null) graph.constants.add(one);
    }
    graph.constants.add(context.host.identity);
    this.#parts = plugin.setup({ ...context, options: v.parse(plugin.schema!, plugin.options) });
    const made: Tree[] = [];
    const start = Tree.prototype.start;
    Tree.prototype.start = function (this: Tree) {
      made.push(this);
      return start.call(this);
    };
    let failed: unknown;
    Promise.resolve(this.#parts.start?.()).catch((error: unknown) => {
      failed = error;
    });
    this.#settle();
    Tree.prototype.start = start;
    const [tree] = made;
    if (tree === undefined || failed !== undefined) {
      throw new Error("the fabric has not started", { cause: failed });
    }
    this.tree = tree;
  }

  /** Lets one thing happen, and all that follows from it here and now. */
  run(input: Input): Output[] {
    this.#outputs = [];
    this.#happen(input);
    if (this.#ticks && input.is !== "tick") drainMicrotasks();
    else this.#settle();
    return this.#outputs;
  }

  /** What a `Graph` describes, captures and puts back. */
  get root(): object {
    return { self: this.self, tree: this.tree };
  }

  /** The lowest number that no open connection has. */
  get freeEnd(): number {
    return free(this.self.ends);
  }

  // --- internal ---

  #happen(input: Input): void {
    const { self } = this;
    const fabric = this.#parts.fabric!;
    switch (input.is) {
      case "merge":
        return this.#merge(input.operator, input.address);
      case "unmerge": {
        const answer = fabric.unmerge(input.server as ServerName);
        const failed = (error: unknown) => this.#later("fault", () => fault(error));
        answer.then((outcome) => this.#answer(input.operator, outcome), failed);
        return;
      }
      case "opened": {
        const dial = self.dials[input.dial]!;
        vacate(self.dials, input.dial);
        const end = this.#end(input.end);
        end.handlers = dial.opened(end);
        return;
      }
      case "failed": {
        const dial = self.dials[input.dial]!;
        vacate(self.dials, input.dial);
        const error = Object.assign(new Error("nobody listens"), { code: "CANNOT_CONNECT" });
        return dial.failed(Object.assign(error, { text: "nobody listens" }));
      }
      case "accept": {
        const end = this.#end(input.end);
        end.handlers = fabric.accept(end, input.hello);
        return;
      }
      case "hear":
        return self.ends[input.end]!.hear(input.message);
      case "lost":
        return self.ends[input.end]!.over(broken);
      case "ring":
        return this.#ring(input.until);
      case "tick":
        return;
    }
  }

  /**
   * A promise can be resolved once only, but a life that is put back answers again: here the
   * fabric makes its promise of a class that hands every answer on. What the fabric does between
   * that and its own answer, to store the wish, is done by then: this disk is never slow.
   */
  #merge(operator: number, address: string): void {
    const answer = (outcome: MergeOutcome) => this.#answer(operator, outcome);
    const { Promise: real } = globalThis;
    const again = class {
      constructor(executor: (resolve: typeof answer) => void) {
        executor(answer);
      }
      catch(): void {}
    };
    Reflect.set(globalThis, "Promise", again);
    try {
      this.#parts.fabric!.merge(address, { dryRun: false }).catch(fault);
    } finally {
      Reflect.set(globalThis, "Promise", real);
    }
  }

  #later(what: string, run: () => void, end?: End): void {
    this.self.later.push({ run, what, ...(end === undefined ? {} : { end }) });
  }

  #answer(operator: number, outcome: MergeOutcome): void {
    this.#outputs.push({ is: "answer", operator, outcome });
  }

  #ring(until: number): void {
    const { self } = this;
    while (self.now < until) {
      const timer = self.timers.toSorted((a, b) => a.at - b.at)[0];
      if (timer === undefined) throw new Error("something is due, and no timer is set for it");
      self.timers.splice(self.timers.indexOf(timer), 1);
      self.now = timer.at;
      timer.run();
      if (!this.#ticks) this.#settle();
    }
  }

  #settle(): void {
    const { later } = this.self;
    drainMicrotasks();
    while (later.length > 0) {
      for (const { run } of later.splice(0)) run();
      drainMicrotasks();
    }
  }

  #end(number: number): End {
    const end = new End((message) => {
      const [ping] = message.frames;
      if (ping?.type === LINK_FRAME.ping) {
        // Heart-beats are answered at once: they change nothing else, and would go on for ever.
        const frames = [{ type: LINK_FRAME.pong, bytes: ping.bytes }];
        this.#later("pong", () => end.hear({ frames }), end);
      } else this.#outputs.push({ is: "send", end: number, message });
    });
    end.closing = (reason) => {
      vacate(this.self.ends, number);
      this.#later("closed", () => end.handlers?.closed(reason), end);
    };
    this.self.ends[number] = end;
    return end;
  }

  #context(host: FabricHost, self: ServerName) {
    const life = this.self;
    const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    return {
      self,
      log,
      clock: {
        now: () => WALL,
        monotonic: () => life.now,
        after: (ms: number, run: () => void) => {
          const timer = { at: life.now + ms, run };
          life.timers.push(timer);
          return () => {
            const at = life.timers.indexOf(timer);
            if (at >= 0) life.timers.splice(at, 1);
          };
        },
        soon: (run: () => void) => this.#later("soon", run),
      },
      random: { bytes: (count: number) => new Uint8Array(count), next: () => 0.5 },
      store: {
        read: async (key: string) => life.stored.get(key),
        write: async (key: string, bytes: Bytes) => void life.stored.set(key, bytes.slice()),
      },
      folder: () => undefined,
      metrics: { counter: () => () => {}, gauge: () => {} },
      signal: new AbortController().signal,
      notice: () => {},
      host,
    };
  }

  #host({ name, key, card }: Person, epoch: number): FabricHost {
    const sid = sidOf(key.slice(0, 16));
    return {
      identity: {
        sid,
        name: name as ServerName,
        epoch,
        key,
        card,
        sign: (bytes) => signature(key, bytes),
        verify: (by, bytes, signed) => Buffer.compare(signature(by, bytes), signed) === 0,
        sidOf: (of) => sidOf(of.slice(0, 16)),
        sha256: (bytes) => digest(bytes, 32),
      },
      // The fabric asks for nothing but `catch`; see `#merge` for why this is no promise.
      dial: (address, hello, opened) => {
        const dial: Dial = { hello: hello.slice(), opened, failed: () => {} };
        const number = free(this.self.dials);
        this.self.dials[number] = dial;
        this.#outputs.push({ is: "dial", dial: number, address, hello: dial.hello });
        const asked = {
          catch: (failed: (error: unknown) => void) => {
            dial.failed = failed;
          },
        };
        return asked as unknown as Promise<void>;
      },
      consent: () => undefined,
      summary: () => new Uint8Array(),
      deliver: () => {},
      changed: () => {},
      report: () => {},
      isOnline: () => false,
    };
  }
}

// --- internal ---

const broken: Failure = { code: "CANNOT_CONNECT", text: "the connection broke" };

function free(places: readonly unknown[]): number {
  const at = places.indexOf(undefined);
  return at < 0 ? places.length : at;
}

function fault(error: unknown): never {
  throw new Error("a promise was rejected", { cause: error });
}

/** Leaves no trace: equal situations must be equal. */
function vacate(places: unknown[], at: number): void {
  places[at] = undefined;
  while (places.length > 0 && places.at(-1) === undefined) places.pop();
}

function signature(key: Bytes, bytes: Bytes): Bytes {
  return digest(new Uint8Array(Buffer.concat([key, bytes])), 64);
}

/** Nobody attacks here: equal content must give equal bytes, quickly. */
function digest(bytes: Bytes, length: number): Bytes {
  const result = new BigUint64Array(length / 8);
  for (let at = 0; at < result.length; at++) result[at] = Bun.hash.wyhash(bytes, BigInt(at));
  return new Uint8Array(result.buffer);
}
