// What the console need not print again, since an event has told it.

import { expect, test } from "bun:test";
import { createTold } from "../../src/cli/told.ts";
import { parseServerName } from "../../src/names.ts";
import type { Answer, ServerEvent } from "../../src/serve.ts";

const server = parseServerName("paris");
const fusion = ["lyon", "paris"];
const merged: ServerEvent = { event: "merged", server, with: "lyon", servers: ["lyon"], fusion };
const alone: ServerEvent = { event: "split", server, lost: ["lyon"], fusion: ["paris"] };
const answer = (state: string, of: readonly string[] = fusion): Answer => ({
  text: state,
  data: { state, server: "lyon", fusion: of },
});

test.each<[string, ServerEvent, Answer, boolean]>([
  ["a merge", merged, answer("merged"), true],
  ["a merge that has joined others", merged, answer("merged", ["lyon", "nice", "paris"]), false],
  ["a dry run", merged, answer("possible"), false],
  ["an unmerge", alone, answer("unmerged", ["paris"]), true],
  [
    "an unmerge by which nobody went",
    { event: "link", state: "lost", server: "lyon", text: "ended" },
    answer("unmerged"),
    true,
  ],
  [
    "a link in reserve",
    { event: "link", state: "standby", server: "lyon", text: "kept" },
    answer("standby"),
    true,
  ],
  [
    "another link in reserve",
    { event: "link", state: "standby", server: "nice", text: "kept" },
    answer("standby"),
    false,
  ],
  ["a refusal", { event: "refused", code: "SELF", text: "x" }, { code: "SELF", text: "x" }, true],
  [
    "another one",
    { event: "refused", code: "SELF", text: "y" },
    { code: "SELF", text: "x" },
    false,
  ],
  ["what no event tells", merged, { text: "said" }, false],
])("%s", (_, event, given, isTold) => {
  const told = createTold();
  told.begin();
  told.event(event);
  expect(told.covers(given)).toBe(isTold);
  told.begin(); // what was told before a command began is not its answer
  expect(told.covers(given)).toBe(false);
});
