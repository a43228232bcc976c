// Up to where a room is read, as people are told.

import { expect, test } from "bun:test";
import { createTextWriter } from "../../../src/cli/chat/text.ts";

test("up to where a room is read is told to who asked, by what was said", () => {
  const write = createTextWriter({ colours: false, self: () => "ann@paris" });
  const of = { from: "bob@lyon", at: new Date(2020, 0, 2, 3, 4).getTime(), text: "hi" };
  const read = { event: "read", room: "#tea", id: "7", of } as const;
  expect(write({ ...read, ref: 1 })).toBe("-- #tea is read up to 2020-01-02 03:04 bob@lyon “hi”");
  // Another session has read: that is its business.
  expect(write(read)).toBe("");
});
