// What happens, as lines for people: local times, colours where the terminal has them, and every
// text of somebody else made safe to print. Pure but for the time zone.

import { styleText } from "node:util";
import { visible } from "../../client.ts";
import { LIMITS } from "../../limits.ts";
import { fusionText, listText } from "./fusion-text.ts";
import { conversationsText, conversationText, tellText, whisperText } from "./private-text.ts";
import { fitted, wrapped } from "./rows.ts";
import { clockTime, pastText, type Pens, quoteText, saidText } from "./said.ts";
import { roomText, settingText, unchangedText } from "./settings-text.ts";
import type { Shown } from "./shown.ts";
import { endedText, partText, sizeText } from "./transfer-text.ts";

type Style = Parameters<typeof styleText>[0];

export interface TextOptions {
  readonly colours: boolean;
  /** Who sits here, as it is now: their own messages look different. */
  self(): string;
  /** How wide the terminal is now: lines are broken between words to fit. */
  columns?(): number;
}

/** Makes the writer of lines. A line is "" where there is nothing to tell people. */
export function createTextWriter({
  colours,
  self,
  columns = () => Infinity,
}: TextOptions): (shown: Shown) => string {
  const paint = (style: Style, text: string): string =>
    colours ? styleText(style, text, { validateStream: false }) : text;
  const dim = (text: string): string => paint("dim", text);
  const who = (address: string): string => {
    if (address === self()) return paint(["bold", "green"], visible(address));
    return paint(
      ["bold", nickColours[hashOf(address) % nickColours.length] ?? "cyan"],
      visible(address),
    );
  };
  const note = (text: string): string => dim(`-- ${text}`);
  const pens: Pens = {
    dim,
    who,
    note,
    self,
    room: (name) => paint("yellow", name),
    sign: (text) => paint(["bold", "red"], text),
    arrow: (text) => paint("magenta", text),
  };
  const toldText = (shown: Extract<Shown, { event: "ack" }>): string => {
    const { at, to, text = "", outcome, number, name, room, members, nick, topic } = shown;
    if (outcome !== undefined && at !== undefined) {
      const why = shown.away ?? "";
      const away = shown.away === undefined ? "" : dim(` (away${why && `: ${visible(why)}`})`);
      const kept = outcome === "stored" ? dim(" (kept until the next login)") : away;
      const { kind = "text" } = shown;
      return tellText({ ...shown, kind, text, to: to ?? "", at }, pens) + kept;
    }
    if (number !== undefined && to !== undefined) {
      const size = sizeText(shown.size ?? 0);
      return note(`${number}: ${visible(name ?? "")} (${size}) is offered to ${visible(to)}`);
    }
    if (shown.addresses !== undefined) {
      const now = shown.watching === true ? "is watched" : "is not watched any more";
      return note(`${listText(shown.addresses)} ${now}`);
    }
    if (shown.ignoring !== undefined) {
      const now = shown.ignoring ? "you hear nothing more of" : "you hear again of";
      return note(`${now} ${visible(shown.address ?? "")}`);
    }
    if (shown.away !== undefined) {
      const why = shown.away === null || shown.away === "" ? "" : ` (${visible(shown.away)})`;
      return note(shown.away === null ? "you are back" : `you are away${why}`);
    }
    if (nick !== undefined) return note(`you are ${visible(nick)} now`);
    if (shown.key !== undefined) {
      if (shown.unchanged === true) return note(unchangedText(shown));
      const ended = shown.ended === undefined ? "" : listText(shown.ended);
      return ended === "" ? "" : note(`with it ended the roles of ${ended}`);
    }
    if (shown.address !== undefined) return "";
    const place = visible(room ?? "");
    const talk = shown.talk === undefined ? "" : `what you type goes to ${visible(shown.talk)}`;
    if (members !== undefined) {
      const about = topic === undefined ? "" : `; topic: ${visible(topic)}`;
      const how =
        talk === "" || shown.talk === room ? "" : ` (${talk}; to talk here: /talk ${place})`;
      return note(`you are in ${place}, ${companyText(members - 1)}${about}${how}`);
    }
    if (room !== undefined) return note(`you have left ${place}${talk && `; ${talk}`}`);
    if (shown.outside !== undefined) return note(`said in ${visible(shown.outside)}`);
    return talk && note(talk);
  };
  const told = ({ to, at, outcome, code = "", text = "" }: Extract<Shown, { event: "told" }>) => {
    const what = `the message to ${visible(to)} of ${clockTime(at)}`;
    if (outcome === "delivered") return note(`${what} was delivered after all`);
    if (outcome === "stored") return note(`${what} is kept until the next login`);
    const failed = `${what} was not delivered: ${visible(text)}`;
    return `${paint("red", "!!")} ${failed} ${dim(`(${visible(code)})`)}`;
  };
  const error = (shown: Extract<Shown, { event: "error" }>): string => {
    const transfer = shown.number === undefined ? "" : endedText(shown);
    const which = shown.line === undefined ? transfer : `"${visible(shown.line)}": `;
    const text = shown.text.split("\n").map(visible).join("\n   ");
    return `${paint("red", "!!")} ${which}${text} ${dim(`(${visible(shown.code)})`)}`;
  };
  /** They are told to have gone, and it is told of other rooms. */
  const going = new Set<string>();
  /** Who goes from the server leaves all rooms: that is one line. */
  const presence = (shown: Extract<Shown, { event: "presence" }>): string => {
    const isTold = going.has(shown.who);
    if (shown.gone !== true || shown.now === "offline") going.delete(shown.who);
    else going.add(shown.who);
    if (going.size > LIMITS.roomPresenceMembersMax) going.clear();
    if (shown.gone !== true) return note(presenceText(shown));
    return isTold ? "" : note(presenceText({ ...shown, now: "offline" }));
  };
  const write = (shown: Shown): string => {
    if (isOwnDoing(shown, self())) return ownText(shown, note);
    switch (shown.event) {
      case "message":
        return saidText(shown, pens);
      case "private":
        return whisperText(shown, pens);
      case "told":
        return told(shown);
      case "ack":
        return toldText(shown);
      case "error":
        return error(shown);
      case "history":
      case "backlog": {
        const lines = pastText(shown.messages, pens);
        const room = visible(shown.room);
        return lines === ""
          ? note(`nothing was said in ${room}`)
          : `${lines}\n${note(`so far in ${room}`)}`;
      }
      case "conversation":
        return conversationText(shown, pens);
      case "conversations":
        return conversationsText(shown, pens);
      case "found": {
        const { messages, next } = shown;
        if (messages.length === 0) return note("nothing is found");
        const more = next === undefined ? "" : `; more: the same with before:${visible(next)}`;
        const lines = messages.map((one) => saidText({ event: "message", ...one }, pens));
        return `${lines.join("\n")}\n${note(`${messages.length} found${more}`)}`;
      }
      case "notice": {
        const lines = shown.text.split("\n").map(visible);
        if (shown.by === undefined) return lines.map(note).join("\n");
        const by = `-- operator of ${visible(self().slice(self().lastIndexOf("@") + 1))}:`;
        return lines.map((line) => paint(["bold", "yellow"], `${by} ${line}`)).join("\n");
      }
      case "presence":
        return presence(shown);
      case "progress":
      case "count":
      case "typing":
        return "";
      case "answer":
      case "help": {
        // As wide as a note's sign is before the text.
        const width = columns() - 3;
        const rowsOf = (line: string) => wrapped(visible(line), width);
        const noted = ([first = "", ...more]: readonly string[]) =>
          [note(first), ...more.map((row) => dim(`   ${row}`))].join("\n");
        return shown.text
          .split("\n")
          .map((line) => noted(rowsOf(line)))
          .join("\n");
      }
      case "received":
        return note(`${shown.number}: ${visible(shown.name)} is here: ${visible(shown.path)}`);
      default:
        return plainText(shown, pens);
    }
  };
  let wasKept = false;
  return (shown) => {
    const text = write(shown);
    if (text === "") return "";
    const isKept = shown.event === "private" && shown.late === true;
    const heading = isKept && !wasKept ? `${note("kept for you:")}\n` : "";
    wasKept = isKept;
    return fitted(heading + text, columns());
  };
}

// --- internal -----------------------------------------------------------------------------------

const nickColours = ["cyan", "blue", "magenta", "yellow", "cyanBright", "blueBright"] as const;

/** The same person has the same colour, today and tomorrow. */
function hashOf(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (hash * 31 + text.charCodeAt(at)) >>> 0;
  return hash;
}

type Plain = Exclude<
  Shown,
  {
    event:
      | ("message" | "private" | "told" | "ack" | "error")
      | ("history" | "backlog" | "found" | "conversation" | "conversations")
      | ("presence" | "progress" | "received" | "count" | "typing" | "notice" | "answer" | "help");
  }
>;

/** What the server and the program tell. */
function plainText(shown: Plain, { note, self }: Pick<Pens, "note" | "self">): string {
  switch (shown.event) {
    case "welcome": {
      const merged = shown.fusion.length > 1 ? `, merged: ${listText(shown.fusion)}` : "";
      return note(`you are ${visible(shown.address)}${merged}; /help shows the commands`);
    }
    case "away": {
      const why = shown.away === undefined || shown.away === "" ? "" : ` (${visible(shown.away)})`;
      return note(`${visible(shown.who)} is ${shown.away === undefined ? "back" : `away${why}`}`);
    }
    case "read":
      // What is read elsewhere is for programs: it is done by their own doing, and often.
      return shown.ref === undefined ? "" : note(readText(shown));
    case "watched":
      return note(`${visible(shown.address)} is ${shown.online ? "online" : "offline"}`);
    case "renamed":
      return note(`${visible(shown.was)} is ${visible(shown.who)} now`);
    case "setting":
      return note(settingText(shown));
    case "removed":
      return note(`you are out of ${visible(shown.room)}: ${visible(bareText(shown))}`);
    case "invited":
      return note(`${visible(shown.by)} invites you: /join ${visible(shown.room)}`);
    case "room":
      return roomText(shown).map(note).join("\n");
    case "gap":
      return note(
        shown.missing === 0
          ? `messages in ${visible(shown.room)} may be missing here: see /history`
          : `${shown.missing} messages in ${visible(shown.room)} are lost: nobody has them`,
      );
    case "merged":
    case "split":
      return note(fusionText(shown));
    case "connection":
      return note(connectionText(shown, self()));
    case "offer": {
      const what = `${visible(shown.from)} offers ${visible(shown.name)} (${sizeText(shown.size)})`;
      return note(`${shown.number}: ${what}; /accept ${shown.number} or /reject ${shown.number}`);
    }
    case "accepted":
      return note(`${shown.number}: ${visible(shown.to)} takes ${visible(shown.name)}`);
    case "paused":
      return note(`${partText(shown, "waits")}: ${visible(shown.text)}; it goes on by itself`);
    case "resumed":
      return note(partText(shown, "goes on"));
    case "sent":
      return note(`${shown.number}: ${visible(shown.name)} has arrived, sha256 ${shown.sha256}`);
    default:
      return answerText(shown, note);
  }
}

type AnswerShown = Extract<
  Plain,
  {
    event: "who" | "whois" | "ignored" | "rooms" | "fusion" | "exported" | "forgotten";
  }
>;

function answerText(shown: AnswerShown, note: (text: string) => string): string {
  switch (shown.event) {
    case "ignored": {
      const people = listText(shown.people.map(({ address }) => address));
      return note(people === "" ? "you ignore nobody" : `you ignore ${people}`);
    }
    case "who": {
      const names = shown.people.map(({ address, role, away }) => {
        const about = [role, away === undefined ? undefined : "away"].filter(Boolean).join(", ");
        return about === "" ? address : `${address} (${about})`;
      });
      const people = listText(names);
      const more = shown.total - shown.people.length;
      const rest = more > 0 ? ` and ${more} more` : "";
      return note(`${shown.total} in ${visible(shown.room)}: ${people}${rest}`);
    }
    case "whois": {
      const account = shown.account === undefined ? "a guest" : `account ${visible(shown.account)}`;
      const since = clockTime(shown.since);
      const rooms = listText(shown.rooms);
      const why = shown.away === undefined || shown.away === "" ? "" : `: ${visible(shown.away)}`;
      const away = shown.away === undefined ? "" : `; away${why}`;
      return note(`${visible(shown.address)}: ${account}, here since ${since}, in ${rooms}${away}`);
    }
    case "rooms": {
      const rooms = shown.rooms.map(({ room, members, topic }) => {
        const about = topic === undefined ? "" : `: ${visible(topic)}`;
        return `${visible(room)} (${members}${about})`;
      });
      return note(rooms.join(", "));
    }
    case "forgotten": {
      const what = `${messagesText(shown.messages)} of what you and ${visible(shown.with)} said`;
      return note(`forgotten: ${what}; not their copy`);
    }
    case "exported": {
      if (shown.path === undefined)
        return note(`nothing is kept of ${visible(shown.room)}: no file is written`);
      const are = shown.messages === 1 ? "is" : "are";
      const what = `${messagesText(shown.messages)} of ${visible(shown.room)} ${are}`;
      return note(`${what} in ${visible(shown.path)}`);
    }
    case "fusion": {
      const all = shown.servers.map(({ server, people }) => `${visible(server)} (${people})`);
      return note(all.join(", "));
    }
    default:
      shown satisfies never;
      return "";
  }
}

function readText({ room, id, of }: Extract<Shown, { event: "read" }>): string {
  if (id === undefined) return `nothing of ${visible(room)} is marked as read`;
  const what = of === undefined ? visible(id) : `${clockTime(of.at)} ${quoteText(of)}`;
  return `${visible(room)} is read up to ${what}`;
}

function presenceText(shown: Extract<Shown, { event: "presence" }>): string {
  const who = visible(shown.who);
  // Whoever says goodbye has left, which is no news.
  const isSaid = shown.reason !== undefined && shown.reason !== "" && shown.reason !== "left";
  const reason = isSaid ? ` (${visible(shown.reason)})` : "";
  switch (shown.now) {
    case "online":
      return `${who} is here`;
    case "offline":
      return `${who} has gone${reason}`;
    case "joined":
      return `${who} is in ${visible(shown.room)}${shown.role ? `, as its ${shown.role}` : ""}`;
    case "left":
      return `${who} has left ${visible(shown.room)}${reason}`;
    default:
      shown.now satisfies never;
      return "";
  }
}

function connectionText(
  { state, code, text }: Extract<Shown, { event: "connection" }>,
  self: string,
): string {
  const why = text === undefined ? "" : `: ${text.split("\n").map(visible).join(" ")}`;
  switch (state) {
    case "lost":
      return `the connection is lost${why}; trying again`;
    case "refused": {
      const nick = visible(self.slice(0, self.lastIndexOf("@")));
      if (code === "NICK_IN_USE") return `${nick} is taken by somebody else; /nick ANOTHER`;
      return `the server does not let you in${why}; trying again`;
    }
    case "resumed":
      return "the connection is back, nothing was missed";
    case "back":
      return "the connection is back; what the server has of the time between follows";
    case "closed":
      return `the chat has ended${why}`;
    default:
      state satisfies never;
      return "";
  }
}

/** What comes of a line that was typed here: its answer says it. */
function isOwnDoing(shown: Shown, self: string): boolean {
  if (shown.event === "renamed") return shown.was === self || shown.who === self;
  return (shown.event === "away" || shown.event === "presence") && shown.who === self;
}

/** What the answer does not say. */
function ownText(shown: Shown, note: (text: string) => string): string {
  if (shown.event !== "presence" || shown.role === undefined) return "";
  return note(`your role in ${visible(shown.room)}: ${shown.role}`);
}

/** A refusal names the room first. */
const bareText = ({ room, text }: Extract<Shown, { event: "removed" }>): string => {
  const begin = `room ${room}: `;
  return text.startsWith(begin) ? text.slice(begin.length) : text;
};

const companyText = (others: number): string =>
  others === 0 ? "alone" : `with ${others} other ${others === 1 ? "person" : "people"}`;
const messagesText = (count: number): string => (count === 1 ? "1 message" : `${count} messages`);
