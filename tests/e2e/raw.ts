// A peer that sends whatever bytes a test likes, and keeps the frames that it gets.

import type { Socket } from "bun";
import { decodeJson, encodeJson, FRAME, FrameReader } from "../../src/protocol/frame.ts";
import { frameName, type FrameName } from "../../src/protocol/frame.ts";
import { Heard, type Line } from "./servers.ts";

const VERSION_1 = { major: 1, minor: 0 };

/** A connection to a server. Frames are heard as their JSON, with their name as `frame`. */
export class RawPeer {
  readonly heard = new Heard("raw peer");
  /** All that came, as text. */
  text = "";
  readonly #reader = new FrameReader(1 << 20);
  readonly #closed = Promise.withResolvers<void>();
  #socket: Socket | undefined;

  static async connect(port: number, options: { frames?: boolean } = {}): Promise<RawPeer> {
    const peer = new RawPeer();
    const { frames = true } = options;
    peer.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        binaryType: "uint8array",
        data: (_socket, chunk) => {
          peer.text += new TextDecoder().decode(chunk);
          if (frames) peer.#frames(chunk);
        },
        close: () => {
          peer.heard.end("the connection is closed");
          peer.#closed.resolve();
        },
        error: (socket) => socket.terminate(),
      },
    });
    return peer;
  }

  /** Connects and logs in. */
  static async enter(port: number, nick: string, password?: string): Promise<RawPeer> {
    const peer = await RawPeer.connect(port);
    await peer.greet();
    peer.send("login", { nick, ...(password === undefined ? {} : { password }) });
    await peer.heard.when({ frame: "welcome" });
    return peer;
  }

  /** Resolves when the server has closed the connection. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  async greet(): Promise<void> {
    this.send("hello", { version: VERSION_1, abilities: [], agent: "raw" });
    await this.heard.when({ frame: "hello" });
  }

  send(name: FrameName, value: object): void {
    this.raw(encodeJson(FRAME[name], value));
  }

  raw(...bytes: readonly Uint8Array[]): void {
    for (const one of bytes) this.#socket?.write(one);
  }

  /** The next error that the server tells. */
  error(from = 0): Promise<Line> {
    return this.heard.when({ frame: "error" }, from);
  }

  /** Sends a request; resolves to its ack or its error. */
  async ask(name: FrameName, ask: object, ref = 1): Promise<Line> {
    const from = this.heard.lines.length;
    this.send(name, { ref, ...ask });
    return this.heard.when({ ref }, from);
  }

  end(): void {
    this.#socket?.terminate();
  }

  #frames(chunk: Uint8Array): void {
    this.#reader.push(chunk, (type, payload) => {
      const value = decodeJson(payload) as Line; // all frames that these tests get are objects
      this.heard.put({ frame: frameName(type), ...value });
    });
  }
}

/** The bytes of a frame, right or wrong. */
export function frameBytes(length: number, type: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(5 + payload.length);
  new DataView(bytes.buffer).setUint32(0, length);
  bytes[4] = type;
  bytes.set(payload, 5);
  return bytes;
}

/** Something that listens and is not ChatFusion; `say` is what it does with what it hears. */
export function listenAs(say: (socket: Socket, chunk: Uint8Array) => void) {
  return Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { binaryType: "uint8array", data: say },
  });
}
