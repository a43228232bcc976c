// A server for tests of the client, which says what a test tells it to and nothing else.

import { afterEach } from "bun:test";
import { connect, type Client, type ClientEvent } from "../../src/client.ts";
import type { ConnectOptions } from "../../src/client/options.ts";
import type { Bytes, Listener, Wire } from "../../src/environment.ts";
import { LIMITS } from "../../src/limits.ts";
import { makeTlsIdentity } from "../../src/net/identity.ts";
import { createNet } from "../../src/net/net.ts";
import { createClock } from "../../src/serve/clock.ts";
import { createLog } from "../../src/serve/log.ts";
import { decodeJson, encodeFrame, encodeJson } from "../../src/protocol/frame.ts";
import { FRAME, FrameReader, frameName, type FrameName } from "../../src/protocol/frame.ts";
import { CHUNK_HEAD_BYTES, readChunk, writeChunkHead } from "../../src/protocol/transfer.ts";

const clock = createClock();
const net = createNet(clock, createLog({ clock, level: "error", format: "human" }));
const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

/** A frame as it came in. */
export interface Heard {
  readonly name: string;
  // Tests look into it freely.
  readonly value: Record<string, unknown>;
  readonly bytes: Bytes;
}

/** Waits for things in the order in which they come. */
export class Mailbox<T> {
  readonly #items: T[] = [];
  readonly #waiting: ((item: T) => void)[] = [];

  put(item: T): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#items.push(item);
    else waiting(item);
  }

  take(): Promise<T> {
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve(item);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Takes until one fits, and returns it. */
  async until(fits: (item: T) => boolean): Promise<T> {
    for (;;) {
      const item = await this.take();
      if (fits(item)) return item;
    }
  }
}

/** One connection that a client has made. */
export class Visitor {
  readonly heard = new Mailbox<Heard>();
  readonly gone = Promise.withResolvers<string>();
  /** As the server counts for a resume: whole frames since the welcome. */
  sent = 0;
  readonly #wire: Wire;
  readonly #reader = new FrameReader(LIMITS.frameBytesMax);

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** Takes the next frame, which must be of that type, and returns its value. */
  async expect(name: FrameName): Promise<Record<string, unknown>> {
    const heard = await this.heard.take();
    if (heard.name !== name) {
      throw new Error(`expected ${name}, got ${heard.name} ${JSON.stringify(heard.value)}`);
    }
    return heard.value;
  }

  /** Sends several frames in one write. */
  sendAll(...frames: readonly (readonly [FrameName, object])[]): void {
    for (const [name, value] of frames) {
      const bytes = encodeJson(FRAME[name], value);
      this.sent += bytes.length;
      this.#wire.send("room", bytes);
    }
    this.#wire.flush();
  }

  send(name: FrameName, value: object): void {
    this.sendAll([name, value]);
  }

  raw(bytes: Bytes): void {
    this.#wire.send("room", bytes);
    this.#wire.flush();
  }

  chunk(transfer: string, offset: number, bytes: Bytes): void {
    const payload = new Uint8Array(CHUNK_HEAD_BYTES + bytes.length);
    writeChunkHead(payload, 0, transfer, offset);
    payload.set(bytes, CHUNK_HEAD_BYTES);
    this.raw(encodeFrame(FRAME.chunk, payload));
  }

  /** Answers a hello and a login. Returns the login. */
  async welcome(more: object = {}): Promise<Record<string, unknown>> {
    await this.hello();
    const login = await this.expect("login");
    this.send("welcome", { ...welcomeOf(String(login["nick"])), ...more });
    this.sent = 0;
    return login;
  }

  async hello(): Promise<void> {
    await this.expect("hello");
    this.send("hello", { version: { major: 1, minor: 0 }, server: "paris", sid: "0".repeat(32) });
  }

  /** Answers the next request. */
  async answer(name: FrameName, answer: object): Promise<Record<string, unknown>> {
    const value = await this.expect(name);
    this.send("ack", { ref: value["ref"], ...answer });
    return value;
  }

  close(): void {
    this.#wire.close("closed by the test");
  }

  data(chunk: Bytes): void {
    this.#reader.push(chunk, (type, payload) => {
      const isChunk = type === FRAME.chunk;
      const value = isChunk ? { ...readChunk(payload), bytes: undefined } : decodeJson(payload);
      this.heard.put({
        name: frameName(type),
        value: value as Record<string, unknown>, // tests look into it freely
        bytes: isChunk ? payload.slice(CHUNK_HEAD_BYTES) : payload.slice(),
      });
    });
  }
}

export interface Peer {
  readonly port: number;
  readonly visitors: Mailbox<Visitor>;
  close(): void;
}

/** Listens on a port of the system's choosing, until the end of the test. */
export async function startPeer({ tls = false } = {}): Promise<Peer> {
  const visitors = new Mailbox<Visitor>();
  const identity = tls ? await makeTlsIdentity("paris", clock.now()) : undefined;
  const at = { host: "127.0.0.1", port: 0, tls: identity };
  const listener: Listener = await net.listen(at, (wire) => {
    const visitor = new Visitor(wire);
    opened.push(visitor);
    visitors.put(visitor);
    return {
      data: (chunk) => visitor.data(chunk),
      closed: (reason) => visitor.gone.resolve(reason),
    };
  });
  opened.push(listener);
  return { port: listener.port, visitors, close: () => listener.close() };
}

export interface Guest {
  readonly client: Client;
  readonly visitor: Visitor;
  readonly events: Mailbox<ClientEvent>;
}

/** Connects a client to a peer that lets it in; closes it at the end of the test. */
export async function enter(peer: Peer, options: Partial<ConnectOptions> = {}): Promise<Guest> {
  const server = { host: "127.0.0.1", port: peer.port };
  const connecting = connect({ nick: "ann", server, ...options });
  const visitor = await peer.visitors.take();
  await visitor.welcome();
  const client = await connecting;
  opened.unshift(client);
  const events = new Mailbox<ClientEvent>();
  client.on((event) => events.put(event));
  return { client, visitor, events };
}

export const welcomeOf = (nick: string) => ({
  nick,
  server: "paris",
  resume: "token",
  resumed: false,
  lobby: "#lobby",
  rooms: [],
  fusion: ["paris"],
});

/** A transfer's id of a test. */
export const transferId = "0123456789abcdef".repeat(2);

export const offerOf = (name: string, size: number) => ({
  transfer: transferId,
  from: "bob@paris",
  to: "ann@paris",
  name,
  size,
});

export const sha256 = (bytes: Bytes): string =>
  new Bun.CryptoHasher("sha256").update(bytes).digest("hex");

/** What an end says of a file that goes on, by what its receiver has said first: see P41. */
export const proofOf = (secret: string, of: string): string =>
  sha256(new TextEncoder().encode(secret + of)).slice(0, 32);
