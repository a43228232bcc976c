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

export class Unanswered {
  readonly #refs = new Set<number>();
  readonly #over: () => void;
  readonly #waitMs: number;
  #connection: "here" | "lost" | "closed" = "here";
  #isLeaving = false;

  /** `over` is called, perhaps again, when nothing is to be waited for after /quit. */
  constructor(over: () => void, waitMs: number = LIMITS.quitMs) {
    this.#over = over;
    this.#waitMs = waitMs;
  }

  /** How many there are: where the chat ends now, they may not have been sent. */
  get size(): number {
    return this.#refs.size;
  }

  /** /quit was typed: no line behind it is to be read from a pipe. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** The connection is closed for good: whoever has no answer by now gets none. */
  get isClosed(): boolean {
    return this.#connection === "closed";
  }

  /** A line is taken. */
  begin(ref: number): void {
    this.#refs.add(ref);
  }

  /** It has its answer. */
  end(ref: number): void {
    this.#refs.delete(ref);
    this.#look();
  }

  /** The connection is lost, there is one again, or there will be none any more. */
  connection(state: ConnectionState): void {
    this.#connection = STATES[state];
    this.#look();
  }

  /** /quit, which has its answer. Whoever types it once more waits for nothing. */
  leave(ref: number): void {
    this.#refs.delete(ref);
    if (this.#isLeaving) return this.#over();
    this.#isLeaving = true;
    this.#look();
    setTimeout(this.#over, this.#waitMs).unref();
  }

  // --- internal ---------------------------------------------------------------------------------

  #look(): void {
    if (this.#isLeaving && (this.#connection === "lost" || this.#refs.size === 0)) this.#over();
  }
}
