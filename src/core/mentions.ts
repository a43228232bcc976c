// Whom a text means by `@nick` or `@nick@server`: members of the room in which it is said. Where
// nobody of this server has the nick, it means all in the fusion who have it.

import { LIMITS } from "../limits.ts";
import type { RoomName } from "../names.ts";
import type { People } from "./people.ts";

/** Letters that stand in names; an `@` behind one of them is an address of mail. */
const NAME = String.raw`[\p{L}\p{M}\p{Nd}_.-]`;
const MENTION = new RegExp(`(?<!${NAME})@(${NAME}+)(?:@(${NAME}+))?`, "gu");

/** The addresses, each once; undefined where nobody is meant. A text without "@" costs nothing. */
export function mentionsIn(
  text: string,
  room: RoomName,
  people: Pick<People, "named">,
): readonly string[] | undefined {
  if (!text.includes("@")) return undefined;
  const found = new Set<string>();
  for (const [, nick = "", server] of text.matchAll(MENTION)) {
    for (const address of people.named(room, ...wordsOf(nick, server))) {
      found.add(address);
      if (found.size === LIMITS.mentionsMax) return [...found];
    }
  }
  return found.size === 0 ? undefined : [...found];
}

// --- internal -----------------------------------------------------------------------------------

/** The full stop that ends a sentence: no name ends with one. */
const wordsOf = (nick: string, server: string | undefined): [string, string | undefined] =>
  server === undefined ? [withoutDots(nick), undefined] : [nick, withoutDots(server)];

const withoutDots = (name: string): string => name.replace(/\.+$/, "");
