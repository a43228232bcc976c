// What is done to messages of a room: whether it may be, by the word of the log on what it is done
// to, and what the history shows of it. Where a server keeps no history, its last messages stand in
// for the log. Next: protocol/amendment.ts (whose word counts), deletions.ts.
// Invariant: an edit or a deletion of another server is told in its turn among these, and only when
// it counts; what is said to people waits for none of them.

import type { Clock, Log } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName } from "../names.ts";
import { visible } from "../names.ts";
import type { History } from "../plugin/history.ts";
import {
  applied,
  authorOf,
  isDeletable,
  isDeletedBy,
  isReplacedBy,
  isSaid,
  reactsWith,
} from "../protocol/amendment.ts";
import type { Ask, MessageEntry, PastEntry } from "../protocol/messages.ts";
import { createDeletions, twinKey } from "./deletions.ts";
import type { MessageLog } from "./log.ts";
import { createOwed } from "./owed.ts";
import type { LiveSession } from "./session.ts";
import type { Spoken } from "./spoken.ts";
import type { Streams } from "./streams.ts";

/** Who asks for something, as a message of his would say it. */
export type By = Pick<MessageEntry, "from" | "account">;

/** Whether somebody may delete what others say in a room. */
export type MayModerate = (room: RoomName, by: By) => boolean;

export interface AmendmentsOptions {
  readonly clock: Clock;
  readonly report: Pick<Log, "warn" | "error">;
  readonly log: MessageLog;
  readonly history: () => History | undefined;
  readonly spoken: Spoken;
  readonly streams: () => Streams;
  readonly mayModerate: MayModerate;
  /** What sorts behind it was said since this server had no other account of the name; or "". */
  removedAt(account: string): string;
}

/** What somebody does to a message. */
type Doing = Pick<Ask<"say">, "kind" | "text">;

/** A text that sorts before an id, and behind nearly all others that do. */
const justBefore = (id: string): string =>
  `${id.slice(0, -1)}${String.fromCharCode(id.charCodeAt(id.length - 1) - 1)}~`;

/** The messages that one names, in the form in which all are told it. */
export interface Named {
  readonly about?: string;
  readonly aboutCid?: string;
  readonly thread?: string;
}

/** What was said and done in rooms, by ids. */
function createLookUp({ history, log, spoken, streams }: AmendmentsOptions) {
  return {
    /** What was said in a room under an id; more than one thing only where a server lies. */
    async find(room: RoomName, id: string): Promise<readonly MessageEntry[]> {
      const held = history();
      if (held === undefined) return spoken.find((one) => one.id === id && one.room === room);
      streams().flush(); // what was said before this question is to be found
      await log.caughtUp();
      // Nothing sorts between an id and itself with the first of all characters behind it.
      const most: number = LIMITS.backlogMax;
      for (let limit: number = LIMITS.sameIdMax; ; limit = Math.min(limit * 4, most)) {
        const rows = await held.backlog(room, limit, `${id}\0`);
        const found = rows.filter((one) => one.id === id);
        if (found.length < limit) return found;
        if (limit < most) continue;
        // A flood comes behind what it is to hide, whose id it could not know before.
        const first = await held.onward(room, most, justBefore(id));
        return [...first.filter((one) => one.id === id), ...found];
      }
    },
    /**
     * The same message under other ids: sent again by its author when the server had gone down with
     * the first one, which others had heard.
     */
    async twins(room: RoomName, id: string, key: string): Promise<readonly MessageEntry[]> {
      const isTwin = (one: MessageEntry) => one.id !== id && twinKey(one) === key;
      const held = history();
      if (held === undefined) return spoken.find(isTwin);
      const before = await held.backlog(room, LIMITS.twinsSoughtMax, id);
      const behind = await held.onward(room, LIMITS.twinsSoughtMax, id);
      return [...before, ...behind].filter(isTwin);
    },
    /** What was done to some messages, as far as it is held. */
    async about(room: RoomName, ids: readonly string[]): Promise<readonly MessageEntry[]> {
      const held = history();
      const wanted = new Set(ids);
      if (held === undefined)
        return spoken.find((one) => one.room === room && wanted.has(one.about ?? ""));
      return (await held.about?.(room, ids, LIMITS.amendmentsReadMax)) ?? [];
    },
  };
}

export function createAmendments(options: AmendmentsOptions) {
  const { history, mayModerate } = options;
  const { find, about, twins } = createLookUp(options);
  const counts = (entry: MessageEntry, target: MessageEntry): boolean =>
    authorOf(entry) === authorOf(target) ||
    (entry.kind === "delete" && mayModerate(entry.room, entry));
  const deletions = createDeletions({ ...options, find, about, twins, counts });
  let queued = 0;
  let chain = Promise.resolve();

  /** One after the other; a fault of one holds up no other one. */
  const queue = (work: () => Promise<void>, failed?: () => void): void => {
    queued++;
    chain = chain
      .then(work)
      .catch((thrown: unknown) => {
        options.report.error("amendment not judged", { error: String(thrown) });
        failed?.();
      })
      .finally(() => queued--);
  };
  const deletes = (message: MessageEntry, done: readonly MessageEntry[]): boolean =>
    isDeletedBy(message, done, (by) => mayModerate(message.room, by));
  const isDeleted = async (message: MessageEntry): Promise<boolean> =>
    deletes(message, await about(message.room, [message.id]));
  /** Why a reaction would change nothing, as far as what was done to its message is held. */
  const idle = (
    done: readonly MessageEntry[],
    by: By,
    { kind, text }: Doing,
  ): string | undefined => {
    const isHeld = history()?.about !== undefined || history() === undefined;
    if (!isHeld || done.length >= LIMITS.amendmentsReadMax) return undefined;
    const stands = reactsWith(done, by, text);
    if (kind === "reaction" && stands) return `you have reacted with ${visible(text)} already`;
    const isNone = kind === "unreaction" && !stands;
    return isNone ? `there is no ${visible(text)} of yours to take back` : undefined;
  };
  /** Tells an edit or a deletion if it counts, and does what a deletion is to do. */
  const judge = async (entry: MessageEntry, tell: () => void): Promise<void> => {
    const { room, about: id = "" } = entry;
    const isTarget = entry.kind === "delete" ? isDeletable : isSaid;
    const targets = (await find(room, id)).filter((one) => isTarget(one.kind));
    const own = targets.find((one) => counts(entry, one));
    if (entry.kind === "delete") {
      if (targets.length === 0) deletions.wait(entry);
      if (own === undefined) return deletions.done(entry);
      tell();
      return deletions.done(entry);
    }
    if (own !== undefined && !(await isDeleted(own))) return tell();
    // Its text is that of a message which is gone.
    const isLate = own !== undefined || (targets.length === 0 && (await isOfDeleted(entry)));
    if (isLate) await deletions.forget([entry]);
  };
  const owed = createOwed(options.clock, LIMITS.amendmentsWaitingMax);
  const take = (entry: MessageEntry, tell: () => void): void => {
    const again = () => owed.add(() => take(entry, tell));
    if (queued < LIMITS.amendmentsWaitingMax) return queue(() => judge(entry, tell), again);
    options.report.warn("amendment not told", { room: entry.room });
    if (entry.kind === "delete") again();
  };
  const isOfDeleted = async (edit: MessageEntry): Promise<boolean> =>
    (await about(edit.room, [edit.about ?? ""])).some(
      (one) =>
        one.kind === "delete" && (authorOf(one) === authorOf(edit) || mayModerate(edit.room, one)),
    );
  /** Says which of the messages of an id is meant, or why none can be. */
  const target = async (
    room: RoomName,
    id: string,
    by: LiveSession,
    doing: Doing,
  ): Promise<MessageEntry | Failure | undefined> => {
    const { kind } = doing;
    const found = await find(room, id);
    const isNeeded = history() !== undefined || kind === "edit" || kind === "delete";
    const [first] = found;
    if (first === undefined)
      return isNeeded ? failure("NO_SUCH_MESSAGE", `${named(room, id)}: none is held`) : undefined;
    const isTarget = kind === "delete" ? isDeletable : isSaid;
    const said = found.filter((one) => isTarget(one.kind));
    const own = said.find((one) => isOwn(by, one, options));
    const one = own ?? said[0];
    if (one === undefined)
      return failure(
        "BAD_REQUEST",
        `${named(room, id)}: expected what was said, got ${first.kind}`,
      );
    const done = await about(room, [one.id]);
    if (deletes(one, done))
      return failure("NO_SUCH_MESSAGE", `${named(room, id)}: it has been deleted`);
    const why = idle(done, byOf(by), doing);
    if (why !== undefined) return failure("BAD_REQUEST", `${named(room, id)}: ${why}`);
    const isFree = kind !== "edit" && kind !== "delete";
    if (isFree || own !== undefined) return one;
    if (kind === "delete" && mayModerate(room, byOf(by))) return one;
    const text = `${named(room, id)}: ${one.from} has said it; you can ${kind} your own`;
    return failure("NOT_PERMITTED", text);
  };

  /** What was done to some messages; an edit goes with its message. */
  const doneTo = async (
    room: RoomName,
    some: readonly MessageEntry[],
  ): Promise<readonly MessageEntry[]> => {
    const ids = some.flatMap(({ kind, id, about: of = id }) =>
      isDeletable(kind) ? id : kind === "edit" ? of : [],
    );
    return ids.length === 0 ? [] : about(room, ids);
  };

  return {
    /** Looks up what a message of this session names. */
    async name(
      session: LiveSession,
      room: RoomName,
      ask: Doing & Pick<Ask<"say">, "about" | "thread">,
    ): Promise<Named | Failure> {
      const { kind } = ask;
      let thread: string | undefined;
      if (ask.thread !== undefined) {
        const root = await target(room, ask.thread, session, { kind: "text", text: "" });
        if (root !== undefined && "code" in root) return root;
        thread = root?.thread ?? ask.thread;
      }
      if (ask.about === undefined) return thread === undefined ? {} : { thread };
      const one = await target(room, ask.about, session, ask);
      if (one !== undefined && "code" in one) return one;
      // An answer to what was said in a thread belongs there.
      if (isSaid(kind)) thread ??= one?.thread;
      return {
        about: ask.about,
        ...(kind === "delete" && one?.cid !== undefined && { aboutCid: one.cid }),
        ...(thread === undefined ? {} : { thread }),
      };
    },
    /** A deletion that counts was said here. */
    deleted: (deletion: MessageEntry): void => queue(() => deletions.done(deletion)),
    /** An edit or a deletion of another server: it is told if it counts. */
    arrived: take,
    /** Whether a message of another server was deleted before it came: nobody is shown it. */
    isGone(message: MessageEntry): boolean {
      if (deletions.isTwinOfGone(message)) {
        const { room, id } = message;
        queue(() => find(room, id).then(() => deletions.forget([message])));
        return true;
      }
      if (!deletions.waits) return false;
      const deletion = deletions.awaiting(message);
      if (deletion !== undefined) queue(() => deletions.done(deletion));
      return deletion !== undefined;
    },
    /** These came late: what came before them about them is looked at once more. */
    cameLate(messages: readonly MessageEntry[], tell: (amendment: MessageEntry) => void): void {
      const [first] = messages;
      const ids = messages.filter(({ kind }) => isDeletable(kind)).map(({ id }) => id);
      if (first === undefined || ids.length === 0 || history()?.about === undefined) return;
      queue(async () => {
        for (const one of (await about(first.room, ids)).toReversed())
          if (one.kind === "edit" || one.kind === "delete") await judge(one, () => tell(one));
      });
    },
    /** Takes up, at the start, what earlier lives have left. */
    async recall(): Promise<void> {
      const rows = (await history()?.deletions?.(LIMITS.deletionsRecalledMax)) ?? [];
      for (const { deletion, isHeld } of rows)
        if (isHeld || deletion.aboutCid !== undefined) await judge(deletion, () => undefined);
        else deletions.wait(deletion);
    },
    /** Adds to a page of a room's history what was done to its messages. */
    apply: async (room: RoomName, page: readonly MessageEntry[]): Promise<readonly PastEntry[]> =>
      applied(page, await doneTo(room, page), (by) => mayModerate(room, by)),
    /** Those of some messages of a room whose texts stand, neither deleted nor replaced. */
    async standing(
      room: RoomName,
      some: readonly MessageEntry[],
    ): Promise<readonly MessageEntry[]> {
      const all = await doneTo(room, some);
      const shown = applied(some, all, (by) => mayModerate(room, by));
      return some.filter((one, at) => shown[at]?.deleted !== true && !isReplacedBy(one, all));
    },
    close(): void {
      deletions.close();
      owed.close();
    },
  };
}

export type Amendments = ReturnType<typeof createAmendments>;

// --- internal -----------------------------------------------------------------------------------

const named = (room: RoomName, id: string): string => `message ${visible(id)} in ${room}`;

const byOf = ({ address: from, person: { account } }: LiveSession): By =>
  account === undefined ? { from } : { from, account };

/**
 * A guest proves nothing: only what was said under the nick since he has it is his. Of an account
 * it is not what one of its name had said that was removed.
 */
function isOwn(
  session: LiveSession,
  message: MessageEntry,
  { removedAt }: Pick<AmendmentsOptions, "removedAt">,
): boolean {
  const { namedAfter, person } = session;
  const since = person.account === undefined ? namedAfter : removedAt(person.account);
  return authorOf(message) === authorOf(byOf(session)) && message.id > since;
}
