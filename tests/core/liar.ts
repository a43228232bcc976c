// A member of the fusion that lies: it has a key, a card and sealed channels as every server has,
// and says in them whatever a test likes. What it is told, it keeps. It stands in a hub (hub.ts).

import { createChannel, type Channel } from "../../src/core/channel.ts";
import type { Bytes, Environment } from "../../src/environment.ts";
import type { RoomName, ServerName, Sid } from "../../src/names.ts";
import { sidOf } from "../../src/names.ts";
import type { Fabric, FabricHost, Traffic } from "../../src/plugin.ts";
import type { Leaf } from "../../src/protocol/batch.ts";
import { encodeTick } from "../../src/protocol/batch.ts";
import { decodeJson, encodeJson, FRAME } from "../../src/protocol/frame.ts";
import { signedState } from "../../src/protocol/state.ts";
import type { Json } from "./peer.ts";
import type { Place } from "./place.ts";

export const lobby = "#lobby" as RoomName;

interface Parts {
  readonly fabric: Fabric;
  start(): void;
}

export class Liar {
  readonly name: ServerName;
  readonly sid: Sid;
  /** What the other servers told it in its channels. */
  readonly heard: (Json & { readonly by: string })[] = [];
  life = "";
  /** The channel frames that it sent. */
  readonly sent: Bytes[] = [];
  readonly #place: Place;
  readonly #environment: Environment;
  readonly #keys: { readonly publicKey: Bytes; readonly privateKey: Bytes };
  #channels = new Map<string, Channel>();
  #numbers = 0;

  constructor(place: Place, name: string) {
    this.#place = place;
    this.name = name as ServerName;
    this.#environment = place.world.environment(name);
    const { crypto } = this.#environment;
    this.#keys = crypto.signingKey(new Uint8Array(32).fill(name.charCodeAt(0)));
    this.sid = sidOf(crypto.sha256(this.#keys.publicKey).subarray(0, 16));
    this.start();
  }

  /** Begins a life. */
  start(): void {
    const { crypto, clock, random } = this.#environment;
    const sealing = crypto.agreementKey();
    this.life = random.bytes(8).toHex();
    this.#channels = new Map();
    const card = { life: this.life, seal: sealing.publicKey.toHex() };
    const mine = { sid: this.sid, life: this.life, sealKey: sealing.privateKey };
    const { sid, name } = this;
    const key = this.#keys.publicKey;
    const identity = { sid, name, key, card: new TextEncoder().encode(JSON.stringify(card)) };
    const host = {
      identity,
      deliver: (origin: Sid, _via: Sid, traffic: Traffic, bytes: Bytes) => {
        if (traffic !== "private") return;
        for (const channel of this.#channels.values()) if (channel.receive(bytes)) return;
        throw new Error(`a frame of ${origin} that no channel takes`);
      },
      changed: () => {
        for (const other of parts.fabric.view.servers) {
          const { life, seal } = decodeJson(other.card) as typeof card;
          const id = `${other.name} ${life}`;
          if (other.sid === sid || this.#channels.has(id)) continue;
          const channel = createChannel({
            clock,
            crypto,
            mine,
            theirs: { sid: other.sid, life, sealKey: Uint8Array.fromHex(seal) },
            publish: (bytes) => {
              this.sent.push(bytes);
              return place.hub.publish(this.name, [other.sid], "private", bytes);
            },
            deliver: (bytes) => {
              const told = decodeJson(bytes) as Json | readonly Json[];
              for (const one of [told].flat() as readonly Json[])
                this.heard.push({ ...one, by: other.name });
            },
            drained() {},
            due() {},
          });
          this.#channels.set(id, channel);
        }
      },
    };
    const place = this.#place;
    // The hub asks no more of a server's core than this, and gives no more.
    const context = { host: host as unknown as FabricHost, clock, self: name };
    const parts = place.hub.plugin().setup(context) as unknown as Parts;
    parts.start();
  }

  /** Says something to a server in its channel, or seals a list; false where there is no room. */
  tell(to: string, message: Json | readonly unknown[]): boolean {
    const bytes = new TextEncoder().encode(JSON.stringify(message));
    const [, channel] = [...this.#channels].findLast(([id]) => id.startsWith(`${to} `)) ?? [];
    if (channel === undefined) throw new Error(`no channel to ${to}`);
    return channel.send(bytes);
  }

  /** What a server told it last of this kind. */
  last(t: string): Json | undefined {
    return this.heard.findLast((one) => one["t"] === t);
  }

  /** Publishes bytes in a class. */
  publish(to: string, traffic: Traffic, bytes: Bytes): void {
    this.#place.hub.publish(this.name, [this.#place.hub.sidOf(to)], traffic, bytes);
  }

  /** A message of somebody of its own. */
  entry(text: string, more: Json = {}): Json {
    const at = this.#environment.clock.now();
    const number = (this.#numbers++).toString(36).padStart(4, "0");
    const id = `${at.toString(36).padStart(9, "0")}${number}${this.sid.slice(0, 8)}`;
    return { id, from: `mal@${this.name}`, room: lobby, kind: "text", text, at, ...more };
  }

  /** Signs messages as a batch, of its own where it is not said otherwise. */
  batch(first: number, entries: readonly Json[], more: Partial<Leaf> = {}): Bytes {
    const frames = entries.map((entry) => encodeJson(FRAME.message, entry));
    const { sid: origin, life } = this;
    return this.tick({ origin, life, tick: first, room: lobby, first, frames, ...more })[0]!;
  }

  /** Signs an entry of a room's state, made at some time, as one of its accounts. */
  stateRow(
    of: { room: string; key: string; value: unknown; by: string; at: number } & Json,
  ): string[] {
    const { at, ...rest } = of;
    const id = `${Math.floor(at).toString(36).padStart(9, "0")}0000${this.sid.slice(0, 8)}`;
    const body = JSON.stringify({ id, server: this.name, ...rest });
    const { crypto } = this.#environment;
    const signature = crypto.sign(this.#keys.privateKey, signedState(this.sid, body));
    return [body, this.#keys.publicKey.toHex(), signature.toHex()];
  }

  /** Signs batches together. */
  tick(...leaves: readonly Leaf[]): Bytes[] {
    const { crypto } = this.#environment;
    return encodeTick(crypto, (bytes) => crypto.sign(this.#keys.privateKey, bytes), leaves);
  }
}
