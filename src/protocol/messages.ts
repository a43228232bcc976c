// The vocabulary of a session: what it may ask, what it is answered, and what it is told. The
// native wire carries it as JSON frames, a gateway builds it directly. Pure. Next: frame.ts.

import * as v from "valibot";
import { LIMITS } from "../limits.ts";
import type { RoomName } from "../names.ts";
import type { ConversationAnswers } from "./conversation.ts";
import { conversationShapes } from "./conversation.ts";
import type { FileEvent } from "./files.ts";
import { fileShapes } from "./files.ts";
import { FRAME } from "./frame.ts";
import type { NoticeEntry, PeopleAnswers, PersonEntry } from "./people.ts";
import type { Removal, RoomOutline, RoomSetting, RulingAnswers, RulingEvent } from "./ruling.ts";
import { rulingShapes } from "./ruling.ts";
import { Count, Id, Line, MessageId, Name, Page, PastPage, SearchText, Yes } from "./shapes.ts";
import type { RoleName } from "./state.ts";

export type { ConversationEntry } from "./conversation.ts";
export type { OfferEntry } from "./files.ts";
export type { IgnoredEntry, MemberEntry, NoticeEntry, PersonEntry } from "./people.ts";

/** One may be a text, as long as one that is said. */
const Word = v.pipe(v.string(), v.maxBytes(LIMITS.textBytesMax));
/** People, each as `nick@server`. */
const Watched = v.pipe(v.array(Name), v.minLength(1), v.maxLength(LIMITS.watchedMax));
/** The client's own id of a message: sent again with the same one, it is the same message. */
const ClientId = v.pipe(v.string(), v.minLength(1), v.maxBytes(LIMITS.clientIdBytesMax));

/** What people say. "notice" is what must not be answered automatically (a bot's words). */
export const SaidKind = v.picklist(["text", "action", "notice"]);
export type SaidKind = v.InferOutput<typeof SaidKind>;
/** And what they do to a message of their room, which `about` names: see amendment.ts. */
export const SayKind = v.picklist([
  ...SaidKind.options,
  "reaction",
  "unreaction",
  "edit",
  "delete",
]);
export type SayKind = v.InferOutput<typeof SayKind>;
/** And what histories tell besides: what they have set the topic of their room to, or "". */
export const MessageKind = v.picklist([...SayKind.options, "topic"]);
export type MessageKind = v.InferOutput<typeof MessageKind>;
/** What one person is told; a deletion only where the author's server has kept what it is about. */
export const PrivateKind = v.picklist([...SaidKind.options, "reaction", "unreaction", "delete"]);
export type PrivateKind = v.InferOutput<typeof PrivateKind>;

/** A message as it travels and is stored; the JSON of a `message` frame. */
export interface MessageEntry {
  /** Unique in the fusion; sorts by time. */
  readonly id: string;
  /** `nick@server`. */
  readonly from: string;
  readonly account?: string;
  readonly room: RoomName;
  readonly kind: MessageKind;
  readonly text: string;
  /** When it was accepted, by its origin's clock. */
  readonly at: number;
  /** The sender's own id of it. */
  readonly cid?: string;
  /** The id of the message that it answers, or does something to. */
  readonly about?: string;
  /** Of a deletion: the author's own id of what it is about, which may have been sent twice. */
  readonly aboutCid?: string;
  /** The id of the message that its thread began with. */
  readonly thread?: string;
  /** Who is meant by the `@nick`s in it, as addresses. */
  readonly mentions?: readonly string[];
  /** It was said while its origin was cut off, or is read from the history. */
  readonly late?: true;
  /** It was refused when it came, for its author may not speak there: in the log, without text. */
  readonly hidden?: true;
}

/** A command of the server, as those who may run it see it. */
export interface CommandEntry {
  readonly name: string;
  /** "SIDES", "#ROOM on|off", "NICK@SERVER [REASON]"; "" where nothing follows the name. */
  readonly usage: string;
  readonly about: string;
  /** The plugin whose it is; not there for one of the server's own. */
  readonly plugin?: string;
}

/** A message as `history` gives it: with what was done to it since. */
export interface PastEntry extends MessageEntry {
  /** What it says now. */
  readonly edited?: { readonly text: string; readonly at: number };
  /** The most frequent first; of many people only the first ones stand in `by`. */
  readonly reactions?: readonly {
    readonly text: string;
    readonly count: number;
    readonly by: readonly string[];
  }[];
  /** Its text is gone. */
  readonly deleted?: true;
}

const shapes = {
  say: v.object({
    room: Name,
    text: v.string(),
    kind: v.optional(SayKind, "text"),
    cid: v.optional(ClientId),
    about: v.optional(MessageId),
    thread: v.optional(MessageId),
  }),
  tell: v.object({
    to: Name,
    text: v.string(),
    kind: v.optional(PrivateKind, "text"),
    cid: v.optional(ClientId),
    about: v.optional(MessageId),
  }),
  join: v.object({ room: Name, key: v.optional(Line) }),
  part: v.object({ room: Name, reason: v.optional(Line) }),
  /** `keep`: one who is an account stays it, under a nick that anybody may have. */
  rename: v.object({ nick: Name, password: v.optional(v.string()), keep: v.optional(Yes) }),
  who: v.object({
    room: v.optional(Name),
    after: v.optional(Name),
    limit: v.optional(Page, LIMITS.pageMax),
  }),
  whois: v.object({ address: Name }),
  rooms: v.object({ after: v.optional(Name), limit: v.optional(Page, LIMITS.pageMax) }),
  history: v.object({
    room: Name,
    limit: v.optional(PastPage, LIMITS.backlogMax),
    before: v.optional(Id),
    after: v.optional(Id),
    since: v.optional(Id),
  }),
  search: v.object({
    room: v.optional(Name),
    text: v.optional(SearchText, ""),
    from: v.optional(Name),
    before: v.optional(Id),
    limit: v.optional(v.pipe(Count, v.minValue(1), v.maxValue(LIMITS.searchMax)), LIMITS.searchMax),
  }),
  fusion: v.object({}),
  command: v.object({
    name: Name,
    args: v.pipe(v.array(Word), v.maxLength(LIMITS.commandArgsMax)),
  }),
  commands: v.object({}),
  watch: v.object({ addresses: Watched }),
  unwatch: v.object({ addresses: Watched }),
  typing: v.object({ room: v.optional(Name), to: v.optional(Name) }),
  away: v.object({ text: v.optional(Line) }),
  read: v.object({ room: Name, id: v.optional(MessageId) }),
  ignore: v.object({ address: Name }),
  unignore: v.object({ address: Name }),
  ignored: v.object({}),
  ...rulingShapes,
  ...conversationShapes,
  ...fileShapes,
};

export type RequestName = keyof typeof shapes;

interface Answers extends PeopleAnswers, RulingAnswers, ConversationAnswers {
  say: {
    readonly id: string;
    readonly at: number;
    /** What was said, where a plugin has changed it. */
    readonly text?: string;
  };
  /** "stored": the addressee has an account, is offline, and gets it at the next login. */
  tell: {
    readonly id: string;
    readonly at: number;
    readonly outcome: "delivered" | "stored";
    /** The addressee is away; why, or "". */
    readonly away?: string;
  };
  join: { readonly room: string; readonly members: number } & RoomOutline;
  part: { readonly room: string };
  rename: { readonly nick: string };
  history: { readonly messages: readonly PastEntry[] };
  search: { readonly messages: readonly MessageEntry[]; readonly next?: string };
  fusion: { readonly servers: readonly { readonly server: string; readonly people: number }[] };
  command: { readonly text: string; readonly data?: unknown };
  /** Those that this session may run. */
  commands: { readonly commands: readonly CommandEntry[] };
  /** Those asked for, in the form in which `watched` names them. */
  watch: { readonly addresses: readonly string[] };
  unwatch: { readonly addresses: readonly string[] };
  typing: { readonly room?: string; readonly to?: string };
  /** As it is now; without a text nobody is away. */
  away: { readonly text?: string };
  /** Up to which message the room, or the person, is read. */
  read: { readonly room: string; readonly id?: string };
  offer: { readonly transfer: string };
  accept: { readonly transfer: string };
  reject: { readonly transfer: string };
  cancel: { readonly transfer: string };
  finish: { readonly transfer: string };
  credit: { readonly transfer: string };
  done: { readonly transfer: string };
}

/** The requests: what is asked (parsed), and what is answered. A refusal is a `Failure`. */
export type Requests = {
  readonly [T in RequestName]: {
    readonly ask: v.InferInput<(typeof shapes)[T]>;
    readonly parsed: v.InferOutput<(typeof shapes)[T]>;
    readonly answer: Answers[T];
  };
};

/** A parsed request. */
export type Ask<T extends RequestName> = Requests[T]["parsed"];
export type Answer<T extends RequestName> = Requests[T]["answer"];

/** The schema of a request's fields; unknown fields are ignored, for newer clients. */
export const requestShape = <T extends RequestName>(name: T): (typeof shapes)[T] => shapes[name];

/** Request names by frame type. */
export const REQUEST_BY_TYPE: ReadonlyMap<number, RequestName> = new Map(
  (Object.keys(shapes) as RequestName[]).map((name) => [FRAME[name], name]), // keys of shapes
);

// --- entering -----------------------------------------------------------------------------------

/** What a client says to enter: a nick, and with a password, or with what it needs to resume. */
export const Login = v.object({
  nick: Name,
  password: v.optional(v.string()),
  resume: v.optional(
    v.object({
      token: v.pipe(v.string(), v.maxLength(LIMITS.idLengthMax)),
      /** Bytes of whole frames, chunks apart, that the client has handled since its welcome. */
      received: Count,
    }),
  ),
});
export type Login = v.InferOutput<typeof Login>;

export interface Welcome {
  readonly nick: string;
  readonly server: string;
  readonly account?: string;
  /** Good for one resume. */
  readonly resume: string;
  readonly resumed: boolean;
  /** When resumed: of the last request that came in, whose answer comes or is on its way. */
  readonly lastRef?: number;
  readonly lobby: string;
  readonly rooms: readonly string[];
  /** The names of the servers that are merged now. */
  readonly fusion: readonly string[];
}

// --- events --------------------------------------------------------------------------------------

/**
 * What a room's members are told; encoded once per format. New kinds may come in minor versions.
 */
export type RoomEventOnWire =
  | { readonly type: "message"; readonly message: MessageEntry }
  | {
      readonly type: "joined";
      readonly room: string;
      readonly person: PersonEntry;
      readonly role?: RoleName;
    }
  | {
      readonly type: "left";
      readonly room: string;
      readonly person: PersonEntry;
      readonly reason?: string;
      /** The person is gone from the server, and so from all rooms; the lobby's is told last. */
      readonly gone?: true;
      /** Put out of it by somebody. */
      readonly removed?: Removal;
    }
  | { readonly type: "renamed"; readonly was: PersonEntry; readonly person: PersonEntry }
  /** Somebody went away, without going, or is back. */
  | { readonly type: "away"; readonly person: PersonEntry }
  /** Somebody is writing something; true for some seconds. */
  | { readonly type: "typing"; readonly room: string; readonly person: PersonEntry }
  | { readonly type: "gap"; readonly room: string; readonly missing: number }
  /** Something of the room's state has changed. */
  | ({ readonly type: "state"; readonly room: string } & RoomSetting)
  /** In large rooms, and where servers come or go: how many are there now, instead of who. */
  | { readonly type: "count"; readonly room: string; readonly members: number }
  | Fusion<"merged">
  | Fusion<"split">;

/** The fusion grew or shrank: which servers came or went, and who is there now. */
export interface Fusion<T extends "merged" | "split"> {
  readonly type: T;
  readonly servers: readonly string[];
  readonly fusion: readonly string[];
  /** How many people came or went with them. */
  readonly people?: number;
  /** And how many of those are in rooms with people of this server; the lobby is left out. */
  readonly rooms?: readonly { readonly room: string; readonly people: number }[];
  /** Of a split: the names at both ends of each link whose loss it was, as far as it is known. */
  readonly cut?: readonly (readonly [string, string])[];
  /** Of a split: why they were ended that were not lost: UNMERGED, SERVER_STOPPING. */
  readonly code?: string;
  /** Of a merge: all of them had been lost. */
  readonly back?: true;
}

/** A message to one person. */
export interface PrivateEntry {
  readonly id: string;
  readonly from: string;
  readonly account?: string;
  readonly to: string;
  readonly kind: PrivateKind;
  readonly text: string;
  readonly at: number;
  readonly cid?: string;
  /** The id of the private message that it answers, or reacts to: its author's word alone. */
  readonly about?: string;
  /** Of a deletion, as in `MessageEntry`. */
  readonly aboutCid?: string;
  readonly late?: true;
}

/** How a private message ended after all whose `tell` was answered with UNCONFIRMED. */
export interface ToldEntry {
  /** The message's; it stands in no answer. */
  readonly id: string;
  readonly to: string;
  readonly at: number;
  readonly cid?: string;
  /** As in the answer of `tell`; else there is a code, why it was not delivered. */
  readonly outcome?: "delivered" | "stored";
  readonly code?: string;
  readonly text?: string;
}

/** What one session alone is told. A chunk's bytes are borrowed. */
export type PersonalEventOnWire =
  | { readonly type: "private"; readonly message: PrivateEntry }
  | ({ readonly type: "told" } & ToldEntry)
  | ({ readonly type: "notice" } & NoticeEntry)
  /** Somebody is writing something to this person. */
  | { readonly type: "typing"; readonly person: PersonEntry }
  /** Another session of the account has read a room, or a person, up to this message. */
  | { readonly type: "read"; readonly room: string; readonly id: string }
  /** One who is watched is here, or is not: how it is when watching begins, and each change. */
  | { readonly type: "watched"; readonly address: string; readonly online: boolean }
  | RulingEvent
  | FileEvent;
