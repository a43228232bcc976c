// What operators and logs were told in a simulated history, as marks.

import type { History } from "./history.ts";
import { pairOf } from "./invariants.ts";

/** Counts it by kind and code. */
export function countTold(history: History): void {
  if (history.watch.full > 0) history.marks.hit("full: control class", history.watch.full);
  for (const { events } of history.servers.values()) {
    for (const event of events) {
      if (!["link", "split", "refused"].includes(event.event)) continue;
      const what = "state" in event ? event.state : event.event;
      const why = "code" in event ? ` ${event.code}` : "";
      history.marks.hit(`told: ${what}${why}`);
    }
  }
  for (const { event, level } of history.world.logged) {
    if (level === "warn" || level === "error") history.marks.hit(`logged: ${event}`);
  }
}

/** Who is to be merged with whom, by an errand's text. */
export function pairOfErrand(errand: string): string {
  const [, from = "", to = ""] = /^(\S+) at .*: merge ([^:]+):/.exec(errand) ?? [];
  return pairOf(from, to);
}
