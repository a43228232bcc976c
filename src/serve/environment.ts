// The real environment: this machine's clock, chance, sockets, files and threads.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Environment, Log, Random } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import { createNet } from "../net/net.ts";
import { createClock } from "./clock.ts";
import { createCrypto } from "./crypto.ts";
import { createStore } from "./store.ts";
import { createTasks } from "./tasks.ts";

export interface EnvironmentOptions {
  /** Where the store's folder is; made when it is first written to. */
  readonly dataDir: string;
  readonly log: Log;
}

/** Makes the environment of one server, or of a client. Touches nothing yet. */
export function createEnvironment({ dataDir, log }: EnvironmentOptions): Environment {
  const clock = createClock();
  const random = createRandom();
  return {
    clock,
    random,
    net: createNet(clock, log, { connectionsMax: connectionsMax() }),
    store: createStore(join(dataDir, "store")),
    crypto: createCrypto(random),
    tasks: createTasks(),
    log,
  };
}

/** Makes the chance of this machine. */
export function createRandom(): Random {
  return {
    bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
    next: () => Math.random(),
  };
}

// --- internal ---

/** At the limit of descriptors Bun's accept loop spins: stay well below it, where it is known. */
function connectionsMax(): number {
  try {
    const limits = readFileSync("/proc/self/limits", "utf8");
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    if (soft === undefined) return LIMITS.connectionsMax;
    return Math.max(16, Math.min(LIMITS.connectionsMax, Number(soft) - LIMITS.descriptorsApart));
  } catch (_notLinux) {
    return LIMITS.connectionsMax;
  }
}
