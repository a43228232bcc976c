// The lines of a chat that have no answer yet, and the end of a chat by /quit: it is over when all
// of them are answered, or when that may never be.

import type { ClientEvent } from "../../client.ts";
import { LIMITS } from "../../limits.ts";

type ConnectionState = Extract<ClientEvent, { readonly type: "connection" }>["state"];

/** Who is refused is as far from the server as who has lost it. */
const STATES = {
  lost: "lost",
  refused: "lost",
  resumed: "here",
  back: "here",
  closed: "closed",
} as const satisfies Record<ConnectionState, string>;

/** A line that has no answer yet. */
export interface OpenLine {
  readonly line: string;
  /** When it was typed, by `performance.now()`. */
  readonly since: number;
}

export interface UnansweredOptions {
  /** Called, perhaps again, when nothing is to be waited for after /quit. */
  over(): void;
  /** There are other lines than before, or the connection is lost, or back. */
  changed?(): void;
  readonly waitMs?: number;
}

export class Unanswered {
  /** By number, the oldest first. */
  readonly #lines = new Map<number, OpenLine>();
  readonly #options: UnansweredOptions;
  #connection: "here" | "lost" | "closed" = "here";
  #isLeaving = false;

  constructor(options: UnansweredOptions) {
    this.#options = options;
  }

  /** The oldest first. */
  get lines(): readonly OpenLine[] {
    return [...this.#lines.values()];
  }

  /** How many there are: where the chat ends now, they may not have been sent. */
  get size(): number {
    return this.#lines.size;
  }

  /** /quit was typed: no line behind it is to be read from a pipe. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  get isLost(): boolean {
    return this.#connection === "lost";
  }

  /** The connection is closed for good: whoever has no answer by now gets none. */
  get isClosed(): boolean {
    return this.#connection === "closed";
  }

  /** A line is taken. */
  begin(ref: number, line: string): void {
    this.#lines.set(ref, { line, since: performance.now() });
    this.#options.changed?.();
  }

  /** It has its answer. */
  end(ref: number): void {
    if (this.#lines.delete(ref)) this.#look();
  }

  /** The connection is lost, there is one again, or there will be none any more. */
  connection(state: ConnectionState): void {
    this.#connection = STATES[state];
    this.#look();
  }

  /** /quit, which has its answer. Whoever types it once more waits for nothing. */
  leave(ref: number): void {
    const { over, waitMs = LIMITS.quitMs } = this.#options;
    this.#lines.delete(ref);
    if (this.#isLeaving) return over();
    this.#isLeaving = true;
    this.#look();
    setTimeout(over, waitMs).unref();
  }

  // --- internal ---------------------------------------------------------------------------------

  #look(): void {
    this.#options.changed?.();
    if (this.#isLeaving && (this.isLost || this.size === 0)) this.#options.over();
  }
}
