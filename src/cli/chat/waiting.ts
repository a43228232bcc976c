// Lines that were typed and have no answer yet, for the screen: all of them while the connection is
// lost, else those that have waited for a while. They stand above what is being typed, and go with
// their answers, so that what scrolls by above is only what the server has.

import { visible } from "../../client.ts";
import { LIMITS } from "../../limits.ts";
import type { Shown } from "./shown.ts";

export class WaitingLines {
  readonly #changed: () => void;
  /** By number, the oldest first, with when they were typed. */
  readonly #lines = new Map<number, { readonly line: string; readonly since: number }>();
  #isLost = false;
  #timer: Timer | undefined;

  /** `changed` is called when there are other rows. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** A line is on its way. */
  typed(ref: number, line: string): void {
    this.#lines.set(ref, { line, since: performance.now() });
    this.#timer ??= setTimeout(() => this.#look(), LIMITS.answerAwaitedMs);
    if (this.#isLost) this.#changed();
  }

  /** It has its answer. */
  answered(ref: number): void {
    this.#lines.delete(ref);
    this.#changed();
  }

  /** Looks at what happens: whether there is a connection. */
  take(shown: Shown): void {
    if (shown.event !== "connection") return;
    this.#isLost = shown.state === "lost" || shown.state === "refused";
    this.#changed();
  }

  /** A row each, of the last ones; above them how many more there are. */
  get rows(): readonly string[] {
    const before = performance.now() - LIMITS.answerAwaitedMs;
    const all = [...this.#lines.values()].filter(({ since }) => this.#isLost || since <= before);
    const isMore = all.length > LIMITS.waitingShownMax;
    const last = isMore ? all.slice(1 - LIMITS.waitingShownMax) : all;
    const rows = last.map(({ line }) => `waiting: ${visible(line)}`);
    return isMore ? [`waiting: ${all.length - last.length} more lines`, ...rows] : rows;
  }

  /** The chat is over. */
  close(): void {
    clearTimeout(this.#timer);
  }

  // --- internal ---------------------------------------------------------------------------------

  /** The oldest one may wait for a while already; the next one is looked at when it does. */
  #look(): void {
    this.#timer = undefined;
    const now = performance.now();
    const next = [...this.#lines.values()].find(
      ({ since }) => since > now - LIMITS.answerAwaitedMs,
    );
    if (next !== undefined) {
      const left = next.since + LIMITS.answerAwaitedMs - now;
      this.#timer = setTimeout(() => this.#look(), left);
    }
    this.#changed();
  }
}
