// Messages that were deleted: their texts go, wherever this server keeps them, and those of their
// edits. A deletion that comes before what it is about waits for it. Next: amendments.ts, which
// says which deletions count.
// Invariants: 1. What a crash or a full disk held up is done later: at the start, what the log has
// of deletions is looked at again. 2. One server's deletions push no other server's out.

import type { Clock, Log } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import { authorOf, isDeletable } from "../protocol/amendment.ts";
import type { MessageEntry } from "../protocol/messages.ts";
import { createOwed } from "./owed.ts";
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
  /** What is held of the same message under other ids, near to the one that is named. */
  twins(room: MessageEntry["room"], id: string, key: string): Promise<readonly MessageEntry[]>;
  /** The deletion's author has said the message, or may delete what others say. */
  counts(deletion: MessageEntry, message: MessageEntry): boolean;
}

export function createDeletions(options: DeletionsOptions) {
  /** By server, and by room and id of what each is about; the oldest first. */
  const waiting = new Map<string, Map<string, MessageEntry>>();
  let waits = 0;
  /** Of messages that were removed, by which one that was sent again is known; the oldest first. */
  const goneKeys = new Set<string>();
  const owed = createOwed(options.clock, LIMITS.deletionsWaitingMax);

  const drop = (server: string): void => {
    const own = waiting.get(server);
    const [oldest] = own?.keys() ?? [];
    if (oldest === undefined || own?.delete(oldest) !== true) return;
    waits--;
    if (own.size === 0) waiting.delete(server);
  };
  /** All that is held of messages under other ids; what comes later is known by their keys. */
  const twinsOf = async ({ room, about = "" }: MessageEntry, keys: readonly string[]) => {
    const found: MessageEntry[] = [];
    for (const key of new Set(keys)) {
      goneKeys.add(key);
      const [oldest = ""] = goneKeys;
      if (goneKeys.size > LIMITS.deletionsWaitingMax) goneKeys.delete(oldest);
      found.push(...(await options.twins(room, about, key)));
    }
    return found;
  };
  /** What a deletion removes. */
  const targetsOf = async (deletion: MessageEntry): Promise<readonly MessageEntry[]> => {
    const { room, about = "" } = deletion;
    const found = await options.find(room, about);
    const named = found.filter((one) => isDeletable(one.kind) && options.counts(deletion, one));
    // The author's own is known by what the deletion says of it, also where it is not held.
    const own = found.length === 0 ? twinKey({ ...deletion, cid: deletion.aboutCid }) : undefined;
    const keys = [own, ...named.map(twinKey)].filter((key) => key !== undefined);
    const gone = [...named, ...(await twinsOf(deletion, keys))];
    if (gone.length === 0) return gone;
    const authors = new Set(gone.map(authorOf));
    const ids = Array.from(new Set(gone.map(({ id }) => id)));
    const edits = (await options.about(room, ids)).filter(
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
  const finish = async (deletion: MessageEntry, known?: readonly MessageEntry[]): Promise<void> => {
    let gone = known;
    try {
      gone ??= await targetsOf(deletion);
      await forget(gone);
    } catch (thrown) {
      const { id, room } = deletion;
      options.report.error("message not removed", { room, deletion: id, error: String(thrown) });
      owed.add(() => void finish(deletion, gone)); // it never rejects
    }
  };

  return {
    /** Removes what a deletion that counts is about; tries again while the disk refuses. */
    done: (deletion: MessageEntry): Promise<void> => finish(deletion),
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
    /** It was deleted, under the id that it got when its author sent it again. */
    isTwinOfGone(message: MessageEntry): boolean {
      return goneKeys.size > 0 && goneKeys.has(twinKey(message) ?? "");
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
    close: owed.close,
  };
}

// --- internal -----------------------------------------------------------------------------------

/**
 * What a message is known by however often it is sent: its author and the author's own id, where
 * that is one that nobody else draws.
 */
export function twinKey(
  message: Pick<MessageEntry, "room" | "from" | "account"> & { readonly cid?: string | undefined },
): string | undefined {
  const { room, cid = "" } = message;
  return cid.length < LIMITS.uniqueIdBytesMin ? undefined : `${room} ${authorOf(message)} ${cid}`;
}

const keyOf = (room: string, id: string): string => `${room} ${id}`;

const serverOf = ({ from }: MessageEntry): string => from.slice(from.lastIndexOf("@") + 1);
