// The bounded hashing pool: at most a few at once, a short queue behind them, and the same time for
// an account that is unknown. Passwords are hashed off the loop (Environment.Tasks).

import type { Random, Tasks } from "../environment.ts";
import { ChatFusionError } from "../errors.ts";
import { LIMITS } from "../limits.ts";

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
