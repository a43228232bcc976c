// Files that plugins open at their start: none, another program's, damaged, cut off, or open to
// everybody. Each stops the start with an error that names the plugin and the file.

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { chmod, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import authFile from "../../plugins/auth-file.ts";
import authSqlite from "../../plugins/auth-sqlite.ts";
import logSqlite from "../../plugins/log-sqlite.ts";
import { LIMITS } from "../../src/limits.ts";
import type { Plugin } from "../../src/plugin/context.ts";
import { createMemoryStore, setUp } from "../../src/testing/context.ts";
import { testBatch, testStream } from "../../src/testing/history-stage.ts";

const plugins: Record<
  string,
  { plugin: () => Plugin; file: string; fill(folder: string): Promise<void> }
> = {
  "auth-sqlite": {
    plugin: () => authSqlite({ scramIterations: LIMITS.scramIterationsMin }),
    file: "accounts.sqlite",
    async fill(folder) {
      await using world = await setUp(this.plugin(), { folder });
      await world.parts.commands!["user-add"]!.run(["Ana", "x"], { by: "console", roles: [] });
    },
  },
  "log-sqlite": {
    plugin: () => logSqlite(),
    file: "log.sqlite",
    async fill(folder) {
      await using world = await setUp(this.plugin(), { folder });
      for (let first = 1; first < 2000; first += 100) {
        await world.parts.history!.append([testBatch(testStream(), first, 100)]);
      }
    },
  },
};

/** What the start is refused with. */
async function refusal(plugin: Plugin, folder: string): Promise<string> {
  try {
    const world = await setUp(plugin, { folder });
    await world.stop();
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: "CONFIG_INVALID" });
    return (thrown as Error).message;
  }
  return "started";
}

for (const [name, { plugin, file, fill }] of Object.entries(plugins)) {
  describe(`${name} does not start on`, () => {
    const cases: [what: string, spoil: (path: string) => Promise<unknown>, why: RegExp][] = [
      [
        "a file that is no database",
        (path) => writeFile(path, "hello ".repeat(1000)),
        /not a database/,
      ],
      [
        "a database of another program",
        async (path) => void new Database(path).run("CREATE TABLE a (b)"),
        /another program/,
      ],
      [
        "a database of a later version",
        async (path) => {
          await fill.call(plugins[name]!, join(path, ".."));
          new Database(path).run("PRAGMA user_version = 99");
        },
        /version 1 (?:or 2|to 4), got 99/,
      ],
      [
        "a file that anybody may write",
        async (path) => {
          await writeFile(path, "");
          await chmod(path, 0o666);
        },
        /anybody may write/,
      ],
      [
        "a folder",
        (path) =>
          rm(path, { force: true })
            .then(() => mkdtemp(path))
            .then((made) => Bun.$`mv ${made} ${path}`.quiet()),
        /EISDIR|directory/,
      ],
    ];
    for (const [what, spoil, why] of cases) {
      test(what, async () => {
        const folder = await mkdtemp(join(tmpdir(), "chatfusion-files-"));
        try {
          await spoil(join(folder, file));
          const text = await refusal(plugin(), folder);
          expect(text).toStartWith(`${name}: ${join(folder, file)}: `);
          expect(text).toMatch(why);
        } finally {
          await rm(folder, { recursive: true, force: true });
        }
      });
    }
  });
}

describe("log-sqlite finds", () => {
  const { plugin, file, fill } = plugins["log-sqlite"]!;
  const spoiled: [what: string, spoil: (path: string) => Promise<unknown>][] = [
    [
      "a copy that was cut off",
      async (path) => truncate(path, (await readFile(path)).length - 40_000),
    ],
    [
      "a page of garbage",
      async (path) => {
        const bytes = await readFile(path);
        await writeFile(path, bytes.fill(0xa5, bytes.length >> 1, (bytes.length >> 1) + 8192));
      },
    ],
    [
      "a damaged head",
      async (path) => {
        const bytes = await readFile(path);
        await writeFile(path, bytes.fill(0, 0, 4096));
      },
    ],
  ];
  for (const [what, spoil] of spoiled) {
    test(what, async () => {
      const folder = await mkdtemp(join(tmpdir(), "chatfusion-files-"));
      try {
        await fill.call(plugins["log-sqlite"]!, folder);
        await spoil(join(folder, file));
        expect(await refusal(plugin(), folder)).toMatch(/damaged|malformed|not a database/);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  }
});

describe("auth-file does not start on", () => {
  const cases: [what: string, make: (path: string) => Promise<unknown>, why: RegExp][] = [
    ["a file that is not there", () => Promise.resolve(), /ENOENT/],
    [
      "a file that anybody may write",
      async (path) => {
        await writeFile(path, "");
        await chmod(path, 0o606);
      },
      /anybody may write/,
    ],
    [
      "a file of many megabytes",
      (path) => writeFile(path, "#\n".repeat(LIMITS.accountsFileBytesMax)),
      /bytes, got/,
    ],
  ];
  for (const [what, make, why] of cases) {
    test(what, async () => {
      const folder = await mkdtemp(join(tmpdir(), "chatfusion-files-"));
      try {
        await make(join(folder, "people"));
        const text = await refusal(authFile({ file: "people" }), folder);
        expect(text).toMatch(why);
        expect(text).toContain(join(folder, "people"));
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  }
});

test("auth-sqlite does not start on an empty database where there were accounts", async () => {
  const folder = await mkdtemp(join(tmpdir(), "chatfusion-lost-"));
  try {
    const store = createMemoryStore();
    const start = () => setUp(authSqlite({ scramIterations: 4096 }), { folder, store });
    for (const command of ["user-list", "user-add"]) {
      await using world = await start(); // without any account it may be lost
      await rm(join(folder, "accounts.sqlite"));
      await world.stop();
      await using again = await start();
      const words = command === "user-add" ? ["Ana", "x"] : [];
      await again.parts.commands![command]!.run(words, { by: "console", roles: [] });
    }
    for (const spoil of [rm, (path: string) => truncate(path, 0)]) {
      await spoil(join(folder, "accounts.sqlite"));
      const refused = await start().catch((thrown: unknown) => thrown);
      expect(refused).toMatchObject({ code: "CONFIG_INVALID" });
      expect((refused as Error).message).toContain("there were accounts");
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
