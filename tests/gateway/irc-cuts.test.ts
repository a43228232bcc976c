// How clients have cut lines, as far as it is remembered.

import { expect, test } from "bun:test";
import { Cuts, SEAM } from "../../plugins/gateway-irc/cuts.ts";
import { chunksOf } from "../../plugins/gateway-irc/line.ts";
import { LIMITS } from "../../src/limits.ts";

const cut = (...pieces: readonly string[]) => pieces.join(SEAM);

test("a text has the seams that were last made in it; others have none", () => {
  const cuts = new Cuts();
  cuts.add(cut("one\ntwo ", "three"));
  cuts.add("no seam\nhere");
  expect(cuts.of("one\ntwo three")).toBe(cut("one\ntwo ", "three"));
  cuts.add(cut("one\ntwo", " three"));
  expect(cuts.of("one\ntwo three")).toBe(cut("one\ntwo", " three"));
  expect(cuts.of("no seam\nhere")).toBe("no seam\nhere");
});

test("a text that comes with what a seam is has none, as nobody here has cut it", () => {
  const cuts = new Cuts();
  cuts.add(cut("a ", "b"));
  expect(cuts.of(`a ${SEAM}b`)).toBe("a  b");
});

test("only so many are remembered, the last ones", () => {
  const cuts = new Cuts();
  for (let at = 0; at <= LIMITS.ircCutsMax; at++) cuts.add(cut(`${at} `, "x"));
  expect(cuts.of("0 x")).toBe("0 x");
  for (const at of [1, LIMITS.ircCutsMax]) expect(cuts.of(`${at} x`)).toBe(cut(`${at} `, "x"));
});

test("a piece that does not fit a line is cut once more", () => {
  const chunks = chunksOf(cut("aaaa bbbb", "cc\ndd"), 6);
  expect(chunks).toEqual([
    { piece: "aaaa ", goesOn: false },
    { piece: "bbbb", goesOn: true },
    { piece: "cc", goesOn: true },
    { piece: "dd", goesOn: false },
  ]);
});
