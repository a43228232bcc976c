// What a plugin does at once, it does on the loop that serves everybody: whose it was is told where
// that has taken long.

import type { Environment, LogFields, Millis } from "../environment.ts";
import { LIMITS } from "../limits.ts";

/** Names in the log what has held up the loop since `began`, of the clock's monotonic time. */
export function tellHeldUp(
  { clock, log }: Pick<Environment, "clock" | "log">,
  began: Millis,
  what: string,
  whose: LogFields,
): void {
  const ms = clock.monotonic() - began;
  if (ms > LIMITS.hookBlockMsMax)
    log.warn(`${what} held up the loop`, { ...whose, ms: Math.round(ms) });
}
