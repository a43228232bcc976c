// Pages of the history, as one answer may hold them, without what is not shown to who asks.

import { LIMITS } from "../limits.ts";
import type { RoomName } from "../names.ts";
import type { History } from "../plugin/history.ts";
import type { Ask, MessageEntry } from "../protocol/messages.ts";

/** The page that is asked for; undefined where what it is to begin behind is not held. */
export function pageOf(
  history: History,
  room: RoomName,
  { limit, before, after, since }: Ask<"history">,
  isShown: (message: MessageEntry) => boolean,
): Promise<readonly MessageEntry[] | undefined> {
  if (since !== undefined)
    return shownOf(since, isShown, async (from) => {
      const found = oldestThatFit(await history.since(room, from, limit));
      return { found, next: found?.at(-1)?.id ?? "" };
    });
  if (after !== undefined)
    return shownOf(after, isShown, async (from) => {
      const found = oldestThatFit(await history.onward(room, limit, from));
      return { found, next: found?.at(-1)?.id ?? "" };
    });
  return shownOf(before, isShown, async (from) => {
    const found = newestThatFit(await history.backlog(room, limit, from));
    return { found, next: found[0]?.id };
  });
}

// --- internal -----------------------------------------------------------------------------------

/**
 * What is shown of a page. Where none of it is, the next one is read: an empty page is the end.
 * Undefined where there is none to begin with.
 */
async function shownOf<T extends string | undefined>(
  from: T,
  isShown: (message: MessageEntry) => boolean,
  read: (from: T) => Promise<{
    readonly found: readonly MessageEntry[] | undefined;
    readonly next: T;
  }>,
): Promise<readonly MessageEntry[] | undefined> {
  for (let pages = 1, at = from; ; pages++) {
    const { found, next } = await read(at);
    const shown = found?.filter(isShown);
    const isEnd = found === undefined || found.length === 0 || pages === LIMITS.ignoredPagesMax;
    if (shown === undefined || shown.length > 0 || isEnd) return shown;
    at = next;
  }
}

/** As many of the newest messages as one answer may hold; a client pages on with `before`. */
function newestThatFit(messages: readonly MessageEntry[]): readonly MessageEntry[] {
  let bytes = 0;
  const first = messages.findLastIndex((one) => {
    bytes += JSON.stringify(one).length;
    return bytes > LIMITS.backlogBytesMax;
  });
  return messages.slice(Math.min(first + 1, messages.length - 1));
}

/** Likewise, of the oldest; a client goes on with `since`. */
function oldestThatFit(
  messages: readonly MessageEntry[] | undefined,
): readonly MessageEntry[] | undefined {
  if (messages === undefined) return undefined;
  let bytes = 0;
  const end = messages.findIndex((one) => {
    bytes += JSON.stringify(one).length;
    return bytes > LIMITS.backlogBytesMax;
  });
  return end < 0 ? messages : messages.slice(0, Math.max(end, 1));
}
