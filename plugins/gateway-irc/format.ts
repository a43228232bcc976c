// How the events of rooms are written as lines of IRC: one format for each set of capabilities,
// made when the first client has it, so that a message is encoded once for all who share the set.
// What one client alone is told is written by the same functions. Next: said.ts.

import type { Format, Moved, PersonEntry, RoomEvent } from "chatfusion";
import { cutText, LOBBY } from "chatfusion";
import { awayText } from "./away.ts";
import type { CapSet } from "./caps.ts";
import { FORMAT_CAPS, hasCap } from "./caps.ts";
import type { Changes } from "./changes.ts";
import { createChanges } from "./changes.ts";
import { because, flat, formatTags, noticeLines, wordOf } from "./line.ts";
import type { Tag, Writer, WriterOptions } from "./said.ts";
import { createWriter } from "./said.ts";

export interface Formats {
  /** The format of a set of capabilities. */
  of(caps: CapSet): IrcFormat;
  /** Writes nothing: for a session whose client has not been welcomed yet. */
  readonly silent: Format;
}

export interface IrcFormat extends Format, Pick<Writer, "private" | "tagmsg"> {
  encode(event: RoomEvent): string;
  /** An invitation as the invited one sees it. */
  readonly invited: Changes["invited"];
}

export interface FormatsOptions extends WriterOptions {
  /** The lobby is shown as a channel. */
  readonly lobby: boolean;
}

/** Somebody is writing something; a client takes it as true for 6 seconds (IRCv3 typing). */
export const TYPING: readonly Tag[] = [["+typing", "active"]];

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

function createFormat(options: FormatsOptions, caps: CapSet): IrcFormat {
  const { names, lobby } = options;
  const has = {
    accountNotify: hasCap(caps, "account-notify"),
    awayNotify: hasCap(caps, "away-notify"),
    batch: hasCap(caps, "batch"),
    chghost: hasCap(caps, "chghost"),
    extendedJoin: hasCap(caps, "extended-join"),
  };
  const writer = createWriter(options, caps);
  const invites = hasCap(caps, "invite-notify");
  const changes = createChanges({
    names,
    invites,
    accounts: hasCap(caps, "account-tag"),
    ids: hasCap(caps, "message-tags"),
    times: hasCap(caps, "server-time"),
  });
  const isHidden = (room: string) => !lobby && room === LOBBY;
  const joined = ({ room, person, role }: RoomEventOf<"joined">): string => {
    if (isHidden(room)) return "";
    const { address, account } = person;
    const more = has.extendedJoin
      ? ` ${account === undefined ? "*" : wordOf(account)} :${flat(names.realName(address))}`
      : "";
    const came = `:${names.mask(address, account)} JOIN ${room}${more}\r\n`;
    const line = role === undefined ? came : came + changes.cameAs(room, address, role);
    return person.away === undefined ? line : line + away(person);
  };
  const away = ({ address, account, away: text }: PersonEntry): string => {
    if (!has.awayNotify) return "";
    const head = `:${names.mask(address, account)} AWAY`;
    return `${head}${text === undefined ? "" : because(head, awayText(text))}\r\n`;
  };
  /** Told once: in the lobby to all who see it, else to those who see the person somewhere. */
  const isToldElsewhere = ({ room, again }: RoomEventOf<"renamed" | "away">): boolean =>
    lobby ? again === true : room === LOBBY;
  const left = ({ room, person, reason, gone, removed }: RoomEventOf<"left">): string => {
    if (isHidden(room)) return "";
    if (removed !== undefined) return changes.kicked(room, person.address, removed);
    // Who leaves the lobby leaves the server. Where the lobby is not shown, the rooms tell of it.
    const isQuit = room === LOBBY || (gone === true && !lobby);
    const what = isQuit ? "QUIT" : `PART ${room}`;
    const head = `:${names.mask(person.address, person.account)} ${what}`;
    return `${head}${reason === undefined ? "" : because(head, reason)}\r\n`;
  };
  const renamed = (event: RoomEventOf<"renamed">): string => {
    if (isToldElsewhere(event)) return "";
    const { was, person } = event;
    const [before, now] = [was, person].map((one) => names.mask(one.address, one.account));
    // One who has logged in, or out, under the nick that stays is told of as well.
    const isNew = was.address !== person.address;
    const nick = isNew ? `:${before} NICK :${names.nick(person.address)}\r\n` : "";
    const all = nick + (has.chghost ? chghost(was, person) : "");
    if (!has.accountNotify || was.account === person.account) return all;
    const account = person.account === undefined ? "*" : wordOf(person.account);
    return `${all}:${now} ACCOUNT ${account}\r\n`;
  };
  /** Of those who came in by no IRC, the user is the account. */
  const chghost = (was: PersonEntry, { address, account }: PersonEntry): string => {
    const before = names.user(was.address, was.account);
    const [user, host] = [names.user(address, account), names.host(address)];
    const source = `${names.nick(address)}!${before}@${host}`;
    return user === before ? "" : `:${source} CHGHOST ${user} ${host}\r\n`;
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
        ? joined({ type: "joined", room, person, ...(person.role && { role: person.role }) })
        : `:${names.mask(person.address, person.account)} QUIT :${link}\r\n`,
    );
    const inside = lines.join("").replaceAll(/^(?=.)/gm, tag);
    if (!has.batch) return inside;
    const kind = now === "here" ? "netjoin" : "netsplit";
    const begin = `:${names.self} BATCH +${movedBatch} ${kind} ${link}\r\n`;
    return `${begin}${inside}:${names.self} BATCH -${movedBatch}\r\n`;
  };
  const notice = (room: string, text: string) =>
    isHidden(room) ? "" : noticeLines(names.self, room, text);

  return {
    echo: false, // answers tell what oneself has done (talk.ts, rooms.ts)
    private: writer.private,
    tagmsg: writer.tagmsg,
    invited: changes.invited,
    encode(event) {
      switch (event.type) {
        case "message":
          return isHidden(event.message.room) ? "" : writer.inRoom(event.message);
        case "joined":
          return joined(event);
        case "left":
          return left(event);
        case "renamed":
          return renamed(event);
        case "away":
          return isToldElsewhere(event) ? "" : away(event.person);
        case "typing":
          return isHidden(event.room) ? "" : writer.tagmsg(event.person, event.room, TYPING);
        case "state":
          return isHidden(event.room) ? "" : changes.state(event);
        case "ranked":
          return isHidden(event.room) ? "" : changes.ranked(event);
        case "moved":
          return moved(event);
        case "gap":
          return notice(event.room, `${event.missing} messages are missing here`);
        case "merged":
          return notice(LOBBY, `${event.servers.join(", ")} joined the fusion`);
        case "split":
          return notice(LOBBY, splitText(event));
        default:
          return ""; // numbers of members, and what later versions tell
      }
    },
  };
}

/** Who is gone: by a fault, or by somebody's doing. */
function splitText(event: RoomEventOf<"split">): string {
  const why = cutText(event);
  return `${event.servers.join(", ")} left the fusion${why === "" ? "" : ` (${why})`}`;
}

/** It is closed before anything else is said. */
const movedBatch = "moved";

type RoomEventOf<T extends RoomEvent["type"]> = Extract<RoomEvent, { readonly type: T }>;
