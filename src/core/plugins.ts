// From a list of plugins to running parts: checked without running their code, set up with the
// providers first, compiled in the order of the config, started in setup's order, stopped in
// reverse.

import * as v from "valibot";
import type { Environment, Store } from "../environment.ts";
import { ChatFusionError, placeOf, stackOf } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName, ServerName } from "../names.ts";
import { visible } from "../names.ts";
import type { Command, Parts, Plugin, Role, ServiceName } from "../plugin/context.ts";
import type { Person } from "../plugin/hooks.ts";
import { HOOK_KINDS, PROVIDERS } from "../plugin.ts";
import { tellHeldUp } from "./held-up.ts";
import type { HookSource } from "./hooks.ts";
import type { Metrics } from "./metrics.ts";

/** One thing that is wrong with a config. */
export interface ConfigFault {
  readonly plugin?: string;
  readonly key: string;
  readonly value: unknown;
  readonly expected: string;
}

const ROLES = Object.keys(PROVIDERS) as Role[]; // its keys are the roles
const SERVICES: readonly ServiceName[] = ["fabric", "history"];
const PARTS = [
  ...Object.keys(HOOK_KINDS),
  "fabric",
  "history",
  "gateway",
  "roles",
  "accountOf",
  "mechanisms",
  "register",
  "commands",
  "start",
  "stop",
];

/** What of setup's parts is called. */
const FUNCTIONS = [...Object.keys(HOOK_KINDS), "accountOf", "register", "start", "stop"];
/** What the parts of roles must have. */
const METHODS = {
  fabric: ["accept", "merge", "unmerge", "publish", "keep"],
  history: ["streams", "append", "range", "backlog", "onward", "since", "search", "redact"],
  gateway: ["open", "close"],
} as const satisfies Partial<Record<Role, readonly string[]>>;

/** Names of the core's own, in the data folder, in the store, and among doors. */
const CORES_NAMES = ["store", "lock", "pid", "identity", "tls", "native"];
const namePhrase = "up to 64 of a-z, 0-9, - and _, for it names a folder";
/** What a plugin says of itself; it may have been made without types. */
const Declared = v.object({
  name: v.pipe(
    v.string(namePhrase),
    v.regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, namePhrase),
    v.check((name) => !CORES_NAMES.includes(name), "another name: this one is the server's own"),
  ),
  provides: v.array(
    v.picklist(ROLES, `one of ${ROLES.join(", ")}`),
    `a list of ${ROLES.join(", ")}`,
  ),
  requires: v.array(
    v.picklist(SERVICES, `one of ${SERVICES.join(", ")}`),
    `a list of ${SERVICES.join(", ")}`,
  ),
});

/** One word of a console, and of a chat behind its slash. */
const COMMAND_NAME = /^[a-z][a-z0-9-]*$/;

/** RFC 4422 §3.1. */
const MECHANISM_NAME = /^[A-Z0-9_-]{1,20}$/;

/** Says all that is wrong with a list of plugins in one text. */
export const describeFaults = (faults: readonly ConfigFault[]): string =>
  faults
    .map(({ plugin, key, value, expected }) => {
      const where = plugin === undefined ? key : `${plugin}: ${key}`;
      return `${where}: expected ${expected}, got ${JSON.stringify(value) ?? typeof value}`;
    })
    .join("\n");

/** All that is wrong with a list of plugins: shape, options, roles, services, names. */
export function checkPlugins(plugins: readonly unknown[]): readonly ConfigFault[] {
  const faults: ConfigFault[] = [];
  const sound: Plugin[] = [];
  for (const [index, one] of plugins.entries()) {
    const own = declarationFaults(one, `plugins[${index}]`);
    faults.push(...own);
    if (own.length === 0) sound.push(one as Plugin); // as was just checked
  }
  for (const plugin of sound) faults.push(...optionFaults(plugin));
  for (const [index, plugin] of sound.entries())
    if (sound.slice(0, index).filter((other) => other.name === plugin.name).length === 1)
      faults.push({
        plugin: plugin.name,
        key: "plugins",
        value: plugin.name,
        expected: "each plugin once",
      });
  for (const role of ROLES) {
    const providers = sound.filter((plugin) => plugin.provides.includes(role));
    const { min, max } = PROVIDERS[role];
    const value = providers.map((plugin) => plugin.name).join(", ") || "none";
    const expected = min === max ? "exactly one plugin" : min > 0 ? "a plugin" : "at most one";
    if (providers.length < min || providers.length > max)
      faults.push({ key: "plugins", value, expected: `${expected} that provides ${role}` });
  }
  for (const plugin of sound)
    for (const service of plugin.requires)
      if (!sound.some((other) => other.provides.includes(service)))
        faults.push({
          plugin: plugin.name,
          key: "requires",
          value: service,
          expected: `a plugin that provides ${service}`,
        });
  return faults;
}

/** One plugin that has been set up. */
export interface LivePlugin {
  readonly plugin: Plugin;
  readonly parts: Parts;
}

export interface SetupOptions {
  readonly environment: Environment;
  readonly self: ServerName;
  readonly metrics: Metrics;
  readonly signal: AbortSignal;
  folder(plugin: string): string | undefined;
  notice(to: Person | RoomName, text: string): void;
  /** The core's side of the roles of a plugin. */
  hosts(plugin: Plugin): object;
}

/** Sets plugins up. Throws `CONFIG_INVALID` for a circle, and for parts that are owed. */
export function setUpPlugins(plugins: readonly Plugin[], options: SetupOptions) {
  const order = inSetupOrder(plugins);
  const live = new Map<Plugin, Parts>();
  const services: Partial<Record<ServiceName, unknown>> = {};
  for (const plugin of order) {
    const required = Object.fromEntries(plugin.requires.map((name) => [name, services[name]]));
    const parts = setUp(plugin, { ...contextOf(plugin, options), ...required });
    checkParts(plugin, parts);
    for (const service of SERVICES)
      if (plugin.provides.includes(service)) services[service] = parts[service];
    live.set(plugin, parts);
  }
  const sources: HookSource[] = plugins.map((plugin) => ({
    plugin: plugin.name,
    hooks: live.get(plugin) ?? {},
  }));
  return {
    /** In setup's order. */
    live: order.map((plugin): LivePlugin => ({ plugin, parts: live.get(plugin) ?? {} })),
    /** In the order of the config. */
    sources,
  };
}

// --- internal -----------------------------------------------------------------------------------

/** Whose fault it is, and where in his code, is told to the plugin's author. */
function setUp(plugin: Plugin, context: Parameters<Plugin["setup"]>[0]): Parts {
  try {
    return plugin.setup(context);
  } catch (thrown) {
    if (thrown instanceof ChatFusionError) throw thrown;
    const text = `plugin ${plugin.name}: setup threw: ${String(thrown)}${placeOf(thrown)}`;
    throw new ChatFusionError("CONFIG_INVALID", text, thrown);
  }
}

function isPlugin(value: unknown): value is Plugin {
  return (
    typeof value === "object" &&
    value !== null &&
    "chatfusion" in value &&
    value.chatfusion === 1 &&
    "setup" in value &&
    typeof value.setup === "function"
  );
}

function declarationFaults(one: unknown, place: string): ConfigFault[] {
  if (!isPlugin(one)) {
    const expected = "a plugin (did you write authGuest for authGuest()?)";
    return [{ key: place, value: typeof one, expected }];
  }
  const parsed = v.safeParse(Declared, one);
  return (parsed.issues ?? []).map((issue) => {
    const key = v.getDotPath(issue) ?? "";
    const whose =
      typeof one.name === "string" ? { plugin: one.name, key } : { key: `${place}.${key}` };
    return { ...whose, value: issue.input, expected: issue.message };
  });
}

/** The schema's own words, where it has some. */
function phraseOf({ message, expected }: v.BaseIssue<unknown>): string {
  const phrase = message.startsWith("Invalid ") ? (expected ?? message) : message;
  return phrase.replace(/^expected /, "");
}

function optionFaults(plugin: Plugin): ConfigFault[] {
  const name = plugin.name;
  if (plugin.schema === undefined) {
    if (plugin.options === undefined) return [];
    return [{ plugin: name, key: "options", value: plugin.options, expected: "no options" }];
  }
  const { schema } = plugin;
  const { kind, async }: { readonly kind: unknown; readonly async: unknown } = schema;
  if (kind !== "schema" || async !== false) {
    const value = async === true ? "one that is asynchronous" : typeof schema;
    return [{ plugin: name, key: "options", value, expected: "a schema of valibot's" }];
  }
  try {
    const parsed = v.safeParse(schema, plugin.options);
    return (parsed.issues ?? []).map((issue) => ({
      plugin: name,
      key: v.getDotPath(issue) ?? "options",
      value: issue.input,
      expected: phraseOf(issue),
    }));
  } catch (thrown) {
    const value = `${String(thrown)}${placeOf(thrown)}`;
    return [{ plugin: name, key: "options", value, expected: "a schema that throws nothing" }];
  }
}

/** Providers before those that require them; else the order of the config. */
function inSetupOrder(plugins: readonly Plugin[]): readonly Plugin[] {
  const order: Plugin[] = [];
  const visit = (plugin: Plugin, path: readonly Plugin[]) => {
    if (order.includes(plugin)) return;
    if (path.includes(plugin)) {
      const circle = [...path, plugin].map((one) => one.name).join(" → ");
      throw new ChatFusionError(
        "CONFIG_INVALID",
        `plugins require each other in a circle: ${circle}`,
      );
    }
    for (const other of plugins)
      if (plugin.requires.some((service) => other.provides.includes(service)))
        visit(other, [...path, plugin]);
    order.push(plugin);
  };
  for (const plugin of plugins) visit(plugin, []);
  return order;
}

/** Throws `CONFIG_INVALID` for what is no part of a plugin, and for parts that are owed. */
export function checkParts(plugin: Plugin, parts: Parts): void {
  const fail = (what: string) => {
    throw new ChatFusionError("CONFIG_INVALID", `plugin ${plugin.name}: ${what}`);
  };
  if (typeof parts !== "object" || parts === null) fail("setup returned no object");
  if (parts instanceof Promise)
    fail("setup returned a promise; expected the parts at once: what must be awaited is start's");
  for (const key of Object.keys(parts))
    if (!PARTS.includes(key)) fail(`${key}: no such hook or part; expected ${PARTS.join(", ")}`);
  const given = Object(parts) as Readonly<Record<string, unknown>>; // each is looked at
  for (const key of FUNCTIONS)
    if (given[key] !== undefined && typeof given[key] !== "function")
      fail(`${key}: expected a function, got ${typeof given[key]}`);
  for (const role of plugin.provides) {
    const part = role === "auth" ? "onAuth" : role;
    if (parts[part] === undefined) fail(`provides ${role}, but setup returned no ${part}`);
  }
  for (const role of ["fabric", "history", "gateway"] as const)
    if (parts[role] !== undefined && !plugin.provides.includes(role))
      fail(`setup returned ${role}, which is not declared in provides`);
  for (const [role, methods] of Object.entries(METHODS)) {
    if (given[role] === undefined) continue;
    const part = Object(given[role]) as Readonly<Record<string, unknown>>; // likewise
    for (const method of methods)
      if (typeof part[method] !== "function") fail(`${role}: ${method}: expected a function`);
  }
  for (const part of ["accountOf", "mechanisms", "register"] as const)
    if (parts[part] !== undefined && !plugin.provides.includes("auth"))
      fail(`setup returned ${part}, but auth is not declared in provides`);
  for (const key of ["roles", "mechanisms"] as const)
    if (!v.is(v.optional(v.array(v.string())), parts[key]))
      fail(`${key}: expected a list of texts`);
  if (Array.isArray(parts.commands)) fail("commands: expected an object of them by their names");
  for (const name of parts.mechanisms ?? [])
    if (!MECHANISM_NAME.test(name))
      fail(`mechanisms: expected names such as SCRAM-SHA-256, got "${visible(name)}"`);
  const commands = Object.entries(parts.commands ?? {});
  const most = LIMITS.commandsPerPluginMax;
  if (commands.length > most) fail(`expected up to ${most} commands, got ${commands.length}`);
  for (const [name, one] of commands) {
    const wrong = commandFault(name, one);
    if (wrong !== undefined) fail(`commands: ${wrong}`);
  }
}

/** What is wrong with a command, which may have been made without types. */
function commandFault(name: string, one: unknown): string | undefined {
  const longest = LIMITS.commandNameLengthMax;
  if (!COMMAND_NAME.test(name) || name.length > longest)
    return `name: expected up to ${longest} of a-z, 0-9 and -, got "${visible(name)}"`;
  const { run, open, ...texts } = Object(one) as Partial<Command>;
  if (typeof run !== "function") return `${name}: expected what command() makes`;
  if (open !== undefined && open !== "accounts" && open !== "everybody")
    return `${name}: open: expected "accounts" or "everybody", got ${JSON.stringify(open)}`;
  for (const key of ["usage", "about"] as const) {
    const text: unknown = texts[key];
    const isLine = typeof text === "string" && visible(text) === text;
    if (!isLine || text.length > LIMITS.commandLineLengthMax)
      return `${name}: ${key}: expected a line of up to ${LIMITS.commandLineLengthMax} letters`;
  }
  return undefined;
}

function contextOf(plugin: Plugin, options: SetupOptions): object {
  const { environment } = options;
  const parsed = plugin.schema === undefined ? undefined : v.parse(plugin.schema, plugin.options);
  return {
    self: options.self,
    options: parsed,
    log: prefixed(plugin.name, environment),
    clock: ownClock(plugin.name, environment),
    random: environment.random,
    store: ownStore(environment.store, plugin.name),
    folder: () => options.folder(plugin.name),
    metrics: options.metrics.of(plugin.name),
    signal: options.signal,
    notice: (to: Person | RoomName, text: string) =>
      options.notice(to, text.slice(0, LIMITS.textBytesMax)),
    host: options.hosts(plugin),
  };
}

const prefixed = (plugin: string, { log }: Environment): Environment["log"] => ({
  debug: (event, fields) => log.debug(event, { plugin, ...fields }),
  info: (event, fields) => log.info(event, { plugin, ...fields }),
  warn: (event, fields) => log.warn(event, { plugin, ...fields }),
  error: (event, fields) => log.error(event, { plugin, ...fields }),
});

/** What a plugin has run later is its own, like a hook: a throw ends nothing but that. */
function ownClock(plugin: string, { clock, log }: Environment): Environment["clock"] {
  const failed = (thrown: unknown) => log.error("timer failed", { plugin, error: stackOf(thrown) });
  const guarded = (run: () => unknown) => () => {
    const began = clock.monotonic();
    try {
      const result = run();
      if (result instanceof Promise) result.catch(failed);
    } catch (thrown) {
      failed(thrown);
    }
    tellHeldUp({ clock, log }, began, "timer", { plugin });
  };
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (ms, run) => clock.after(ms, guarded(run)),
    soon: (run) => clock.soon(guarded(run)),
  };
}

const ownStore = (store: Store, plugin: string): Store => ({
  read: (key) => store.read(`${plugin}.${key}`),
  write: (key, bytes) => store.write(`${plugin}.${key}`, bytes),
});
