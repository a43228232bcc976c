// What people write behind a ban or a mute: for how long, if not for ever, and why. Pure.

import { ChatFusionError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { visible } from "../names.ts";
import type { Sanction } from "./state.ts";

/**
 * Reads a reason that may begin with how long it holds: "2h spam", in s, m, h, d or w. Throws
 * `USAGE` for a time without end, and where the first word begins with a digit and is no time: who
 * writes "1week" does not mean for ever.
 */
export function readSanction(text: string, now: number): Sanction {
  const [, first = "", rest = ""] = /^(\d\S*)\s*(.*)$/s.exec(text) ?? [];
  if (first === "") return text === "" ? {} : { reason: text };
  const [, count = "", unit = ""] = /^(\d+)([smhdw])$/.exec(first) ?? [];
  const until = now + Number(count) * (UNITS[unit] ?? 0);
  if (!Number.isSafeInteger(until) || until > LIMITS.timeMsMax || until <= now)
    throw new ChatFusionError("USAGE", `${visible(first)}: ${EXPECTED}`);
  return rest === "" ? { until } : { reason: rest, until };
}

// --- internal -----------------------------------------------------------------------------------

const EXPECTED =
  "expected a time like 30s, 10m, 2h, 7d or 1w, or a reason that does not begin with a digit";

const UNITS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
