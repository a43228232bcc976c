// One transport with its outbox: what the core and the fabrics hold. It knows no sockets, so that
// the simulated net runs the very same code. Sockets are in socket.ts, listen.ts and dial.ts.
//
//   open ──close()──▶ draining ──outbox empty──▶ ending ──gone──▶ closed
//     │                  │ lingerMsMax              │ lingerMsMax    ▲
//     │                  └──────────destroy─────────┴────────────────┤
//     └──gone, stalled, paused for too long──────────────────────────┘
//
// Invariants:
// 1. Data is handed on only while open.
// 2. `handlers.closed` is called once, from a turn of its own, and nothing is called after it.
// 3. In draining and ending the sink is read (and what comes is dropped), so that its end is seen.
// 4. Every phase but open ends by a deadline.

import type { Adopted, Bytes, Clock, Lane, Log, Sink } from "../environment.ts";
import type { Wire, WireHandlers } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import { Outbox } from "./outbox.ts";

export interface WireOptions {
  readonly sink: Sink;
  readonly clock: Clock;
  readonly log: Log;
  readonly secure: boolean;
  readonly tls?: boolean;
  readonly fingerprint: Bytes | undefined;
  readonly shown?: Bytes | undefined;
}

type Phase = "open" | "draining" | "ending" | "closed";

const unattached: WireHandlers = { data() {}, closed() {} };

/** A wire and, for its transport, the events that move it. */
export class SinkWire implements Wire, Adopted {
  readonly secure: boolean;
  readonly tls: boolean;
  readonly fingerprint: Bytes | undefined;
  readonly shown: Bytes | undefined;
  readonly #sink: Sink;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #outbox: Outbox;
  #handlers = unattached;
  #phase: Phase = "open";
  #reason = "";
  #paused = false;
  /** The deadline of a pause, of draining or of ending: there is only ever one of them. */
  #cancelDeadline: (() => void) | undefined;

  constructor({ sink, clock, log, secure, tls = false, fingerprint, shown }: WireOptions) {
    this.secure = secure;
    this.tls = tls;
    this.shown = shown;
    this.fingerprint = fingerprint;
    this.#sink = sink;
    this.#clock = clock;
    this.#log = log;
    this.#outbox = new Outbox(sink, clock, this);
  }

  get remote(): string {
    return this.#sink.remote;
  }

  get wire(): Wire {
    return this;
  }

  /** Says who is told of what comes; before any event. */
  attach(handlers: WireHandlers): void {
    this.#handlers = handlers;
  }

  send(lane: Lane, bytes: Bytes): boolean {
    return this.#phase === "open" && this.#outbox.send(lane, bytes);
  }

  sendBorrowed(lane: Lane, parts: readonly Bytes[]): boolean {
    return this.#phase === "open" && this.#outbox.sendBorrowed(lane, parts);
  }

  queuedBytes(lane: Lane): number {
    return this.#outbox.queuedBytes(lane);
  }

  bound(lane: Lane, bytesMax: number): void {
    this.#outbox.bound(lane, bytesMax);
  }

  flush(): void {
    this.#outbox.flush();
  }

  pause(): void {
    if (this.#paused || this.#phase !== "open") return;
    this.#paused = true;
    this.#sink.pause();
    const seconds = Math.round(LIMITS.stallMsMax / 1000);
    const reason = `OUTBOX_FULL: reading was paused for ${seconds} s, since others did not read`;
    this.#deadline(LIMITS.stallMsMax, () => this.#destroy(reason));
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#deadline(0, undefined);
    this.#sink.resume();
  }

  close(reason: string): void {
    if (this.#phase !== "open") return;
    this.resume();
    this.#phase = "draining";
    this.#reason = reason;
    this.#deadline(LIMITS.lingerMsMax, () => this.#destroy(reason));
    this.#outbox.flush();
    if (this.#outbox.empty) this.#end();
  }

  // --- the transport's side ---

  /** Bytes have come; borrowed until return. */
  data(chunk: Bytes): void {
    if (this.#phase !== "open") return;
    try {
      this.#handlers.data(chunk);
    } catch (error) {
      this.#log.error("wire handler failed", { remote: this.remote, error });
      this.close("INTERNAL: the server met a fault of its own; it has been logged");
    }
  }

  /** The sink takes bytes again. */
  writable(): void {
    this.#outbox.writable();
  }

  /** The peer will send no more: what is queued still leaves. */
  ended(): void {
    this.close("closed by the peer");
  }

  /** The transport is gone. */
  closed(reason: string): void {
    this.#finish(reason);
  }

  // --- the outbox's side ---

  drained(): void {
    if (this.#phase === "draining") this.#end();
    else if (this.#phase === "open") this.#tell(() => this.#handlers.drained?.());
  }

  failed(reason: string): void {
    this.#destroy(reason);
  }

  // --- internal ---

  #end(): void {
    this.#phase = "ending";
    this.#deadline(LIMITS.lingerMsMax, () => this.#destroy(this.#reason));
    this.#sink.end();
  }

  #destroy(reason: string): void {
    if (this.#phase === "closed") return;
    this.#finish(reason);
    this.#sink.destroy();
  }

  /** The first reason is the one that is told. */
  #finish(reason: string): void {
    if (this.#phase === "closed") return;
    const told = this.#phase === "open" ? reason : this.#reason;
    this.#phase = "closed";
    this.#deadline(0, undefined);
    this.#outbox.dispose();
    this.#clock.soon(() => {
      const handlers = this.#handlers;
      this.#handlers = unattached;
      this.#tell(() => handlers.closed(told));
    });
  }

  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#log.error("wire handler failed", { remote: this.remote, error });
      this.close("INTERNAL: the server met a fault of its own; it has been logged");
    }
  }

  #deadline(ms: number, passed: (() => void) | undefined): void {
    this.#cancelDeadline?.();
    this.#cancelDeadline = passed && this.#clock.after(ms, passed);
  }
}
