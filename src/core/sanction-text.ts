// How long somebody is banned or muted, and why, in answers and refusals: for people of any time
// zone. Pure.

import type { Millis } from "../environment.ts";
import { LIMITS } from "../limits.ts";

/** Until when somebody is banned or muted, and why, as it was written: what stands behind that. */
export function sanctionText({ reason, until }: Told): string {
  const end = until === undefined ? "" : ` until ${minuteText(until)}`;
  return `${end}${reason === undefined ? "" : `: ${reason}`}`;
}

// --- internal -----------------------------------------------------------------------------------

const minute = 60_000;

interface Told {
  readonly reason?: string | undefined;
  readonly until?: Millis | undefined;
}

/** To the minute, by which it is over. */
function minuteText(at: Millis): string {
  const over = Math.min(Math.ceil(at / minute) * minute, LIMITS.timeMsMax);
  const [day = "", time = ""] = new Date(over).toISOString().split("T");
  return `${day} ${time.slice(0, 5)} UTC`;
}
