// A peer made by hand, frame by frame: speaks the handshake as a real server does, and then what a
// test makes it say. For refusals and hostile input.

import * as crypto from "node:crypto";
import { sidOf } from "../../../src/plugin.ts";
import type { Bytes, Failure, Link, ServerName, Sid } from "../../../src/plugin.ts";
import { announce } from "../../../plugins/fabric-tree/announcement.ts";
import type { Identity, LinkEntry } from "../../../plugins/fabric-tree/announcement.ts";
import { concat, Writer } from "../../../plugins/fabric-tree/bytes.ts";
import {
  LINK_FRAME,
  makeAuth,
  makeHello,
  readHello,
  writeFusion,
} from "../../../plugins/fabric-tree/hello.ts";
import type { Hello } from "../../../plugins/fabric-tree/hello.ts";
import { keyPair, sha256, verify } from "./world.ts";
import type { Server, World } from "./world.ts";

/** An identity with a key that follows from its name. */
export function identity(name: string, epoch = 1): Identity {
  const { key, privateKey } = keyPair(sha256(new TextEncoder().encode(name)));
  const sidOfKey = (bytes: Bytes): Sid => sidOf(sha256(bytes).subarray(0, 16));
  return {
    sid: sidOfKey(key),
    name: name as ServerName,
    epoch,
    key,
    card: new Uint8Array(0),
    sign: (bytes) => new Uint8Array(crypto.sign(null, bytes, privateKey)),
    verify,
    sidOf: sidOfKey,
    sha256,
  };
}

export const none = sha256(new Uint8Array(0));
const zero = { epoch: 0, attempt: 0 };

/** Dials a real server, and hears what it says. */
export class Scripted {
  readonly heard: { readonly type: number; readonly payload: Bytes }[] = [];
  reason: Failure | undefined;
  link!: Link;
  readonly hello: Hello;
  #seq = 0;

  constructor(
    readonly world: World,
    readonly to: Server,
    readonly self: Identity,
    /** `alive`: it answers pings, so that its link may be old. */
    readonly how: {
      readonly attempt?: number;
      readonly again?: boolean;
      readonly alive?: boolean;
      readonly dryRun?: boolean;
    } = {},
  ) {
    this.hello = makeHello(
      self,
      { epoch: self.epoch, attempt: how.attempt ?? 1 },
      new Uint8Array(32).fill(7),
      { dryRun: how.dryRun ?? false, again: how.again ?? false },
    );
  }

  /** Opens the connection; `hello` instead of the right one. */
  dial(hello: Bytes = this.hello.bytes): this {
    this.link = this.world.open(this.to, hello, {
      frame: (type, payload) => {
        this.heard.push({ type, payload: payload.slice() });
        if (type !== LINK_FRAME.ping || this.how.alive !== true) return;
        this.link.send("control", LINK_FRAME.pong, payload.slice());
      },
      idle: () => {},
      closed: (reason) => {
        this.reason = reason;
      },
    });
    this.world.run(50);
    return this;
  }

  send(type: number, payload: Bytes): this {
    this.link.send("control", type, payload);
    this.world.run(50);
    return this;
  }

  get theirs(): Hello {
    const first = this.heard.find(({ type }) => type === LINK_FRAME.hello);
    return readHello(first!.payload, this.self);
  }

  auth(secret: Bytes = none, fingerprint?: Bytes): this {
    const transcript = { fingerprint, dialler: this.hello, accepter: this.theirs };
    return this.send(LINK_FRAME.auth, makeAuth(this.self, secret, transcript));
  }

  fusion(others: readonly { readonly sid: Sid; readonly name: ServerName }[] = []): this {
    const members = [{ sid: this.self.sid, name: this.self.name }, ...others];
    return this.send(LINK_FRAME.fusion, writeFusion({ met: zero, members }));
  }

  /** An announcement of anybody, the newest so far. */
  announcement(links: readonly LinkEntry[], of: Identity = this.self, epoch = of.epoch): Bytes {
    return announce(of, { epoch, seq: ++this.#seq }, links).bytes;
  }

  announce(links: readonly LinkEntry[], of: Identity = this.self): this {
    return this.send(LINK_FRAME.announcement, this.announcement(links, of));
  }

  synced(birth = 1): this {
    return this.send(LINK_FRAME.synced, new Writer().counter(birth).done());
  }

  /** The whole handshake; then the link is listed on both sides. */
  join(birth = 1): this {
    this.dial().auth().fusion().announce([]).synced(birth);
    return this.announce([{ peer: this.to.sid, port: 1, birth: this.birth }]);
  }

  /** The birth that the other side has listed. */
  get birth(): number {
    const listed = this.said(LINK_FRAME.synced).map((payload) => Number(payload[7]));
    return Math.max(1, ...listed);
  }

  said(type: number): Bytes[] {
    return this.heard.filter((frame) => frame.type === type).map(({ payload }) => payload);
  }

  routed(body: string, route: Bytes, flags = 2, origin: Sid = this.self.sid): this {
    const head = new Writer().u8(flags).sid(origin).varint(route.length).bytes(route).done();
    return this.send(LINK_FRAME.routed, concat(head, new TextEncoder().encode(body)));
  }
}
