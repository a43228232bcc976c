// docs/security.md names a test for each behaviour: they are all there.

import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const tests = join(import.meta.dir, "..");
const page = readFileSync(join(tests, "../docs/security.md"), "utf8");
/** The last column: `file: *beginning of a title*, *another*; file`. */
const rows = page
  .split("\n")
  .filter((line) => /^\| (?!what (?:it|somebody) does)[^-]/.test(line))
  .map((line) => line.split("|").at(-2)!.trim());

function fileOf(name: string): string {
  const path = name.includes("/") ? name : `plugins/fabric-tree/${name}`;
  return join(tests, `${path}.test.ts`);
}

test("every test that the page on security names is there", () => {
  expect(rows.length).toBeGreaterThan(40);
  const missing = rows.flatMap((row) =>
    row.split("; ").flatMap((part) => {
      const [name = "", titles = ""] = part.split(": ");
      const file = name.split(", ").find((one) => !existsSync(fileOf(one)));
      if (file !== undefined) return [`${file}: no such file`];
      if (titles === "") return [];
      const text = readFileSync(fileOf(name), "utf8");
      const words = [...titles.matchAll(/\*([^*]+)\*/g)].map((match) => match[1]!);
      return words.filter((word) => !text.includes(word)).map((word) => `${name}: ${word}`);
    }),
  );
  expect(missing).toEqual([]);
});
