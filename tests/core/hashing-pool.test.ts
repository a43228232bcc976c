// The pool that compares passwords: a few at once, a short line, the same work for everybody.

import { expect, test } from "bun:test";
import { createHashingPool } from "../../src/core/auth.ts";
import type { Tasks } from "../../src/environment.ts";
import { LIMITS } from "../../src/limits.ts";
import { createRandom } from "../../src/testing.ts";

const codeOf = (refused: Promise<unknown>): Promise<unknown> =>
  refused.then(
    () => "none",
    (thrown: Error & { code?: string }) => thrown.code,
  );

/** Tasks that are done when a test says so. */
function held() {
  const waiting: (() => void)[] = [];
  const compared: string[] = [];
  const tasks: Tasks = {
    hashPassword: (password) =>
      new Promise((resolve) => waiting.push(() => resolve(`hash of ${password}`))),
    verifyPassword: (password, hash) =>
      new Promise((resolve) => {
        compared.push(hash);
        waiting.push(() => resolve(hash === `hash of ${password}`));
      }),
  };
  const pool = createHashingPool(tasks, createRandom("pool"));
  /** Lets all that is under way come to its end, step by step. */
  const finish = async () => {
    for (let idle = 0; idle < 5; idle++) {
      if (waiting.length > 0) idle = 0;
      waiting.splice(0).forEach((done) => done());
      await Promise.resolve();
    }
  };
  return { pool, waiting, compared, finish };
}

test("two are compared at once, so many wait, and who comes then is told so", async () => {
  const { pool, waiting, finish } = held();
  const first = pool.verify("x", undefined); // what unknown accounts are compared with is made
  await finish();
  await first;
  const most = LIMITS.hashersMax + LIMITS.hashQueueMax;
  const asked = Array.from({ length: most }, () => pool.verify("x", "hash of x"));
  expect(await codeOf(pool.verify("x", "hash of x"))).toBe("AUTH_BUSY");
  expect(await codeOf(pool.hash("x"))).toBe("AUTH_BUSY");
  expect(waiting).toHaveLength(LIMITS.hashersMax);
  await finish();
  expect(await Promise.all(asked)).toEqual(asked.map(() => true));
  const next = pool.verify("x", "hash of y");
  await finish();
  expect(await next).toBe(false);
});

test("without an account a password is compared all the same, and is never right", async () => {
  const { pool, compared, finish } = held();
  for (let at = 0; at < 3; at++) {
    const unknown = pool.verify("x", undefined);
    await finish();
    expect(await unknown).toBe(false);
  }
  const [decoy] = compared;
  expect(decoy).toStartWith("hash of ");
  expect(compared).toEqual([decoy!, decoy!, decoy!]); // made once
});

test("a password that is too long is refused before anything is done", async () => {
  const { pool, waiting } = held();
  const long = "é".repeat(LIMITS.passwordBytesMax / 2 + 1);
  expect(await codeOf(pool.verify(long, "hash"))).toBe("BAD_REQUEST");
  expect(await codeOf(pool.hash(long))).toBe("BAD_REQUEST");
  expect(waiting).toEqual([]);
});
