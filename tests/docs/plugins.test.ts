// The tables of README.md and docs/plugins.md against the program: hooks, roles, the config, the
// plugins that come with it, and what tests of plugins are given.

import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { HOOK_KINDS, PROVIDERS } from "../../src/plugin.ts";
import * as testing from "../../src/testing.ts";

const root = join(import.meta.dir, "../..");
const read = (name: string): Promise<string> => Bun.file(join(root, name)).text();
const readme = await read("README.md");
const page = await read("docs/plugins.md");

/** The cells of all rows of a page's tables; a bar that is escaped is none. */
const rowsOf = (text: string): string[][] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim())
        .slice(1, -1),
    );

const kindsOf = (text: string, column: number): Record<string, string> =>
  Object.fromEntries(
    rowsOf(text)
      .filter(([name = ""]) => /^`on[A-Z]\w+`$/.test(name))
      .map((cells) => [
        cells[0]?.replaceAll("`", "") ?? "",
        cells[column]?.replace("notified", "notify").replace(/[:,].*/, "") ?? "",
      ]),
  );

test("both name every hook, and its kind", () => {
  const kinds: Record<string, string> = HOOK_KINDS;
  expect(kindsOf(readme, 1)).toEqual(kinds);
  expect(kindsOf(page, 2)).toEqual(kinds);
});

test("every role is there, and how many may have it", () => {
  const many = { "one or more": [1, Infinity], "exactly one": [1, 1], "at most one": [0, 1] };
  const words: Record<string, number[]> = { ...many, "any number": [0, Infinity] };
  const roles = rowsOf(page).flatMap(([name = "", howMany = ""]) => {
    const [min = -1, max = -1] = words[howMany] ?? [];
    return words[howMany] === undefined ? [] : [[name.replaceAll("`", ""), { min, max }]];
  });
  expect(Object.fromEntries(roles)).toEqual(PROVIDERS);
});

test("the parts of the config are those of its type", async () => {
  const type = /export interface Config \{(.*?)\n\}/s.exec(await read("src/plugin.ts"))?.[1] ?? "";
  const keys = [...type.matchAll(/^ {2}readonly (\w+\??):/gm)].map(([, key = ""]) => key);
  const [, said = ""] = /^\| `defineConfig\(\{ (.*?) \}\)`/m.exec(page) ?? [];
  expect(said.split(", ")).toEqual(keys);
});

test("README.md names every plugin and every page", () => {
  const plugins = readdirSync(join(root, "plugins")).filter((name) => name.endsWith(".ts"));
  const named = rowsOf(readme).flatMap(
    ([cell = ""]) => cell.match(/(?<=`)(?:[a-z]+-[a-z]+|motd)/g) ?? [],
  );
  expect(named.toSorted()).toEqual(plugins.map((name) => name.replace(".ts", "")).toSorted());
  const pages = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
  const [map = ""] = /^docs\/.*?(?=^src)/ms.exec(readme) ?? [];
  expect(map.match(/\w+\.md/g)?.toSorted()).toEqual(pages.toSorted());
});

test("the events for a bot by the shell are those of the chat", async () => {
  const shown = await read("src/cli/chat/shown.ts");
  const part = page.slice(page.indexOf("### By the shell"), page.indexOf("## A gateway"));
  const events = rowsOf(part).map(([name = ""]) => name.replaceAll("`", ""));
  expect(events.length).toBeGreaterThan(5);
  expect(events.filter((name) => !shown.includes(`event: "${name}"`))).toEqual([]);
});

test("what tests are given is all there", () => {
  expect(Object.keys(testing).filter((name) => !page.includes(`\`${name}`))).toEqual([]);
});
