// A session: an authenticated client. It acts by requests, which keep their order, and is told by
// events. Next: requests.ts (what the requests do), sessions.ts (who is here), door.ts (the wire).
// Phases: in → lost (a native wire broke; it can be resumed) → in | ended.

import type { Bytes, Millis } from "../environment.ts";
import type { ErrorCode, Failure } from "../errors.ts";
import { failure, isFailure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Nick, ServerName } from "../names.ts";
import type { Format, Session } from "../plugin/gateway.ts";
import type { Person } from "../plugin/hooks.ts";
import { encodeJson } from "../protocol/frame.ts";
import type { Answer, RequestName, Requests } from "../protocol/messages.ts";
import { Memberships } from "./memberships.ts";
import type { Outlet } from "./outlet.ts";
import type { Ignoring } from "./room.ts";
import type { Behind, Doorway, Outcome, SessionHost } from "./session-host.ts";
import { whenDone } from "./when-done.ts";

/** A person whose nick the core may change, with what it proved; others see it as readonly. */
export interface OwnPerson extends Person {
  nick: Nick;
  account: string | undefined;
  roles: readonly string[];
}

type Answered = (answer: unknown) => void;

/** A request, and who is told how it ends. */
interface Asked {
  readonly type: RequestName;
  readonly answered: Answered | undefined;
  /** Only of what did not go as it was to. */
  readonly isQuiet: boolean;
  /** Where the answer stands to what rooms say. */
  readonly inPlace: boolean;
}

/** An answer, or what is run in its turn, behind a commit of the log and behind a whole tick. */
interface Waiting {
  readonly answered: Answered;
  readonly answer: unknown;
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
  /** What sorts behind it was said since it has its nick: see `Ids.mark`. */
  namedAfter = "";
  /** Why they are away, or "". */
  away: string | undefined;
  ignoring: Ignoring | undefined;
  readonly memberships = new Memberships<LiveSession>();
  phase: "in" | "lost" | "ended" = "in";
  /** The `ref` of the last request that came in; a client that resumes asks that no second time. */
  lastRef: number | undefined;
  readonly #host: SessionHost;
  /** The nick that `#address` was made of. */
  #addressed: Nick | undefined;
  #address = "";
  #format: Format;
  // Bytes of the session's own, and how many answers stood before them.
  #own: { readonly bytes: Bytes; readonly behind: number }[] = [];
  // Requests that wait behind an asynchronous one.
  #busy = false;
  #paused = false;
  #pending: (() => void)[] = [];
  // Answers in the order of their requests.
  #answers: Waiting[] = [];
  /** Answers that stand before what rooms will say, and what rooms said before them. */
  #placed: (Bytes | (() => void))[] = [];
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
    const { nick, server } = this.person;
    if (nick !== this.#addressed) {
      this.#addressed = nick;
      this.#address = `${nick}@${server}`;
    }
    return this.#address;
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
    inPlace = false,
    isQuiet = false,
  ): void {
    if (this.phase === "ended") return;
    const run = answered as Answered | undefined; // the answer's type follows the request's
    const asked: Asked = { type, answered: run, isQuiet, inPlace };
    if (!this.#busy) return this.#dispatch(asked, ask);
    if (this.#pending.length >= LIMITS.waitingRequestsMax) {
      const text = `${LIMITS.waitingRequestsMax} requests wait already`;
      return this.#answer(asked, failure("QUEUE_FULL", text));
    }
    this.#wait(() => this.#dispatch(asked, ask));
  }

  chunk(payload: Bytes): void {
    if (this.phase === "in") this.#host.chunk(this, payload);
  }

  /** The same, with the whole frame that it came in. */
  framedChunk(payload: Bytes, frame: Bytes): void {
    if (this.phase === "in") this.#host.chunk(this, payload, frame);
  }

  send(bytes: string | Bytes, isApart = false): void {
    if (this.phase === "ended") return;
    // What an answer sends goes at once: the next answer stands behind it.
    if (this.#answering) return this.#hand(bytes);
    const behind = isApart ? "nothing" : "all";
    if (isApart && this.#own.length === 0 && this.#answers.length === 0) {
      this.#hand(bytes);
      return this.#host.waiting(this, behind);
    }
    this.#put(typeof bytes === "string" ? encoder.encode(bytes) : bytes, behind);
  }

  /**
   * Sends a frame around a value as JSON. Unlike `send`, for what has nothing to do with what rooms
   * say: it waits for no room's rest.
   */
  sendFrame(type: number, value: object): void {
    if (this.phase === "ended") return;
    if (this.#answering) return this.outlet.collectJson(type, value);
    if (this.#own.length > 0 || this.#answers.length > 0)
      return this.#put(encodeJson(type, value), "nothing");
    // Nothing that it would have to stand behind.
    this.outlet.collectJson(type, value);
    this.#host.waiting(this, "nothing");
  }

  after(run: () => void): void {
    if (this.phase === "ended") return;
    if (this.#busy) return this.#wait(() => this.after(run));
    const told = this.#host.wholeTick + 1;
    this.#answers.push({ answered: run, answer: undefined, logged: this.#saidIn, told });
    this.#host.waiting(this, "all");
  }

  close(reason: string): void {
    this.#end(undefined, reason);
  }

  /** Closes for a reason that the client is told; and the others, unless they are told another. */
  expel(code: ErrorCode, text: string, told = text): void {
    this.#end(code, text, told);
  }

  tell(bytes: Bytes): boolean {
    if (this.#placed.length === 0) return this.outlet.send(bytes);
    this.#placed.push(bytes); // behind what waits for its place
    return true;
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
    const waits = this.#settle();
    this.#handOut();
    return waits;
  }

  /** Hands over the answers that stand in their place, before rooms say what comes behind them. */
  settlePlaced(): void {
    for (;;) {
      const next = this.#placed.shift();
      if (next === undefined) break;
      if (typeof next === "object") this.#hand(next);
      else {
        this.#handDue();
        next(); // it may ask for more, in its place
      }
    }
    this.#handOut();
  }

  // --- internal ---------------------------------------------------------------------------------

  /** What stands behind no answer that is not given yet. */
  #handDue(): void {
    for (;;) {
      const own = this.#own[0];
      if (own === undefined || own.behind > this.#answeredCount) return;
      this.#own.shift();
      this.#hand(own.bytes);
    }
  }

  #settle(): boolean {
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
        if (!this.#run(next)) return false;
      } else return this.#answers.length > 0;
    }
  }

  #isDue({ logged, told }: Waiting): boolean {
    return told <= this.#host.wholeTick && logged <= this.#host.loggedTick;
  }

  /** Behind all that waits. */
  #put(bytes: Bytes, behind: Behind): void {
    this.#own.push({ bytes, behind: this.#answeredCount + this.#answers.length });
    this.#host.waiting(this, behind);
  }

  /** Leaves the rooms, which hand over what they said until now; then the last word, the end. */
  #end(code: ErrorCode | undefined, reason: string, told = reason): void {
    if (this.phase === "ended") return;
    // Nobody waits for these answers any more, but what rooms said stands before what they say now.
    for (const one of this.#placed.splice(0)) if (typeof one === "object") this.#hand(one);
    this.#handOut();
    this.#host.ended(this, told);
    for (const { bytes } of this.#own.splice(0)) this.#hand(bytes);
    this.#handOut();
    this.doorway.close(code, reason);
  }

  /** Waits behind an asynchronous request; when many do, nothing more is read. */
  #wait(run: () => void): void {
    this.#pending.push(run);
    if (this.#pending.length < LIMITS.pendingRequestsMax || this.#paused) return;
    this.#paused = true;
    this.doorway.pause();
  }

  #hand(bytes: string | Bytes): void {
    if (!this.outlet.collect(bytes)) this.overflowed();
  }

  #handOut(): void {
    if (!this.outlet.handOut()) this.overflowed();
  }

  /** Runs what an answer does; false when it threw. */
  #run({ answered, answer, logged }: Waiting): boolean {
    this.#answering = true;
    try {
      answered(logged > 0 && this.#host.logFailed(logged) ? UNLOGGED : answer);
      return true;
    } catch (thrown) {
      this.failed("answered or after", thrown);
      return false;
    } finally {
      this.#answering = false;
    }
  }

  #dispatch(asked: Asked, ask: unknown): void {
    const outcome = this.#host.dispatch(this, asked.type, ask);
    if (outcome instanceof Promise) {
      this.#busy = true;
      whenDone(outcome, (late) => {
        this.#answer(asked, late);
        this.#goOn();
      });
      return;
    }
    this.#answer(asked, outcome);
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

  /** What rooms said until now goes first, then the answer: both before this tick's others. */
  #place(answered: Answered, answer: unknown): void {
    for (const member of this.memberships.values()) this.#placed.push(...member.group.take(member));
    this.#placed.push(() => this.#run({ answered, answer, logged: 0, told: 0 }));
    this.#host.placed(this);
  }

  #answer(asked: Asked, outcome: Outcome): void {
    const then = (answer: unknown) => this.#answer(asked, { answer });
    if ("later" in outcome) return whenDone(outcome.later, then);
    const { type, answered, isQuiet } = asked;
    if ("when" in outcome) return outcome.when(then, isQuiet || answered === undefined);
    const logged = "logged" in outcome ? (outcome.logged ?? 0) : 0;
    this.#saidIn = Math.max(this.#saidIn, logged);
    if (answered === undefined) return;
    const answer = "answer" in outcome ? outcome.answer : outcome;
    if (asked.inPlace) return this.#place(answered, answer);
    if (isQuiet && logged === 0 && wentWell(answer)) return;
    const behind = "code" in outcome ? "nothing" : (BEHIND[type] ?? "all");
    const told = behind === "nothing" ? 0 : this.#host.wholeTick + 1;
    this.#answers.push({ answered, answer, logged, told });
    this.#host.waiting(this, behind);
  }
}

/** What is said in a room is told there first; what is told apart has nothing to do with rooms. */
const BEHIND: Partial<Record<RequestName, Behind>> = { say: "rooms", tell: "nothing" };

/** Of a message: it is said, or it has arrived at one who is there. */
function wentWell(answer: unknown): boolean {
  if (isFailure(answer)) return false;
  const { outcome, away } = answer as Partial<Answer<"tell">>; // others have neither
  return (outcome === undefined || outcome === "delivered") && away === undefined;
}

const UNLOGGED = failure("INTERNAL", "it was said, but could not be written to the log");
const encoder = new TextEncoder();
