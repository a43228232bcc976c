// Messages that do something to another one, which they name: reactions, edits, deletions. What
// each of them must be, whose word counts, and what comes of them all, in whatever order they came.
// Pure. Next: core/amendments.ts.

import type { Failure } from "../errors.ts";
import { failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { checkText } from "../names.ts";
import type { MessageEntry, MessageKind, PastEntry, PrivateEntry, SaidKind } from "./messages.ts";

type Said = Pick<MessageEntry, "from" | "account">;

/** Whether it is said to people, rather than done to a message. */
export const isSaid = (kind: MessageKind): kind is SaidKind =>
  kind === "text" || kind === "action" || kind === "notice";

/** Whether it can be deleted. */
export const isDeletable = (kind: MessageKind): boolean => isSaid(kind) || kind === "topic";

/** Why a message is none of its kind; undefined when it is one. */
export function checkKind(message: {
  readonly kind: MessageKind;
  readonly text: string;
  readonly about?: string | undefined;
  readonly thread?: string | undefined;
}): Failure | undefined {
  const { kind, text } = message;
  if (isSaid(kind)) return checkText(text, LIMITS.textBytesMax);
  if (kind === "topic") return text === "" ? undefined : checkText(text, LIMITS.reasonBytesMax);
  if (message.about === undefined)
    return failure("BAD_REQUEST", `${kind}: expected the id of a message in about, got none`);
  if (message.thread !== undefined)
    return failure("BAD_REQUEST", `${kind}: expected no thread: it is in that of its message`);
  if (kind === "edit") return checkText(text, LIMITS.textBytesMax);
  if (kind === "delete") return text === "" ? undefined : checkText(text, LIMITS.reasonBytesMax);
  if (!/[\s\p{Cc}]/u.test(text)) return checkText(text, LIMITS.reactionBytesMax);
  return failure("TEXT_INVALID", `${kind}: expected an emoji or a word, got one with spaces`);
}

/**
 * Who somebody is to the fusion: an account of his server, whatever his nick is; a guest's address.
 */
export function authorOf({ from, account }: Said): string {
  return account === undefined ? from : `=${account}${from.slice(from.lastIndexOf("@"))}`;
}

/** Adds to messages what was done to them; others of these are left as they are. */
export function applied(
  messages: readonly MessageEntry[],
  /** All that name one of them, in any order; what has no right does nothing. */
  amendments: readonly MessageEntry[],
  mayDelete: (by: Said) => boolean,
): readonly PastEntry[] {
  if (amendments.length === 0) return messages;
  const byTarget = Map.groupBy(amendments, ({ about = "" }) => about);
  return messages.map((message) => {
    if (message.kind === "edit") {
      // It goes with its message, whose author it has.
      const done = byTarget.get(message.about ?? "") ?? [];
      return isDeletedBy(message, done, mayDelete)
        ? { ...message, text: "", deleted: true }
        : message;
    }
    const about = isDeletable(message.kind) ? byTarget.get(message.id) : undefined;
    return about === undefined ? message : amended(message, about, mayDelete);
  });
}

/** Whether one of these deletes the message. */
export const isDeletedBy = (
  message: MessageEntry,
  about: readonly MessageEntry[],
  mayDelete: (by: Said) => boolean,
): boolean =>
  about.some(
    (one) => one.kind === "delete" && (authorOf(one) === authorOf(message) || mayDelete(one)),
  );

/** Whether another text has taken the place of a message's, or of an edit's, among these. */
export const isReplacedBy = (message: MessageEntry, amendments: readonly MessageEntry[]): boolean =>
  amendments.some(
    (one) =>
      one.kind === "edit" &&
      one.about === (message.kind === "edit" ? message.about : message.id) &&
      one.id > message.id &&
      authorOf(one) === authorOf(message),
  );

/** Whether somebody's reaction to the message that all these are about stands. */
export const reactsWith = (about: readonly MessageEntry[], by: Said, text: string): boolean =>
  about
    .filter((one) => isReaction(one) && one.text === text && authorOf(one) === authorOf(by))
    .reduce<MessageEntry | undefined>(newer, undefined)?.kind === "reaction";

/**
 * Whether a deletion by its author is about a private message: one that was sent twice, since the
 * author's server had gone down, has two ids, and the author's own id of it, where nobody else
 * draws that one.
 */
export const isPrivatelyDeletedBy = (message: PrivateEntry, deletion: PrivateEntry): boolean => {
  const { about, aboutCid = "" } = deletion;
  const isTwin = aboutCid.length >= LIMITS.uniqueIdBytesMin && message.cid === aboutCid;
  return authorOf(message) === authorOf(deletion) && (message.id === about || isTwin);
};

// --- internal -----------------------------------------------------------------------------------

function amended(
  message: MessageEntry,
  about: readonly MessageEntry[],
  mayDelete: (by: Said) => boolean,
): PastEntry {
  if (isDeletedBy(message, about, mayDelete)) return { ...message, text: "", deleted: true };
  const author = authorOf(message);
  const edits = about.filter((one) => one.kind === "edit" && authorOf(one) === author);
  const last = edits.reduce<MessageEntry | undefined>(newer, undefined);
  const reactions = reactionsIn(about);
  return {
    ...message,
    ...(last === undefined ? {} : { edited: { text: last.text, at: last.at } }),
    ...(reactions.length === 0 ? {} : { reactions }),
  };
}

const isReaction = ({ kind }: Pick<MessageEntry, "kind">): boolean =>
  kind === "reaction" || kind === "unreaction";

const newer = (a: MessageEntry | undefined, b: MessageEntry): MessageEntry =>
  a === undefined || b.id > a.id ? b : a;

/** Of each author's word on each reaction the last one counts. */
function reactionsIn(about: readonly MessageEntry[]): NonNullable<PastEntry["reactions"]> {
  const last = new Map<string, MessageEntry>();
  for (const one of about) {
    if (!isReaction(one)) continue;
    const key = `${one.text} ${authorOf(one)}`;
    last.set(key, newer(last.get(key), one));
  }
  const standing = [...last.values()].filter(({ kind }) => kind === "reaction").toSorted(byId);
  const groups = [...Map.groupBy(standing, ({ text }) => text)].map(([text, all]) => {
    const by = all.slice(0, LIMITS.reactionNamesMax).map(({ from }) => from);
    return { text, count: all.length, by };
  });
  return groups.toSorted((a, b) => b.count - a.count).slice(0, LIMITS.reactionsShownMax);
}

const byId = (a: MessageEntry, b: MessageEntry): number => (a.id < b.id ? -1 : Number(a.id > b.id));
