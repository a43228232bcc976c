// How far each stream had come in the lives before this one, as the history holds it, or where it
// stood when it was first met: so a server that starts again goes on where it stopped, and gets
// what was said while it was down. And whose the streams are: so it can give and take what is
// missing of one whose server does not come back.

import type { Clock, Environment, Millis } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName, ServerName, Sid } from "../names.ts";
import { LOBBY, parseServerName } from "../names.ts";
import type { History, Stream } from "../plugin/history.ts";
import { idAt, timeIn } from "../protocol/id.ts";
import type { Source } from "./peer.ts";
import { createShelfWriter, type ShelfWriter } from "./shelf-writer.ts";

const ORIGINS = "origins";
const LINE = /^([0-9a-f]{32}) ([0-9a-f]{64}) (\S+)$/;
const MET = "met";
const MET_LINE = /^([0-9a-f]{32}) ([0-9a-f]{16}) (\d{1,16}) (\d{1,16}) (\S+)$/;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Whose a stream is: what its batches are checked by. */
export type Origin = Pick<Source, "key" | "name">;

/** Where a stream stood when its server was first heard in this room, and when that was. */
interface Met {
  readonly life: string;
  readonly have: number;
  readonly at: Millis;
}

export class Marks {
  /** By `sid life room`; the last begun stand last. */
  readonly #marks = new Map<string, { readonly stream: Stream; readonly last: number }>();
  /** `sid room` of what was heard. */
  readonly #heard = new Set<string>();
  /** Rooms that the last one here has left in this life: nothing of them goes on. */
  readonly #left = new Set<RoomName>();
  /** By `sid room`, of its last life that was met; the last met stand last. */
  readonly #met = new Map<string, Met>();
  /** The last met stand last. */
  readonly #origins = new Map<Sid, Origin>();
  /** The disk did not take them: before more is logged of them, it is asked to once more. */
  #isOwed = false;
  #clock: Clock | undefined;
  #writer: ShelfWriter<typeof ORIGINS | typeof MET> | undefined;
  /** When this server started, in the clock's monotonic time: the other one may jump. */
  startedAt: Millis = 0;
  /** When the last message was said that the history holds: what is later is missing. */
  #newestAt: Millis = 0;

  async load(history: History, environment: Pick<Environment, "store" | "log" | "clock">) {
    const now = environment.clock.now();
    this.startedAt = environment.clock.monotonic();
    this.#clock = environment.clock;
    const originLines = () =>
      [...this.#origins].map(([sid, { key, name }]) => `${sid} ${key.toHex()} ${name}`);
    const metLines = () =>
      [...this.#met].map(([of, { life, have, at }]) => of.replace(" ", ` ${life} ${have} ${at} `));
    const lines = { [ORIGINS]: originLines, [MET]: metLines };
    this.#writer = createShelfWriter(environment, {
      name: "marks",
      begin: (key: keyof typeof lines) => ({
        key,
        bytes: encoder.encode(lines[key]().join("\n")),
      }),
      end: (key, _, thrown) => {
        if (key === ORIGINS) this.#isOwed = thrown !== undefined;
      },
    });
    for (const [sid, origin] of originsIn(await environment.store.read(ORIGINS)))
      this.#origins.set(sid, origin);
    for (const [of, met] of metIn(await environment.store.read(MET))) this.#met.set(of, met);
    for (const mark of await history.streams()) {
      const { origin, life, room } = mark.stream;
      this.#marks.set(`${origin} ${life} ${room}`, mark);
      this.#heard.add(`${origin} ${room}`);
    }
    if (this.#marks.size === 0) return;
    // What says that it was said later than now would hide all that is missing.
    const [newest] = await history.backlog(LOBBY, 1, idAt(now));
    this.#newestAt = newest === undefined ? now : (timeIn(newest.id) ?? now);
  }

  find(origin: Sid, life: string, room: RoomName): number | undefined {
    const met = this.#met.get(`${origin} ${room}`);
    const begun = met?.life === life ? met.have : undefined;
    return this.#marks.get(`${origin} ${life} ${room}`)?.last ?? begun;
  }

  /** This server was heard in this room before the start: what it said later than this is owed. */
  heardUntil(origin: Sid, room: RoomName): Millis | undefined {
    const of = `${origin} ${room}`;
    return this.#heard.has(of) ? this.#newestAt : this.#met.get(of)?.at;
  }

  /** Nobody here is in this room any more. */
  leave(room: RoomName): void {
    this.#left.add(room);
  }

  /** Who joins it goes on where this server was, or its life before. */
  goesOn(room: RoomName): boolean {
    return !this.#left.has(room);
  }

  all(): Iterable<{ readonly stream: Stream; readonly last: number }> {
    return this.#marks.values();
  }

  /** Whose streams these are; undefined where nothing of them is in the history. */
  origin(sid: Sid): Origin | undefined {
    return this.#origins.get(sid);
  }

  /** Something of it comes into the history. */
  heard({ sid, key, name }: Source): void {
    if (this.#writer === undefined) return;
    const isKnown = this.#origins.get(sid)?.name === name;
    if (!isKnown) setLast(this.#origins, sid, { key, name }, LIMITS.originsMax);
    if (!isKnown || this.#isOwed) this.#writer.changed(ORIGINS);
  }

  /** A stream is heard for the first time, and stands at `have`. */
  met({ sid, life }: Source, room: RoomName, have: number): void {
    if (this.#clock === undefined) return;
    const at = Math.floor(this.#clock.now());
    setLast(this.#met, `${sid} ${room}`, { life, have, at }, LIMITS.metRowsMax);
    this.#writer?.changed(MET);
  }

  /** Resolves when all that can be is written. */
  async idle(): Promise<void> {
    await this.#writer?.idle();
  }

  close(): void {
    this.#writer?.close();
  }
}

// --- internal -----------------------------------------------------------------------------------

/** Sets what is to stand last; the first one makes room. */
function setLast<K, V>(map: Map<K, V>, key: K, value: V, max: number): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (oldest !== undefined && map.size > max) map.delete(oldest);
}

function metIn(stored: Uint8Array | undefined): [string, Met][] {
  return decoder
    .decode(stored)
    .split("\n")
    .flatMap((line): [string, Met][] => {
      const [, sid, life = "", have, at, room] = MET_LINE.exec(line) ?? [];
      if (sid === undefined) return [];
      return [[`${sid} ${room}`, { life, have: Number(have), at: Number(at) }]];
    });
}

function originsIn(stored: Uint8Array | undefined): [Sid, Origin][] {
  return decoder
    .decode(stored)
    .split("\n")
    .flatMap((line): [Sid, Origin][] => {
      const [, sid, key = "", text = ""] = LINE.exec(line) ?? [];
      const name = nameIn(text);
      return sid === undefined || name === undefined
        ? []
        : [[sid as Sid, { key: Uint8Array.fromHex(key), name }]];
    });
}

/** The name in a text that others wrote; undefined if it is none. */
export function nameIn(text: string): ServerName | undefined {
  try {
    return parseServerName(text);
  } catch {
    return undefined;
  }
}
