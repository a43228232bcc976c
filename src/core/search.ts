// What people look for in the rooms that they are in: what they could page to by `history`, they
// may find, and nothing else.

import type { Failure } from "../errors.ts";
import { failure, failureOf, isFailure } from "../errors.ts";
import type { ServerName } from "../names.ts";
import { formatAddress, parseAddress } from "../names.ts";
import type { Found, History } from "../plugin/history.ts";
import type { Answer, Ask, MessageEntry } from "../protocol/messages.ts";
import type { Amendments } from "./amendments.ts";
import type { MessageLog } from "./log.ts";
import type { Questions } from "./questions.ts";
import { roomInside } from "./rooms.ts";
import type { LiveSession } from "./session.ts";
import type { Outcome } from "./session-host.ts";
import type { Streams } from "./streams.ts";

export interface SearchOptions {
  readonly amendments: Pick<Amendments, "standing">;
  readonly self: ServerName;
  readonly history: () => History | undefined;
  readonly log: MessageLog;
  readonly questions: Questions;
  readonly streams: Streams;
}

/** Makes the function that answers `search`. */
export function createSearch(options: SearchOptions) {
  const answered = async (
    history: History,
    session: LiveSession,
    asked: Parameters<History["search"]>[0],
  ): Promise<Answer<"search">> => {
    await options.log.caughtUp();
    const { messages, ...found } = await history.search(asked);
    // What is deleted may be in the history yet, if the disk has refused; what was changed is.
    const standing = new Set<MessageEntry>();
    for (const [room, all] of Map.groupBy(messages, (one) => one.room))
      for (const one of await options.amendments.standing(room, all)) standing.add(one);
    return seenBy(session, { ...found, messages: messages.filter((one) => standing.has(one)) });
  };

  return (session: LiveSession, ask: Ask<"search">): Outcome => {
    const { text, from, before, limit } = ask;
    const room = ask.room === undefined ? undefined : roomInside(session, ask.room);
    if (typeof room === "object") return room;
    const history = options.history();
    if (history === undefined) return failure("NO_HISTORY", "this server keeps no history");
    const author = from === undefined ? undefined : authorOf(from, options.self);
    if (typeof author === "object") return author;
    options.streams.flush(); // what was said before this question is looked through
    const asked = {
      rooms: room === undefined ? [...session.memberships.keys()] : [room],
      text,
      limit,
      ...(author === undefined ? {} : { from: author }),
      ...(before === undefined ? {} : { before }),
    };
    const run = () => answered(history, session, asked);
    const answer = options.questions.ask(session, "search", run);
    return isFailure(answer) ? answer : { later: answer };
  };
}

// --- internal -----------------------------------------------------------------------------------

/**
 * Who has left a room while he waited, or was put out, sees nothing of it any more; and nothing of
 * whom he ignores.
 */
function seenBy(session: LiveSession, { messages, ...found }: Found): Answer<"search"> {
  const isSeen = (one: MessageEntry) =>
    one.hidden !== true &&
    session.memberships.has(one.room) &&
    session.ignoring?.person(one) !== true;
  return { ...found, messages: messages.filter(isSeen) };
}

/** An address in the form in which messages have it; without a server it is one of this one's. */
function authorOf(text: string, self: ServerName): string | Failure {
  try {
    const { nick, server } = parseAddress(text.includes("@") ? text : `${text}@${self}`);
    return formatAddress(nick, server);
  } catch (thrown) {
    return failureOf(thrown);
  }
}
