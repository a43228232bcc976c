import { expect, test } from "bun:test";
import { readSanction } from "../../src/protocol/sanction.ts";

const now = 1_000_000;
const expected =
  "expected a time like 30s, 10m, 2h, 7d or 1w, or a reason that does not begin with a digit";

test("a reason may begin with how long it holds", () => {
  const second = 1000;
  for (const [text, sanction] of [
    ["", {}],
    ["spam", { reason: "spam" }],
    ["spam 2h", { reason: "spam 2h" }],
    ["30s", { until: now + 30 * second }],
    ["10m too loud", { until: now + 600 * second, reason: "too loud" }],
    ["2h  spam", { until: now + 7200 * second, reason: "spam" }],
    ["7d", { until: now + 604_800 * second }],
    ["1w\tspam", { until: now + 604_800 * second, reason: "spam" }],
  ] as const)
    expect(readSanction(text, now), text).toEqual(sanction);
});

test("a first word that begins with a digit and is no time is refused, and not for ever", () => {
  const wrong = [
    "1week",
    "1x",
    "10",
    "2H",
    "1.5h",
    "0s",
    "1h30m",
    "99999999999w",
    `${"9".repeat(400)}s`,
  ];
  for (const word of wrong)
    for (const text of [word, `${word} spam`])
      expect(() => readSanction(text, now), text).toThrow(`${word}: ${expected}`);
});
