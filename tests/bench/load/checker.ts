// Whether everything arrived, once and in order. Each pair of one who talks and one who hears is a
// cell; what the one says is numbered from 1, and the other must hear 1, 2, 3 … without a hole.

export interface Faults {
  /** Copies that never came. */
  readonly lost: number;
  /** Copies that had come before. */
  readonly doubled: number;
  /** Copies that came after a later one of the same sender. */
  readonly misordered: number;
  /** What came and was nobody's message, or was altered, or was not meant for this one. */
  readonly strange: number;
  /** Messages that were not acknowledged, of those that had asked for it. */
  readonly unacknowledged: number;
}

/** Numbers of one hole that are remembered; what is missing of a larger one counts as lost. */
const HOLE_MAX = 10_000;

export class Checker {
  readonly #last: Uint32Array;
  /** By cell: the numbers that a later one has overtaken. */
  readonly #missing = new Map<number, Set<number>>();
  #doubled = 0;
  #misordered = 0;
  strange = 0;

  constructor(cells: number) {
    this.#last = new Uint32Array(cells);
  }

  /** A copy of message `number` has arrived in `cell`. */
  take(cell: number, number: number): void {
    const expected = (this.#last[cell] ?? 0) + 1;
    if (number === expected) this.#last[cell] = number;
    else this.#odd(cell, number, expected);
  }

  /** The verdict at the end; `said` is the last number that was said to a cell. */
  faults(said: (cell: number) => number): Omit<Faults, "unacknowledged"> {
    let lost = 0;
    this.#last.forEach((last, cell) => {
      const missing = this.#missing.get(cell)?.size ?? 0;
      lost += Math.max(0, said(cell) - last) + missing;
    });
    const { strange } = this;
    return {
      lost: lost + this.#forgotten,
      doubled: this.#doubled,
      misordered: this.#misordered,
      strange,
    };
  }

  // --- internal ---------------------------------------------------------------------------------

  #forgotten = 0;

  #odd(cell: number, number: number, expected: number): void {
    const missing = this.#missing.get(cell) ?? new Set();
    if (number > expected) {
      const from = Math.max(expected, number - HOLE_MAX);
      for (let one = from; one < number; one++) missing.add(one);
      this.#forgotten += from - expected;
      this.#missing.set(cell, missing);
      this.#last[cell] = number;
    } else if (missing.delete(number)) this.#misordered += 1;
    else this.#doubled += 1;
  }
}
