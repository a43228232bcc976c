// Finds a config file and imports it: the one place where a server runs code that its operator
// wrote, and so the place to refuse what somebody else may have written. What the config says is
// config.ts' business.

import { existsSync, readdirSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Millis } from "../environment.ts";
import { placeOf } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { visible } from "../names.ts";
import { suggestion } from "./suggest.ts";

export const CONFIG_FILE = "chatfusion.config.ts";

/** A config file's value, or all that stands against it, each as a line that names the file. */
export type ImportedConfig = { readonly value: unknown } | { readonly faults: readonly string[] };

interface ImportOptions {
  readonly isFound: boolean;
  readonly msMax?: Millis;
}

/** Returns the config file of a folder or of the nearest one above it, undefined without one. */
export function findConfigFile(from: string): string | undefined {
  const file = join(from, CONFIG_FILE);
  if (existsSync(file)) return file;
  const above = dirname(from);
  return above === from ? undefined : findConfigFile(above);
}

/**
 * Imports a config file and returns its default export. Never throws. Refused: a file that
 * anybody may write; one found above the working folder (`isFound`) that is another user's; an
 * import of what is not there, which Bun would otherwise download; what awaits for ever.
 */
export async function importConfig(
  file: string,
  { isFound, msMax = LIMITS.configMsMax }: ImportOptions,
): Promise<ImportedConfig> {
  const name = shortPath(file);
  const faults = await checkFile(file, isFound);
  if (faults.length > 0) return { faults: faults.map((fault) => `${name}: ${fault}`) };
  const seen = new Set<string>();
  try {
    const missing = await missingImports(file, seen);
    if (missing.length > 0) return { faults: missing };
    provideModules(dirname(file));
    const module = await readModule(file, msMax);
    if (module === undefined) return { faults: [await describeWait(name, seen, msMax)] };
    if (module["default"] !== undefined) return { value: module["default"] };
    const exported = Object.keys(module).join(", ");
    const got = exported === "" ? "no export" : `only ${exported}`;
    return { faults: [`${name}: expected a default export (defineConfig({ … })), got ${got}`] };
  } catch (thrown) {
    return { faults: describeThrown(thrown, (await importerOf(thrown, seen)) ?? file) };
  }
}

/** Writes a path as it is shortest from the working folder, made visible. */
export function shortPath(path: string): string {
  const near = relative(process.cwd(), path);
  return visible(near.startsWith("..") || near === "" ? path : near);
}

// --- internal ------------------------------------------------------------------------------------

/** The plugins that come with this program, as a config imports them, by name. */
function ownPlugins(): readonly string[] {
  return readdirSync(pluginsFolder)
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `chatfusion/plugins/${name.slice(0, -".ts".length)}`)
    .toSorted();
}

const packageFolder = fileURLToPath(new URL("../../", import.meta.url));
const pluginsFolder = join(packageFolder, "plugins");

async function checkFile(file: string, isFound: boolean): Promise<string[]> {
  try {
    const { mode, uid } = await stat(file);
    if ((mode & 0o002) !== 0) {
      return [`anybody may write it; expected a mode like 644, got ${(mode & 0o777).toString(8)}`];
    }
    const own = process.getuid?.() ?? uid;
    const isForeign = isFound && uid !== own && uid !== 0 && dirname(file) !== process.cwd();
    return isForeign ? ["belongs to another user; if you trust it, say --config FILE"] : [];
  } catch (thrown) {
    const isMissing = thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
    if (isMissing) return ["there is no such file"];
    return [visible(thrown instanceof Error ? thrown.message : String(thrown))];
  }
}

// --- imports: Bun installs what it does not find, so nothing that is missing gets that far -------

/** Returns a line for each import that leads nowhere, here and in the files that are imported. */
async function missingImports(file: string, seen: Set<string>): Promise<string[]> {
  if (seen.has(file) || seen.size >= LIMITS.configFilesMax || !/\.[cm]?[jt]sx?$/.test(file))
    return [];
  seen.add(file);
  const text = await readFile(file, "utf8");
  const missing: string[] = [];
  for (const { path } of scanImports(text, file)) {
    if (path.startsWith(".") || path.startsWith("/")) {
      const target = resolve(dirname(file), path);
      if (existsSync(target)) missing.push(...(await missingImports(target, seen)));
      continue;
    }
    const fault = bareFault(path, dirname(file));
    if (fault !== undefined) missing.push(`${shortPath(file)}:${lineOf(text, path)}: ${fault}`);
  }
  return missing;
}

function scanImports(text: string, file: string): readonly { readonly path: string }[] {
  try {
    return new Bun.Transpiler({ loader: file.endsWith("x") ? "tsx" : "ts" }).scanImports(text);
  } catch (_unreadable) {
    // It is importing the file that tells what is wrong with it, and where.
    return [];
  }
}

/** What is wrong with an import by name; undefined when it is there, or comes with us. */
function bareFault(path: string, folder: string): string | undefined {
  if (/^(bun|file|data):|^#/.test(path) || isBuiltin(path)) return undefined;
  if (path === "chatfusion" || path.startsWith("chatfusion/")) {
    const known = ["chatfusion", "chatfusion/client", "chatfusion/testing", ...ownPlugins()];
    if (known.includes(path)) return undefined;
    return `there is no "${visible(path)}"${suggestion(path, known)}`;
  }
  if (path === "valibot") return undefined;
  const [scope = "", name = ""] = path.split("/");
  const packageName = scope.startsWith("@") ? `${scope}/${name}` : scope;
  if (isInstalled(packageName, folder)) return undefined;
  const meant = suggestion(path, ["valibot", ...ownPlugins(), "chatfusion"]);
  return `cannot find the package "${visible(packageName)}"${meant}; expected it in node_modules`;
}

function isInstalled(name: string, folder: string): boolean {
  if (existsSync(join(folder, "node_modules", name, "package.json"))) return true;
  const above = dirname(folder);
  return above !== folder && isInstalled(name, above);
}

function lineOf(text: string, path: string): number {
  const at = Math.max(text.indexOf(`"${path}"`), text.indexOf(`'${path}'`), 0);
  return text.slice(0, at).split("\n").length;
}

/** What this process gives to configs whose folder has no copy of its own; given once. */
const provided = new Set<string>();

/** Lets a config in any folder import this very program and valibot, installed there or not. */
function provideModules(folder: string): void {
  if (!isWithinPackage(folder) && !isInstalled("chatfusion", folder)) {
    provide("chatfusion", () => import("../plugin.ts"));
    for (const name of ownPlugins()) {
      const file = join(pluginsFolder, `${name.slice("chatfusion/plugins/".length)}.ts`);
      provide(name, () => import(file) as Promise<object>);
    }
  }
  if (isInstalled("valibot", folder)) return;
  // By its path: by its name it would be what is provided here.
  const valibot = Bun.resolveSync("valibot", packageFolder);
  provide("valibot", () => import(valibot) as Promise<object>);
}

function provide(name: string, load: () => Promise<object>): void {
  if (provided.has(name)) return;
  provided.add(name);
  Bun.plugin({
    name: "chatfusion",
    setup(build) {
      build.module(name, async () => ({ loader: "object", exports: { ...(await load()) } }));
    },
  });
}

const isWithinPackage = (folder: string): boolean =>
  folder === packageFolder.slice(0, -1) || folder.startsWith(packageFolder);

type Module = Readonly<Record<string, unknown>>;

/** Runs a module of unknown shape; undefined where it awaits something that does not come. */
async function readModule(file: string, msMax: Millis): Promise<Module | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), msMax);
  try {
    const read = import(pathToFileURL(file).href) as Promise<Module>;
    return await Promise.race([read, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

// --- errors --------------------------------------------------------------------------------------

/** Which lines outside of any function may be the ones that wait. */
async function describeWait(name: string, files: Iterable<string>, ms: Millis): Promise<string> {
  const places: string[] = [];
  for (const file of files) {
    const lines = (await readFile(file, "utf8")).split("\n");
    const at = lines.findIndex((line) =>
      /^(?!\/|\s)(?!.*\b(async|function)\b).*\bawait\b/.test(line),
    );
    if (at !== -1) places.push(`${shortPath(file)}:${at + 1}`);
  }
  const where = places.length === 0 ? "" : `; it may be ${places.join(", ")}`;
  const expected = `expected to be read within ${ms / 1000} s`;
  return `${name}: ${expected}, but something is awaited outside of any function${where}`;
}

/** Which of the files imports a name that is not there: Bun says only where it is not. */
async function importerOf(thrown: unknown, files: Iterable<string>): Promise<string | undefined> {
  const message = thrown instanceof SyntaxError ? thrown.message : "";
  const [, name] = /^Export named '([\w$]+)' not found/.exec(message) ?? [];
  if (name === undefined) return undefined;
  for (const file of files)
    if ((await readFile(file, "utf8")).split(/[^\w$]+/).includes(name)) return file;
  return undefined;
}

/** Bun throws one message, or several in an AggregateError; a config may throw anything. */
function describeThrown(thrown: unknown, file: string): readonly string[] {
  if (thrown instanceof AggregateError) {
    return thrown.errors.flatMap((one) => describeThrown(one, file));
  }
  const name = shortPath(file);
  if (thrown instanceof Error && "position" in thrown) {
    const { position } = thrown;
    if (typeof position === "object" && position !== null && "line" in position) {
      const where = "file" in position && position.file !== "" ? String(position.file) : file;
      const column = "column" in position ? `:${String(position.column)}` : "";
      return [`${shortPath(where)}:${String(position.line)}${column}: ${thrown.message}`];
    }
    return [`${name}: ${visible(thrown.message)}`];
  }
  if (thrown instanceof SyntaxError) return [`${name}: ${visible(thrown.message)}`];
  const what = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  const shown = what.split("\n").map(visible).join(" ");
  return [`${name}: the config threw while it was read: ${shown}${visible(placeOf(thrown))}`];
}
