// The store on a disk: what is written survives, whole or not at all, in the order it was asked.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type StoreFiles, createStore } from "../../src/serve/store.ts";

const folder = mkdtempSync(join(tmpdir(), "chatfusion-store-"));
afterAll(() => rmSync(folder, { recursive: true }));

const bytes = (of: string): Uint8Array => new TextEncoder().encode(of);
const text = (of: Uint8Array | undefined): string => new TextDecoder().decode(of);

/** Files that only write down what is done to them; `steps` may hold one up or fail it. */
function recording(act: (step: string) => Promise<void> = async () => undefined) {
  const done: string[] = [];
  const step = async (what: string): Promise<void> => {
    done.push(what);
    await act(what);
  };
  const files: StoreFiles = {
    makeFolder: (path) => step(`make ${path}`),
    read: async (path) => {
      await step(`read ${path}`);
      return undefined;
    },
    writeSynced: (path, written) => step(`sync ${path} ${text(written)}`),
    rename: (from, to) => step(`rename ${from} ${to}`),
    syncFolder: (path) => step(`sync folder ${path}`),
  };
  return { done, files };
}

describe("a write", () => {
  test("is durable: beside, synced, renamed, folder synced, then resolved", async () => {
    const { done, files } = recording();
    await createStore("s", files).write("epoch", bytes("7"));
    expect(done).toEqual([
      "make s",
      "sync s/.epoch.new 7",
      "rename s/.epoch.new s/epoch",
      "sync folder s",
    ]);
  });

  test("waits for those before it, and keeps what it was given", async () => {
    const { done, files } = recording();
    const store = createStore("s", files);
    const value = bytes("1");
    const writes = [store.write("a", value), store.read("a"), store.write("b", bytes("2"))];
    value.fill(0);
    await Promise.all(writes);
    expect(done.filter((what) => !what.startsWith("make"))).toEqual([
      "sync s/.a.new 1",
      "rename s/.a.new s/a",
      "sync folder s",
      "read s/a",
      "sync s/.b.new 2",
      "rename s/.b.new s/b",
      "sync folder s",
    ]);
  });

  test("that fails is not renamed, and does not hold up the next", async () => {
    const { done, files } = recording(async (what) => {
      if (what === "sync s/.a.new 1") throw new Error("no space left");
    });
    const store = createStore("s", files);
    const first = store.write("a", bytes("1"));
    const second = store.write("a", bytes("2"));
    expect(first).rejects.toThrow("no space left");
    await second;
    expect(done.filter((what) => what.startsWith("rename"))).toHaveLength(1);
  });

  test.each(["", ".hidden", "..", "a/b", "A", "ü", "x".repeat(129)])(
    "has no key like %j",
    (key) => {
      const { files } = recording();
      expect(() => createStore("s", files).write(key, bytes("1"))).toThrow("key");
    },
  );
});

describe("on a real disk", () => {
  test("values are there for the next store, private to their owner", async () => {
    const place = join(folder, "data", "store");
    await createStore(place).write("identity.key", bytes("secret"));
    await createStore(place).write("identity.key", bytes("secret 2"));
    expect(text(await createStore(place).read("identity.key"))).toBe("secret 2");
    expect(await createStore(place).read("other")).toBeUndefined();
    expect(readdirSync(place)).toEqual(["identity.key"]);
    expect(statSync(place).mode & 0o777).toBe(0o700);
    expect(statSync(join(place, "identity.key")).mode & 0o777).toBe(0o600);
  });

  test("a link planted in the way is not followed", async () => {
    const place = join(folder, "planted");
    const store = createStore(place);
    await store.write("a", bytes("1"));
    const outside = join(folder, "outside");
    writeFileSync(outside, "untouched");
    symlinkSync(outside, join(place, ".a.new"));
    expect(store.write("a", bytes("2"))).rejects.toThrow();
    expect(await Bun.file(outside).text()).toBe("untouched");
    expect(text(await store.read("a"))).toBe("1");
  });
});
