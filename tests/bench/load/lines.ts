// What is said beside a file: lines at a steady pace, by its sender and by a third person in turn,
// to its receiver. Each is numbered, and timed from when it was to be said.

import { FRAME } from "../../../src/protocol/frame.ts";
import { Checker } from "./checker.ts";
import type { Faults } from "./checker.ts";
import type { Chat } from "./job.ts";
import { Latencies } from "./latencies.ts";
import type { Person } from "./person.ts";

/** Then the generator was not at work when it should have been. */
const LATE_MICROS = 5000;

/** A timer may be so late: what remains is waited for turn by turn. */
const TIMER_MS = 1.5;

const later = (run: () => void, ms: number): void => {
  if (ms > TIMER_MS) setTimeout(run, ms - TIMER_MS);
  else setImmediate(run);
};

export class Lines {
  readonly #checker = new Checker(2);
  readonly #said = [0, 0];
  readonly #latencies = [new Latencies(), new Latencies()] as const;
  #began = 0;
  #count = 0;
  #heard = 0;
  #late = 0;

  get allHeard(): boolean {
    return this.#heard >= this.#count;
  }

  get faults(): Faults {
    return { ...this.#checker.faults((cell) => this.#said[cell] ?? 0), unacknowledged: 0 };
  }

  /** Says lines until the file has come; the first of `people` is the one who sends it. */
  start(
    perSecond: number,
    to: string,
    people: readonly Person[],
    phase: () => "ramp" | "measured" | "over",
  ): void {
    this.#began = performance.now();
    const pace = (): void => {
      if (phase() === "over") return;
      const now = this.#now();
      for (;;) {
        const micros = Math.floor((this.#count * 1e6) / perSecond);
        if (micros > now) return later(pace, (micros - now) / 1000);
        if (now - micros > LATE_MICROS) this.#late += 1;
        const who = this.#count % people.length;
        this.#count += 1;
        this.#said[who] = (this.#said[who] ?? 0) + 1;
        people[who]?.say(FRAME.tell, { to, text: `${who} ${this.#said[who]} ${micros}` });
      }
    };
    pace();
  }

  heard(text: string, isMeasured: boolean): void {
    const [who = NaN, number = NaN, micros = NaN] = text.split(" ").map(Number);
    this.#heard += 1;
    const latencies = this.#latencies[who];
    if (latencies === undefined || Number.isNaN(micros)) {
      this.#checker.strange += 1;
      return;
    }
    this.#checker.take(who, number);
    if (isMeasured) latencies.add(Math.max(0, this.#now() - micros));
  }

  told(): Chat {
    const [same, other] = this.#latencies;
    return {
      sameP50Ms: same.quantile(0.5),
      sameP99Ms: same.quantile(0.99),
      otherP50Ms: other.quantile(0.5),
      otherP99Ms: other.quantile(0.99),
      lateShare: this.#late / this.#count,
    };
  }

  // --- internal ---------------------------------------------------------------------------------

  /** µs since the first line. */
  #now(): number {
    return Math.floor((performance.now() - this.#began) * 1000);
  }
}
