// When a chat is over by /quit.

import { expect, mock, test } from "bun:test";
import { Unanswered } from "../../../src/cli/chat/unanswered.ts";

test("/quit waits for the answers of all lines, also of those behind it", () => {
  const over = mock();
  const lines = new Unanswered({ over });
  for (const ref of [1, 2]) lines.begin(ref, "");
  lines.end(1);
  lines.leave(2);
  expect(over).toHaveBeenCalledTimes(1);
  const more = new Unanswered({ over });
  for (const ref of [1, 2, 3]) more.begin(ref, "");
  more.leave(2);
  more.end(1);
  expect([more.isLeaving, more.size]).toEqual([true, 1]);
  expect(over).toHaveBeenCalledTimes(1);
  more.end(3);
  expect(over).toHaveBeenCalledTimes(2);
});

test("/quit waits for nothing while the connection is lost, nor when it is lost then", () => {
  for (const isFirst of [true, false]) {
    const over = mock();
    const lines = new Unanswered({ over });
    for (const ref of [1, 2]) lines.begin(ref, "");
    if (isFirst) lines.connection("lost");
    lines.leave(2);
    if (!isFirst) lines.connection("lost");
    expect(over).toHaveBeenCalled();
    expect(lines.size).toBe(1);
  }
  const over = mock();
  const lines = new Unanswered({ over });
  lines.begin(1, "");
  lines.connection("lost");
  lines.connection("back");
  lines.leave(2);
  expect(over).not.toHaveBeenCalled();
});

test("/quit does not wait for ever, and a second one not at all", async () => {
  const over = Promise.withResolvers<void>();
  const lines = new Unanswered({ over: over.resolve, waitMs: 1 });
  lines.begin(1, "");
  lines.leave(2);
  await over.promise;
  expect(lines.size).toBe(1);
  const now = mock();
  const more = new Unanswered({ over: now });
  more.begin(1, "");
  more.leave(2);
  expect(now).not.toHaveBeenCalled();
  more.leave(3);
  expect(now).toHaveBeenCalledTimes(1);
});
