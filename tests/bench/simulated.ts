// Fusions in the simulated world (src/testing) for the curves of growth, and what passes over their
// links. What is counted there is the same in each run: it depends on no machine's noise.

import type { Bytes, Environment, Wire, WireHandlers } from "../../src/environment.ts";
import { FrameReader } from "../../src/protocol/frame.ts";
import { isFailure, LIMITS } from "../../src/plugin.ts";
import type { Plugin } from "../../src/plugin.ts";
import { createSimulation, SIMULATED_PORT } from "../../src/testing.ts";
import type { Simulation } from "../../src/testing.ts";
import { LINK_FRAME } from "../../plugins/fabric-tree/hello.ts";
import { readRouted } from "../../plugins/fabric-tree/route.ts";
import type { Wire as Pair } from "./graphs.ts";

/** The longest that a view may take to settle, in virtual time. */
const SETTLE_MS_MAX = 60_000;
/** What merges leave to do is done by then, in virtual time. */
const REST_MS = 3000;
/** The virtual time of a look at all views. */
const LOOK_MS = 1;

/** What has passed over all links of a simulation, in both directions, since the last reset. */
export class Passed {
  /** Of all frames. */
  bytes = 0;
  /** Frames with what was said in rooms, on each of the links that they took. */
  frames = 0;
  frameBytes = 0;

  reset(): void {
    this.bytes = this.frames = this.frameBytes = 0;
  }

  /** An environment whose dialled wires are counted: a server dials nothing but links. */
  watch(environment: Environment): Environment {
    const { net } = environment;
    const dial: typeof net.dial = (at, opened) =>
      net.dial(at, (wire) => this.#counted(wire, opened));
    return { ...environment, net: { ...net, dial } };
  }

  // --- internal ---------------------------------------------------------------------------------

  #counted(wire: Wire, opened: (wire: Wire) => WireHandlers): WireHandlers {
    const [sent, come] = [this.#reader(), this.#reader()];
    const { remote, secure, tls, fingerprint } = wire;
    const handlers = opened({
      remote,
      secure,
      tls,
      fingerprint,
      send: (lane, bytes) => {
        const isTaken = wire.send(lane, bytes);
        if (isTaken) sent(bytes);
        return isTaken;
      },
      sendBorrowed: (lane, parts) => {
        const isTaken = wire.sendBorrowed(lane, parts);
        if (isTaken) for (const part of parts) sent(part);
        return isTaken;
      },
      queuedBytes: (lane) => wire.queuedBytes(lane),
      bound: (lane, max) => wire.bound(lane, max),
      flush: () => wire.flush(),
      pause: () => wire.pause(),
      resume: () => wire.resume(),
      close: (reason) => wire.close(reason),
    });
    const { drained } = handlers;
    return {
      data: (chunk) => {
        come(chunk);
        handlers.data(chunk);
      },
      ...(drained === undefined ? {} : { drained: () => drained.call(handlers) }),
      closed: (reason) => handlers.closed(reason),
    };
  }

  #reader(): (bytes: Bytes) => void {
    const reader = new FrameReader(LIMITS.linkFrameBytesMax);
    return (bytes) => {
      this.bytes += bytes.length;
      reader.push(bytes, (type, payload) => {
        if (type !== LINK_FRAME.routed || readRouted(payload).traffic !== "room") return;
        this.frames += 1;
        this.frameBytes += payload.length;
      });
    };
  }
}

export interface Fusion {
  readonly simulation: Simulation;
  readonly passed: Passed;
  readonly hosts: readonly string[];
}

/** Starts servers, and merges all pairs at the same instant. Throws with why one cannot. */
export function fusionOf(
  count: number,
  pairs: readonly Pair[],
  plugins: (host: string) => readonly Plugin[] = () => [],
): Fusion {
  const passed = new Passed();
  const around = (environment: Environment) => passed.watch(environment);
  const simulation = createSimulation({ seed: "growth", plugins, around });
  const hosts = Array.from({ length: count }, (_, at) => `s${String(at).padStart(3, "0")}`);
  for (const host of hosts) simulation.start(host);
  const merges = pairs.map(([a, b]) => merge(simulation, hosts[a] ?? "", hosts[b] ?? ""));
  simulation.world.until(Promise.all(merges));
  simulation.world.run(REST_MS);
  return { simulation, passed, hosts };
}

/** Merges two fusions by their servers `a` and `b`; returns the virtual ms until all know. */
export function mergeMs(fusion: Fusion, a: string, b: string): number {
  const { simulation, hosts } = fusion;
  const { world } = simulation;
  const merged = merge(simulation, a, b);
  const ms = untilAll(fusion, hosts.length);
  world.until(merged);
  return ms;
}

/**
 * Cuts the link between two fusions until all have told of it; returns the virtual ms from then on
 * until all have told that the others are back.
 */
export function healMs(fusion: Fusion, a: string, b: string): number {
  const { simulation, hosts } = fusion;
  simulation.world.cut(a, b);
  untilAll(fusion, hosts.length / 2);
  simulation.world.heal(a, b);
  return untilAll(fusion, hosts.length);
}

// --- internal ---

/**
 * Lets time pass until each server has told its operator that it is in a fusion of so many; returns
 * the virtual ms that it took. Throws when it takes longer than a minute.
 */
function untilAll({ simulation, hosts }: Fusion, size: number): number {
  const { world } = simulation;
  const began = world.now;
  const isThere = (host: string): boolean => {
    const told = simulation
      .server(host)
      .events.findLast(({ event }) => event === "merged" || event === "split");
    return told !== undefined && "fusion" in told && told.fusion.length === size;
  };
  while (!hosts.every(isThere)) {
    if (world.now - began > SETTLE_MS_MAX) throw new Error(`no fusion of ${size} in a minute`);
    world.run(LOOK_MS);
  }
  return world.now - began;
}

async function merge(simulation: Simulation, a: string, b: string): Promise<void> {
  const answer = await simulation.type(a, `merge ${b}:${SIMULATED_PORT}`);
  if (isFailure(answer)) throw new Error(`${a} cannot merge ${b}: ${answer.text}`);
}
