// The log: one event is one line, whatever peers put into it.

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { type LogFormat, type LogLevel, createLog } from "../../src/serve/log.ts";

function make(format: LogFormat, level: LogLevel = "debug") {
  const lines: string[] = [];
  const clock = { now: () => Date.UTC(2026, 10, 22, 15, 0, 0) };
  const log = createLog({ clock, level, format, write: (line) => void lines.push(line) });
  return { log, lines };
}

const hostile = [
  "two\nlines",
  "return\rover",
  "\u001b[31mred\u0007",
  "c1 \u009b31m",
  "delete \u007f",
  "\u202egnihsart",
  "zero\u200bwidth",
  "separator\u2028s\u2029",
  "tag \u{e0041}",
  "lone \ud800 surrogate",
  "byte order \ufeff",
  'quote " and backslash \\',
];

describe.each(["json", "human"] as const)("a %s line", (format) => {
  test.each(hostile)("keeps %j from breaking it", (text) => {
    const { log, lines } = make(format);
    log.warn(text, { nick: text, [text]: 1, error: new Error(text), list: [text, { deep: text }] });
    expect(lines).toHaveLength(1);
    const line = lines[0]!;
    expect(line.endsWith("\n")).toBe(true);
    expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
  });

  test("is short, however long a text is", () => {
    const { log, lines } = make(format);
    log.info("flood", { text: "x".repeat(100_000) });
    expect(lines[0]!.length).toBeLessThan(3000);
    expect(lines[0]).toContain("(100000 characters)");
  });

  test("can hold any value", () => {
    const { log, lines } = make(format);
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    log.info("values", { loop, big: 1n, nothing: undefined, none: null, key: new Uint8Array(32) });
    expect(lines[0]).toContain("[32 bytes]");
  });
});

test("a JSON line can be read back, and fields cannot replace time, level and event", () => {
  const { log, lines } = make("json");
  log.error("merge failed", { server: "lyon", level: "debug", text: "two\nlines \u202e" });
  expect(JSON.parse(lines[0]!)).toEqual({
    time: "2026-11-22T15:00:00.000Z",
    level: "error",
    event: "merge failed",
    server: "lyon",
    text: "two\nlines \u202e",
  });
});

test("a line for people has time, level, event and fields", () => {
  const { log, lines } = make("human");
  log.warn("merge failed", { server: "lyon.example:7331", reason: "name taken", tries: 2 });
  expect(lines).toEqual([
    "2026-11-22T15:00:00.000Z WARN  merge failed " +
      'server=lyon.example:7331 reason="name taken" tries=2\n',
  ]);
});

test("an error comes with its code, its stack and its cause, in one line", () => {
  const { log, lines } = make("json");
  const cause = Object.assign(new Error("disk full"), { code: "ENOSPC" });
  log.error("store failed", { error: new TypeError("cannot write", { cause }) });
  const { error } = JSON.parse(lines[0]!) as { error: { stack: string[] } };
  expect(error).toMatchObject({
    name: "TypeError",
    message: "cannot write",
    cause: { code: "ENOSPC", message: "disk full" },
  });
  expect(error.stack.length).toBeLessThanOrEqual(8);
});

test("events below the level are left out", () => {
  const { log, lines } = make("human", "warn");
  log.debug("a");
  log.info("b");
  log.warn("c");
  log.error("d");
  expect(lines.map((line) => line.trim().slice(-1))).toEqual(["c", "d"]);
});

test("of a flood of one event some lines are written, and later how many were not", () => {
  const lines: string[] = [];
  const clock = { at: Date.UTC(2026, 10, 22), now: () => clock.at };
  const write = (line: string) => void lines.push(line);
  const log = createLog({ clock, level: "info", format: "json", write });
  for (let at = 0; at < 100_000; at++) log.warn("frame of a server refused", { at });
  expect(lines).toHaveLength(LIMITS.logLinesBurst);
  log.warn("another event");
  expect(lines).toHaveLength(LIMITS.logLinesBurst + 1);
  clock.at -= 3_600_000; // a wall clock that was put back
  log.warn("frame of a server refused");
  clock.at += 1000;
  log.warn("frame of a server refused");
  expect(lines).toHaveLength(LIMITS.logLinesBurst + 2);
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ omitted: 100_001 - LIMITS.logLinesBurst });
});

test("events without number are not all remembered, and debug lines are all written", () => {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const log = createLog({ clock: { now: () => 0 }, level: "debug", format: "human", write });
  for (let at = 0; at < 3 * LIMITS.logEventsMax; at++) log.info(`event ${at}`);
  for (let at = 0; at < 1000; at++) log.debug("detail");
  expect(lines).toHaveLength(3 * LIMITS.logEventsMax + 1000);
});
