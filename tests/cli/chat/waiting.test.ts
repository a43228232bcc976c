// The rows that say which lines have no answer yet.

import { expect, test } from "bun:test";
import { Unanswered } from "../../../src/cli/chat/unanswered.ts";
import { WaitingLines } from "../../../src/cli/chat/waiting.ts";
import { LIMITS } from "../../../src/limits.ts";

/** `changed` is told whenever there may be other rows. */
function begin(changed: () => void = () => {}) {
  const lines: Unanswered = new Unanswered({ over() {}, changed: () => waiting.look() });
  const waiting = new WaitingLines(lines, changed);
  return { lines, waiting };
}

test("while the connection is lost every line waits, until it is answered", () => {
  let changes = 0;
  const { lines, waiting } = begin(() => (changes += 1));
  lines.begin(1, "on its way");
  expect(waiting.rows).toEqual([]);
  lines.connection("lost");
  lines.begin(2, "two\nlines\u001b[2J");
  expect(waiting.rows).toEqual(["waiting: on its way", "waiting: two␊lines␛[2J"]);
  expect(changes).toBe(3);
  lines.end(1);
  expect(waiting.rows).toEqual(["waiting: two␊lines␛[2J"]);
  lines.end(2);
  expect(waiting.rows).toEqual([]);
});

test("many lines leave room for what else is on the screen", () => {
  const { lines, waiting } = begin();
  lines.connection("lost");
  for (let ref = 1; ref <= 9; ref++) lines.begin(ref, `${ref}`);
  expect(waiting.rows).toHaveLength(LIMITS.waitingShownMax);
  expect(waiting.rows).toEqual([
    "waiting: 5 more lines",
    ...["6", "7", "8", "9"].map((line) => `waiting: ${line}`),
  ]);
});

test("with a connection, a line waits that has had no answer for a while", async () => {
  const shown = Promise.withResolvers<readonly string[]>();
  const { lines, waiting } = begin(() => {
    if (waiting.rows.length > 0) shown.resolve(waiting.rows);
  });
  lines.begin(1, "hello?");
  expect(waiting.rows).toEqual([]);
  expect(await shown.promise).toEqual(["waiting: hello?"]);
});
