// The people of a run: they enter some at a time, and leave together.

import { LIMITS } from "../../../src/limits.ts";
import type { Connection } from "./connection.ts";

/** Longer than ten thousand people need on a slow machine. */
const ENTER_MS_MAX = 60_000;
/** A larger room is told the number of its people, a second after they came: a write to each. */
const NUMBERED_FROM = LIMITS.roomPresenceMembersMax;
/** What their coming has left to do is done by then. */
const SETTLE_MS = LIMITS.roomCountMs + 500;
/** A server that does not close by then, and a millisecond for each of them, is left alone. */
const LEAVE_MS_MAX = 3000;

export class Crowd {
  readonly people: Connection[] = [];
  #entered = 0;
  #asked = 0;
  #open = 0;
  #waiting: (() => void) | undefined;

  /** Tells of one who is ready. */
  ready(): void {
    this.#entered += 1;
    this.#waiting?.();
  }

  closed(): void {
    this.#open -= 1;
    this.#waiting?.();
  }

  /** Has those enter who have not, so many at the same time. */
  async enter(atOnce: number): Promise<void> {
    await this.#until(ENTER_MS_MAX, () => {
      while (this.#asked < this.people.length && this.#asked - this.#entered < atOnce) {
        this.people[this.#asked]?.connect();
        this.#asked += 1;
        this.#open += 1;
      }
      return this.#entered === this.people.length;
    });
    if (this.#entered === this.people.length) return;
    throw new Error(`${this.#entered} of ${this.people.length} people have entered in 60 s`);
  }

  /** Waits until a large crowd's coming, or leaving, is over for its server, too. */
  async settle(): Promise<void> {
    if (this.people.length > NUMBERED_FROM) await Bun.sleep(SETTLE_MS);
  }

  async leave(): Promise<void> {
    for (const person of this.people) person.leave();
    await this.#until(LEAVE_MS_MAX + this.people.length, () => this.#open === 0);
    for (const person of this.people) if (!person.isClosed) person.terminate();
    await this.settle();
  }

  async #until(msMax: number, isSo: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, msMax);
    this.#waiting = () => {
      if (isSo()) resolve();
    };
    this.#waiting();
    await promise;
    clearTimeout(timer);
    this.#waiting = undefined;
  }
}
