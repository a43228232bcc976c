// Which commit holds what was said: an acknowledgement waits for that one.

import { expect, test } from "bun:test";
import { createMessageLog } from "../../src/core/log.ts";
import type { RoomName, Sid } from "../../src/names.ts";
import type { Batch, History } from "../../src/plugin.ts";

test("a commit that something is promised to does not begin without it", async () => {
  const { log, commits, settle } = start();
  log.add(batch("first"));
  log.flush();
  log.add(batch("another server's"));
  const commit = log.promise();
  await settle();
  expect([commits, log.settled]).toEqual([["first"], 1]);
  log.add(batch("said"));
  log.flush();
  expect(commits).toEqual(["first", "another server's + said"]);
  expect(log.settled).toBeLessThan(commit);
  await settle();
  expect(log.settled).toBe(commit);
});

test("who waits for all that was said waits for what is promised, too", async () => {
  const { log, commits, settle } = start();
  log.promise();
  let isThere = false;
  const waited = log.caughtUp().then(() => {
    isThere = true;
  });
  await Promise.resolve();
  log.add(batch("said"));
  log.flush();
  expect([commits, isThere]).toEqual([["said"], false]);
  await settle();
  await waited;
});

// --- internal ---

const batch = (what: string): Batch => ({
  stream: { origin: "a".repeat(32) as Sid, life: "1".repeat(16), room: what as RoomName },
  first: 1,
  last: 0,
  messages: [],
  bytes: new Uint8Array(1),
});

function start() {
  const commits: string[] = [];
  let running: PromiseWithResolvers<void> | undefined;
  const history = {
    append(batches: readonly Batch[]) {
      commits.push(batches.map(({ stream }) => stream.room).join(" + "));
      running = Promise.withResolvers<void>();
      return running.promise;
    },
  } as Partial<History> as History; // nothing else is asked of it
  const silent = () => undefined;
  const log = createMessageLog({
    history: () => history,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    logged: silent,
    changed: silent,
  });
  return {
    log,
    commits,
    async settle() {
      running?.resolve();
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    },
  };
}
