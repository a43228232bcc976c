// The rows that say which lines have no answer yet.

import { expect, test } from "bun:test";
import { WaitingLines } from "../../../src/cli/chat/waiting.ts";
import { LIMITS } from "../../../src/limits.ts";

const connection = (state: "lost" | "resumed") => ({ event: "connection", state }) as const;

test("while the connection is lost every line waits, until it is answered", () => {
  let changes = 0;
  const waiting = new WaitingLines(() => (changes += 1));
  waiting.typed(1, "on its way");
  expect(waiting.rows).toEqual([]);
  waiting.take(connection("lost"));
  waiting.typed(2, "two\nlines\u001b[2J");
  expect(waiting.rows).toEqual(["waiting: on its way", "waiting: two␊lines␛[2J"]);
  expect(changes).toBe(2);
  waiting.answered(1);
  expect(waiting.rows).toEqual(["waiting: two␊lines␛[2J"]);
  waiting.answered(2);
  expect(waiting.rows).toEqual([]);
  waiting.close();
});

test("many lines leave room for what else is on the screen", () => {
  const waiting = new WaitingLines(() => {});
  waiting.take(connection("lost"));
  for (let ref = 1; ref <= 9; ref++) waiting.typed(ref, `${ref}`);
  expect(waiting.rows).toHaveLength(LIMITS.waitingShownMax);
  expect(waiting.rows).toEqual([
    "waiting: 5 more lines",
    ...["6", "7", "8", "9"].map((line) => `waiting: ${line}`),
  ]);
  waiting.close();
});

test("with a connection, a line waits that has had no answer for a while", async () => {
  const changed = Promise.withResolvers<void>();
  const waiting = new WaitingLines(changed.resolve);
  waiting.typed(1, "hello?");
  expect(waiting.rows).toEqual([]);
  await changed.promise;
  expect(waiting.rows).toEqual(["waiting: hello?"]);
  waiting.close();
});
