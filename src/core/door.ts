// The native door: a client's frames become requests, a session's events become frames.
//
//   hello ──login──▶ entering ──welcome──▶ in ──bye──▶ gone
//                       │ refused: back to login      │ lost: the session waits for a resume
//
// Before `in` frames are small and time is short (acceptor.ts keeps both). A frame out of its phase
// closes the connection; an unknown one in `in` is answered.

import * as v from "valibot";
import type { Bytes, Clock, Random, Wire } from "../environment.ts";
import type { ErrorCode, Failure } from "../errors.ts";
import { ERRORS, failure, isFailure, ProtocolError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { ServerName, Sid } from "../names.ts";
import type { Credential } from "../plugin/hooks.ts";
import {
  decodeJson,
  encodeFrame,
  encodeJson,
  FRAME,
  FRAME_HEAD_BYTES,
  frameName,
  type FrameReader,
  isFrameType,
  writeHead,
} from "../protocol/frame.ts";
import { ABILITIES, ClientHello, describe, parseHello, VERSION } from "../protocol/hello.ts";
import type { PersonalEvent, Welcome } from "../protocol/messages.ts";
import { Login, REQUEST_BY_TYPE } from "../protocol/messages.ts";
import type { Entrance } from "./entrance.ts";
import { encodePersonal, NATIVE } from "./format.ts";
import { Outlet } from "./outlet.ts";
import type { Doorway, LiveSession } from "./session.ts";
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
  log: { warn(event: string, fields: Readonly<Record<string, unknown>>): void };
}

/** A client's connection, once its first frame has said what it is. */
export interface NativeDoor {
  frame(type: number, payload: Bytes): boolean;
  drained(): void;
  closed(reason: string): void;
  /** Ends the connection for a reason that the client is told. */
  refuse(failed: Failure): void;
  readonly entered: boolean;
}

/** What an answer names its request by. */
const RefNumber = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(LIMITS.counterMax));
const Ref = v.object({ ref: v.optional(RefNumber) });
const CHUNK_HEAD = new Uint8Array(FRAME_HEAD_BYTES);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Makes a door of a wire. `entered` and `left` tell when the login deadline counts no more. */
export function createDoor(
  options: DoorOptions,
  wire: Wire,
  reader: FrameReader,
  entered: () => void,
): NativeDoor {
  const { clock, tick, sessions } = options;
  let phase: "hello" | "login" | "entering" | "in" | "gone" = "hello";
  let session: LiveSession | undefined;
  /** What the session is told between its making and its welcome: some microtasks. */
  const early: (() => void)[] = [];
  let heardAt = clock.monotonic();
  let cancelIdle: (() => void) | undefined;
  /** What is run when a ping comes back that was sent behind something, by its payload. */
  const awaited = new Map<string, () => void>();
  let pings = 0;
  /** Resumed, and nothing was heard yet that shows that the welcome has arrived. */
  let unconfirmed = false;

  const write = (bytes: Bytes) => {
    wire.send("room", bytes);
    tick.wire(wire);
  };
  const isGone = () => phase === "gone";
  const close = (code: ErrorCode | undefined, text: string) => {
    if (isGone()) return;
    phase = "gone";
    cancelIdle?.();
    // An error without a ref is of this connection alone: not counted, and not sent again.
    const last = code === undefined ? undefined : encodeJson(FRAME.error, failure(code, text));
    // Behind what is queued; before it where the queue is full.
    if (last !== undefined && !wire.send("room", last)) wire.send("control", last);
    wire.flush();
    wire.close(code === undefined ? text : `${code}: ${text}`);
  };
  const personal = (event: PersonalEvent) => {
    if (session === undefined) return void early.push(() => personal(event));
    if (event.type !== "chunk") return session.send(encodePersonal(event));
    writeHead(CHUNK_HEAD, 0, FRAME.chunk, event.chunk.length);
    if (session.outlet.sendChunk([CHUNK_HEAD, event.chunk])) return;
    options.chunkRefused(event.chunk.subarray(0, 16).toHex());
  };
  const reached = (run: () => void) => {
    if (session === undefined) early.push(() => reached(run));
    session?.after(() => {
      const payload = JSON.stringify({ reached: ++pings });
      awaited.set(payload, run);
      const [oldest = ""] = awaited.keys(); // of one that answers no pings
      if (awaited.size > LIMITS.reachedAwaitedMax) awaited.delete(oldest);
      write(encodeFrame(FRAME.ping, encoder.encode(payload)));
    });
  };
  const ponged = (payload: Bytes) => {
    if (awaited.size === 0) return;
    const text = decoder.decode(payload);
    const run = awaited.get(text);
    awaited.delete(text);
    run?.();
  };
  const doorway: Doorway = {
    personal,
    reached,
    close,
    refuse: (failed) => write(encodeJson(FRAME.error, failed)),
    pause: () => wire.pause(),
    resume: () => wire.resume(),
  };
  const outlet = new Outlet(wire, true, tick.outlet);

  /** Asks a silent client whether it is there, and closes one that does not answer. */
  const watch = () => {
    const quiet = clock.monotonic() - heardAt;
    if (quiet >= LIMITS.idleMsMax + LIMITS.pongMsMax)
      return close("IDLE_TIMEOUT", `nothing was heard for ${Math.round(quiet / 1000)} s`);
    if (quiet >= LIMITS.idleMsMax) write(encodeJson(FRAME.ping, {}));
    const next = quiet >= LIMITS.idleMsMax ? LIMITS.pongMsMax : LIMITS.idleMsMax - quiet;
    cancelIdle = clock.after(Math.max(next, 1000), watch);
  };
  const lose = (lost: LiveSession) => {
    if (lost.phase !== "in" || lost.doorway !== doorway) return;
    lost.phase = "lost";
    lost.outlet.detach();
    options.lost(lost);
    sessions.lost(lost, () => lost.close("it did not come back"));
  };
  const welcome = (here: LiveSession, redeemed?: string): Bytes => {
    const { account } = here.person;
    const body: Welcome = {
      nick: here.nick,
      server: here.server,
      ...(account === undefined ? {} : { account }),
      resume: sessions.issueToken(here, redeemed),
      resumed: redeemed !== undefined,
      ...(redeemed === undefined || here.lastRef === undefined ? {} : { lastRef: here.lastRef }),
      lobby: "#lobby",
      rooms: [...here.memberships.keys()],
      fusion: options.fusion(),
    };
    return encodeJson(FRAME.welcome, body);
  };
  const begin = (here: LiveSession) => {
    session = here;
    phase = "in";
    reader.limit = LIMITS.frameBytesMax;
    wire.bound("room", LIMITS.outboxBytesMax);
    wire.bound("bulk", LIMITS.outboxBulkBytesMax);
    entered();
    heardAt = clock.monotonic();
    cancelIdle = clock.after(LIMITS.idleMsMax, watch);
    for (const run of early.splice(0)) run();
  };
  const resume = (token: string, received: number, nick: string): Failure | undefined => {
    const found = sessions.redeem(token);
    if (found === undefined || found.nick !== nick)
      return failure("RESUME_FAILED", "no session waits under this token; log in again");
    if (found.phase === "in") {
      found.doorway.close("SESSION_REPLACED", "resumed elsewhere");
      options.lost(found); // chunks under way were swallowed with the wire
    }
    found.outlet.detach();
    if (!found.outlet.attach(wire, received, welcome(found, token))) {
      found.close("what it missed is not kept any more");
      return failure("RESUME_FAILED", "what was missed is not kept any more; log in again");
    }
    sessions.found(found);
    unconfirmed = true;
    found.doorway = doorway;
    found.phase = "in";
    begin(found);
    options.resumed(found);
    return undefined;
  };
  const login = async (ask: Login): Promise<void> => {
    phase = "entering";
    let refused: Failure | undefined;
    if (ask.resume !== undefined) refused = resume(ask.resume.token, ask.resume.received, ask.nick);
    else {
      const credential: Credential =
        ask.password === undefined
          ? { kind: "none" }
          : { kind: "password", password: ask.password };
      const result = await options.entrance().enter({
        nick: ask.nick,
        credential,
        remote: wire.remote,
        secure: wire.secure,
        fingerprint: undefined,
        doorName: "native",
        format: NATIVE,
        outlet,
        doorway,
        open: () => phase === "entering",
      });
      if (isFailure(result)) refused = result;
      else {
        wire.send("room", welcome(result)); // stands before all that the session is told
        outlet.begin();
        tick.wire(wire);
        begin(result);
      }
    }
    if (refused === undefined || isGone()) return;
    phase = "login";
    if (ERRORS[refused.code].closes) return close(refused.code, refused.text);
    write(encodeJson(FRAME.error, refused));
  };

  const stranger = (type: number, payload: Bytes): boolean => {
    if (type === FRAME.hello && phase === "hello") {
      parseHello(ClientHello, decodeJson(payload));
      phase = "login";
      const abilities = ABILITIES;
      const hello = { version: VERSION, abilities, server: options.self, sid: options.sid() };
      write(encodeJson(FRAME.hello, hello));
      return true;
    }
    if (type === FRAME.login && phase === "login") {
      const parsed = v.safeParse(Login, decodeJson(payload));
      if (!parsed.success)
        throw new ProtocolError("BAD_FRAME", `login: ${describe(parsed.issues)}`);
      login(parsed.output).catch((thrown: unknown) => {
        options.log.warn("login failed", { error: String(thrown) });
        close("INTERNAL", "the server met a fault of its own; it has been logged");
      });
      return true;
    }
    if (type === FRAME.bye) {
      phase = "gone";
      wire.close("the client left");
      return false;
    }
    throw outOfPhase(type, phase);
  };
  /** A newer client's request is answered; what no client ever sends ends the connection. */
  const unexpected = (here: LiveSession, type: number, payload: Bytes): void => {
    if (isFrameType(type)) throw outOfPhase(type, phase);
    const text = `${frameName(type)} is not a request of protocol version ${VERSION.major}`;
    const refused = failure("UNKNOWN_TYPE", text);
    const ref = refIn(payload);
    if (ref === undefined) write(encodeJson(FRAME.error, refused));
    else here.send(encodeJson(FRAME.error, { ref, ...refused }));
  };
  const asked = (here: LiveSession, type: number, payload: Bytes): void => {
    const name = REQUEST_BY_TYPE.get(type);
    if (name === undefined) return unexpected(here, type, payload);
    const ask = decodeJson(payload);
    const parsed = v.safeParse(Ref, ask);
    if (!parsed.success)
      throw new ProtocolError("BAD_FRAME", `${name}: ${describe(parsed.issues)}`);
    const { ref } = parsed.output;
    here.lastRef = ref ?? here.lastRef;
    const answered = (answer: unknown) => {
      if (isFailure(answer) && ref === undefined) write(encodeJson(FRAME.error, answer));
      else if (isFailure(answer)) here.send(encodeJson(FRAME.error, { ref, ...answer }));
      else if (ref !== undefined) here.send(encodeJson(FRAME.ack, { ref, ...(answer as object) }));
    };
    here.request(name, ask as never, answered); // parsed by the request's own shape
  };

  const take = (type: number, payload: Bytes): boolean => {
    heardAt = clock.monotonic();
    if (phase === "gone") return false;
    if (unconfirmed && session !== undefined) sessions.confirm(session);
    unconfirmed = false;
    if (type === FRAME.ping) write(encodeFrame(FRAME.pong, payload));
    else if (type === FRAME.pong) ponged(payload);
    else if (phase !== "in" || session === undefined) return stranger(type, payload);
    else if (type === FRAME.chunk) session.chunk(payload);
    else if (type === FRAME.bye) {
      const leaving = session;
      write(encodeJson(FRAME.bye, {}));
      phase = "gone";
      cancelIdle?.();
      leaving.close("left");
      wire.flush();
      wire.close("the client left");
      return false;
    } else asked(session, type, payload);
    return true;
  };

  return {
    get entered() {
      return phase === "in";
    },
    frame(type, payload) {
      try {
        return take(type, payload);
      } catch (thrown) {
        // Its frames are whole all the same: it is told, and goes on.
        const goesOn = thrown instanceof ProtocolError && !ERRORS[thrown.code].closes;
        if (!goesOn || phase === "hello") throw thrown;
        write(encodeJson(FRAME.error, failure(thrown.code, thrown.text)));
        return true;
      }
    },
    drained() {},
    closed() {
      phase = "gone";
      cancelIdle?.();
      if (session !== undefined) lose(session);
    },
    refuse: (failed) => close(failed.code, failed.text),
  };
}

// --- internal -----------------------------------------------------------------------------------

const outOfPhase = (type: number, phase: string) =>
  new ProtocolError("OUT_OF_PHASE", `${frameName(type)} is not expected in phase ${phase}`);

/** The ref in a frame of an unknown type, which may hold anything. */
function refIn(payload: Bytes): number | undefined {
  try {
    const parsed = v.safeParse(Ref, decodeJson(payload));
    return parsed.success ? parsed.output.ref : undefined;
  } catch (thrown) {
    if (thrown instanceof ProtocolError) return undefined;
    throw thrown;
  }
}
