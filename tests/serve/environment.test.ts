// The real clock, tasks and TLS identity.

import { afterAll, describe, expect, setSystemTime, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import type { Store } from "../../src/environment.ts";
import { LIMITS } from "../../src/limits.ts";
import { loadTlsIdentity } from "../../src/net/identity.ts";
import { fingerprintOf } from "../../src/net/tls.ts";
import { createClock } from "../../src/serve/clock.ts";
import { createTasks } from "../../src/serve/tasks.ts";

afterAll(() => setSystemTime());

describe("the clock", () => {
  test("never goes back, whatever the wall clock does", () => {
    const clock = createClock();
    const before = clock.monotonic();
    setSystemTime(new Date(0));
    expect(clock.now()).toBe(0);
    expect(clock.monotonic()).toBeGreaterThanOrEqual(before);
    setSystemTime();
  });

  test("runs timers in their order, and not those that were cancelled", async () => {
    const clock = createClock();
    const fired: number[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    clock.after(3, () => {
      fired.push(3);
      resolve();
    });
    clock.after(2, () => fired.push(2))();
    clock.after(1, () => fired.push(1));
    await promise;
    expect(fired).toEqual([1, 3]);
  });

  test("can wait longer than setTimeout can", async () => {
    const clock = createClock();
    let early = false;
    const cancel = clock.after(LIMITS.pinMsMax, () => (early = true));
    await new Promise<void>((resolve) => clock.after(1, resolve));
    expect(early).toBe(false);
    cancel();
  });
});

describe("passwords", () => {
  test("are hashed with argon2id and the parameters of the limits", async () => {
    const tasks = createTasks();
    const hash = await tasks.hashPassword("correct horse");
    expect(hash).toStartWith(
      `$argon2id$v=19$m=${LIMITS.argonMemoryKiB},t=${LIMITS.argonPasses},p=1$`,
    );
    expect(await tasks.verifyPassword("correct horse", hash)).toBe(true);
    expect(await tasks.verifyPassword("wrong horse", hash)).toBe(false);
    expect(await tasks.verifyPassword("", hash)).toBe(false);
  });

  test("wait in a line that has an end", async () => {
    const tasks = createTasks();
    const all = LIMITS.hashersMax + LIMITS.hashQueueMax;
    const settled = await Promise.allSettled(
      Array.from({ length: all + 3 }, () => tasks.verifyPassword("x", "$2b$04$".padEnd(60, "a"))),
    );
    const busy = settled.filter(
      (one) => one.status === "rejected" && String(one.reason).includes("try again"),
    );
    expect(busy).toHaveLength(3);
    expect(await tasks.verifyPassword("x", await tasks.hashPassword("x"))).toBe(true);
  });
});

describe("the TLS identity", () => {
  /** A store in memory that keeps the order of its writes. */
  function memory() {
    const values = new Map<string, Uint8Array>();
    const store: Store = {
      read: async (key) => values.get(key),
      write: async (key, bytes) => void values.set(key, bytes),
    };
    return { store, values, clock: { now: () => Date.UTC(2026, 0, 1) } };
  }

  test("is made once, and then found", async () => {
    const { store, values, clock } = memory();
    const made = await loadTlsIdentity({ store, clock }, "paris");
    expect([...values.keys()]).toEqual(["tls.key", "tls.crt"]);
    expect(await loadTlsIdentity({ store, clock }, "other")).toEqual(made);
    const certificate = new X509Certificate(made.certificate);
    expect(certificate.subject).toBe("CN=paris");
    expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toMatch(/P-256|prime256v1/);
    expect(new Date(certificate.validTo).getUTCFullYear()).toBeGreaterThan(2050);
    expect(fingerprintOf(made.certificate).toHex()).toBe(
      certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
    );
  });

  test("is made anew when only its key is there", async () => {
    const { store, values, clock } = memory();
    const first = await loadTlsIdentity({ store, clock }, "paris");
    values.delete("tls.crt");
    const second = await loadTlsIdentity({ store, clock }, "paris");
    expect(second.key).not.toBe(first.key);
    expect(await loadTlsIdentity({ store, clock }, "paris")).toEqual(second);
  });
});
