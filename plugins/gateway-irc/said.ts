// How what people say, and do to messages, is written as lines, for one set of capabilities: a
// part of format.ts. On IRC an edit is an answer to what it edits, a reaction is a TAGMSG, a
// deletion a REDACT; who has not asked for these is not shown them.

import type { MessageEntry, PersonEntry, PrivateEntry } from "chatfusion";
import { isSaid, LIMITS } from "chatfusion";
import type { CapSet } from "./caps.ts";
import { hasCap } from "./caps.ts";
import type { Cuts } from "./cuts.ts";
import { because, chunksOf, fitting, formatTags, isOneLine, piecesOf } from "./line.ts";
import type { Names } from "./names.ts";

export interface Writer {
  /** What was said or done in a room. */
  inRoom(message: MessageEntry): string;
  /** A private message as its addressee, or its author, sees it. */
  private(message: PrivateEntry): string;
  /** Tags alone, which somebody has sent; "" for who takes none. */
  tagmsg(by: PersonEntry, target: string, tags: readonly Tag[]): string;
}

export type Tag = readonly [key: string, value: string];

export interface WriterOptions {
  readonly cuts: Cuts;
  readonly names: Names;
  /** Called for each message that is written out. */
  encoded(): void;
}

export function createWriter({ cuts, names, encoded }: WriterOptions, caps: CapSet): Writer {
  const has = {
    accountTag: hasCap(caps, "account-tag"),
    multiline: hasCap(caps, "draft/multiline") && hasCap(caps, "batch"),
    redaction: hasCap(caps, "draft/message-redaction"),
    tags: hasCap(caps, "message-tags"),
    time: hasCap(caps, "server-time"),
  };
  const hasTags = has.tags || has.time || has.accountTag;
  const timeOf = createClock();

  const tagsOf = ({ id, from, account, at }: Stamp, more: readonly Tag[]): string => {
    if (!hasTags) return "";
    const tags: Tag[] = [];
    if (has.time) tags.push(["time", timeOf(at)]);
    if (has.tags) tags.push(["msgid", id], ...more);
    if (has.tags && isBot(from)) tags.push(["bot", ""]);
    if (has.accountTag && account !== undefined) tags.push(["account", account]);
    return formatTags(tags);
  };
  const isBot = (address: string) => names.ident(address)?.modes.has("B") === true;
  const timeAlone = ({ at }: Stamp) => (has.time ? formatTags([["time", timeOf(at)]]) : "");

  const said = (message: Said, { kind, text, target }: Shown): string => {
    encoded();
    const { about, late } = message;
    const mask = names.mask(message.from, message.account);
    const head = `:${mask} ${kind === "notice" ? "NOTICE" : "PRIVMSG"} ${target} :`;
    // Who sees no times is told when it was said.
    const before = late === true && !has.time ? `[${timeOf(message.at)}] ` : "";
    const isAction = kind === "action";
    const tags = tagsOf(message, about === undefined ? [] : answering(about));
    const around = head.length + before.length + (isAction ? actionBytes : 0) + 2;
    // Nearly all fit one line, whatever is in them.
    if (3 * (around + text.length) <= LIMITS.ircLineBytesMax && isOneLine(text)) {
      const shown = isAction ? `\x01ACTION ${before}${text}\x01` : before + text;
      return `${tags}${head}${shown}\r\n`;
    }
    const bytesMax = LIMITS.ircLineBytesMax - around - nonAscii(head);
    const cut = cuts.of(text);
    const pieces = piecesOf(cut, bytesMax);
    if (pieces.length > 1 && has.multiline && !isAction) {
      const begin = `${tags}:${mask} BATCH +${multilineBatch} draft/multiline ${target}\r\n`;
      const lines = linesOf(head, before, cut, bytesMax);
      return `${begin}${lines}:${mask} BATCH -${multilineBatch}\r\n`;
    }
    let lines = "";
    for (const [index, piece] of pieces.entries()) {
      const shown = isAction ? `\x01ACTION ${before}${piece}\x01` : before + piece;
      // An id names one message: the first of its lines has it.
      lines += `${index === 0 ? tags : timeAlone(message)}${head}${shown}\r\n`;
    }
    return lines;
  };
  const tagmsg = (by: PersonEntry, target: string, tags: string): string =>
    `${tags}:${names.mask(by.address, by.account)} TAGMSG ${target}\r\n`;
  const reaction = (message: Reaction, target: string): string => {
    if (!has.tags) return "";
    encoded();
    const { from: address, account, about = "", text } = message;
    const tag = message.kind === "reaction" ? "react" : "unreact";
    const more: Tag[] = [[`+draft/${tag}`, text], ...answering(about)];
    const by = account === undefined ? { address } : { address, account };
    return tagmsg(by, target, tagsOf(message, more));
  };
  const redaction = (message: Done, target: string): string => {
    const { from, account, about = "", text } = message;
    // Whatever servers take for an id: here it is one word.
    if (!has.redaction || !/^[!-9;-~][!-~]*$/.test(about)) return "";
    encoded();
    const head = `${tagsOf(message, [])}:${names.mask(from, account)} REDACT ${target} ${about}`;
    return `${head}${text === "" ? "" : because(head, text)}\r\n`;
  };
  const topic = (message: Pick<MessageEntry, "room"> & Done): string => {
    encoded();
    const { from, account, room, text } = message;
    const head = `:${names.mask(from, account)} TOPIC ${room} :`;
    return `${tagsOf(message, [])}${head}${fitting(head, text)}\r\n`;
  };
  return {
    private(message) {
      const { kind, text } = message;
      const target = names.nick(message.to);
      if (isSaid(kind)) return said(message, { kind, text, target });
      if (kind === "delete") return redaction(message, target);
      return reaction({ ...message, kind }, target);
    },
    inRoom(message) {
      const { kind, room, text } = message;
      if (kind === "reaction" || kind === "unreaction") return reaction({ ...message, kind }, room);
      if (kind === "delete") return redaction(message, room);
      if (kind === "topic") return topic(message);
      if (kind !== "edit") return said(message, { kind, text, target: room });
      return said(message, { kind: "text", text: `(edited) ${text}`, target: room });
    },
    tagmsg(by, target, tags) {
      if (!has.tags) return "";
      const { address, account } = by;
      const bot: Tag[] = isBot(address) ? [["bot", ""]] : [];
      const proven: Tag[] = has.accountTag && account !== undefined ? [["account", account]] : [];
      return tagmsg(by, target, formatTags([...tags, ...bot, ...proven]));
    },
  };
}

// --- internal ---

type Stamp = Pick<PrivateEntry, "id" | "from" | "account" | "at">;
type Said = Stamp & Pick<PrivateEntry, "about" | "late">;
/** What of it is shown, and where. */
interface Shown {
  readonly kind: "text" | "action" | "notice";
  readonly text: string;
  readonly target: string;
}
type Reaction = Stamp &
  Pick<PrivateEntry, "text" | "about"> & { readonly kind: "reaction" | "unreaction" };
type Done = Stamp & Pick<MessageEntry, "about" | "text">;

/** They are closed before anything else is said. */
const multilineBatch = "lines";

/** The final name of the tag, and the one that clients know so far. */
const answering = (about: string): Tag[] => [
  ["+draft/reply", about],
  ["+reply", about],
];

/** The lines of a text inside its batch, blank ones too: what is cut in two belongs together. */
function linesOf(head: string, before: string, text: string, bytesMax: number): string {
  let lines = "";
  for (const { piece, goesOn } of chunksOf(text, bytesMax)) {
    const tags = `@batch=${multilineBatch}${goesOn ? ";draft/multiline-concat" : ""} `;
    lines += `${tags}${head}${goesOn ? piece : before + piece}\r\n`;
  }
  return lines;
}

const actionBytes = "\x01ACTION \x01".length;

/** By how many bytes UTF-8 is longer than the text's length, where it is. */
const nonAscii = (text: string): number =>
  /^[\0-\x7f]*$/.test(text) ? 0 : Buffer.byteLength(text) - text.length;

/** Times as tags have them; those of one millisecond are one text. */
function createClock(): (at: number) => string {
  let last = Number.NaN;
  let text = "";
  return (at) => {
    if (at !== last) {
      // What no Date can hold is another server's word: shown as the last time that one can.
      text = new Date(Math.min(at, LIMITS.timeMsMax)).toISOString();
      last = at;
    }
    return text;
  };
}
