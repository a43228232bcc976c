// Private messages, as people are told: as they come and go, and what is kept of them.

import { expect, test } from "bun:test";
import type { Shown } from "../../../src/cli/chat/shown.ts";
import { createTextWriter } from "../../../src/cli/chat/text.ts";
import { LIMITS } from "../../../src/limits.ts";

const write = createTextWriter({ colours: false, self: () => "ann@paris" });

test("what was kept stands under a heading of its own", () => {
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

test("a conversation is shown as it was told, and so is what is found in it", () => {
  const at = Date.now();
  const told = {
    id: "1",
    from: "ann@paris",
    to: "bob@lyon",
    kind: "text",
    text: "tea?",
    at,
  } as const;
  const answer = { ...told, id: "2", from: "bob@lyon", to: "ann@paris", text: "yes", about: "1" };
  const gone = { ...answer, id: "3", kind: "delete", text: "", about: "0" } as const;
  const page = { event: "conversation", ref: 1, with: "bob@lyon" } as const;
  const plain = (shown: Shown) =>
    write(shown)
      .replaceAll(/^\d\d:\d\d /gm, "")
      .split("\n");
  expect(plain({ ...page, messages: [told, answer, gone] })).toEqual([
    "you → bob@lyon: tea?",
    "bob@lyon → you (to ann@paris “tea?”): yes",
    "-- bob@lyon has deleted a message",
    "-- so far with bob@lyon",
  ]);
  expect(plain({ ...page, messages: [] })).toEqual([
    "-- nothing is kept of what you and bob@lyon said",
  ]);
  expect(plain({ ...page, messages: [told], text: "tea" }).at(-1)).toBe("-- 1 found");
  const many = Array.from({ length: LIMITS.searchMax }, () => told);
  const more = `-- ${LIMITS.searchMax} found; more: the same with before:1`;
  expect(plain({ ...page, messages: many, text: "tea" }).at(-1)).toBe(more);
  expect(plain({ ...page, messages: [], text: "tea" })).toEqual(["-- nothing is found"]);
  const conversations = [{ with: "bob@lyon", message: told }];
  const list = plain({ event: "conversations", ref: 1, conversations, next: "1" });
  expect(list[0]).toMatch(/^-- bob@lyon, \d/);
  expect(list.slice(1)).toEqual(["-- more: /conversations 1"]);
  expect(plain({ event: "forgotten", ref: 1, with: "bob@lyon", messages: 2 })).toEqual([
    "-- forgotten: 2 messages of what you and bob@lyon said; not their copy",
  ]);
});

test("an action and a notice look the same in private as in rooms", () => {
  const ack = { event: "ack", ref: 1, to: "bob@lyon", at: 2, outcome: "delivered" } as const;
  expect(write({ ...ack, text: "waves", kind: "action" })).toEndWith("* you → bob@lyon waves");
  expect(write({ ...ack, text: "beep", kind: "notice" })).toEndWith(" you → bob@lyon!: beep");
  const told = { event: "private", id: "2", from: "bob@lyon", to: "ann@paris", at: 2 } as const;
  expect(write({ ...told, kind: "action", text: "nods" })).toEndWith("* bob@lyon → you nods");
  expect(write({ ...told, kind: "notice", text: "boop" })).toEndWith(" bob@lyon → you!: boop");
});

test("private answers and reactions show what they are about", () => {
  const of = { from: "bob@lyon", at: 1, text: "tea?" };
  const ack = { event: "ack", ref: 1, to: "bob@lyon", at: 2, outcome: "delivered" } as const;
  expect(write({ ...ack, text: "yes", about: "1", of })).toEndWith(
    "you → bob@lyon (to bob@lyon “tea?”): yes",
  );
  expect(write({ ...ack, text: "👍", kind: "reaction", about: "1", of })).toBe(
    "-- ann@paris: 👍 to bob@lyon “tea?”",
  );
  const told = { event: "private", id: "2", from: "bob@lyon", to: "ann@paris", at: 2 } as const;
  expect(write({ ...told, kind: "text", text: "hi", about: "1", of })).toEndWith(
    "bob@lyon → you (to bob@lyon “tea?”): hi",
  );
  expect(write({ ...told, kind: "unreaction", text: "👍", about: "1" })).toBe(
    "-- bob@lyon takes 👍 back from a message",
  );
});
