// One simulated connection: two ends, each a Sink below the very Wire and Outbox of the real net.
// Like a kernel it takes as much as its buffer holds; like Bun it tells nothing while it is paused.
//
//   write ─▶ sender's buffer ─▶ on the way (rate, delay, silence) ─▶ [paused: held] ─▶ wire.data
//               ▲ freed ◀──────────────── handed over ────────────────────┘

import type { Bytes, Millis, Sink } from "../environment.ts";
import type { SinkWire } from "../net/wire.ts";
import type { Agenda } from "./agenda.ts";
import type { SeededRandom } from "./random.ts";

/** What a way between two hosts is like, in one direction. */
export interface Path {
  /** One way. */
  readonly latencyMs: Millis;
  /** Added at random to the latency; the order of a connection's bytes is kept. */
  readonly jitterMs: Millis;
  readonly bytesPerSecond: number;
  /** What the system takes before the peer has it: the rest of a write is refused. */
  readonly bufferBytes: number;
  /** How likely a chunk is cut in two, at random. */
  readonly splitChance: number;
  /** Nothing arrives and nobody is told; what is on the way waits for better times. */
  readonly silent: boolean;
}

/** What travels: bytes, the sender's end, or the news that the connection is no more. */
type Parcel =
  | { readonly kind: "data"; readonly bytes: Bytes }
  | { readonly kind: "end" }
  | { readonly kind: "reset" };

/** How far ahead parcels are given their time of arrival, at the rate that the way has now. */
const LINE_AHEAD_MS = 1000;

export interface LinkParts {
  readonly agenda: Agenda;
  readonly random: SeededRandom;
  /** Adds to the digest of what has happened. */
  record(what: string, bytes: Bytes): void;
}

/** One end of a connection. */
export class LinkEnd implements Sink {
  readonly remote: string;
  /** Set when the wire is made, before anything arrives. */
  wire: SinkWire | undefined;
  peer: LinkEnd | undefined;
  readonly #parts: LinkParts;
  readonly #path: () => Path;
  /** Sent by us and not handed over yet. */
  #buffered = 0;
  /** A write was not taken whole: tell when there is room. */
  #starved = false;
  #paused = false;
  #wroteAll = false;
  #peerEnded = false;
  #gone = false;
  /** Nothing arrives from here any more: the half-open case. */
  #deaf = false;
  #lineFreeAt: Millis = 0;
  /** For the line. */
  readonly #waiting: Parcel[] = [];
  /** Called again when the line is free. */
  #pumps = false;
  #lastArrival: Millis = 0;
  /** On its way to us, or held while we are paused or the path is silent. */
  #held: Parcel[] = [];

  constructor(parts: LinkParts, remote: string, path: () => Path) {
    this.#parts = parts;
    this.remote = remote;
    this.#path = path;
  }

  get open(): boolean {
    return !this.#gone;
  }

  write(bytes: Bytes, from: number, to: number): number {
    if (this.#gone || this.#wroteAll) return -1;
    const room = Math.max(0, this.#path().bufferBytes - this.#buffered);
    const taken = Math.min(room, to - from);
    if (taken < to - from) this.#starved = true;
    if (taken > 0) this.#sendSplit(bytes.slice(from, from + taken));
    return taken;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.release();
  }

  end(): void {
    if (this.#gone || this.#wroteAll) return;
    this.#wroteAll = true;
    this.#dispatch({ kind: "end" });
    if (this.#peerEnded) this.#vanish("closed by the peer");
  }

  destroy(): void {
    if (this.#gone) return;
    this.#dispatch({ kind: "reset" });
    this.#vanish("closed here");
  }

  /** The connection breaks: this end is told. */
  reset(reason: string): void {
    if (!this.#gone) this.#parts.agenda.after(0, "link reset", () => this.#vanish(reason));
  }

  /** This end's machine is gone: nobody here is told anything any more, nor is the peer. */
  vanishSilently(): void {
    this.#gone = true;
    this.#held = [];
  }

  /** What was sent from here from now on never arrives. */
  loseAll(): void {
    this.#deaf = true;
  }

  /** Hands over what was held, when nothing holds it any more. */
  release(): void {
    if (this.#held.length === 0) return;
    this.#parts.agenda.after(0, "link release", () => this.#handOver());
  }

  // --- internal ---

  #sendSplit(bytes: Bytes): void {
    const { random } = this.#parts;
    this.#buffered += bytes.length;
    const cut = random.chance(this.#path().splitChance) ? random.below(bytes.length) : 0;
    if (cut > 0) this.#dispatch({ kind: "data", bytes: bytes.subarray(0, cut) });
    this.#dispatch({ kind: "data", bytes: bytes.subarray(cut) });
  }

  #dispatch(parcel: Parcel): void {
    this.#waiting.push(parcel);
    this.#pump();
  }

  /** Fills the line for a while, so that soon after a change all goes at the new rate. */
  #pump(): void {
    const { agenda } = this.#parts;
    while (this.#lineFreeAt - agenda.now < LINE_AHEAD_MS) {
      const parcel = this.#waiting.shift();
      if (parcel === undefined || this.#deaf) return;
      const most = Math.ceil((this.#path().bytesPerSecond * LINE_AHEAD_MS) / 1000);
      if (parcel.kind !== "data" || parcel.bytes.length <= most) {
        this.#transmit(parcel);
        continue;
      }
      this.#waiting.unshift({ kind: "data", bytes: parcel.bytes.subarray(most) });
      this.#transmit({ kind: "data", bytes: parcel.bytes.subarray(0, most) });
    }
    if (this.#waiting.length === 0 || this.#pumps) return;
    this.#pumps = true;
    agenda.after(this.#lineFreeAt - agenda.now, "link line", () => {
      this.#pumps = false;
      this.#pump();
    });
  }

  #transmit(parcel: Parcel): void {
    const { agenda, random } = this.#parts;
    const path = this.#path();
    const size = parcel.kind === "data" ? parcel.bytes.length : 0;
    const start = Math.max(agenda.now, this.#lineFreeAt);
    this.#lineFreeAt = start + (size / path.bytesPerSecond) * 1000;
    const wanted = this.#lineFreeAt + path.latencyMs + random.next() * path.jitterMs;
    this.#lastArrival = Math.max(wanted, this.#lastArrival);
    const peer = this.peer;
    agenda.after(this.#lastArrival - agenda.now, `link ${parcel.kind}`, () => {
      if (!this.#deaf) peer?.arrive(parcel);
    });
  }

  /** Something has come to this end. */
  arrive(parcel: Parcel): void {
    if (this.#gone) return;
    this.#held.push(parcel);
    this.#handOver();
  }

  /** Before the wire is there, while paused, or in silence, not even the end is seen. */
  #handOver(): void {
    if (this.wire === undefined) return;
    while (this.#held.length > 0 && !this.#gone && !this.#paused && !this.#inSilence()) {
      const parcel = this.#held.shift();
      if (parcel?.kind === "data") this.#deliver(parcel.bytes);
      else if (parcel?.kind === "end") this.#seeEnd();
      else if (parcel?.kind === "reset") this.#vanish("reset by the peer");
    }
  }

  #inSilence(): boolean {
    return this.peer?.pathNow().silent ?? false;
  }

  pathNow(): Path {
    return this.#path();
  }

  #deliver(bytes: Bytes): void {
    this.#parts.record(this.remote, bytes);
    this.peer?.handedOver(bytes.length);
    this.wire?.data(bytes);
    // Chunks are borrowed until return: whoever keeps one shall notice here, not in production.
    bytes.fill(0xdb);
  }

  #seeEnd(): void {
    this.#peerEnded = true;
    if (this.#wroteAll) this.#vanish("closed by the peer");
    else this.wire?.ended();
  }

  /** The peer has taken so much of ours: there is room again, as we learn a little later. */
  handedOver(count: number): void {
    this.#buffered -= count;
    if (!this.#starved) return;
    this.#starved = false;
    this.#parts.agenda.after(this.#path().latencyMs, "link writable", () => {
      if (!this.#gone && !this.#deaf) this.wire?.writable();
    });
  }

  #vanish(reason: string): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#held = [];
    this.wire?.closed(reason);
  }
}
