// A member of the fusion that seals nonsense between its messages.

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import type { Json } from "./peer.ts";
import { LyingTown } from "./lying-town.ts";

const tell = (id: number, text: string): Json => ({
  t: "tell",
  message: { id: `${id}`, from: "mal@nice", to: "bob@lyon", kind: "text", text, at: 1 },
});

test("of a list each message counts for itself, whatever stands beside it", () => {
  const town = new LyingTown("lists");
  const { liar, place, bob } = town;
  const list = [
    7,
    tell(1, "one"),
    { t: "none" },
    [tell(2, "within")],
    { t: "told" },
    tell(3, "two"),
  ];
  liar.tell("lyon", list);
  place.rest(300);
  expect(bob.all("private").map(({ text }) => text)).toEqual(["one", "two"]);
  expect(liar.heard.filter(({ t }) => t === "told")).toMatchObject([{ id: "1" }, { id: "3" }]);
  town.isWell([]);
});

test("a list that is too long is ignored, and what comes after it is not", () => {
  const town = new LyingTown("long lists");
  const { liar, place, bob } = town;
  liar.tell(
    "lyon",
    Array.from({ length: LIMITS.channelBatchMax + 1 }, () => tell(1, "flood")),
  );
  liar.tell("lyon", []);
  liar.tell("lyon", tell(2, "after"));
  place.rest(300);
  expect(bob.all("private").map(({ text }) => text)).toEqual(["after"]);
  town.isWell([]);
});
