// Security F1: a peer's file name is a label. What each of these names becomes is written by hand.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { cleanFileName } from "../../src/names.ts";
import { list } from "./list.ts";

/** Given and expected, in groups; one string alone is kept as it is. */
const vectors: Readonly<Record<string, readonly (string | readonly [string, string])[]>> = {
  "an ordinary name is kept": [
    ...list(`
      a|a.txt|A.TXT|photo 2024.jpg|archive.tar.gz|no_extension|x-y|a.b.c|(1).txt|[draft] plan.md|
      a+b=c.txt|50%.csv|a&b.txt|it's.txt|a;b|$x|éà.pdf|Übung.odt|план.txt|図面.png|한글.hwp|
      \u05e7\u05d5\u05d1\u05e5.txt|🙂.png|a…b.txt|naïve café.md|a~b|a~|#1.txt|@home.txt|a,b|
      \`x\`|console.log|com.txt|com10.txt|lpt|auxiliary.c|nullable.ts|prn1|con_|COM1a|a.con|xcon|
      communication|conin|¥100.txt|①.txt|0|a  b.txt`),
  ],
  "only the last part of a path is taken": [
    ...([
      ["/etc/passwd", "passwd"],
      ["../../etc/passwd", "passwd"],
      ["../a", "a"],
      ["..\\..\\boot.ini", "boot.ini"],
      ["C:\\Windows\\win.ini", "win.ini"],
      ["C:/x/y.txt", "y.txt"],
      ["\\\\server\\share\\f.txt", "f.txt"],
      ["\\\\?\\C:\\a", "a"],
      ["\\\\.\\PhysicalDrive0", "PhysicalDrive0"],
      ["a/b", "b"],
      ["a\\b", "b"],
      ["a/b\\c", "c"],
      ["a\\b/c", "c"],
      ["dir/", "dir"],
      ["dir//", "dir"],
      ["dir\\", "dir"],
      ["a/ ", "a"],
      ["./a", "a"],
      ["/./a", "a"],
      ["a/.", "file"],
      ["a/..", "file"],
      ["a\0/b", "b"],
      ["....//a", "a"],
      ["..;/a", "a"],
      ["~/a", "a"],
      ["~root/a", "a"],
      ["file:///etc/shadow", "shadow"],
      ["https://x.example/a.sh?x=1", "a.sh_x=1"],
      ["%2e%2e%2fpasswd", "%2e%2e%2fpasswd"],
      ["..%2f..%2fa", "%2f..%2fa"],
    ] as const),
  ],
  "nothing left is a file": [
    ...[
      "",
      " ",
      ".",
      "..",
      "...",
      "/",
      "//",
      "\\",
      "\\\\",
      "-",
      "--",
      "~",
      "./",
      "../",
      "..\\",
    ].map((name) => [name, "file"] as const),
    ...[
      "\0",
      "\n",
      "\t",
      "\x1b",
      "\u200b",
      "\u202e",
      "\ufeff",
      "\u00a0",
      "\u3000",
      ". .",
      "- -",
    ].map((name) => [name, "file"] as const),
    ...["\u0301", "/ /", "\u2028", "\ue000", " . ", "-.-", "\u00ad", "\u3164"].map(
      (name) => [name, "file"] as const,
    ),
  ],
  "what is hidden, an option or a home in front is cut": [
    ...([
      [".bashrc", "bashrc"],
      [".ssh", "ssh"],
      ["..a", "a"],
      ["...a", "a"],
      [".-a", "a"],
      ["-rf", "rf"],
      ["--help", "help"],
      ["-", "file"],
      ["- a", "a"],
      [" -a", "a"],
      ["~", "file"],
      ["~a", "a"],
      ["~$doc.docx", "$doc.docx"],
      [" a", "a"],
      ["\ta", "a"],
      ["\u3000a", "a"],
      ["\u00a0.a", "a"],
      ["\u0301a", "a"],
      ["\u20ddx", "x"],
      ["\uff0e\uff0ea", "a"],
      ["\u2025a", "a"],
      ["\u2024a", "a"],
      [".htaccess", "htaccess"],
      [".git", "git"],
      [".config.", "config"],
    ] as const),
  ],
  "blanks and dots at the end are cut": [
    ...([
      ["a.", "a"],
      ["a..", "a"],
      ["a ", "a"],
      ["a. .", "a"],
      ["a.txt.", "a.txt"],
      ["a.txt ", "a.txt"],
      ["a.txt...", "a.txt"],
      ["a.exe . .", "a.exe"],
      ["a\u00a0", "a"],
      ["a\u3000", "a"],
      ["a\u2003.", "a"],
      ["a\n", "a"],
      ["a\uff0e", "a"],
      ["a.exe\u2025", "a.exe"],
      ["a.\u200b", "a"],
      ["a.\u0000", "a"],
    ] as const),
  ],
  "streams, drives and wildcards become _": [
    ...([
      ["C:evil.exe", "C_evil.exe"],
      ["a.txt:b.exe", "a.txt_b.exe"],
      ["a.txt::$DATA", "a.txt__$DATA"],
      [":a", "_a"],
      ["a:", "a_"],
      ["a*.txt", "a_.txt"],
      ["a?.txt", "a_.txt"],
      ['a"b', "a_b"],
      ["a<b>c", "a_b_c"],
      ["a|b", "a_b"],
      ["$(rm).txt|sh", "$(rm).txt_sh"],
      ["\uff1aa", "_a"],
      ["a\uff0fb", "a_b"],
      ["..\uff0fa", "_a"],
      ["a\uff3cb", "a_b"],
      ["a\u2215b", "a_b"],
      ["a\u2044b", "a_b"],
      ["a\u2236b", "a_b"],
      ["a\u29f5b", "a_b"],
      ["a\u29f8b", "a_b"],
      ["a\ua789b", "a_b"],
      ["a\ufe55b", "a_b"],
      ["a\ufe68b", "a_b"],
    ] as const),
  ],
  "a device of Windows is none any more": [
    ...[
      ...list(`
        con|CON|Con|prn|aux|nul|NUL.txt|con.tar.gz|com0|COM1|COM9.txt|LPT1|lpt9.doc|CON.|
        com\u00b9|LPT\u00b2.txt|com\u00b3.a|CLOCK$|CONIN$|conout$.x|COM1 .txt|aux  .c`),
    ].map((name) => [name, `_${name.replace(/\.$/, "")}`] as const),
    ...([
      ["COM1 ", "_COM1"],
      ["con ", "_con"],
      ["nul.", "_nul"],
      ["/dev/nul", "_nul"],
      [".con", "_con"],
      ["-aux", "_aux"],
      ["c\u200bon", "_con"],
      ["con:", "con_"],
      ["con\u00a0.txt", "_con\u00a0.txt"],
    ] as const),
  ],
  "what is not seen is cut": [
    ...([
      ["a\0b", "ab"],
      ["a.txt\0.exe", "a.txt.exe"],
      ["a\nb", "ab"],
      ["a\rb", "ab"],
      ["a\tb", "ab"],
      ["a\x1b[31mb", "a[31mb"],
      ["a\x7fb", "ab"],
      ["a\x85b", "ab"],
      ["a\x9bb", "ab"],
      ["gpj\u202eexe.a", "gpjexe.a"],
      ["a\u200eb", "ab"],
      ["a\u200fb", "ab"],
      ["a\u2066b\u2069", "ab"],
      ["a\u061cb", "ab"],
      ["a\u200bb", "ab"],
      ["a\u200db", "ab"],
      ["a\u2060b", "ab"],
      ["\ufeffa", "a"],
      ["a\u00adb", "ab"],
      ["a\u2028b", "ab"],
      ["a\u2029b", "ab"],
      ["a\u115fb", "ab"],
      ["a\u3164b", "ab"],
      ["a\ufe0fb", "ab"],
      ["a\u{e0061}b", "ab"],
      ["a\ue000b", "ab"],
      ["a\uffffb", "ab"],
      ["a\u{10ffff}b", "ab"],
      ["a\ud800b", "a\ufffdb"],
      ["\udc00", "\ufffd"],
      ["e\u0301.txt", "é.txt"],
      ["e\u200d\u0301.txt", "é.txt"],
    ] as const),
  ],
  "a long name is cut before its extension": [
    ...([
      ["a".repeat(255), "a".repeat(255)],
      ["a".repeat(256), "a".repeat(255)],
      [`${"a".repeat(251)}.txt`, `${"a".repeat(251)}.txt`],
      [`${"a".repeat(252)}.txt`, `${"a".repeat(251)}.txt`],
      [`${"a".repeat(9999)}.txt`, `${"a".repeat(251)}.txt`],
      [`${"é".repeat(200)}.txt`, `${"é".repeat(125)}.txt`],
      [`${"🙂".repeat(100)}.png`, `${"🙂".repeat(62)}.png`],
      [`${"図".repeat(100)}.png`, `${"図".repeat(83)}.png`],
      [`a.${"b".repeat(300)}`, `a.${"b".repeat(253)}`],
      [`${"a".repeat(250)}     b.txt`, `${"a".repeat(250)}.txt`],
      [`${"a".repeat(250)}......txt`, `${"a".repeat(250)}.txt`],
      [`con${" ".repeat(300)}x.txt`, "_con.txt"],
      [`${"a".repeat(300)}.`, "a".repeat(255)],
      [`${"/".repeat(300)}a`, "a"],
    ] as const),
  ],
};

describe("a file's name", () => {
  test("has at least 200 vectors", () => {
    expect(Object.values(vectors).flat().length).toBeGreaterThanOrEqual(200);
  });

  for (const [rule, names] of Object.entries(vectors)) {
    test(rule, () => {
      for (const vector of names) {
        const [given, expected] = typeof vector === "string" ? [vector, vector] : vector;
        expect([given, cleanFileName(given)]).toEqual([given, expected]);
      }
    });
  }

  test("is safe, whatever comes in, and cleaning it twice changes nothing", () => {
    const nasty = fc.constantFrom(
      ...list(`
        /|\\|.|-| |:|\0|\u202e|\u200b|\u0301|con|com¹|~|é|\u3000|\uff0e|\ud800|🙂|a|b.txt|_|
        \u1100|\u1161|<|\u0338`),
    );
    const names = fc.oneof(
      fc.string({ unit: nasty, maxLength: 300 }),
      fc.string({ unit: "binary", maxLength: 300 }),
    );
    fc.assert(
      fc.property(names, fc.constantFrom(40, 100, 250, 255), (name, bytesMax) => {
        const clean = cleanFileName(name, bytesMax);
        expect(clean).not.toMatch(/[/\\:*?"<>|\p{C}\p{DI}\p{Zl}\p{Zp}]|^[-.~\s\p{M}]|[.\s]$/u);
        expect(clean).not.toMatch(/^(?:con|prn|aux|nul|(?:com|lpt)[\d¹²³])\s*(?:\.|$)/i);
        expect(clean).not.toBe("");
        expect(Buffer.byteLength(clean)).toBeLessThanOrEqual(bytesMax);
        expect(cleanFileName(clean, bytesMax)).toBe(clean);
      }),
      { numRuns: 3000 },
    );
  });

  test("leaves the room that is asked for", () => {
    expect(cleanFileName(`${"a".repeat(300)}.txt`, 20)).toBe(`${"a".repeat(16)}.txt`);
  });
});
