// A tick: one turn of the loop, in which what came in is worked off to its end; then the writing of
// what it left. The order is fixed: streams are logged and published, rooms' batches are handed to
// their members, answers stand behind them, and each outlet is written once.
// A room that is busy rests between two flushes: a write costs the same for one message as for ten.
// Meanwhile the ticks are small: they write what does not come from rooms.
// Invariants: 1. Only messages wait for the end of a rest, and LIMITS.roomRestMsMax at most.
// 2. An answer that stands behind a room's batch is told in no tick before it.

import type { Clock, Millis, Wire } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { Outlet } from "./outlet.ts";
import type { Group, Listener } from "./room.ts";

export class Tick<L extends Listener> {
  readonly #clock: Clock;
  #scheduled = false;
  /** What is marked now is written by the tick that runs. */
  #isRunning = false;
  /** The next run is a whole one: the rooms' batches go, too. */
  #isWhole = false;
  /** The end of the rest is awaited by somebody. */
  #isAwaited = false;
  #wholes = 0;
  #groups: Group<L>[] = [];
  #outlets: Outlet[] = [];
  #wires = new Set<Wire>();
  readonly #first: (() => void)[] = [];
  readonly #before: (() => void)[] = [];
  readonly #answers: (() => void)[] = [];
  readonly #rest = createRest();
  #cancelRest: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many ticks have handed out the rooms' batches. */
  get wholes(): number {
    return this.#wholes;
  }

  /** Runs `run` at the beginning of each tick. */
  first(run: () => void): void {
    this.#first.push(run);
  }

  /** Runs `run` in each whole tick, before the batches are handed out, in this order. */
  before(run: () => void): void {
    this.#before.push(run);
  }

  /** Runs `run` in each tick, after the batches were handed out. */
  answers(run: () => void): void {
    this.#answers.push(run);
  }

  /** A room's group has bytes; what hurries is in the next tick. */
  readonly group = (group: Group<L>, hurries: boolean): void => {
    if (!group.queued) {
      group.queued = true;
      this.#groups.push(group);
    }
    if (hurries) this.schedule();
    else this.scheduleRested();
  };

  /** An outlet has bytes. */
  readonly outlet = (outlet: Outlet): void => {
    outlet.dirty = true;
    this.#outlets.push(outlet);
    if (!this.#isRunning) this.scheduleSmall();
  };

  /** A wire that is no session's has bytes: a link, or a stranger. */
  readonly wire = (wire: Wire): void => {
    this.#wires.add(wire);
    if (!this.#isRunning) this.scheduleSmall();
  };

  /** Asks for a whole tick. */
  schedule(): void {
    this.#isWhole = true;
    this.scheduleSmall();
  }

  /** Asks for a whole tick when the rooms have rested. */
  scheduleRested(): void {
    if (this.#cancelRest === undefined) this.schedule();
    else this.#isAwaited = true;
  }

  /** Asks for a tick that need not be a whole one. */
  scheduleSmall(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.soon(this.#run);
  }

  /** Works off at once what is waiting; for the last words of a stopping server. */
  now(): void {
    this.#isWhole = true;
    this.#run();
  }

  readonly #run = (): void => {
    const began = this.#clock.monotonic();
    const isWhole = this.#isWhole;
    this.#isWhole = false;
    if (isWhole) this.#isAwaited = false;
    this.#scheduled = false;
    this.#isRunning = true;
    let most = 0;
    try {
      for (const run of this.#first) run();
      if (isWhole) most = this.#handOut();
      for (const run of this.#answers) run();
    } finally {
      this.#isRunning = false;
      this.#write();
    }
    if (most > 0) this.#beginRest(began, most);
  };

  #write(): void {
    const outlets = this.#outlets;
    this.#outlets = [];
    for (const outlet of outlets) {
      outlet.dirty = false;
      outlet.flush();
    }
    const wires = this.#wires;
    if (wires.size === 0) return;
    this.#wires = new Set();
    for (const wire of wires) wire.flush();
  }

  /** Hands out what the rooms say; returns how much one of them said at the most. */
  #handOut(): number {
    for (const run of this.#before) run();
    this.#wholes++;
    let most = 0;
    const groups = this.#groups;
    this.#groups = [];
    for (const group of groups) {
      group.queued = false;
      most = Math.max(most, group.flush());
    }
    return most;
  }

  #beginRest(began: Millis, most: number): void {
    this.#cancelRest?.();
    this.#cancelRest = undefined;
    const ms = this.#rest(began, this.#clock.monotonic(), most);
    if (ms === 0) return;
    this.#cancelRest = this.#clock.after(ms, () => {
      this.#cancelRest = undefined;
      if (this.#isAwaited) this.schedule();
    });
  }
}

// --- internal -----------------------------------------------------------------------------------

/**
 * Says how long rooms rest after a flush that lasted from `began` to `ended`, in which the busiest
 * one had `most` events: in proportion to what the flush cost, where more than one message may be
 * expected to come; 0 where a rest is only a delay, as for people who wait for each other's answer.
 */
function createRest() {
  let before = Number.NEGATIVE_INFINITY;
  /** How often in a row nothing more came in a rest; and for how many flushes none is tried. */
  let vain = 0;
  let skip = 0;
  let rested = false;
  return (began: Millis, ended: Millis, most: number): Millis => {
    const since = began - before;
    before = began;
    const cost = (ended - began) * LIMITS.roomRestFactor;
    const ms = Math.min(Math.max(cost, LIMITS.roomRestMsMin), LIMITS.roomRestMsMax);
    if (most > 1) vain = skip = 0;
    else if (rested) skip = vain = Math.min(vain * 2 + 1, LIMITS.roomRestsSkippedMax);
    else if (skip > 0) skip--;
    rested = most > 1 || (skip === 0 && ms > since);
    return rested ? ms : 0;
  };
}
