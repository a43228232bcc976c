// Flood protection in IRC's manner (RFC 1459 §8.10): each line costs a client some time, of which
// it may owe a little; what it sends beyond that waits, and nobody else does.

import type { Clock, Millis } from "chatfusion";
import type { Options } from "./options.ts";

export interface Flood {
  /** Takes one line, and tells how long it has to wait. */
  waitMs(): Millis;
}

export function createFlood(clock: Clock, options: Options["flood"]): Flood {
  if (options === false) return NONE;
  const { burst, lineMs } = options;
  let paid = 0; // until this time
  return {
    waitMs() {
      const now = clock.monotonic();
      paid = Math.max(paid, now) + lineMs;
      return Math.max(0, paid - now - burst * lineMs);
    },
  };
}

// --- internal ---

const NONE: Flood = { waitMs: () => 0 };
