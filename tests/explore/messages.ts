// What travels between servers, each as one number: equal bytes have the same one.

import { peekAnnouncement } from "../../plugins/fabric-tree/announcement.ts";
import { Reader } from "../../plugins/fabric-tree/bytes.ts";
import { LINK_FRAME } from "../../plugins/fabric-tree/hello.ts";
import type { Frame, Message } from "./end.ts";

export class Messages {
  readonly #all: Message[] = [];
  readonly #numbers = new Map<string, number>();

  number(message: Message): number {
    const frames = message.frames.map(({ type, bytes }) => `${type}:${bytes.toHex()}`);
    const key = `${frames.join(" ")} ${message.end?.code} ${message.end?.text}`;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#all.push(message) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }

  of(number: number): Message {
    return this.#all[number]!;
  }

  /** For people. */
  text(number: number, name: (sid: string) => string): string {
    const { frames, end } = this.of(number);
    const words = frames.map((frame) => frameText(frame, name));
    if (end !== undefined) words.push(`END ${end.code}`);
    return words.join(" · ");
  }
}

// --- internal ---

const NAMES = new Map<number, string>(
  Object.entries(LINK_FRAME).map(([name, type]) => [type, name.toUpperCase()]),
);

function frameText({ type, bytes }: Frame, name: (sid: string) => string): string {
  const word = NAMES.get(type) ?? `0x${type.toString(16)}`;
  if (type === LINK_FRAME.synced) return `${word} ${new Reader(bytes).counter()}`;
  if (type !== LINK_FRAME.announcement) return word;
  const { sid, epoch, seq } = peekAnnouncement(bytes);
  return `${word} ${name(sid)} ${epoch}.${seq}${linksText(bytes, name)}`;
}

function linksText(bytes: Uint8Array, name: (sid: string) => string): string {
  const reader = new Reader(bytes);
  reader.bytes(1 + 16 + 8 + 8 + 32);
  reader.text();
  reader.bytes(reader.u16());
  const links = Array.from({ length: reader.u8() }, () => {
    const peer = name(reader.sid());
    reader.varint();
    return `${peer}:${reader.counter()}`;
  });
  return `{${links.join(" ")}}`;
}
