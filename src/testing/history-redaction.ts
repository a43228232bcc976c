// The part of the suite of the role "history" that is about what is removed for good: its text is
// nowhere any more, its batch says that something was there, and proves it.

import { expect, test } from "bun:test";
import type { Batch, History } from "../plugin/history.ts";
import { decodeBatch, isTombstone } from "../protocol/batch.ts";
import type { MessageEntry } from "../protocol/messages.ts";
import { createCrypto } from "../serve/crypto.ts";
import type { Make } from "./history-stage.ts";
import { testBatch, testStream, withHistory } from "./history-stage.ts";
import { createRandom } from "./random.ts";

/** Defines the tests. */
export function testRedaction(make: Make): void {
  const stream = testStream();
  const { room } = stream;
  const refs = (batch: Batch, ...places: number[]): MessageEntry[] =>
    places.map((place) => batch.messages[place]).filter((one) => one !== undefined);
  const all = async (history: History) => [
    await history.backlog(room, 100),
    (await history.range(stream, 1, 100, 10 ** 6)).flatMap(({ messages }) => messages),
  ];

  test("what is removed is given by nothing any more, also after a restart", () =>
    withHistory(make, async (history, restart) => {
      const batch = testBatch(stream, 1, 5);
      await history.append([batch]);
      await history.redact(room, refs(batch, 1, 3));
      const left = refs(batch, 0, 2, 4);
      expect(await all(history)).toEqual([left, left]);
      expect(await history.since(room, left[0]?.id ?? "", 10)).toEqual(left.slice(1));
      expect(await history.since(room, batch.messages[1]?.id ?? "", 10)).toBeUndefined();
      const later = await restart();
      expect(await all(later)).toEqual([left, left]);
      expect(await later.streams()).toEqual([{ stream, last: 5 }]);
    }));

  test("its batch has tombstones, whose hashes are the texts', and all its numbers", () =>
    withHistory(make, async (history) => {
      const batches = [testBatch(stream, 1, 3), testBatch(stream, 4, 2)];
      await history.append(batches);
      await history.redact(room, refs(batches[0] as Batch, 0, 2)); // there are two
      const [first, second] = await history.range(stream, 1, 5, 10 ** 6);
      expect(tombstones(first)).toEqual([true, false, true]);
      expect(rootOf(first)).toBe(rootOf(batches[0]));
      expect([first?.first, first?.last]).toEqual([1, 3]);
      expect(second).toEqual(batches[1]);
      expect((await history.range(stream, 3, 3, 1)).map(({ last }) => last)).toEqual([3]);
    }));

  test("nothing is left of a batch but its tombstones, and it is a batch still", () =>
    withHistory(make, async (history, restart) => {
      const batch = testBatch(stream, 1, 2);
      await history.append([batch, testBatch(stream, 3, 1)]);
      for (const place of [1, 0]) await history.redact(room, refs(batch, place));
      const later = await restart();
      const [held, next] = await later.range(stream, 1, 9, 10 ** 6);
      expect([held?.messages, tombstones(held), held?.last]).toEqual([[], [true, true], 2]);
      expect(next?.first).toBe(3);
      await later.append([testBatch(stream, 4, 1)]);
      expect(await later.streams()).toEqual([{ stream, last: 4 }]);
    }));

  test("what came as tombstones is kept as such", () =>
    withHistory(make, async (history, restart) => {
      const batch = testBatch(stream, 1, 3);
      await history.append([batch]);
      await history.redact(room, refs(batch, 0, 1, 2));
      const [blank] = await history.range(stream, 1, 3, 10 ** 6);
      const other = { ...testStream({ life: "2" }), room };
      await history.append([{ ...(blank as Batch), stream: other }, testBatch(other, 4, 1)]);
      const later = await restart();
      const found = await later.range(other, 1, 4, 10 ** 6);
      expect(found.map(({ first, last, messages }) => [first, last, messages.length])).toEqual([
        [1, 3, 0],
        [4, 4, 1],
      ]);
      expect(await later.backlog(room, 10)).toHaveLength(1);
    }));

  test("another author's message of the same id stays, and so does another room's", () =>
    withHistory(make, async (history) => {
      const named = (from: string) => [{ id: "same", from, text: from }];
      const elsewhere = testStream({ room: "#other" });
      await history.append([
        testBatch(stream, 1, named("ana@paris")),
        testBatch(testStream({ origin: "b" }), 1, named("mal@nice")),
        testBatch(elsewhere, 1, named("mal@nice")),
      ]);
      await history.redact(room, [{ id: "same", from: "mal@nice" }]);
      const texts = async (where: typeof room) =>
        (await history.backlog(where, 10)).map(({ text }) => text);
      expect(await texts(room)).toEqual(["ana@paris"]);
      expect(await texts(elsewhere.room)).toEqual(["mal@nice"]);
    }));

  test("what is not held, or removed already, is passed over", () =>
    withHistory(make, async (history) => {
      const batch = testBatch(stream, 1, 2);
      const gone = refs(batch, 0);
      await history.redact(room, gone);
      await history.append([batch]);
      await history.redact(room, [...gone, { id: "nobody's", from: "ana@paris" }]);
      await history.redact(room, gone);
      await history.redact(testStream({ room: "#none" }).room, gone);
      expect(await all(history)).toEqual([refs(batch, 1), refs(batch, 1)]);
    }));

  test("many of one batch may be asked for at once", () =>
    withHistory(make, async (history) => {
      const batch = testBatch(stream, 1, 20);
      await history.append([batch]);
      await Promise.all(
        batch.messages.slice(1).map(async (message) => history.redact(room, [message])),
      );
      const [held] = await history.range(stream, 1, 20, 10 ** 6);
      expect(tombstones(held)).toEqual(batch.messages.map((_, at) => at > 0));
      expect(await all(history)).toEqual([refs(batch, 0), refs(batch, 0)]);
    }));
}

// --- internal ---

const crypto = createCrypto(createRandom("redaction"));

const tombstones = (batch: Batch | undefined): boolean[] =>
  batch === undefined ? [] : decodeBatch(crypto, batch.bytes).frames.map(isTombstone);

const rootOf = (batch: Batch | undefined): string | undefined =>
  batch && decodeBatch(crypto, batch.bytes).root.toHex();
