// The line that is being typed, key by key.

import { describe, expect, test } from "bun:test";
import { Editor, type Key } from "../../../src/cli/chat/editor.ts";
import { LIMITS } from "../../../src/limits.ts";

function type(editor: Editor, ...keys: readonly (string | Key)[]): Editor {
  for (const key of keys) {
    if (typeof key === "string") for (const one of key) editor.key(one, { name: one });
    else editor.key(undefined, key);
  }
  return editor;
}

/** A terminal's paste, key by key. */
function paste(editor: Editor, text: string) {
  editor.key(undefined, { name: "paste-start" });
  for (const key of text) editor.key(key, { name: key === "\r" ? "return" : key });
  return editor.key(undefined, { name: "paste-end" });
}

const ctrl = (name: string): Key => ({ name, ctrl: true });
const meta = (name: string): Key => ({ name, meta: true });
const left = { name: "left" };
const enter = { name: "return" };

describe("editing", () => {
  const rows: readonly (readonly [string, readonly (string | Key)[], string])[] = [
    ["types at the cursor", ["ac", left, "b"], "ab|c"],
    [
      "deletes before and under the cursor",
      ["abcd", left, left, { name: "backspace" }, { name: "delete" }],
      "a|d",
    ],
    ["goes to both ends", ["bc", ctrl("a"), "a", ctrl("e"), "d"], "abcd|"],
    ["goes by words", ["one two", meta("b"), "x"], "one x|two"],
    ["kills a word, and puts it back", ["one two ", ctrl("w"), "x ", ctrl("y")], "one x two |"],
    ["kills to the end", ["one two", meta("b"), ctrl("k")], "one |"],
    ["kills to the beginning", ["one two", meta("b"), ctrl("u")], "|two"],
    ["takes an emoji of many code points as one", ["a👩‍👩‍👧b", left, left], "a|👩‍👩‍👧b"],
    ["takes a mark with its letter", ["e\u0301", { name: "backspace" }], "|"],
  ];
  for (const [name, keys, expected] of rows) {
    test(name, () => {
      const editor = type(new Editor(), ...keys);
      expect(`${editor.before}|${editor.after}`).toBe(expected);
    });
  }

  test("what stands around the cursor is told in whole characters", () => {
    const couple = "👩🏽‍❤️‍💋‍👩🏽";
    const editor = new Editor();
    editor.key(couple.repeat(4), {});
    type(editor, left, left);
    expect(editor.around(1)).toEqual({ before: couple, after: couple });
    expect(editor.around(9)).toEqual({ before: couple + couple, after: couple + couple });
  });

  test("Ctrl-C clears a line first, and is meant on an empty one", () => {
    const editor = type(new Editor(), "abc");
    expect(editor.key(undefined, ctrl("c"))).toEqual({ type: "changed" });
    expect(editor.text).toBe("");
    expect(editor.key(undefined, ctrl("c"))).toEqual({ type: "interrupt" });
  });

  test("Ctrl-D deletes in a line, and ends on an empty one", () => {
    const editor = type(new Editor(), "ab", left);
    expect(editor.key(undefined, ctrl("d"))).toEqual({ type: "changed" });
    expect(editor.text).toBe("a");
    type(editor, ctrl("u"));
    expect(editor.key(undefined, ctrl("d"))).toEqual({ type: "end" });
  });

  test("keys that mean nothing here change nothing", () => {
    const editor = type(new Editor(), "abc");
    for (const key of [{ name: "f5" }, ctrl("q"), meta("z"), { name: "escape" }]) {
      expect(editor.key("\u001b", key)).toEqual({ type: "none" });
    }
    expect(editor.text).toBe("abc");
  });

  test("a pasted line end is a part of the text and sends nothing", () => {
    const editor = new Editor();
    expect(paste(editor, "one\r\t2\r\n3\n\n")).toEqual({ type: "changed" });
    expect(editor.text).toBe("one\n\t2\n3\n\n");
    expect(editor.key(undefined, enter)).toEqual({ type: "line", line: "one\n\t2\n3" });
  });

  test("a paste of line ends is sent at once", () => {
    const [editor, text] = [new Editor(), `${"\n".repeat(60_000)}x`];
    paste(editor, text);
    const before = performance.now();
    expect(editor.key(undefined, enter)).toEqual({ type: "line", line: text });
    expect(performance.now() - before).toBeLessThan(1500); // all of them again from each: 3 s
  });

  test("a paste is one change at its end, and all of it is refused where it is too long", () => {
    const editor = type(new Editor(), "ad", left);
    editor.key(undefined, { name: "paste-start" });
    for (const key of "bc") expect(editor.key(key, { name: key })).toEqual({ type: "none" });
    expect(editor.text).toBe("ad");
    expect(editor.key(undefined, { name: "paste-end" })).toEqual({ type: "changed" });
    expect([editor.text, editor.first]).toEqual(["abcd", "a"]);
    expect(paste(editor, "x".repeat(LIMITS.lineBytesMax + 1))).toEqual({ type: "refused" });
    expect(paste(editor, "!")).toEqual({ type: "changed" });
    expect(editor.text).toBe("abc!d");
  });

  test("a paste whose end is lost is ended by Ctrl-C, once nothing of it comes any more", () => {
    const editor = type(new Editor(), "a");
    editor.key(undefined, { name: "paste-start" });
    editor.key("b", { name: "b" });
    const end = { ...ctrl("c"), sequence: "\u0003" };
    expect(editor.key(undefined, end, LIMITS.pasteStillMs - 1)).toEqual({ type: "none" });
    expect(editor.key("c", { name: "c" }, LIMITS.pasteStillMs)).toEqual({ type: "none" });
    expect(editor.key(undefined, end, LIMITS.pasteStillMs)).toEqual({ type: "changed" });
    expect(editor.text).toBe("ab\u0003c");
    expect(editor.key(undefined, enter)).toEqual({ type: "line", line: "ab\u0003c" });
  });

  test("a line takes no more than its bytes", () => {
    const editor = new Editor();
    expect(editor.key("x".repeat(LIMITS.lineBytesMax), {})).toEqual({ type: "changed" });
    expect(editor.key("y", { name: "y" })).toEqual({ type: "refused" });
    expect(editor.text.length).toBe(LIMITS.lineBytesMax);
  });
});

describe("the history", () => {
  test("goes back and forth, and gives the draft back", () => {
    const editor = type(new Editor(), "one", enter, "two", enter, "draft");
    const seen = ["up", "up", "up", "down", "down", "down"].map((name) => {
      type(editor, { name });
      return editor.text;
    });
    expect(seen).toEqual(["two", "one", "one", "two", "draft", "draft"]);
  });

  test("keeps neither blanks nor the same line twice in a row, and not for ever", () => {
    const editor = type(new Editor(), "a", enter, "a", enter, "  ", enter, { name: "up" });
    expect(editor.text).toBe("a");
    type(editor, { name: "up" });
    expect(editor.text).toBe("a");
    for (let i = 0; i < LIMITS.inputHistoryMax + 5; i++) type(editor, `${i}`, enter);
    for (let i = 0; i < LIMITS.inputHistoryMax + 50; i++) type(editor, { name: "up" });
    expect(editor.text).toBe("5");
  });
});
