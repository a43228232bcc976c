// The door for browsers: WebSockets (RFC 6455) in which each message is one line, without its end.
// Behind it they are wires like others: what comes in is lines with their ends, and what is written
// is cut at them. Strangers who do not ask for a WebSocket are answered and closed within seconds.

import type { ServerWebSocket } from "bun";
import type { Bytes, Clock, Sink, WebListenOptions, Wire, WireHandlers } from "../environment.ts";
import type { Listener } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import { cannotListen } from "./listen.ts";
import type { NetParts } from "./net.ts";
import { formatRemote, isLoopback } from "./socket.ts";
import { SinkWire } from "./wire.ts";

/** Opens a listener, or throws `CANNOT_LISTEN`. */
export function listenWeb(
  parts: NetParts,
  at: WebListenOptions,
  accept: (wire: Wire, protocol: string | undefined) => WireHandlers,
): Listener {
  const { clock, log, connections } = parts;
  const opened = (socket: Socket): void => {
    const { data } = socket;
    connections.open += 1;
    data.sink = new WebSink(socket, clock);
    const tls = at.tls !== undefined;
    const secure = tls || isLoopback(data.address);
    const wire = new SinkWire({ sink: data.sink, clock, log, secure, tls, fingerprint: undefined });
    data.sink.wire = wire;
    try {
      wire.attach(accept(wire, data.protocol));
    } catch (error) {
      log.error("accept failed", { remote: wire.remote, error });
      wire.close("INTERNAL: the server met a fault of its own; it has been logged");
    }
  };
  try {
    const server = Bun.serve<Visit>({
      hostname: at.host,
      port: at.port,
      idleTimeout: LIMITS.webRequestMsMax / 1000,
      maxRequestBodySize: 1,
      development: false,
      ...(at.tls === undefined ? {} : { tls: { key: at.tls.key, cert: at.tls.certificate } }),
      fetch(request, self) {
        if (connections.open >= connections.max)
          return refusal(503, "too many connections are open");
        const ends = self.requestIP(request);
        if (ends === null) return refusal(400, "the connection is gone");
        const chosen = choose(request.headers, at);
        if (typeof chosen !== "string" && chosen !== undefined) return chosen;
        const { address, port } = ends;
        const data: Visit = {
          address,
          remote: formatRemote(address, port),
          isText: chosen === undefined || at.protocols[chosen] === "text",
          protocol: chosen,
          sink: undefined,
        };
        const headers = new Headers();
        if (chosen !== undefined) headers.set("Sec-WebSocket-Protocol", chosen);
        if (self.upgrade(request, { data, headers })) return undefined;
        return refusal(426, "this is a door for WebSockets");
      },
      websocket: {
        maxPayloadLength: at.messageBytesMax,
        idleTimeout: LIMITS.webIdleMsMax / 1000,
        backpressureLimit: LIMITS.outboxBytesMax,
        closeOnBackpressureLimit: true,
        perMessageDeflate: false,
        open: opened,
        message: ({ data }, message) => data.sink?.took(message),
        drain: ({ data }) => data.sink?.wire?.writable(),
        close({ data }, _code, reason) {
          connections.open -= 1;
          data.sink?.closed(reason || "the WebSocket was closed");
        },
      },
    });
    const { hostname = at.host, port = at.port } = server;
    return { host: hostname, port, close: () => void server.stop() };
  } catch (error) {
    throw cannotListen(at, error);
  }
}

// --- internal ---

/** One connection, from its request to its end. */
interface Visit {
  readonly address: string;
  readonly remote: string;
  readonly isText: boolean;
  readonly protocol: string | undefined;
  sink: WebSink | undefined;
}
type Socket = ServerWebSocket<Visit>;

const refusal = (status: number, text: string): Response =>
  new Response(`${text}\n`, { status, headers: { connection: "close" } });

/** The protocol that was asked for first of those that are known, or why nobody enters. */
function choose(headers: Headers, at: WebListenOptions): string | undefined | Response {
  const origin = headers.get("origin");
  if (origin !== null && !at.origins.includes(origin) && !at.origins.includes("*"))
    return refusal(403, "pages of this origin may not connect");
  const asked = headers.get("sec-websocket-protocol");
  if (asked === null) return undefined;
  const names = asked.split(",").map((name) => name.trim());
  const known = names.find((name) => Object.hasOwn(at.protocols, name));
  const all = Object.keys(at.protocols).join(", ");
  return known ?? refusal(400, `no such subprotocol; expected ${all}`);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const [LF, CR] = [0x0a, 0x0d] as const;
const NONE: Bytes = new Uint8Array(0);
const END: Bytes = Uint8Array.of(CR, LF);

class WebSink implements Sink {
  wire: SinkWire | undefined;
  readonly #socket: Socket;
  readonly #clock: Clock;
  /** The beginning of a line whose end has not been written yet. */
  #rest = NONE;
  #isPaused = false;
  /** What came while it was paused: a WebSocket cannot be held up itself. */
  #held: Bytes[] = [];
  #heldBytes = 0;

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
  }

  get remote(): string {
    return this.#socket.data.remote;
  }

  /** A message of the peer's. */
  took(message: string | Bytes): void {
    const line = typeof message === "string" ? encoder.encode(message) : message;
    const chunk = joined(line, END);
    if (!this.#isPaused && this.#held.length === 0) return this.wire?.data(chunk);
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > LIMITS.webHeldBytesMax) this.#socket.close(1008, "too much at once");
  }

  write(bytes: Bytes, from: number, to: number): number {
    let at = from;
    while (at < to) {
      if (this.#socket.readyState !== WebSocket.OPEN) return -1;
      if (this.#socket.getBufferedAmount() > LIMITS.webBufferedBytesMax) return at - from;
      const end = bytes.subarray(at, to).indexOf(LF);
      const part = bytes.subarray(at, end === -1 ? to : at + end);
      if (end === -1) {
        this.#rest = joined(this.#rest, part);
        return this.#rest.length > LIMITS.outboxBytesMax ? -1 : to - from;
      }
      this.#say(this.#rest.length === 0 ? part : joined(this.#rest, part));
      this.#rest = NONE;
      at += end + 1;
    }
    return to - from;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#clock.soon(() => this.#handOn()); // not inside the call of who resumes
  }

  end(): void {
    this.#socket.close(1000);
  }

  destroy(): void {
    this.#socket.terminate();
  }

  closed(reason: string): void {
    this.#held = [];
    this.wire?.closed(reason);
  }

  #handOn(): void {
    while (!this.#isPaused) {
      const next = this.#held.shift();
      if (next === undefined) return;
      this.#heldBytes -= next.length;
      this.wire?.data(next);
    }
  }

  #say(line: Bytes): void {
    const text = line.at(-1) === CR ? line.subarray(0, -1) : line;
    if (text.length === 0) return;
    if (this.#socket.data.isText) this.#socket.send(decoder.decode(text));
    else this.#socket.send(text);
  }
}

function joined(a: Bytes, b: Bytes): Bytes {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
