// A tick: one turn of the loop, in which what came in is worked off to its end; then the writing of
// what it left. The order is fixed: streams are logged and published, rooms' batches are handed to
// their members, answers stand behind them, and each outlet is written once.

import type { Clock, Wire } from "../environment.ts";
import type { Outlet } from "./outlet.ts";
import type { Group, Listener } from "./room.ts";

export class Tick<L extends Listener> {
  readonly #clock: Clock;
  #scheduled = false;
  #groups: Group<L>[] = [];
  #outlets: Outlet[] = [];
  #wires = new Set<Wire>();
  readonly #before: (() => void)[] = [];
  readonly #answers: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `run` in each tick, before the batches are handed out, in the order of registration. */
  before(run: () => void): void {
    this.#before.push(run);
  }

  /** Runs `run` in each tick, after the batches were handed out. */
  answers(run: () => void): void {
    this.#answers.push(run);
  }

  /** A room's group has bytes. */
  readonly group = (group: Group<L>): void => {
    this.#groups.push(group);
    this.schedule();
  };

  /** An outlet has bytes. */
  readonly outlet = (outlet: Outlet): void => {
    outlet.dirty = true;
    this.#outlets.push(outlet);
    this.schedule();
  };

  /** A wire that is no session's has bytes: a link, or a stranger. */
  readonly wire = (wire: Wire): void => {
    this.#wires.add(wire);
    this.schedule();
  };

  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.soon(this.#run);
  }

  /** Works off at once what is waiting; for the last words of a stopping server. */
  now(): void {
    this.#run();
  }

  readonly #run = (): void => {
    this.#scheduled = false;
    for (const run of this.#before) run();
    const groups = this.#groups;
    this.#groups = [];
    for (const group of groups) group.flush();
    for (const run of this.#answers) run();
    const outlets = this.#outlets;
    this.#outlets = [];
    for (const outlet of outlets) {
      outlet.dirty = false;
      outlet.flush();
    }
    const wires = this.#wires;
    this.#wires = new Set();
    for (const wire of wires) wire.flush();
  };
}
