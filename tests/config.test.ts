// The config: each mistake and its text, all of them at once, and who wins where a thing is said
// twice. The files are in a folder of their own, where nothing is installed.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { loadConfig, type ConfigFlags } from "../src/config.ts";
import { ChatFusionError } from "../src/errors.ts";
import { importConfig } from "../src/serve/config-file.ts";

let folder = "";
let count = 0;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "config-")));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const head = `
import { defineConfig, definePlugin } from "chatfusion";
import authGuest from "chatfusion/plugins/auth-guest";
import fabricTree from "chatfusion/plugins/fabric-tree";
import motd from "chatfusion/plugins/motd";
import * as v from "valibot";
`;
const good = `plugins: [authGuest(), fabricTree()]`;

/** Writes a config file in a folder of its own: a module is read once by its path. */
async function write(text: string): Promise<string> {
  const own = join(folder, String(count++));
  await mkdir(own);
  const file = join(own, "chatfusion.config.ts");
  await writeFile(file, text, { mode: 0o644 });
  return file;
}

/** Loads a config whose default export is this text, and returns what it is refused with. */
async function faultsOf(
  value: string,
  flags: ConfigFlags = {},
  env: NodeJS.ProcessEnv = {},
): Promise<readonly string[]> {
  return faultsOfFile(await write(`${head}export default ${value};\n`), flags, env);
}

async function faultsOfFile(
  file: string,
  flags: ConfigFlags = {},
  env: NodeJS.ProcessEnv = {},
): Promise<readonly string[]> {
  try {
    await loadConfig({ config: file, ...flags }, env);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof ChatFusionError)) throw thrown;
    // Only where nothing but flags is wrong, it is what was typed that is.
    const isTyped = thrown.message.split("\n").every((line) => line.startsWith("--"));
    expect(thrown.code).toBe(isTyped ? "USAGE" : "CONFIG_INVALID");
    return thrown.message.split("\n").map((line) => line.replaceAll(file, "FILE"));
  }
}

describe("a config is refused", () => {
  const cases: readonly (readonly [what: string, value: string, fault: string])[] = [
    [
      "for a key that is unknown, with the one that was meant",
      `{ naem: "lyon", name: "paris", ${good} }`,
      "FILE: naem: unknown key (did you mean name?)",
    ],
    [
      "for an unknown key inside of another",
      `{ name: "paris", listen: { prot: 1 }, ${good} }`,
      "FILE: listen.prot: unknown key (did you mean port?)",
    ],
    ["without a name", `{ ${good} }`, "FILE: name: expected a value, got nothing"],
    [
      "for a name outside of the grammar",
      `{ name: "pa ris", ${good} }`,
      'FILE: name: expected only letters, digits, _ - and ., not U+0020, got "pa ris"',
    ],
    [
      "for a port that is too large",
      `{ name: "paris", listen: { port: 70000 }, ${good} }`,
      "FILE: listen.port: expected an integer from 0 to 65535, got 70000",
    ],
    [
      "for a port that is a text",
      `{ name: "paris", listen: { port: "7331" }, ${good} }`,
      'FILE: listen.port: expected an integer from 0 to 65535, got "7331"',
    ],
    [
      "for a host that is none",
      `{ name: "paris", listen: { host: "http://a" }, ${good} }`,
      'FILE: listen.host: expected an address or a host name, like "127.0.0.1" or "::", ' +
        'got "http://a"',
    ],
    [
      "for a data folder that is none",
      `{ name: "paris", data: 7, ${good} }`,
      "FILE: data: expected the path of a folder, got 7",
    ],
    [
      "for plugins that are no list",
      `{ name: "paris", plugins: authGuest() }`,
      "FILE: plugins: expected a list of plugins, got an object",
    ],
    [
      "for a plugin that was not called",
      `{ name: "paris", plugins: [authGuest, authGuest(), fabricTree()] }`,
      "FILE: plugins[0]: expected a plugin (did you write authGuest for authGuest()?), " +
        "got function",
    ],
    [
      "for a value that is no object",
      `"paris"`,
      'FILE: expected what defineConfig returns, got "paris"',
    ],
    [
      "for a promise",
      `Promise.resolve({ name: "paris", ${good} })`,
      "FILE: expected what defineConfig returns, got a promise of it; put await before",
    ],
  ];
  for (const [what, value, fault] of cases) {
    test(what, async () => expect(await faultsOf(value)).toContain(fault));
  }

  test("for all its mistakes at once", async () => {
    const faults = await faultsOf(
      `{ name: "", listen: { port: -1, hots: "x" }, plugins: [motd({ txet: "hi" }), 7] }`,
    );
    const text = faults.join("\n");
    expect(text).toContain("FILE: name: expected 1 to 32 letters");
    expect(text).toContain("FILE: listen.port: expected an integer");
    expect(text).toContain("FILE: listen.hots: unknown key (did you mean host?)");
    expect(text).toContain("FILE: plugins[1]: expected a plugin");
    expect(text).toMatch(/^FILE: .*motd.*txet/m);
    expect(text).toMatch(/^FILE: .*auth/m);
    expect(text).toMatch(/^FILE: .*fabric/m);
  });

  test("without showing a password that is wrong", async () => {
    const gate = `definePlugin({ name: "gate", options: v.strictObject({ password: v.number() }),
      setup: () => ({}) })({ password: "swordfish" })`;
    const text = (await faultsOf(`{ name: "paris", plugins: [${gate}] }`)).join("\n");
    expect(text).toMatch(/gate.*password/);
    expect(text).not.toContain("swordfish");
  });
});

test("more of the past than may be taken is refused", async () => {
  const text = "FILE: history.onMerge: expected an integer from 0 to 1000, got 1001";
  expect(await faultsOf(`{ name: "paris", history: { onMerge: 1001 }, ${good} }`)).toEqual([text]);
});

describe("a config file is refused", () => {
  test("that is not there", async () => {
    expect(await faultsOfFile(join(folder, "nowhere.ts"))).toEqual(["FILE: there is no such file"]);
  });

  test("without a default export, with what it has", async () => {
    expect(await faultsOfFile(await write("export const config = {};"))).toEqual([
      "FILE: expected a default export (defineConfig({ … })), got only config",
    ]);
  });

  test("with a syntax error, by line and column", async () => {
    const [fault] = await faultsOfFile(await write('export default {\n  name: "paris;\n};'));
    expect(fault).toMatch(/^FILE:2:9: Unterminated string literal/);
  });

  test("that imports a name that is not there, by the file that does", async () => {
    const file = await write('import "./plugin.ts";\nexport default {};');
    const plugin = join(dirname(file), "plugin.ts");
    await writeFile(plugin, 'import { definePlugun } from "chatfusion";\ndefinePlugun();');
    const [fault] = await faultsOfFile(file);
    expect(fault).toStartWith(`${plugin}: Export named 'definePlugun' not found`);
  });

  test("that awaits for ever, or imports what does, with the line that may be it", async () => {
    const file = await write('import "./plugin.ts";\nexport default {};');
    const plugin = join(dirname(file), "plugin.ts");
    await writeFile(plugin, "export const f = async () => await 1;\nawait new Promise(() => {});");
    const imported = await importConfig(file, { isFound: false, msMax: 100 });
    expect(imported).toEqual({
      faults: [
        `${file}: expected to be read within 0.1 s, but something is awaited outside of any ` +
          `function; it may be ${plugin}:2`,
      ],
    });
  });

  test("that throws, with what it says made visible", async () => {
    expect(await faultsOfFile(await write('throw new TypeError("no \\u001b[31m luck");'))).toEqual([
      "FILE: the config threw while it was read: TypeError: no ␛[31m luck (FILE:1)",
    ]);
  });

  test("with a misspelt plugin, by line, with the one that was meant", async () => {
    const text = `\nimport a from "chatfusion/plugins/auth-gest";\nexport default { p: a() };`;
    expect(await faultsOfFile(await write(text))).toEqual([
      'FILE:2: there is no "chatfusion/plugins/auth-gest" ' +
        "(did you mean chatfusion/plugins/auth-guest?)",
    ]);
  });

  test("with a package that is not installed, which is not downloaded", async () => {
    const text = `import a from "chatfusoin";\nimport b from "left-pad";\nexport default { a, b };`;
    expect(await faultsOfFile(await write(text))).toEqual([
      'FILE:1: cannot find the package "chatfusoin" (did you mean chatfusion?); ' +
        "expected it in node_modules",
      'FILE:2: cannot find the package "left-pad"; expected it in node_modules',
    ]);
  });

  test("with such a package in a file that it imports", async () => {
    const file = await write(`import a from "./mine.ts";\nexport default { a };`);
    await writeFile(join(file, "..", "mine.ts"), `import b from "left-pad";\nexport default b;`);
    const [fault] = await faultsOfFile(file);
    expect(fault).toMatch(/mine\.ts:1: cannot find the package "left-pad"/);
  });

  test("with a file that is not there", async () => {
    const file = await write(`import a from "./mine.ts";\nexport default { a };`);
    expect((await faultsOfFile(file)).join("\n")).toMatch(/^FILE.*\.\/mine\.ts/);
  });

  test("that anybody may write", async () => {
    const file = await write(`${head}export default { name: "paris", ${good} };`);
    await chmod(file, 0o666);
    expect(await faultsOfFile(file)).toEqual([
      "FILE: anybody may write it; expected a mode like 644, got 666",
    ]);
  });
});

describe("a config that is right", () => {
  const own = 'listen: { host: "::1", port: 7 }, history: { onMerge: 50 }, data: "d"';
  const paris = `{ name: "Paris", ${own}, ${good} }`;

  test("is what its file says, with the data folder beside the file", async () => {
    const file = await write(`${head}export default defineConfig(${paris});`);
    const config = await loadConfig({ config: file }, {});
    expect(config).toMatchObject({ file, name: "Paris", host: "::1", port: 7, onMerge: 50 });
    expect(config.data).toBe(join(file, "..", "d"));
    expect(config.plugins.map(({ name }) => name)).toEqual(["auth-guest", "fabric-tree"]);
  });

  test("has the data folder of its name, whose case does not matter", async () => {
    const file = await write(`${head}export default { name: "Paris", ${good} };`);
    const config = await loadConfig({ config: file }, {});
    expect(config).toMatchObject({ host: "127.0.0.1", port: 0 });
    expect(config.data).toBe(join(file, "..", "data", "paris"));
  });

  test("gives way to the environment, and that to the flags", async () => {
    const file = await write(`${head}export default ${paris};`);
    const env = {
      CHATFUSION_NAME: "lyon",
      CHATFUSION_LISTEN_HOST: "0.0.0.0",
      CHATFUSION_LISTEN_PORT: "8",
      CHATFUSION_DATA: "/tmp/lyon",
    };
    const fromEnv = await loadConfig({ config: file }, env);
    expect(fromEnv).toMatchObject({ name: "lyon", host: "0.0.0.0", port: 8, data: "/tmp/lyon" });
    const flags = { name: "nice", host: "127.0.0.1", port: "9", data: "/tmp/nice" };
    const fromFlags = await loadConfig({ config: file, ...flags }, env);
    expect(fromFlags).toMatchObject({ ...flags, port: 9 });
  });

  test("has a folder of its own for each name that it is given", async () => {
    const file = await write(`${head}export default { name: "paris", ${good} };`);
    const { data } = await loadConfig({ config: file, name: "lyon" }, {});
    expect(data).toBe(join(file, "..", "data", "lyon"));
  });

  test("is not read twice for variables that are empty", async () => {
    const file = await write(`${head}export default ${paris};`);
    const env = { CHATFUSION_NAME: "", CHATFUSION_LISTEN_PORT: "" };
    expect(await loadConfig({ config: file }, env)).toMatchObject({ name: "Paris", port: 7 });
  });
});

describe("an override is refused", () => {
  const paris = `{ name: "paris", ${good} }`;

  test("by the name of its flag, or of its variable", async () => {
    expect(await faultsOf(paris, { port: "70000", name: "a@b" })).toEqual([
      '--name: expected only letters, digits, _ - and ., not @, got "a@b"',
      "--port: expected an integer from 0 to 65535, got 70000",
    ]);
    const env = { CHATFUSION_LISTEN_PORT: "http", CHATFUSION_LISTEN_HOST: "a b" };
    expect(await faultsOf(paris, {}, env)).toEqual([
      'CHATFUSION_LISTEN_HOST: expected an address or a host name, like "127.0.0.1" or "::", ' +
        'got "a b"',
      'CHATFUSION_LISTEN_PORT: expected an integer from 0 to 65535, got "http"',
    ]);
  });

  test("together with what is wrong in the file", async () => {
    const faults = await faultsOf(`{ nmae: "paris", ${good} }`, { port: "x" });
    expect(faults).toHaveLength(3);
  });

  test("not, but warned of, when nobody reads a variable of that name", async () => {
    const file = await write(`${head}export default ${paris};`);
    const { warnings } = await loadConfig({ config: file }, { CHATFUSION_PORT: "1" });
    expect(warnings).toEqual([expect.stringContaining("CHATFUSION_PORT is read by nobody")]);
  });
});
