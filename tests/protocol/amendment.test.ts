// What is done to messages: what each kind must be, and that what comes of all of them does not
// depend on the order in which they come.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LIMITS } from "../../src/limits.ts";
import type { RoomName } from "../../src/names.ts";
import { applied, authorOf, checkKind } from "../../src/protocol/amendment.ts";
import type { MessageEntry, PastEntry } from "../../src/protocol/messages.ts";

const room = "#lobby" as RoomName;
const ana = { from: "ana@paris", account: "ana" };
const bob = { from: "bob@lyon" };
const mod = { from: "mod@paris", account: "mod" };
const mayDelete = ({ account }: Pick<MessageEntry, "account">) => account === "mod";

let number = 0;
const message = (more: Partial<MessageEntry>): MessageEntry => ({
  id: String(++number).padStart(9, "0"),
  ...ana,
  room,
  kind: "text",
  text: "hello",
  at: number,
  ...more,
});
const about = (target: MessageEntry, more: Partial<MessageEntry>) =>
  message({ about: target.id, ...more });
const only = (target: MessageEntry, ...amendments: readonly MessageEntry[]): PastEntry =>
  applied([target], amendments, mayDelete)[0]!;

describe("an edit", () => {
  test("of the author counts, whatever his nick is by now; the last one counts", () => {
    const target = message({});
    const edits = [
      about(target, { kind: "edit", text: "one", from: "anna@paris" }),
      about(target, { kind: "edit", text: "two" }),
    ];
    const edited = { text: "two", at: edits[1]!.at };
    expect(only(target, ...edits)).toEqual({ ...target, edited });
    expect(only(target, ...edits.toReversed())).toEqual({ ...target, edited });
  });

  test("of anybody else does not: an account of that name elsewhere, a guest of the nick", () => {
    const target = message({});
    const others = [bob, mod, { from: "ana@lyon", account: "ana" }, { from: "ana@paris" }];
    for (const other of others)
      expect(
        only(target, about(target, { kind: "edit", account: undefined, ...other } as object)),
      ).toEqual(target);
  });
});

describe("a deletion", () => {
  test("of the author, or of one who may, takes the text, and all that was done to it", () => {
    for (const by of [ana, mod]) {
      const target = message({});
      const edit = about(target, { kind: "edit", text: "again" });
      const reaction = about(target, { kind: "reaction", text: "👍" });
      const deletion = about(target, { ...by, kind: "delete", text: "" });
      const deleted = { ...target, text: "", deleted: true } as const;
      expect(only(target, deletion, edit, reaction)).toEqual(deleted);
    }
  });

  test("of another one does nothing", () => {
    const target = message({});
    expect(only(target, about(target, { ...bob, account: "bob", kind: "delete" }))).toEqual(target);
  });
});

describe("reactions", () => {
  test("are counted once for each person, and the most frequent come first", () => {
    const target = message({});
    const said = [
      about(target, { kind: "reaction", text: "👍" }),
      about(target, { kind: "reaction", text: "👍", from: "anna@paris" }),
      about(target, { kind: "reaction", text: "ok", ...bob, account: "b" }),
      about(target, { kind: "reaction", text: "ok" }),
    ];
    expect(only(target, ...said).reactions).toEqual([
      { text: "ok", count: 2, by: ["bob@lyon", "ana@paris"] },
      { text: "👍", count: 1, by: ["anna@paris"] },
    ]);
  });

  test("that were taken back are gone, and can be given again", () => {
    const target = message({});
    const on = about(target, { kind: "reaction", text: "👍" });
    const off = about(target, { kind: "unreaction", text: "👍" });
    const again = about(target, { kind: "reaction", text: "👍" });
    expect(only(target, off, on).reactions).toBeUndefined();
    expect(only(target, again, off, on).reactions).toMatchObject([{ count: 1 }]);
  });

  test("of many people and kinds are told as far as there is room, with the whole number", () => {
    const target = message({});
    const crowd = Array.from({ length: LIMITS.reactionNamesMax + 5 }, (_, i) =>
      about(target, { kind: "reaction", text: "👍", account: `a${i}` }),
    );
    const kinds = Array.from({ length: LIMITS.reactionsShownMax + 5 }, (_, i) =>
      about(target, { kind: "reaction", text: `r${i}` }),
    );
    const { reactions = [] } = only(target, ...crowd, ...kinds);
    expect(reactions).toHaveLength(LIMITS.reactionsShownMax);
    expect(reactions[0]).toMatchObject({ text: "👍", count: LIMITS.reactionNamesMax + 5 });
    expect(reactions[0]!.by).toHaveLength(LIMITS.reactionNamesMax);
  });
});

test("what comes of them is the same in whatever order they came", () => {
  const people = fc.constantFrom<Partial<MessageEntry>[]>(ana, bob, mod, {
    from: "ana@lyon",
    account: "ana",
  });
  const kinds = fc.constantFrom("reaction", "unreaction", "edit", "delete", "text");
  const one = fc.record({ who: people, kind: kinds, text: fc.constantFrom("👍", "ok", "x") });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 12 }), fc.boolean(), fc.gen(), (all, isTwo, gen) => {
      const targets = [message({}), message({ from: bob.from, account: "b" })];
      const done = all.map(({ who, ...what }, i) =>
        about(targets[isTwo ? i % 2 : 0]!, { ...who, ...what }),
      );
      const shuffled = gen(fc.shuffledSubarray, done, { minLength: done.length });
      expect(applied(targets, shuffled, mayDelete)).toEqual(applied(targets, done, mayDelete));
    }),
  );
});

test("what was done to a reaction, an edit or a deletion does nothing", () => {
  const edit = message({ kind: "edit", about: "x" });
  expect(only(edit, about(edit, { kind: "edit", text: "no" }))).toEqual(edit);
});

test("an author is an account of a server, or a guest's address", () => {
  const names = [ana, { from: "anna@paris", account: "ana" }].map(authorOf);
  expect(names[0]).toBe(names[1]);
  const others = [{ from: "ana@paris" }, { from: "ana@lyon", account: "ana" }, bob].map(authorOf);
  expect(new Set([...names, ...others]).size).toBe(4);
});

describe("a message of a kind", () => {
  const long = "x".repeat(LIMITS.reactionBytesMax + 1);
  const reason = "x".repeat(LIMITS.reasonBytesMax + 1);
  const cases: readonly [object, string | undefined][] = [
    [{ kind: "text", text: "hi" }, undefined],
    [{ kind: "action", text: "waves", about: "x", thread: "y" }, undefined],
    [{ kind: "text", text: "" }, "TEXT_INVALID"],
    [{ kind: "reaction", text: "👍" }, "BAD_REQUEST"],
    [{ kind: "reaction", text: "👍", about: "x" }, undefined],
    [{ kind: "reaction", text: "👍", about: "x", thread: "y" }, "BAD_REQUEST"],
    [{ kind: "reaction", text: "two words", about: "x" }, "TEXT_INVALID"],
    [{ kind: "unreaction", text: "", about: "x" }, "TEXT_INVALID"],
    [{ kind: "reaction", text: "a\u0007", about: "x" }, "TEXT_INVALID"],
    [{ kind: "reaction", text: long, about: "x" }, "TEXT_TOO_LONG"],
    [{ kind: "edit", text: "better" }, "BAD_REQUEST"],
    [{ kind: "edit", text: "", about: "x" }, "TEXT_INVALID"],
    [{ kind: "edit", text: "better", about: "x" }, undefined],
    [{ kind: "delete", text: "", about: "x" }, undefined],
    [{ kind: "delete", text: "spam", about: "x" }, undefined],
    [{ kind: "delete", text: reason, about: "x" }, "TEXT_TOO_LONG"],
    [{ kind: "delete", text: "" }, "BAD_REQUEST"],
  ];
  for (const [what, code] of cases)
    test(`${JSON.stringify(what).slice(0, 80)} is ${code ?? "one"}`, () => {
      expect(checkKind(what as MessageEntry)?.code).toBe(code as never);
    });
});
