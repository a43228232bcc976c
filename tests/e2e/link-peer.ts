// A linked server made by hand, on a real socket: it plays the handshake by itself, stops after as
// many bytes as a test says, and then says whatever a test makes it say.

import type { Socket } from "bun";
import { announce } from "../../plugins/fabric-tree/announcement.ts";
import type { Identity, LinkEntry } from "../../plugins/fabric-tree/announcement.ts";
import { concat, Reader, Writer } from "../../plugins/fabric-tree/bytes.ts";
import {
  LINK_FRAME,
  makeAuth,
  makeHello,
  readHello,
  writeFusion,
} from "../../plugins/fabric-tree/hello.ts";
import type { Hello } from "../../plugins/fabric-tree/hello.ts";
import type { Bytes, Failure } from "../../src/plugin.ts";
import {
  decodeJson,
  encodeFrame,
  encodeJson,
  FRAME,
  FrameReader,
} from "../../src/protocol/frame.ts";
import { identity, none } from "../plugins/fabric-tree/scripted.ts";

/** What a real server's fabric signs begins with this. */
const PREFIX = new TextEncoder().encode("chatfusion fabric 1");

/** An identity with a key that follows from its name, as a real server checks it. */
export function realIdentity(name: string): Identity {
  const self = identity(name);
  return {
    ...self,
    sign: (bytes) => self.sign(concat(PREFIX, bytes)),
    verify: (key, bytes, signature) => self.verify(key, concat(PREFIX, bytes), signature),
  };
}

/** How far it goes by itself. */
export type Step = "link" | "hello" | "auth" | "fusion" | "synced" | "full";
const STEPS: readonly Step[] = ["link", "hello", "auth", "fusion", "synced", "full"];

export class LinkPeer {
  /** The reason that the server told. */
  reason: Failure | undefined;
  /** All that it has written, or would have written beyond `bytesMax`. */
  written = 0;
  readonly #closed = Promise.withResolvers<void>();
  readonly #reached = new Map<Step | "spent", PromiseWithResolvers<void>>();
  readonly #reader = new FrameReader(1 << 20);
  readonly #hello: Hello;
  #socket: Socket | undefined;
  #theirs: Hello | undefined;
  #birth = 1;
  #seq = 0;

  private constructor(
    readonly self: Identity,
    readonly how: { readonly upTo: Step; readonly bytesMax: number },
  ) {
    const dial = { epoch: self.epoch, attempt: 1 };
    const nonce = crypto.getRandomValues(new Uint8Array(32));
    this.#hello = makeHello(self, dial, nonce, { dryRun: false, again: false });
  }

  /** Dials a server of this machine and goes on by itself up to a step, or to a number of bytes. */
  static async dial(
    port: number,
    self: Identity,
    { upTo = "full", bytesMax = Number.POSITIVE_INFINITY }: { upTo?: Step; bytesMax?: number } = {},
  ): Promise<LinkPeer> {
    const peer = new LinkPeer(self, { upTo, bytesMax });
    peer.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        binaryType: "uint8array",
        data: (_socket, chunk) =>
          void peer.#reader.push(chunk, (type, payload) => peer.#heard(type, payload)),
        close: () => peer.#closed.resolve(),
        error: (socket) => socket.terminate(),
      },
    });
    const hello = peer.#hello.bytes.toBase64();
    const version = { major: 1, minor: 0 };
    peer.raw(encodeJson(FRAME.link, { version, fabric: "tree/1", hello }));
    peer.#reach("link");
    return peer;
  }

  /** Resolves when the server has closed the connection. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Resolves when it has come to a step, or has written all bytes that it may. */
  when(step: Step | "spent"): Promise<void> {
    return this.#promise(step).promise;
  }

  raw(bytes: Bytes): void {
    const room = Math.max(0, this.how.bytesMax - this.written);
    this.written += bytes.length;
    this.#socket?.write(bytes.subarray(0, room));
    if (this.written >= this.how.bytesMax) this.#promise("spent").resolve();
  }

  /** Writes beyond `bytesMax`. */
  trickle(bytes: Bytes): void {
    this.#socket?.write(bytes);
  }

  send(type: number, payload: Bytes): void {
    this.raw(encodeFrame(type, payload));
  }

  announce(links: readonly LinkEntry[]): void {
    const { epoch } = this.self;
    this.send(
      LINK_FRAME.announcement,
      announce(this.self, { epoch, seq: ++this.#seq }, links).bytes,
    );
  }

  /** Reads no more, or reads again. */
  deaf(isDeaf: boolean): void {
    if (isDeaf) this.#socket?.pause();
    else this.#socket?.resume();
  }

  /** Breaks the connection, without a word. */
  end(): void {
    this.#socket?.terminate();
  }

  #promise(step: Step | "spent"): PromiseWithResolvers<void> {
    let one = this.#reached.get(step);
    if (one === undefined) this.#reached.set(step, (one = Promise.withResolvers()));
    return one;
  }

  #reach(step: Step): void {
    this.#promise(step).resolve();
  }

  #may(step: Step): boolean {
    return STEPS.indexOf(step) <= STEPS.indexOf(this.how.upTo);
  }

  #heard(type: number, payload: Bytes): void {
    if (type === FRAME.error) {
      this.reason = decodeJson(payload) as Failure; // what servers say
    } else if (type === LINK_FRAME.ping) {
      this.send(LINK_FRAME.pong, payload.slice());
    } else if (type === LINK_FRAME.hello) {
      this.#theirs = readHello(payload, this.self);
      this.#reach("hello");
      if (this.#may("auth")) this.#prove(this.#theirs);
    } else if (type === LINK_FRAME.fusion && this.#may("synced")) {
      this.announce([]);
      this.send(LINK_FRAME.synced, new Writer().counter(1).done());
      this.#reach("synced");
    } else if (type === LINK_FRAME.synced && this.#may("full") && this.#theirs !== undefined) {
      this.#birth = Math.max(1, new Reader(payload).counter());
      this.announce([{ peer: this.#theirs.sid, port: 1, birth: this.#birth }]);
      this.#reach("full");
    }
  }

  #prove(theirs: Hello): void {
    const transcript = { fingerprint: undefined, dialler: this.#hello, accepter: theirs };
    this.send(LINK_FRAME.auth, makeAuth(this.self, none, transcript));
    this.#reach("auth");
    if (!this.#may("fusion")) return;
    const { sid, name } = this.self;
    const met = { epoch: 0, attempt: 0 };
    this.send(LINK_FRAME.fusion, writeFusion({ met, members: [{ sid, name }] }));
    this.#reach("fusion");
  }
}
