// Private messages that were kept until a login, as people are told.

import { expect, test } from "bun:test";
import { createTextWriter } from "../../../src/cli/chat/text.ts";

test("what was kept stands under a heading of its own", () => {
  const write = createTextWriter({ colours: false, self: () => "ann@paris" });
  const at = new Date(2020, 0, 2, 3, 4).getTime();
  const now = { event: "private", id: "1", from: "bob@lyon", to: "ann@paris", at } as const;
  const told = { ...now, kind: "text", text: "hi" } as const;
  const kept = { ...told, late: true } as const;
  const line = "2020-01-02 03:04 bob@lyon → you: hi";
  expect([kept, kept, told, kept].map(write)).toEqual([
    `-- kept for you:\n${line}`,
    line,
    line,
    `-- kept for you:\n${line}`,
  ]);
});
