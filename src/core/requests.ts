// What each request does: parse, check, act. A refusal is a value. The hot ones, say and tell, run
// without a promise unless a hook has chosen one.

import * as v from "valibot";
import type { Clock, MaybePromise } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure, failureOf, isFailure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName, ServerName } from "../names.ts";
import { LOBBY } from "../names.ts";
import type { History } from "../plugin/history.ts";
import type { Message } from "../plugin/hooks.ts";
import { checkKind, isSaid } from "../protocol/amendment.ts";
import { plainAsk } from "../protocol/asks.ts";
import { encodeJson, FRAME } from "../protocol/frame.ts";
import { describe } from "../protocol/hello.ts";
import type { Answer, Ask, MessageEntry, PrivateEntry, RequestName } from "../protocol/messages.ts";
import { requestShape } from "../protocol/messages.ts";
import type { Amendments, Named } from "./amendments.ts";
import { commandHandlers } from "./command-requests.ts";
import type { Commands } from "./commands.ts";
import type { Audit } from "./audit.ts";
import type { Entrance } from "./entrance.ts";
import { fileHandlers } from "./file-requests.ts";
import { type PersonalRequestsOptions, personalHandlers } from "./personal-requests.ts";
import { NATIVE } from "./format.ts";
import type { Governance } from "./governance.ts";
import { historyHandlers } from "./history-requests.ts";
import { goOn } from "./hooks.ts";
import type { Ids } from "./ids.ts";
import type { MessageLog } from "./log.ts";
import { mentionsIn } from "./mentions.ts";
import type { Offers } from "./offers.ts";
import { createBound } from "./pace.ts";
import type { People } from "./people.ts";
import type { Questions } from "./questions.ts";
import { entryOf } from "./people.ts";
import type { Recent, Remembered, Sender } from "./recent.ts";
import type { Room } from "./room.ts";
import type { Rooms } from "./rooms.ts";
import { roomInside, roomOf } from "./rooms.ts";
import { createSearch } from "./search.ts";
import type { LiveSession } from "./session.ts";
import type { Outcome } from "./session-host.ts";
import type { Sessions } from "./sessions.ts";
import { stateHandlers } from "./state-requests.ts";
import type { Streams } from "./streams.ts";
import type { TellOutcome, Tells } from "./tells.ts";
import { privateOf } from "./tells.ts";
import type { Transfers } from "./transfers.ts";

export interface RequestsOptions extends PersonalRequestsOptions {
  readonly amendments: Amendments;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly commands: () => Commands;
  readonly entrance: () => Entrance;
  readonly governance: Governance;
  readonly history: () => History | undefined;
  readonly ids: Ids;
  readonly log: MessageLog;
  readonly offers: Offers;
  readonly people: People;
  readonly questions: Questions;
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
    ...stateHandlers(options),
    ...fileHandlers(options),
    ...historyHandlers(options),
    ...personalHandlers(options),
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
  ({ id, at }: Remembered, awayNow?: () => string | undefined) =>
  (end: TellOutcome | Failure): Answer<"tell"> | Failure => {
    if (typeof end !== "string") return end;
    const away = awayNow?.();
    return away === undefined ? { id, at, outcome: end } : { id, at, outcome: end, away };
  };
/** What nearly all messages name. */
const NOTHING: Named = {};
const outcomeOf = (value: object): Outcome => (isFailure(value) ? value : { answer: value });

function messageHandlers(options: RequestsOptions) {
  const { ids, people, presence, recent, streams, tells } = options;

  const accept = (
    session: LiveSession,
    room: Room<LiveSession>,
    message: Message,
    named: Named,
  ): number => {
    const { account } = session.person;
    const { id, kind, text, at, cid } = message;
    const from = session.address;
    // Written out where it is plain: an object that is put together takes longer, also to encode.
    const plain: MessageEntry =
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
    const mentions = mentionsIn(text, room.name, people);
    const isPlain = named === NOTHING && mentions === undefined;
    const entry = isPlain ? plain : { ...plain, ...named, ...(mentions && { mentions }) };
    const frame = encodeJson(FRAME.message, entry);
    const logged = streams.add(room.name, entry, frame);
    room.tell({ type: "message", message: entry }, session, NATIVE, frame);
    if (kind === "delete") options.amendments.deleted(entry);
    // A plugin may have held it until its message was deleted.
    if (kind === "edit") options.amendments.arrived(entry, () => undefined);
    if (cid !== undefined) recent.remember(senderOf(session), cid, { id, at, logged });
    return logged;
  };

  /** A room that one is not in, where people of this server are, and in which one may speak so. */
  const openRoom = (
    session: LiveSession,
    name: RoomName,
    { kind, about, thread }: Pick<Ask<"say">, "kind" | "about" | "thread">,
  ): Room<LiveSession> | undefined => {
    const room = options.rooms.find(name);
    if (room === undefined || !isSaid(kind) || about !== undefined || thread !== undefined)
      return undefined;
    return options.governance.hearsOutside(session, name) ? room : undefined;
  };

  /** `named` are the messages that it names, as all are told it. */
  const speak = (
    session: LiveSession,
    room: Room<LiveSession>,
    { kind, text, cid }: Ask<"say">,
    named: Named,
  ): MaybePromise<Outcome> => {
    const { id, at } = ids.next();
    const plain = { id, from: session.person, room: room.name, kind, text, at };
    const message: Message = cid === undefined ? plain : { ...plain, cid };
    const whole = named === NOTHING ? message : { ...message, ...named };
    return goOn(options.hooks().message(whole), (result) => {
      if (isFailure(result)) return result;
      const isIn = session.memberships.get(room.name)?.room === room;
      if (!isIn && openRoom(session, room.name, result) !== room)
        return failure("NOT_IN_ROOM", `room ${room.name}: you have left it`);
      const logged = accept(session, room, result, named);
      const said = { id: result.id, at: result.at };
      const answer: Answer<"say"> = result.text === text ? said : { ...said, text: result.text };
      return { answer, logged };
    });
  };

  const say = (session: LiveSession, ask: Ask<"say">): MaybePromise<Outcome> => {
    const asked = ask.room as RoomName; // looked up as it is; if it is not there, parsed
    const name = session.memberships.has(asked) ? asked : roomOf(ask.room);
    if (typeof name === "object") return name;
    const room = session.memberships.get(name)?.room ?? openRoom(session, name, ask);
    if (room === undefined)
      return failure("NOT_IN_ROOM", `room ${name}: you are not in it; join it first`);
    const invalid = checkKind(ask);
    if (invalid !== undefined) return invalid;
    if (options.log.full) return failure("QUEUE_FULL", "the log is behind; try again in a moment");
    const known = ask.cid === undefined ? undefined : recent.find(senderOf(session), ask.cid);
    if (known !== undefined)
      return { answer: { id: known.id, at: known.at }, logged: known.logged };
    const { restricted } = room;
    const silenced = restricted ? options.governance.silences(session, name, ask.kind) : undefined;
    if (silenced !== undefined) return silenced;
    const spoken =
      ask.about === undefined && ask.thread === undefined
        ? speak(session, room, ask, NOTHING)
        : options.amendments
            .name(session, name, ask)
            .then((named) => (isFailure(named) ? named : speak(session, room, ask, named)));
    if (!restricted) return spoken;
    return goOn(spoken, (outcome) => {
      if (isFailure(outcome)) options.governance.unsaid(session, name, ask.kind);
      return outcome;
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

  /** What became of the same message, if it was sent before. */
  const sentBefore = (session: LiveSession, { cid, to }: Ask<"tell">): Outcome | undefined => {
    const known = cid === undefined ? undefined : recent.find(senderOf(session), `@${cid}`);
    // One that failed, however late that was known, is tried again.
    if (known === undefined || known.outcome === "failed") return undefined;
    const answer = answerOf(known);
    if (known.outcome !== undefined) return outcomeOf(answer(known.outcome));
    // Its end is not known: the same message, whose end is told to both requests.
    return { when: (run) => tells.again(known.id, to, (end) => run(answer(end))) };
  };

  const send = (session: LiveSession, ask: Ask<"tell">, deleted?: PrivateEntry): Outcome => {
    // Before the addressee is looked for, whose server may be gone since it was delivered.
    const before = sentBefore(session, ask);
    if (before !== undefined) return before;
    const found = people.find(ask.to);
    if ("code" in found) return found;
    const { id, at } = ids.next();
    const { account } = session.person;
    const from = deleted?.from ?? session.address;
    const message = privateOf(ask, { id, from, account, to: found.address, at }, deleted?.cid);
    const sent: Remembered = { id, at, logged: 0 };
    if (ask.cid !== undefined) recent.remember(senderOf(session), `@${ask.cid}`, sent);
    const settled = (end: TellOutcome | Failure, isLate = false) => {
      sent.outcome = typeof end === "string" ? end : "failed";
      if (typeof end === "string") options.conversations.told(account, "author", message);
      if (isLate) tellLate(session, message, end);
    };
    const awayNow = presence.hasAway ? () => people.personAt(found).away : undefined;
    const answer = answerOf(sent, awayNow);
    if (found.at === "there")
      return {
        when: (run, isPatient) =>
          tells.send(found.peer, message, isPatient, settled, (end) => run(answer(end))),
      };
    const end = goOn(tells.local(found.nick, message, settled), answer);
    return end instanceof Promise ? { later: end } : outcomeOf(end);
  };

  /** The author of what is `deleted` is known by the address that he had then. */
  const judged = (
    session: LiveSession,
    ask: Ask<"tell">,
    deleted?: PrivateEntry,
  ): MaybePromise<Outcome> => {
    if (!options.hooks().judgesTells) return send(session, ask, deleted);
    const offer = {
      from: session.person,
      to: ask.to,
      kind: ask.kind,
      textBytes: Buffer.byteLength(ask.text),
      at: options.clock.now(),
    };
    return goOn(options.hooks().tell(offer), (refused) => refused ?? send(session, ask, deleted));
  };
  const tell = (session: LiveSession, ask: Ask<"tell">): MaybePromise<Outcome> => {
    const invalid = checkKind(ask);
    if (invalid !== undefined) return invalid;
    if (ask.kind !== "delete") return judged(session, ask);
    const before = sentBefore(session, ask); // what it is about may be gone by it
    if (before !== undefined) return before;
    // The addressee has it in his conversation with the nick that its author had then.
    return options.conversations
      .targetOf(session, ask)
      .then((own) => (isFailure(own) ? own : judged(session, ask, own)));
  };
  return { say, tell };
}

function roomHandlers(options: RequestsOptions) {
  const { clock, directory, people, presence, rooms, governance } = options;
  const joins = createBound(clock, {
    what: "rooms entered",
    burst: LIMITS.joinsBurst,
    perMinute: LIMITS.joinsPerMinute,
  });
  const renames = createBound(clock, {
    what: "changes of nick",
    burst: LIMITS.selfChangesBurst,
    perMinute: LIMITS.selfChangesPerMinute,
  });
  const joined = (session: LiveSession, room: RoomName): Answer<"join"> => ({
    room,
    members: people.members(room),
    ...governance.outline(session, room),
  });
  /** The key was compared, a plugin has taken its time, or the room was founded. */
  const isLate = (session: LiveSession): Failure | undefined =>
    session.phase === "ended" ? failure("CANNOT_CONNECT", "the session has ended") : undefined;
  const come = (session: LiveSession, room: RoomName): Outcome => {
    const refused = isLate(session) ?? rooms.enter(session, room);
    if (refused !== undefined) return refused;
    directory.joined(session, room);
    presence.joined(room, entryOf(session), session);
    return { answer: joined(session, room) };
  };
  const enter = (session: LiveSession, room: RoomName): MaybePromise<Outcome> => {
    const refused = isLate(session) ?? rooms.refusal(session, room);
    if (refused !== undefined) return refused;
    const excluded = governance.excludes(session, room);
    if (excluded !== undefined) return excluded;
    const founded = governance.entering(session, room);
    // Where it could not be founded, the room is open to all.
    return founded === undefined ? come(session, room) : founded.then(() => come(session, room));
  };
  return {
    join(session: LiveSession, ask: Ask<"join">): MaybePromise<Outcome> {
      const room = roomOf(ask.room);
      if (typeof room === "object") return room;
      if (session.memberships.has(room)) return { answer: joined(session, room) };
      const tooMany = joins(session);
      if (tooMany !== undefined) return tooMany;
      const offer = { person: session.person, room, members: people.members(room) };
      const judge = (refused: Failure | undefined) => refused ?? options.hooks().join(offer);
      // Once more when it enters: he may have been banned while a plugin took its time.
      const admitted = governance.admits(session, room, ask.key);
      const judged = admitted instanceof Promise ? admitted.then(judge) : judge(admitted);
      return goOn(judged, (refused) => refused ?? enter(session, room));
    },
    part(session: LiveSession, ask: Ask<"part">): Outcome {
      const room = roomInside(session, ask.room);
      if (typeof room === "object") return room;
      if (room === LOBBY)
        return failure("CANNOT_LEAVE", `room ${LOBBY}: everybody is in it, and cannot leave it`);
      presence.left(room, entryOf(session), ask, session);
      rooms.leave(session, room);
      directory.left(session, room);
      return { answer: { room } satisfies Answer<"part"> };
    },
    async rename(session: LiveSession, ask: Ask<"rename">): Promise<Outcome> {
      const renamed = async () => options.entrance().rename(session, ask);
      return outcomeOf(renames(session) ?? (await renamed()));
    },
    who: (session: LiveSession, ask: Ask<"who">): Outcome =>
      outcomeOf(people.who({ ...ask, by: session })),
    whois: (session: LiveSession, ask: Ask<"whois">): Outcome =>
      outcomeOf(people.whois(ask.address, session)),
    rooms: (session: LiveSession, ask: Ask<"rooms">): Outcome => ({
      answer: people.rooms({ ...ask, by: session }),
    }),
    watch: (session: LiveSession, ask: Ask<"watch">): Outcome =>
      outcomeOf(presence.watches.watch(session, ask.addresses)),
    unwatch: (session: LiveSession, ask: Ask<"unwatch">): Outcome =>
      outcomeOf(presence.watches.unwatch(session, ask.addresses)),
    fusion: (): Outcome => ({ answer: people.fusion() }),
  };
}
