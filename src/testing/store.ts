// A disk in memory that can lose power: only what a write has resolved for is sure to be there
// afterwards. Of the write that was under way, the seed decides whether it came through.

import { assert } from "../assert.ts";
import type { Bytes, Store } from "../environment.ts";
import type { Agenda, Cancel } from "./agenda.ts";
import type { SeededRandom } from "./random.ts";

/** What was on a disk at some time. */
export type DiskBackup = ReadonlyMap<string, Bytes>;

/** What stays when a server crashes, and what can be done to it. */
export class SimDisk {
  readonly #files = new Map<string, Bytes>();
  #failing: Error | undefined;
  #underWay: { readonly key: string; readonly bytes: Bytes; readonly cancel: Cancel } | undefined;
  readonly #agenda: Agenda;
  readonly #random: SeededRandom;

  constructor(agenda: Agenda, random: SeededRandom) {
    this.#agenda = agenda;
    this.#random = random;
  }

  /** Makes all writes fail with an error from now on, or succeed again. */
  failWrites(error: Error | undefined): void {
    this.#failing = error;
  }

  /** What is on the disk, in the order of the keys; for tests. */
  keys(): string[] {
    return [...this.#files.keys()].toSorted();
  }

  /** A write has begun and is not durable yet: a crash now decides by chance what is there. */
  get writing(): boolean {
    return this.#underWay !== undefined;
  }

  /** All that is durable now, to be put back by `restore`. */
  backup(): DiskBackup {
    return new Map(this.#files);
  }

  /** The disk is as it was at a backup; without one it is empty. While no server runs on it. */
  restore(backup: DiskBackup = new Map()): void {
    this.#files.clear();
    for (const [key, bytes] of backup) this.#files.set(key, bytes);
  }

  /** Power is lost: the write under way may have come through or not. */
  crash(): void {
    const lost = this.#underWay;
    this.#underWay = undefined;
    lost?.cancel();
    if (lost !== undefined && this.#random.chance(0.5)) this.#files.set(lost.key, lost.bytes);
  }

  /** Opens it for one life of a server; after that life, its promises never settle. */
  open(alive: () => boolean): Store {
    let last: Promise<unknown> = Promise.resolve();
    const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
      const result = last.then(work, work);
      last = result.catch(() => undefined);
      return result;
    };
    const writeSynced = (key: string, bytes: Bytes) => this.#write(key, bytes, alive);
    return {
      read: (key) => inTurn(() => this.#read(checked(key), alive)),
      write(key, bytes) {
        checked(key);
        const kept = new Uint8Array(bytes);
        return inTurn(() => writeSynced(key, kept));
      },
    };
  }

  // --- internal ---

  #read(key: string, alive: () => boolean): Promise<Bytes | undefined> {
    return new Promise((resolve) => {
      this.#agenda.after(0.05, "store read", () => {
        const bytes = this.#files.get(key);
        if (alive()) resolve(bytes && new Uint8Array(bytes));
      });
    });
  }

  #write(key: string, bytes: Bytes, alive: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!alive()) return;
      const cancel = this.#agenda.after(0.2 + this.#random.next() * 5, "store write", () => {
        this.#underWay = undefined;
        if (this.#failing !== undefined) return reject(this.#failing);
        this.#files.set(key, bytes);
        resolve();
      });
      this.#underWay = { key, bytes, cancel };
    });
  }
}

function checked(key: string): string {
  assert(/^[a-z0-9_-][a-z0-9._-]{0,127}$/.test(key), `a store's key is [a-z0-9._-]+, not ${key}`);
  return key;
}
