// What is asked of the past, and how it gets into a file: oldest first, a line a message, never
// over what is there, and nothing of it where it fails.

import { describe, expect, test } from "bun:test";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { askPast, exportRoom, historyAsked, searchAsked } from "../../../src/cli/chat/past.ts";
import type { Client, MessageEntry } from "../../../src/client.ts";
import { ChatFusionError } from "../../../src/errors.ts";
import { LIMITS } from "../../../src/limits.ts";

const thrownBy = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (thrown) {
    return thrown;
  }
};

interface Asked {
  readonly before: string;
  readonly limit: number;
}

/** By the first sign of a text. */
const KINDS: Readonly<Record<string, MessageEntry["kind"]>> = {
  "*": "action",
  "+": "reaction",
  "=": "edit",
};

/** A server that has so many messages, and gives some at a time; it may fail after some pages. */
const holding = (texts: readonly string[], { page = 3, pages = 1e9 } = {}) => {
  const all = texts.map((text, at): MessageEntry => {
    const id = String(at).padStart(9, "0");
    const kind = KINDS[text[0] ?? ""] ?? "text";
    return { id, from: "ann@paris", room: "#tea" as never, kind, text, at: at * 1000 };
  });
  let left = pages;
  const request = (_: string, { before = "9", limit = page }: Partial<Asked>) => {
    if (left-- === 0) return Promise.reject(new ChatFusionError("NOT_IN_ROOM", "put out"));
    const messages = all.filter(({ id }) => id < before).slice(-Math.min(page, limit));
    return Promise.resolve({ messages });
  };
  return { all, client: { request } as unknown as Pick<Client, "request"> };
};

describe("/history", () => {
  const cases: readonly (readonly [args: readonly string[], asked: object])[] = [
    [["", "", ""], { place: "#lobby", limit: 20 }],
    [["7", "", ""], { place: "#lobby", limit: 7 }],
    [["7", "0mj", ""], { place: "#lobby", limit: 7, before: "0mj" }],
    [["#tea", "", ""], { place: "#tea", limit: 20 }],
    [["ben@lyon", "7", "0mj"], { place: "ben@lyon", limit: 7, before: "0mj" }],
    [["&tea", "200", "0mj"], { place: "&tea", limit: 200, before: "0mj" }],
  ];
  for (const [args, asked] of cases)
    test(args.join(" ").trim() || "alone", () =>
      expect(historyAsked(args, "#lobby")).toEqual(asked as never),
    );

  for (const count of ["0", "201", "x", "1.5", "-1"])
    test(`refuses the number ${count}`, () =>
      expect(thrownBy(() => historyAsked(["#tea", count, ""], "#lobby"))).toMatchObject({
        code: "USAGE",
        text: `/history: expected a number from 1 to ${LIMITS.backlogMax}, got "${count}"`,
      }));
});

describe("/history N", () => {
  const texts = ["+", "one", "+", "two", "three", ...Array.from("+=+=+=+"), "four", "+"];
  for (const [limit, shown] of [
    [1, ["four", "+"]],
    [2, texts.slice(4)],
    [3, texts.slice(3)],
    [9, texts],
  ] as const)
    test(`has ${limit} messages, where there are as many, and what was done to them`, async () => {
      const { client } = holding(texts);
      const { messages } = await askPast(client, { place: "#tea", limit }, 1);
      expect(messages.map(({ text }) => text)).toEqual([...shown]);
    });

  test("gives up after some pages in which there is none, with what it has", async () => {
    const { client } = holding(["one", ...Array<string>(LIMITS.historyPagesMax).fill("+")], {
      page: 1,
    });
    const { messages } = await askPast(client, { place: "#tea", limit: 1 }, 1);
    expect(messages).toHaveLength(LIMITS.historyPagesMax);
  });

  test("shows what has come where the room was left meanwhile", async () => {
    const { client } = holding(texts, { pages: 1 });
    const { messages } = await askPast(client, { place: "#tea", limit: 9 }, 1);
    expect(messages.map(({ text }) => text)).toEqual(texts.slice(-3));
    const gone = holding(texts, { pages: 0 });
    const asked = askPast(gone.client, { place: "#tea", limit: 9 }, 1);
    expect(await asked.catch((thrown: unknown) => thrown)).toMatchObject({ code: "NOT_IN_ROOM" });
  });

  test("goes on from where it was asked to", async () => {
    const { all, client } = holding(texts);
    const before = all[4]?.id ?? "";
    const { messages } = await askPast(client, { place: "#tea", limit: 2, before }, 1);
    expect(messages.map(({ text }) => text)).toEqual(["one", "+", "two"]);
  });
});

describe("/search", () => {
  const cases: readonly (readonly [text: string, asked: object])[] = [
    ["cup of tea", { text: "cup of tea" }],
    ["in:#tea cup from:ann@paris", { text: "cup", room: "#tea", from: "ann@paris" }],
    ["from:ann", { text: "", from: "ann" }],
    ['"from:ann said" x', { text: '"from:ann said" x' }],
    ["cup before:4711", { text: "cup", before: "4711" }],
    ["begin:x http://in:8", { text: "begin:x http://in:8" }],
  ];
  for (const [text, asked] of cases)
    test(text, () => expect(searchAsked(text)).toEqual(asked as never));

  for (const text of ["", "in:#tea", "a from:b from:c"])
    test(`refuses "${text}"`, () =>
      expect(thrownBy(() => searchAsked(text))).toMatchObject({ code: "USAGE" }));
});

describe("/export", () => {
  const inFolder = async (run: (folder: string) => Promise<void>) => {
    const folder = await mkdtemp(join(tmpdir(), "chatfusion-export-"));
    try {
      await run(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
  const room = "#tea";
  const texts = [
    "one",
    "* two",
    "bad\nline \u202e \u001b[2J",
    "ü".repeat(5000),
    "five",
    "",
    "seven",
  ];

  test("writes all messages of a room, oldest first, as JSON lines", () =>
    inFolder(async (folder) => {
      const { all, client } = holding(texts);
      const path = join(folder, "tea.jsonl");
      const done = await exportRoom(client, { room, path, folder: "/nowhere" });
      expect(done).toEqual({ room, path, messages: 7 });
      const lines = (await Bun.file(path).text()).trimEnd().split("\n");
      expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(all);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect(await readdir(folder)).toEqual(["tea.jsonl"]);
    }));

  test("writes texts, of which none can make a line or draw on a terminal", () =>
    inFolder(async (folder) => {
      const path = join(folder, "tea.txt");
      await exportRoom(holding(texts).client, { room, path, folder });
      const lines = (await Bun.file(path).text()).split("\n");
      expect(lines).toHaveLength(8);
      expect(lines.slice(0, 2)).toEqual([
        "1970-01-01 00:00:00 ann@paris: one",
        "1970-01-01 00:00:01 * ann@paris * two",
      ]);
      // oxlint-disable-next-line no-control-regex -- none is to be there
      expect(lines.join("")).not.toMatch(/[\u0000-\u001f\u202e]/);
    }));

  test("counts messages, and not what was done to them, which it writes as well", () =>
    inFolder(async (folder) => {
      const { client } = holding(["one", "+", "=", "two"]);
      const path = join(folder, "tea.txt");
      expect(await exportRoom(client, { room, path, folder })).toMatchObject({ messages: 2 });
      expect((await Bun.file(path).text()).trimEnd().split("\n")).toHaveLength(4);
    }));

  test("gives a file in a folder a name of its own, which leads out of no folder", () =>
    inFolder(async (folder) => {
      const { client } = holding(["one"]);
      const own = join(folder, "made", "for it");
      for (const name of ["#tea", "#..", "#a+b", "&con"])
        await exportRoom(client, { room: name, path: "", folder: own });
      const names = await readdir(own);
      expect(names).toHaveLength(4);
      for (const name of names) expect(name).toMatch(/^[^.].*\.txt$/);
    }));

  test("never writes over what is there", () =>
    inFolder(async (folder) => {
      const path = join(folder, "there.txt");
      for (const there of [path, `${path}.part`]) {
        await Bun.write(there, "mine");
        const done = exportRoom(holding(["one"]).client, { room, path, folder });
        expect(await done.catch((thrown: unknown) => thrown)).toMatchObject({
          code: "FILE_UNWRITABLE",
          text: `/export: ${there}: there is a file of this name already`,
        });
        expect(await Bun.file(there).text()).toBe("mine");
        await rm(there);
        expect(await readdir(folder)).toEqual([]);
      }
    }));

  test("leaves nothing where the server refuses, and where there is nothing", () =>
    inFolder(async (folder) => {
      const path = join(folder, "tea.txt");
      const refused = exportRoom(holding(texts, { pages: 2 }).client, { room, path, folder });
      expect(await refused.catch((thrown: unknown) => thrown)).toMatchObject({
        code: "NOT_IN_ROOM",
      });
      expect(await readdir(folder)).toEqual([]);
      const empty = await exportRoom(holding([]).client, { room, path, folder });
      expect(empty).toEqual({ room, messages: 0 });
      expect(await readdir(folder)).toEqual([]);
    }));

  test("ends where a server gives the same page for ever", () =>
    inFolder(async (folder) => {
      const { all } = holding(texts);
      const client = { request: () => Promise.resolve({ messages: all }) } as never;
      const path = join(folder, "tea.txt");
      const done = exportRoom(client, { room, path, folder });
      expect(String(await done.catch((thrown: unknown) => thrown))).toContain("gave before");
      expect(await readdir(folder)).toEqual([]);
    }));

  test("says what is wrong with the folder that it writes to", () =>
    inFolder(async (folder) => {
      const { client } = holding(["one"]);
      const own = join(folder, "file", "below it");
      await Bun.write(join(folder, "file"), "mine");
      const done = exportRoom(client, { room, path: "", folder: own });
      const refused = await done.catch((thrown: unknown) => thrown);
      expect(refused).toMatchObject({ code: "FILE_UNWRITABLE" });
      expect(String(refused)).toContain("ENOTDIR");
    }));
});
