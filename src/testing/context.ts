// One plugin set up and started on its own, as a server would do it, for tests of plugins: with a
// folder, a clock that only moves when it is told to, a store in memory, a log that is kept, and
// passwords hashed for real, but cheaply. Next: auth-suite.ts, history-stage.ts.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { checkParts } from "../core/plugins.ts";
import { createHistoryHost } from "../core/redaction.ts";
import type { Bytes, Clock, Log, LogFields, Millis, Random, Store } from "../environment.ts";
import { ChatFusionError } from "../errors.ts";
import type { Nick, RoomName, ServerName } from "../names.ts";
import { parseServerName } from "../names.ts";
import type { Parts, Plugin, Services } from "../plugin/context.ts";
import type { AuthHost } from "../plugin/gateway.ts";
import type { Person } from "../plugin/hooks.ts";
import { describe } from "../protocol/hello.ts";
import { createCrypto } from "../serve/crypto.ts";

/** What is given to a plugin under test; all of it may be left out. */
export interface SetUpOptions {
  /** The server's name. Default "test". */
  readonly self?: string;
  /** The plugin's folder. Default: a temporary one, removed at the end. */
  readonly folder?: string;
  readonly clock?: ManualClock;
  /** Default: one in memory; give it to a second plugin to see what a restart finds. */
  readonly store?: Store;
  readonly random?: Random;
  /** Services that the plugin requires, and hosts of its roles beside auth's and history's. */
  readonly services?: Partial<Services>;
  readonly host?: object;
}

export interface LoggedLine {
  readonly level: keyof Log;
  readonly event: string;
  readonly fields: LogFields;
}

/** A plugin that runs. `await using` stops it and removes its temporary folder. */
export interface SetUp extends AsyncDisposable {
  readonly parts: Parts;
  readonly self: ServerName;
  readonly folder: string;
  readonly clock: ManualClock;
  readonly logged: readonly LoggedLine[];
  /** Resolves with the first line of an event, logged already or to come. */
  untilLogged(event: string): Promise<LoggedLine>;
  readonly notices: readonly { readonly to: Person | RoomName; readonly text: string }[];
  /** The nicks that the plugin said have an owner now. */
  readonly claimed: readonly Nick[];
  /** Resolves when the plugin has claimed so many nicks in all. */
  untilClaimed(count: number): Promise<void>;
  /** The accounts that the plugin said were removed, or have another password. */
  readonly revoked: readonly string[];
  /** How often a password was compared, and how often with a hash. */
  readonly verified: { readonly all: number; readonly withHash: number };
  /** Counters and gauges as they are now. */
  metric(name: string): number | undefined;
  /** Stops the plugin as a server does; the folder stays until the end. */
  stop(): Promise<void>;
}

/** A clock that stands still until `advance`. */
export interface ManualClock extends Clock {
  /** Moves on by `ms`, running what is due, in the order of its time. */
  advance(ms: Millis): void;
}

/**
 * Checks a plugin's options, sets it up, checks its parts and starts it. Rejects with what the
 * plugin throws, and with `CONFIG_INVALID` for its options and parts.
 */
export async function setUp(plugin: Plugin, options: SetUpOptions = {}): Promise<SetUp> {
  const temporary = options.folder ?? (await mkdtemp(join(tmpdir(), "chatfusion-")));
  const removed = async () => {
    if (options.folder === undefined) await rm(temporary, { recursive: true, force: true });
  };
  try {
    const world = createWorld(plugin, options, temporary);
    await world.start();
    return {
      ...world.seen,
      async [Symbol.asyncDispose]() {
        await world.seen.stop();
        await removed();
      },
    };
  } catch (thrown) {
    await removed();
    throw thrown;
  }
}

/** Makes a clock that stands still, at some time of 2026, until it is advanced. */
export function createManualClock(at: Millis = Date.UTC(2026, 0, 2, 3, 4, 5)): ManualClock {
  let passed = 0;
  const due = new Set<{ readonly time: Millis; readonly run: () => void }>();
  return {
    now: () => at + passed,
    monotonic: () => passed,
    after(ms, run) {
      const entry = { time: passed + Math.max(0, ms), run };
      due.add(entry);
      return () => void due.delete(entry);
    },
    soon: (run) => void setImmediate(run),
    advance(ms) {
      const end = passed + ms;
      for (;;) {
        let next: { readonly time: Millis; readonly run: () => void } | undefined;
        for (const entry of due) if (next === undefined || entry.time < next.time) next = entry;
        if (next === undefined || next.time > end) break;
        due.delete(next);
        passed = Math.max(passed, next.time);
        next.run();
      }
      passed = end;
    },
  };
}

/** Makes a store that forgets with the process. */
export function createMemoryStore(): Store {
  const values = new Map<string, Bytes>();
  return {
    read: (key) => Promise.resolve(values.get(key)?.slice()),
    write(key, bytes) {
      values.set(key, bytes.slice());
      return Promise.resolve();
    },
  };
}

// --- internal ---

/** The smallest that argon2 allows: a test checks what is asked of it, not what it costs. */
const cheap = { algorithm: "argon2id", memoryCost: 8, timeCost: 1 } as const;

const systemRandom: Random = {
  bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
  next: Math.random,
};

function createWorld(plugin: Plugin, options: SetUpOptions, folder: string) {
  const self = parseServerName(options.self ?? "test");
  const clock = options.clock ?? createManualClock();
  const lines = createWaitable<LoggedLine>();
  const logged = lines.all;
  const notices: { to: Person | RoomName; text: string }[] = [];
  const gauges = new Map<string, () => number>();
  const stopping = new AbortController();
  const auth = createAuthHost();
  const log =
    (level: keyof Log) =>
    (event: string, fields: LogFields = {}) =>
      lines.push({ level, event, fields });
  const parts = plugin.setup({
    ...options.services,
    self,
    clock,
    options: parseOptions(plugin),
    log: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") },
    random: options.random ?? systemRandom,
    store: options.store ?? createMemoryStore(),
    folder: () => folder,
    metrics: {
      counter(name: string) {
        let count = 0;
        gauges.set(name, () => count);
        return (n = 1) => void (count += n);
      },
      gauge: (name: string, _help: string, read: () => number) => void gauges.set(name, read),
    },
    signal: stopping.signal,
    notice: (to: Person | RoomName, text: string) => void notices.push({ to, text }),
    host: { ...auth.host, ...createHistoryHost(createCrypto(systemRandom)), ...options.host },
  });
  checkParts(plugin, parts);
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    stopping.abort();
    await parts.stop?.();
  };
  const seen = {
    parts,
    self,
    folder,
    clock,
    logged,
    async untilLogged(event: string) {
      for (let at = 0; ; at += 1) {
        await lines.until(at + 1);
        const line = logged[at];
        if (line?.event === event) return line;
      }
    },
    notices,
    claimed: auth.claimed,
    revoked: auth.revoked,
    untilClaimed: auth.untilClaimed,
    verified: auth.verified,
    metric: (name: string) => gauges.get(name)?.(),
    stop: () => (stopped ??= stop()),
  };
  return { seen, start: async () => parts.start?.() };
}

/** Checks the options by the plugin's schema, as the core does before any plugin code runs. */
function parseOptions(plugin: Plugin): unknown {
  if (plugin.schema === undefined) {
    if (plugin.options === undefined) return undefined;
    throw new ChatFusionError("CONFIG_INVALID", `${plugin.name}: expected no options`);
  }
  const parsed = v.safeParse(plugin.schema, plugin.options);
  if (parsed.success) return parsed.output;
  throw new ChatFusionError("CONFIG_INVALID", `${plugin.name}: ${describe(parsed.issues)}`);
}

function createAuthHost() {
  const claimed = createWaitable<Nick>();
  const revoked: string[] = [];
  const verified = { all: 0, withHash: 0 };
  let dummy: Promise<string> | undefined;
  const host: AuthHost = {
    claimed: claimed.push,
    roles: () => ["admin", "bot", "operator"],
    revoked: (account) => void revoked.push(account),
    hash: (password) => Bun.password.hash(password, cheap),
    async verify(password, hash) {
      verified.all += 1;
      if (hash !== undefined) verified.withHash += 1;
      if (password === "") return false;
      dummy ??= Bun.password.hash("nobody's", cheap);
      const matches = await Bun.password.verify(password, hash ?? (await dummy));
      return matches && hash !== undefined;
    },
  };
  return { host, claimed: claimed.all, untilClaimed: claimed.until, revoked, verified };
}

/** A list that only grows, and can be waited for. */
function createWaitable<T>() {
  const all: T[] = [];
  let waiting: (() => void)[] = [];
  return {
    all,
    push(item: T): void {
      all.push(item);
      const told = waiting;
      waiting = [];
      for (const tell of told) tell();
    },
    async until(count: number): Promise<void> {
      while (all.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}
