// The log: one event is one line on stderr, as JSON or for people. What peers sent cannot break a
// line, move a terminal's cursor or reorder text: every such character is escaped (security E4).
// Nor can they fill a disk: of one event so many lines a second are written; others are counted.

import type { Clock, Log, LogFields } from "../environment.ts";
import { LIMITS } from "../limits.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = "json" | "human";

export interface LogOptions {
  readonly clock: Pick<Clock, "now">;
  /** Events below it are left out. */
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Takes a line with its end. Default: stderr. */
  readonly write?: (line: string) => void;
}

/** Makes a log. */
export function createLog({ clock, level, format, write = toStderr }: LogOptions): Log {
  const lowest = LOG_LEVELS.indexOf(level);
  const line = format === "json" ? jsonLine : humanLine;
  const take = createPace(clock);
  const logger = (at: LogLevel): Log["info"] =>
    LOG_LEVELS.indexOf(at) < lowest
      ? () => undefined
      : (event, given = {}) => {
          // Who asks for debug lines wants all of them.
          const omitted = at === "debug" ? 0 : take(event);
          if (omitted === undefined) return;
          const fields = omitted === 0 ? given : { ...given, omitted };
          const time = new Date(clock.now()).toISOString();
          write(`${line({ time, level: at, event, fields })}\n`);
        };
  return {
    debug: logger("debug"),
    info: logger("info"),
    warn: logger("warn"),
    error: logger("error"),
  };
}

// --- internal ---

interface Entry {
  readonly time: string;
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

/**
 * Makes the pace of lines: for an event that may be written, returns how many like it were not
 * written before it; else undefined.
 */
function createPace(clock: Pick<Clock, "now">): (event: string) => number | undefined {
  const paces = new Map<string, { tokens: number; at: number; omitted: number }>();
  const full = LIMITS.logLinesBurst;
  return (event) => {
    const now = clock.now();
    let pace = paces.get(event);
    if (pace === undefined) {
      if (paces.size >= LIMITS.logEventsMax) paces.clear(); // plugins that make up events
      pace = { tokens: full, at: now, omitted: 0 };
      paces.set(event, pace);
    }
    // The wall clock may jump; backwards, nothing is gained.
    const seconds = Math.max(0, now - pace.at) / 1000;
    pace.tokens = Math.min(full, pace.tokens + seconds * LIMITS.logLinesPerSecond);
    pace.at = now;
    if (pace.tokens < 1) {
      pace.omitted++;
      return undefined;
    }
    pace.tokens--;
    const { omitted } = pace;
    pace.omitted = 0;
    return omitted;
  };
}

/** C0, DEL, C1; zero-width, bidi and tag characters; line and paragraph separators. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

function escapeUnsafe(text: string): string {
  return text.replace(unsafe, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

function jsonLine({ time, level, event, fields }: Entry): string {
  const plain = plainFields(fields);
  return escapeUnsafe(JSON.stringify({ ...plain, time, level, event }));
}

function humanLine({ time, level, event, fields }: Entry): string {
  const words = [time, level.toUpperCase().padEnd(5), escapeUnsafe(shorten(event))];
  for (const [key, value] of Object.entries(plainFields(fields))) {
    words.push(`${escapeUnsafe(key)}=${humanValue(value)}`);
  }
  return words.join(" ");
}

function humanValue(value: unknown): string {
  if (typeof value === "string" && /^[\w.:@/[\]+-]+$/.test(value)) return value;
  return escapeUnsafe(JSON.stringify(value) ?? "undefined");
}

function plainFields(fields: LogFields): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) plain[key] = plainValue(value, 0);
  return plain;
}

/** Turns a value into what JSON can hold, without loops, and not long. */
function plainValue(value: unknown, depth: number): unknown {
  if (typeof value === "string") return shorten(value);
  if (typeof value === "bigint" || typeof value === "symbol") return String(value);
  if (typeof value === "function") return "[function]";
  if (typeof value !== "object") return value;
  if (value === null) return null;
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  if (depth >= LIMITS.logDepthMax) return "[…]";
  if (value instanceof Error) return plainError(value, depth);
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => plainValue(item, depth + 1));
  const plain: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) plain[key] = plainValue(item, depth + 1);
  return plain;
}

function plainError(error: Error, depth: number): Record<string, unknown> {
  const stack = (error.stack ?? "").split("\n").filter((line) => /^\s*at /.test(line));
  return {
    name: error.name,
    ...("code" in error && { code: plainValue(error.code, depth + 1) }),
    message: shorten(error.message),
    stack: stack.slice(0, LIMITS.logStackFramesMax).map((line) => shorten(line.trim())),
    ...(error.cause !== undefined && { cause: plainValue(error.cause, depth + 1) }),
  };
}

function shorten(text: string): string {
  if (text.length <= LIMITS.logTextLengthMax) return text;
  return `${text.slice(0, LIMITS.logTextLengthMax)}… (${text.length} characters)`;
}

function toStderr(line: string): void {
  process.stderr.write(line);
}
