// The native door: a client's frames become requests, a session's events become frames.
//
//   hello ──login──▶ entering ──welcome──▶ in ──bye──▶ gone
//                       │ refused: back to login      │ lost: the session waits for a resume
//
// Before `in` frames are small and time is short (acceptor.ts keeps both). A frame out of its phase
// closes the connection; an unknown one in `in` is answered.

import * as v from "valibot";
import type { Bytes, Clock, Millis, Random, Wire } from "../environment.ts";
import type { ErrorCode, Failure } from "../errors.ts";
import { ERRORS, failure, isFailure, ProtocolError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { ServerName, Sid } from "../names.ts";
import type { Credential } from "../plugin/hooks.ts";
import { refIn, refOf } from "../protocol/asks.ts";
import {
  decodeJson,
  encodeFrame,
  encodeJson,
  FRAME,
  FRAME_HEAD_BYTES,
  frameName,
  frameOf,
  FrameReader,
  isFrameType,
  writeHead,
} from "../protocol/frame.ts";
import { ABILITIES, ClientHello, describe, parseHello, VERSION } from "../protocol/hello.ts";
import type { Welcome } from "../protocol/messages.ts";
import { Login, REQUEST_BY_TYPE } from "../protocol/messages.ts";
import type { Entrance } from "./entrance.ts";
import { NATIVE, sendPersonal } from "./format.ts";
import type { Keeper } from "./outlet.ts";
import { Outlet } from "./outlet.ts";
import { Pings } from "./pings.ts";
import type { LiveSession } from "./session.ts";
import type { Doorway } from "./session-host.ts";
import type { Sessions } from "./sessions.ts";
import type { Tick } from "./tick.ts";

export interface DoorOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly tick: Tick<LiveSession>;
  readonly self: ServerName;
  readonly sid: () => Sid;
  readonly entrance: () => Entrance;
  readonly sessions: Sessions;
  readonly fusion: () => readonly string[];
  /** The wire of a session broke: its transfers are interrupted. */
  lost(session: LiveSession): void;
  /** It is back, on another wire. */
  resumed(session: LiveSession): void;
  /** A chunk could not be handed to this session's wire. */
  chunkRefused(transfer: string): void;
  /** What was read is worked off: chunks in it are handed on. */
  worked(): void;
  log: { warn(event: string, fields: Readonly<Record<string, unknown>>): void };
}

/** A client's connection, once its first frame has said what it is. */
export interface NativeDoor extends Pick<Doorway, "pause" | "resume"> {
  /** Something has come; `frame` is told what. */
  heard(): void;
  /** False: nothing more is taken. */
  frame(type: number, payload: Bytes): boolean;
  /** All that has come is worked off, and its bytes may be used again. */
  worked(): void;
  closed(): void;
  /** Ends the connection for a reason that the client is told. */
  end(failed: Failure): void;
}

const CHUNK_HEAD = new Uint8Array(FRAME_HEAD_BYTES);
const outOfPhase = (type: number, phase: string) =>
  new ProtocolError("OUT_OF_PHASE", `${frameName(type)} is not expected in phase ${phase}`);

/** A class, since there are very many of them. */
export class Door implements NativeDoor, Doorway, Keeper {
  readonly #options: DoorOptions;
  readonly #wire: Wire;
  readonly #reader: FrameReader;
  /** Tells that the login deadline counts no more. */
  readonly #entered: () => void;
  readonly #outlet: Outlet;
  #phase: "hello" | "login" | "entering" | "in" | "gone" = "hello";
  #session: LiveSession | undefined;
  /** What the session is told between its making and its welcome: some microtasks. */
  #early: (() => void)[] | undefined;
  #heardAt: Millis;
  #cancelIdle: (() => void) | undefined;
  readonly #pings = new Pings();
  #askedAt: Millis = Number.NEGATIVE_INFINITY;
  #isBack = false; // it came to go on with a session
  #pauses = 0; // the session's, the acceptor's
  /** Resumed, and nothing was heard yet that shows that the welcome has arrived. */
  #unconfirmed = false;

  constructor(options: DoorOptions, wire: Wire, reader: FrameReader, entered: () => void) {
    this.#options = options;
    this.#wire = wire;
    this.#reader = reader;
    this.#entered = entered;
    this.#outlet = new Outlet(wire, this, options.tick.outlet);
    this.#heardAt = options.clock.monotonic();
  }

  // --- the acceptor's side ---

  heard(): void {
    this.#heardAt = this.#options.clock.monotonic();
  }

  frame(type: number, payload: Bytes): boolean {
    try {
      return this.#take(type, payload);
    } catch (thrown) {
      // Its frames are whole all the same: it is told, and goes on.
      const goesOn = thrown instanceof ProtocolError && !ERRORS[thrown.code].closes;
      if (!goesOn || this.#phase === "hello") throw thrown;
      this.refuse(failure(thrown.code, thrown.text));
      return true;
    }
  }

  worked(): void {
    this.#options.worked();
  }

  closed(): void {
    this.#phase = "gone";
    this.#cancelIdle?.();
    if (this.#session !== undefined) this.#lose(this.#session);
  }

  end({ code, text }: Failure): void {
    this.close(code, text);
  }

  // --- the session's side ---

  personal(event: Parameters<Doorway["personal"]>[0]): void {
    const session = this.#session;
    if (session === undefined) return this.#soon(() => this.personal(event));
    if (event.type !== "chunk") return sendPersonal(session, event);
    writeHead(CHUNK_HEAD, 0, FRAME.chunk, event.chunk.length);
    if (session.outlet.sendChunk([CHUNK_HEAD, event.chunk])) return;
    this.#options.chunkRefused(event.chunk.subarray(0, 16).toHex());
  }

  chunks(frames: Bytes): void {
    if (this.#session?.outlet.sendChunk([frames]) === true) return;
    // One transfer's or several ones': each is told once.
    const reader = new FrameReader(LIMITS.frameBytesMax);
    reader.push(frames, (_, chunk) => this.#options.chunkRefused(chunk.subarray(0, 16).toHex()));
  }

  reached(run: () => void): void {
    if (this.#session === undefined) return this.#soon(() => this.reached(run));
    this.#session.after(() => this.#write(this.#pings.ping(run)));
  }

  askArrived(everyMs: Millis): void {
    const now = this.#options.clock.monotonic();
    if (now - this.#askedAt < everyMs || this.#phase !== "in") return;
    this.#askedAt = now;
    const outlet = this.#session?.outlet;
    const sent = outlet?.sent ?? 0;
    this.#write(this.#pings.ping(() => outlet?.arrived(sent)));
  }

  close(code: ErrorCode | undefined, text: string): void {
    if (this.#isGone()) return;
    this.#phase = "gone";
    this.#cancelIdle?.();
    const wire = this.#wire;
    // An error without a ref is of this connection alone: not counted, and not sent again.
    const last = code === undefined ? undefined : encodeJson(FRAME.error, failure(code, text));
    // Behind what is queued; before it where the queue is full.
    if (last !== undefined && !wire.send("room", last)) wire.send("control", last);
    wire.flush();
    wire.close(code === undefined ? text : `${code}: ${text}`);
  }

  refuse(failed: Failure): void {
    this.#write(encodeJson(FRAME.error, failed));
  }

  pause(): void {
    if (++this.#pauses === 1) this.#wire.pause();
  }

  resume(): void {
    if (this.#pauses > 0 && --this.#pauses === 0) this.#wire.resume();
  }

  // --- internal: before it is in ---

  #stranger(type: number, payload: Bytes): boolean {
    const { self, sid, log } = this.#options;
    if (type === FRAME.hello && this.#phase === "hello") {
      parseHello(ClientHello, decodeJson(payload));
      this.#phase = "login";
      const hello = { version: VERSION, abilities: ABILITIES, server: self, sid: sid() };
      this.#write(encodeJson(FRAME.hello, hello));
      return true;
    }
    if (type === FRAME.login && this.#phase === "login") {
      const parsed = v.safeParse(Login, decodeJson(payload));
      if (!parsed.success)
        throw new ProtocolError("BAD_FRAME", `login: ${describe(parsed.issues)}`);
      this.#login(parsed.output).catch((thrown: unknown) => {
        log.warn("login failed", { error: String(thrown) });
        this.close("INTERNAL", "the server met a fault of its own; it has been logged");
      });
      return true;
    }
    if (type === FRAME.bye) {
      this.#phase = "gone";
      this.#wire.close("the client left");
      return false;
    }
    throw outOfPhase(type, this.#phase);
  }

  async #login(ask: Login): Promise<void> {
    this.#phase = "entering";
    if (ask.resume !== undefined) this.#isBack = true;
    const refused = ask.resume === undefined ? await this.#enter(ask) : this.#resume(ask);
    if (refused === undefined || this.#isGone()) return;
    this.#phase = "login";
    if (ERRORS[refused.code].closes) return this.close(refused.code, refused.text);
    this.refuse(refused);
  }

  async #enter({ nick, password }: Login): Promise<Failure | undefined> {
    const wire = this.#wire;
    const credential: Credential =
      password === undefined ? { kind: "none" } : { kind: "password", password };
    const session = await this.#options.entrance().enter({
      nick,
      credential,
      remote: wire.remote,
      secure: wire.secure,
      fingerprint: undefined,
      doorName: "native",
      format: NATIVE,
      outlet: this.#outlet,
      doorway: this,
      isBack: this.#isBack,
      open: () => this.#phase === "entering",
    });
    if (isFailure(session)) return session;
    wire.send("room", this.#welcome(session)); // stands before all that the session is told
    this.#outlet.begin();
    this.#options.tick.wire(wire);
    this.#begin(session);
    return undefined;
  }

  #resume({ resume, nick }: Login): Failure | undefined {
    const { sessions } = this.#options;
    const { token, received } = resume ?? { token: "", received: 0 };
    const found = sessions.redeem(token);
    if (found === undefined || found.nick !== nick)
      return failure("RESUME_FAILED", "no session waits under this token; log in again");
    const refused = this.#options.entrance().readmits(found, this.#wire.remote);
    if (refused !== undefined) return refused;
    if (found.phase === "in") {
      found.doorway.close("SESSION_REPLACED", "resumed elsewhere");
      this.#options.lost(found); // chunks under way were swallowed with the wire
    }
    found.outlet.detach();
    if (!found.outlet.attach(this.#wire, this, received, this.#welcome(found, token))) {
      found.close("what it missed is not kept any more");
      return failure("RESUME_FAILED", "what was missed is not kept any more; log in again");
    }
    sessions.found(found);
    this.#unconfirmed = true;
    found.doorway = this;
    found.phase = "in";
    this.#begin(found);
    this.#options.resumed(found);
    return undefined;
  }

  #welcome(here: LiveSession, redeemed?: string): Bytes {
    const { account } = here.person;
    const body: Welcome = {
      nick: here.nick,
      server: here.server,
      ...(account === undefined ? {} : { account }),
      resume: this.#options.sessions.issueToken(here, redeemed),
      resumed: redeemed !== undefined,
      ...(redeemed === undefined || here.lastRef === undefined ? {} : { lastRef: here.lastRef }),
      lobby: "#lobby",
      rooms: [...here.memberships.keys()],
      fusion: this.#options.fusion(),
    };
    return encodeJson(FRAME.welcome, body);
  }

  #begin(here: LiveSession): void {
    this.#session = here;
    this.#phase = "in";
    this.#reader.limit = LIMITS.frameBytesMax;
    this.#wire.bound("room", LIMITS.outboxBytesMax);
    this.#wire.bound("bulk", LIMITS.outboxBulkBytesMax);
    this.#entered();
    this.#heardAt = this.#options.clock.monotonic();
    this.#cancelIdle = this.#options.clock.after(LIMITS.idleMsMax, this.#watch);
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const run of early) run();
  }

  // --- internal: when it is in ---

  #take(type: number, payload: Bytes): boolean {
    if (this.#isGone()) return false;
    const session = this.#session;
    if (this.#unconfirmed && session !== undefined) this.#options.sessions.confirm(session);
    this.#unconfirmed = false;
    if (type === FRAME.ping) this.#write(encodeFrame(FRAME.pong, payload));
    else if (type === FRAME.pong) this.#pings.ponged(payload);
    else if (this.#phase !== "in" || session === undefined) return this.#stranger(type, payload);
    else if (type === FRAME.chunk) session.framedChunk(payload, frameOf(payload));
    else if (type === FRAME.bye) {
      this.#leave(session);
      return false;
    } else this.#asked(session, type, payload);
    return true;
  }

  #asked(here: LiveSession, type: number, payload: Bytes): void {
    const name = REQUEST_BY_TYPE.get(type);
    if (name === undefined) return this.#unexpected(here, type, payload);
    const ask = decodeJson(payload);
    const ref = refOf(name, ask);
    const answered = (answer: unknown) => {
      if (isFailure(answer) && ref === undefined) this.refuse(answer);
      else if (isFailure(answer)) here.sendFrame(FRAME.error, { ref, ...answer });
      else if (ref !== undefined) here.sendFrame(FRAME.ack, { ref, ...(answer as object) });
    };
    here.lastRef = ref ?? here.lastRef;
    here.request(name, ask as never, answered, false, ref === undefined); // parsed by its own shape
  }

  /** A newer client's request is answered; what no client ever sends ends the connection. */
  #unexpected(here: LiveSession, type: number, payload: Bytes): void {
    if (isFrameType(type)) throw outOfPhase(type, this.#phase);
    const text = `${frameName(type)} is not a request of protocol version ${VERSION.major}`;
    const refused = failure("UNKNOWN_TYPE", text);
    const ref = refIn(payload);
    if (ref === undefined) this.refuse(refused);
    else here.send(encodeJson(FRAME.error, { ref, ...refused }));
  }

  #leave(session: LiveSession): void {
    this.#write(encodeJson(FRAME.bye, {}));
    this.#phase = "gone";
    this.#cancelIdle?.();
    session.close("left");
    this.#wire.flush();
    this.#wire.close("the client left");
  }

  #lose(lost: LiveSession): void {
    if (lost.phase !== "in" || lost.doorway !== this) return;
    lost.phase = "lost";
    lost.outlet.detach();
    this.#options.lost(lost);
    this.#options.sessions.lost(lost, () => lost.close("it did not come back"));
  }

  /** Asks a silent client whether it is there, and closes one that does not answer. */
  readonly #watch = (): void => {
    const { clock } = this.#options;
    const quiet = clock.monotonic() - this.#heardAt;
    if (quiet >= LIMITS.idleMsMax + LIMITS.pongMsMax)
      return this.close("IDLE_TIMEOUT", `nothing was heard for ${Math.round(quiet / 1000)} s`);
    if (quiet >= LIMITS.idleMsMax) this.askArrived(LIMITS.resumeAskMs);
    const until = LIMITS.idleMsMax + (quiet >= LIMITS.idleMsMax ? LIMITS.pongMsMax : 0);
    this.#cancelIdle = clock.after(Math.max(until - quiet, 1000), this.#watch);
  };

  #soon(run: () => void): void {
    (this.#early ??= []).push(run);
  }

  #write(bytes: Bytes): void {
    this.#wire.send("room", bytes);
    this.#options.tick.wire(this.#wire);
  }

  #isGone(): boolean {
    return this.#phase === "gone";
  }
}
