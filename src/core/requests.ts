// What each request does: parse, check, act. A refusal is a value. The hot ones, say and tell, run
// without a promise unless a hook has chosen one.

import * as v from "valibot";
import type { Clock, MaybePromise } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure, failureOf, isFailure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName, ServerName } from "../names.ts";
import { checkText, LOBBY, visible } from "../names.ts";
import type { History } from "../plugin/history.ts";
import type { Message } from "../plugin/hooks.ts";
import { plainAsk } from "../protocol/asks.ts";
import { encodeJson, FRAME } from "../protocol/frame.ts";
import { describe } from "../protocol/hello.ts";
import type { Answer, Ask, MessageEntry, PrivateEntry, RequestName } from "../protocol/messages.ts";
import { requestShape } from "../protocol/messages.ts";
import { commandHandlers } from "./command-requests.ts";
import type { Commands } from "./commands.ts";
import type { Directory } from "./directory.ts";
import type { Entrance } from "./entrance.ts";
import { NATIVE } from "./format.ts";
import type { CompiledHooks } from "./hooks.ts";
import { goOn } from "./hooks.ts";
import type { Ids } from "./ids.ts";
import type { MessageLog } from "./log.ts";
import type { Offers } from "./offers.ts";
import type { People } from "./people.ts";
import { entryOf } from "./people.ts";
import type { Presence } from "./presence.ts";
import type { Recent, Remembered, Sender } from "./recent.ts";
import type { Room } from "./room.ts";
import type { Rooms } from "./rooms.ts";
import { roomInside, roomOf } from "./rooms.ts";
import { createSearch } from "./search.ts";
import type { LiveSession } from "./session.ts";
import type { Outcome } from "./session-host.ts";
import type { Sessions } from "./sessions.ts";
import type { Streams } from "./streams.ts";
import type { TellOutcome, Tells } from "./tells.ts";
import type { Transfers } from "./transfers.ts";

export interface RequestsOptions {
  readonly clock: Clock;
  readonly commands: () => Commands;
  readonly directory: Directory;
  readonly entrance: () => Entrance;
  readonly history: () => History | undefined;
  readonly hooks: () => CompiledHooks;
  readonly ids: Ids;
  readonly log: MessageLog;
  readonly offers: Offers;
  readonly people: People;
  readonly presence: Presence;
  readonly recent: Recent;
  readonly rooms: Rooms;
  readonly self: ServerName;
  readonly sessions: Sessions;
  readonly streams: Streams;
  readonly tells: Tells;
  readonly transfers: Transfers;
}

type Handlers = {
  readonly [T in RequestName]: (session: LiveSession, ask: Ask<T>) => MaybePromise<Outcome>;
};

/** Makes the function that does a request: shapes first, then what it asks. Never throws. */
export function createRequests(options: RequestsOptions) {
  const handlers: Handlers = {
    ...messageHandlers(options),
    ...roomHandlers(options),
    ...commandHandlers(options.commands),
    ...fileHandlers(options),
    search: createSearch(options),
  };
  return (session: LiveSession, type: RequestName, ask: unknown): MaybePromise<Outcome> => {
    // The handler of a type takes what the shape of that type gives.
    const handle = handlers[type] as (session: LiveSession, ask: unknown) => MaybePromise<Outcome>;
    try {
      const plain = plainAsk(type, ask);
      if (plain !== undefined) return handle(session, plain);
      const parsed = v.safeParse(requestShape(type), ask);
      if (parsed.success) return handle(session, parsed.output);
      return failure("BAD_REQUEST", `${type}: ${describe(parsed.issues)}`.slice(0, 300));
    } catch (thrown) {
      return failureOf(thrown);
    }
  };
}

// --- internal -----------------------------------------------------------------------------------

const senderOf = ({ sender, person: { account, nick } }: LiveSession): Sender => ({
  sender,
  account,
  nick,
});
/** The answer to a `tell` whose message is this one, by how it ended. */
const answerOf =
  ({ id, at }: Remembered) =>
  (end: TellOutcome | Failure): Answer<"tell"> | Failure =>
    typeof end === "string" ? { id, at, outcome: end } : end;
const outcomeOf = (value: object): Outcome => (isFailure(value) ? value : { answer: value });

function messageHandlers(options: RequestsOptions) {
  const { ids, people, recent, streams, tells } = options;

  const accept = (
    session: LiveSession,
    room: Room<LiveSession>,
    message: Message,
    asked: string,
  ): Outcome => {
    const { account } = session.person;
    const { id, kind, text, at, cid } = message;
    const from = session.address;
    // Written out where it is plain: an object that is put together takes longer, also to encode.
    const entry: MessageEntry =
      account === undefined && cid === undefined
        ? { id, from, room: room.name, kind, text, at }
        : {
            id,
            from,
            ...(account === undefined ? {} : { account }),
            room: room.name,
            kind,
            text,
            at,
            ...(cid === undefined ? {} : { cid }),
          };
    const frame = encodeJson(FRAME.message, entry);
    const logged = streams.add(room.name, entry, frame);
    room.tell({ type: "message", message: entry }, session, NATIVE, frame);
    if (cid !== undefined) recent.remember(senderOf(session), cid, { id, at, logged });
    const said: Answer<"say"> = text === asked ? { id, at } : { id, at, text };
    return { answer: said, logged };
  };

  const say = (session: LiveSession, ask: Ask<"say">): MaybePromise<Outcome> => {
    const asked = ask.room as RoomName; // looked up as it is; if it is not there, parsed
    const name = session.memberships.has(asked) ? asked : roomOf(ask.room);
    if (typeof name === "object") return name;
    const room = session.memberships.get(name)?.room;
    if (room === undefined)
      return failure("NOT_IN_ROOM", `room ${name}: you are not in it; join it first`);
    const invalid = checkText(ask.text, LIMITS.textBytesMax);
    if (invalid !== undefined) return invalid;
    if (options.log.full) return failure("QUEUE_FULL", "the log is behind; try again in a moment");
    const known = ask.cid === undefined ? undefined : recent.find(senderOf(session), ask.cid);
    if (known !== undefined)
      return { answer: { id: known.id, at: known.at }, logged: known.logged };
    const { id, at } = ids.next();
    const { kind, text, cid } = ask;
    const plain = { id, from: session.person, room: name, kind, text, at };
    const message: Message = cid === undefined ? plain : { ...plain, cid };
    return goOn(options.hooks().message(message), (result) => {
      if (isFailure(result)) return result;
      // What a plugin made of it is looked at, too.
      const bad = result.text === text ? undefined : checkText(result.text, LIMITS.textBytesMax);
      if (bad !== undefined) return bad;
      if (session.memberships.get(name)?.room !== room)
        return failure("NOT_IN_ROOM", `room ${name}: you have left it`);
      return accept(session, room, result, text);
    });
  };

  /** Tells an author, in this session or the account's next one, how it ended after all. */
  const tellLate = (by: LiveSession, message: PrivateEntry, end: TellOutcome | Failure) => {
    const session = options.sessions.find(by.nick);
    if (session?.sender !== by.sender) return;
    const { id, to, at, cid } = message;
    session.doorway.personal({
      type: "told",
      id,
      to,
      at,
      ...(cid === undefined ? {} : { cid }),
      ...(typeof end === "string" ? { outcome: end } : end),
    });
  };

  const send = (session: LiveSession, ask: Ask<"tell">): Outcome => {
    const cid = ask.cid === undefined ? undefined : `@${ask.cid}`;
    // Before the addressee is looked for, whose server may be gone since it was delivered.
    const known = cid === undefined ? undefined : recent.find(senderOf(session), cid);
    // One that failed, however late that was known, is tried again.
    if (known !== undefined && known.outcome !== "failed") {
      const answer = answerOf(known);
      if (known.outcome !== undefined) return outcomeOf(answer(known.outcome));
      // Its end is not known: the same message, whose end is told to both requests.
      return { later: tells.again(known.id, ask.to).then(answer) };
    }
    const found = people.find(ask.to);
    if ("code" in found) return found;
    const { id, at } = ids.next();
    const { account } = session.person;
    const { kind, text } = ask;
    const from = session.address;
    const to = found.address;
    // Written out where it is plain: an object that is put together takes longer, also to encode.
    const message: PrivateEntry =
      account === undefined && ask.cid === undefined
        ? { id, from, to, kind, text, at }
        : {
            id,
            from,
            ...(account === undefined ? {} : { account }),
            to,
            kind,
            text,
            at,
            ...(ask.cid === undefined ? {} : { cid: ask.cid }),
          };
    const sent: Remembered = { id, at, logged: 0 };
    if (cid !== undefined) recent.remember(senderOf(session), cid, sent);
    const settled = (end: TellOutcome | Failure, isLate = false) => {
      sent.outcome = typeof end === "string" ? end : "failed";
      if (isLate) tellLate(session, message, end);
    };
    const answer = answerOf(sent);
    if (found.at === "there")
      return { later: tells.send(found.peer, message, settled).then(answer) };
    const end = goOn(tells.local(found.nick, message, settled), answer);
    return end instanceof Promise ? { later: end } : outcomeOf(end);
  };

  const tell = (session: LiveSession, ask: Ask<"tell">): MaybePromise<Outcome> => {
    const invalid = checkText(ask.text, LIMITS.textBytesMax);
    if (invalid !== undefined) return invalid;
    if (!options.hooks().judgesTells) return send(session, ask);
    const offer = {
      from: session.person,
      to: ask.to,
      kind: ask.kind,
      textBytes: Buffer.byteLength(ask.text),
      at: options.clock.now(),
    };
    return goOn(options.hooks().tell(offer), (refused) => refused ?? send(session, ask));
  };
  return { say, tell };
}

function roomHandlers(options: RequestsOptions) {
  const { directory, people, presence, rooms } = options;
  const enter = (session: LiveSession, room: RoomName): Failure | undefined => {
    // A plugin may have taken its time.
    if (session.phase === "ended") return failure("CANNOT_CONNECT", "the session has ended");
    const refused = rooms.enter(session, room);
    if (refused !== undefined) return refused;
    directory.joined(session, room);
    presence.joined(room, entryOf(session), session);
    return undefined;
  };
  const joined = (room: RoomName): Outcome => ({
    answer: { room, members: people.members(room) } satisfies Answer<"join">,
  });
  return {
    join(session: LiveSession, ask: Ask<"join">): MaybePromise<Outcome> {
      const room = roomOf(ask.room);
      if (typeof room === "object") return room;
      if (session.memberships.has(room)) return joined(room);
      const offer = { person: session.person, room, members: people.members(room) };
      return goOn(
        options.hooks().join(offer),
        (refused) => refused ?? enter(session, room) ?? joined(room),
      );
    },
    part(session: LiveSession, ask: Ask<"part">): Outcome {
      const room = roomInside(session, ask.room);
      if (typeof room === "object") return room;
      if (room === LOBBY) return failure("CANNOT_LEAVE", "the lobby is the room everybody is in");
      presence.left(room, entryOf(session), ask.reason, session);
      rooms.leave(session, room);
      directory.left(session, room);
      return { answer: { room } satisfies Answer<"part"> };
    },
    async rename(session: LiveSession, ask: Ask<"rename">): Promise<Outcome> {
      return outcomeOf(await options.entrance().rename(session, ask.nick, ask.password));
    },
    who: (session: LiveSession, ask: Ask<"who">): Outcome =>
      outcomeOf(people.who({ ...ask, by: session })),
    whois: (_session: LiveSession, ask: Ask<"whois">): Outcome =>
      outcomeOf(people.whois(ask.address)),
    rooms: (session: LiveSession, ask: Ask<"rooms">): Outcome => ({
      answer: people.rooms({ ...ask, by: session }),
    }),
    watch: (session: LiveSession, ask: Ask<"watch">): Outcome =>
      outcomeOf(presence.watches.watch(session, ask.addresses)),
    unwatch: (session: LiveSession, ask: Ask<"unwatch">): Outcome =>
      outcomeOf(presence.watches.unwatch(session, ask.addresses)),
    fusion: (): Outcome => ({ answer: people.fusion() }),
    history(session: LiveSession, ask: Ask<"history">): Outcome {
      const room = roomInside(session, ask.room);
      if (typeof room === "object") return room;
      const history = options.history();
      if (history === undefined) return failure("NO_HISTORY", "this server keeps no history");
      options.streams.flush(); // what was said before this question belongs to the answer
      const { limit, before, since } = ask;
      if (before !== undefined && since !== undefined)
        return failure("BAD_REQUEST", "history: expected before or since, got both");
      const read = async (): Promise<Answer<"history"> | Failure> => {
        await options.log.caughtUp();
        if (since === undefined)
          return { messages: newestThatFit(await history.backlog(room, limit, before)) };
        const messages = await history.since(room, since, limit);
        if (messages !== undefined) return { messages: oldestThatFit(messages) };
        return failure("NO_HISTORY", `${visible(since)}: no message of this id is held`);
      };
      return { later: read() };
    },
  };
}

/** As many of the newest messages as one answer may hold; a client pages on with `before`. */
function newestThatFit(messages: readonly MessageEntry[]): readonly MessageEntry[] {
  let bytes = 0;
  const first = messages.findLastIndex((one) => {
    bytes += JSON.stringify(one).length;
    return bytes > LIMITS.backlogBytesMax;
  });
  return messages.slice(Math.min(first + 1, messages.length - 1));
}

/** Likewise, of the oldest; a client goes on with `since`. */
function oldestThatFit(messages: readonly MessageEntry[]): readonly MessageEntry[] {
  let bytes = 0;
  const end = messages.findIndex((one) => {
    bytes += JSON.stringify(one).length;
    return bytes > LIMITS.backlogBytesMax;
  });
  return end < 0 ? messages : messages.slice(0, Math.max(end, 1));
}

function fileHandlers({ offers, transfers }: RequestsOptions) {
  const passed = (transfer: string, refused: Failure | undefined): Outcome =>
    refused ?? { answer: { transfer } };
  return {
    offer: (session: LiveSession, ask: Ask<"offer">): Outcome => ({
      when: (answer) => offers.offer(session, ask, answer),
    }),
    accept: (session: LiveSession, { transfer, offset }: Ask<"accept">): Outcome => {
      const upTo = offset + LIMITS.creditBytes;
      return passed(
        transfer,
        transfers.take(session, { type: "accepted", transfer, offset, upTo }),
      );
    },
    reject: (session: LiveSession, { transfer, reason }: Ask<"reject">): Outcome => {
      const code = "TRANSFER_REJECTED";
      const text = reason ?? "it was rejected";
      return passed(transfer, transfers.take(session, { type: "failed", transfer, code, text }));
    },
    cancel: (session: LiveSession, { transfer, reason, code }: Ask<"cancel">): Outcome => {
      const text = reason ?? "it was cancelled";
      return passed(transfer, transfers.take(session, { type: "failed", transfer, code, text }));
    },
    finish: (session: LiveSession, { transfer, sha256 }: Ask<"finish">): Outcome =>
      passed(transfer, transfers.take(session, { type: "finished", transfer, sha256 })),
    credit: (session: LiveSession, { transfer, upTo }: Ask<"credit">): Outcome =>
      passed(transfer, transfers.take(session, { type: "credit", transfer, upTo })),
    done: (session: LiveSession, { transfer, sha256 }: Ask<"done">): Outcome =>
      passed(transfer, transfers.take(session, { type: "done", transfer, sha256 })),
  };
}
