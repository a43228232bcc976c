// One connection to a server, from the dial to its end. It says hello and logs in, cuts frames,
// answers pings and notices silence; what the frames mean is the client's business.
//
//   greeting ──hello──▶ entering ──welcome──▶ in ──▶ gone
//       │                  │  ▲                       ▲
//       │                  └──┘ refused: try again    │
//       └──────── anything else, a deadline ──────────┘
//
// Invariants:
// 1. `handlers.frame` is called only between `handlers.welcome` and `handlers.closed`.
// 2. `handlers.closed` is called once, last, and never from within `send` or `login`.
// 3. `received` counts exactly the frames that the server counts for a resume.

import type { Bytes, Clock, Wire, WireHandlers } from "../environment.ts";
import { ChatFusionError, ERRORS, ProtocolError } from "../errors.ts";
import type { ErrorCode, Failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { visible } from "../names.ts";
import { decodeJson, encodeFrame, encodeJson } from "../protocol/frame.ts";
import { FRAME, FRAME_HEAD_BYTES, FrameReader, frameName } from "../protocol/frame.ts";
import { ABILITIES, parseHello, ServerHello, VERSION } from "../protocol/hello.ts";
import type { Login, Welcome } from "../protocol/messages.ts";
import * as shape from "./shape.ts";

export interface ConnectionHandlers {
  /** Frames follow, maybe before this turn ends. */
  welcome(welcome: Welcome): void;
  /** Of any type but those of the connection itself. The payload is borrowed. */
  frame(type: number, payload: Bytes): void;
  /** The outbox is empty again after it was not. */
  drained(): void;
  closed(failure: ChatFusionError): void;
}

/** A refusal without a `ref`, as the server said it. */
interface Refusal {
  readonly code: ErrorCode;
  readonly text: string;
}

export class Connection implements WireHandlers {
  /** Bytes of whole frames handled since the session's first welcome, without those of P29. */
  received = 0;
  readonly #wire: Wire;
  readonly #where: string;
  readonly #clock: Clock;
  readonly #handlers: ConnectionHandlers;
  readonly #reader = new FrameReader(LIMITS.frameBytesMaxBeforeEntry);
  readonly #greeted = Promise.withResolvers<ServerHello>();
  #phase: "greeting" | "entering" | "in" | "gone" = "greeting";
  #entering: PromiseWithResolvers<Welcome> | undefined;
  /** Why it is being closed, once that is known. */
  #why: ChatFusionError | undefined;
  #heard = false;
  #cancelTimer: () => void;

  constructor(wire: Wire, where: string, clock: Clock, handlers: ConnectionHandlers) {
    this.#wire = wire;
    this.#where = where;
    this.#clock = clock;
    this.#handlers = handlers;
    this.#cancelTimer = clock.after(LIMITS.handshakeMsMax, () => this.#silent());
  }

  /** Whoever could read it on the way sees nothing: TLS, or this machine. */
  get secure(): boolean {
    return this.#wire.secure;
  }

  /** Says hello. Resolves to the server's; rejects with why it is none of ours. */
  greet(agent: string): Promise<ServerHello> {
    this.send(FRAME.hello, { version: VERSION, abilities: ABILITIES, agent });
    this.flush();
    return this.#greeted.promise;
  }

  /**
   * Logs in. Rejects with the server's refusal; while the connection is not closed by it, another
   * login may be tried. One at a time.
   */
  login(login: Login): Promise<Welcome> {
    const entering = Promise.withResolvers<Welcome>();
    if (this.#phase !== "entering") entering.reject(this.#why ?? this.#gone("it is gone"));
    else if (this.send(FRAME.login, login)) {
      this.#entering = entering;
      this.received = login.resume?.received ?? 0;
      this.flush();
    } else entering.reject(new ChatFusionError("BAD_REQUEST", "the login is too large"));
    return entering.promise;
  }

  /** Queues one frame until `flush`. False when the outbox has no room, or when closed. */
  send(type: number, value: unknown): boolean {
    return this.sendFrame(encodeJson(type, value));
  }

  /** Likewise, for an encoded frame, which is given; in the bulk lane behind all chunks. */
  sendFrame(frame: Bytes, lane: "room" | "bulk" = "room"): boolean {
    return this.#wire.send(lane, frame);
  }

  /** Writes borrowed bytes of a file, at once or behind all chat. False when closed. */
  sendChunk(frame: Bytes): boolean {
    return this.#wire.sendBorrowed("bulk", [frame]);
  }

  /** Bytes of files that have not left yet. */
  get chunksQueued(): number {
    return this.#wire.queuedBytes("bulk");
  }

  flush(): void {
    this.#wire.flush();
  }

  /** Says bye and closes; `closed` follows. */
  leave(): void {
    this.send(FRAME.bye, {});
    this.close(this.#gone("closed here"));
  }

  /** Closes because of something; the first reason counts. */
  close(why: ChatFusionError): void {
    this.#why ??= why;
    this.#wire.close(`${why.code}: ${why.text}`);
  }

  // --- the wire's side --------------------------------------------------------------------------

  data(chunk: Bytes): void {
    this.#heard = true;
    try {
      this.#reader.push(chunk, (type, payload) => this.#frame(type, payload));
    } catch (thrown) {
      if (!(thrown instanceof ChatFusionError)) throw thrown;
      this.close(this.#phase === "greeting" ? this.#stranger(thrown) : thrown);
    }
  }

  drained(): void {
    if (this.#phase === "in") this.#handlers.drained();
  }

  closed(reason: string): void {
    this.#phase = "gone";
    this.#cancelTimer();
    const why = this.#why ?? this.#gone(reason);
    this.#greeted.reject(why);
    // Who greets hears of it by `closed` as well.
    this.#greeted.promise.catch(() => undefined);
    this.#entering?.reject(why);
    this.#entering = undefined;
    this.#handlers.closed(why);
  }

  // --- internal ---------------------------------------------------------------------------------

  /** Returns false when nothing more is to be read. */
  #frame(type: number, payload: Bytes): boolean {
    if (this.#why !== undefined || this.#phase === "gone") return false;
    if (type === FRAME.ping) {
      this.#wire.send("control", encodeFrame(FRAME.pong, payload));
      this.flush();
      return true;
    }
    if (type === FRAME.pong) return true;
    if (this.#phase === "in") {
      const refusal =
        type === FRAME.error ? shape.read(type, shape.ErrorShape, payload) : undefined;
      // What is of this connection alone is not sent again: errors without a ref, and chunks.
      const counts = type !== FRAME.chunk && (refusal === undefined || refusal.ref !== undefined);
      if (counts) this.received += FRAME_HEAD_BYTES + payload.length;
      if (
        refusal !== undefined &&
        refusal.ref === undefined &&
        this.#refusedAll(refusalOf(refusal))
      )
        return false;
      if (type === FRAME.bye) this.close(this.#gone("the server said goodbye"));
      else this.#handlers.frame(type, payload);
      return this.#why === undefined;
    }
    this.#enter(type, payload);
    return this.#why === undefined;
  }

  #enter(type: number, payload: Bytes): void {
    if (type === FRAME.error) {
      const { code, text } = refusalOf(shape.read(type, shape.ErrorShape, payload));
      const why = new ChatFusionError(code, text);
      if (ERRORS[code].closes || this.#phase === "greeting") this.close(why);
      this.#entering?.reject(why);
      this.#entering = undefined;
    } else if (type === FRAME.hello && this.#phase === "greeting") {
      const hello = parseHello(ServerHello, decodeJson(payload));
      this.#phase = "entering";
      this.#reader.limit = LIMITS.serverFrameBytesMax;
      this.#greeted.resolve(hello);
    } else if (type === FRAME.welcome && this.#entering !== undefined) {
      const welcome = shape.read(type, shape.WelcomeShape, payload);
      this.#phase = "in";
      this.#cancelTimer();
      this.#watch();
      this.#handlers.welcome(welcome);
      this.#entering.resolve(welcome);
      this.#entering = undefined;
    } else throw new ProtocolError("OUT_OF_PHASE", `${frameName(type)} came before the welcome`);
  }

  /** An error that closes ends it all, with or without a `ref`. */
  #refusedAll(refusal: Failure): boolean {
    if (!ERRORS[refusal.code].closes) return false;
    this.close(new ChatFusionError(refusal.code, refusal.text));
    return true;
  }

  /** A server pings before its silence is this long; so does the client, for those that do not. */
  #watch(): void {
    this.#cancelTimer = this.#clock.after(LIMITS.idleMsMax + LIMITS.pongMsMax, () => {
      if (!this.#heard) {
        this.#wire.send("control", encodeJson(FRAME.ping, {}));
        this.flush();
        this.#cancelTimer = this.#clock.after(LIMITS.pongMsMax, () => this.#silent());
        this.#heard = false;
        return;
      }
      this.#heard = false;
      this.#watch();
    });
  }

  #silent(): void {
    if (this.#phase === "in" && this.#heard) return this.#watch();
    const ms =
      this.#phase === "in" ? LIMITS.idleMsMax + 2 * LIMITS.pongMsMax : LIMITS.handshakeMsMax;
    this.close(this.#gone(`no answer within ${Math.round(ms / 1000)} s`));
  }

  #gone(text: string): ChatFusionError {
    return new ChatFusionError("CANNOT_CONNECT", `${this.#where}: ${text}`);
  }

  /** Whatever does not begin with our hello is something else, but for another version of it. */
  #stranger(thrown: ChatFusionError): ChatFusionError {
    if (thrown.code === "VERSION") return thrown;
    const text = `${this.#where}: what answered there is not ChatFusion (${thrown.text})`;
    return new ChatFusionError("NOT_CHATFUSION", text, thrown);
  }
}

/** A refusal with a code of ours; another code goes into its text. */
export function refusalOf({
  code,
  text,
}: {
  readonly code: string;
  readonly text: string;
}): Refusal {
  // Its own keys only: "constructor" is no code.
  if (Object.hasOwn(ERRORS, code)) return { code: code as ErrorCode, text }; // as just checked
  return { code: "INTERNAL", text: `${visible(code)}: ${text}` };
}
