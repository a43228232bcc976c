// Texts of several lines, and words that must not be broken: what of a line for people begins a row
// of its own. Pure.

import { LIMITS } from "../../limits.ts";
import { visible } from "../../names.ts";

/**
 * Makes a text that somebody sent safe to print behind what says who sent it, with the blank that
 * is between. One of several lines begins on a row of its own, and all its rows stand in from the
 * left edge, where messages begin: no row looks like a message of somebody else. Of those past
 * LIMITS.textRowsMax their number is said.
 */
export function textRows(text: string): string {
  const lines = text.split(/\r?\n/);
  if (lines.length === 1) return ` ${lineText(text)}`;
  const isMore = lines.length > LIMITS.textRowsMax;
  const rows = lines.slice(0, LIMITS.textRowsMax - (isMore ? 1 : 0)).map(lineText);
  if (isMore) rows.push(`… ${lines.length - rows.length} more lines`);
  return rows.map((row) => `\n${row === "" ? "" : INDENT}${row}`).join("");
}

/**
 * Breaks lines that are wider than so many columns between words, and keeps their colours. What
 * goes on stands in as in a text of several lines: nobody can fill up a row to have the terminal
 * begin the next one with what looks like a message of somebody else. A longer word of ASCII alone
 * is left to the terminal, for whoever copies an address; others may be all of a text.
 */
export function fitted(text: string, columns: number): string {
  const rowsOf = (line: string): string => {
    if (Bun.stringWidth(line) <= columns) return line;
    const width = columns - INDENT.length;
    const isBroken = (word: string) => /[^!-~]/.test(word) && Bun.stringWidth(word) > width;
    const hard = Bun.stripANSI(line).split(" ").some(isBroken);
    const rows = Bun.wrapAnsi(line, width, { trim: false, hard });
    // The blank behind a word that fills its row stands before the next one, behind its colours.
    return rows.replaceAll(/\n((?:\p{Cc}\[[\d;]*m)*) ?/gu, `\n${INDENT}$1`);
  };
  return text.split("\n").map(rowsOf).join("\n");
}

/**
 * Breaks a line between words into rows of up to so many columns. Where it has a column of its own
 * behind a gap (`/quit      ends the chat`), that stays one if there is room, and begins a row if
 * not. A word that is longer than a row is left to the terminal.
 */
export function wrapped(text: string, columns: number): readonly string[] {
  const line = text.trimEnd(); // the pattern takes time without bound for blanks at the end
  if (Bun.stringWidth(line) <= columns) return [line];
  const [, head = "", gap = "", rest = ""] = /^(\s*\S.*?)(\s{2,})(\S.*)$/s.exec(line) ?? [];
  if (head === "") return wordRows(line, columns, HANGING);
  const column = Bun.stringWidth(head + gap);
  if (columns - column < COLUMN_MIN) {
    const below = wordRows(rest, columns - HANGING, 0).map((row) => " ".repeat(HANGING) + row);
    return [...wordRows(head, columns, HANGING), ...below];
  }
  const [first = "", ...more] = wordRows(rest, columns - column, 0);
  return [head + gap + first, ...more.map((row) => " ".repeat(column) + row)];
}

// --- internal -----------------------------------------------------------------------------------

/** A line, its tabs as blanks up to the next stop. */
function lineText(line: string): string {
  const parts = line.split("\t").map(visible);
  const last = parts.length - 1;
  // Each part begins at a stop.
  const blanks = (part: string) => " ".repeat(TAB - (Bun.stringWidth(part) % TAB));
  return parts.map((part, at) => (at === last ? part : part + blanks(part))).join("");
}

const TAB = 4;

/** As wide as a time with its blank. */
const INDENT = " ".repeat(6);

/** What stands in behind the first row of a line. */
const HANGING = 4;
/** Narrower, a column of words is hard to read. */
const COLUMN_MIN = 24;

/** All rows but the first one stand in. */
function wordRows(text: string, columns: number, indent: number): string[] {
  const rows: string[] = [];
  let row = "";
  for (const word of text.split(/(?<=\S)\s+(?=\S)/)) {
    const longer = row === "" ? word : `${row} ${word}`;
    if (row === "" || Bun.stringWidth(longer) <= columns) {
      row = longer;
      continue;
    }
    rows.push(row);
    row = " ".repeat(indent) + word;
  }
  return [...rows, row];
}
