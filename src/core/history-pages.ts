// Pages of the history, as one answer may hold them, without what is not shown to who asks.

import type { MaybePromise } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName } from "../names.ts";
import type { History } from "../plugin/history.ts";
import type { Ask, MessageEntry, PastEntry } from "../protocol/messages.ts";

export interface PageOptions {
  /** Whether the one who asks is shown it. */
  isShown(message: MessageEntry): boolean;
  /** Adds what was done to the messages of a page. */
  amend(page: readonly MessageEntry[]): Promise<readonly PastEntry[]>;
}

/** The page that is asked for; undefined where what it is to begin behind is not held. */
export async function pageOf(
  history: History,
  room: RoomName,
  { limit, before, after, since }: Ask<"history">,
  { isShown, amend }: PageOptions,
): Promise<readonly PastEntry[] | undefined> {
  const last = (found: readonly MessageEntry[]) => found.at(-1)?.id ?? "";
  if (since !== undefined || after !== undefined) {
    const read = (from: string, many: number) =>
      since === undefined ? history.onward(room, many, from) : history.since(room, from, many);
    const page = await shownOf(since ?? after ?? "", limit, isShown, read, last);
    return page && oldestThatFit(await amend(page.slice(0, limit)));
  }
  const read = (from: string | undefined, many: number) => history.backlog(room, many, from);
  const page = await shownOf(before, limit, isShown, read, ([first]) => first?.id);
  return page && newestThatFit(await amend(page.slice(-limit)));
}

/** As many of the newest rows as one answer may hold; a client pages on with `before`. */
export function newestThatFit<T extends object>(messages: readonly T[]): readonly T[] {
  let bytes = 0;
  const first = messages.findLastIndex((one) => {
    bytes += bytesOf(one);
    return bytes > LIMITS.backlogBytesMax;
  });
  return messages.slice(Math.min(first + 1, messages.length - 1));
}

/** Likewise, of the first ones; a client goes on behind the last one of them. */
export function oldestThatFit<T extends object>(messages: readonly T[]): readonly T[] {
  let bytes = 0;
  const end = messages.findIndex((one) => {
    bytes += bytesOf(one);
    return bytes > LIMITS.backlogBytesMax;
  });
  return end < 0 ? messages : messages.slice(0, Math.max(end, 1));
}

// --- internal -----------------------------------------------------------------------------------

/**
 * What is shown of a page. Where none of it is, the next one is read: an empty page is the end.
 * Undefined where there is none to begin with.
 */
async function shownOf<T extends string | undefined>(
  from: T,
  limit: number,
  isShown: PageOptions["isShown"],
  read: (from: T, limit: number) => MaybePromise<readonly MessageEntry[] | undefined>,
  next: (found: readonly MessageEntry[]) => T,
): Promise<readonly MessageEntry[] | undefined> {
  for (let pages = 1, at = from; ; pages++) {
    // However few are asked for: the pages that are passed over are long ones.
    const found = await read(at, pages === 1 ? limit : LIMITS.backlogMax);
    const shown = found?.filter(isShown);
    const isEnd = found === undefined || found.length === 0 || pages === LIMITS.ignoredPagesMax;
    if (shown === undefined || shown.length > 0 || isEnd) return shown;
    at = next(found);
  }
}

const bytesOf = (one: object): number => Buffer.byteLength(JSON.stringify(one));
