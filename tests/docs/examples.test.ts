// docs/plugins.md and docs/testing.md are true: their examples, exactly as they stand there, are
// written to an empty folder in which the packed package is installed, as a newcomer would have it,
// and pass the types and their own tests.

import { expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rename, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SENTENCES } from "../../src/testing/script.ts";

const root = join(import.meta.dir, "../..");
const read = (page: string) => Bun.file(join(root, "docs", page)).text();

/** The blocks of code that name a file. */
function examplesOf(markdown: string): readonly (readonly [name: string, text: string])[] {
  const blocks = markdown.matchAll(/^```ts (\S+)\n([\s\S]*?)^```$/gm);
  return Array.from(blocks, ([, name = "", text = ""]) => [name, text] as const);
}

async function run(cwd: string, ...command: readonly string[]): Promise<void> {
  const ran = Bun.spawn([...command], { cwd, stdout: "pipe", stderr: "pipe" });
  const output = await Promise.all([ran.stdout.text(), ran.stderr.text()]);
  const code = await ran.exited;
  expect({ command, code, output: output.join("") }).toMatchObject({ code: 0 });
}

/** Installs what would be published, and beside it the libraries that are here already. */
async function install(folder: string): Promise<void> {
  const modules = join(folder, "node_modules");
  await mkdir(modules);
  for (const name of await readdir(join(root, "node_modules"))) {
    if (name !== "chatfusion") await symlink(join(root, "node_modules", name), join(modules, name));
  }
  const packed = join(folder, "packed.tgz");
  await run(root, process.execPath, "pm", "pack", "--ignore-scripts", "--filename", packed);
  await run(folder, "tar", "-xzf", packed);
  await rename(join(folder, "package"), join(modules, "chatfusion"));
}

test("the examples compile and pass their tests, with the packed package", async () => {
  const pages = await Promise.all(["plugins.md", "testing.md"].map(read));
  const [ofPlugins = [], ofTesting = []] = pages.map(examplesOf);
  expect(ofPlugins.length).toBeGreaterThan(8);
  expect(ofTesting.length).toBeGreaterThan(2);
  const folder = await mkdtemp(join(tmpdir(), "chatfusion-docs-"));
  try {
    await install(folder);
    for (const [name, text] of [...ofPlugins, ...ofTesting]) {
      expect(await Bun.file(join(folder, name)).exists(), `${name} is there twice`).toBe(false);
      await Bun.write(join(folder, name), text);
    }
    await Bun.write(join(folder, "package.json"), '{ "type": "module" }');
    for (const command of ["check", "test"]) await run(folder, process.execPath, command);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 90_000);

test("a plugin is tested in a fusion of three servers in twenty lines", async () => {
  const [first = ["", ""]] = examplesOf(await read("testing.md"));
  const [name, text] = first;
  expect(name).toBe("mild.test.ts");
  expect(text.trimEnd().split("\n").length).toBeLessThanOrEqual(20);
});

test("docs/testing.md tells every sentence of scripts, and no other", async () => {
  const page = await read("testing.md");
  const rows = page.slice(page.indexOf("### Scripts"), page.indexOf("### Suites")).split("\n");
  const cells = rows.flatMap((row) => (row.startsWith("| `") ? [row.split(" | ")[0] ?? ""] : []));
  const told = cells.flatMap((cell) =>
    Array.from(cell.matchAll(/`([^`]+)`/g), ([, one = ""]) => one),
  );
  expect(told.toSorted()).toEqual(SENTENCES.toSorted());
});
