// What the console has told already: an answer whose news an event has just brought is not printed
// after it. From another terminal the answer is all there is, and the console has the event.

import { isFailure } from "../errors.ts";
import type { Answer, ServerEvent } from "../serve.ts";

export interface Told {
  /** A command begins: only what is told from now on counts. */
  begin(): void;
  event(event: ServerEvent): void;
  /** Tells whether people have read the news of this answer already. */
  covers(answer: Answer): boolean;
}

export function createTold(): Told {
  /** The last one of each kind. */
  const last = new Map<string, ServerEvent>();
  return {
    begin: () => last.clear(),
    event: (event) => void last.set(event.event, event),
    covers(answer) {
      if (isFailure(answer)) {
        const { code, text } = answer;
        if (isLike(last.get("refused"), { code, text })) return true;
        const split = last.get("split");
        return split?.event === "split" && split.why?.includes(text) === true;
      }
      const { data } = answer;
      if (typeof data !== "object" || data === null || !("state" in data)) return false;
      const fusion = "fusion" in data ? data.fusion : [];
      const server = "server" in data ? data.server : undefined;
      const link = last.get("link");
      switch (data.state) {
        case "merged":
          return isLike(last.get("merged"), { fusion });
        case "standby":
          return isLike(link, { state: "standby", server });
        case "unmerged":
          return isLike(last.get("split"), { fusion }) || isLike(link, { state: "lost", server });
        default:
          return false;
      }
    },
  };
}

// --- internal ------------------------------------------------------------------------------------

/** The event has these fields. */
function isLike(
  event: ServerEvent | undefined,
  fields: Readonly<Record<string, unknown>>,
): boolean {
  if (event === undefined) return false;
  const entries = Object.entries<unknown>({ ...event });
  return Object.entries(fields).every(([key, value]) => {
    const found = entries.find(([name]) => name === key);
    return JSON.stringify(found?.[1]) === JSON.stringify(value);
  });
}
