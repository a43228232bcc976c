// Who is writing something at the moment, for the screen: a line that goes by itself.

import { LOBBY, visible } from "../../client.ts";
import { LIMITS } from "../../limits.ts";
import type { Shown } from "./shown.ts";

export class Typists {
  readonly #changed: () => void;
  /** By address, when they were told last, and in which room; in none to whoever sits here. */
  readonly #since = new Map<string, { readonly at: number; readonly room: string | undefined }>();
  #timer: Timer | undefined;
  #saidAt = Number.NEGATIVE_INFINITY;

  /** `changed` is called when the line is another one. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Looks at what happens; whoever has said something writes it no more. */
  take(shown: Shown, self: string): void {
    if (shown.event === "message" || shown.event === "private") this.#since.delete(shown.from);
    if (shown.event !== "typing" || shown.who === self) return;
    this.#since.delete(shown.who); // the last one stands last
    this.#since.set(shown.who, { at: performance.now(), room: shown.room });
    this.#timer ??= setTimeout(() => this.#forget(), LIMITS.typingShownMs);
    this.#changed();
  }

  /** Whether others are to be told now that something is being written. */
  isDue(): boolean {
    const now = performance.now();
    if (now - this.#saidAt < LIMITS.typingMsMin) return false;
    this.#saidAt = now;
    return true;
  }

  /** "" where nobody writes. */
  get line(): string {
    const where = (room: string | undefined): string =>
      room === LOBBY ? "" : ` (${room === undefined ? "to you" : visible(room)})`;
    const all = [...this.#since]
      .toReversed()
      .map(([who, { room }]) => `${visible(who)}${where(room)}`);
    const names = all.slice(0, LIMITS.typingShownMax);
    const more = all.length > names.length ? [`${all.length - names.length} more`] : [];
    const who = [...names, ...more];
    const last = who.pop();
    if (last === undefined) return "";
    return who.length === 0 ? `${last} is writing` : `${who.join(", ")} and ${last} are writing`;
  }

  /** The chat is over. */
  close(): void {
    clearTimeout(this.#timer);
  }

  // --- internal ---------------------------------------------------------------------------------

  #forget(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const [who, { at }] of this.#since)
      if (now - at >= LIMITS.typingShownMs) this.#since.delete(who);
    const [oldest] = this.#since.values();
    if (oldest !== undefined) {
      const left = oldest.at + LIMITS.typingShownMs - now;
      this.#timer = setTimeout(() => this.#forget(), left);
    }
    this.#changed();
  }
}
