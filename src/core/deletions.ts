// Messages that were deleted: their texts go, wherever this server keeps them, and those of their
// edits. A deletion that comes before what it is about waits for it. Next: amendments.ts, which
// says which deletions count.
// Invariants: 1. What a crash or a full disk held up is done later: at the start, what the log has
// of deletions is looked at again. 2. One server's deletions push no other server's out.

import type { Clock, Log } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import { authorOf, isSaid } from "../protocol/amendment.ts";
import type { MessageEntry } from "../protocol/messages.ts";
import { isAmong } from "./redaction.ts";
import type { Spoken } from "./spoken.ts";
import type { Streams } from "./streams.ts";

export interface DeletionsOptions {
  readonly clock: Clock;
  readonly report: Pick<Log, "error">;
  readonly spoken: Spoken;
  readonly streams: () => Streams;
  find(room: MessageEntry["room"], id: string): Promise<readonly MessageEntry[]>;
  about(room: MessageEntry["room"], ids: readonly string[]): Promise<readonly MessageEntry[]>;
  /** The deletion's author has said the message, or may delete what others say. */
  counts(deletion: MessageEntry, message: MessageEntry): boolean;
}

export function createDeletions(options: DeletionsOptions) {
  /** By server, and by room and id of what each is about; the oldest first. */
  const waiting = new Map<string, Map<string, MessageEntry>>();
  let waits = 0;
  /** What the disk would not take, with what it is about where that was found. */
  const failed = new Map<string, Unfinished>();
  let cancel: (() => void) | undefined;

  const drop = (server: string): void => {
    const own = waiting.get(server);
    const [oldest] = own?.keys() ?? [];
    if (oldest === undefined || own?.delete(oldest) !== true) return;
    waits--;
    if (own.size === 0) waiting.delete(server);
  };
  /** What a deletion removes. */
  const targetsOf = async (deletion: MessageEntry): Promise<readonly MessageEntry[]> => {
    const { room, about = "" } = deletion;
    const found = await options.find(room, about);
    const gone = found.filter((one) => isSaid(one.kind) && options.counts(deletion, one));
    if (gone.length === 0) return gone;
    const authors = new Set(gone.map(authorOf));
    const edits = (await options.about(room, [about])).filter(
      (one) => one.kind === "edit" && authors.has(authorOf(one)),
    );
    return [...gone, ...edits];
  };
  /** Messages of one room. */
  const forget = async (messages: readonly MessageEntry[]): Promise<void> => {
    const [first] = messages;
    if (first === undefined) return;
    options.spoken.forget((one) => one.room === first.room && isAmong(messages, one));
    await options.streams().redact(first.room, messages);
  };
  const retry = () => {
    cancel = undefined;
    const again = [...failed.values()];
    failed.clear();
    for (const one of again) finish(one).catch(() => undefined); // it never rejects
  };
  const finish = async ({ deletion, gone: known }: Unfinished): Promise<void> => {
    let gone = known;
    try {
      gone ??= await targetsOf(deletion);
      await forget(gone);
    } catch (thrown) {
      const { id, room } = deletion;
      options.report.error("message not removed", { room, deletion: id, error: String(thrown) });
      if (failed.size < LIMITS.deletionsWaitingMax) failed.set(id, { deletion, gone });
      cancel ??= options.clock.after(LIMITS.storeRetryMs, retry);
    }
  };

  return {
    /** Removes what a deletion that counts is about; tries again while the disk refuses. */
    done: (deletion: MessageEntry): Promise<void> => finish({ deletion, gone: undefined }),
    forget,
    /** What it is about has not come yet. */
    wait(deletion: MessageEntry): void {
      const server = serverOf(deletion);
      const own = waiting.get(server) ?? new Map<string, MessageEntry>();
      waiting.set(server, own);
      const key = keyOf(deletion.room, deletion.about ?? "");
      if (!own.has(key)) waits++;
      own.set(key, deletion);
      if (own.size > LIMITS.deletionsWaitingPerServerMax) drop(server);
      if (waits > LIMITS.deletionsWaitingMax) drop(waiting.keys().next().value ?? "");
    },
    /** Something is deleted that has not come. */
    get waits() {
      return waits > 0;
    },
    /** A deletion of this message that came before it. */
    awaiting(message: MessageEntry): MessageEntry | undefined {
      const key = keyOf(message.room, message.id);
      for (const own of waiting.values()) {
        const deletion = own.get(key);
        if (deletion !== undefined && options.counts(deletion, message)) return deletion;
      }
      return undefined;
    },
    close: () => cancel?.(),
  };
}

// --- internal -----------------------------------------------------------------------------------

interface Unfinished {
  readonly deletion: MessageEntry;
  readonly gone: readonly MessageEntry[] | undefined;
}

const keyOf = (room: string, id: string): string => `${room} ${id}`;

const serverOf = ({ from }: MessageEntry): string => from.slice(from.lastIndexOf("@") + 1);
