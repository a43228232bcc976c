// The messages that a chat has shown, so that those who type can say which one they mean, and see
// which one somebody else means. Bounded; the oldest are forgotten first.

import type { Answer, MessageEntry, PastEntry, PrivateEntry } from "../../client.ts";
import { isSaid } from "../../client.ts";
import type { MessageOptions, SayOptions } from "../../client/options.ts";
import { ChatFusionError } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import { type Name, nameKey, visible } from "../../names.ts";
import type { Command } from "./commands.ts";
import { quoteText, shortened } from "./said.ts";
import type { Of, Shown } from "./shown.ts";
import { isSame } from "./talk.ts";
import type { Refused, Target } from "./turns.ts";

/** What a line with such a command says: in a room, or to the other one of a private message. */
export type Saying =
  { readonly room: string; readonly text: string; readonly options: SayOptions } | Telling;

/** What one person is told. */
export interface Telling {
  readonly to: string;
  readonly text: string;
  readonly options: Pick<MessageOptions, "kind" | "about">;
}

type Message = MessageEntry | PrivateEntry;

export class MessageBook {
  /** By id, the oldest first, with the texts that they have now. */
  readonly #messages = new Map<string, Message>();
  /** The ids of what was said here, whatever the nick is now. */
  readonly #own = new Set<string>();
  #newest = "";

  /** All of them, the oldest first. */
  get all(): readonly Message[] {
    // The past may have been shown last.
    return [...this.#messages.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The id of the newest one; "" where there is none. */
  get newest(): string {
    return this.#newest;
  }

  /** Takes a message that is shown; returns what it is about, where that is known. */
  take(message: Message): Of | undefined {
    const { about, kind } = message;
    const thread = "room" in message ? message.thread : undefined;
    const target = this.#messages.get(about ?? thread ?? "");
    if (isSaid(kind)) this.#put(message);
    else if (target !== undefined && kind === "edit") this.#put({ ...target, text: message.text });
    else if (kind === "delete") this.#messages.delete(about ?? "");
    if (target === undefined) return undefined;
    const { from, at, text } = target;
    return { from, at, text };
  }

  /** Takes what is shown; returns it with what it is about, where that is known. */
  seen(shown: Shown): Shown {
    if (shown.event === "message" || shown.event === "private") {
      const of = this.take(shown);
      return of === undefined ? shown : { ...shown, of };
    }
    if (shown.event === "backlog") this.takePast(shown.messages);
    if (shown.event !== "setting" && shown.event !== "read") return shown;
    const id = shown.event === "read" ? shown.id : pinnedId(shown.key);
    const of = this.of(id ?? "");
    return of === undefined ? shown : { ...shown, of };
  }

  /** A message by its id, where it was shown. */
  of(id: string): Of | undefined {
    const found = this.#messages.get(id);
    return found && { from: found.from, at: found.at, text: found.text };
  }

  /** A refusal, with what messages say that were shown, in place of their ids. */
  named(refusal: string): string {
    return refusal.replaceAll(/message ([0-9a-z]{21})(?![0-9a-z])/g, (all, id: string) => {
      const of = this.of(id);
      return of === undefined ? all : quoteText(of);
    });
  }

  /** Takes what was told to one person, as `take` does. */
  takeTold({ to, text, options }: Telling, told: Answer<"tell">, from: string): Of | undefined {
    const { id, at } = told;
    this.takeOwn(id);
    return this.take({ id, from, to, text, at, kind: "text", ...options });
  }

  /** Takes the id of what was said here. */
  takeOwn(id: string): void {
    this.#own.add(id);
    const [oldest = ""] = this.#own;
    if (this.#own.size > LIMITS.messagesShownMax) this.#own.delete(oldest);
  }

  /** Takes what the history has shown. */
  takePast(messages: readonly (PastEntry | PrivateEntry)[]): void {
    for (const message of messages) {
      const { deleted, edited }: Partial<PastEntry> = message;
      if (isSaid(message.kind) && deleted === undefined)
        this.#put({ ...message, text: edited?.text ?? message.text });
    }
  }

  /**
   * Whether a word may name a message of one's own by its place: then lines that were typed before
   * and have no answer yet may be what is meant.
   */
  mayBeOwn(which: string, name: Command["name"], self: string): boolean {
    if (this.#messages.has(which)) return false;
    if (which.startsWith("^")) return !OF_OTHERS.includes(name);
    return isOf(self, which);
  }

  /**
   * What a command says to a message that its first word names, among these: of `place`, where one
   * talks elsewhere than in the lobby. An id that was never shown is of `room`. Throws
   * `NO_SUCH_MESSAGE`.
   */
  saying(
    { name, args }: Command,
    { self, room: here, place, among = this.all }: Where & SaidWhere,
  ): Saying {
    const [which = "", text = ""] = args;
    const message = this.#find(which, name, { self, place, among }) ?? {
      id: which,
      from: "",
      room: here,
    };
    const { id } = message;
    if ("to" in message) {
      const to = this.#isOwn(message, self) ? message.to : message.from;
      const kind = name === "delete" ? name : REACTIONS[name];
      if (kind !== undefined) return { to, text, options: { kind, about: id } };
      if (name === "reply") return { to, text, options: { about: id } };
      const refusal = `expected a message of a room, got a private one, with ${visible(to)}`;
      throw new ChatFusionError("BAD_REQUEST", `/${name}: ${refusal}`);
    }
    const { room } = message;
    if (name === "thread") return { room, text, options: { thread: id } };
    if (name === "reply") return { room, text, options: { about: id } };
    const kind = KINDS[name];
    return { room, text, options: { ...(kind && { kind }), about: id } };
  }

  /**
   * The id of the message of a room, or of those told to and by a person, that a word names: `^`
   * for the last one, `^2`, a nick for their last one, or an id. Throws `NO_SUCH_MESSAGE`.
   */
  idIn(place: string, which: string, { self, among = this.all }: Where): string {
    const fits = (one: Target) => isIn(one, place);
    const whose = `of ${visible(place)}`;
    return this.#named(which, { fits, counts: () => true, whose, self, among })?.id ?? which;
  }

  // --- internal ---------------------------------------------------------------------------------

  #put(message: Message): void {
    this.#messages.set(message.id, message);
    if (message.id > this.#newest) this.#newest = message.id;
    const [oldest = ""] = this.#messages.keys();
    if (this.#messages.size > LIMITS.messagesShownMax) this.#messages.delete(oldest);
  }

  #isOwn({ id, from }: Target, self: string): boolean {
    return from === self || this.#own.has(id);
  }

  /** Undefined for what may be the id of one that is not known here. */
  #find(
    which: string,
    name: Command["name"],
    { self, place, among }: Required<Where> & Pick<SaidWhere, "place">,
  ) {
    const isOwn = !OF_OTHERS.includes(name);
    const where = place === undefined ? "" : ` in ${visible(place)}`;
    return this.#named(which, {
      // Also what cannot be done in private: to take another message for it would tell it to all.
      fits: (one) => place === undefined || isIn(one, place),
      counts: (one) => this.#isOwn(one, self) === isOwn,
      whose: `${isOwn ? "of yours" : "of others"}${where}`,
      self,
      among,
    });
  }

  #named(which: string, { fits, counts, whose, self, among }: Wanted): Target | undefined {
    const known = this.#messages.get(which);
    if (known !== undefined) return known;
    const [, back] = /^\^(\d*)$/.exec(which) ?? [];
    if (back === undefined && ID.test(which)) return undefined;
    const fitting = among.filter((one) => "refused" in one || fits(one));
    const address = back === undefined ? addressIn(fitting, which, self) : undefined;
    const isMeant = back === undefined ? ({ from }: Target) => from === address : counts;
    const some = fitting.filter((one) => "refused" in one || isMeant(one));
    const count = back === undefined || back === "" ? 1 : Number(back);
    const last = some.slice(-count);
    const refused = last.findLast((one) => "refused" in one);
    if (count > 0 && refused !== undefined) {
      const line = shortened(refused.refused);
      const text = `message ${visible(which)}: "${line}" before it was refused, so nothing is done`;
      throw new ChatFusionError("NO_SUCH_MESSAGE", text);
    }
    const [found] = last;
    if (count > 0 && last.length === count && found !== undefined && !("refused" in found))
      return found;
    const what = back === undefined ? `of "${visible(which)}"` : whose;
    const text = `message ${visible(which)}: no such message ${what} was shown here`;
    throw new ChatFusionError("NO_SUCH_MESSAGE", text);
  }
}

/** The id of the message that a setting pins or unpins; undefined for other settings. */
export const pinnedId = (key: string): string | undefined => /^pin\/(.*)$/s.exec(key)?.[1];

// --- internal -----------------------------------------------------------------------------------

/** What may be named, the oldest first. */
type Among = readonly (Target | Refused)[];

interface Where {
  readonly self: string;
  readonly among?: Among;
}

interface SaidWhere {
  /** That of a message of which only the id is known. */
  readonly room: string;
  /** Where alone a message is looked for by its place or its author. */
  readonly place?: string | undefined;
}

/** What a word may name. */
interface Wanted {
  readonly fits: (message: Target) => boolean;
  /** Of these, which `^` counts. */
  readonly counts: (message: Target) => boolean;
  /** For people. */
  readonly whose: string;
  readonly self: string;
  readonly among: Among;
}

/** Whether a message was said in a room, or between whoever sits here and a person. */
function isIn(one: Target, place: string): boolean {
  return "room" in one ? isSame(one.room, place) : isSame(one.from, place) || isSame(one.to, place);
}

/** Whether this is the address of such a nick, or the same. */
function isOf(address: string, which: string): boolean {
  const [all, begin] = [nameKey(address as Name), nameKey(which as Name)]; // only compared
  return all === begin || all.startsWith(`${begin}@`);
}

/**
 * Who is meant by a word, of those who have said something: by a nick alone the one of one's own
 * server, else the only one who has it. Throws `NO_SUCH_MESSAGE` where it may be several.
 */
function addressIn(among: Among, which: string, self: string): string | undefined {
  const all = among.flatMap((one) => ("from" in one && isOf(one.from, which) ? [one.from] : []));
  const addresses = [...new Set(all)];
  const own = addresses.find((one) => isOf(one, which + self.slice(self.lastIndexOf("@"))));
  const [only, ...others] = addresses;
  if (own !== undefined || others.length === 0) return own ?? only;
  const expected = addresses.slice(0, LIMITS.listedMax).map(visible).join(" or ");
  const text = `message ${visible(which)}: of whom? expected ${expected}`;
  throw new ChatFusionError("NO_SUCH_MESSAGE", text);
}

/** The commands whose `^` counts what others have said; that of the others counts one's own. */
const OF_OTHERS: readonly Command["name"][] = ["reply", "thread", "react", "unreact"];

/** An id as servers make them; no nick is as long and has no other sign. */
const ID = /^[0-9a-z]{21}$/;

const REACTIONS: Partial<Record<Command["name"], "reaction" | "unreaction">> = {
  react: "reaction",
  unreact: "unreaction",
};

const KINDS: Partial<Record<Command["name"], NonNullable<SayOptions["kind"]>>> = {
  ...REACTIONS,
  edit: "edit",
  delete: "delete",
};
