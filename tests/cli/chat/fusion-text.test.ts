// Servers that came or went, as people are told.

import { expect, test } from "bun:test";
import { fusionText } from "../../../src/cli/chat/fusion-text.ts";

test("a split and a heal are one line each: who, by which cut, and how many people", () => {
  const fusion = ["nice", "paris"];
  const servers = ["lyon", "brest", "caen"];
  const rooms = [{ room: "#go", people: 3 }];
  expect(
    fusionText({ event: "split", servers, fusion, people: 140, rooms, cut: [["lyon", "paris"]] }),
  ).toBe(
    "lyon and 2 more servers are gone (the link lyon–paris is lost): 140 people, 3 in #go; " +
      "the servers now: nice, paris",
  );
  const cut = [["lyon", "paris"]] as const;
  const ended = (code: string) =>
    fusionText({ event: "split", servers: ["lyon"], fusion, cut, code });
  expect([ended("UNMERGED"), ended("SERVER_STOPPING")]).toEqual([
    "parted from lyon (an operator has ended the link lyon–paris); the servers now: nice, paris",
    "lyon is gone (lyon was stopped); the servers now: nice, paris",
  ]);
  expect(fusionText({ event: "merged", servers: ["lyon"], fusion, people: 1, back: true })).toBe(
    "lyon is back: 1 person; the servers now: nice, paris",
  );
});
