// CHATHISTORY (IRCv3 chathistory): what was said in rooms, from the history of this server, between
// two messages or times. What was done to messages is told to those who ask for
// draft/event-playback. Private messages are kept by nobody.

import type { Failure } from "chatfusion";
import { isFailure, LIMITS } from "chatfusion";
import { pastLines, spare } from "./backlog.ts";
import type { Client } from "./client.ts";
import type { Ref } from "./ref.ts";
import { limitOf, refOf } from "./ref.ts";
import type { Reply } from "./reply.ts";
import { isChannel, isHidden, keyOf, shownOf } from "./rooms.ts";

type Params = readonly string[];

export async function chathistory(client: Client, params: Params, reply: Reply): Promise<void> {
  const [verb = "", ...rest] = params;
  const name = verb.toUpperCase();
  if (name === "TARGETS") return listTargets(client, rest, reply);
  const refused = refusal(reply, name);
  const range = Object.hasOwn(RANGES, name) ? RANGES[name] : undefined;
  if (range === undefined) return refused("INVALID_PARAMS", "there is no such subcommand");
  const [target = "", ...bounds] = rest;
  const [first, second] = bounds.slice(0, range.refs).map((one) => refOf(one));
  const limit = limitOf(bounds[range.refs]);
  if (bounds.length <= range.refs) return refused("NEED_MORE_PARAMS", "parameters are missing");
  const isAny = name === "LATEST" && bounds[0] === "*";
  if ((first === undefined && !isAny) || (range.refs > 1 && second === undefined))
    return refused("INVALID_MSGREFTYPE", "expected timestamp=YYYY-MM-DDThh:mm:ss.sssZ or msgid=id");
  if (limit === undefined) return refused("INVALID_PARAMS", "expected how many, from 1");
  const isRoom = isChannel(target);
  if (!isRoom || isHidden(client, target)) {
    const why = isRoom ? "you are not in it" : "private messages are not kept";
    return refused("INVALID_TARGET", why, [shownOf(target)]);
  }
  const read = (walk: Omit<Walk, "room">) => walkOf(client, { ...walk, room: target });
  const found = await range.read(read, limit, first, second);
  if (isFailure(found)) {
    const isIn = found.code !== "NOT_IN_ROOM" && found.code !== "ROOM_INVALID";
    return refused(isIn ? "MESSAGE_ERROR" : "INVALID_TARGET", found.text, [shownOf(target)]);
  }
  reply.batch("chathistory", [keyOf(target)], found.map(({ lines }) => lines).join(""));
}

// --- internal ---

interface Past {
  /** As the client sees it. */
  readonly lines: string;
  readonly at: number;
}

interface Walk {
  readonly room: string;
  readonly towards: "past" | "now";
  /** The ids next to those that are wanted. */
  readonly from?: string | undefined;
  readonly until?: string | undefined;
  readonly limit: number;
}

type Read = (walk: Omit<Walk, "room">) => Promise<readonly Past[] | Failure>;

interface Range {
  /** How many references it has. */
  readonly refs: number;
  read(read: Read, limit: number, first?: Ref, second?: Ref): ReturnType<Read>;
}

const RANGES: Readonly<Record<string, Range>> = {
  LATEST: {
    refs: 1,
    read: (read, limit, first) => read({ towards: "past", until: first?.behind, limit }),
  },
  BEFORE: {
    refs: 1,
    read: (read, limit, first) => read({ towards: "past", from: first?.before, limit }),
  },
  AFTER: {
    refs: 1,
    read: (read, limit, first) => read({ towards: "now", from: first?.behind, limit }),
  },
  AROUND: {
    refs: 1,
    async read(read, limit, first) {
      const before = await read({
        towards: "past",
        from: first?.before,
        limit: Math.trunc(limit / 2),
      });
      if (isFailure(before)) return before;
      const rest = limit - before.length;
      const behind = await read({ towards: "now", from: first?.with, limit: rest });
      return isFailure(behind) ? behind : [...before, ...behind];
    },
  },
  BETWEEN: {
    refs: 2,
    read: (read, limit, a, b) =>
      (a?.before ?? "") < (b?.before ?? "")
        ? read({ towards: "now", from: a?.behind, until: b?.before, limit })
        : read({ towards: "past", from: a?.before, until: b?.behind, limit }),
  },
};

/** Reads on until there are as many as are wanted, or as fit, of what is shown to this client. */
async function walkOf(client: Client, walk: Walk): Promise<readonly Past[] | Failure> {
  const { room, towards, until, limit } = walk;
  const isBack = towards === "past";
  const found: Past[] = [];
  const inOrder = () => (isBack ? found.toReversed() : found);
  let at = walk.from;
  let bytes = 0;
  for (let pages = 0; pages < LIMITS.ignoredPagesMax && found.length < limit; pages++) {
    const bound = at === undefined ? {} : { [isBack ? "before" : "after"]: at };
    const page = { room, limit: Math.min(limit + spare, LIMITS.backlogMax), ...bound };
    const answer = await client.ask("history", page);
    if (isFailure(answer)) return answer;
    if (answer.messages.length === 0) break;
    for (const message of isBack ? answer.messages.toReversed() : answer.messages) {
      const { id } = message;
      if (until !== undefined && (isBack ? id <= until : id >= until)) return inOrder();
      at = id;
      const lines = pastLines(client, message);
      if (lines === "") continue;
      bytes += lines.length;
      if (found.length > 0 && bytes > LIMITS.ircHistoryBytesMax) return inOrder();
      found.push({ lines, at: message.at });
      if (found.length === limit) return inOrder();
    }
  }
  return inOrder();
}

const refusal =
  (reply: Reply, name: string) =>
  (code: string, text: string, context: Params = []): void =>
    reply.fail("CHATHISTORY", code, text, [shownOf(name), ...context]);

/** The rooms that one is in whose last message is between two times, the latest one last. */
async function listTargets(client: Client, params: Params, reply: Reply): Promise<void> {
  const refused = refusal(reply, "TARGETS");
  if (params.length < 3) return refused("NEED_MORE_PARAMS", "parameters are missing");
  const [a, b] = params.map((one) => refOf(one));
  const limit = limitOf(params[2]);
  if (a?.at === undefined || b?.at === undefined)
    return refused("INVALID_MSGREFTYPE", "expected timestamp=YYYY-MM-DDThh:mm:ss.sssZ");
  if (limit === undefined) return refused("INVALID_PARAMS", "expected how many, from 1");
  const [from, to] = [Math.min(a.at, b.at), Math.max(a.at, b.at)];
  const found: { readonly room: string; readonly at: number }[] = [];
  for (const room of client.rooms) {
    const last = await walkOf(client, { room, towards: "past", limit: 1 });
    const at = isFailure(last) ? undefined : last[0]?.at;
    if (at !== undefined && at > from && at < to) found.push({ room, at });
  }
  const shown = found.toSorted((one, other) => one.at - other.at).slice(0, limit);
  const self = client.world.names.self;
  const lines = shown.map(
    ({ room, at }) => `:${self} CHATHISTORY TARGETS ${room} ${new Date(at).toISOString()}\r\n`,
  );
  reply.batch("draft/chathistory-targets", [], lines.join(""));
}
