// What the Tab key offers: commands, people, rooms, transfers and files, by what stands before.

import { readdirSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { CommandEntry } from "../../client.ts";
import { type Place, placeOf } from "../usage.ts";
import { COMMAND_NAMES, typedName } from "./commands.ts";

export interface Known {
  readonly people: Iterable<string>;
  readonly rooms: Iterable<string>;
  readonly transfers: Iterable<number>;
  /** The server's. */
  readonly commands: readonly CommandEntry[];
}

export interface Completion {
  /** What stands before the cursor from now on. */
  readonly before: string;
  /** Where there is more than one way on: what to show. */
  readonly choices: readonly string[];
}

/** Completes what stands before the cursor, as far as it is clear. */
export function complete(before: string, known: Known): Completion {
  const begin = /(?:^|\s)(\S*)$/.exec(before)?.[1] ?? "";
  const path = /^\/(?:send|export)\s+\S+\s+(.*)$/s.exec(before)?.[1];
  const word = path ?? begin;
  const head = before.slice(0, before.length - word.length);
  const candidates = path === undefined ? wordsFor(head, word, known) : filesFor(path);
  const fitting = [...new Set(candidates)].filter((one) => startsAlike(one, word)).toSorted();
  const [first] = fitting;
  if (first === undefined) return { before, choices: [] };
  if (fitting.length === 1) {
    // A folder goes on.
    const end = first.endsWith("/") ? "" : " ";
    return { before: `${head}${first}${end}`, choices: [] };
  }
  const common = commonBegin(fitting);
  // Case may differ: what is typed is never made shorter.
  const longer = common.length > word.length ? common : word;
  return { before: head + longer, choices: fitting };
}

// --- internal -----------------------------------------------------------------------------------

/** Commands whose first word is a room. */
const ROOM_FIRST =
  /^\/(?:say|join|part|room|topic|describe|mode|role|kick|(?:un)?(?:ban|mute|pin|invite))\s+$/;

/** Those whose first word is a room, or a person. */
const PLACE_FIRST = /^\/(?:history|export|read|talk|notice)\s+$/;

function wordsFor(head: string, word: string, known: Known): Iterable<string> {
  const names = known.commands.map(({ name }) => name);
  const short = names.filter((name) => typedName(name) === `/${name}`);
  if (head === "" && word.startsWith("/"))
    return [...COMMAND_NAMES, ...short].map((name) => `/${name}`);
  if (/^\/(?:accept|reject|cancel)\s+$/.test(head)) return [...known.transfers].map(String);
  if (/^\/help\s+$/.test(head)) return [...COMMAND_NAMES, ...names];
  if (/^\/run\s+$/.test(head)) return names;
  const place = placeAt(head, known.commands);
  if (typeof place === "object") return place;
  if (place === "room") return known.rooms;
  if (place === "person") return known.people;
  if (PLACE_FIRST.test(head)) return [...known.rooms, ...known.people];
  if (/^[#&]/.test(word) || ROOM_FIRST.test(head)) return known.rooms;
  return word === "" ? [] : known.people;
}

/** What one of the server's commands expects behind what is typed of it already. */
function placeAt(head: string, offered: readonly CommandEntry[]): Place | undefined {
  const [, run, name = "", rest = ""] = /^\/(run\s+)?(\S+)\s+(.*)$/s.exec(head) ?? [];
  if (run === undefined && typedName(name) !== `/${name}`) return undefined;
  const found = offered.find((one) => one.name === name.toLowerCase());
  const index = rest.split(/\s+/).filter(Boolean).length;
  return found && placeOf(found.usage, index);
}

function filesFor(path: string): string[] {
  const isHome = path.startsWith("~/");
  const folder = path.endsWith("/") ? path : dirname(path);
  const real = isHome ? join(homedir(), folder.slice(2)) : folder;
  const begin = path.endsWith("/") ? "" : basename(path);
  const head = path.slice(0, path.length - begin.length);
  try {
    return readdirSync(real, { withFileTypes: true })
      .filter(({ name }) => !name.startsWith(".") || begin.startsWith("."))
      .map((entry) => `${head}${entry.name}${entry.isDirectory() ? "/" : ""}`);
  } catch (_unreadable) {
    // Where nothing can be seen, nothing is offered.
    return [];
  }
}

const startsAlike = (one: string, word: string): boolean =>
  one.toLowerCase().startsWith(word.toLowerCase());

function commonBegin(words: readonly string[]): string {
  let common = words[0] ?? "";
  for (const word of words) {
    while (!startsAlike(word, common)) common = common.replace(/.$/su, "");
  }
  return common;
}
