// A scripted client: it says what a test tells it to, frame by frame, and keeps what it hears.

import type { Bytes, Net, Wire } from "../../src/environment.ts";
import { LIMITS } from "../../src/limits.ts";
import { decodeJson, encodeFrame, encodeJson, FRAME } from "../../src/protocol/frame.ts";
import { FRAME_HEAD_BYTES, frameName, FrameReader } from "../../src/protocol/frame.ts";
import type { FrameName } from "../../src/protocol/frame.ts";
import { CHUNK_HEAD_BYTES, readChunk, writeChunkHead } from "../../src/protocol/transfer.ts";
import type { World } from "../../src/testing.ts";

export type Json = Readonly<Record<string, unknown>>;

export interface Heard {
  readonly name: string;
  readonly value: Json;
  /** Of a chunk. */
  readonly bytes?: Bytes;
}

export interface Where {
  readonly host: string;
  readonly port: number;
  readonly tls?: boolean;
}

/** One connection of a client. */
export class Peer {
  readonly heard: Heard[] = [];
  /** How many times something came in: writes of the server, but for those that were split. */
  chunks = 0;
  closed: string | undefined;
  /** It does not say whether something has reached it. */
  isMute = false;
  /** As for a resume: whole frames since the welcome. */
  received = 0;
  #counting = false;
  #wire: Wire | undefined;
  #ref = 0;
  readonly #reader = new FrameReader(LIMITS.serverFrameBytesMax);
  readonly #world: World;

  constructor(world: World, net: Net, { host, port, tls = false }: Where) {
    this.#world = world;
    const dialled = net.dial({ host, port, tls }, (wire) => {
      this.#wire = wire;
      return {
        data: (chunk) => this.#data(chunk),
        closed: (reason) => {
          this.closed = reason;
        },
      };
    });
    world.until(dialled);
  }

  get wire(): Wire {
    if (this.#wire === undefined) throw new Error("not connected");
    return this.#wire;
  }

  raw(bytes: Bytes): void {
    this.wire.send("room", bytes);
    this.wire.flush();
  }

  send(name: FrameName, value: Json = {}): void {
    this.raw(encodeJson(FRAME[name], value));
  }

  /** Sends several frames in one write. */
  sendAll(...frames: readonly (readonly [FrameName, Json])[]): void {
    for (const [name, value] of frames) this.wire.send("room", encodeJson(FRAME[name], value));
    this.wire.flush();
  }

  chunk(transfer: string, offset: number, bytes: Bytes): void {
    const payload = new Uint8Array(CHUNK_HEAD_BYTES + bytes.length);
    writeChunkHead(payload, 0, transfer, offset);
    payload.set(bytes, CHUNK_HEAD_BYTES);
    this.wire.send("bulk", encodeFrame(FRAME.chunk, payload));
    this.wire.flush();
  }

  hello(): void {
    this.send("hello", { version: { major: 1, minor: 0 }, abilities: [], agent: "test" });
  }

  /** Logs in, and returns the welcome or the error. */
  login(value: Json): Heard {
    this.hello();
    return this.loginAgain(value);
  }

  /** Likewise, after a hello. */
  loginAgain(value: Json): Heard {
    const from = this.heard.length;
    this.send("login", value);
    return this.next(from, ({ name }) => name === "welcome" || name === "error");
  }

  /** Sends a request with a ref; returns the ref. */
  request(name: FrameName, value: Json = {}): number {
    this.#ref += 1;
    this.send(name, { ref: this.#ref, ...value });
    return this.#ref;
  }

  /** The answer to a ref, if it is there. */
  answer(ref: number): Heard | undefined {
    return this.heard.find(
      ({ name, value }) => (name === "ack" || name === "error") && value["ref"] === ref,
    );
  }

  /** Sends a request and returns its answer: the ack's value, or the error's. */
  ask(name: FrameName, value: Json = {}): Json {
    const ref = this.request(name, value);
    return this.next(0, (one) => one === this.answer(ref)).value;
  }

  /** Likewise; the answer must be an ack. */
  get(name: FrameName, value: Json = {}): Json {
    const answer = this.ask(name, value);
    if ("code" in answer) throw new Error(`${name}: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Runs the world until something fits, from an index on. */
  next(from: number, fits: (heard: Heard) => boolean): Heard {
    const end = this.#world.now + 120_000;
    for (;;) {
      const found = this.heard.slice(from).find(fits);
      if (found !== undefined) return found;
      if (this.#world.now > end || this.closed !== undefined) {
        const last = JSON.stringify(this.heard.slice(-5));
        throw new Error(`waited in vain; closed: ${this.closed}; last heard: ${last}`);
      }
      this.#world.run(5);
    }
  }

  /** All values of a type, in order. */
  all(name: FrameName): Json[] {
    return this.heard.filter((one) => one.name === name).map(({ value }) => value);
  }

  /** The texts of messages, of one room or of all. */
  texts(room?: string): string[] {
    return this.all("message")
      .filter((value) => room === undefined || value["room"] === room)
      .map((value) => String(value["text"]));
  }

  close(): void {
    this.wire.close("closed by the test");
  }

  // --- internal ---

  #data(chunk: Bytes): void {
    this.chunks += 1;
    this.#reader.push(chunk, (type, payload) => {
      const name = frameName(type);
      if (type === FRAME.chunk) {
        const { transfer, offset, bytes } = readChunk(payload);
        this.heard.push({ name, value: { transfer, offset }, bytes: bytes.slice() });
        return;
      }
      const value = decodeJson(payload) as Json; // tests look into it freely
      const counts = name !== "ping" && name !== "pong";
      const ofConnection = name === "error" && value["ref"] === undefined;
      if (this.#counting && counts && !ofConnection)
        this.received += FRAME_HEAD_BYTES + payload.length;
      if (name === "welcome") this.#counting = true;
      if (name === "ping" && !this.isMute)
        this.wire.send("control", encodeFrame(FRAME.pong, payload));
      if (name === "ping") this.wire.flush();
      this.heard.push({ name, value });
    });
  }
}
