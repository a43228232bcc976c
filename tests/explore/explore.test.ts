// The explorer's share in each run of the tests. It needs a process of its own, since it loads the
// fabric with its private fields exposed (expose.ts). The longer run: `bun run explore`.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { exposed } from "./exposed.ts";

const run = (args: readonly string[], mutation?: string) => {
  const preload = join(import.meta.dir, "..", "mutations", "preload.ts");
  const flags = mutation === undefined ? [] : ["--preload", preload];
  const command = [process.execPath, ...flags, join(import.meta.dir, "explore.ts"), ...args];
  const env = { ...process.env, MUTATION: mutation };
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { env });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
};

test("no order of merges, losses and restarts of two and three servers breaks a rule", () => {
  const { exitCode, stdout, stderr } = run(["--states", "9000"]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  const states = Number(/(\d+) states in \d+ configurations, no violation/.exec(stdout)?.[1]);
  expect(states).toBeGreaterThanOrEqual(100_000);
}, 300_000);

test("a planted bug is found, with the way to it, which can be followed again", () => {
  const options = ["--config", "namesake", "--states", "9000"];
  const { exitCode, stdout } = run(options, "no-names-in-view");
  expect(exitCode).toBe(1);
  expect(stdout).toContain("VIOLATION in namesake: a: two namesakes in one view");
  const way = /--trace ([\d.]+)/.exec(stdout)?.[1] ?? "";
  const again = run(["--config", "namesake", "--trace", way], "no-names-in-view");
  expect(again.stdout).toContain("→ a: two namesakes in one view");
}, 60_000);

test("private names are exposed, and nothing else is changed", () => {
  const text = 'class A { #a = "#a"; b() { return this.#a + (#a in this); } } // #a';
  const open = 'class A { $a = "#a"; b() { return this.$a + ($a in this); } } // #a';
  expect(exposed("a.ts", text)).toBe(open);
});
