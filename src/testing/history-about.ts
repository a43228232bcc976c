// The part of the suite of the role "history" that is about messages which name others: what was
// done to a message is found by its id, however long ago it was said.

import { expect, test } from "bun:test";
import type { History } from "../plugin/history.ts";
import type { MessageEntry } from "../protocol/messages.ts";
import type { Make } from "./history-stage.ts";
import { testBatch, testStream, withHistory } from "./history-stage.ts";

/** Defines the tests; a history without `about` passes them. */
export function testAbout(make: Make): void {
  const stream = testStream();
  const { room } = stream;
  const named = (id: string, kind: MessageEntry["kind"], about: string) => ({ id, kind, about });
  const ids = async (history: History, of: readonly string[], limit = 100, where = room) =>
    (await history.about?.(where, of, limit))?.map(({ id }) => id);
  /** Where there is no `about`, there is nothing to hold. */
  const expectIds = async (history: History, expected: readonly string[], ...of: string[]) =>
    expect(await ids(history, of)).toEqual(history.about && [...expected]);
  const said = [
    {},
    named("a", "reaction", "x"),
    named("b", "edit", "x"),
    named("c", "text", "x"),
    named("d", "delete", "x"),
    named("e", "edit", "x"),
    named("f", "reaction", "y"),
  ];

  test("what was done to messages is found: deletions, edits, and the rest, newest first", () =>
    withHistory(make, async (history, restart) => {
      await history.append([testBatch(stream, 1, said)]);
      await history.append([testBatch(testStream({ origin: "b" }), 1, [named("g", "edit", "x")])]);
      await expectIds(history, ["d", "g", "e", "b", "c", "a"], "x");
      await expectIds(history, ["f"], "y", "z");
      await expectIds(history, [], "a");
      await expectIds(history, []);
      const later = await restart();
      await expectIds(later, ["d", "g", "e", "b", "f", "c", "a"], "x", "y");
      expect(await ids(later, ["x"], 2)).toEqual(later.about && ["d", "g"]);
    }));

  test("deletions are told at the start, with whether what they are about is held", () =>
    withHistory(make, async (history, restart) => {
      const other = testStream({ room: "#other" });
      const deletions = [
        { id: "x" },
        named("y", "delete", "x"),
        named("z", "delete", "w"),
        named("z2", "edit", "x"),
      ];
      await history.append([testBatch(stream, 1, deletions), testBatch(other, 1, [{ id: "w" }])]);
      const found = async (of: History, limit = 9) =>
        (await of.deletions?.(limit))?.map(({ deletion, isHeld }) => [deletion.id, isHeld]);
      const later = await restart();
      const expected = [
        ["z", false],
        ["y", true],
      ];
      expect(await found(later)).toEqual(later.deletions && expected);
      expect(await found(later, 1)).toEqual(later.deletions && expected.slice(0, 1));
      await later.redact(room, [{ id: "x", from: "ana@paris" }]);
      expect((await found(later))?.[1]).toEqual(later.deletions && ["y", false]);
    }));

  test("another room's is not found, nor what was removed", () =>
    withHistory(make, async (history) => {
      await history.append([
        testBatch(stream, 1, said),
        testBatch(testStream({ room: "#other" }), 1, said),
      ]);
      const other = testStream({ room: "#other" }).room;
      for (const id of ["d", "f"]) await history.redact(room, [{ id, from: "ana@paris" }]);
      await expectIds(history, ["e", "b", "c", "a"], "x", "y");
      expect(await ids(history, ["y"], 9, other)).toEqual(history.about && ["f"]);
      expect(await ids(history, ["y"], 9, testStream({ room: "#none" }).room)).toEqual(
        history.about && [],
      );
    }));
}
