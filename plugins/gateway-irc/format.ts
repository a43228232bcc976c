// How the events of rooms are written as lines of IRC: one format for each set of capabilities,
// made when the first client has it, so that a message is encoded once for all who share the set.
// What one client alone is told is written by the same functions. Next: reply.ts.

import type { Format, MessageEntry, Moved, PersonEntry, PrivateEntry, RoomEvent } from "chatfusion";
import { LIMITS, LOBBY } from "chatfusion";
import { awayText } from "./away.ts";
import type { CapSet } from "./caps.ts";
import { FORMAT_CAPS, hasCap } from "./caps.ts";
import { flat, formatTags, piecesOf } from "./line.ts";
import type { Names } from "./names.ts";

export interface Formats {
  /** The format of a set of capabilities. */
  of(caps: CapSet): IrcFormat;
  /** Writes nothing: for a session whose client has not been welcomed yet. */
  readonly silent: Format;
}

export interface IrcFormat extends Format {
  encode(event: RoomEvent): string;
  /** A private message as its addressee, or its author, sees it. */
  private(message: PrivateEntry): string;
}

export interface FormatsOptions {
  readonly names: Names;
  /** The lobby is shown as a channel. */
  readonly lobby: boolean;
  /** Called for each message that is written out. */
  encoded(): void;
}

export function createFormats(options: FormatsOptions): Formats {
  const made = new Map<CapSet, IrcFormat>();
  return {
    silent: { echo: false, encode: () => "" },
    of(caps) {
      const those = caps & FORMAT_CAPS;
      const known = made.get(those);
      if (known !== undefined) return known;
      const format = createFormat(options, those);
      made.set(those, format);
      return format;
    },
  };
}

// --- internal ---

type Said = Pick<PrivateEntry, "id" | "from" | "account" | "kind" | "text" | "at" | "late">;

function createFormat({ names, lobby, encoded }: FormatsOptions, caps: CapSet): IrcFormat {
  const has = {
    accountNotify: hasCap(caps, "account-notify"),
    accountTag: hasCap(caps, "account-tag"),
    awayNotify: hasCap(caps, "away-notify"),
    batch: hasCap(caps, "batch"),
    extendedJoin: hasCap(caps, "extended-join"),
    tags: hasCap(caps, "message-tags"),
    time: hasCap(caps, "server-time"),
  };
  const hasTags = has.tags || has.time || has.accountTag;
  const timeOf = createClock();

  const tagsOf = ({ id, from, account, at }: Said): string => {
    if (!hasTags) return "";
    const tags: [string, string][] = [];
    if (has.time) tags.push(["time", timeOf(at)]);
    if (has.tags) tags.push(["msgid", id]);
    if (has.tags && names.ident(from)?.modes.has("B") === true) tags.push(["bot", ""]);
    if (has.accountTag && account !== undefined) tags.push(["account", account]);
    return formatTags(tags);
  };
  const said = (message: Said, target: string): string => {
    encoded();
    const { kind, late } = message;
    const command = kind === "notice" ? "NOTICE" : "PRIVMSG";
    const head = `:${names.mask(message.from, message.account)} ${command} ${target} :`;
    // Who sees no times is told when it was said.
    const before = late === true && !has.time ? `[${timeOf(message.at)}] ` : "";
    const isAction = kind === "action";
    const around = head.length + before.length + (isAction ? actionBytes : 0) + 2;
    const pieces = piecesOf(message.text, LIMITS.ircLineBytesMax - around - nonAscii(head));
    let lines = "";
    for (const [index, piece] of pieces.entries()) {
      const text = isAction ? `\x01ACTION ${before}${piece}\x01` : before + piece;
      // An id names one message: the first of its lines has it.
      lines += `${index === 0 ? tagsOf(message) : timeAlone(message)}${head}${text}\r\n`;
    }
    return lines;
  };
  const timeAlone = ({ at }: Said) => (has.time ? formatTags([["time", timeOf(at)]]) : "");
  const isHidden = (room: string) => !lobby && room === LOBBY;
  const joined = ({ room, person }: RoomEventOf<"joined">): string => {
    if (isHidden(room)) return "";
    const { address, account } = person;
    const more = has.extendedJoin ? ` ${account ?? "*"} :${flat(names.realName(address))}` : "";
    const line = `:${names.mask(address, account)} JOIN ${room}${more}\r\n`;
    return person.away === undefined ? line : line + away(person);
  };
  const away = ({ address, account, away: text }: PersonEntry): string => {
    if (!has.awayNotify) return "";
    const why = text === undefined ? "" : ` :${awayText(text)}`;
    return `:${names.mask(address, account)} AWAY${why}\r\n`;
  };
  /** Told once: in the lobby to all who see it, else to those who see the person somewhere. */
  const isToldElsewhere = ({ room, again }: RoomEventOf<"renamed" | "away">): boolean =>
    lobby ? again === true : room === LOBBY;
  const left = ({ room, person, reason, gone }: RoomEventOf<"left">): string => {
    if (isHidden(room)) return "";
    const mask = names.mask(person.address, person.account);
    const why = reason === undefined ? "" : ` :${flat(reason)}`;
    // Who leaves the lobby leaves the server. Where the lobby is not shown, the rooms tell of it.
    if (room === LOBBY || (gone === true && !lobby)) return `:${mask} QUIT${why}\r\n`;
    return `:${mask} PART ${room}${why}\r\n`;
  };
  const renamed = (event: RoomEventOf<"renamed">): string => {
    if (isToldElsewhere(event)) return "";
    const { was, person } = event;
    const [before, now] = [was, person].map((one) => names.mask(one.address, one.account));
    // One who has logged in, or out, under the nick that stays is told of as well.
    const isNew = was.address !== person.address;
    const nick = isNew ? `:${before} NICK :${names.nick(person.address)}\r\n` : "";
    if (!has.accountNotify || was.account === person.account) return nick;
    return `${nick}:${now} ACCOUNT ${person.account ?? "*"}\r\n`;
  };
  /** Each of them, as if by a command of theirs; in a batch for those who show it as one thing. */
  const moved = ({ room, server, now, people, again }: Moved): string => {
    if (isHidden(room)) return "";
    // Whoever sees the lobby has seen them leave all rooms there.
    if (now === "gone" && lobby && again === true) return "";
    const tag = has.batch ? formatTags([["batch", movedBatch]]) : "";
    const link = `${names.self} ${server}`;
    const lines = people.map((person) =>
      now === "here"
        ? joined({ type: "joined", room, person })
        : `:${names.mask(person.address, person.account)} QUIT :${link}\r\n`,
    );
    const inside = lines.map((line) => tag + line).join("");
    if (!has.batch) return inside;
    const kind = now === "here" ? "netjoin" : "netsplit";
    const begin = `:${names.self} BATCH +${movedBatch} ${kind} ${link}\r\n`;
    return `${begin}${inside}:${names.self} BATCH -${movedBatch}\r\n`;
  };
  /** IRC knows no edits: they are said once more. Nor what else is done to a message. */
  const inRoom = ({ kind, text, room, ...message }: MessageEntry) => {
    if (kind === "edit") return said({ ...message, kind: "text", text: `(edited) ${text}` }, room);
    const isSaid = kind === "text" || kind === "action" || kind === "notice";
    return isSaid ? said({ ...message, kind, text }, room) : "";
  };
  const notice = (room: string, text: string) =>
    isHidden(room) ? "" : `:${names.self} NOTICE ${room} :${flat(text)}\r\n`;

  return {
    echo: false, // answers tell what oneself has done (talk.ts, rooms.ts)
    private: (message) => said(message, names.nick(message.to)),
    encode(event) {
      switch (event.type) {
        case "message":
          return isHidden(event.message.room) ? "" : inRoom(event.message);
        case "joined":
          return joined(event);
        case "left":
          return left(event);
        case "renamed":
          return renamed(event);
        case "away":
          return isToldElsewhere(event) ? "" : away(event.person);
        case "moved":
          return moved(event);
        case "gap":
          return notice(event.room, `${event.missing} messages are missing here`);
        case "merged":
          return notice(LOBBY, `${event.servers.join(", ")} joined the fusion`);
        case "split":
          return notice(LOBBY, `${event.servers.join(", ")} left the fusion`);
        default:
          return ""; // numbers of members, and what later versions tell
      }
    },
  };
}

/** It is closed before anything else is said. */
const movedBatch = "moved";

type RoomEventOf<T extends RoomEvent["type"]> = Extract<RoomEvent, { readonly type: T }>;

const actionBytes = "\x01ACTION \x01".length;

/** By how many bytes UTF-8 is longer than the text's length, where it is. */
const nonAscii = (text: string): number =>
  /^[\0-\x7f]*$/.test(text) ? 0 : Buffer.byteLength(text) - text.length;

/** Times as tags have them; those of one millisecond are one text. */
function createClock(): (at: number) => string {
  let last = Number.NaN;
  let text = "";
  return (at) => {
    if (at !== last) {
      // What no Date can hold is another server's word: shown as the last time that one can.
      text = new Date(Math.min(at, 8.64e15)).toISOString();
      last = at;
    }
    return text;
  };
}
