// `chatfusion init` and `check`, and which config file a command finds.

import { describe, expect, test } from "bun:test";
import { mkdir, readFile, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defaultName } from "../../src/config.ts";
import { processes } from "./process.ts";

const { home, run } = processes();
const NEXT = "next: bunx chatfusion check, then bunx chatfusion serve";

describe("init", () => {
  test("writes the package's example, which check finds right, never over a file", async () => {
    const cwd = join(home, "init");
    await mkdir(cwd);
    const { out, ...ended } = await run(["init"], { cwd });
    expect(ended).toEqual({ code: 0, err: "" });
    const file = join(cwd, "chatfusion.config.ts");
    const example = join(import.meta.dir, "../../chatfusion.config.ts");
    const nameless = async (path: string) =>
      (await readFile(path, "utf8")).replace(/name: "[^"]*"/, "");
    expect(await nameless(file)).toBe(await nameless(example));
    expect(out).toBe(`wrote chatfusion.config.ts for a server named ${defaultName()}\n${NEXT}\n`);
    expect(await readFile(file, "utf8")).toContain(`name: "${defaultName()}"`);
    const checked = await run(["check"], { cwd });
    expect(checked.code).toBe(0);
    expect(checked.out).toMatch(/^chatfusion\.config\.ts: right/);
    expect(checked.out).toMatch(/onAuth +auth-sqlite → auth-guest/);
    // Neither data nor a port: it was looked at only.
    expect(await readdir(cwd)).toEqual(["chatfusion.config.ts"]);
    const again = await run(["init"], { cwd });
    expect(again.err).toContain("it is there already, and is left as it is");
    expect(again.code).toBe(1);
  });

  test("names the server, and refuses what is no name", async () => {
    const cwd = join(home, "named");
    await mkdir(cwd);
    expect((await run(["init", "--name", 'a"b'], { cwd })).code).toBe(4);
    expect(await readdir(cwd)).toEqual([]);
    await run(["init", "--name", "lyon"], { cwd });
    const { out } = await run(["check", "--json"], { cwd: join(cwd) });
    expect(JSON.parse(out)).toMatchObject({ name: "lyon", port: 0, data: join(cwd, "data/lyon") });
  });

  test("does not follow a link that lies in its way", async () => {
    const cwd = join(home, "linked");
    await mkdir(cwd);
    await symlink(join(home, "elsewhere"), join(cwd, "chatfusion.config.ts"));
    expect((await run(["init"], { cwd })).code).toBe(1);
    expect(await readdir(home)).not.toContain("elsewhere");
  });
});

describe("a config file", () => {
  test("is found in the folders above, and its data folder is beside it", async () => {
    const top = join(home, "top");
    const cwd = join(top, "a", "b");
    await mkdir(cwd, { recursive: true });
    await run(["init", "--name", "paris"], { cwd: top });
    const { out } = await run(["check", "--json"], { cwd });
    const file = join(top, "chatfusion.config.ts");
    expect(JSON.parse(out)).toMatchObject({ file, data: join(top, "data/paris") });
  });

  test("is shown with the order in which each of its hooks is asked", async () => {
    const cwd = join(home, "ordered");
    await mkdir(cwd);
    const text = `
      import { defineConfig, definePlugin } from "chatfusion";
      import authGuest from "chatfusion/plugins/auth-guest";
      import fabricTree from "chatfusion/plugins/fabric-tree";
      import limitRate from "chatfusion/plugins/limit-rate";
      const hooks = { onJoin: () => undefined, onCommand: () => undefined };
      const door = definePlugin({ name: "door", setup: () => hooks })();
      const plugins = [door, limitRate(), authGuest(), fabricTree()] as const;
      export default defineConfig({ name: "paris", plugins });
    `;
    await writeFile(join(cwd, "chatfusion.config.ts"), text);
    const { out } = await run(["check"], { cwd });
    expect(out.trimEnd().split("\n").slice(-5)).toEqual([
      "  onAuth     auth-guest",
      "  onJoin     door",
      "  onMessage  limit-rate",
      "  onTell     limit-rate",
      "  onCommand  door → limit-rate",
    ]);
  });

  test("is looked at only, also where a plugin asks for its folder in setup", async () => {
    const cwd = join(home, "looked-at");
    await mkdir(cwd);
    const text = `
      import { defineConfig, definePlugin } from "chatfusion";
      import authGuest from "chatfusion/plugins/auth-guest";
      import fabricTree from "chatfusion/plugins/fabric-tree";
      const early = definePlugin({ name: "early", setup: ({ folder }) => void folder() ?? {} })();
      const plugins = [early, authGuest(), fabricTree()] as const;
      export default defineConfig({ name: "paris", plugins });
    `;
    await writeFile(join(cwd, "chatfusion.config.ts"), text);
    expect(await run(["check"], { cwd })).toMatchObject({ code: 0, err: "" });
    expect(await readdir(cwd)).toEqual(["chatfusion.config.ts"]);
  });

  test("whose plugin has a command that nobody reaches: check says so, user does not", async () => {
    const cwd = join(home, "twice");
    await mkdir(cwd);
    const text = `
      import { command, defineConfig, definePlugin } from "chatfusion";
      import authSqlite from "chatfusion/plugins/auth-sqlite";
      import fabricTree from "chatfusion/plugins/fabric-tree";
      import * as v from "valibot";
      const hug = command({ about: "hugs", args: v.tuple([]), run: () => ({ text: "hug" }) });
      const warm = definePlugin({ name: "warm", setup: () => ({ commands: { hug } }) })();
      const commands = { hug, kick: hug };
      const cold = definePlugin({ name: "cold", setup: () => ({ commands }) })();
      const plugins = [authSqlite(), fabricTree(), warm, cold] as const;
      export default defineConfig({ name: "paris", plugins });
    `;
    await writeFile(join(cwd, "chatfusion.config.ts"), text);
    const warnings = [
      "plugin cold: its command hug is never run, as plugin warm has one of that name",
      "plugin cold: its command kick is never run, as the server itself has one of that name",
    ];
    const checked = await run(["check"], { cwd });
    expect(checked.out.split("\n").slice(0, 2)).toEqual(warnings.map((one) => `warning: ${one}`));
    const { out } = await run(["check", "--json"], { cwd });
    expect(JSON.parse(out)).toMatchObject({ warnings });
    const listed = await run(["user", "list"], { cwd });
    expect([listed.code, listed.err]).toEqual([0, ""]);
  });

  test("that is wrong stops serve and check alike, with all that is wrong", async () => {
    const cwd = join(home, "wrong");
    await mkdir(cwd);
    const text = `export default { nam: "x", listen: { port: "7" }, plugins: [] };`;
    await writeFile(join(cwd, "chatfusion.config.ts"), text);
    const checked = await run(["check"], { cwd });
    const served = await run(["serve"], { cwd });
    expect(served).toEqual(checked);
    expect(checked.code).toBe(1);
    expect(checked.err.trimEnd().split("\n")).toEqual([
      "chatfusion.config.ts: name: expected a value, got nothing",
      'chatfusion.config.ts: listen.port: expected an integer from 0 to 65535, got "7"',
      "chatfusion.config.ts: nam: unknown key (did you mean name?)",
      "chatfusion.config.ts: plugins: expected a plugin that provides auth, got none",
      "chatfusion.config.ts: plugins: expected exactly one plugin that provides fabric, got none",
    ]);
  });
});
