// What a server is started with: the config file found, imported and checked, the overrides of the
// environment and the command line, and without any file an embedded default. Whatever is wrong is
// told at once, as one line each that names file, plugin, key, value and what was expected. What
// plugins must be, each and together, is core/plugins.ts'. Next: serve.ts.

import { homedir, hostname, userInfo } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import * as v from "valibot";
import { checkPlugins } from "./core/plugins.ts";
import { ChatFusionError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { nameKey, parseServerName, visible, type ServerName } from "./names.ts";
import type { Plugin } from "./plugin.ts";
import { findConfigFile, importConfig, shortPath } from "./serve/config-file.ts";
import { faultLine, issueLine } from "./serve/issues.ts";

/** All that a start needs to know; checked. */
export interface LoadedConfig {
  /** Absolute; undefined: the embedded default. */
  readonly file: string | undefined;
  readonly name: ServerName;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Messages of a stream from before it was first heard; see HistoryConfig. */
  readonly onMerge: number;
  /** Guests may run rooms; see RoomsConfig. */
  readonly guestRooms: boolean;
  /** The data folder, absolute. */
  readonly data: string;
  readonly plugins: readonly Plugin[];
  /** What looks like a mistake, but may be none. */
  readonly warnings: readonly string[];
}

/** Flags, as they were typed: they win over the environment, which wins over the file. */
export interface ConfigFlags {
  readonly config?: string | undefined;
  readonly name?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly data?: string | undefined;
}

/**
 * Finds and checks the config. Throws `CONFIG_INVALID` with all that is wrong, a line each.
 * Runs the config's code, but no plugin's setup.
 */
export async function loadConfig(
  flags: ConfigFlags,
  env: NodeJS.ProcessEnv = process.env,
): Promise<LoadedConfig> {
  const given = flags.config === undefined ? undefined : resolve(flags.config);
  const file = given ?? findConfigFile(process.cwd());
  const faults: string[] = [];
  const { settings, plugins } =
    file === undefined
      ? { settings: {}, plugins: await defaultPlugins() }
      : await readFileSettings(file, { isFound: given === undefined }, faults);
  const overrides = readOverrides(flags, env, faults);
  const name = overrides.name ?? settings.name ?? (file === undefined ? defaultName() : undefined);
  if (faults.length > 0 || name === undefined) {
    // Nothing but flags is wrong: it is what was typed.
    const isTyped = faults.length > 0 && faults.every((fault) => fault.startsWith("--"));
    throw new ChatFusionError(isTyped ? "USAGE" : "CONFIG_INVALID", faults.join("\n"));
  }
  const { listen } = settings;
  return {
    file,
    name,
    host: overrides.host ?? listen?.host ?? "127.0.0.1",
    port: overrides.port ?? listen?.port ?? 0,
    onMerge: settings.history?.onMerge ?? 0,
    guestRooms: settings.rooms?.guests ?? false,
    data: overrides.data ?? dataFolder({ file, data: settings.data, name }),
    plugins,
    warnings: strangeVariables(env),
  };
}

// --- the file ------------------------------------------------------------------------------------

const portPhrase = "an integer from 0 to 65535";
const Port = v.pipe(
  v.number(portPhrase),
  v.integer(portPhrase),
  v.minValue(0, portPhrase),
  v.maxValue(65_535, portPhrase),
);
const hostPhrase = 'an address or a host name, like "127.0.0.1" or "::"';
const Host = v.pipe(v.string(hostPhrase), v.regex(/^[\p{L}\p{N}.:_%-]{1,253}$/u, hostPhrase));
const onMergePhrase = `an integer from 0 to ${LIMITS.onMergeMax}`;
const OnMerge = v.pipe(
  v.number(onMergePhrase),
  v.integer(onMergePhrase),
  v.minValue(0, onMergePhrase),
  v.maxValue(LIMITS.onMergeMax, onMergePhrase),
);
const folderPhrase = "the path of a folder";
const Folder = v.pipe(v.string(folderPhrase), v.regex(/^[^\0]+$/, folderPhrase));
const Name = v.pipe(
  v.string("a name"),
  v.rawTransform(({ dataset, addIssue, NEVER }): ServerName => {
    try {
      return parseServerName(dataset.value);
    } catch (thrown) {
      if (!(thrown instanceof ChatFusionError)) throw thrown;
      addIssue({ message: thrown.message.replace(/^server name: /, "") });
    }
    return NEVER;
  }),
);
const FileConfig = v.strictObject(
  {
    name: Name,
    listen: v.optional(v.strictObject({ host: v.optional(Host), port: v.optional(Port) })),
    history: v.optional(v.strictObject({ onMerge: v.optional(OnMerge) })),
    rooms: v.optional(v.strictObject({ guests: v.optional(v.boolean("true or false")) })),
    data: v.optional(Folder),
    plugins: v.array(v.unknown(), "a list of plugins"),
  },
  "what defineConfig returns",
);

interface FileSettings {
  readonly settings: Partial<v.InferOutput<typeof FileConfig>>;
  readonly plugins: readonly Plugin[];
}

/** Reads what the file sets; what is wrong with it is added to `faults`. */
async function readFileSettings(
  file: string,
  how: { readonly isFound: boolean },
  faults: string[],
): Promise<FileSettings> {
  const imported = await importConfig(file, how);
  if ("faults" in imported) {
    faults.push(...imported.faults);
    return { settings: {}, plugins: [] };
  }
  const at = shortPath(file);
  const { value } = imported;
  if (value instanceof Promise) {
    faults.push(`${at}: expected what defineConfig returns, got a promise of it; put await before`);
    return { settings: {}, plugins: [] };
  }
  const parsed = v.safeParse(FileConfig, value);
  for (const issue of parsed.issues ?? []) {
    faults.push(
      `${at}: ${issueLine(issue, ["name", "listen", "data", "plugins", "host", "port"])}`,
    );
  }
  const list = v.safeParse(v.object({ plugins: v.array(v.unknown()) }), value);
  // Checked even where the rest of the config is wrong.
  const plugins = list.success ? list.output.plugins : [];
  if (list.success) faults.push(...pluginFaults(plugins).map((fault) => `${at}: ${fault}`));
  // Without a fault all of them are plugins.
  return { settings: parsed.success ? parsed.output : {}, plugins: plugins as readonly Plugin[] };
}

/** Writes what the core has against a list of plugins as lines. */
function pluginFaults(plugins: readonly unknown[]): readonly string[] {
  return checkPlugins(plugins).map(({ plugin: name, key, value, expected }) => {
    const where = name === undefined ? key : `plugin ${visible(name)}: ${visible(key)}`;
    if (name === undefined) return `${where}: expected ${expected}, got ${visible(String(value))}`;
    const plugin = plugins.find((one): one is Plugin => isNamed(one, name));
    return faultLine(where, { key, value, expected, schema: plugin?.schema });
  });
}

const isNamed = (one: unknown, name: string): boolean =>
  typeof one === "object" && one !== null && "name" in one && one.name === name;

// --- overrides -----------------------------------------------------------------------------------

interface Overrides {
  readonly name?: ServerName | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly data?: string | undefined;
}

const TypedPort = v.pipe(v.string(), v.regex(/^\d{1,5}$/, portPhrase), v.transform(Number), Port);

function readOverrides(flags: ConfigFlags, env: NodeJS.ProcessEnv, faults: string[]): Overrides {
  /** The flag, else the variable; an empty variable is none. */
  const read = <S extends v.GenericSchema>(
    schema: S,
    flag: "name" | "host" | "port" | "data",
    variable: string,
  ): v.InferOutput<S> | undefined => {
    const isFlag = flags[flag] !== undefined;
    const typed = flags[flag] ?? (env[variable] === "" ? undefined : env[variable]);
    if (typed === undefined) return undefined;
    const parsed = v.safeParse(schema, typed);
    if (parsed.success) return parsed.output;
    const where = isFlag ? `--${flag}` : variable;
    faults.push(
      ...parsed.issues.map((issue) => issueLine({ ...issue, path: undefined }, [], where)),
    );
    return undefined;
  };
  const data = read(Folder, "data", "CHATFUSION_DATA");
  return {
    name: read(Name, "name", "CHATFUSION_NAME"),
    host: read(Host, "host", "CHATFUSION_LISTEN_HOST"),
    port: read(TypedPort, "port", "CHATFUSION_LISTEN_PORT"),
    data: data === undefined ? undefined : resolve(data),
  };
}

const variables = ["NAME", "LISTEN_HOST", "LISTEN_PORT", "DATA", "RUNTIME_DIR"].map(
  (end) => `CHATFUSION_${end}`,
);

/** A variable of another name is read by nobody: a port that stays what it was is a riddle. */
function strangeVariables(env: NodeJS.ProcessEnv): readonly string[] {
  return Object.keys(env)
    .filter((key) => /^CHATFUSION_(NAME|LISTEN|DATA|PORT|HOST|RUNTIME)/.test(key))
    .filter((key) => !variables.includes(key))
    .map((key) => `${visible(key)} is read by nobody; known are ${variables.join(", ")}`);
}

// --- defaults ------------------------------------------------------------------------------------

/** What a server is without any config: guests and accounts, a log in SQLite, merging, a limit. */
async function defaultPlugins(): Promise<readonly Plugin[]> {
  const [authSqlite, authGuest, limitRate, logSqlite, fabricTree] = await Promise.all([
    import("chatfusion/plugins/auth-sqlite"),
    import("chatfusion/plugins/auth-guest"),
    import("chatfusion/plugins/limit-rate"),
    import("chatfusion/plugins/log-sqlite"),
    import("chatfusion/plugins/fabric-tree"),
  ]);
  return [
    authSqlite.default(),
    authGuest.default(),
    limitRate.default(),
    logSqlite.default(),
    fabricTree.default(),
  ];
}

/**
 * Names a server after its machine, else after its user; "home" where neither is a name, as in a
 * container, whose host name is a number.
 */
export function defaultName(): ServerName {
  const [host = ""] = hostname().split(".");
  const isGiven = host !== "localhost" && !/^[0-9a-f]{12,}$/i.test(host);
  const user = userName();
  const candidates = [isGiven ? host : "", user === "root" ? "" : user];
  const name = candidates.find((one) => v.is(Name, one.toLowerCase()));
  return parseServerName(name?.toLowerCase() ?? "home");
}

function userName(): string {
  try {
    return userInfo().username;
  } catch (_nobody) {
    return ""; // a user without an entry in the system's list has no name
  }
}

/** Beside the config file; without one, where the user's programs keep their data (XDG). */
function dataFolder(at: {
  readonly file: string | undefined;
  readonly data: string | undefined;
  readonly name: ServerName;
}): string {
  const folder = nameKey(at.name);
  if (at.file !== undefined) return resolve(dirname(at.file), at.data ?? join("data", folder));
  const { XDG_DATA_HOME: xdg = "" } = process.env;
  const share = isAbsolute(xdg) ? xdg : join(homedir(), ".local", "share");
  return join(share, "chatfusion", folder);
}
