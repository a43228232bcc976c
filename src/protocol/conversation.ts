// What an account asks of the private messages that its home server keeps for it, and what it is
// answered: a part of messages.ts. Pure. Next: plugin/history.ts (who keeps them).

import * as v from "valibot";
import { LIMITS } from "../limits.ts";
import type { PrivateEntry } from "./messages.ts";
import { Id, MessageId, Name, Page, PastPage, SearchText } from "./shapes.ts";

/** The requests about one's conversations. `with` is the other one, as `nick@server`. */
export const conversationShapes = {
  conversation: v.object({
    with: Name,
    limit: v.optional(PastPage, LIMITS.backlogMax),
    before: v.optional(Id),
    after: v.optional(Id),
    text: v.optional(SearchText),
  }),
  conversations: v.object({
    before: v.optional(Id),
    limit: v.optional(Page, LIMITS.pageMax),
  }),
  forget: v.object({ with: Name, id: v.optional(MessageId) }),
};

/** One conversation. */
export interface ConversationEntry {
  /** The other one, under the nick of the newest message. */
  readonly with: string;
  /** The newest one. */
  readonly message: PrivateEntry;
}

export interface ConversationAnswers {
  /** Oldest first, by id. */
  conversation: { readonly with: string; readonly messages: readonly PrivateEntry[] };
  /** The one with the newest message first; `next` is the `before` of the next page. */
  conversations: {
    readonly conversations: readonly ConversationEntry[];
    readonly next?: string;
  };
  /** How many messages are kept no more. */
  forget: { readonly with: string; readonly id?: string; readonly messages: number };
}
