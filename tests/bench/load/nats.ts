// The NATS client protocol, as far as it is needed to measure nats-server: a room is the subject
// "r.NAME", a person's inbox "u.NICK".

import type { Bytes } from "../../../src/environment.ts";
import type { Connection } from "./connection.ts";
import type { Envelope, Protocol } from "./protocol.ts";
import { envelope, isText } from "./protocol.ts";

const RETURN = 0x0d;
const NEWLINE = 0x0a;
const ENTERING = 0;
const READY = 1;

const latin = new TextDecoder("latin1");
const encoder = new TextEncoder();

export const nats: Protocol = {
  echo: false,
  bye: undefined,
  opened(person) {
    const options = {
      verbose: false,
      pedantic: false,
      echo: false,
      name: person.nick,
      protocol: 1,
    };
    const room = person.rooms.map((name) => `SUB ${subjectOf(name)} 2\r\n`).join("");
    person.say(`CONNECT ${JSON.stringify(options)}\r\nSUB u.${person.nick} 1\r\n${room}PING\r\n`);
  },
  unit(person, bytes, at) {
    const text = at + person.textAt;
    const isFound = person.textAt > 0 && isText(person, bytes, text, NEWLINE, RETURN);
    const newline = isFound ? text - 1 : bytes.indexOf(NEWLINE, at);
    if (newline < 0) return -1;
    // "MSG subject sid bytes\r\n", and the bytes.
    if (bytes[at] !== 0x4d) return control(person, bytes, at, newline);
    const end = newline + 1 + (isFound ? person.textBytes : sizeOf(bytes, at, newline)) + 2;
    if (end > bytes.length) return -1;
    person.textAt = newline + 1 - at;
    const isOurs = isFound || isText(person, bytes, newline + 1, NEWLINE, RETURN);
    if (isOurs) person.hearer.heard(person, bytes, newline + 1);
    else person.hearer.strange(person);
    return end;
  },
  inRoom: (room, text) => publish(subjectOf(room), text),
  toPerson: ({ nick }, text) => publish(`u.${nick}`, text),
};

// --- internal ---

const subjectOf = (room: string): string => `r.${room.slice(1)}`;

/** The last word of the line. */
const sizeOf = (bytes: Bytes, at: number, newline: number): number =>
  Number(latin.decode(bytes.subarray(at, newline)).trim().split(" ").at(-1));

const publish = (subject: string, text: string): Envelope =>
  envelope(encoder.encode(`PUB ${subject} ${text.length}\r\n`), text, "\r\n");

function control(person: Connection, bytes: Bytes, at: number, newline: number): number {
  const line = latin.decode(bytes.subarray(at, newline)).trim();
  if (line === "PING") person.say("PONG\r\n");
  else if (line.startsWith("-ERR")) person.failed(line);
  else if (line === "PONG" && person.phase === ENTERING) {
    person.phase = READY;
    person.hearer.ready(person);
  }
  return newline + 1;
}
