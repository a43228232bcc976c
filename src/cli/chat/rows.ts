// Texts of several lines, and words that must not be broken: what of a line for people begins a row
// of its own. Pure.

import { visible } from "../../client.ts";
import { LIMITS } from "../../limits.ts";

/**
 * Makes a text that somebody sent safe to print behind what says who sent it, with the blank between
 * them. One of several lines begins on a row of its own, and all its rows stand in from the left
 * edge, where messages begin: no row looks like a message of somebody else. What is past
 * LIMITS.textRowsMax is one row.
 */
export function textRows(text: string): string {
  const lines = text.split(/\r?\n/);
  if (lines.length === 1) return ` ${visible(text)}`;
  const rows = lines.slice(0, LIMITS.textRowsMax - 1).map(visible);
  const rest = lines.slice(rows.length);
  if (rest.length > 0) rows.push(visible(rest.join("\n")));
  return rows.map((row) => `\n${row === "" ? "" : INDENT}${row}`).join("");
}

// --- internal -----------------------------------------------------------------------------------

/** As wide as a time with its blank. */
const INDENT = " ".repeat(6);
