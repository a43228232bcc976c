// One person's connection: bytes in, cut into units by its protocol; bytes out, joined until they
// are flushed. It knows nothing of what they say. Next: protocol.ts, run.ts.

import type { Socket } from "bun";
import type { Bytes } from "../../../src/environment.ts";
import type { Protocol } from "./protocol.ts";

/** What the run does with what a connection meets. */
export interface Hearer {
  /** The person has entered, and is in the room. */
  ready(person: Connection): void;
  /** A message's text of the right length stands at `at`; the bytes may be reused after return. */
  heard(person: Connection, bytes: Bytes, at: number): void;
  /** A message of another kind of text. */
  strange(person: Connection): void;
  acknowledged(): void;
  failed(person: Connection, why: string): void;
  closed(person: Connection): void;
}

interface Parts {
  readonly index: number;
  readonly nick: string;
  readonly port: number;
  readonly server: string;
  readonly protocol: Protocol;
  readonly hearer: Hearer;
  readonly textBytes: number;
  readonly rooms: readonly string[];
}

const NOTHING = new Uint8Array(0);
const OUT_BYTES_FIRST = 1024;

export class Connection {
  readonly index: number;
  readonly nick: string;
  readonly port: number;
  readonly server: string;
  readonly hearer: Hearer;
  readonly textBytes: number;
  /** Those that it enters; but for the native protocol one at most. */
  readonly rooms: readonly string[];
  /** While it is not certain that all servers know all people, a refusal is no failure. */
  probing = true;
  /** The protocol's own: how far the handshake is, and where a text was found last. */
  phase = 0;
  textAt = 0;
  leaving = false;
  /** It will stop reading. */
  stalls = false;
  isClosed = false;
  readonly #protocol: Protocol;
  #socket: Socket<Connection> | undefined;
  #rest: Bytes = NOTHING;
  #out: Bytes = NOTHING;
  #outLength = 0;

  constructor(parts: Parts) {
    this.index = parts.index;
    this.nick = parts.nick;
    this.port = parts.port;
    this.server = parts.server;
    this.hearer = parts.hearer;
    this.textBytes = parts.textBytes;
    this.rooms = parts.rooms;
    this.#protocol = parts.protocol;
  }

  connect(): void {
    const { port } = this;
    Bun.connect({ hostname: "127.0.0.1", port, data: this, socket: handlers }).catch(
      (thrown: unknown) => this.failed(String(thrown)),
    );
  }

  /** Adds bytes, which are copied, to what is flushed next. */
  send(bytes: Bytes): void {
    this.#room(bytes.length).set(bytes, this.#outLength);
    this.#outLength += bytes.length;
  }

  /** The same for a text. */
  say(text: string): void {
    this.send(new TextEncoder().encode(text));
    this.flush();
  }

  flush(): void {
    if (this.#outLength === 0 || this.#socket === undefined) return;
    const written = this.#socket.write(this.#out, 0, this.#outLength);
    if (written <= 0) return;
    this.#out.copyWithin(0, written, this.#outLength);
    this.#outLength -= written;
  }

  /** Says good-bye in the protocol's way; the server closes. */
  leave(): void {
    this.leaving = true;
    if (this.isClosed) return;
    const { bye } = this.#protocol;
    if (bye === undefined) this.#socket?.end();
    else {
      this.send(bye);
      this.flush();
    }
  }

  /** Reads no more. */
  pause(): void {
    this.#socket?.pause();
  }

  terminate(): void {
    this.leaving = true;
    this.#socket?.terminate();
  }

  opened(socket: Socket<Connection>): void {
    this.#socket = socket;
    socket.setNoDelay(true);
    this.#protocol.opened(this);
    this.flush();
  }

  data(chunk: Bytes): void {
    let bytes = chunk;
    if (this.#rest.length > 0) {
      bytes = new Uint8Array(this.#rest.length + chunk.length);
      bytes.set(this.#rest);
      bytes.set(chunk, this.#rest.length);
    }
    let at = 0;
    while (at < bytes.length) {
      const end = this.#protocol.unit(this, bytes, at);
      if (end < 0) break;
      at = end;
    }
    this.#rest = at === bytes.length ? NOTHING : bytes.slice(at);
  }

  failed(why: string): void {
    if (!this.leaving) this.hearer.failed(this, why);
    this.gone();
  }

  gone(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.hearer.closed(this);
  }

  // --- internal ---------------------------------------------------------------------------------

  #room(more: number): Bytes {
    const needed = this.#outLength + more;
    if (this.#out.length < needed) {
      const old = this.#out;
      this.#out = new Uint8Array(Math.max(OUT_BYTES_FIRST, needed * 2));
      this.#out.set(old.subarray(0, this.#outLength));
    }
    return this.#out;
  }
}

const handlers = {
  binaryType: "uint8array",
  open: (socket: Socket<Connection>) => socket.data.opened(socket),
  data: ({ data }: Socket<Connection>, chunk: Bytes) => data.data(chunk),
  drain: ({ data }: Socket<Connection>) => data.flush(),
  end: (socket: Socket<Connection>) => void socket.end(),
  close: ({ data }: Socket<Connection>) => data.failed("the server closed the connection"),
  error: ({ data }: Socket<Connection>, error: Error) => data.failed(String(error)),
  connectError: ({ data }: Socket<Connection>, error: Error) => data.failed(String(error)),
} as const;
