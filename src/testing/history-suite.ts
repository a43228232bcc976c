// What every plugin of the role "history" must hold, as tests: yours too. A failure says which
// part of the contract in plugin/history.ts is broken. Durability against a crash is a matter of
// processes, and is not tested here: see tests/plugins/log-sqlite.

import { describe, expect, test } from "bun:test";
import type { Plugin } from "../plugin/context.ts";
import type { Batch, History } from "../plugin/history.ts";
import type { MessageEntry } from "../protocol/messages.ts";
import { testAbout } from "./history-about.ts";
import { testRedaction } from "./history-redaction.ts";
import { testSearch } from "./history-search.ts";
import type { Make } from "./history-stage.ts";
import { testBatch, testStream, withHistory } from "./history-stage.ts";

/** Defines the tests of one plugin, in a group of its own; `folder` is its own, and is there. */
export function testHistory(name: string, make: (folder: string) => Plugin): void {
  describe(`${name} as a history`, () => {
    testStreams(make);
    testRange(make);
    testBacklog(make);
    testSearch(make);
    testAbout(make);
    testRedaction(make);
    testHostile(make);
  });
}

// --- internal ---

const ends = async (history: History) =>
  new Map(
    (await history.streams()).map(({ stream, last }) => [
      `${stream.origin} ${stream.life} ${stream.room}`,
      last,
    ]),
  );

const plainBatch = ({ bytes, ...batch }: Batch) => ({
  ...batch,
  bytes: [...bytes],
});

function testStreams(make: Make): void {
  test("a new one is empty", () =>
    withHistory(make, async (history) => {
      expect(await history.streams()).toEqual([]);
      expect(await history.range(testStream(), 1, 10, 1000)).toEqual([]);
      expect(await history.backlog(testStream().room, 10)).toEqual([]);
    }));

  test("it tells where each stream ends, also after a restart", () =>
    withHistory(make, async (history, restart) => {
      const streams = [
        testStream(),
        testStream({ life: "2" }),
        testStream({ origin: "b" }),
        testStream({ room: "#other" }),
        testStream({ room: "&lobby" }),
      ];
      for (const [index, stream] of streams.entries()) {
        await history.append([testBatch(stream, 1, index + 1), testBatch(stream, index + 2, 3)]);
      }
      const expected = new Map(
        streams.map(({ origin, life, room }, index) => [`${origin} ${life} ${room}`, index + 4]),
      );
      expect(await ends(history)).toEqual(expected);
      expect(await ends(await restart())).toEqual(expected);
    }));

  test("a tick of many streams is one append", () =>
    withHistory(make, async (history) => {
      const streams = Array.from({ length: 300 }, (_, index) => testStream({ room: `#r${index}` }));
      await history.append(streams.map((stream) => testBatch(stream, 1, 2)));
      expect([...(await ends(history)).values()]).toEqual(streams.map(() => 2));
    }));

  test("an append of nothing is one", () =>
    withHistory(make, async (history) => {
      await history.append([]);
      expect(await history.streams()).toEqual([]);
    }));
}

function testRange(make: Make): void {
  const stream = testStream();
  const batches = [testBatch(stream, 1, 3), testBatch(stream, 4, 1), testBatch(stream, 5, 5)];

  test("a range gives back batches as they were, in order", () =>
    withHistory(make, async (history, restart) => {
      for (const batch of batches) await history.append([batch]);
      const expected = batches.map(plainBatch);
      const rangeOf = async (one: History) =>
        (await one.range(stream, 1, 9, 10_000)).map(plainBatch);
      expect(await rangeOf(history)).toEqual(expected);
      expect(await rangeOf(await restart())).toEqual(expected);
    }));

  test("a range gives the batches that hold its numbers, and no others", () =>
    withHistory(make, async (history) => {
      await history.append(batches);
      const firsts = async (from: number, to: number) =>
        (await history.range(stream, from, to, 10_000)).map(({ first }) => first);
      expect(await firsts(2, 2)).toEqual([1]);
      expect(await firsts(3, 4)).toEqual([1, 4]);
      expect(await firsts(4, 4)).toEqual([4]);
      expect(await firsts(9, 1000)).toEqual([5]);
      expect(await firsts(10, 1000)).toEqual([]);
      expect(await firsts(1, 2 ** 53 - 1)).toEqual([1, 4, 5]);
    }));

  test("a range stops before its bytes are passed, but gives one batch at least", () =>
    withHistory(make, async (history) => {
      await history.append(batches);
      const size = batches[0]?.bytes.length ?? 0;
      const count = async (bytesMax: number) =>
        (await history.range(stream, 1, 9, bytesMax)).length;
      expect([await count(0), await count(size), await count(size * 2 + 1)]).toEqual([1, 1, 2]);
    }));

  test("a range is of its own origin, life and room", () =>
    withHistory(make, async (history) => {
      await history.append(batches);
      for (const other of [{ origin: "b" }, { life: "2" }, { room: "&lobby" }]) {
        expect(await history.range(testStream(other), 1, 9, 10_000)).toEqual([]);
      }
    }));

  test("bytes of any kind and size come back whole", () =>
    withHistory(make, async (history) => {
      const all = Uint8Array.from({ length: 256 }, (_, index) => index);
      const large = new Uint8Array(1024 * 1024).fill(0xa5);
      const odd = [new Uint8Array(), all, large];
      await history.append(odd.map((bytes, at) => ({ ...testBatch(stream, at + 1, 1), bytes })));
      const found = await history.range(stream, 1, 3, 10 ** 7);
      expect(found.map(({ bytes }) => Bun.SHA256.hash(bytes, "hex"))).toEqual(
        odd.map((bytes) => Bun.SHA256.hash(bytes, "hex")),
      );
    }));
}

function testBacklog(make: Make): void {
  const { room } = testStream();
  const ids = (messages: readonly MessageEntry[]) => messages.map(({ id }) => id);

  test("a backlog is the newest messages of a room, the oldest of them first", () =>
    withHistory(make, async (history) => {
      const batch = testBatch(testStream(), 1, 10);
      await history.append([batch]);
      expect(await history.backlog(room, 4)).toEqual(batch.messages.slice(6));
      expect(await history.backlog(room, 100)).toEqual([...batch.messages]);
    }));

  test("a backlog before a message goes further back", () =>
    withHistory(make, async (history) => {
      const batch = testBatch(testStream(), 1, 10);
      await history.append([batch]);
      const [oldest, ...rest] = await history.backlog(room, 4);
      expect(rest).toHaveLength(3);
      const before = await history.backlog(room, 4, oldest?.id);
      expect(before).toEqual(batch.messages.slice(2, 6));
      expect(await history.backlog(room, 4, batch.messages[0]?.id)).toEqual([]);
    }));

  test("what came late from another server stands where its id belongs", () =>
    withHistory(make, async (history) => {
      const named = (...names: string[]) => names.map((id) => ({ id }));
      const [here, there] = [testStream(), testStream({ origin: "b" })];
      await history.append([testBatch(here, 1, named("a1", "a3", "a5"))]);
      await history.append([testBatch(there, 1, named("a0", "a2", "a4", "a6"))]);
      const inOrder = ["a0", "a1", "a2", "a3", "a4", "a5", "a6"];
      expect(ids(await history.backlog(room, 10))).toEqual(inOrder);
      expect(ids(await history.backlog(room, 3, "a5"))).toEqual(["a2", "a3", "a4"]);
    }));

  test("what stands behind an id, which need not be held, comes by its id, the oldest first", () =>
    withHistory(make, async (history) => {
      const named = (...names: string[]) => names.map((id) => ({ id }));
      const [here, there] = [testStream(), testStream({ origin: "b" })];
      await history.append([testBatch(here, 1, named("a1", "a3", "a5"))]);
      await history.append([testBatch(testStream({ room: "#other" }), 1, named("a4"))]);
      await history.append([testBatch(there, 1, named("a0", "a2"))]);
      expect(ids(await history.onward(room, 10, "a"))).toEqual(["a0", "a1", "a2", "a3", "a5"]);
      expect(ids(await history.onward(room, 2, "a1"))).toEqual(["a2", "a3"]);
      expect(ids(await history.onward(room, 2, "a4"))).toEqual(["a5"]);
      expect(await history.onward(room, 2, "a5")).toEqual([]);
    }));

  test("what was appended after a message comes in that order, whatever the ids are", () =>
    withHistory(make, async (history) => {
      const named = (...names: string[]) => names.map((id) => ({ id }));
      const [here, there] = [testStream(), testStream({ origin: "b" })];
      await history.append([testBatch(here, 1, named("a1", "a3", "a5"))]);
      await history.append([testBatch(testStream({ room: "#other" }), 1, named("a4"))]);
      await history.append([testBatch(there, 1, named("a0", "a2"))]);
      expect(ids((await history.since(room, "a1", 10)) ?? [])).toEqual(["a3", "a5", "a0", "a2"]);
      expect(ids((await history.since(room, "a3", 2)) ?? [])).toEqual(["a5", "a0"]);
      expect(await history.since(room, "a2", 10)).toEqual([]);
      expect(await history.since(room, "a4", 10)).toBeUndefined();
    }));

  test("rooms are kept apart, a local one from a shared one too", () =>
    withHistory(make, async (history) => {
      const rooms = ["#lobby", "&lobby", "#lobby2"];
      await history.append(rooms.map((one) => testBatch(testStream({ room: one }), 1, 2)));
      for (const one of rooms) {
        const found = await history.backlog(testStream({ room: one }).room, 10);
        expect(found.map(({ text }) => text)).toEqual([`${one} 1`, `${one} 2`]);
      }
    }));

  test("all fields of a message come back, and no others", () =>
    withHistory(make, async (history, restart) => {
      const full = { account: "Ana", cid: "c-1", kind: "action", text: "räumt auf 🧹" } as const;
      const batch = testBatch(testStream(), 1, [full, {}]);
      await history.append([batch]);
      expect(await (await restart()).backlog(room, 10)).toEqual([...batch.messages]);
    }));
}

function testHostile(make: Make): void {
  const texts = [
    "'; DROP TABLE messages; --",
    "' OR '1'='1",
    '" MATCH "*',
    "%_*?",
    "a\0b",
    "\r\n{}\r\n",
    "\u2028\u202e\ufeff",
    "\ud800",
    "$1 ?1 :room @room",
    "__proto__",
    "x".repeat(16 * 1024),
  ];

  test("texts that are parts of a query are texts", () =>
    withHistory(make, async (history, restart) => {
      const batch = testBatch(
        testStream(),
        1,
        texts.map((text) => ({ text, cid: text })),
      );
      await history.append([batch]);
      const { room } = testStream();
      expect(await history.backlog(room, 100)).toEqual([...batch.messages]);
      expect(await (await restart()).backlog(room, 100)).toEqual([...batch.messages]);
    }));

  test("rooms and ids that are parts of a query are names", () =>
    withHistory(make, async (history) => {
      for (const text of texts.slice(0, 4)) {
        const stream = testStream({ room: `#${text}` });
        await history.append([testBatch(stream, 1, [{ id: text }])]);
        expect(await history.backlog(stream.room, 10)).toHaveLength(1);
        expect(await history.backlog(stream.room, 10, text)).toEqual([]);
        expect(await history.range(stream, 1, 1, 1)).toHaveLength(1);
      }
      expect(await history.backlog(testStream({ room: "#%" }).room, 10)).toEqual([]);
    }));

  test("another server's message with an id that is taken hides neither", () =>
    withHistory(make, async (history) => {
      const same = [{ id: "same", text: "one" }];
      await history.append([testBatch(testStream(), 1, same)]);
      const other = [
        { id: "same", text: "two" },
        { id: "same", text: "three" },
      ];
      await history.append([testBatch(testStream({ origin: "b" }), 1, other)]);
      const found = await history.backlog(testStream().room, 10);
      expect(found.map(({ text }) => text).toSorted()).toEqual(["one", "three", "two"]);
    }));

  test("numbers up to the largest are exact", () =>
    withHistory(make, async (history) => {
      const last = 2 ** 53 - 1;
      await history.append([testBatch(testStream(), last, 1)]);
      expect([...(await ends(history)).values()]).toEqual([last]);
      const found = await history.range(testStream(), last, last, 1);
      expect(found.map(({ first }) => first)).toEqual([last]);
    }));
}
