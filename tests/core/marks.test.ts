// What a server knows of others' streams over its restarts, also where its disk was full.

import { expect, test } from "bun:test";
import { Marks } from "../../src/core/marks.ts";
import type { Source } from "../../src/core/peer.ts";
import { LIMITS } from "../../src/limits.ts";
import type { ServerName, Sid } from "../../src/names.ts";
import type { History } from "../../src/plugin.ts";
import { createManualClock, createMemoryStore } from "../../src/testing.ts";

const brest = {
  sid: "b".repeat(32) as Sid,
  life: "1".repeat(16),
  key: new Uint8Array(32).fill(7),
  name: "brest" as ServerName,
  present: true,
  streams: new Map(),
  owns: () => true,
} satisfies Source;

test("whose a stream is, a full disk takes when more of it comes", async () => {
  const { marks, disk, stored } = await start();
  disk.isFull = true;
  marks.heard(brest);
  await marks.idle();
  expect(await stored()).toBeUndefined();
  disk.isFull = false;
  marks.heard(brest);
  await marks.idle();
  expect((await stored())?.origin(brest.sid)).toMatchObject({ name: "brest", key: brest.key });
});

test("and a while later, also when nothing comes", async () => {
  const { marks, disk, clock, stored } = await start();
  disk.isFull = true;
  marks.heard(brest);
  await marks.idle();
  disk.isFull = false;
  clock.advance(LIMITS.storeRetryMs);
  await marks.idle();
  expect((await stored())?.origin(brest.sid)?.name).toBe("brest" as ServerName);
});

test("when the server has stopped nothing is tried again", async () => {
  const { marks, disk, clock, stored } = await start();
  disk.isFull = true;
  marks.heard(brest);
  await marks.idle();
  marks.close();
  disk.isFull = false;
  clock.advance(LIMITS.storeRetryMs);
  await marks.idle();
  expect(await stored()).toBeUndefined();
});

// --- internal ---

async function start() {
  const inner = createMemoryStore();
  const disk = { isFull: false };
  const clock = createManualClock();
  const silent = () => undefined;
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  const store = {
    ...inner,
    write: (key: string, bytes: Uint8Array<ArrayBuffer>) =>
      disk.isFull ? Promise.reject(new Error("no space left")) : inner.write(key, bytes),
  };
  // Nothing else is asked of it.
  const history = { streams: () => Promise.resolve([]) } as Partial<History> as History;
  const load = async () => {
    const marks = new Marks();
    await marks.load(history, { clock, store, log });
    return marks;
  };
  /** What the next life knows, if anything stands there. */
  const stored = async () => ((await inner.read("origins")) === undefined ? undefined : load());
  return { marks: await load(), disk, clock, stored };
}
