// What `chatfusion chat` shows: one vocabulary for programs, who get each of these as a line of
// JSON, and for people, who get a line of text (text.ts). Pure.

import type {
  Answer,
  ClientEvent,
  CommandEntry,
  Failure,
  Fusion,
  IgnoredEntry,
  MemberEntry,
  MessageEntry,
  NoticeEntry,
  PastEntry,
  PrivateEntry,
  PrivateKind,
  Removal,
  RoleName,
  RoomOutline,
  RoomSetting,
  ToldEntry,
  Welcome,
} from "../../client.ts";

/** Which line of the input this answers: the first one is 1. */
interface Answering {
  readonly ref: number;
}

/** Every transfer has its id, and a short number for those who type. */
export interface TransferName {
  readonly transfer: string;
  readonly number: number;
}

/** How far a file has come. */
interface Part {
  readonly name: string;
  readonly bytes: number;
  readonly size: number;
}

/** The file of a transfer that came to nothing, and the other side. */
export interface Ended {
  readonly name?: string;
  readonly from?: string;
  readonly to?: string;
}

/** The message that another one is about, as it was before, where it was shown. */
export interface Of {
  readonly from: string;
  readonly at: number;
  readonly text: string;
}

/** A message that is pinned, by its id. */
export interface Pinned extends Of {
  readonly id: string;
}

/** A room, and what its pinned messages say that somebody here still has. */
export type WholeRoom = Answer<"room"> & { readonly pinned?: readonly Pinned[] };

/** The times are milliseconds since 1970, the sizes bytes, the rates bytes a second. */
export type Shown =
  | ({ readonly event: "welcome"; readonly address: string } & Omit<Welcome, "resume" | "resumed">)
  | ({ readonly event: "message"; readonly of?: Of } & MessageEntry)
  | ({ readonly event: "private"; readonly of?: Of } & PrivateEntry)
  /** How a private message ended, later than its line was answered: `ref` is that line. */
  | ({ readonly event: "told"; readonly ref?: number } & Omit<ToldEntry, "cid">)
  | {
      readonly event: "presence";
      readonly who: string;
      readonly room: string;
      /** online and offline are the lobby's. */
      readonly now: "online" | "offline" | "joined" | "left";
      /** From the server, and so from all rooms; the lobby's is told last. */
      readonly gone?: true;
      /** Of one who has joined. */
      readonly role?: RoleName;
      readonly reason?: string;
      /** Of one who was put out. */
      readonly removed?: Removal;
    }
  /** `away` is why; it is not there of one who is back. */
  | { readonly event: "away"; readonly who: string; readonly away?: string }
  | { readonly event: "typing"; readonly who: string; readonly room?: string }
  /** Up to which message a room is read: an answer, or news of another session. */
  | {
      readonly event: "read";
      readonly ref?: number;
      readonly room: string;
      readonly id?: string;
      readonly of?: Of;
    }
  | { readonly event: "watched"; readonly address: string; readonly online: boolean }
  | { readonly event: "renamed"; readonly was: string; readonly who: string }
  | ({ readonly event: "notice" } & NoticeEntry)
  /** `of`: the message that was pinned or unpinned, where it was shown. */
  | ({ readonly event: "setting"; readonly room: string; readonly of?: Of } & RoomSetting)
  | ({ readonly event: "removed"; readonly room: string; readonly text: string } & Removal)
  | {
      readonly event: "invited";
      readonly room: string;
      readonly by: string;
      readonly from?: string;
    }
  | (Answering & { readonly event: "room" } & WholeRoom)
  | { readonly event: "gap"; readonly room: string; readonly missing: number }
  /** For programs; people see numbers with /who and /rooms. */
  | { readonly event: "count"; readonly room: string; readonly members: number }
  | FusionShown
  | {
      readonly event: "connection";
      readonly state: "lost" | "refused" | "resumed" | "back" | "closed";
      readonly code?: string;
      readonly text?: string;
    }
  | (TransferName & {
      readonly event: "offer";
      readonly from: string;
      readonly name: string;
      readonly size: number;
    })
  | (TransferName & { readonly event: "accepted"; readonly name: string; readonly to: string })
  /** It was interrupted, and goes on by itself if it can. */
  | (TransferName & { readonly event: "paused"; readonly text: string } & Part)
  | (TransferName & { readonly event: "resumed" } & Part)
  | (TransferName & {
      readonly event: "progress";
      readonly bytes: number;
      readonly size: number;
      readonly rate: number;
    })
  | (TransferName & { readonly event: "received" } & Arrived & { readonly path: string })
  | (TransferName & { readonly event: "sent" } & Arrived)
  | (Answering & { readonly event: "ack" } & Ack)
  | (Answering & {
      readonly event: "who";
      readonly room: string;
      readonly people: readonly MemberEntry[];
      readonly total: number;
    })
  | (Answering & {
      readonly event: "whois";
    } & Answer<"whois">)
  | (Answering & { readonly event: "ignored"; readonly people: readonly IgnoredEntry[] })
  | (Answering & {
      readonly event: "rooms";
      readonly rooms: Answer<"rooms">["rooms"];
    })
  | (Answering & {
      readonly event: "history";
      readonly room: string;
      readonly messages: readonly PastEntry[];
    })
  | (Answering & {
      readonly event: "conversation";
      /** What was looked for in it. */
      readonly text?: string;
    } & Answer<"conversation">)
  | (Answering & { readonly event: "conversations" } & Answer<"conversations">)
  /** One's own copy is gone: of the message with this id, or of all. */
  | (Answering & { readonly event: "forgotten" } & Answer<"forget">)
  /** What was said in a room before this client came into it. */
  | {
      readonly event: "backlog";
      readonly room: string;
      readonly messages: readonly PastEntry[];
    }
  | (Answering & {
      readonly event: "found";
      readonly messages: readonly MessageEntry[];
      /** There is more: /search with `before:` and this. */
      readonly next?: string;
    })
  | (Answering & {
      readonly event: "exported";
      readonly room: string;
      /** Not there where there was nothing to write. */
      readonly path?: string;
      readonly messages: number;
    })
  | (Answering & {
      readonly event: "fusion";
      readonly servers: readonly { readonly server: string; readonly people: number }[];
    })
  | (Answering & { readonly event: "answer"; readonly text: string; readonly data?: unknown })
  | (Answering & {
      readonly event: "help";
      readonly text: string;
      /** The server's, where all are shown. */
      readonly commands?: readonly CommandEntry[];
    })
  | ({ readonly event: "error"; readonly ref?: number } & Partial<TransferName & Ended> &
      FailureShown);

/** Servers came or went; `rooms` are those that this client is in. */
export interface FusionShown extends Omit<Fusion<"merged" | "split">, "type"> {
  readonly event: "merged" | "split";
}

interface Arrived {
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
}

/** What a line has done; which fields there are depends on the command. */
interface Ack extends Partial<TransferName>, RoomOutline, Partial<RoomSetting> {
  readonly id?: string;
  readonly at?: number;
  /** The message that was meant. */
  readonly about?: string;
  readonly thread?: string;
  /** Where goes what is typed without a command: a room, or an address. */
  readonly talk?: string;
  /** The room in which something was said by one who is not in it, and does not hear it. */
  readonly outside?: string;
  /** Of a private message. */
  readonly outcome?: "delivered" | "stored";
  readonly to?: string;
  readonly kind?: PrivateKind;
  readonly text?: string;
  /** The message that was meant, of a private one. */
  readonly of?: Of;
  readonly room?: string;
  readonly members?: number;
  readonly nick?: string;
  /** Of whoever sits here, and of the addressee of a private message. */
  readonly away?: string | null;
  /** Whom nothing is heard of, or is again; who was kicked. */
  readonly address?: string;
  readonly account?: string;
  readonly ignoring?: boolean;
  /** Whose roles ended with the one that was taken. */
  readonly ended?: readonly string[];
  /** What was asked to be set was so already. */
  readonly unchanged?: true;
  /** Who is watched, or is not any more. */
  readonly addresses?: readonly string[];
  readonly watching?: boolean;
  readonly name?: string;
  readonly size?: number;
}

interface FailureShown {
  readonly code: string;
  readonly text: string;
  /** How the line begins that was not said. */
  readonly line?: string;
}

/** Returns what is shown of an event; undefined for those with numbers: of transfers, of lines. */
export function shownOf(
  event: ClientEvent,
  lobby: string,
  isIn: (room: string) => boolean,
): Shown | undefined {
  switch (event.type) {
    case "message":
      return { event: "message", ...event.message };
    case "private":
      return { event: "private", ...event.message };
    case "joined":
    case "left": {
      const isLobby = event.room === lobby;
      const came = event.type === "joined";
      return {
        event: "presence",
        who: event.person.address,
        room: event.room,
        now: isLobby ? (came ? "online" : "offline") : came ? "joined" : "left",
        ...("role" in event && { role: event.role }),
        ...("gone" in event && { gone: event.gone }),
        ...("reason" in event && { reason: event.reason }),
        ...("removed" in event && { removed: event.removed }),
      };
    }
    case "backlog":
      return { event: "backlog", room: event.room, messages: event.messages };
    case "renamed":
      return { event: "renamed", was: event.was.address, who: event.person.address };
    case "away": {
      const { address: who, away } = event.person;
      return { event: "away", who, ...(away === undefined ? {} : { away }) };
    }
    case "typing": {
      const { room, person } = event;
      return { event: "typing", who: person.address, ...(room === undefined ? {} : { room }) };
    }
    case "read":
      return { event: "read", room: event.room, id: event.id };
    case "watched":
      return { event: "watched", address: event.address, online: event.online };
    case "notice": {
      const { type, ...notice } = event;
      return { event: type, ...notice };
    }
    case "gap":
      return { event: "gap", room: event.room, missing: event.missing };
    case "count":
      return { event: "count", room: event.room, members: event.members };
    case "state":
    case "removed":
    case "invited":
      return rulingShown(event);
    case "merged":
    case "split":
      return fusionShown(event, isIn);
    case "refused":
      return { event: "error", code: event.code, text: event.text };
    case "connection":
      return connectionShown(event);
    case "told":
    case "offered":
    case "failed":
      return undefined;
    default:
      event satisfies never;
      return undefined;
  }
}

/** Returns a welcome without what only the client needs. */
export function welcomeShown({ nick, server, account, lobby, rooms, fusion }: Welcome): Shown {
  const address = `${nick}@${server}`;
  const who = account === undefined ? { nick, server } : { nick, server, account };
  return { event: "welcome", address, ...who, lobby, rooms, fusion };
}

// --- internal -----------------------------------------------------------------------------------

function fusionShown(
  { type, rooms, ...rest }: Fusion<"merged" | "split">,
  isIn: (room: string) => boolean,
): Shown {
  const own = rooms === undefined ? {} : { rooms: rooms.filter(({ room }) => isIn(room)) };
  return { event: type, ...rest, ...own };
}

function connectionShown(event: Extract<ClientEvent, { type: "connection" }>): Shown {
  const shown = { event: "connection", state: event.state } as const;
  const why: Failure | undefined = "failure" in event ? event.failure : undefined;
  return why === undefined ? shown : { ...shown, code: why.code, text: why.text };
}

type Ruling = Extract<ClientEvent, { readonly type: "state" | "removed" | "invited" }>;

function rulingShown(event: Ruling): Shown {
  if (event.type === "state") {
    const { room, key, value, by, from, at, expired } = event;
    const who = from === undefined ? { by } : { by, from };
    const over = expired === undefined ? {} : { expired };
    return { event: "setting", room, key, value, ...who, at, ...over };
  }
  if (event.type === "invited") {
    const { type, ...invited } = event;
    return { event: type, ...invited };
  }
  const { type, ...removed } = event;
  return { event: type, ...removed };
}
