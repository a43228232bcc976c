// A config, the core and the net put together: a running server, with its data folder held, its
// admin socket open, and its name known on this machine. No signals and no printing: that is the
// command line's. Next: core/server.ts, serve/admin.ts.
//
//   hold data folder → environment → core's start (plugins, port) → admin socket → registry
//   stop: registry → core's stop (drain) → admin socket → release the folder

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { LoadedConfig } from "./config.ts";
import type { ServerEvent } from "./core/events.ts";
import { createServer, type Server } from "./core/server.ts";
import type { Bytes, Environment, Log, Store, TlsIdentity } from "./environment.ts";
import { ChatFusionError, failure, failureOf, isFailure, type Failure } from "./errors.ts";
import { parseServerName, sameName, visible, type ServerName } from "./names.ts";
import { loadTlsIdentity } from "./net/identity.ts";
import { isLoopback } from "./net/socket.ts";
import { adminPath, openAdmin, type AdminSocket, type Answer } from "./serve/admin.ts";
import { shortPath } from "./serve/config-file.ts";
import { createEnvironment } from "./serve/environment.ts";
import { holdFolder, type HeldFolder } from "./serve/folder.ts";
import {
  findServer,
  listServers,
  makeRuntimeFolder,
  reachableHost,
  registerServer,
} from "./serve/registry.ts";

export type { Answer } from "./serve/admin.ts";
export type { ServerEvent } from "./core/events.ts";

export interface ServeOptions {
  readonly log: Log;
  /** Told of what happens, from "listening" to "stopped"; also before `serve` has resolved. */
  event(event: ServerEvent): void;
}

export interface ConsoleCommand {
  readonly name: string;
  readonly usage: string;
  readonly about: string;
}

export interface RunningServer {
  readonly config: LoadedConfig;
  readonly name: ServerName;
  readonly host: string;
  /** The port that was really taken. */
  readonly port: number;
  /** Who may enter: a line for each plugin that says so. */
  readonly entrance: readonly string[];
  readonly commands: readonly ConsoleCommand[];
  /** Runs a command of the console. Never rejects. */
  run(words: readonly string[]): Promise<Answer>;
  /** Stops in good order: tells everybody, drains, closes. Idempotent. */
  stop(reason: string): Promise<void>;
  /** Resolves when all is closed, whoever began it. Never rejects. */
  readonly stopped: Promise<void>;
}

/**
 * Starts a server. Rejects with `CONFIG_INVALID` or `CANNOT_LISTEN`, and then has closed all that
 * it had opened. For what is not loopback it makes a TLS certificate at the first start.
 */
export async function serve(config: LoadedConfig, options: ServeOptions): Promise<RunningServer> {
  const held = await holdFolder(config.data);
  try {
    return await start(config, held, options);
  } catch (thrown) {
    held.release();
    throw thrown;
  }
}

/**
 * Runs one command with the plugins alone: no port, no merging, nobody can enter. Rejects like
 * `serve`, and with `CANNOT_LISTEN` when a server runs on the data folder.
 */
export async function runOffline(
  config: LoadedConfig,
  words: readonly string[],
  log: Log,
): Promise<Answer> {
  const held = await holdFolder(config.data);
  try {
    const environment = createEnvironment({ dataDir: config.data, log });
    const server = await createCore(config, { environment, event: nothing });
    try {
      await server.startPlugins();
      return await server.run(words, operator);
    } finally {
      await server.stop("done");
    }
  } finally {
    held.release();
  }
}

/**
 * Returns the plugins asked by each hook, in order, and what there is to warn of. Starts none, and
 * writes nothing.
 */
export async function compiledOrder(
  config: LoadedConfig,
): Promise<{ readonly hooks: Server["hookOrder"]; readonly warnings: readonly string[] }> {
  const kept = new Map<string, Bytes>();
  const store: Store = {
    read: async (key) => kept.get(key),
    write: async (key, bytes) => void kept.set(key, bytes),
  };
  const environment = createEnvironment({ dataDir: config.data, log: silent });
  const core = await createCore(config, {
    environment: { ...environment, store },
    event: nothing,
    folderOf: (path) => path,
  });
  return { hooks: core.hookOrder, warnings: [...config.warnings, ...core.warnings] };
}

// --- internal ------------------------------------------------------------------------------------

const operator = { by: "console", roles: [] } as const;
const nothing = () => undefined;
const silent: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

interface CoreOptions {
  readonly environment: Environment;
  readonly tls?: TlsIdentity;
  event(event: ServerEvent): void;
  /** Makes a plugin's folder, and returns its path. */
  folderOf?(path: string): string;
}

/** Makes the core; what a plugin's setup refuses or throws names the config file. */
async function createCore(
  config: LoadedConfig,
  { environment, tls, event, folderOf = makeFolder }: CoreOptions,
): Promise<Server> {
  const { name, host, port, onMerge, guestRooms, plugins, data } = config;
  try {
    return await createServer({
      name,
      listen: { host, port },
      onMerge,
      guestRooms,
      plugins,
      environment,
      locate,
      pluginFolder: (plugin) => folderOf(join(data, plugin)),
      ...(tls === undefined ? {} : { tls }),
      report: event,
    });
  } catch (thrown) {
    const file = config.file === undefined ? "the default config" : shortPath(config.file);
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    const told = thrown instanceof ChatFusionError ? text : `it could not be set up: ${text}`;
    const lines = told.split("\n").map((line) => `${file}: ${visible(line)}`);
    throw new ChatFusionError("CONFIG_INVALID", lines.join("\n"), thrown);
  }
}

function makeFolder(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}

async function start(
  config: LoadedConfig,
  held: HeldFolder,
  { log, event }: ServeOptions,
): Promise<RunningServer> {
  const { name, data } = config;
  const environment = createEnvironment({ dataDir: data, log });
  const tls = isLoopback(config.host) ? undefined : await loadTlsIdentity(environment, name);
  // Who hears of "listening" may ask for the server by its name at once: it is told after that.
  let early: ServerEvent[] | undefined = [];
  const tell = (one: ServerEvent) => {
    if (early === undefined) event(one);
    else early.push(one);
  };
  const last = await lastPort(environment);
  const wanted = config.port === 0 ? await freePort(environment, config.host, last) : config.port;
  const again = { ...config, port: wanted };
  const core = await createCore(again, { environment, ...(tls && { tls }), event: tell });
  for (const text of core.warnings) log.warn("config.warning", { text });
  const opened: Opened = {};
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  let stopping: Promise<void> | undefined;
  const stop = (reason: string) => {
    stopping ??= closeAll(
      [
        () => opened.takeBack?.(),
        () => core.stop(reason),
        () => opened.admin?.close(),
        () => held.release(),
      ],
      log,
    ).finally(resolve);
    return stopping;
  };
  try {
    const { host, port } = await core.start();
    if (port !== last) {
      await environment.store.write(PORT_KEY, new TextEncoder().encode(String(port)));
    }
    const commands = [...core.commands.map(withNames), stopCommand];
    const running: RunningServer = {
      config,
      name,
      host,
      port,
      entrance: entranceOf(config),
      commands,
      run: (words) => runCommand(words, { core, name, commands, stop, event }),
      stop,
      stopped,
    };
    const path = adminPath(data);
    if (path !== join(data, "admin.sock")) {
      log.info("serve.admin", { text: "the data folder's path is too long for a socket", path });
      await makeRuntimeFolder();
    }
    opened.admin = await openAdmin(path, running.run);
    const entry = { name, pid: process.pid, host, port, data, admin: path };
    opened.takeBack = await registerServer(entry);
    const told = early;
    early = undefined;
    for (const one of told) event(one);
    return running;
  } catch (thrown) {
    await stop("it could not start");
    throw thrown;
  }
}

const PORT_KEY = "port";

/** The port of the last start; 0 where there was none. */
async function lastPort({ store }: Environment): Promise<number> {
  const stored = await store.read(PORT_KEY);
  const port = Number(new TextDecoder().decode(stored));
  return Number.isInteger(port) && port >= 1 && port <= 65_535 ? port : 0;
}

/**
 * The port of the last start where it is free, for a server that takes any: clients and servers
 * that lost this one find it again. Else 0.
 */
async function freePort({ net }: Environment, host: string, port: number): Promise<number> {
  if (port === 0) return 0;
  try {
    const probe = await net.listen({ host, port, tls: undefined }, () => ({
      data() {},
      closed() {},
    }));
    probe.close();
    return port;
  } catch (thrown) {
    if (thrown instanceof ChatFusionError) return 0; // it is taken: any other will do
    throw thrown;
  }
}

interface Opened {
  admin?: AdminSocket;
  takeBack?: () => Promise<void>;
}

/**
 * Closes what a server has opened: nobody finds it any more, then the core drains, then the admin
 * socket, whose end says that all is over, and the folder. Never rejects.
 */
async function closeAll(steps: readonly (() => unknown)[], log: Log): Promise<void> {
  for (const close of steps) {
    try {
      await close();
    } catch (thrown) {
      // The others are closed all the same.
      log.error("serve.stop", { error: thrown });
    }
  }
}

/** Who may enter, by the plugins that say so. */
function entranceOf({ plugins }: LoadedConfig): readonly string[] {
  const known: Readonly<Record<string, string>> = {
    "auth-guest": "anybody, with a nick that nobody has registered",
    "auth-sqlite": "nicks with a password (bunx chatfusion user add NICK)",
    "auth-file": "nicks of the password file",
  };
  return plugins
    .filter(({ provides }) => provides.includes("auth"))
    .map(({ name }) => known[name] ?? `whom ${name} lets in`)
    .toSorted((a, b) => Number(b.startsWith("anybody")) - Number(a.startsWith("anybody")));
}

// --- commands: the core's, and what only this machine knows --------------------------------------

const stopCommand: ConsoleCommand = {
  name: "stop",
  usage: "",
  about: "end the server in good order",
};

/** Here a server may be named as well. */
const NAMED_TOO = ["HOST:PORT", "HOST:PORT|NAME"] as const;
const withNames = (row: ConsoleCommand): ConsoleCommand =>
  row.name === "merge" ? { ...row, usage: row.usage.replace(...NAMED_TOO) } : row;

interface CommandParts {
  readonly core: Server;
  readonly name: ServerName;
  readonly commands: readonly ConsoleCommand[];
  stop(reason: string): Promise<void>;
  event(event: ServerEvent): void;
}

async function runCommand(
  words: readonly string[],
  { core, name, commands, stop, event }: CommandParts,
): Promise<Answer> {
  const [command, ...rest] = words;
  if (command === "stop" && rest.length === 0) {
    // Who waits for the end waits for `stopped`.
    stop("the operator said stop").catch(nothing);
    return { text: `${name} is stopping` };
  }
  if (command === "merge") {
    const refused = await objectionToName(rest, name);
    if (refused === undefined) {
      const answer = await core.run(words, operator);
      if (!isFailure(answer) || answer.code !== "USAGE") return answer;
      return failure("USAGE", answer.text.replace(...NAMED_TOO));
    }
    event({ event: "refused", ...refused });
    return refused;
  }
  return command === "help" ? help(commands) : core.run(words, operator);
}

function help(commands: readonly ConsoleCommand[]): Answer {
  const heads = commands.map(({ name, usage }) => `${name} ${usage}`.trimEnd());
  const width = Math.max(...heads.map((head) => head.length)) + 2;
  const lines = commands.map(({ about }, i) => `${(heads[i] ?? "").padEnd(width)}${about}`);
  return { text: lines.join("\n"), data: { commands } };
}

async function locate(name: string): Promise<{ host: string; port: number } | undefined> {
  const found = await findServer(name);
  return found && { host: reachableHost(found.host), port: found.port };
}

/** Why there can be no merge with a server of this machine that is named. Never rejects. */
async function objectionToName(
  words: readonly string[],
  self: ServerName,
): Promise<Failure | undefined> {
  const others = words.filter((word) => word !== "--dry-run");
  const [name] = others;
  // What is no one name is an address, or wrong: the core knows.
  if (name === undefined || others.length > 1 || /^-|:/.test(name)) return undefined;
  try {
    if (sameName(parseServerName(name), self)) {
      return failure("SELF", `${self} is this server; expected another one`);
    }
    if ((await findServer(name)) !== undefined) return undefined;
    const near = (await listServers()).map((one) => one.name).filter((one) => one !== self);
    const list = near.length === 0 ? "" : `, or one of ${near.join(", ")}`;
    const text = `no server named "${visible(name)}" runs on this machine`;
    return failure("NO_SUCH_SERVER", `${text}; expected HOST:PORT${list}`);
  } catch (thrown) {
    return failureOf(thrown);
  }
}
