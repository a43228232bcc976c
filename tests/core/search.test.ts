// Who finds what: each finds what he could read by `history`, in the rooms that he is in, and
// nothing else; whoever asks too much waits, and nobody else does.

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import type { Json, Peer } from "./peer.ts";
import { Place } from "./place.ts";
import { lobby, say, Town } from "./town.ts";

const textsOf = (answer: Json) => (answer["messages"] as Json[]).map(({ text }) => String(text));
const sorted = (texts: readonly string[]) => texts.toSorted((a, b) => (a < b ? -1 : 1));
const found = (peer: Peer, what: Json) => textsOf(peer.get("search", what));
const codeOf = (peer: Peer, what: Json) => peer.ask("search", what)["code"];

/** Ana and Bob of paris, Cat of lyon: the lobby, #tea without Bob, &here of each server. */
function town(seed: string) {
  const made = new Town(seed, ["paris", "lyon"]);
  const [ana, bob] = [made.enter("paris", "ana"), made.enter("paris", "bob")];
  const cat = made.enter("lyon", "cat");
  for (const one of [ana, cat]) one.get("join", { room: "#tea" });
  for (const one of [ana, bob, cat]) one.get("join", { room: "&here" });
  made.place.rest();
  say(ana, "word in the lobby");
  say(cat, "word from lyon");
  say(ana, "word in tea", "#tea");
  say(cat, "word of cat in tea", "#tea");
  say(ana, "word here in paris", "&here");
  say(cat, "word here in lyon", "&here");
  made.place.rest();
  return { town: made, ana, bob, cat };
}

describe("who looks for a word finds it", () => {
  test("in all rooms that he is in, whoever said it and on whatever server", () => {
    const { ana, cat } = town("all rooms");
    expect(sorted(found(ana, { text: "word" }))).toEqual([
      "word from lyon",
      "word here in paris",
      "word in tea",
      "word in the lobby",
      "word of cat in tea",
    ]);
    expect(found(cat, { text: "here" })).toEqual(["word here in lyon"]);
  });

  test("not in a room that he is not in, nor in another server's local room of that name", () => {
    const { bob } = town("not in");
    expect(sorted(found(bob, { text: "word" }))).toEqual([
      "word from lyon",
      "word here in paris",
      "word in the lobby",
    ]);
    expect(found(bob, { text: "tea" })).toEqual([]);
    expect(codeOf(bob, { text: "tea", room: "#tea" })).toBe("NOT_IN_ROOM");
    expect(codeOf(bob, { text: "tea", room: "#nowhere" })).toBe("NOT_IN_ROOM");
    expect(codeOf(bob, { text: "tea", room: "tea" })).toBe("ROOM_INVALID");
  });

  test("in the text that stands, where it was changed", () => {
    const { ana, bob } = town("changed");
    const id = String(ana.get("say", { room: lobby, text: "alpha one" })["id"]);
    ana.get("say", { room: lobby, kind: "edit", about: id, text: "alpha two" });
    ana.get("say", { room: lobby, kind: "edit", about: id, text: "alpha three" });
    expect(found(bob, { text: "alpha" })).toEqual(["alpha three"]);
    expect(found(bob, { text: "one" })).toEqual([]);
    expect(found(bob, { text: "two" })).toEqual([]);
    ana.get("say", { room: lobby, kind: "delete", about: id, text: "" });
    expect(found(bob, { text: "alpha" })).toEqual([]);
  });

  test("as soon as he is in it, also what was said before: as history has it", () => {
    const { bob } = town("joined");
    bob.get("join", { room: "#tea" });
    expect(found(bob, { text: "word", room: "#Tea" })).toEqual(
      textsOf(bob.get("history", { room: "#tea" })),
    );
    bob.get("part", { room: "#tea" });
    expect(found(bob, { text: "tea" })).toEqual([]);
  });

  test("not in a room that he has left before the answer came", () => {
    const { town: made, ana } = town("left meanwhile");
    const held = made.histories.get("paris")!.hold();
    ana.request("say", { room: lobby, text: "word that waits" });
    const ref = ana.request("search", { text: "word" });
    ana.request("part", { room: "#tea" });
    made.place.rest();
    expect(ana.answer(ref)).toBeUndefined();
    held.release();
    made.place.rest();
    expect(textsOf(ana.answer(ref)!.value)).not.toContain("word in tea");
    expect(textsOf(ana.answer(ref)!.value)).toContain("word that waits");
  });

  test("by an author, of this server also without its name", () => {
    const { ana } = town("author");
    expect(found(ana, { text: "tea", from: "cat@lyon" })).toEqual(["word of cat in tea"]);
    expect(found(ana, { from: "ana", room: lobby })).toEqual(["word in the lobby"]);
    expect(found(ana, { from: "ana@lyon" })).toEqual([]);
    for (const from of ["a b", "@", "ana@", "ana@@paris"])
      expect([from, codeOf(ana, { from })]).toEqual([from, "ADDRESS_INVALID"]);
  });

  test("page by page, the newest first", () => {
    const { town: made, ana } = town("pages");
    for (let at = 0; at < 7; at += 1) say(ana, `page ${at}`);
    made.place.rest();
    const first = ana.get("search", { text: "page", limit: 4 });
    expect(textsOf(first)).toEqual(["page 3", "page 4", "page 5", "page 6"]);
    const second = ana.get("search", { text: "page", limit: 4, before: first["next"] });
    expect(textsOf(second)).toEqual(["page 0", "page 1", "page 2"]);
    expect(second["next"]).toBeUndefined();
    expect(codeOf(ana, { text: "page", before: "what" })).toBe("BAD_REQUEST");
  });
});

describe("a question is refused", () => {
  test("that asks for nothing, and where there is no history", () => {
    const { ana } = town("nothing");
    for (const what of [{}, { text: "" }, { text: "***" }])
      expect(codeOf(ana, what)).toBe("BAD_REQUEST");
    const place = new Place("no history");
    const paris = place.start("paris");
    expect(codeOf(place.enter(paris, "ana"), { text: "word" })).toBe("NO_HISTORY");
  });

  test("while the one before has no answer, and while too many have none", () => {
    const { town: made, ana, bob } = town("busy");
    const paris = made.homes.get("paris")!;
    const others = Array.from({ length: LIMITS.searchesWaitingMax - 1 }, (_, at) =>
      made.place.enter(paris, `guest${at}`),
    );
    made.place.rest();
    const held = made.histories.get("paris")!.hold();
    ana.request("say", { room: lobby, text: "word that waits" });
    made.place.rest(500);
    const refs = [ana, ana, ...others, bob].map(
      (one) => [one, one.request("search", { text: "word" })] as const,
    );
    made.place.rest(500);
    held.release();
    made.place.rest();
    const codes = refs.map(([one, ref]) => one.answer(ref)!.value["code"]);
    // Of the others, whoever came last.
    expect(codes[1]).toBe("QUEUE_FULL");
    expect(codes.filter((code) => code === "QUEUE_FULL")).toHaveLength(2);
    expect(refs.filter(([one, ref]) => one.answer(ref)?.name === "ack")).toHaveLength(
      LIMITS.searchesWaitingMax,
    );
    expect(found(ana, { text: "waits" })).toEqual(["word that waits"]);
  });

  test("by a history that fails, and the next one is answered", () => {
    const { town: made, ana } = town("failing");
    const history = made.histories.get("paris")!;
    const search = history.search.bind(history);
    history.search = () => {
      throw new Error("the disk is gone");
    };
    expect(codeOf(ana, { text: "word" })).toBe("PLUGIN_FAILED");
    history.search = search;
    expect(found(ana, { text: "tea", room: "#tea" })).toHaveLength(2);
  });
});
