// How far each stream had come in the lives before this one, as the history holds it: so a server
// that starts again goes on where it stopped, and gets what was said while it was down.

import type { Millis } from "../environment.ts";
import type { RoomName, Sid } from "../names.ts";
import { LOBBY } from "../names.ts";
import type { History, Stream } from "../plugin/history.ts";

export class Marks {
  /** By `sid life room`; the last begun stand last. */
  readonly #marks = new Map<string, { readonly stream: Stream; readonly last: number }>();
  readonly #origins = new Set<string>();
  /** When this server started. */
  startedAt: Millis = 0;
  /** When the last message was said that the history holds: what is later is missing. */
  newestAt: Millis = 0;

  async load(history: History, now: Millis): Promise<void> {
    this.startedAt = now;
    for (const mark of await history.streams()) {
      const { origin, life, room } = mark.stream;
      this.#marks.set(`${origin} ${life} ${room}`, mark);
      this.#origins.add(`${origin} ${room}`);
    }
    if (this.#marks.size === 0) return;
    const [newest] = await history.backlog(LOBBY, 1);
    this.newestAt = newest?.at ?? now;
  }

  find(origin: Sid, life: string, room: RoomName): number | undefined {
    return this.#marks.get(`${origin} ${life} ${room}`)?.last;
  }

  /** Something of this server was heard in this room before the start. */
  knows(origin: Sid, room: RoomName): boolean {
    return this.#origins.has(`${origin} ${room}`);
  }

  all(): Iterable<{ readonly stream: Stream; readonly last: number }> {
    return this.#marks.values();
  }
}
