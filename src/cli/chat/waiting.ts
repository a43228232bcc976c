// The lines that have no answer yet, for the screen: all of them while the connection is lost, else
// those that have waited for a while. They stand above what is being typed, and go with their
// answers, so that what scrolls by above is only what the server has.

import { visible } from "../../client.ts";
import { LIMITS } from "../../limits.ts";
import type { Unanswered } from "./unanswered.ts";

export class WaitingLines {
  readonly #unanswered: Pick<Unanswered, "lines" | "isLost">;
  readonly #changed: () => void;
  #timer: Timer | undefined;

  /** `changed` is called when there may be other rows. */
  constructor(unanswered: Pick<Unanswered, "lines" | "isLost">, changed: () => void) {
    this.#unanswered = unanswered;
    this.#changed = changed;
  }

  /** There are other lines; or the next one may have waited for a while. */
  look(): void {
    const now = performance.now();
    const next = this.#unanswered.lines.find(({ since }) => since > now - LIMITS.answerAwaitedMs);
    if (next !== undefined && this.#timer === undefined)
      this.#lookIn(next.since + LIMITS.answerAwaitedMs - now);
    this.#changed();
  }

  /** A row each, of the last ones; above them how many more there are. */
  get rows(): readonly string[] {
    const { lines, isLost } = this.#unanswered;
    const before = performance.now() - LIMITS.answerAwaitedMs;
    const all = lines.filter(({ since }) => isLost || since <= before);
    const isMore = all.length > LIMITS.waitingShownMax;
    const last = isMore ? all.slice(1 - LIMITS.waitingShownMax) : all;
    const rows = last.map(({ line }) => `waiting: ${visible(line)}`);
    return isMore ? [`waiting: ${all.length - last.length} more lines`, ...rows] : rows;
  }

  // --- internal ---------------------------------------------------------------------------------

  #lookIn(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.look();
    }, ms).unref(); // it is no reason for the chat not to end
  }
}
