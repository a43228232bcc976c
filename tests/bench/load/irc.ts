// IRC (RFC 1459), as far as it is needed to measure InspIRCd and ngIRCd.

import type { Bytes } from "../../../src/environment.ts";
import type { Connection } from "./connection.ts";
import type { Protocol } from "./protocol.ts";
import { envelope, isText } from "./protocol.ts";

const COLON = 0x3a;
const RETURN = 0x0d;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const ENTERING = 0;
const JOINING = 1;
const READY = 2;

const latin = new TextDecoder("latin1");
const encoder = new TextEncoder();

export const irc: Protocol = {
  echo: false,
  bye: encoder.encode("QUIT\r\n"),
  opened: (person) => person.say(`NICK ${person.nick}\r\nUSER ${person.nick} 0 * :bench\r\n`),
  unit(person, bytes, at) {
    const text = at + person.textAt;
    if (isText(person, bytes, text, COLON, RETURN) && person.textAt > 0) {
      const end = text + person.textBytes + 2;
      if (end > bytes.length) return -1;
      person.hearer.heard(person, bytes, text);
      return end;
    }
    const newline = bytes.indexOf(NEWLINE, at);
    if (newline < 0) return -1;
    line(person, bytes, at, newline);
    return newline + 1;
  },
  inRoom: (room, text) => envelope(encoder.encode(`PRIVMSG ${room} :`), text, "\r\n"),
  // Ours has namesakes on several servers; the peers' servers have no name here.
  toPerson: ({ nick, server }, text) => {
    const to = server === "" ? nick : `${nick}@${server}`;
    return envelope(encoder.encode(`PRIVMSG ${to} :`), text, "\r\n");
  },
};

// --- internal ---

function line(person: Connection, bytes: Bytes, at: number, newline: number): void {
  const words = bytes[at] === COLON ? bytes.indexOf(SPACE, at) + 1 : at;
  if (isPrivmsg(bytes, words)) {
    const text = bytes.indexOf(COLON, words) + 1;
    person.textAt = text - at;
    const isOurs = text > 0 && isText(person, bytes, text, COLON, RETURN);
    if (isOurs) person.hearer.heard(person, bytes, text);
    else person.hearer.strange(person);
    return;
  }
  const [command = "", ...rest] = latin.decode(bytes.subarray(words, newline)).trim().split(" ");
  if (command === "PING") return person.say(`PONG ${rest.join(" ")}\r\n`);
  if (command === "ERROR") return person.failed(rest.join(" "));
  if (person.phase === ENTERING && (command === "376" || command === "422")) {
    if (person.rooms.length === 0) return ready(person);
    person.phase = JOINING;
    return person.say(`JOIN ${person.rooms[0]}\r\n`);
  }
  if (person.phase === JOINING && command === "366") return ready(person);
  // A message that goes to one whom the other server does not know yet: asked again.
  if (person.phase === READY && person.probing) return;
  if (/^[45]\d\d$/.test(command) && command !== "422") {
    person.failed(`${command} ${rest.join(" ")}`);
  }
}

/** "PRIVMSG ", by its first bytes and its length: JOIN, PART, QUIT and numbers have others. */
const isPrivmsg = (bytes: Bytes, at: number): boolean =>
  bytes[at] === 0x50 && bytes[at + 1] === 0x52 && bytes[at + 7] === SPACE;

function ready(person: Connection): void {
  person.phase = READY;
  person.hearer.ready(person);
}
