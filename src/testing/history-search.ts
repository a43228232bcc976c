// The part of the suite of the role "history" that is about finding messages by their words.

import { expect, test } from "bun:test";
import { ChatFusionError } from "../errors.ts";
import type { Found, History, Search } from "../plugin/history.ts";
import type { Make } from "./history-stage.ts";
import { testBatch, testStream, withHistory } from "./history-stage.ts";

const { room } = testStream();

/** Defines the tests. */
export function testSearch(make: Make): void {
  testWords(make);
  testPages(make);

  test("what was removed is not found, not even as there is more", () =>
    withHistory(make, async (history, restart) => {
      const batch = testBatch(testStream(), 1, said("one fox", "two foxes", "one wolf"));
      await history.append([batch]);
      await history.redact(room, batch.messages.slice(0, 1));
      expect(await texts(history, { text: "one", limit: 1 })).toEqual(["one wolf"]);
      const later = await restart();
      expect(await find(later, { text: "fox" })).toEqual({ messages: [] });
    }));

  test("a reaction is not found, neither by its word nor by its author", () =>
    withHistory(make, async (history, restart) => {
      const done = (kind: "reaction" | "unreaction" | "edit") =>
        ({ kind, text: "cheers", about: "x" }) as const;
      const messages = [{ text: "cheers" }, done("reaction"), done("unreaction"), done("edit")];
      const batch = testBatch(testStream(), 1, messages);
      await history.append([batch]);
      const kinds = async (one: History, what: Asked) =>
        (await find(one, what)).messages.map(({ kind }) => kind);
      expect(await kinds(history, { text: "cheers" })).toEqual(["text", "edit"]);
      expect(await kinds(history, { from: "ana@paris" })).toEqual(["text", "edit"]);
      await history.redact(room, batch.messages.slice(0, 2));
      const later = await restart();
      expect(await kinds(later, { text: "cheers" })).toEqual(["edit"]);
    }));

  test("parts of a question's language are words, or nothing", () =>
    withHistory(make, async (history) => {
      const all = ["near and not or", "text column", "a NEAR b", "'; DROP TABLE words; --"];
      await history.append([testBatch(testStream(), 1, said(...all))]);
      expect(await texts(history, { text: "NOT near AND or" })).toEqual(all.slice(0, 1));
      expect(await texts(history, { text: "drop-table; words'" })).toEqual(all.slice(3));
      for (const odd of ["text:column", "{text column}:", "^text + column", "(text) OR", "NEAR("])
        expect(await find(history, { text: odd })).toBeDefined();
      for (const none of ["", "  ", "***", '"" ()', "\0", "?!"])
        expect(await codeOf(find(history, { text: none }))).toBe("BAD_REQUEST");
      for (const before of ["", "x", "-1", "1 OR 1", "9".repeat(60), "1e3"])
        expect(await codeOf(find(history, { text: "text", before }))).toBe("BAD_REQUEST");
    }));
}

// --- internal ---

type Asked = Partial<Search>;

const said = (...all: string[]) => all.map((text) => ({ text }));
const find = async (history: History, what: Asked): Promise<Found> =>
  history.search({ rooms: [room], text: "", limit: 50, ...what });
const texts = async (history: History, what: Asked): Promise<string[]> =>
  (await find(history, what)).messages.map(({ text }) => text);

async function codeOf(found: Promise<Found>): Promise<string> {
  try {
    await found;
    return "found";
  } catch (thrown) {
    if (thrown instanceof ChatFusionError) return thrown.code;
    throw thrown;
  }
}

function testWords(make: Make): void {
  test("a message is found by its words, all of them, in any order and case", () =>
    withHistory(make, async (history, restart) => {
      const all = ["The quick brown Fox", "a quick thought", "FOX, quick!", "foxes are quick"];
      await history.append([testBatch(testStream(), 1, said(...all))]);
      const isFound = async (one: History) => {
        expect(await texts(one, { text: "fox QUICK" })).toEqual([all[0] ?? "", all[2] ?? ""]);
        expect(await texts(one, { text: "quick" })).toEqual(all);
        expect(await texts(one, { text: "wolf" })).toEqual([]);
        expect(await texts(one, { text: "quick wolf" })).toEqual([]);
      };
      await isFound(history);
      await isFound(await restart());
    }));

  test("words in quotes are found one behind the other", () =>
    withHistory(make, async (history) => {
      const all = ["to be or not to be", "be to", "not, to be"];
      await history.append([testBatch(testStream(), 1, said(...all))]);
      expect(await texts(history, { text: '"to be"' })).toEqual([all[0] ?? "", all[2] ?? ""]);
      expect(await texts(history, { text: '"be or not" to' })).toEqual([all[0] ?? ""]);
    }));

  test("an author's messages are found, with words and without", () =>
    withHistory(make, async (history) => {
      const by = (from: string, text: string) => ({ from, text });
      const messages = [by("ana@paris", "tea"), by("bob@paris", "tea"), by("ana@lyon", "milk")];
      await history.append([testBatch(testStream(), 1, messages)]);
      expect(await texts(history, { from: "ana@paris" })).toEqual(["tea"]);
      expect(await texts(history, { from: "ana@lyon", text: "milk" })).toEqual(["milk"]);
      expect(await texts(history, { from: "ana@lyon", text: "tea" })).toEqual([]);
      expect(await texts(history, { from: "ana" })).toEqual([]);
    }));

  test("only the rooms that are asked for are looked through", () =>
    withHistory(make, async (history) => {
      const rooms = ["#lobby", "&lobby", "#lobby2", "#other"].map((name) =>
        testStream({ room: name }),
      );
      await history.append(rooms.map((stream) => testBatch(stream, 1, said(`in ${stream.room}`))));
      const names = rooms.map((stream) => stream.room);
      for (const name of names)
        expect(await texts(history, { rooms: [name], text: "in" })).toEqual([`in ${name}`]);
      const some = names.slice(1, 3);
      expect(await texts(history, { rooms: some, text: "in" })).toEqual(some.map((n) => `in ${n}`));
      expect(
        await texts(history, { rooms: [testStream({ room: "#no" }).room], text: "in" }),
      ).toEqual([]);
    }));
}

function testPages(make: Make): void {
  test("the newest come first in pages, and the oldest of a page first", () =>
    withHistory(make, async (history) => {
      const numbers = Array.from({ length: 25 }, (_, at) => `page ${at}`);
      const [here, there] = [testStream(), testStream({ origin: "b" })];
      await history.append([testBatch(here, 1, said(...numbers.slice(0, 10)))]);
      await history.append([
        testBatch(there, 1, said(...numbers.slice(10, 20))),
        testBatch(here, 11, said(...numbers.slice(20))),
      ]);
      const pages: string[][] = [];
      let before: string | undefined;
      do {
        const part = before === undefined ? {} : { before };
        const { messages, next } = await find(history, { text: "page", limit: 7, ...part });
        pages.unshift(messages.map(({ text }) => text));
        before = next;
      } while (before !== undefined);
      expect(pages.map((page) => page.length)).toEqual([4, 7, 7, 7]);
      expect(pages.flat()).toEqual(numbers);
    }));

  test("what came meanwhile is on no later page, and ids that are there twice hide nothing", () =>
    withHistory(make, async (history) => {
      const same = Array.from({ length: 6 }, (_, at) => ({ id: "same", text: `twin ${at}` }));
      await history.append([testBatch(testStream(), 1, same)]);
      const first = await find(history, { text: "twin", limit: 3 });
      await history.append([testBatch(testStream(), 7, said("twin 6"))]);
      const before = first.next ?? "";
      const second = await find(history, { text: "twin", limit: 3, before });
      const all = [...second.messages, ...first.messages].map(({ text }) => text);
      expect(all).toEqual(same.map(({ text }) => text));
      expect(second.next).toBeUndefined();
    }));
}
