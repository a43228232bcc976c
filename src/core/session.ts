// A session: an authenticated client. It acts by requests, which keep their order, and is told by
// events. Next: requests.ts (what the requests do), sessions.ts (who is here), door.ts (the wire).
// Phases: in → lost (a native wire broke; it can be resumed) → in | ended.

import type { Bytes, MaybePromise, Millis } from "../environment.ts";
import type { ErrorCode, Failure } from "../errors.ts";
import { failure, failureOf } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Nick, RoomName, ServerName } from "../names.ts";
import type { Format, PersonalEvent, Session } from "../plugin/gateway.ts";
import type { Person } from "../plugin/hooks.ts";
import type { Answer, RequestName, Requests } from "../protocol/messages.ts";
import type { Outlet } from "./outlet.ts";
import type { Member } from "./room.ts";
import type { Tick } from "./tick.ts";

/** A person whose nick the core may change, with what it proved; others see it as readonly. */
export interface OwnPerson extends Person {
  nick: Nick;
  account: string | undefined;
  roles: readonly string[];
}

/** What a session needs of the server around it. */
export interface SessionHost {
  readonly tick: Tick<LiveSession>;
  now(): Millis;
  /** Does one request. Never throws. `Logged` stands for an answer that waits for the log. */
  dispatch(session: LiveSession, type: RequestName, ask: unknown): MaybePromise<Outcome>;
  chunk(session: LiveSession, payload: Bytes): void;
  /** The number of log commits that have settled. */
  readonly loggedTick: number;
  /** The log's commit of this number failed: what it held is not durable. */
  logFailed(commit: number): boolean;
  /** What a gateway gave the session threw: logged, with the plugin. */
  gatewayFailed(session: LiveSession, where: string, thrown: unknown): void;
  /** The session is over: out of rooms, registries and transfers. */
  ended(session: LiveSession, reason: string): void;
  /** How many times rooms have handed out what was said in them. */
  readonly wholeTick: number;
  /** The session has something that waits, and stands behind so much. */
  waiting(session: LiveSession, behind: Behind): void;
}

/** An answer, a refusal, or an answer that is true once a commit of the log has settled. */
export type Outcome =
  | { readonly answer: unknown; readonly logged?: number }
  | { readonly later: Promise<unknown> }
  /** Like `later`, where what follows the answer may come before a promise would settle. */
  | { readonly when: (answer: (answer: unknown) => void) => void }
  | Failure;

/** How a session leaves: through its gateway or the native door. */
export interface Doorway {
  personal(event: PersonalEvent): void;
  /**
   * Runs `run` when all that the session was told until now has reached its client, as far as that
   * can be known; never, where the connection is lost before.
   */
  reached(run: () => void): void;
  /** Closes the transport; with a code the client is told why. */
  close(code: ErrorCode | undefined, text: string): void;
  /** Tells a refusal that answers no request. */
  refuse(failed: Failure): void;
  pause(): void;
  resume(): void;
}

/** Nothing; what rooms say, when they say it; or all that was done, and at once. */
export type Behind = "nothing" | "rooms" | "all";

type Answered = (answer: unknown) => void;

/** An answer that stands behind a commit of the log, and behind a whole tick. */
interface Waiting {
  readonly run: () => void;
  readonly logged: number;
  readonly told: number;
}

export class LiveSession implements Session {
  readonly person: OwnPerson;
  readonly outlet: Outlet;
  readonly since: Millis;
  readonly secure: boolean;
  readonly remote: string;
  /** The plugin whose door it came through; "native" for our own. */
  readonly doorName: string;
  doorway: Doorway;
  /**
   * The account, or for a guest something that only this session has: whose client ids these are.
   */
  readonly sender: string;
  readonly memberships = new Map<RoomName, Member<LiveSession>>();
  phase: "in" | "lost" | "ended" = "in";
  /** The `ref` of the last request that came in; a client that resumes asks that no second time. */
  lastRef: number | undefined;
  readonly #host: SessionHost;
  #format: Format;
  // Bytes of the session's own, and how many answers stood before them.
  #own: { readonly bytes: Bytes; readonly behind: number }[] = [];
  // Requests that wait behind an asynchronous one.
  #busy = false;
  #paused = false;
  #pending: (() => void)[] = [];
  // Answers in the order of their requests.
  #answers: Waiting[] = [];
  #answeredCount = 0;
  #answering = false;
  // The newest commit of the log that holds something that this session said.
  #saidIn = 0;

  constructor(options: {
    readonly host: SessionHost;
    readonly person: OwnPerson;
    readonly outlet: Outlet;
    readonly format: Format;
    readonly doorway: Doorway;
    readonly doorName: string;
    readonly secure: boolean;
    readonly remote: string;
    readonly sender: string;
  }) {
    this.#host = options.host;
    this.person = options.person;
    this.outlet = options.outlet;
    this.#format = options.format;
    this.doorway = options.doorway;
    this.doorName = options.doorName;
    this.secure = options.secure;
    this.remote = options.remote;
    this.sender = options.sender;
    this.since = options.host.now();
  }

  get nick(): Nick {
    return this.person.nick;
  }
  get server(): ServerName {
    return this.person.server;
  }
  get address(): string {
    return `${this.person.nick}@${this.person.server}`;
  }

  get format(): Format {
    return this.#format;
  }
  set format(format: Format) {
    if (format === this.#format) return;
    this.#format = format;
    for (const member of this.memberships.values()) member.room.change(member, format);
  }

  request<T extends RequestName>(
    type: T,
    ask: Requests[T]["ask"],
    answered?: (answer: Answer<T> | Failure) => void,
  ): void {
    if (this.phase === "ended") return;
    const done = answered as Answered | undefined; // the answer's type follows the request's
    if (!this.#busy) return this.#dispatch(type, ask, done);
    if (this.#pending.length >= LIMITS.waitingRequestsMax) {
      const text = `${LIMITS.waitingRequestsMax} requests wait already`;
      return this.#answer(type, failure("QUEUE_FULL", text), done);
    }
    this.#wait(() => this.#dispatch(type, ask, done));
  }

  chunk(payload: Bytes): void {
    if (this.phase === "in") this.#host.chunk(this, payload);
  }

  send(bytes: string | Bytes): void {
    this.#send(typeof bytes === "string" ? encoder.encode(bytes) : bytes, "all");
  }

  /** Like `send`, for what has nothing to do with what rooms say: it waits for no room's rest. */
  sendApart(bytes: Bytes): void {
    this.#send(bytes, "nothing");
  }

  after(run: () => void): void {
    if (this.phase === "ended") return;
    if (this.#busy) return this.#wait(() => this.after(run));
    this.#answers.push({ run, logged: this.#saidIn, told: this.#host.wholeTick + 1 });
    this.#host.waiting(this, "all");
  }

  close(reason: string): void {
    this.#end(undefined, reason);
  }

  /** Closes for a reason that the client is told. */
  expel(code: ErrorCode, text: string): void {
    this.#end(code, text);
  }

  formatFailed(thrown: unknown): void {
    this.#host.gatewayFailed(this, "format.encode", thrown);
  }

  /** Something of its gateway threw: what it holds may be half done, so that it ends. */
  failed(where: string, thrown: unknown): void {
    this.#host.gatewayFailed(this, where, thrown);
    this.expel("INTERNAL", "the server met a fault of its own; it has been logged");
  }

  overflowed(): void {
    const text = `more than ${LIMITS.outboxBytesMax} bytes wait to be read`;
    // Not within the flush that found it: rooms are being walked through.
    queueMicrotask(() => this.expel("OUTBOX_FULL", text));
  }

  /**
   * Hands over the answers that are due and the session's own bytes, in the order in which they
   * came; the tick's. An answer that waits for the log holds up the later answers, and nothing
   * else. Returns whether answers still wait for it.
   */
  settle(): boolean {
    for (;;) {
      const next = this.#answers[0];
      const isDue = next !== undefined && this.#isDue(next);
      const own = this.#own[0];
      if (own !== undefined && (!isDue || own.behind <= this.#answeredCount)) {
        this.#own.shift();
        this.#hand(own.bytes);
      } else if (isDue) {
        this.#answers.shift();
        this.#answeredCount++;
        if (!this.#run(next.run)) return false;
      } else return this.#answers.length > 0;
    }
  }

  // --- internal ---------------------------------------------------------------------------------

  #isDue({ logged, told }: Waiting): boolean {
    return told <= this.#host.wholeTick && logged <= this.#host.loggedTick;
  }

  #send(bytes: Bytes, behind: Behind): void {
    if (this.phase === "ended") return;
    // What an answer sends goes at once: the next answer stands behind it.
    if (this.#answering) return this.#hand(bytes);
    this.#own.push({ bytes, behind: this.#answeredCount + this.#answers.length });
    this.#host.waiting(this, behind);
  }

  /** Leaves the rooms, which hand over what they said until now; then the last word, the end. */
  #end(code: ErrorCode | undefined, reason: string): void {
    if (this.phase === "ended") return;
    this.#host.ended(this, reason);
    for (const { bytes } of this.#own.splice(0)) this.#hand(bytes);
    this.doorway.close(code, reason);
  }

  /** Waits behind an asynchronous request; when many do, nothing more is read. */
  #wait(run: () => void): void {
    this.#pending.push(run);
    if (this.#pending.length < LIMITS.pendingRequestsMax || this.#paused) return;
    this.#paused = true;
    this.doorway.pause();
  }

  #hand(bytes: Bytes): void {
    if (!this.outlet.send(bytes)) this.overflowed();
  }

  /** Runs what an answer does; false when it threw. */
  #run(run: () => void): boolean {
    this.#answering = true;
    try {
      run();
      return true;
    } catch (thrown) {
      this.failed("answered or after", thrown);
      return false;
    } finally {
      this.#answering = false;
    }
  }

  #dispatch(type: RequestName, ask: unknown, answered: Answered | undefined): void {
    const outcome = this.#host.dispatch(this, type, ask);
    if (outcome instanceof Promise) {
      this.#busy = true;
      whenDone(outcome, (late) => {
        this.#answer(type, late, answered);
        this.#goOn();
      });
      return;
    }
    this.#answer(type, outcome, answered);
  }

  #goOn(): void {
    this.#busy = false;
    while (!this.#busy) {
      const next = this.#pending.shift();
      if (next === undefined) break;
      if (this.phase === "ended") continue;
      next();
    }
    if (this.#paused && this.#pending.length === 0) {
      this.#paused = false;
      this.doorway.resume();
    }
  }

  #answer(type: RequestName, outcome: Outcome, answered: Answered | undefined): void {
    if ("later" in outcome) {
      whenDone(outcome.later, (answer) => this.#answer(type, { answer }, answered));
      return;
    }
    if ("when" in outcome)
      return outcome.when((answer) => this.#answer(type, { answer }, answered));
    const logged = "logged" in outcome ? (outcome.logged ?? 0) : 0;
    this.#saidIn = Math.max(this.#saidIn, logged);
    if (answered === undefined) return;
    const answer = "answer" in outcome ? outcome.answer : outcome;
    const unlogged = failure("INTERNAL", "it was said, but could not be written to the log");
    const run = () => answered(this.#host.logFailed(logged) ? unlogged : answer);
    const behind = "code" in outcome ? "nothing" : (BEHIND[type] ?? "all");
    this.#answers.push({ run, logged, told: behind === "nothing" ? 0 : this.#host.wholeTick + 1 });
    this.#host.waiting(this, behind);
  }
}

/** What is said in a room is told there first; what is told apart has nothing to do with rooms. */
const BEHIND: Partial<Record<RequestName, Behind>> = { say: "rooms", tell: "nothing" };

const encoder = new TextEncoder();

/** Goes on with a promise's value, or with the refusal that it rejects with. */
export function whenDone<T>(promise: Promise<T>, run: (value: T | Failure) => void): void {
  const throwOutside = (thrown: unknown) =>
    queueMicrotask(() => {
      throw thrown; // a bug of ours: the process' own handler logs it
    });
  promise
    .catch((thrown: unknown) => failureOf(thrown))
    .then(run)
    .catch(throwOutside);
}
