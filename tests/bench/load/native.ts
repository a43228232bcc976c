// The native protocol, from docs/protocol.md, for the load generator.

import type { Bytes } from "../../../src/environment.ts";
import { encodeJson, FRAME, FRAME_HEAD_BYTES, writeHead } from "../../../src/protocol/frame.ts";
import type { Connection } from "./connection.ts";
import type { Envelope, Protocol } from "./protocol.ts";
import { envelope, isText, REF_MIN } from "./protocol.ts";

const QUOTE = 0x22;
const TEXT_KEY = '"text":"';
/** Below it: how many rooms it has joined or asked for. */
const READY = Number.MAX_SAFE_INTEGER;

const HELLO = encodeJson(FRAME.hello, { version: { major: 1, minor: 0 }, agent: "bench" });

export const native: Protocol = {
  echo: true,
  bye: encodeJson(FRAME.bye, {}),
  opened: (person) => person.send(HELLO),
  unit(person, bytes, at) {
    if (bytes.length - at < FRAME_HEAD_BYTES) return -1;
    const end = at + 4 + sizeAt(bytes, at);
    if (end > bytes.length) return -1;
    const type = bytes[at + 4];
    if (type === FRAME.message || type === FRAME.private) message(person, bytes, at, end);
    else if (type === FRAME.ack && person.phase === READY) person.hearer.acknowledged();
    else other(person, type, bytes.subarray(at + FRAME_HEAD_BYTES, end));
    return end;
  },
  inRoom: (room, text, acks) => request(FRAME.say, `{"room":"${room}"`, text, acks),
  toPerson: ({ nick, server }, text, acks) =>
    request(FRAME.tell, `{"to":"${nick}@${server}"`, text, acks),
};

// --- internal ---

const sizeAt = (bytes: Bytes, at: number): number =>
  (((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)) >>>
  0;

function message(person: Connection, bytes: Bytes, at: number, end: number): void {
  const text = at + person.textAt;
  if (text + person.textBytes < end && isText(person, bytes, text, QUOTE, QUOTE)) {
    return person.hearer.heard(person, bytes, text);
  }
  const frame = Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at);
  const key = frame.indexOf(TEXT_KEY);
  person.textAt = key + TEXT_KEY.length;
  const found = at + person.textAt;
  if (key > 0 && isText(person, bytes, found, QUOTE, QUOTE)) {
    person.hearer.heard(person, bytes, found);
  } else person.hearer.strange(person);
}

function other(person: Connection, type: number | undefined, payload: Bytes): void {
  switch (type) {
    case FRAME.hello:
      person.send(encodeJson(FRAME.login, { nick: person.nick }));
      return person.flush();
    case FRAME.welcome:
      return joinNext(person);
    case FRAME.ack:
      return person.phase < READY ? joinNext(person) : undefined;
    case FRAME.ping: {
      const pong = payload.slice();
      person.send(new Uint8Array([0, 0, 0, pong.length + 1, FRAME.pong, ...pong]));
      return person.flush();
    }
    case FRAME.error:
      // A message that goes to one whom the other server does not know yet: asked again.
      if (person.phase === READY && person.probing) return;
      return person.failed(new TextDecoder().decode(payload));
    default: // who came and went
  }
}

/** One after the other: only so many requests of one may wait. */
function joinNext(person: Connection): void {
  const room = person.rooms[person.phase];
  if (room === undefined) return ready(person);
  person.phase += 1;
  person.send(encodeJson(FRAME.join, { ref: 1, room }));
  person.flush();
}

function ready(person: Connection): void {
  person.phase = READY;
  person.hearer.ready(person);
}

function request(type: number, fields: string, text: string, acks: boolean): Envelope {
  const ref = acks ? String(REF_MIN) : undefined;
  const after = ref === undefined ? '"}' : `","ref":${ref}}`;
  const head = `${fields},${TEXT_KEY}`;
  const before = new Uint8Array(FRAME_HEAD_BYTES + head.length);
  before.set(new TextEncoder().encode(head), FRAME_HEAD_BYTES);
  writeHead(before, 0, type, head.length + text.length + after.length);
  return envelope(before, text, after, ref);
}
