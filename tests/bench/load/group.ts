// People who hear the same messages: a room, or a pair of which one talks. It counts what is on its
// way, and writes the next message of the one whose turn it is.

import type { Bytes } from "../../../src/environment.ts";
import type { Connection } from "./connection.ts";
import type { Envelope } from "./protocol.ts";
import { REF_DIGITS, REF_MIN } from "./protocol.ts";
import { writeStamp } from "./stamp.ts";

interface Talker {
  readonly person: Connection;
  readonly envelope: Envelope;
  /** The same without an acknowledgement. */
  readonly probe: Envelope;
  /** Messages that it has said, which is the last one's number. */
  said: number;
}

export class Group {
  readonly index: number;
  /** Copies of each message. */
  readonly fan: number;
  readonly talkers: Talker[] = [];
  said = 0;
  /** Copies that have arrived. */
  arrived = 0;
  /** It is in the list of those that may send again. */
  isDue = false;
  #turn = 0;

  constructor(index: number, fan: number) {
    this.index = index;
    this.fan = fan;
  }

  /** Messages of which not all copies have arrived. */
  get onTheirWay(): number {
    return this.said - Math.floor(this.arrived / this.fan);
  }

  /** Writes the next message, but doesn't flush it; returns whose it is. */
  next(micros: number): Connection {
    const talker = this.talkers[this.#turn] as Talker; // it has some
    this.#turn = (this.#turn + 1) % this.talkers.length;
    talker.said += 1;
    this.said += 1;
    const { envelope, person } = talker;
    writeStamp(envelope.bytes, envelope.textAt, talker.said, micros);
    if (envelope.refAt !== undefined) writeRef(envelope.bytes, envelope.refAt, talker.said);
    person.send(envelope.bytes);
    return person;
  }

  /** Has each talker say something that counts for nothing. */
  probe(): void {
    for (const { person, probe } of this.talkers) {
      person.send(probe.bytes);
      person.flush();
    }
  }
}

// --- internal ---

function writeRef(into: Bytes, at: number, number: number): void {
  let rest = REF_MIN + number;
  for (let digit = REF_DIGITS - 1; digit >= 0; digit--) {
    into[at + digit] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}
