// The words of a text: what people type finds what people wrote, in any script.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { hasPhrases, phrasesOf, wordsOf } from "../../../plugins/log-sqlite/words.ts";

describe("the words of a text", () => {
  const cases: readonly (readonly [text: string, words: string])[] = [
    ["Hello, World! don't", "hello world don t"],
    ["Crème Brûlée über Straße", "creme brulee uber straße"],
    ["Привет, Йод", "привет иод"],
    ["Ελλάδα", "ελλαδα"],
    ["İstanbul ISTANBUL", "istanbul istanbul"],
    ["a_b c++ e=mc²", "a b c e mc2"],
    ["ＡＢＣ １２", "abc 12"],
    ["你好世界 hello漢字", "你 好 世 界 hello 漢 字"],
    ["がカ", "が カ"],
    ["한국어 학교", "한국어 학교"],
    ["हिन्दी में", "हिन्दी में"],
    ["🎉 party!", "🎉 party"],
    ["\ud800 - _ *", ""],
    ["", ""],
  ];
  for (const [text, words] of cases)
    test(`of "${text}" are "${words}"`, () => expect(wordsOf(text).join(" ")).toBe(words));

  test("are the same of the words themselves, and hold nothing that SQLite would cut", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (text) => {
        const words = wordsOf(text);
        expect(wordsOf(words.join(" "))).toEqual(words);
        for (const one of words) expect(one).toMatch(/^[a-z0-9\u0080-\u{10ffff}]{1,64}$/u);
      }),
    );
  });
});

describe("what is looked for", () => {
  test("is words, phrases in quotes, and beginnings with a star", () => {
    expect(phrasesOf('foo "Bar baz" qu* quu* don\'t')).toEqual([
      { words: ["foo"], prefix: false },
      { words: ["bar", "baz"], prefix: false },
      { words: ["qu"], prefix: false },
      { words: ["quu"], prefix: true },
      { words: ["don", "t"], prefix: false },
    ]);
    expect(phrasesOf('"not closed')).toEqual([{ words: ["not", "closed"], prefix: false }]);
    expect(phrasesOf(' "" * () - ')).toEqual([]);
  });

  test("is found in every text that has it", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(text, text, text, (before, part, after) => {
        const phrases = phrasesOf(part.replaceAll('"', " ").replaceAll("*", " "));
        expect(hasPhrases(`${before} ${part} ${after}`, phrases)).toBe(true);
      }),
    );
  });

  test("is not found where a word is missing, or in another order than in quotes", () => {
    expect(hasPhrases("the quick fox", phrasesOf("quick wolf"))).toBe(false);
    expect(hasPhrases("the quick fox", phrasesOf('"fox quick"'))).toBe(false);
    expect(hasPhrases("the quick fox", phrasesOf("qui*"))).toBe(true);
    expect(hasPhrases("the quick fox", phrasesOf("qui"))).toBe(false);
  });
});
