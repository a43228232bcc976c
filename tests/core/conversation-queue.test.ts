// The queue of private messages on their way to the disk: who waits for what, and for how long.

import { expect, test } from "bun:test";
import { createConversationQueue } from "../../src/core/conversation-queue.ts";
import type { Conversations, KeptMessage } from "../../src/plugin.ts";
import { ManualClock, keepLog } from "../net/parts.ts";

const kept = (id: string): KeptMessage => ({
  account: "ann",
  other: "bob@paris",
  message: { id, from: "ann@paris", to: "bob@paris", kind: "text", text: "hello", at: 1 },
});

test("who waits does so for what was told before, and not for what comes meanwhile", async () => {
  const written: string[] = [];
  const busy = Promise.withResolvers<void>();
  const store = {
    async keep(rows: readonly KeptMessage[]) {
      await Promise.resolve();
      written.push(...rows.map(({ message }) => message.id));
      // In a busy place something has come whenever a write is over.
      if (written.length < 100) queue.keep(kept(`later ${written.length}`));
      else await busy.promise;
    },
  } as Partial<Conversations> as Conversations; // nothing else is asked here
  const queue = createConversationQueue({ clock: new ManualClock(), log: keepLog() }, () => store);
  queue.keep(kept("1"));
  queue.keep(kept("2"));
  await queue.caughtUp();
  expect(written.slice(0, 2)).toEqual(["1", "2"]);
  expect(written.length).toBeLessThan(10);
  busy.resolve();
});
