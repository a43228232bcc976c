// Lines of IRC, read and written (RFC 1459 §2.3, IRCv3 message-tags). Pure. Next: reader.ts, which
// cuts bytes into lines.

import { LIMITS } from "chatfusion";
import { SEAM } from "./cuts.ts";

/** One line, read. Parameters may be empty where they came behind a colon. */
export interface Line {
  readonly tags: ReadonlyMap<string, string>;
  /** In capital letters; "" for a line without one. */
  readonly command: string;
  readonly params: readonly string[];
}

const NO_TAGS: ReadonlyMap<string, string> = new Map();

/** Reads one line, without its end. A source, which a client need not send, is left out. */
export function parseLine(text: string): Line {
  let at = 0;
  let tags = NO_TAGS;
  if (text.startsWith("@")) {
    const end = text.indexOf(" ");
    tags = parseTags(text.slice(1, end === -1 ? undefined : end));
    at = end === -1 ? text.length : skipBlanks(text, end);
  }
  if (text[at] === ":") {
    const end = text.indexOf(" ", at);
    at = end === -1 ? text.length : skipBlanks(text, end);
  }
  const params: string[] = [];
  let command = "";
  let isFirst = true;
  while (at < text.length) {
    if (!isFirst && text[at] === ":") {
      params.push(text.slice(at + 1));
      break;
    }
    const end = text.indexOf(" ", at);
    const word = text.slice(at, end === -1 ? undefined : end);
    if (isFirst) command = word.toUpperCase();
    else params.push(word);
    isFirst = false;
    at = end === -1 ? text.length : skipBlanks(text, end);
  }
  return { tags, command, params };
}

/** Reads tags, without the @; of one that stands twice the last counts. */
export function parseTags(text: string): Map<string, string> {
  const tags = new Map<string, string>();
  for (const one of text.split(";")) {
    const equals = one.indexOf("=");
    const key = equals === -1 ? one : one.slice(0, equals);
    if (key !== "") tags.set(key, equals === -1 ? "" : unescapeTag(one.slice(equals + 1)));
  }
  return tags;
}

/** Writes tags as they stand before a line: "@a=b;c ", or "" where there are none. */
export function formatTags(tags: Iterable<readonly [key: string, value: string]>): string {
  let text = "";
  for (const [key, value] of tags) {
    text += `${text === "" ? "@" : ";"}${key}${value === "" ? "" : `=${escapeTag(value)}`}`;
  }
  return text === "" ? "" : `${text} `;
}

/** Parameters behind a command: the last one has a colon where it must, or `colon` says so. */
export function formatParams(params: readonly string[], colon = false): string {
  let text = "";
  for (const [index, one] of params.entries()) {
    const isLast = index === params.length - 1;
    const needs = one === "" || one.startsWith(":") || one.includes(" ");
    text += isLast && (colon || needs) ? ` :${one}` : ` ${one}`;
  }
  return text;
}

/** Puts words together to lists that each fit a line, with what is around it. */
export function listsOf(words: Iterable<string>, between: string): string[] {
  const lists: string[] = [];
  for (const word of words) {
    const last = lists.at(-1);
    if (last === undefined || Buffer.byteLength(last) + word.length * 3 > 400) lists.push(word);
    else lists[lists.length - 1] = `${last}${between}${word}`;
  }
  return lists;
}

/** Whatever else would end a line, or not be taken for one: each becomes a blank. */
export const flat = (text: string): string =>
  lineEnds.test(text) ? text.replaceAll(allLineEnds, " ") : text;

/** As one parameter that is not the last: without blanks, line ends and a colon before it. */
export const wordOf = (text: string): string =>
  text.replaceAll(/[\s\0]+/g, "").replace(/^:+/, "") || "*";

/** As much of a text as fits a line behind its beginning, whose tags come on top. */
export function fitting(head: string, text: string): string {
  const counted = head.startsWith("@") ? head.slice(head.indexOf(" ") + 1) : head;
  return cutText(flat(text), LIMITS.ircLineBytesMax - 2 - Buffer.byteLength(counted));
}

/** A reason as the last parameter of a line, as much of it as fits. */
export const because = (head: string, text: string): string => ` :${fitting(`${head} :`, text)}`;

/** No byte of UTF-8 is cut: the longest beginning of up to `bytesMax` bytes. */
export function cutText(text: string, bytesMax: number): string {
  if (text.length * 3 <= bytesMax) return text;
  const fits = Math.max(0, Math.min(bytesMax, room.length));
  const { read } = encoder.encodeInto(text, room.subarray(0, fits));
  return text.slice(0, read);
}

/** It can stand in a line as it is. */
export const isOneLine = (text: string): boolean => text !== "" && !lineEnds.test(text);

/**
 * Cuts a text into pieces that each fit a line: at its own line ends, at its seams (cuts.ts), and
 * where it is longer than `bytesMax` bytes at a blank, or else between two characters. Never empty,
 * no empty piece.
 */
export function piecesOf(text: string, bytesMax: number): string[] {
  if (text.length * 3 <= bytesMax && isOneLine(text)) return [text];
  const chunks = chunksOf(text, bytesMax);
  const pieces = chunks.map(({ piece }) => piece).filter((piece) => piece !== "");
  return pieces.length === 0 ? [" "] : pieces;
}

/** A word of the server's, in as many lines as it takes; of a great many, how many more it has. */
export function noticeLines(self: string, target: string, text: string): string {
  const pieces = piecesOf(text, noticeBytesMax);
  const more = pieces.length - LIMITS.ircNoticeLinesMax;
  const shown = more > 0 ? [...pieces.slice(0, -more), `(${more} more lines)`] : pieces;
  return shown.map((piece) => `:${self} NOTICE ${target} :${piece}\r\n`).join("");
}

export interface Chunk {
  readonly piece: string;
  /** It goes on with the line of the chunk before it. */
  readonly goesOn: boolean;
}

/** Cuts a text in the same way, and keeps blank lines: with line ends between, it is the text. */
export function chunksOf(text: string, bytesMax: number): Chunk[] {
  const chunks: Chunk[] = [];
  for (const line of text.split(/\r\n|[\r\n]/)) {
    let goesOn = false;
    for (const part of line.split(SEAM)) {
      let rest = part;
      do {
        let piece = cutText(rest, bytesMax);
        if (piece === "" && rest !== "") break; // no character fits
        if (piece.length < rest.length) {
          const blank = piece.lastIndexOf(" ");
          if (blank > piece.length / 2) piece = piece.slice(0, blank + 1);
        }
        chunks.push({ piece, goesOn });
        rest = rest.slice(piece.length);
        goesOn = true;
      } while (rest !== "");
    }
  }
  return chunks;
}

// --- internal ---

/** What two names of the longest leave of a line, and some. */
const noticeBytesMax = 400;
const lineEnds = /[\0\r\n]/;
const allLineEnds = /[\0\r\n]+/g;
const encoder = new TextEncoder();
const room = new Uint8Array(512);

const ESCAPES: Readonly<Record<string, string>> = {
  ";": "\\:",
  " ": "\\s",
  "\\": "\\\\",
  "\r": "\\r",
  "\n": "\\n",
};
const UNESCAPES: Readonly<Record<string, string>> = { ":": ";", s: " ", r: "\r", n: "\n" };

const escapeTag = (value: string): string =>
  value.replaceAll(/[; \\\0\r\n]/g, (character) => ESCAPES[character] ?? ""); // NUL: nothing

/** A backslash before anything else is dropped; so is one at the end. */
const unescapeTag = (value: string): string =>
  value.includes("\\")
    ? value.replaceAll(/\\(.?)/gsu, (_, character: string) => UNESCAPES[character] ?? character)
    : value;

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (text[at] === " ") at++;
  return at;
}
