// The history role: where rooms' messages are kept. At most one plugin provides it; without one,
// the core keeps a bounded ring in memory. It stores batches, as their origin signed them, so that
// they can be handed on; and answers questions of people about messages.

import type { Bytes, MaybePromise } from "../environment.ts";
import type { RoomName, Sid } from "../names.ts";
import type { MessageEntry, PrivateEntry } from "../protocol/messages.ts";

/** What one server originates in one room in one life; numbered from 1 without a hole. */
export interface Stream {
  readonly origin: Sid;
  /** Drawn at each start of the origin: 16 hex digits. */
  readonly life: string;
  readonly room: RoomName;
}

/** What one server said in one room in one tick. `bytes` go to others as they are. */
export interface Batch {
  readonly stream: Stream;
  /** The numbers of the first message and of the last. */
  readonly first: number;
  readonly last: number;
  /** In the order of their numbers; those of which only a tombstone is left are not among them. */
  readonly messages: readonly MessageEntry[];
  /** As it is handed on. It may begin before `first`, with what is held already. */
  readonly bytes: Bytes;
}

/** One message of a room. A server may give its own another's id: the author tells them apart. */
export type MessageRef = Pick<MessageEntry, "id" | "from">;

/** What is looked for in rooms. */
export interface Search {
  /** One at least. */
  readonly rooms: readonly RoomName[];
  /**
   * Words that a message must have, all of them, in any order and case; "in quotes" one behind the
   * other. "" with `from`: all that he said.
   */
  readonly text: string;
  /** Who said it: `nick@server`. */
  readonly from?: string;
  /** The `next` of an answer: goes on where that one ended. */
  readonly before?: string;
  readonly limit: number;
}

/** What was found. */
export interface Found {
  /** Those that were appended last, in that order. */
  readonly messages: readonly MessageEntry[];
  /** There is more, or may be. Says nothing but to the history that made it. */
  readonly next?: string;
}

/** A private message that an account of this server has told somebody, or was told. */
export interface KeptMessage {
  readonly account: string;
  /** The other one: `nick@server` in its folded form, which may be the account's own. */
  readonly other: string;
  /** The other one has told it, and has an account as well, by the word of his server. */
  readonly proven?: true;
  readonly message: PrivateEntry;
}

/** Those that an account has told one other, and was told by them. */
export type ConversationOf = Pick<KeptMessage, "account" | "other">;

/**
 * Private messages, kept for the accounts of this server: for each its own, which nobody else is
 * given. Of an account up to `LIMITS.conversationsBytesMax`; beyond that the oldest of its longest
 * conversation go, with one of those that take most in all: the people of one server that have an
 * account, or its guests, who may be many nicks of one person.
 */
export interface Conversations {
  /**
   * One durable commit. Never called again before it has settled; what is kept already, by its
   * account, other one, id and author, is not kept twice.
   */
  keep(messages: readonly KeptMessage[]): MaybePromise<void>;
  /**
   * The newest `limit` messages before an id, or the first ones behind it; oldest first, by id.
   * With `text` those that have its words, as `History.search` finds them, but for reactions.
   * Rejects with `BAD_REQUEST` for a text that has nothing to look for.
   */
  page(
    of: ConversationOf,
    limit: number,
    from?: { readonly before?: string; readonly after?: string },
    text?: string,
  ): MaybePromise<readonly PrivateEntry[]>;
  /** The newest message of each conversation, where its id is before this one; newest first. */
  newest(
    account: string,
    limit: number,
    before?: string,
  ): MaybePromise<readonly Pick<KeptMessage, "other" | "message">[]>;
  /**
   * Removes for good: all of an account, one conversation, or one message of it. Nothing of the
   * texts is left where they are kept. Returns how many they were.
   */
  forget(of: {
    readonly account: string;
    readonly other?: string;
    readonly message?: MessageRef;
  }): MaybePromise<number>;
  /** The accounts for which something is kept. */
  accounts(): MaybePromise<readonly string[]>;
}

/** The core's side of the role. */
export interface HistoryHost {
  /**
   * The bytes of a batch with tombstones instead of these messages: they say nothing of them any
   * more, and verify as before. Without any of them, they are the bytes that were given. Throws
   * `BAD_FRAME` for what is no batch.
   */
  blank(bytes: Bytes, messages: readonly MessageRef[]): Bytes;
}

export interface History {
  /** Where each stream ends; asked once, after `start`. */
  streams(): MaybePromise<readonly { readonly stream: Stream; readonly last: number }[]>;
  /**
   * One durable commit, all or nothing: settles when the batches would survive a power cut.
   * Never called again before it has settled. The batches are given: nobody changes them.
   */
  append(tick: readonly Batch[]): MaybePromise<void>;
  /** The batches that hold numbers from..to, in order, up to bytesMax but at least one; else []. */
  range(stream: Stream, from: number, to: number, bytesMax: number): MaybePromise<readonly Batch[]>;
  /** The newest `limit` messages of a room, before the one of id `before`; oldest first, by id. */
  backlog(room: RoomName, limit: number, before?: string): MaybePromise<readonly MessageEntry[]>;
  /**
   * The first `limit` messages of a room behind the id `after`, which need not be held; oldest
   * first, by id.
   */
  onward(room: RoomName, limit: number, after: string): MaybePromise<readonly MessageEntry[]>;
  /**
   * The first `limit` messages of a room that were appended after the one of this id, in the order
   * in which they were: what came late stands last, whatever its id is. Undefined if the one of
   * this id is not held.
   */
  since(
    room: RoomName,
    id: string,
    limit: number,
  ): MaybePromise<readonly MessageEntry[] | undefined>;
  /**
   * What was appended before this call and fits, but for reactions. Rejects with `BAD_REQUEST` for
   * a text that has nothing to look for, and for a `before` that is none.
   */
  search(what: Search): MaybePromise<Found>;
  /**
   * Removes messages of a room for good, and passes over those that it does not hold: nothing gives
   * them any more, their batches have tombstones instead (see `HistoryHost`), and nothing of their
   * texts is left where they are kept. Settles when that would survive a power cut. May be called
   * while an append is running, but not for what that one holds; and again before it has settled.
   */
  redact(room: RoomName, messages: readonly MessageRef[]): MaybePromise<void>;
  /**
   * The messages of a room whose `about` is one of these ids: deletions first, then edits, then all
   * others, of each the newest first; `limit` at the most. Without it, what was done to a message
   * stands in the history as messages of their own alone, and is told to those who are there.
   */
  about?(
    room: RoomName,
    ids: readonly string[],
    limit: number,
  ): MaybePromise<readonly MessageEntry[]>;
  /**
   * The newest deletions of all rooms, by their ids, and whether its room holds something of the
   * id that each is about; asked once, after `start`. Without it, what was to be removed when the
   * server went down stays until it is deleted again.
   */
  deletions?(
    limit: number,
  ): MaybePromise<readonly { readonly deletion: MessageEntry; readonly isHeld: boolean }[]>;
  /** Without it no private message is kept, but for those who are offline until they have it. */
  conversations?: Conversations;
}
