// What will happen in a world, in the order of its time: the only clock of a simulation. Events of
// one time happen in the order in which they were put down, so that a seed says everything.

import type { Millis } from "../environment.ts";

/** Cancels an event that has not happened yet. */
export type Cancel = () => void;

interface Entry {
  readonly time: Millis;
  readonly order: number;
  readonly what: string;
  /** Undefined once it has happened or was cancelled. */
  run: (() => void) | undefined;
}

export class Agenda {
  /** A binary heap by (time, order). */
  #entries: Entry[] = [];
  #cancelled = 0;
  #order = 0;
  #now: Millis = 0;

  /** Milliseconds since the world began. */
  get now(): Millis {
    return this.#now;
  }

  /** When the next event is due, or undefined when nothing is. */
  get next(): Millis | undefined {
    this.#skipCancelled();
    return this.#entries[0]?.time;
  }

  /** Puts down an event, `ms` from now; `what` stands in the trace. */
  after(ms: Millis, what: string, run: () => void): Cancel {
    const entry: Entry = { time: this.#now + Math.max(0, ms), order: this.#order, what, run };
    this.#order += 1;
    this.#entries.push(entry);
    this.#rise(this.#entries.length - 1);
    return () => {
      if (entry.run === undefined) return;
      entry.run = undefined;
      this.#cancelled += 1;
      if (this.#cancelled > 64 && this.#cancelled * 2 > this.#entries.length) this.#rebuild();
    };
  }

  /** Lets the next event happen, and tells what it was. */
  step(): { readonly time: Millis; readonly what: string } | undefined {
    this.#skipCancelled();
    const entry = this.#pop();
    if (entry === undefined) return undefined;
    this.#now = entry.time;
    const { run } = entry;
    entry.run = undefined;
    run?.();
    return entry;
  }

  /** Lets time pass in which nothing is due. */
  advanceTo(time: Millis): void {
    this.#now = Math.max(this.#now, Math.min(time, this.next ?? time));
  }

  // --- internal ---

  #skipCancelled(): void {
    while (this.#entries[0] !== undefined && this.#entries[0].run === undefined) {
      this.#pop();
      this.#cancelled -= 1;
    }
  }

  #rebuild(): void {
    const kept = this.#entries.filter((entry) => entry.run !== undefined);
    this.#entries = kept.toSorted((a, b) => (before(a, b) ? -1 : 1));
    this.#cancelled = 0;
  }

  #pop(): Entry | undefined {
    const entries = this.#entries;
    const first = entries[0];
    const last = entries.pop();
    if (first === undefined || last === undefined || first === last) return first;
    entries[0] = last;
    this.#sink();
    return first;
  }

  #rise(from: number): void {
    const entries = this.#entries;
    const entry = entries[from];
    let index = from;
    if (entry === undefined) return;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = entries[parentIndex];
      if (parent === undefined || !before(entry, parent)) return;
      entries[index] = parent;
      entries[parentIndex] = entry;
      index = parentIndex;
    }
  }

  #sink(): void {
    const entries = this.#entries;
    const entry = entries[0];
    let index = 0;
    if (entry === undefined) return;
    for (;;) {
      const left = entries[2 * index + 1];
      const right = entries[2 * index + 2];
      if (left === undefined) return;
      const least = right !== undefined && before(right, left) ? right : left;
      if (!before(least, entry)) return;
      const next = 2 * index + (least === left ? 1 : 2);
      entries[index] = least;
      entries[next] = entry;
      index = next;
    }
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
