// What a protocol must know to be measured: its handshake, how it frames one message, and where the
// text stands in what arrives. It reads in place: at full speed millions of units come a second.

import type { Bytes } from "../../../src/environment.ts";
import type { Connection } from "./connection.ts";
import { MARK } from "./stamp.ts";

/** A message of one talker, complete but for what is written into it each time. */
export interface Envelope {
  readonly bytes: Bytes;
  readonly textAt: number;
  /** Where a count of ten decimal digits stands that asks for an acknowledgement. */
  readonly refAt: number | undefined;
}

export interface Addressee {
  readonly nick: string;
  readonly server: string;
}

export interface Protocol {
  /** A room's message comes back to its author. */
  readonly echo: boolean;
  /** A person's last words, after which the server closes; without any, the person just closes. */
  readonly bye: Bytes | undefined;
  /** Sends the first words. The handshake must end with `hearer.ready`. */
  opened(person: Connection): void;
  /** Works off the unit that begins at `at`. Returns its end, or −1 when it is not all there. */
  unit(person: Connection, bytes: Bytes, at: number): number;
  inRoom(room: string, text: string, acks: boolean): Envelope;
  toPerson(to: Addressee, text: string, acks: boolean): Envelope;
}

/** The least `ref`: all have the same number of digits. */
export const REF_MIN = 1_000_000_000;
export const REF_DIGITS = 10;

const encoder = new TextEncoder();

/** An envelope of the bytes before, the text, and what is behind it; `ref` where there is one. */
export function envelope(before: Bytes, text: string, after: string, ref?: string): Envelope {
  const bytes = new Uint8Array(before.length + text.length + after.length);
  bytes.set(before);
  bytes.set(encoder.encode(text + after), before.length);
  const refAt = ref === undefined ? undefined : before.length + text.length + after.indexOf(ref);
  return { bytes, textAt: before.length, refAt };
}

/**
 * Whether a text of `person`'s size stands at `at`, between these bytes. Where the last one was
 * found, the next one will be: names are of one length.
 */
export const isText = (
  person: Connection,
  bytes: Bytes,
  at: number,
  before: number,
  after: number,
): boolean =>
  bytes[at] === MARK && bytes[at - 1] === before && bytes[at + person.textBytes] === after;
