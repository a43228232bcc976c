// What the tests of the net share: a clock whose timers fire when a test says so, sinks that take
// what they are told to, and peers that keep what they receive.

import { afterEach } from "bun:test";
import type { Bytes, Clock, DialOptions, ListenOptions, Log } from "../../src/environment.ts";
import type { LogFields, Net, Sink, TlsIdentity, Wire } from "../../src/environment.ts";
import type { WireHandlers } from "../../src/environment.ts";
import { makeTlsIdentity } from "../../src/net/identity.ts";
import { createNet } from "../../src/net/net.ts";

/** A real `soon`, and timers that wait for `pass`. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ readonly due: number; readonly run: () => void }>();

  get timers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { due: this.#now + ms, run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  soon(run: () => void): void {
    setImmediate(run);
  }

  /** Lets time pass: what is due by then fires. */
  pass(ms: number): void {
    this.#now += ms;
    for (const timer of this.#timers) {
      if (timer.due > this.#now) continue;
      this.#timers.delete(timer);
      timer.run();
    }
  }
}

/** Keeps what was logged. */
export function keepLog(): Log & {
  readonly lines: [event: string, fields: LogFields | undefined][];
} {
  const lines: [event: string, fields: LogFields | undefined][] = [];
  const keep = (event: string, fields?: LogFields): void => void lines.push([event, fields]);
  return { lines, debug: keep, info: keep, warn: keep, error: keep };
}

/** Takes at most `room` bytes, and keeps what it took, write by write. */
export class RoomySink implements Sink {
  readonly remote = "sink";
  readonly writes: string[] = [];
  readonly calls: string[] = [];
  room = Number.POSITIVE_INFINITY;
  gone = false;

  get taken(): string {
    return this.writes.join("");
  }

  write(bytes: Bytes, from: number, to: number): number {
    if (this.gone) return -1;
    const count = Math.min(this.room, to - from);
    this.room -= count;
    this.writes.push(text(bytes.subarray(from, from + count)));
    return count;
  }

  pause = (): void => void this.calls.push("pause");
  resume = (): void => void this.calls.push("resume");
  end = (): void => void this.calls.push("end");
  destroy = (): void => void this.calls.push("destroy");
}

const text = (bytes: Bytes): string => new TextDecoder().decode(bytes);
export const bytes = (of: string): Bytes => new TextEncoder().encode(of);

/** One end of a connection: what it received, and promises of what it will. */
export class Peer implements WireHandlers {
  received: Bytes[] = [];
  receivedBytes = 0;
  drains = 0;
  readonly reasons: string[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(
    readonly wire: Wire,
    readonly onData?: (peer: Peer, chunk: Bytes) => void,
  ) {}

  data(chunk: Bytes): void {
    this.received.push(new Uint8Array(chunk));
    this.receivedBytes += chunk.length;
    this.onData?.(this, chunk);
    this.#look();
  }

  drained(): void {
    this.drains += 1;
    this.#look();
  }

  closed(reason: string): void {
    this.reasons.push(reason);
    this.#look();
  }

  get text(): string {
    return text(Buffer.concat(this.received));
  }

  /** Resolves once a condition holds, which is looked at whenever something happens here. */
  until(condition: (peer: Peer) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition(this)) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Resolves with the reason when the wire has closed. */
  async end(): Promise<string> {
    await this.until((peer) => peer.reasons.length > 0);
    return this.reasons[0]!;
  }

  send(of: string): void {
    this.wire.send("room", bytes(of));
    this.wire.flush();
  }

  #look(): void {
    for (const look of this.#waiting) look();
  }
}

/** Letters and how often each comes in a row: "aaab" is "a3 b1". */
export function runs(of: string): string {
  return (of.match(/(.)\1*/gs) ?? []).map((run) => `${run[0]}${run.length}`).join(" ");
}

/** What a promise rejects with. */
export async function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
}

/** A TLS identity for all tests. */
export const identity: TlsIdentity = await makeTlsIdentity("paris", Date.now());
const cleanups: (() => void)[] = [];
/** Runs `cleanup` after the test. */
export const later = (cleanup: () => void): void => void cleanups.push(cleanup);
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A net with a clock and a log of its own. */
export function make(options: { connectionsMax?: number } = {}) {
  const clock = new ManualClock();
  const log = keepLog();
  return { clock, log, net: createNet(clock, log, options) };
}

type OnData = (peer: Peer, chunk: Bytes) => void;

/** A listener, and a queue of those who come. */
export async function listen(net: Net, more: Partial<ListenOptions> = {}, onData?: OnData) {
  const accepted: Peer[] = [];
  const awaited: ((peer: Peer) => void)[] = [];
  const at = { host: "127.0.0.1", port: 0, tls: undefined, ...more };
  const listener = await net.listen(at, (wire) => {
    const peer = new Peer(wire, onData);
    const next = awaited.shift();
    if (next === undefined) accepted.push(peer);
    else next(peer);
    return peer;
  });
  cleanups.push(() => listener.close());
  const next = (): Promise<Peer> =>
    new Promise((resolve) => {
      const peer = accepted.shift();
      if (peer === undefined) awaited.push(resolve);
      else resolve(peer);
    });
  return { listener, next, accepted };
}

/** Dials, and gives the peer that is this end. */
export async function dial(net: Net, more: Partial<DialOptions> & { port: number }): Promise<Peer> {
  const peers: Peer[] = [];
  await net.dial({ host: "127.0.0.1", tls: false, ...more }, (wire) => {
    const peer = new Peer(wire);
    peers.push(peer);
    return peer;
  });
  const peer = peers[0]!;
  cleanups.push(() => peer.wire.close("the test is over"));
  return peer;
}

/** A connection whose server end has been told a word, so that it is there. */
export async function connect(
  net: Net,
  options: Partial<ListenOptions> & { secure?: boolean } = {},
  onData?: OnData,
) {
  const { listener, next } = await listen(net, options, onData);
  const client = await dial(net, { port: listener.port, tls: options.secure ?? false });
  client.send("hi");
  const server = await next();
  await server.until((peer) => peer.receivedBytes === 2);
  server.received = [];
  server.receivedBytes = 0;
  return { listener, client, server };
}
