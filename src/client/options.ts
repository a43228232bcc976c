// How a client connects, and what it does when that fails. Next: client.ts.

import type { Clock, Log, Net, Random } from "../environment.ts";
import { ChatFusionError, ERRORS, type ErrorCode, type Failure } from "../errors.ts";
import { createNet } from "../net/net.ts";
import { systemClock } from "./clock.ts";
import type { PrivateKind, SayKind } from "../protocol/messages.ts";
import type { ServerAddress, Trust } from "./dial.ts";

export interface ConnectOptions {
  readonly nick: string;
  readonly server: ServerAddress;
  /** For a nick that has one. Never sent where others could read it on the way. */
  readonly password?: string;
  /** Default: TLS, unless the server is on this machine. */
  readonly tls?: boolean;
  /** Default: pins certificates in this user's `known_servers`, like SSH. */
  readonly trust?: Trust;
  /** Default true. */
  readonly reconnect?: boolean;
  /** How much of what was said before is told (`backlog`) when entering and joining; default 0. */
  readonly backlog?: number;
  /** The program's name and version, for the operator. */
  readonly agent?: string;
  /** Another network, time and chance, for tests. */
  readonly net?: Net;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** How something is told to a person. */
export interface MessageOptions {
  /**
   * Default "text". "notice" is for what must not be answered automatically: a bot's words. With
   * `about`: "reaction" and "unreaction", whose text is the emoji; "delete", whose text is the
   * reason or empty.
   */
  readonly kind?: PrivateKind;
  /** The message's own id; default: a new one. Sent again with the same one, it is the same. */
  readonly cid?: string;
  /** The id of the message that it answers, or does something to. */
  readonly about?: string;
}

/** And in a room, where more can be done to a message. */
export interface SayOptions extends Omit<MessageOptions, "kind"> {
  /** And with `about`: "edit", whose text takes the message's place. */
  readonly kind?: SayKind;
  /** The id of the message that its thread began with. */
  readonly thread?: string;
}

/** The network, the time and the chance that a client uses. */
export function surroundingsOf(options: ConnectOptions) {
  const { clock = systemClock, random = systemRandom } = options;
  return { clock, random, net: options.net ?? createNet(clock, faultsOnly(clock)) };
}

/** Tells whether dialling again would end in the same way. */
export function isFinal(code: ErrorCode): boolean {
  return ERRORS[code].kind !== "wait" && !passing.has(code);
}

/** The nick may still be our own lost session's; a fault of the server may have passed. */
const passing: ReadonlySet<ErrorCode> = new Set(["NICK_IN_USE", "INTERNAL"]);

/** A refusal as it is thrown. */
export const thrownOf = ({ code, text }: Failure) => new ChatFusionError(code, text);

// --- internal -----------------------------------------------------------------------------------

const systemRandom: Random = {
  bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
  next: Math.random,
};

/** A client has no log; a fault of its own ends the program, as any other would. */
function faultsOnly(clock: Clock): Log {
  const quiet = () => undefined;
  const fault: Log["error"] = (event, fields) => {
    clock.soon(() => {
      throw fields?.["error"] instanceof Error ? fields["error"] : new Error(event);
    });
  };
  return { debug: quiet, info: quiet, warn: quiet, error: fault };
}
