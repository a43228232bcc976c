// docs/plugins.md is true: its examples, exactly as they stand there, are written to an empty
// folder that has the package installed, and pass the types and their own tests.

import { expect, test } from "bun:test";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");

/** The blocks of code that name a file. */
function examplesOf(markdown: string): readonly (readonly [name: string, text: string])[] {
  const blocks = markdown.matchAll(/^```ts (\S+)\n([\s\S]*?)^```$/gm);
  return Array.from(blocks, ([, name = "", text = ""]) => [name, text] as const);
}

test("the examples of docs/plugins.md compile and pass their tests", async () => {
  const examples = examplesOf(await Bun.file(join(root, "docs/plugins.md")).text());
  expect(examples.length).toBeGreaterThan(8);
  const folder = await mkdtemp(join(tmpdir(), "chatfusion-docs-"));
  try {
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    for (const [name, text] of examples) await Bun.write(join(folder, name), text);
    await Bun.write(join(folder, "package.json"), '{ "type": "module" }');
    for (const command of [["check"], ["test"]]) {
      const run = Bun.spawn([process.execPath, ...command], {
        cwd: folder,
        stdout: "pipe",
        stderr: "pipe",
      });
      const output = await Promise.all([run.stdout.text(), run.stderr.text()]);
      expect({ command, code: await run.exited, output: output.join("") }).toMatchObject({
        code: 0,
      });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);
