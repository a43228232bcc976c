// Which message somebody means who types, and what is known of the one that another message names.

import { describe, expect, test } from "bun:test";
import { MessageBook } from "../../../src/cli/chat/messages.ts";
import { LIMITS } from "../../../src/limits.ts";
import type { RoomName } from "../../../src/names.ts";
import type { MessageEntry } from "../../../src/protocol/messages.ts";

const self = "ann@paris";
const lobby = "#lobby";
const idOf = (number: number) => `0mjuohs0g${String(number).padStart(4, "0")}f00a41f7`;
const entry = (number: number, from: string, more: Partial<MessageEntry> = {}): MessageEntry => ({
  id: idOf(number),
  from,
  room: lobby as RoomName,
  kind: "text",
  text: `text ${number}`,
  at: number,
  ...more,
});

function book(): MessageBook {
  const messages = new MessageBook();
  messages.take(entry(1, "bob@lyon", { room: "#tea" as RoomName }));
  messages.take(entry(2, self));
  messages.take(entry(3, "cat@lyon"));
  messages.take(entry(4, self, { room: "#tea" as RoomName }));
  messages.take(entry(5, "cat@lyon", { kind: "reaction", about: idOf(2) }));
  return messages;
}

describe("a message is meant", () => {
  const saying = (name: "reply" | "react" | "edit" | "delete", which: string) =>
    book().saying({ name, args: [which, "x"] }, { self, room: lobby });

  test("by its author, whose last one it is, with or without the server", () => {
    for (const which of ["bob", "bob@lyon"])
      expect(saying("reply", which)).toEqual({
        room: "#tea",
        text: "x",
        options: { about: idOf(1) },
      });
  });

  test("by a nick alone: of one's own server, else the only one; not of one of several", () => {
    const messages = book();
    const reply = (which: string) =>
      messages.saying({ name: "reply", args: [which, "x"] }, { self, room: lobby }).options;
    expect(reply("BOB")).toEqual({ about: idOf(1) });
    messages.take(entry(6, "bob@nice"));
    expect(() => reply("bob")).toThrow("message bob: of whom? expected bob@lyon or bob@nice");
    expect(reply("bob@lyon")).toEqual({ about: idOf(1) });
    messages.take(entry(7, "bob@paris"));
    messages.take(entry(8, "bob@nice"));
    expect(reply("bob")).toEqual({ about: idOf(7) });
  });

  test("by ^: the last of others, or of one's own to edit and to delete", () => {
    expect(saying("react", "^").options).toEqual({ kind: "reaction", about: idOf(3) });
    expect(saying("reply", "^2").options).toEqual({ about: idOf(1) });
    expect(saying("edit", "^").options).toEqual({ kind: "edit", about: idOf(4) });
    expect(saying("delete", "^2").options).toEqual({ kind: "delete", about: idOf(2) });
  });

  test("by its id, in its room, or in the lobby where it was never shown", () => {
    expect(saying("reply", idOf(1))).toMatchObject({ room: "#tea", options: { about: idOf(1) } });
    expect(saying("reply", idOf(9))).toMatchObject({ room: lobby, options: { about: idOf(9) } });
  });

  for (const which of ["dan", "cat@paris", "^9", "^0"])
    test(`by ${which}, which is none, is refused`, () => {
      expect(() => saying("reply", which)).toThrow(
        expect.objectContaining({ code: "NO_SUCH_MESSAGE" }),
      );
    });
});

describe("a private message is meant", () => {
  const tell = (number: number, from: string, to: string) => {
    const { id, text, at } = entry(number, from);
    return { id, from, to, kind: "text" as const, text, at };
  };
  const messages = book();
  messages.take(tell(6, "bob@lyon", self));
  messages.takeTold(
    { to: "cat@lyon", text: "psst", options: {} },
    { id: idOf(7), at: 7, outcome: "delivered" },
    self,
  );
  const saying = (name: "reply" | "react" | "thread" | "edit", which: string) =>
    messages.saying({ name, args: [which, "x"] }, { self, room: lobby });

  test("and answered in private, by its author, ^ or its id, also one's own", () => {
    const answer = { to: "bob@lyon", text: "x", options: { about: idOf(6) } };
    for (const which of ["bob", "^", idOf(6)]) expect(saying("reply", which)).toEqual(answer);
    expect(saying("react", idOf(7))).toEqual({
      to: "cat@lyon",
      text: "x",
      options: { kind: "reaction", about: idOf(7) },
    });
  });

  test("by no command that is for rooms alone", () => {
    // Not the last one of a room in its place: what was meant for one person would be told to all.
    const refusal = "expected a message of a room, got a private one";
    for (const which of ["^", idOf(7)]) expect(() => saying("edit", which)).toThrow(refusal);
    for (const which of ["bob", "^"]) expect(() => saying("thread", which)).toThrow(refusal);
    expect(saying("edit", "^2")).toMatchObject({ options: { about: idOf(4) } });
    const inThread = { room: "#tea", options: { thread: idOf(1) } };
    expect(saying("thread", idOf(1))).toMatchObject(inThread);
  });

  test("and is known where another one is about it", () => {
    const answer = { ...tell(8, "cat@lyon", self), about: idOf(7) };
    expect(messages.take(answer)).toEqual({ from: self, at: 7, text: "psst" });
  });
});

test("of a room it is meant by who said it last there, by ^ and by its id", () => {
  const id = (which: string) => book().idIn("#Tea", which, { self });
  expect([id("^"), id("^2"), id("bob"), id("ann")]).toEqual([4, 1, 1, 4].map(idOf));
  expect(id(idOf(99))).toBe(idOf(99));
  for (const which of ["cat", "^3", "nonsense"])
    expect(() => id(which)).toThrow(/^message .*: no such message of .* was shown here$/);
});

test("the past is not the last that was said, though it was shown last", () => {
  const messages = book();
  messages.takePast([entry(0, "old@lyon"), entry(1, "bob@lyon"), entry(7, "x", { kind: "edit" })]);
  const { options } = messages.saying({ name: "reply", args: ["^", "x"] }, { self, room: lobby });
  expect(options).toEqual({ about: idOf(3) });
});

test("what a message is about is known as it is now; nothing is kept of what is deleted", () => {
  const messages = book();
  const edit = { kind: "edit", about: idOf(3), text: "new" } as const;
  expect(messages.take(entry(6, "cat@lyon", edit))).toMatchObject({ text: "text 3" });
  const answer = messages.take(entry(7, "bob@lyon", { about: idOf(3) }));
  expect(answer).toEqual({ from: "cat@lyon", at: 3, text: "new" });
  const deletion = messages.take(entry(8, "cat@lyon", { kind: "delete", about: idOf(3) }));
  expect(deletion).toEqual({ from: "cat@lyon", at: 3, text: "new" });
  expect(messages.take(entry(9, "bob@lyon", { about: idOf(3) }))).toBeUndefined();
  expect(messages.take(entry(10, "bob@lyon", { thread: idOf(2) }))).toMatchObject({ from: self });
});

test("a refusal names a message by what it says, where it was shown", () => {
  const refusal = (id: string) => book().named(`message ${id} in #lobby: it has been deleted`);
  expect(refusal(idOf(3))).toBe("cat@lyon “text 3” in #lobby: it has been deleted");
  expect(refusal(idOf(9))).toBe(`message ${idOf(9)} in #lobby: it has been deleted`);
});

test("the oldest are forgotten first", () => {
  const messages = new MessageBook();
  for (let i = 0; i <= LIMITS.messagesShownMax; i++) messages.take(entry(i, "bob@lyon"));
  const reaction = (about: string) => entry(0, "cat@lyon", { kind: "reaction", about });
  expect(messages.take(reaction(idOf(0)))).toBeUndefined();
  expect(messages.take(reaction(idOf(1)))).toBeDefined();
});
