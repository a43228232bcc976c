// How a client whose connection is lost comes in again: try after try, ever more seldom, until it
// is in or is refused for good. See client.ts.

import type { Clock, Random } from "../environment.ts";
import { ChatFusionError, type ErrorCode } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Answer, Login } from "../protocol/messages.ts";
import type { Identity } from "./identity.ts";
import { isFinal } from "./options.ts";

interface ComebackOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly identity: Identity;
  /** Tries once. */
  enter(resume: Login["resume"]): Promise<void>;
  /** The server does not let it in; told once for each reason. */
  refused(failure: ChatFusionError): void;
  /** It never will. */
  ended(failure: ChatFusionError): void;
}

export class Comeback {
  readonly #options: ComebackOptions;
  /** What is told already. */
  readonly #refused = new Set<ErrorCode>();
  #isOver = true;
  #cancel: (() => void) | undefined;
  /** There while the next try is waited for. */
  #tryNow: (() => void) | undefined;

  constructor(options: ComebackOptions) {
    this.#options = options;
  }

  begin(resume: Login["resume"]): void {
    this.#isOver = false;
    this.#again(resume, 0);
  }

  /** It is in, or gives up. */
  end(): void {
    this.#isOver = true;
    this.#cancel?.();
    this.#tryNow = undefined;
    this.#refused.clear();
  }

  /** Tries another nick at once; undefined where no nick is in the way. */
  rename(nick: string, password: string | undefined): Promise<Answer<"rename">> | undefined {
    if (this.#refused.size === 0) return undefined;
    const done = this.#options.identity.wish(nick, password);
    this.#tryNow?.();
    return done;
  }

  // --- internal ---------------------------------------------------------------------------------

  #again(resume: Login["resume"], tries: number): void {
    const { clock, random, identity, enter } = this.#options;
    const longest = Math.min(LIMITS.reconnectMsMax, LIMITS.reconnectMsMin * 2 ** tries);
    // Some luck in it: a server's clients do not all come back at once.
    const ms = longest * (0.5 + random.next() / 2);
    this.#tryNow = () => {
      this.#cancel?.();
      this.#tryNow = undefined;
      enter(resume).catch((thrown: unknown) => {
        if (this.#isOver) return;
        const isOurs = thrown instanceof ChatFusionError;
        const why = isOurs ? thrown : new ChatFusionError("INTERNAL", String(thrown), thrown);
        if (!identity.refused(why)) {
          if (isFinal(why.code)) return this.#options.ended(why);
          this.#tell(why);
        }
        this.#again(resume, identity.isWishing ? 0 : tries + 1);
      });
    };
    this.#cancel = clock.after(ms, this.#tryNow);
  }

  #tell(why: ChatFusionError): void {
    if (why.code === "CANNOT_CONNECT" || this.#refused.has(why.code)) return;
    this.#refused.add(why.code);
    this.#options.refused(why);
  }
}
