// Work that would hold up the loop: hashing passwords, on Bun's own threads. Few at once, since
// each takes 19 MiB and a core; the rest wait in a short line, and those beyond it are told so.

import type { Tasks } from "../environment.ts";
import { ChatFusionError } from "../errors.ts";
import { LIMITS } from "../limits.ts";

/** Makes the tasks of a server. Both reject with `AUTH_BUSY` when the line is full. */
export function createTasks(): Tasks {
  let running = 0;
  const waiting: (() => void)[] = [];
  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (running >= LIMITS.hashersMax) {
      if (waiting.length >= LIMITS.hashQueueMax) {
        throw new ChatFusionError("AUTH_BUSY", "too many are logging in: try again in a moment");
      }
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  }
  return {
    hashPassword: (password) => inTurn(() => Bun.password.hash(password, argon2id)),
    async verifyPassword(password, hash) {
      if (password === "") return false;
      return inTurn(() => Bun.password.verify(password, hash));
    },
  };
}

// --- internal ---

const argon2id = {
  algorithm: "argon2id",
  memoryCost: LIMITS.argonMemoryKiB,
  timeCost: LIMITS.argonPasses,
} as const;
