// Security H1: what people write is shown on one line, and the terminal obeys none of it.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { visible } from "../../src/names.ts";
import { list } from "./list.ts";

/** What a terminal would act upon, each with its ESC, BEL, ST or C1 bytes. */
const sequences = [
  // colours and styles
  ...list(`\x1b[31m|\x1b[0m|\x1b[1;31;40m|\x1b[38;2;1;2;3m|\x1b[8m|\x1b[7m|\x1b[m|\x1b[38:5:1m`),
  // moving the cursor
  ...list(`\x1b[A|\x1b[1A|\x1b[99B|\x1b[5C|\x1b[D|\x1b[E|\x1b[F|\x1b[G|\x1b[H|\x1b[1;1H|\x1b[2;2f`),
  ...list(`\x1b[s|\x1b[u|\x1b7|\x1b8|\x1bD|\x1bE|\x1bM|\x1bH|\x1b[d|\x1b[6n|\x1b[I|\x1b[Z`),
  // erasing, inserting, scrolling
  ...list(`\x1b[J|\x1b[2J|\x1b[3J|\x1b[K|\x1b[1K|\x1b[L|\x1b[M|\x1b[P|\x1b[@|\x1b[X|\x1b[S|\x1b[T`),
  ...list(`\x1b[1;5r|\x1b#8|\x1bc|\x1b[!p|\x1b[b|\x1b[20h|\x1b[4h`),
  // modes: screens, mouse, paste, cursor
  ...list(`\x1b[?1049h|\x1b[?1049l|\x1b[?25l|\x1b[?1000h|\x1b[?1006h|\x1b[?2004h|\x1b[?5h`),
  ...list(`\x1b[?7l|\x1b[?2026h|\x1b[?1004h|\x1b=|\x1b>|\x1b[?47h|\x1b[ q`),
  // questions whose answers are typed into the shell
  ...list(`\x1b[c|\x1b[>c|\x1b[=c|\x1b[5n|\x1b[?6n|\x1bZ|\x05|\x1b[18t|\x1b[21t|\x1b[>q`),
  ...list(`\x1bP$qm\x1b\\|\x1bP+q544e\x1b\\|\x1b]10;?\x07|\x1b]4;0;?\x1b\\`),
  // titles, links, clipboard, notifications, files
  ...list(`\x1b]0;title\x07|\x1b]2;title\x1b\\|\x1b]1;x\x07|\x1b]l\x1b\\|\x1b[22t|\x1b[3;1;1t`),
  ...list(`\x1b]8;;http://x.example\x07a\x1b]8;;\x07|\x1b]8;id=1;file:///x\x1b\\`),
  ...list(`\x1b]52;c;YWJj\x07|\x1b]52;c;?\x1b\\|\x1b]9;note\x07|\x1b]777;notify;a;b\x07`),
  ...list(`\x1b]1337;File=inline=1:AA==\x07|\x1b]50;font\x07|\x1b]7;file://h/x\x07|\x1b]133;A\x07`),
  ...list(`\x1bPq#0;2;0;0;0~\x1b\\|\x1b_Gf=24;AAAA\x1b\\|\x1b^private\x1b\\|\x1bXstring\x1b\\`),
  // character sets
  ...list(`\x0e|\x0f|\x1b(0|\x1b)0|\x1b*B|\x1b%G|\x1b%@|\x1bn|\x1bo|\x1bN|\x1bO|\x1b(B`),
  // 8-bit controls, as UTF-8 brings them
  ...list(
    `\x9b31m|\x9b2J|\x9d0;title\x9c|\x9d52;c;YQ==\x9c|\x90q\x9c|\x9fG\x9c|\x9ex\x9c|\x98x\x9c`,
  ),
  ...list(`\x84|\x85|\x88|\x8d|\x8e|\x8f|\x9a|\x80|\x9c|\x9d\x07`),
  // hidden in each other, cut short, repeated
  ...list(`\x1b[\x1b[31m|\x1b[3\x181m|\x1b]0;a\x1b]0;b\x07|\x1b[999999999999A|\x1b[;;;;;;m`),
  ...list(`\x1b[31\nm|\x1b\x9b31m|\x1b]0;\x9c|\x1b[200~\x1b[201~|\x1b[0;0;0u|\x1b]104\x07|\x1b(A`),
  // halves, as they stand at the end of one message and the beginning of the next
  ...list(`\x1b|\x1b[|\x1b]|\x1b]0;|\x1bP|\x1b[?|\x1b[1;|\x9b|\x9d|\x1b\x1b|\x1b]8;;|\x1b_`),
];
/** No sequences, but acted upon all the same. */
const controls = [
  ...list(`\0|\x01|\x02|\x03|\x04|\x06|\x07|\x08|\t|\n|\v|\f|\r|\x10|\x11|\x12|\x13|\x14|\x15`),
  ...list(`\x16|\x17|\x18|\x19|\x1a|\x1c|\x1d|\x1e|\x1f|\x7f|\r\n|\b\b\b|a\rb|\n\n\n`),
];
/** Not drawn, or drawn elsewhere than they stand. */
const invisible = [
  ...list(`\u202a|\u202b|\u202c|\u202d|\u202e|\u2066|\u2067|\u2068|\u2069|\u200e|\u200f|\u061c`),
  ...list(`\u200b|\u200c|\u200d|\u2060|\u2061|\u2062|\u2063|\u2064|\ufeff|\u00ad|\u180e|\u034f`),
  ...list(`\u2028|\u2029|\u115f|\u1160\u3164|\u3164|\uffa0|\u17b4|\ufff9|\ufffa|\ufffb|\u206a`),
  ...list(`\u{e0001}|\u{e0020}|\u{e007f}|\ufe00|\ufe0f|\u{e0100}|\u{1d173}|\ufdd0|\uffff`),
  ...list(`\u{1fffe}|\ud800|\udfff|\u180b|\u2065|\ufff0`),
];
const all = [...sequences, ...controls, ...invisible];

const obeyed =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\u061c\ufeff]/u;

/** What may stand in a shown text although it is invisible: what was left in its place. */
const kept: readonly string[] = [
  ...list(`
    a|hello, world!|  two  blanks |~|\u00a0|\u3000|—|…|<U+202E>|Zoë|e\u0301|Привет|
    \u05e9\u05dc\u05d5\u05dd|\u0645\u0631\u062d\u0628\u0627|日本語|한국어|नमस्ते|สวัสดี|தமிழ்|
    a\u0301\u0323\u0302|\u05d1\u05bc\u05b8|🙂|👍🏽|❤\ufe0f|1\ufe0f\u20e3|☎\ufe0e|🇫🇷|👩\u200d💻|
    👩🏽\u200d💻|👨\u200d👩\u200d👧\u200d👦|🏳\ufe0f\u200d🌈|❤\ufe0f\u200d🔥|
    👁\ufe0f\u200d🗨\ufe0f|🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}|葛\u{e0100}|
    \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645|\u0d28\u0d4d\u200d\u0d2e|\ue0b0|
    \u0dc1\u0dca\u200d\u0dbb\u0dd3|\u0915\u094d\u200d\u0937|\u0600\u0661|\u06dd|␛[31m|\\x1b[31m`),
  "",
  "a" + "\u0301\u0316".repeat(4),
  "🎉".repeat(50),
];

const shown: readonly (readonly [given: string, shown: string])[] = [
  ["\x1b[31mred\x1b[0m", "␛[31mred␛[0m"],
  ["a\nb", "a␊b"],
  ["a\r\nb", "a␍␊b"],
  ["a\tb", "a␉b"],
  ["\0", "␀"],
  ["\x7f", "␡"],
  ["\x07", "␇"],
  ["\x9b31m", "<U+009B>31m"],
  ["\x85", "<U+0085>"],
  ["abc\u202edef", "abc<U+202E>def"],
  ["\u200b", "<U+200B>"],
  ["a\u200db", "a<U+200D>b"],
  ["a\u2028b", "a<U+2028>b"],
  ["\u{e0041}", "<U+E0041>"],
  ["\ud83d", "<U+D83D>"],
  ["\ud83dx\ude42", "<U+D83D>x<U+DE42>"],
  ["👩\u200d", "👩<U+200D>"],
  ["\u200d👩", "<U+200D>👩"],
  ["a\u200c\u0645", "a<U+200C>\u0645"],
  ["\u0645\u200c\u200c\u0645", "\u0645<U+200C><U+200C>\u0645"],
  ["a\ufe0f", "a<U+FE0F>"],
  ["1\ufe0f\ufe0f", "1\ufe0f<U+FE0F>"],
  ["🏴\u{e0067}", "🏴<U+E0067>"],
  ["\u0301", "◌\u0301"],
  ["\u0301a", "◌\u0301a"],
  ["\u20dd", "◌\u20dd"],
  [`a${"\u0301".repeat(8)}`, `a${"\u0301".repeat(8)}`],
  [`a${"\u0301".repeat(9)}`, `a${"\u0301".repeat(8)}<+1 marks>`],
  [`a${"\u0301".repeat(1000)}b`, `a${"\u0301".repeat(8)}<+992 marks>b`],
  ["\u0e49".repeat(12), `◌${"\u0e49".repeat(8)}<+4 marks>`],
  [
    `a${"\u0301".repeat(9)}b${"\u0316".repeat(10)}`,
    `a${"\u0301".repeat(8)}<+1 marks>b${"\u0316".repeat(8)}<+2 marks>`,
  ],
  [`가${"\u11a8".repeat(11)}`, `가${"\u11a8".repeat(8)}<+3 marks>`],
  [`a${"\u034f".repeat(2)}`, "a<U+034F><U+034F>"],
];

describe("a text on a terminal", () => {
  test("has at least 150 sequences to be safe from", () => {
    expect(new Set(all).size).toBe(all.length);
    expect(sequences.length).toBeGreaterThanOrEqual(150);
  });

  test("has none of its characters obeyed, alone, inside words, or split over two texts", () => {
    for (const sequence of all) {
      for (const text of [sequence, `a${sequence}b`, `${sequence}${sequence}`, `é${sequence}日`]) {
        const line = visible(text);
        expect(line).not.toMatch(obeyed);
        expect(line).not.toBe(text);
        expect(visible(line)).toBe(line);
      }
      for (let at = 0; at <= sequence.length; at++) {
        const line = visible(sequence.slice(0, at)) + visible(sequence.slice(at));
        expect(line).not.toMatch(obeyed);
      }
    }
  });

  test("keeps all of its harmless characters", () => {
    for (const sequence of sequences) {
      const harmless = sequence.replace(/\p{Cc}/gu, "");
      const pictures = /[\u2400-\u2421]|<U\+00[89][0-9A-F]>/gu;
      expect(visible(sequence).replace(pictures, "")).toBe(harmless);
    }
  });

  test("is left alone where people need it: accents, emoji, flags, Persian, Indic scripts", () => {
    for (const text of kept) expect(visible(text)).toBe(text);
  });

  test("marks a joiner whose neighbours have become marks, at the first time", () => {
    const line = visible("\u180e\u200c\u180b");
    expect(line).toBe("<U+180E><U+200C><U+180B>");
    expect(visible(line)).toBe(line);
  });

  test("shows what is hidden as a picture or a code point, and counts a flood of marks", () => {
    for (const [given, expected] of shown) {
      expect(visible(given)).toBe(expected);
      expect(visible(expected)).toBe(expected);
    }
  });

  test("is on one line and safe, whatever it is, and showing it twice changes nothing", () => {
    const unit = fc.constantFrom(...all, "a", "é", "👩", "\u200d", "\u0301", "م", "1", "🏴", "한");
    const texts = fc.oneof(
      fc.string({ unit, maxLength: 40 }),
      fc.string({ unit: "binary", maxLength: 60 }),
      fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 }),
    );
    fc.assert(
      fc.property(texts, (given) => {
        const text = typeof given === "string" ? given : String.fromCharCode(...given);
        const line = visible(text);
        expect(line).not.toMatch(obeyed);
        expect(line).not.toMatch(/^\p{M}|\p{M}{9}/u);
        expect(visible(line)).toBe(line);
      }),
      { numRuns: 3000 },
    );
  });
});
