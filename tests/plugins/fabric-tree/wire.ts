// Connections of the little world: two ends with bounded classes, frames in order with a delay;
// they can be cut, stalled (half-open), or made deaf on one side.

import { failure, failureOf, LIMITS } from "../../../src/plugin.ts";
import type { Bytes, Failure, Link, LinkHandlers, Traffic } from "../../../src/plugin.ts";
import type { Server, World } from "./world.ts";

const bounds: Readonly<Record<Traffic, number>> = {
  control: LIMITS.linkControlBytesMax,
  private: LIMITS.linkPrivateBytesMax,
  room: LIMITS.linkRoomBytesMax,
  bulk: LIMITS.linkBulkBytesMax,
};

/** One connection: two ends, each with bounded classes, frames in order with a delay. */
export class Connection {
  readonly dialler: End;
  readonly accepter: End;
  delayMs: number;
  /** Nothing arrives any more, and nobody is told. */
  stalled = false;

  constructor(
    readonly world: World,
    /** Undefined: a peer that is no server of this world. */
    dialler: Server | undefined,
    accepter: Server,
  ) {
    this.delayMs = 1 + world.chance() * 5;
    this.dialler = new End(this, dialler);
    this.accepter = new End(this, accepter);
    this.dialler.peer = this.accepter;
    this.accepter.peer = this.dialler;
  }

  /** The hello leaves; the other side takes it when it arrives. */
  begin(opened: (link: Link) => LinkHandlers, hello: Bytes): void {
    const { dialler, accepter } = this;
    dialler.handlers = opened(dialler);
    this.world.after(this.delayMs, () => {
      if (!accepter.open || accepter.server === undefined) return;
      accepter.handlers = accepter.server.fabric.accept(accepter, hello);
      accepter.flushEarly();
    });
  }

  /** The connection breaks; both ends notice, each in its time. */
  cut(reason = failure("CANNOT_CONNECT", "the connection broke")): void {
    for (const end of [this.dialler, this.accepter]) {
      this.world.after(this.world.chance() * 3, () => end.over(reason));
    }
  }

  /** Both ends read again what they have not read. */
  hear(): void {
    this.dialler.deaf = this.accepter.deaf = false;
    this.dialler.deliverHeld();
    this.accepter.deliverHeld();
  }

  /** A process at one end has died; the other end notices. */
  died(server: Server): void {
    for (const end of [this.dialler, this.accepter]) {
      if (end.server !== server) continue;
      end.open = false;
      if (!this.stalled) {
        const reason = failure("CANNOT_CONNECT", "the connection broke");
        this.world.after(this.delayMs, () => end.peer.over(reason));
      }
    }
  }
}

export class End implements Link {
  handlers: LinkHandlers | undefined;
  peer!: End;
  open = true;
  readonly remote: string;
  readonly fingerprint: Bytes | undefined = undefined;
  /** Reads nothing. */
  deaf = false;
  readonly sent: { readonly type: number; readonly bytes: Bytes }[] = [];
  #limit: number = LIMITS.frameBytesMaxBeforeEntry;
  readonly #held: (() => void)[] = [];
  readonly #queued: Record<Traffic, number> = { control: 0, private: 0, room: 0, bulk: 0 };
  #early: (() => void)[] = [];

  constructor(
    readonly connection: Connection,
    readonly server: Server | undefined,
  ) {
    this.remote = `link of ${server?.name ?? "a stranger"}`;
  }

  send(traffic: Traffic, type: number, ...parts: readonly Bytes[]): boolean {
    const bytes = new Uint8Array(Buffer.concat(parts));
    if (!this.open || this.#queued[traffic] + bytes.length > bounds[traffic]) return false;
    this.#queued[traffic] += bytes.length;
    this.sent.push({ type, bytes });
    const { world } = this.connection;
    const deliver = () => {
      if (this.connection.stalled) return;
      if (this.peer.deaf) {
        this.#held.push(deliver);
        return;
      }
      this.#queued[traffic] -= bytes.length;
      this.peer.arrived(type, bytes);
      const empty = Object.values(this.#queued).every((queued) => queued === 0);
      if (empty && this.open) this.handlers?.idle();
    };
    world.after(this.connection.delayMs, deliver);
    return true;
  }

  queuedBytes(traffic: Traffic): number {
    return this.#queued[traffic];
  }

  limit(frameBytesMax: number): void {
    this.#limit = frameBytesMax;
  }

  close(reason: Failure): void {
    if (!this.open) return;
    this.open = false;
    const { world, delayMs } = this.connection;
    world.after(0, () => this.handlers?.closed(reason));
    world.after(delayMs, () => {
      if (!this.connection.stalled) this.peer.over(reason);
    });
  }

  /** The other side closed it, or it broke. */
  over(reason: Failure): void {
    this.connection.world.connections.delete(this.connection);
    if (!this.open || this.server?.running === false) return;
    this.open = false;
    this.handlers?.closed(reason);
  }

  arrived(type: number, bytes: Bytes): void {
    if (!this.open || this.server?.running === false) return;
    if (this.handlers === undefined) return void this.#early.push(() => this.arrived(type, bytes));
    this.connection.world.frames++;
    try {
      if (bytes.length > this.#limit) throw refusal("FRAME_TOO_LARGE", `${bytes.length} bytes`);
      this.handlers.frame(type, bytes.slice());
    } catch (error) {
      const reason = failureOf(error);
      if (reason.code === "INTERNAL") throw error;
      this.close(reason);
    }
  }

  /** The other side reads again. */
  deliverHeld(): void {
    for (const deliver of this.#held.splice(0)) deliver();
  }

  flushEarly(): void {
    for (const run of this.#early.splice(0)) run();
  }
}

/** A refusal that can be thrown. */
export function refusal(code: Failure["code"], text: string): Error & Failure {
  return Object.assign(new Error(text), { code, text });
}
