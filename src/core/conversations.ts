// The private messages that are kept for the accounts of this server, by a history that keeps them:
// for each account what it has told and was told, and for nobody else. They are written behind
// what is delivered; a crash may lose the last of them here, and nowhere else.
// Invariants: 1. Who asks is given what was told before, where the disk has taken it, and nothing
// that was deleted before. 2. What was forgotten is not kept by a write that was on its way.

import type { Clock, Log } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure, failureOf, isFailure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { visible } from "../names.ts";
import type { ConversationOf, Conversations, History } from "../plugin/history.ts";
import { authorOf, isPrivatelyDeletedBy } from "../protocol/amendment.ts";
import type { Answer, Ask, PrivateEntry } from "../protocol/messages.ts";
import type { AccountOf } from "./auth.ts";
import { createConversationQueue } from "./conversation-queue.ts";
import { createOwed } from "./owed.ts";
import { newestThatFit, oldestThatFit } from "./history-pages.ts";
import { addressKey } from "./people.ts";
import type { Questions } from "./questions.ts";
import type { LiveSession } from "./session.ts";

export interface ConversationsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly history: () => History | undefined;
  readonly accountOf: AccountOf;
  readonly questions: Questions;
}

export function createConversations(options: ConversationsOptions) {
  const { log } = options;
  const store = (): Conversations | undefined => options.history()?.conversations;
  const queue = createConversationQueue(options, store);

  const forget = async (from: Conversations, of: Forgotten): Promise<number> => {
    await queue.caughtUp();
    queue.drop(
      ({ account, other, message }) =>
        account === of.account &&
        (of.other === undefined || other === of.other) &&
        (of.message === undefined || isSame(of.message, message)),
    );
    return from.forget(of);
  };
  const waitingOf = (of: ConversationOf): readonly PrivateEntry[] =>
    queue
      .waiting()
      .filter(({ account, other }) => account === of.account && other === of.other)
      .map(({ message }) => message);
  /** The messages of a conversation that have this id, each by another author. */
  const withId = async (
    from: Conversations,
    of: ConversationOf,
    id: string,
  ): Promise<readonly PrivateEntry[]> => {
    await queue.caughtUp();
    const waiting = waitingOf(of); // looked at first: while the page is read, it may be written
    const written = await from.page(of, LIMITS.sameIdMax, { before: `${id}\0` });
    return [...written, ...waiting].filter((one) => one.id === id);
  };
  /** Where the one of this id may stand once more: its author's server had gone down. */
  const around = async (from: Conversations, of: ConversationOf, id: string) => [
    ...waitingOf(of),
    ...(await from.page(of, LIMITS.twinsSoughtMax, { before: id })),
    ...(await from.page(of, LIMITS.twinsSoughtMax, { after: id })),
  ];
  const erase = async (from: Conversations, of: ConversationOf, deletion: PrivateEntry) => {
    const { about: id = "", aboutCid } = deletion;
    const near = aboutCid === undefined ? [] : await around(from, of, id);
    for (const message of [...(await withId(from, of, id)), ...near])
      if (isPrivatelyDeletedBy(message, deletion)) await forget(from, { ...of, message });
  };
  let removed: Promise<unknown> = Promise.resolve();
  /** Whoever asks later is not given what is being removed. */
  const owed = createOwed(options.clock, LIMITS.amendmentsWaitingMax);
  /** Calls back when the disk has taken it, however often it refuses at first. */
  const removing = (
    work: () => Promise<unknown>,
    what: Readonly<Record<string, unknown>>,
    done: () => void = NOTHING,
  ) => {
    const tried = work().then(done, (error: unknown) => {
      log.error("private messages not removed", { ...what, error });
      owed.add(() => removing(work, what, done));
    });
    removed = Promise.all([removed, tried]);
  };
  const settled = async (): Promise<void> => {
    await Promise.all([queue.caughtUp(), removed]);
  };
  const asked = createAsked(options, { store, settled, forget, withId });

  return {
    ...asked,
    /**
     * A message has reached its addressee, or is stored: it is kept for the account of this side.
     * Of a deletion what it is about is forgotten: calls back when that is durable, or at once
     * where nothing is kept.
     */
    told(
      account: string | undefined,
      side: "author" | "addressee",
      message: PrivateEntry,
      done: () => void = NOTHING,
    ): void {
      const from = store();
      if (account === undefined || from === undefined) return done();
      const other = addressKey(side === "author" ? message.to : message.from);
      if (typeof other === "object") return done(); // a server's word: nobody could ask for it
      const of = { account, other };
      if (message.kind === "delete")
        return removing(() => erase(from, of, message), { id: message.about }, done);
      const isProven = side === "addressee" && message.account !== undefined;
      return queue.keep({ ...of, ...(isProven && { proven: true }), message });
    },
    /** Forgets what is kept for accounts that nobody has any more; once, at the start. */
    async load(): Promise<void> {
      const from = store();
      for (const account of (await from?.accounts()) ?? []) {
        const now = options.accountOf(account);
        if (now !== account && typeof now !== "object") await from?.forget({ account });
      }
    },
    /** Nobody has this account any more. */
    forget(account: string): void {
      const from = store();
      if (from === undefined) return;
      removing(() => forget(from, { account }), { account });
    },
    idle: settled,
    close(): void {
      queue.close();
      owed.close();
    },
  };
}

export type ConversationsKept = ReturnType<typeof createConversations>;

// --- internal -----------------------------------------------------------------------------------

const NOTHING = (): void => undefined;

type Forgotten = Parameters<Conversations["forget"]>[0];

const isSame = (a: Pick<PrivateEntry, "id" | "from">, b: PrivateEntry): boolean =>
  a.id === b.id && a.from === b.from;

/** Makes the function that works on a session's own conversation with somebody. */
function createWithin(
  { log }: Pick<ConversationsOptions, "log">,
  { store, settled }: Pick<Kept, "store" | "settled">,
) {
  return async <T extends object>(
    session: LiveSession,
    other: string,
    work: (from: Conversations, of: ConversationOf) => Promise<T | Failure>,
  ): Promise<T | Failure> => {
    const { account } = session.person;
    const from = store();
    if (from === undefined)
      return failure("NO_HISTORY", "this server keeps no private messages for you to look at");
    if (account === undefined)
      return failure("NO_HISTORY", "private messages are kept for those who have a password");
    const key = addressKey(other);
    if (typeof key === "object") return key;
    try {
      await settled();
      return await work(from, { account, other: key });
    } catch (thrown) {
      const { code, text } = failureOf(thrown);
      if (code === "INTERNAL") log.error("conversations not read", { error: text });
      return failure(code, text);
    }
  };
}

/** What is kept, and how it is looked at. */
interface Kept {
  readonly store: () => Conversations | undefined;
  /** Resolves when all that was told is kept, and all that was deleted removed, if it can be. */
  readonly settled: () => Promise<void>;
  readonly forget: (from: Conversations, of: Forgotten) => Promise<number>;
  readonly withId: (
    from: Conversations,
    of: ConversationOf,
    id: string,
  ) => Promise<readonly PrivateEntry[]>;
}

/** What sessions ask of their own. */
function createAsked(options: ConversationsOptions, kept: Kept) {
  const { questions } = options;
  const { forget, withId } = kept;
  const within = createWithin(options, kept);
  return {
    /** The message that a session means to delete, or why it may not. */
    async targetOf(session: LiveSession, ask: Ask<"tell">): Promise<PrivateEntry | Failure> {
      const { to, about = "" } = ask;
      const author = { from: session.address, account: session.person.account ?? "" };
      const found = await within(session, to, (from, of) => withId(from, of, about));
      if (isFailure(found)) return found;
      const own = found.find((one) => authorOf(one) === authorOf(author));
      if (own !== undefined) return own;
      const what = `no message of yours to ${visible(to)} with this id is kept`;
      return failure("NO_SUCH_MESSAGE", `${visible(about)}: ${what}`);
    },
    /** A page of a conversation, or of what is found in it. */
    page(
      session: LiveSession,
      { with: with_, limit, before, after, text }: Ask<"conversation">,
    ): Promise<Answer<"conversation"> | Failure> {
      return within(session, with_, async (from, of) => {
        if (before !== undefined && after !== undefined)
          return failure("BAD_REQUEST", "conversation: expected before or after, got both");
        const bound = after !== undefined ? { after } : before === undefined ? {} : { before };
        const read = async () => from.page(of, limit, bound, text);
        const asked = text === undefined ? read() : questions.ask(session, "conversation", read);
        const page = await asked;
        if (isFailure(page)) return page;
        const fit = after === undefined ? newestThatFit(page) : oldestThatFit(page);
        return { with: of.other, messages: fit };
      });
    },
    /** The account's conversations, by their newest messages. */
    list(
      session: LiveSession,
      { before, limit }: Ask<"conversations">,
    ): Promise<Answer<"conversations"> | Failure> {
      return within(session, session.address, async (from, { account }) => {
        const newest = await from.newest(account, limit, before);
        const page = newest.map(({ other, message }) => {
          // As it was written last.
          const shown = [message.from, message.to].find((one) => addressKey(one) === other);
          return { with: shown ?? other, message };
        });
        const conversations = oldestThatFit(page);
        const isAll = newest.length < limit && conversations.length === page.length;
        const next = isAll ? undefined : conversations.at(-1)?.message.id;
        return { conversations, ...(next === undefined ? {} : { next }) };
      });
    },
    /** Forgets one's own copy, of all or of one message; the other one keeps his. */
    forgetOwn(
      session: LiveSession,
      { with: with_, id }: Ask<"forget">,
    ): Promise<Answer<"forget"> | Failure> {
      return within(session, with_, async (from, of) => {
        if (id === undefined) return { with: of.other, messages: await forget(from, of) };
        let messages = 0;
        for (const message of await withId(from, of, id))
          messages += await forget(from, { ...of, message });
        return { with: of.other, id, messages };
      });
    },
  };
}
