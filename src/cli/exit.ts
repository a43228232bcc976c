// How a command ends: the exit codes, and what is printed of a thrown value.

import { ChatFusionError, type ErrorCode } from "../errors.ts";
import { visible } from "../names.ts";
import { report } from "./report.ts";

export const EXIT = {
  ok: 0,
  /** This program or its surroundings: a config, a port, a file. */
  failure: 1,
  /** What was typed. */
  usage: 2,
  /** Nobody answers; a chat that ends before all its lines were answered. */
  cannotConnect: 3,
  /** Somebody answered, and said no. */
  refused: 4,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Returns the exit code of a refusal. */
export function exitCodeOf(code: ErrorCode): ExitCode {
  return exits.get(code) ?? EXIT.refused;
}

/** Returns the exit code of a chat that ends while so many of its lines have no answer. */
export const exitCodeWith = (code: ExitCode, unanswered: number): ExitCode =>
  code === EXIT.ok && unanswered > 0 ? EXIT.cannotConnect : code;

/** Prints why a command failed on stderr, and returns its exit code. */
export function reportFailure(thrown: unknown): ExitCode {
  if (thrown instanceof ChatFusionError) {
    const exit = exitCodeOf(thrown.code);
    const code = exit === EXIT.refused ? ` (${thrown.code})` : "";
    for (const line of `${thrown.message}${code}`.split("\n")) report.error(visible(line));
    return exit;
  }
  // Our own bug: the stack is for whoever reports it.
  const stack = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  for (const line of stack.split("\n")) report.error(visible(line));
  return EXIT.failure;
}

const exits: ReadonlyMap<ErrorCode, ExitCode> = new Map([
  ["USAGE", EXIT.usage],
  ["CANNOT_CONNECT", EXIT.cannotConnect],
  ["NOT_RUNNING", EXIT.cannotConnect],
  ["CONFIG_INVALID", EXIT.failure],
  ["CANNOT_LISTEN", EXIT.failure],
  ["INTERNAL", EXIT.failure],
]);
