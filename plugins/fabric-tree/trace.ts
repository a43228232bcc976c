// The way to a server, hop by hop with the delay of each: a frame along the route to which every
// server on it answers. `trace nick@server` on the console.
//
//   body  u8 (1: a question, 2: an answer; others are not for us) · id (8), drawn by who asks

import { failure, LIMITS } from "chatfusion";
import type { Clock, CommandResult, Failure, Millis, Random, ServerName, Sid } from "chatfusion";
import { Bucket } from "./bucket.ts";
import { concat, Reader } from "./bytes.ts";
import { wayTo } from "./route.ts";
import { table } from "./text.ts";
import type { Session } from "./session.ts";
import type { TrafficOf } from "./traffic.ts";
import type { Tree } from "./tree.ts";

const QUESTION = 1;
const ANSWER = 2;
const TRACE_BYTES = 9;

interface Trace {
  readonly to: Sid;
  readonly begun: Millis;
  readonly delays: Map<Sid, Millis>;
  readonly done: () => void;
  /** It has answered; those on the way to it may be a little slower. */
  readonly reached: () => void;
}

export class Tracer {
  readonly #tree: Tree;
  readonly #traffic: TrafficOf;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #traces = new Map<string, Trace>();
  /** Answers that a neighbour may cause now; others are not given: nobody is made to flood. */
  readonly #answers = new WeakMap<Session, Bucket>();

  constructor(tree: Tree, traffic: TrafficOf, clock: Clock, random: Random) {
    this.#tree = tree;
    this.#traffic = traffic;
    this.#clock = clock;
    this.#random = random;
  }

  /** Resolves with the hops, when the last has answered or `traceMsMax` is over. */
  trace(server: ServerName, to: Sid): Promise<CommandResult | Failure> {
    const { promise, resolve } = Promise.withResolvers<CommandResult | Failure>();
    if (to === this.#tree.identity.sid) {
      resolve({ text: `${server} is this server`, data: [{ server, hops: 0, ms: 0 }] });
      return promise;
    }
    if (this.#traces.size >= LIMITS.tracesMax) {
      resolve(failure("RATE_LIMITED", `${this.#traces.size} traces are under way`));
      return promise;
    }
    const id = this.#random.bytes(8);
    const delays = new Map<Sid, Millis>();
    const done = () => {
      cancel();
      this.#traces.delete(id.toHex());
      resolve(this.#result(server, to, delays));
    };
    let cancel = this.#clock.after(LIMITS.traceMsMax, done);
    const reached = () => {
      cancel();
      cancel = this.#clock.after(LIMITS.traceLagMs, done);
    };
    const begun = this.#now();
    this.#traces.set(id.toHex(), { to, begun, delays, done, reached });
    if (this.#traffic.trace(to, concat(Uint8Array.of(QUESTION), id))) return promise;
    cancel();
    this.#traces.delete(id.toHex());
    resolve(failure("CONGESTED", `${server}: the link to it takes nothing now; try again`));
    return promise;
  }

  /** The server stops: nobody waits any longer. */
  stop(): void {
    for (const { done } of this.#traces.values()) done();
  }

  /** Takes a routed frame of a full neighbour. Borrowed. Throws `ProtocolError`. */
  arrived(session: Session, type: number, payload: Uint8Array): void {
    this.#traffic.arrived(session, type, payload, (origin, deliver, body) => {
      this.#traced(session, origin, deliver, body);
    });
  }

  // --- internal ---

  #traced(from: Session, origin: Sid, deliver: boolean, body: Uint8Array): void {
    // What its origin wrote is not the fault of the neighbour who handed it on.
    if (body.length < TRACE_BYTES) return;
    const reader = new Reader(body); // what a later version adds is not read
    const kind = reader.u8();
    const id = reader.bytes(8);
    if (kind === QUESTION) {
      // In another's name it would make all on its way answer to that one: few are answered.
      if (!this.#bucketOf(from).take(this.#now())) return;
      this.#traffic.trace(origin, concat(Uint8Array.of(ANSWER), id));
      return;
    }
    const trace = deliver && kind === ANSWER ? this.#traces.get(id.toHex()) : undefined;
    if (trace === undefined || trace.delays.size >= LIMITS.hopsMax) return;
    trace.delays.set(origin, this.#now() - trace.begun);
    if (this.#wayTo(trace.to).every(({ sid }) => trace.delays.has(sid))) trace.done();
    else if (origin === trace.to) trace.reached();
  }

  #result(server: ServerName, to: Sid, delays: ReadonlyMap<Sid, Millis>): CommandResult | Failure {
    if (delays.size === 0) {
      const within = `within ${LIMITS.traceMsMax / 1000} s`;
      return failure("UNREACHABLE", `${server}: nobody on the way has answered ${within}`);
    }
    const hops = this.#wayTo(to).map(({ sid, name }, at) => {
      const ms = delays.get(sid);
      return { server: name, hops: at + 1, ...(ms === undefined ? {} : { ms }) };
    });
    const lines = hops.map(({ server: name, hops: count, ms }) => [
      String(count),
      name,
      ms === undefined ? "no answer" : `${ms.toFixed(1)} ms`,
    ]);
    return { text: table(lines), data: hops };
  }

  #bucketOf(neighbour: Session): Bucket {
    let bucket = this.#answers.get(neighbour);
    if (bucket === undefined) {
      const { tracesPerSecond } = LIMITS;
      bucket = new Bucket(tracesPerSecond, tracesPerSecond, this.#now());
      this.#answers.set(neighbour, bucket);
    }
    return bucket;
  }

  #now(): Millis {
    return this.#clock.monotonic();
  }

  #wayTo(server: Sid) {
    const { judgement } = this.#tree;
    return wayTo(judgement, judgement.index.get(server) ?? 0);
  }
}
