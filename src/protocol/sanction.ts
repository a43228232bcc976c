// What people write behind a ban or a mute: for how long, if not for ever, and why. Pure.

import { ChatFusionError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { visible } from "../names.ts";
import type { Sanction } from "./state.ts";

/**
 * Reads a reason that may begin with how long it holds: "2h spam", in s, m, h, d or w.
 * Throws `USAGE` for a time without end.
 */
export function readSanction(text: string, now: number): Sanction {
  const [, count, unit = "", rest = ""] = /^(\d+)([smhdw])(?:\s+(.*))?$/s.exec(text) ?? [];
  const reason = count === undefined ? text : rest;
  if (count === undefined) return reason === "" ? {} : { reason };
  const until = now + Number(count) * (UNITS[unit] ?? 0);
  if (!Number.isSafeInteger(until) || until > LIMITS.timeMsMax)
    throw new ChatFusionError("USAGE", `${visible(text)}: expected a time like 10m, 2h or 7d`);
  return reason === "" ? { until } : { reason, until };
}

// --- internal -----------------------------------------------------------------------------------

const UNITS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
