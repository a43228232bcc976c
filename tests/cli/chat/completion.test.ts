// What the Tab key does, by what stands before the cursor.

import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { complete } from "../../../src/cli/chat/completion.ts";

const known = {
  people: ["ann@paris", "anna@lyon", "Bob@paris"],
  rooms: ["#lobby", "#tea", "&here"],
  transfers: [3, 12],
  commands: [
    { name: "slow", usage: "#ROOM [off|SECONDS]", about: "" },
    { name: "filter", usage: "add|remove|list [WORD]", about: "" },
    { name: "warn", usage: "NICK@SERVER [REASON]", about: "" },
    { name: "who", usage: "on|off", about: "" },
  ],
};

const rows: readonly (readonly [before: string, after: string, choices?: readonly string[]])[] = [
  ["/ms", "/msg "],
  ["/", "/"],
  ["/rej", "/reject "],
  ["/who", "/who", ["/who", "/whois"]],
  ["/msg b", "/msg Bob@paris "],
  ["/msg an", "/msg ann", ["ann@paris", "anna@lyon"]],
  ["hello ANN@", "hello ann@paris "],
  ["/join ", "/join ", ["#lobby", "#tea", "&here"]],
  ["/say #t", "/say #tea "],
  ["see #t", "see #tea "],
  ["/talk ", "/talk ", ["#lobby", "#tea", "&here", "Bob@paris", "ann@paris", "anna@lyon"]],
  ["/notice &", "/notice &here "],
  ["/accept ", "/accept ", ["12", "3"]],
  ["/cancel 1", "/cancel 12 "],
  ["/help rem", "/help rem"],
  ["/sl", "/slow "],
  ["/slow ", "/slow ", ["#lobby", "#tea", "&here"]],
  ["/slow #t", "/slow #tea "],
  ["/slow #tea ", "/slow #tea off "],
  ["/slow #tea 1", "/slow #tea 1"],
  ["/fil", "/filter "],
  ["/filter r", "/filter remove "],
  ["/FILTER ", "/FILTER ", ["add", "list", "remove"]],
  ["/filter add b", "/filter add Bob@paris "],
  ["/warn ", "/warn ", ["Bob@paris", "ann@paris", "anna@lyon"]],
  ["/run ", "/run ", ["filter", "slow", "warn", "who"]],
  ["/run who o", "/run who o", ["off", "on"]],
  ["/who o", "/who o"],
  ["/help fil", "/help filter "],
  ["hello ", "hello "],
  ["zzz", "zzz"],
  ["", ""],
];

describe("Tab", () => {
  for (const [before, after, choices] of rows) {
    test(`after "${before}" makes it "${after}"`, () => {
      const completion = complete(before, known);
      expect(completion.before).toBe(after);
      if (choices !== undefined) expect(completion.choices).toEqual(choices);
    });
  }

  test("cuts no character in two", () => {
    const rooms = ["#\u{1f600}a", "#\u{1f601}b"];
    expect(complete("/say ", { ...known, rooms })).toEqual({ before: "/say #", choices: rooms });
  });

  test("after /send NICK offers files and goes on in folders", () => {
    const folder = mkdtempSync(join(tmpdir(), "complete-"));
    mkdirSync(join(folder, "plans"));
    writeFileSync(join(folder, "plan one.txt"), "");
    writeFileSync(join(folder, ".hidden"), "");
    try {
      const begin = `/send bob@paris ${folder}/`;
      expect(complete(`${begin}pl`, known)).toEqual({
        before: `${begin}plan`,
        choices: [`${folder}/plan one.txt`, `${folder}/plans/`],
      });
      expect(complete(`${begin}plans`, known).before).toBe(`${begin}plans/`);
      expect(complete(`${begin}plan o`, known).before).toBe(`${begin}plan one.txt `);
      expect(complete(`${begin}none/x`, known).choices).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
