// The messages that a chat has shown, so that those who type can say which one they mean, and see
// which one somebody else means. Bounded; the oldest are forgotten first.

import type { MessageEntry, PastEntry, SayOptions } from "../../client.ts";
import { isSaid } from "../../client.ts";
import { ChatFusionError } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import { visible } from "../../names.ts";
import type { Command } from "./commands.ts";
import type { Of } from "./shown.ts";

/** What a line with such a command says. */
export interface Saying {
  readonly room: string;
  readonly text: string;
  readonly options: SayOptions;
}

export class MessageBook {
  /** By id, the oldest first, with the texts that they have now. */
  readonly #messages = new Map<string, MessageEntry>();

  /** Takes a message that is shown; returns what it is about, where that is known. */
  take(message: MessageEntry): Of | undefined {
    const { about, thread, kind } = message;
    const target = this.#messages.get(about ?? thread ?? "");
    if (isSaid(kind)) this.#put(message);
    else if (target !== undefined && kind === "edit") this.#put({ ...target, text: message.text });
    else if (kind === "delete") this.#messages.delete(about ?? "");
    if (target === undefined) return undefined;
    const { from, at } = target;
    return kind === "delete" ? { from, at } : { from, at, text: target.text };
  }

  /** Takes what the history has shown. */
  takePast(messages: readonly PastEntry[]): void {
    for (const message of messages)
      if (isSaid(message.kind) && message.deleted === undefined)
        this.#put({ ...message, text: message.edited?.text ?? message.text });
  }

  /**
   * What a command says to a message that its first word names; the lobby's, where an id was never
   * shown. Throws `NO_SUCH_MESSAGE`.
   */
  saying({ name, args }: Command, self: string, lobby: string): Saying {
    const [which = "", text = ""] = args;
    const isOwn = name === "edit" || name === "delete";
    const { id, room } = this.#find(which, isOwn, self) ?? { id: which, room: lobby };
    if (name === "reply") return { room, text, options: { about: id } };
    if (name === "thread") return { room, text, options: { thread: id } };
    const kind = KINDS[name];
    return { room, text, options: { ...(kind && { kind }), about: id } };
  }

  // --- internal ---------------------------------------------------------------------------------

  #put(message: MessageEntry): void {
    this.#messages.set(message.id, message);
    const [oldest = ""] = this.#messages.keys();
    if (this.#messages.size > LIMITS.messagesShownMax) this.#messages.delete(oldest);
  }

  /** Undefined for what may be the id of one that is not known here. */
  #find(which: string, isOwn: boolean, self: string): MessageEntry | undefined {
    const known = this.#messages.get(which);
    if (known !== undefined) return known;
    const [, back] = /^\^(\d*)$/.exec(which) ?? [];
    if (back === undefined && ID.test(which)) return undefined;
    // The past may have been shown last.
    const all = [...this.#messages.values()].toSorted((a, b) => (a.id > b.id ? -1 : 1));
    const some =
      back === undefined
        ? all.filter(({ from }) => from === which || from.startsWith(`${which}@`))
        : all.filter(({ from }) => (from === self) === isOwn);
    const found = some[back === undefined || back === "" ? 0 : Number(back) - 1];
    if (found !== undefined) return found;
    const what = back === undefined ? `of "${visible(which)}"` : isOwn ? "of yours" : "of others";
    const text = `message ${visible(which)}: no such message ${what} was shown here`;
    throw new ChatFusionError("NO_SUCH_MESSAGE", text);
  }
}

// --- internal -----------------------------------------------------------------------------------

/** An id as servers make them; no nick is as long and has no other sign. */
const ID = /^[0-9a-z]{21}$/;

const KINDS: Partial<Record<Command["name"], NonNullable<SayOptions["kind"]>>> = {
  react: "reaction",
  unreact: "unreaction",
  edit: "edit",
  delete: "delete",
};
