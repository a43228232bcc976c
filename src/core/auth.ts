// What auth plugins and the core are to each other beside onAuth. The bounded hashing pool: at most
// a few at once, a short queue behind them, and the same time for an account that is unknown;
// passwords are hashed off the loop (Environment.Tasks). And whose account a nick is.

import type { Log, Random, Tasks } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { ChatFusionError, failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Nick } from "../names.ts";
import { parseNick } from "../names.ts";
import type { LivePlugin } from "./plugins.ts";

export interface HashingPool {
  hash(password: string): Promise<string>;
  verify(password: string, hash: string | undefined): Promise<boolean>;
}

/** Makes a pool. Its promises reject with `AUTH_BUSY` when too many wait. */
export function createHashingPool(tasks: Tasks, random: Random): HashingPool {
  let running = 0;
  const queue: (() => void)[] = [];
  // Made at first use: what an unknown account's password is compared with.
  let decoy: Promise<string> | undefined;

  const inPool = async <T>(run: () => Promise<T>): Promise<T> => {
    if (running >= LIMITS.hashersMax) {
      if (queue.length >= LIMITS.hashQueueMax)
        throw new ChatFusionError("AUTH_BUSY", "too many are logging in; try again in a moment");
      await new Promise<void>((resolve) => queue.push(resolve)); // the place is handed over
    } else running++;
    try {
      return await run();
    } finally {
      const next = queue.shift();
      if (next === undefined) running--;
      else next();
    }
  };
  const check = (password: string) => {
    const bytes = Buffer.byteLength(password);
    if (bytes <= LIMITS.passwordBytesMax) return;
    const text = `a password of ${bytes} bytes, expected at most ${LIMITS.passwordBytesMax}`;
    throw new ChatFusionError("BAD_REQUEST", text);
  };
  return {
    async hash(password) {
      check(password);
      return inPool(() => tasks.hashPassword(password));
    },
    async verify(password, hash) {
      check(password);
      return inPool(async () => {
        decoy ??= tasks.hashPassword(random.bytes(16).toHex());
        const right = await tasks.verifyPassword(password, hash ?? (await decoy));
        return right && hash !== undefined;
      });
    },
  };
}

/** The account that a nick is, in any writing; a refusal where the plugin that knows it fails. */
export type AccountOf = (nick: string) => string | undefined | Failure;

/** Asks the plugins that tell accounts; undefined where none does. */
export function createAccountOf(live: readonly LivePlugin[], log: Log): AccountOf | undefined {
  const telling = live.filter(({ parts }) => parts.accountOf !== undefined);
  if (telling.length === 0) return undefined;
  return (text) => {
    const nick = nickOf(text);
    if (nick === undefined) return undefined;
    for (const { plugin, parts } of telling) {
      try {
        const account: unknown = parts.accountOf?.(nick); // a plugin's word: checked here
        if (typeof account === "string") return account;
        if (account !== undefined) throw new Error(`it returned a ${typeof account}`);
      } catch (thrown) {
        log.error("accountOf failed", { plugin: plugin.name, error: String(thrown) });
        const what = `the plugin ${plugin.name} failed in accountOf; it has been logged`;
        return failure("PLUGIN_FAILED", what);
      }
    }
    return undefined;
  };
}

/** The nick that a text is; undefined for what is none. */
export function nickOf(text: string): Nick | undefined {
  try {
    return parseNick(text);
  } catch {
    return undefined; // what is no nick is nobody's
  }
}
