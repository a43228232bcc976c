// What valibot finds, as lines for people: the key, what was expected, and what was there. A
// schema's own message is the phrase after "expected", or a whole one that begins with it. Pure.

import type * as v from "valibot";
import { visible } from "../names.ts";
import { suggestion } from "./suggest.ts";

/**
 * Writes one issue as `listen.port: expected an integer from 0 to 65535, got 70000`. `known` are
 * the keys that an unknown one may have meant; `where` stands in place of the key.
 */
export function issueLine(
  issue: v.BaseIssue<unknown>,
  known: readonly string[],
  where: string = pathOf(issue),
): string {
  const last = issue.path?.at(-1);
  if (issue.type === "strict_object" && issue.expected === "never" && last !== undefined) {
    return `${where}: unknown key${suggestion(String(last.key), known)}`;
  }
  if (issue.type === "strict_object" && last !== undefined) {
    return `${where}: expected a value, got nothing`;
  }
  const prefix = where === "" ? "" : `${where}: `;
  if (issue.message.startsWith("expected ")) return prefix + issue.message;
  return `${prefix}expected ${expectedIn(issue)}, got ${shownAt(where, issue.input)}`;
}

/** What is wrong with an option of a plugin, whose schema knows the keys that were possible. */
export interface OptionFault {
  /** Dotted. */
  readonly key: string;
  readonly value: unknown;
  readonly expected: string;
  readonly schema: unknown;
}

/** Writes it as `plugin motd: txet: unknown key (did you mean text?)`. */
export function faultLine(where: string, { key, value, expected, schema }: OptionFault): string {
  if (expected === "never") {
    const path = key.split(".");
    return `${where}: unknown key${suggestion(path.at(-1) ?? "", keysOf(schema, path))}`;
  }
  const phrase = expected.replace(/^expected /, "");
  const isMissing = value === undefined && phrase.startsWith('"');
  return `${where}: expected ${isMissing ? "a value" : phrase}, got ${shownAt(where, value)}`;
}

// --- internal ------------------------------------------------------------------------------------

/** Writes a value so that it is known again: one line, not long. */
function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (typeof value === "string") {
    const begin = value.slice(0, 60).toWellFormed();
    return `"${visible(begin)}"${begin.length < value.length ? "…" : ""}`;
  }
  if (typeof value === "function") return `the function ${visible(value.name) || "without a name"}`;
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") {
    return String(value);
  }
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value instanceof Promise) return "a promise (await is missing)";
  return "an object";
}

/** A value, unless its key says that it is nobody's business. */
function shownAt(where: string, value: unknown): string {
  const isSecret = /password|secret|token/i.test(where);
  return isSecret && value !== undefined ? "what is not shown" : shown(value);
}

/** The keys that a schema has where the last word of `path` stands, as far as can be seen. */
function keysOf(schema: unknown, path: readonly string[]): readonly string[] {
  if (typeof schema !== "object" || schema === null) return [];
  if ("entries" in schema && typeof schema.entries === "object" && schema.entries !== null) {
    const [first = "", ...rest] = path;
    if (rest.length === 0) return Object.keys(schema.entries);
    const below = Object.entries(schema.entries).find(([key]) => key === first);
    return keysOf(below?.[1], rest);
  }
  // What is optional or a pipe wraps the schema itself.
  if ("wrapped" in schema) return keysOf(schema.wrapped, path);
  if ("pipe" in schema && Array.isArray(schema.pipe)) return keysOf(schema.pipe[0], path);
  return [];
}

/** A phrase of the schema, or what valibot says by itself. */
function expectedIn(issue: v.BaseIssue<unknown>): string {
  if (!issue.message.startsWith("Invalid ")) return issue.message;
  return issue.expected ?? issue.message;
}

function pathOf(issue: v.BaseIssue<unknown>): string {
  let path = "";
  for (const { key } of issue.path ?? []) {
    if (typeof key === "number") path += `[${key}]`;
    else path += path === "" ? visible(String(key)) : `.${visible(String(key))}`;
  }
  return path;
}
