// What people are shown of what has failed, and of a connection that is lost.

import { expect, test } from "bun:test";
import { createTextWriter } from "../../../src/cli/chat/text.ts";

const write = createTextWriter({ colours: false, self: () => "ann@paris" });

test("an error says which line was not said", () => {
  const error = { event: "error", ref: 1, code: "PLUGIN_FAILED", text: "it failed" } as const;
  expect(write({ ...error, line: "roll\u001b" })).toBe('!! "roll␛": it failed (PLUGIN_FAILED)');
});

test("a transfer that came to nothing is named by its file and the other side", () => {
  const error = {
    event: "error",
    number: 9,
    transfer: "x",
    code: "X",
    text: "no",
    name: "a",
  } as const;
  expect(write({ ...error, to: "bob@lyon" })).toBe("!! 9: a to bob@lyon: no (X)");
  expect(write({ ...error, from: "bob@lyon" })).toBe("!! 9: a from bob@lyon: no (X)");
});

test("of a server that does not let one in again it is said why, and what helps", () => {
  const refused = { event: "connection", state: "refused" } as const;
  const lines = [
    { ...refused, code: "NICK_IN_USE", text: "nick ann: somebody is here under it" },
    { ...refused, code: "SERVER_FULL", text: "too many people" },
  ].map((shown) => write(shown));
  expect(lines).toEqual([
    "-- ann is taken by somebody else; /nick ANOTHER",
    "-- the server does not let you in: too many people; trying again",
  ]);
});
