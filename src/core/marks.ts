// How far each stream had come in the lives before this one, as the history holds it: so a server
// that starts again goes on where it stopped, and gets what was said while it was down. And whose
// the streams are: so it can give and take what is missing of one whose server does not come back.

import type { Environment, Millis } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName, ServerName, Sid } from "../names.ts";
import { LOBBY, parseServerName } from "../names.ts";
import type { History, Stream } from "../plugin/history.ts";
import { idAt, timeIn } from "./ids.ts";
import type { Source } from "./peer.ts";

const ORIGINS = "origins";
const LINE = /^([0-9a-f]{32}) ([0-9a-f]{64}) (\S+)$/;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Whose a stream is: what its batches are checked by. */
export type Origin = Pick<Source, "key" | "name">;

export class Marks {
  /** By `sid life room`; the last begun stand last. */
  readonly #marks = new Map<string, { readonly stream: Stream; readonly last: number }>();
  /** `sid room` of what was heard. */
  readonly #heard = new Set<string>();
  /** The last met stand last. */
  readonly #origins = new Map<Sid, Origin>();
  #environment: Pick<Environment, "store" | "log"> | undefined;
  #saving = false;
  /** When this server started, in the clock's monotonic time: the other one may jump. */
  startedAt: Millis = 0;
  /** When the last message was said that the history holds: what is later is missing. */
  newestAt: Millis = 0;

  async load(history: History, environment: Pick<Environment, "store" | "log" | "clock">) {
    const now = environment.clock.now();
    this.startedAt = environment.clock.monotonic();
    this.#environment = environment;
    for (const [sid, origin] of originsIn(await environment.store.read(ORIGINS)))
      this.#origins.set(sid, origin);
    for (const mark of await history.streams()) {
      const { origin, life, room } = mark.stream;
      this.#marks.set(`${origin} ${life} ${room}`, mark);
      this.#heard.add(`${origin} ${room}`);
    }
    if (this.#marks.size === 0) return;
    // What says that it was said later than now would hide all that is missing.
    const [newest] = await history.backlog(LOBBY, 1, idAt(now));
    this.newestAt = newest === undefined ? now : (timeIn(newest.id) ?? now);
  }

  find(origin: Sid, life: string, room: RoomName): number | undefined {
    return this.#marks.get(`${origin} ${life} ${room}`)?.last;
  }

  /** Something of this server was heard in this room before the start. */
  knows(origin: Sid, room: RoomName): boolean {
    return this.#heard.has(`${origin} ${room}`);
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
    if (this.#environment === undefined || this.#origins.get(sid)?.name === name) return;
    this.#origins.delete(sid);
    this.#origins.set(sid, { key, name });
    const [oldest] = this.#origins.keys();
    if (oldest !== undefined && this.#origins.size > LIMITS.originsMax)
      this.#origins.delete(oldest);
    if (this.#saving) return;
    const { store, log } = this.#environment;
    this.#saving = true;
    this.#save(store)
      .catch((thrown: unknown) =>
        log.warn("whose messages the history has was not saved", { error: String(thrown) }),
      )
      .finally(() => {
        this.#saving = false;
      });
  }

  // --- internal ---

  /** What is heard meanwhile is saved as well. */
  async #save(store: Environment["store"]): Promise<void> {
    for (let saved = ""; ;) {
      const lines = [...this.#origins].map(
        ([sid, { key, name }]) => `${sid} ${key.toHex()} ${name}`,
      );
      const text = lines.join("\n");
      if (text === saved) return;
      saved = text;
      await store.write(ORIGINS, encoder.encode(text));
    }
  }
}

// --- internal -----------------------------------------------------------------------------------

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
