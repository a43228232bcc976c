// The house rules as a test: sizes, import layers, what pure code and tests may not touch, and
// what no tracked file may hold. Each rule goes from one source file to its violations, and stands
// beside a piece of bad code that it must find: a rule that never fires proves nothing.

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Visitor } from "oxc-parser";
import { at, firstParameter, importsOf, memberName, onlyCall, parse } from "./tidy/source.ts";
import type { Source, Span } from "./tidy/source.ts";

const FILE_LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;
const COLUMNS_MAX = 100;

/** Tables of data, which are as long as what they list. */
const DATA_FILES = new Set(["src/confusables.ts", "src/limits.ts"]);

type Allowed = readonly string[] | "all";

// Who may import whom (layers), and what else (packages; platform modules are free but for pure
// code). Do not change this table to fix a build: move the code instead.
const LAYERS: Readonly<Record<string, { layers: Allowed; packages: Allowed }>> = {
  base: { layers: ["base"], packages: [] },
  protocol: { layers: ["base", "protocol"], packages: ["valibot"] },
  plugin: { layers: ["base", "protocol", "plugin"], packages: ["valibot"] },
  core: { layers: ["base", "protocol", "plugin", "core"], packages: ["valibot"] },
  serve: {
    layers: ["base", "protocol", "plugin", "core", "net", "serve", "plugins"],
    packages: ["valibot", "selfsigned"],
  },
  net: { layers: ["base", "net"], packages: ["selfsigned"] },
  client: { layers: ["base", "protocol", "net", "client"], packages: ["valibot"] },
  cli: {
    layers: ["base", "protocol", "client", "serve", "cli", "tui"],
    packages: ["citty", "consola", "valibot"],
  },
  tui: {
    layers: ["base", "protocol", "client", "serve", "tui"],
    packages: ["consola", "valibot", "@opentui/core"],
  },
  testing: { layers: "all", packages: "all" },
  tests: { layers: "all", packages: "all" },
  // What a third party would write: by "chatfusion", or its client, and in its own files.
  plugins: { layers: ["plugin"], packages: ["valibot"] },
  examples: { layers: ["client"], packages: [] },
  config: { layers: ["plugin", "plugins"], packages: [] },
};

/** Which layer a file belongs to. */
const PLACES: readonly (readonly [RegExp, keyof typeof LAYERS])[] = [
  [/^src\/(names|errors|limits|environment|assert|confusables)\.ts$/, "base"],
  [/^src\/protocol(\.ts$|\/)/, "protocol"],
  [/^src\/plugin(\.ts$|\/)/, "plugin"],
  [/^src\/core\//, "core"],
  [/^src\/(config\.ts$|serve\.ts$|serve\/)/, "serve"],
  [/^src\/net\//, "net"],
  [/^src\/client(\.ts$|\/)/, "client"],
  [/^src\/cli\//, "cli"],
  [/^src\/tui\//, "tui"],
  [/^src\/testing(\.ts$|\/)/, "testing"],
  [/^plugins\//, "plugins"],
  [/^examples\//, "examples"],
  [/^tests\//, "tests"],
  [/^chatfusion\.config\.ts$/, "config"],
];

/** The package's public names, as the files that they stand for: package.json "exports". */
const EXPORTS: Readonly<Record<string, string>> = {
  chatfusion: "src/plugin.ts",
  "chatfusion/client": "src/client.ts",
  "chatfusion/testing": "src/testing.ts",
};

/** Where a constant that is named like a bound is one, and so stands in src/limits.ts. */
const BOUNDED = /^src\/(?:core|net|client|protocol)\//;
const BOUND_NAME = /(?:_(?:MAX|MIN|MS)|[a-z](?:Max|Min|Ms))$/;

/** Here time, chance and I/O come from the Environment. */
const PURE_LAYERS = new Set(["base", "protocol", "core"]);
const PURE_PLUGINS = /^plugins\/fabric-tree/;
const IMPURE_CALLS = new Set(["setTimeout", "setInterval", "setImmediate", "fetch"]);
const IMPURE_OBJECTS = new Set(["Bun", "process", "performance", "globalThis"]);
// The Environment's own is called crypto as well: only the global's members are meant.
const IMPURE_MEMBERS = new Set([
  "Date.now",
  "Math.random",
  "crypto.getRandomValues",
  "crypto.randomUUID",
  "crypto.subtle",
]);

const DEFAULT_EXPORT =
  /^(plugins\/|src\/cli\/|(tests\/(bench|conformance)\/\w+\.|chatfusion\.)config\.ts$)/;

/** What only some machine knows: folders of its people, and of those who built this. */
const MACHINE_PATH = /(^|[\s"'`(=:])(\/(home|Users)\/[a-z]\w+\/|\/work\/[a-z]|[A-Z]:\\Users\\)/m;

interface Rule {
  readonly name: string;
  find(source: Source): string[];
  /** Each is a path and a text with exactly one violation. */
  readonly bad: readonly (readonly [path: string, text: string])[];
}

const rules: readonly Rule[] = [
  {
    name: `a file has at most ${FILE_LINES_MAX} lines`,
    find({ path, text }) {
      const lines = text.trimEnd().split("\n").length;
      return lines > FILE_LINES_MAX && !DATA_FILES.has(path) ? [`${path}: ${lines} lines`] : [];
    },
    bad: [["src/names.ts", "f();\n".repeat(401)]],
  },
  {
    // A function inside another is counted by itself only: a closure that holds the state of some
    // small functions is as long as what it does, not as they are.
    name: `a function has at most ${FUNCTION_LINES_MAX} lines of its own`,
    find(source) {
      const found: string[] = [];
      const inner = [0];
      const enter = () => void inner.push(0);
      const exit = (node: Span) => {
        const lines = source.text.slice(node.start, node.end).split("\n").length;
        const own = lines - (inner.pop() ?? 0);
        inner.push((inner.pop() ?? 0) + lines - 1);
        if (own > FUNCTION_LINES_MAX) found.push(at(source, node, `${own} lines`));
      };
      new Visitor({
        FunctionDeclaration: enter,
        "FunctionDeclaration:exit": exit,
        FunctionExpression: enter,
        "FunctionExpression:exit": exit,
        ArrowFunctionExpression: enter,
        "ArrowFunctionExpression:exit": exit,
      }).visit(source.program);
      return found;
    },
    bad: [
      ["src/names.ts", `function f() {\n${"g();\n".repeat(69)}}`],
      ["src/names.ts", `const o = { m() {\n const g = () => {\n};\n${"g();\n".repeat(68)}} };`],
    ],
  },
  {
    name: `a line has at most ${COLUMNS_MAX} columns`,
    find: ({ path, text }) =>
      text.split("\n").flatMap((line, index) => {
        const columns = Bun.stringWidth(line);
        return columns > COLUMNS_MAX ? [`${path}:${index + 1}: ${columns} columns`] : [];
      }),
    bad: [["src/names.ts", `// ${"é".repeat(98)}`]],
  },
  {
    name: "a bound stands in src/limits.ts, with its reason",
    find(source) {
      if (!BOUNDED.test(source.path)) return [];
      return source.program.body.flatMap((statement) => {
        const declared =
          statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
        if (declared?.type !== "VariableDeclaration") return [];
        return declared.declarations.flatMap(({ id }) =>
          id.type === "Identifier" && BOUND_NAME.test(id.name) ? [at(source, id, id.name)] : [],
        );
      });
    },
    bad: [
      ["src/core/a.ts", "const HELD_MAX = 64;"],
      ["src/core/a.ts", "export const SWEEP_MS = 5 * LIMITS.pulseMs;"],
      ["src/net/a.ts", "const joinBytesMax = 16 * 1024;"],
    ],
  },
  {
    name: "only a plugin, a config or a command is a default export",
    find(source) {
      const found: string[] = [];
      new Visitor({
        ExportDefaultDeclaration: (node) => void found.push(at(source, node, "default export")),
        ExportSpecifier: (node) => {
          const name = node.exported.type === "Literal" ? node.exported.value : node.exported.name;
          if (name === "default") found.push(at(source, node, "default export"));
        },
      }).visit(source.program);
      return DEFAULT_EXPORT.test(source.path) ? [] : found;
    },
    bad: [
      ["src/core/a.ts", "export default 1;"],
      ["src/core/a.ts", "const a = 1; export { a as default };"],
    ],
  },
  {
    name: "a relative import names a file that exists, with its extension",
    find: (source) =>
      importsOf(source).flatMap(({ specifier, node }) => {
        if (!specifier.startsWith(".")) return [];
        const target = join(dirname(source.path), specifier);
        const named = /\.[a-z]+$/.test(target) && existsSync(join(root, target));
        return named ? [] : [at(source, node, `"${specifier}": no such file`)];
      }),
    bad: [["tests/a.test.ts", 'import { rules } from "./tidy.test";']],
  },
  {
    name: "imports go one way",
    find: (source) =>
      importsOf(source).flatMap(({ specifier, node }) =>
        mayImport(source.path, specifier)
          ? []
          : [at(source, node, `${layerOf(source.path)} imports "${specifier}"`)],
      ),
    bad: [
      ["src/protocol/a.ts", 'import type { Core } from "../core/core.ts";'],
      ["src/core/a.ts", 'export type { Socket } from "../net/listen.ts";'],
      ["src/cli/a.ts", 'type A = import("../core/core.ts").A;'],
      ["src/tui/a.ts", 'const core = await import("../core/core.ts");'],
      ["src/core/a.ts", 'import { consola } from "consola";'],
      ["plugins/motd.ts", 'import { definePlugin } from "../src/plugin.ts";'],
      ["plugins/motd.ts", 'import { createClient } from "chatfusion/client";'],
      ["plugins/motd.ts", 'import { view } from "./fabric-tree/view.ts";'],
      ["examples/bot.ts", 'import { Client } from "../src/client/client.ts";'],
    ],
  },
  {
    name: "no any, enum, namespace or switched-off check",
    find(source) {
      const found: string[] = [];
      new Visitor({
        TSAnyKeyword: (node) => void found.push(at(source, node, "any")),
        TSEnumDeclaration: (node) => void found.push(at(source, node, "enum")),
        TSModuleDeclaration: (node) => {
          if (node.id.type !== "Literal") found.push(at(source, node, "namespace"));
        },
      }).visit(source.program);
      for (const comment of source.comments) {
        const tag = /^\W*(@ts-(?:ignore|nocheck|expect-error))/.exec(comment.value)?.[1];
        if (tag === undefined) continue;
        if (tag === "@ts-expect-error" && source.path.startsWith("tests/types/")) continue;
        found.push(at(source, comment, tag));
      }
      return found;
    },
    bad: [
      ["src/names.ts", "export function f(a: readonly any[]) {}"],
      ["tests/types/a.ts", "// @ts-ignore\nf();"],
      ["tests/a.test.ts", "// @ts-expect-error\nf();"],
      ["src/names.ts", "enum A { b }"],
      ["src/names.ts", "namespace A { f(); }"],
    ],
  },
  {
    name: "pure code takes time, chance and I/O from the environment",
    find(source) {
      if (!PURE_LAYERS.has(layerOf(source.path) ?? "") && !PURE_PLUGINS.test(source.path))
        return [];
      const found = importsOf(source).flatMap(({ specifier, node }) =>
        isPlatform(specifier) ? [at(source, node, specifier)] : [],
      );
      new Visitor({
        CallExpression: ({ callee }) => {
          if (callee.type !== "Identifier" || !IMPURE_CALLS.has(callee.name)) return;
          found.push(at(source, callee, callee.name));
        },
        MemberExpression: (node) => {
          const [owner, name] = memberName(node);
          if (!IMPURE_OBJECTS.has(owner) && !IMPURE_MEMBERS.has(name)) return;
          found.push(at(source, node, name));
        },
        NewExpression: (node) => {
          if (node.callee.type !== "Identifier" || node.callee.name !== "Date") return;
          if (node.arguments.length === 0) found.push(at(source, node, "new Date()"));
        },
      }).visit(source.program);
      return found;
    },
    bad: [
      ["src/core/a.ts", "setTimeout(f, 1);"],
      ["src/core/a.ts", "const now = Date.now();"],
      ["src/core/a.ts", "const now = new Date();"],
      ["src/protocol/a.ts", "crypto.getRandomValues(bytes);"],
      ["plugins/fabric-tree/a.ts", "const f = Math.random;"],
      ["plugins/fabric-tree.ts", "await Bun.file(path).text();"],
      ["src/core/a.ts", 'import { readFile } from "node:fs/promises";'],
    ],
  },
  {
    name: "a test waits for an event, never for time to pass",
    find(source) {
      if (!/^tests\/(?!bench\/)/.test(source.path)) return [];
      const found = importsOf(source).flatMap(({ specifier, node }) =>
        /^(node:)?timers\/promises$/.test(specifier) ? [at(source, node, specifier)] : [],
      );
      const resolvers: string[] = [];
      new Visitor({
        MemberExpression: (node) => {
          const [, name] = memberName(node);
          if (name === "Bun.sleep" || name === "Bun.sleepSync") found.push(at(source, node, name));
        },
        NewExpression: (node) => void resolvers.push(firstParameter(node.arguments[0])),
        "NewExpression:exit": () => void resolvers.pop(),
        CallExpression: ({ callee, arguments: [then] }) => {
          if (callee.type !== "Identifier" || callee.name !== "setTimeout") return;
          const called = then?.type === "ArrowFunctionExpression" ? onlyCall(then) : then;
          if (called?.type !== "Identifier" || !resolvers.includes(called.name)) return;
          found.push(at(source, callee, "a promise of nothing but time"));
        },
      }).visit(source.program);
      return found;
    },
    bad: [
      ["tests/a.test.ts", "await Bun.sleep(5);"],
      ["tests/a.test.ts", "await new Promise((done) => setTimeout(done, 5));"],
      ["tests/a.test.ts", "await new Promise<void>((done) => { setTimeout(() => done(), 5); });"],
      ["tests/a.test.ts", 'import { setTimeout as sleep } from "node:timers/promises";'],
    ],
  },
];

const root = join(import.meta.dir, "..");
const paths = [...new Bun.Glob("{src,plugins,examples,tests}/**/*.ts").scanSync({ cwd: root })];
if (existsSync(join(root, "chatfusion.config.ts"))) paths.push("chatfusion.config.ts");
const sources = paths.toSorted().map((path) => parse(path, readFileSync(join(root, path), "utf8")));

describe("in all sources", () => {
  for (const rule of rules) {
    test(rule.name, () => expect(sources.flatMap((source) => rule.find(source))).toEqual([]));
  }

  test("every file belongs to a layer", () => {
    expect(paths.filter((path) => layerOf(path) === undefined)).toEqual([]);
  });
});

describe("the rule finds bad code:", () => {
  for (const { name, find, bad } of rules) {
    for (const [path, text] of bad) {
      test(`${name} (${text.slice(0, 60).replaceAll("\n", " ")})`, () => {
        expect(find(parse(path, text))).toHaveLength(1);
      });
    }
  }
});

describe("in all tracked files", () => {
  const tracked = trackedPaths();

  test("a lock file and a client's settings name no address", () => {
    const settings = tracked.filter((path) => /(^|\/)(bun\.lock|\.npmrc|bunfig\.toml)$/.test(path));
    expect(settings).toContain("bun.lock");
    expect(settings.filter((path) => /https?:\/\//i.test(read(path)))).toEqual([]);
  });

  test("no path of somebody's machine", () => {
    expect(tracked.filter((path) => MACHINE_PATH.test(read(path)))).toEqual([]);
    expect(MACHINE_PATH.test(`"${["", "home", "ann", "fusion"].join("/")}"`)).toBe(true);
  });

  test("bun.lock is the only lock file", () => {
    const others = /(^|\/)(package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml)$/;
    expect(tracked.filter((path) => others.test(path))).toEqual([]);
  });
});

// --- internal ---

const isPlatform = (specifier: string) => /^(bun$|bun:|node:)/.test(specifier);

function layerOf(path: string): string | undefined {
  return PLACES.find(([pattern]) => pattern.test(path))?.[1];
}

function mayImport(path: string, specifier: string): boolean {
  const from = LAYERS[layerOf(path) ?? ""];
  if (from === undefined || isPlatform(specifier)) return from !== undefined;
  if (specifier.startsWith(".")) {
    const target = join(dirname(path), specifier);
    const home = (of: string) => /^(?:plugins|examples)\/[^/.]+/.exec(of)?.[0];
    const own = home(path);
    return own === undefined ? has(from.layers, layerOf(target)) : home(target) === own;
  }
  if (specifier.startsWith("chatfusion/plugins/")) return has(from.layers, "plugins");
  if (Object.hasOwn(EXPORTS, specifier)) return has(from.layers, layerOf(EXPORTS[specifier] ?? ""));
  const [scope = "", name = ""] = specifier.split("/");
  return has(from.packages, scope.startsWith("@") ? `${scope}/${name}` : scope);
}

function has(allowed: Allowed, name: string | undefined): boolean {
  return allowed === "all" || (name !== undefined && allowed.includes(name));
}

function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** Returns the files that git tracks or would add; without git, the sources and what is checked. */
function trackedPaths(): string[] {
  const list = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const git = Bun.which("git") === null ? undefined : Bun.spawnSync(list, { cwd: root });
  const named = git?.success === true ? git.stdout.toString().split("\0").filter(Boolean) : paths;
  return [...new Set([...named, "bun.lock", ".npmrc", "bunfig.toml", "package.json"])].filter(
    (path) => existsSync(join(root, path)),
  );
}
