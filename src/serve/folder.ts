// A server's data folder: made for its owner alone, and held by one server at a time. What holds it
// is a lock of the system's, so that a server that was killed leaves none behind.

import { Database } from "bun:sqlite";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ChatFusionError } from "../errors.ts";
import { visible } from "../names.ts";

export interface HeldFolder {
  /** Lets another server have it; idempotent. */
  release(): void;
}

/**
 * Makes the folder where it is missing and takes it for this process. Throws `CONFIG_INVALID` for
 * one that anybody may write into or that cannot be used, `CANNOT_LISTEN` for one that a running
 * server has, with its pid.
 */
export async function holdFolder(folder: string): Promise<HeldFolder> {
  const name = `data folder "${visible(folder)}"`;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (thrown) {
    const why = thrown instanceof Error ? visible(thrown.message) : "unknown";
    throw new ChatFusionError("CONFIG_INVALID", `${name} cannot be made: ${why}`, thrown);
  }
  const { mode } = await stat(folder);
  if ((mode & 0o002) !== 0) {
    const got = (mode & 0o777).toString(8);
    const text = `${name}: anybody may write into it; expected mode 700, got ${got}`;
    throw new ChatFusionError("CONFIG_INVALID", text);
  }
  const lock = await takeLock(folder, name);
  try {
    await writeFile(join(folder, pidFile), `${process.pid}\n`, { mode: 0o600 });
  } catch (thrown) {
    lock.close();
    throw unusable(name, thrown);
  }
  return { release: () => lock.close() }; // closing twice is nothing
}

// --- internal ------------------------------------------------------------------------------------

const lockFile = "lock";
const pidFile = "pid";

/** SQLite's locks are the file locks of the system, on each system the ones that work. */
async function takeLock(folder: string, name: string): Promise<Database> {
  let lock: Database | undefined;
  try {
    lock = new Database(join(folder, lockFile), { create: true });
    // Nothing is ever written in it; without this, a journal would lie about after a kill.
    lock.run("PRAGMA journal_mode = MEMORY");
    lock.run("BEGIN EXCLUSIVE");
    return lock;
  } catch (thrown) {
    lock?.close();
    const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
    if (code === "SQLITE_BUSY") {
      const pid = await holderOf(folder);
      const text = `${name} is in use by a running server${pid}; expected one for each server:`;
      throw new ChatFusionError("CANNOT_LISTEN", `${text} --name NAME or --data DIR`, thrown);
    }
    throw unusable(name, thrown);
  }
}

function unusable(name: string, thrown: unknown): ChatFusionError {
  const why = thrown instanceof Error ? visible(thrown.message) : "unknown";
  return new ChatFusionError("CONFIG_INVALID", `${name} cannot be used: ${why}`, thrown);
}

async function holderOf(folder: string): Promise<string> {
  try {
    const pid = Number(await readFile(join(folder, pidFile), "utf8"));
    return Number.isSafeInteger(pid) ? ` (pid ${pid})` : "";
  } catch (_notYetWritten) {
    return "";
  }
}
