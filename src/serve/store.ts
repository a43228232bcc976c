// Small durable values as files: `dataDir/store/<key>`, 0600 in a folder of 0700. A value is
// written beside its place, synced, renamed into it, and the folder is synced: after a power cut
// there is the old value or the new one, never a part.

import { constants, statSync } from "node:fs";
import { chmod, mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { assert } from "../assert.ts";
import type { Bytes, Store } from "../environment.ts";

/** What a store does to files; each resolves when it is done. Tests count the order. */
export interface StoreFiles {
  makeFolder(path: string): Promise<void>;
  /** Undefined when there is no such file. */
  read(path: string): Promise<Bytes | undefined>;
  /** Resolves when the file's bytes are on the disk. */
  writeSynced(path: string, bytes: Bytes): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  syncFolder(path: string): Promise<void>;
}

/** Opens the store in a folder, which is made when it is first written to. */
export function createStore(folder: string, files: StoreFiles = systemFiles): Store {
  let last: Promise<unknown> = Promise.resolve();
  let made = false;
  /** One after another, whether or not the one before succeeded. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work, work);
    last = result.catch(() => undefined);
    return result;
  }
  async function write(key: string, bytes: Bytes): Promise<void> {
    if (!made) await files.makeFolder(folder);
    made = true;
    const place = join(folder, key);
    const beside = join(folder, `.${key}.new`);
    await files.writeSynced(beside, bytes);
    await files.rename(beside, place);
    await files.syncFolder(folder);
  }
  return {
    read: (key) => inTurn(() => files.read(join(folder, checked(key)))),
    write(key, bytes) {
      checked(key);
      const kept = new Uint8Array(bytes);
      return inTurn(() => write(key, kept));
    },
  };
}

// --- internal ---

/** No dot at the start: such names are for what is not in its place yet. */
function checked(key: string): string {
  assert(/^[a-z0-9_-][a-z0-9._-]{0,127}$/.test(key), `a store's key is [a-z0-9._-]+, not ${key}`);
  return key;
}

const systemFiles: StoreFiles = {
  async makeFolder(path) {
    const first = await mkdir(path, { recursive: true, mode: 0o700 });
    await chmod(path, 0o700);
    if (first !== undefined) await systemFiles.syncFolder(join(first, ".."));
  },
  async read(path) {
    // A start asks for dozens of values that are not there: by a thread, each of them would take
    // ten times as long.
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
    return new Uint8Array(await readFile(path));
  },
  async writeSynced(path, bytes) {
    const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
    const file = await open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  },
  rename,
  async syncFolder(path) {
    const folder = await open(path, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
};
