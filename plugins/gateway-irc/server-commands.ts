// The commands that the server, with its plugins, offers to this person: RUN NAME, or the name
// alone where IRC has no command of it. To whom they are open, how many may be under way and what
// plugins say about them is the core's.

import type { Answer } from "chatfusion";
import { isFailure } from "chatfusion";
import type { Client } from "./client.ts";
import { listsOf, noticeLines } from "./line.ts";
import type { Reply } from "./reply.ts";
import { shownOf } from "./rooms.ts";

type Entry = Answer<"commands">["commands"][number];

/**
 * Runs one, and ends the reply when it has answered; resolves when it has been asked for, so that
 * nothing waits for one that takes long.
 */
export async function runServers(
  client: Client,
  [typed = "", ...words]: readonly string[],
  reply: Reply,
): Promise<void> {
  const name = typed.toLowerCase();
  const found = (await offered(client)).find((one) => one.name === name);
  if (found === undefined) {
    reply.numeric("ERR_UNKNOWNCOMMAND", [shownOf(typed)]);
    return reply.end();
  }
  const args = argsOf(client, words, found.usage);
  client.session?.request("command", { name, args }, ({ text }) => {
    reply.lines(noticeLines(client.self, client.shown, text));
    reply.end();
  });
}

/** What HELP says of those of this name. */
export async function helpOf(client: Client, topic: string): Promise<readonly string[]> {
  const found = (await offered(client)).filter(({ name }) => name.toUpperCase() === topic);
  return found.map(({ usage, about }) => `${`RUN ${topic} ${usage}`.trimEnd()}: ${about}.`);
}

/** What HELP says of all that are open to the client. */
export async function helpIndex(client: Client): Promise<readonly string[]> {
  const names = (await offered(client)).map(({ name }) => name.toUpperCase());
  if (names.length === 0) return [];
  return ["This server's own, by RUN, or alone if not listed above:", ...listsOf(names, " ")];
}

// --- internal ---

async function offered(client: Client): Promise<readonly Entry[]> {
  const answer = await client.ask("commands", {});
  return isFailure(answer) ? [] : answer.commands;
}

/**
 * Reads words as the usage says (docs/plugins.md, Commands): TEXT or REASON at its end is the rest
 * of the line, and people of other servers, who are NICK/SERVER here, are NICK@SERVER.
 */
function argsOf({ world }: Client, words: readonly string[], usage: string): string[] {
  const places = usage.split(" ").filter(Boolean);
  const read = words.map((word, index) =>
    /^\[?NICK/.test(places[index] ?? "") && word.includes("/") ? world.names.address(word) : word,
  );
  const before = places.length - 1;
  if (!/TEXT|REASON/.test(places.at(-1) ?? "") || read.length <= before) return read;
  return [...read.slice(0, before), read.slice(before).join(" ")];
}
