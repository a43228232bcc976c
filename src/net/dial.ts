// Opening a connection to somebody else: plain, or TLS with a certificate that no authority
// vouches for but that the caller knows by its fingerprint.

import type { Socket } from "bun";
import type { Bytes, DialOptions, Wire, WireHandlers } from "../environment.ts";
import { ChatFusionError, type ErrorCode } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { NetParts } from "./net.ts";
import {
  SocketSink,
  closeReason,
  codeOf,
  endsOf,
  formatRemote,
  isLoopback,
  readOnce,
} from "./socket.ts";
import { handshakeFailure, peerFingerprint } from "./tls.ts";
import { boundUnsent } from "./unsent.ts";
import { SinkWire } from "./wire.ts";

/** Resolves when the wire is open; rejects with `CANNOT_CONNECT` or `CERTIFICATE_CHANGED`. */
export function dial(
  parts: NetParts,
  at: DialOptions,
  opened: (wire: Wire) => WireHandlers,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const call = new Call(parts, at, { opened, resolve, reject });
  call.start();
  return promise;
}

// --- internal ---

interface Caller {
  readonly opened: (wire: Wire) => WireHandlers;
  readonly resolve: () => void;
  readonly reject: (error: ChatFusionError) => void;
}

/** One dialled connection: until it is open or has failed, and then its transport's side. */
class Call {
  readonly #parts: NetParts;
  readonly #at: DialOptions;
  readonly #caller: Caller;
  #phase: "dialling" | "wire" | "gone" = "dialling";
  #cancelDeadline: (() => void) | undefined;
  #socket: Socket<Call> | undefined;
  #sink: SocketSink<Call> | undefined;
  #wire: SinkWire | undefined;

  constructor(parts: NetParts, at: DialOptions, caller: Caller) {
    this.#parts = parts;
    this.#at = at;
    this.#caller = caller;
  }

  start(): void {
    const { clock, connections } = this.#parts;
    if (connections.open >= connections.max) return this.#fail("too many connections are open");
    this.#cancelDeadline = clock.after(LIMITS.dialMsMax, () => {
      this.#fail(`timed out after ${Math.round(LIMITS.dialMsMax / 1000)} s`);
    });
    this.#connect().catch((error: unknown) => {
      this.#fail(dialTexts[codeOf(error)] ?? (error instanceof Error ? error.message : "failed"), {
        cause: error,
      });
    });
  }

  async #connect(): Promise<void> {
    await Bun.connect<Call>({
      hostname: this.#at.host,
      port: this.#at.port,
      allowHalfOpen: true,
      data: this,
      ...(this.#at.tls && { tls: { rejectUnauthorized: false } }),
      socket: {
        binaryType: "uint8array",
        open: (socket) => this.#opened(socket),
        handshake: (socket, success, error) => this.#secured(socket, success, error),
        data: (_socket, chunk) => readOnce(this.#wire, chunk),
        drain: () => this.#wire?.writable(),
        end: () => this.#ended(),
        close: (_socket, error) => this.#closed(closeReason(error)),
        error: (socket) => socket.terminate(),
        connectError() {},
      },
    });
  }

  #opened(socket: Socket<Call>): void {
    this.#parts.connections.open += 1;
    this.#socket = socket;
    if (this.#phase !== "dialling") {
      socket.terminate();
      return;
    }
    socket.setNoDelay(true);
    boundUnsent(socket);
    if (this.#at.tls) return;
    const ends = endsOf(socket);
    if (ends === undefined) this.#fail("it closed the connection at once");
    else this.#enter(socket, isLoopback(ends.remote) && isLoopback(ends.local));
  }

  #secured(socket: Socket<Call>, success: boolean, error: Error | null): void {
    if (this.#phase !== "dialling") return;
    const failure = handshakeFailure(success, error);
    if (failure !== undefined) return this.#fail(`no TLS there (${failure})`);
    const fingerprint = peerFingerprint(socket);
    if (fingerprint === undefined) return this.#fail("no TLS there (no certificate was shown)");
    const { trust } = this.#at;
    if (trust === undefined || trust(fingerprint)) {
      this.#enter(socket, true, fingerprint);
    } else {
      const shown = fingerprint.toHex();
      const text = `its certificate is not the one expected; it showed SHA-256 ${shown}`;
      this.#fail(text, { code: "CERTIFICATE_CHANGED" });
    }
  }

  #enter(socket: Socket<Call>, secure: boolean, fingerprint?: Bytes): void {
    const { clock, log } = this.#parts;
    this.#cancelDeadline?.();
    this.#phase = "wire";
    const ends = endsOf(socket) ?? { remote: this.#at.host, remotePort: this.#at.port };
    this.#sink = new SocketSink(socket, formatRemote(ends.remote, ends.remotePort));
    this.#wire = new SinkWire({ sink: this.#sink, clock, log, secure, fingerprint });
    try {
      this.#wire.attach(this.#caller.opened(this.#wire));
    } catch (error) {
      log.error("dial handler failed", { remote: this.#sink.remote, error });
      this.#wire.close("INTERNAL: a fault of our own; it has been logged");
    }
    this.#caller.resolve();
  }

  #fail(text: string, more: { code?: ErrorCode; cause?: unknown } = {}): void {
    if (this.#phase !== "dialling") return;
    this.#phase = "gone";
    this.#cancelDeadline?.();
    const where = formatRemote(this.#at.host, this.#at.port);
    const code = more.code ?? "CANNOT_CONNECT";
    this.#caller.reject(new ChatFusionError(code, `${where}: ${text}`, more.cause));
    this.#socket?.terminate();
  }

  #ended(): void {
    this.#sink?.ended();
    if (this.#wire === undefined) this.#fail("it closed the connection at once");
    else this.#wire.ended();
  }

  #closed(reason: string): void {
    if (this.#socket === undefined) return;
    this.#socket = undefined;
    this.#parts.connections.open -= 1;
    this.#fail(reason);
    this.#phase = "gone";
    this.#wire?.closed(reason);
  }
}

const dialTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there (connection refused)",
  ENOTFOUND: "no such host (the name was not found)",
  EAI_AGAIN: "the name could not be looked up (is the network up?)",
  EHOSTUNREACH: "no way to that host (unreachable)",
  ENETUNREACH: "no way to that network (unreachable)",
  ETIMEDOUT: "timed out",
  ECONNRESET: "it closed the connection at once",
  ERR_OUT_OF_RANGE: "expected a port from 1 to 65535",
  ERR_INVALID_ARG_TYPE: "expected a host",
};
