// Pages of the history: one answer is never more than a client takes in one frame.

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { Members, past, say } from "./members.ts";
import type { Json } from "./peer.ts";

test("what was done to messages counts: an edited page is no larger frame", () => {
  const town = new Members("edited pages", ["paris"]);
  const ana = town.enter("paris", "ana");
  const texts = Array.from({ length: 80 }, (_, number) => `${number} ${"x".repeat(9000)}`);
  const ids = texts.map((text) => say(ana, text));
  for (const about of ids) say(ana, '"'.repeat(LIMITS.textBytesMax), { kind: "edit", about });
  const bytesOf = (page: readonly Json[]) => JSON.stringify(page).length;
  const isRight = (page: readonly Json[]) =>
    page.length > 0 && bytesOf(page) < LIMITS.backlogBytesMax + 10_000;
  const said: unknown[] = [];
  for (let before = "~"; ; before = String(said[0])) {
    const page = past(ana, { limit: LIMITS.backlogMax, before });
    if (page.length === 0) break;
    expect(isRight(page)).toBe(true);
    said.unshift(...page.map(({ id }) => id));
  }
  expect(said.slice(0, ids.length)).toEqual(ids);
  for (const how of ["after", "since"]) {
    const page = past(ana, { limit: LIMITS.backlogMax, [how]: ids[0] });
    expect(isRight(page)).toBe(true);
    expect(page[0]!["id"]).toBe(ids[1]!);
  }
});

test("texts of letters that take three bytes are counted by their bytes", () => {
  const town = new Members("long letters", ["paris"]);
  const ana = town.enter("paris", "ana");
  const text = "語".repeat(LIMITS.textBytesMax / 3 - 1);
  for (let number = 0; number < 100; number++) say(ana, text);
  const page = past(ana, { limit: LIMITS.backlogMax });
  expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(LIMITS.backlogBytesMax + 10_000);
});
