// Message ids and their clock: an id sorts by its hybrid logical clock and is unique in the fusion.
// 9 digits of milliseconds, 4 of a counter, 8 of the server's life; base 36, then hex. By the life:
// a clock that goes back at a restart gives no id again, not even one that was never logged.

import type { Clock, Millis } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import { idAt } from "../protocol/id.ts";

const LAST_COUNT = 36 ** 4 - 1;
/** All numbers of two digits, written. */
const PAIRS = Array.from({ length: 36 ** 2 }, (_, i) => i.toString(36).padStart(2, "0"));

export interface Ids {
  /** The next id, and the time that stands in it. */
  next(): { readonly id: string; readonly at: Millis };
  /** Sorts behind all ids given so far, and before all that come. */
  mark(): string;
  /** Another server's message says this time: ours will say later ones. */
  follow(at: Millis): void;
}

export function createIds(clock: Clock, life: () => string): Ids {
  let ms = 0;
  let prefix = "";
  let counter = 0;
  let end: string | undefined; // of every id, once the life is known
  const set = (at: Millis) => {
    ms = at;
    counter = 0;
    prefix = idAt(at);
  };
  return {
    next() {
      const now = clock.now();
      if (now > ms) set(now);
      else if (counter >= LAST_COUNT) set(ms + 1);
      end ??= life().slice(0, 8);
      const high = PAIRS[Math.floor(counter / PAIRS.length)];
      const id = `${prefix}${high}${PAIRS[counter % PAIRS.length]}${end}`;
      counter++;
      return { id, at: ms };
    },
    mark() {
      if (ms === 0) set(clock.now());
      return prefix + counter.toString(36).padStart(4, "0");
    },
    follow(at) {
      if (Number.isSafeInteger(at) && at > ms && at <= clock.now() + LIMITS.clockAheadMsMax)
        set(at);
    },
  };
}
