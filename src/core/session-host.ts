// What a session needs of what is around it: the server on one side, its door on the other.
// Next: session.ts.

import type { Bytes, MaybePromise, Millis } from "../environment.ts";
import type { ErrorCode, Failure } from "../errors.ts";
import type { PersonalEvent } from "../plugin/gateway.ts";
import type { RequestName } from "../protocol/messages.ts";
import type { LiveSession } from "./session.ts";
import type { Tick } from "./tick.ts";

/** What a session needs of the server around it. */
export interface SessionHost {
  readonly tick: Tick<LiveSession>;
  now(): Millis;
  /** Does one request. Never throws. `Logged` stands for an answer that waits for the log. */
  dispatch(session: LiveSession, type: RequestName, ask: unknown): MaybePromise<Outcome>;
  /** `frame`: the whole of it, of a door that says when what it has read is worked off. */
  chunk(session: LiveSession, payload: Bytes, frame?: Bytes): void;
  /** The number of log commits that have settled. */
  readonly loggedTick: number;
  /** The log's commit of this number failed: what it held is not durable. */
  logFailed(commit: number): boolean;
  /** What a gateway gave the session threw: logged, with the plugin. */
  gatewayFailed(session: LiveSession, where: string, thrown: unknown): void;
  /** The session is over: out of rooms, registries and transfers. */
  ended(session: LiveSession, reason: string): void;
  /** How many times rooms have handed out what was said in them. */
  readonly wholeTick: number;
  /** The session has something that waits, and stands behind so much. */
  waiting(session: LiveSession, behind: Behind): void;
  /** The session has an answer that stands before what rooms will say. */
  placed(session: LiveSession): void;
}

/** An answer, a refusal, or an answer that is true once a commit of the log has settled. */
export type Outcome =
  | { readonly answer: unknown; readonly logged?: number }
  | { readonly later: Promise<unknown> }
  /** Like `later`, where what follows the answer may come before a promise would settle. */
  | { readonly when: (answer: (answer: unknown) => void, isPatient: boolean) => void }
  | Failure;

/** How a session leaves: through its gateway or the native door. */
export interface Doorway {
  personal(event: PersonalEvent): void;
  /** Takes whole frames of chunks, borrowed; not there where chunks come as events. */
  chunks?(frames: Bytes): void;
  /**
   * Runs `run` when all that the session was told until now has reached its client, as far as that
   * can be known; never, where the connection is lost before.
   */
  reached(run: () => void): void;
  /** Closes the transport; with a code the client is told why. */
  close(code: ErrorCode | undefined, text: string): void;
  /** Tells a refusal that answers no request. */
  refuse(failed: Failure): void;
  pause(): void;
  resume(): void;
}

/** Nothing; what rooms say, when they say it; or all that was done, and at once. */
export type Behind = "nothing" | "rooms" | "all";
