// CHATHISTORY (IRCv3 chathistory): what was said in rooms, from the history of this server, and
// what an account has told others and was told, where it keeps that; between two messages or times.
// What was done to messages is told to those who ask for draft/event-playback.

import type { Failure } from "chatfusion";
import { isFailure, LIMITS } from "chatfusion";
import { pastLines, spare, toldLines } from "./backlog.ts";
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
  if (isRoom && isHidden(client, target))
    return refused("INVALID_TARGET", "you are not in it", [shownOf(target)]);
  const page = isRoom ? pagesOfRoom(client, target) : pagesWith(client, target);
  const read = (walk: Omit<Walk, "page">) => walkOf({ ...walk, page });
  const found = await range.read(read, limit, first, second);
  if (isFailure(found)) {
    const isNone = NO_TARGET.has(found.code) || (!isRoom && found.code === "NO_HISTORY");
    return refused(isNone ? "INVALID_TARGET" : "MESSAGE_ERROR", found.text, [shownOf(target)]);
  }
  const named = isRoom ? keyOf(target) : shownOf(target);
  reply.batch("chathistory", [named], found.map(({ lines }) => lines).join(""));
}

// --- internal ---

const NO_TARGET = new Set(["NOT_IN_ROOM", "ROOM_INVALID", "NICK_INVALID", "ADDRESS_INVALID"]);

interface Past {
  readonly id: string;
  /** As the client sees it; "" where it is not shown. */
  readonly lines: string;
  readonly at: number;
}

/** Some messages, oldest first: the newest ones, or those next to an id. */
type Page = (ask: {
  readonly limit: number;
  readonly before?: string;
  readonly after?: string;
}) => Promise<readonly Past[] | Failure>;

const pagesOfRoom =
  (client: Client, room: string): Page =>
  async (ask) => {
    const answer = await client.ask("history", { room, ...ask });
    if (isFailure(answer)) return answer;
    return answer.messages.map((one) => ({ ...one, lines: pastLines(client, one) }));
  };

const pagesWith =
  (client: Client, target: string): Page =>
  async (ask) => {
    const other = client.world.names.address(target);
    const answer = await client.ask("conversation", { with: other, ...ask });
    if (isFailure(answer)) return answer;
    return answer.messages.map((one) => ({ ...one, lines: toldLines(client, one) }));
  };

interface Walk {
  readonly page: Page;
  readonly towards: "past" | "now";
  /** The ids next to those that are wanted. */
  readonly from?: string | undefined;
  readonly until?: string | undefined;
  readonly limit: number;
}

type Read = (walk: Omit<Walk, "page">) => Promise<readonly Past[] | Failure>;

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
async function walkOf(walk: Walk): Promise<readonly Past[] | Failure> {
  const { page, towards, until, limit } = walk;
  const isBack = towards === "past";
  const found: Past[] = [];
  const inOrder = () => (isBack ? found.toReversed() : found);
  let at = walk.from;
  let bytes = 0;
  for (let pages = 0; pages < LIMITS.ignoredPagesMax && found.length < limit; pages++) {
    const bound = at === undefined ? {} : { [isBack ? "before" : "after"]: at };
    // However few are wanted: where nothing of a page is shown, the next ones are long.
    const many = pages === 0 ? Math.min(limit + spare, LIMITS.backlogMax) : LIMITS.backlogMax;
    const rows = await page({ limit: many, ...bound });
    if (isFailure(rows)) return rows;
    if (rows.length === 0) break;
    for (const row of isBack ? rows.toReversed() : rows) {
      const { id, lines } = row;
      if (until !== undefined && (isBack ? id <= until : id >= until)) return inOrder();
      at = id;
      if (lines === "") continue;
      bytes += lines.length;
      if (found.length > 0 && bytes > LIMITS.ircHistoryBytesMax) return inOrder();
      found.push(row);
      if (found.length === limit) return inOrder();
    }
  }
  return inOrder();
}

const refusal =
  (reply: Reply, name: string) =>
  (code: string, text: string, context: Params = []): void =>
    reply.fail("CHATHISTORY", code, text, [shownOf(name), ...context]);

/** The rooms that one is in, and people, whose last message is between two times, in its order. */
async function listTargets(client: Client, params: Params, reply: Reply): Promise<void> {
  const refused = refusal(reply, "TARGETS");
  if (params.length < 3) return refused("NEED_MORE_PARAMS", "parameters are missing");
  const [a, b] = params.map((one) => refOf(one));
  const limit = limitOf(params[2]);
  if (a?.at === undefined || b?.at === undefined)
    return refused("INVALID_MSGREFTYPE", "expected timestamp=YYYY-MM-DDThh:mm:ss.sssZ");
  if (limit === undefined) return refused("INVALID_PARAMS", "expected how many, from 1");
  const [from, to] = a.at < b.at ? [a, b] : [b, a];
  const found: Target[] = [];
  for (const room of client.rooms) {
    const last = await walkOf({ page: pagesOfRoom(client, room), towards: "past", limit: 1 });
    const at = isFailure(last) ? undefined : last[0]?.at;
    if (at !== undefined) found.push({ name: room, at });
  }
  // The newest ones: their ids are in the order of their times.
  const told = await client.ask("conversations", { before: to.before, limit: LIMITS.pageMax });
  if (!isFailure(told))
    for (const { with: other, message } of told.conversations)
      found.push({ name: client.world.names.nick(other), at: message.at });
  const between = found.filter(({ at }) => at > (from.at ?? 0) && at < (to.at ?? 0));
  const shown = between.toSorted((one, other) => one.at - other.at).slice(0, limit);
  const self = client.world.names.self;
  const lines = shown.map(
    ({ name, at }) => `:${self} CHATHISTORY TARGETS ${name} ${new Date(at).toISOString()}\r\n`,
  );
  reply.batch("draft/chathistory-targets", [], lines.join(""));
}

interface Target {
  readonly name: string;
  readonly at: number;
}
