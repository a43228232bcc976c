// The CPU time of a process: none of it is forgotten.

import { expect, test } from "bun:test";
import { accountOf, ownCpuSeconds } from "./account.ts";

test("a process is said to have used what it knows itself", () => {
  const before = ownCpuSeconds();
  const { cpuSeconds, kernelSeconds, residentBytes, peakBytes } = accountOf([process.pid]);
  expect(cpuSeconds).toBeGreaterThan(before - 0.01);
  expect(cpuSeconds).toBeLessThan(ownCpuSeconds() + 0.01);
  expect(kernelSeconds).toBeCloseTo(process.cpuUsage().system / 1e6, 1);
  expect(residentBytes).toBeGreaterThan(1e6);
  expect(peakBytes).toBeGreaterThanOrEqual(residentBytes);
});

test("what a thread has used is counted when it has ended", async () => {
  const url = URL.createObjectURL(
    new Blob(["const end = Date.now() + 200; while (Date.now() < end);"]),
  );
  const worker = new Worker(url);
  await new Promise((resolve) => worker.addEventListener("open", resolve));
  await new Promise((resolve) => worker.addEventListener("close", resolve));
  const { cpuSeconds } = accountOf([process.pid]);
  const { user, system } = process.cpuUsage();
  expect(cpuSeconds).toBeCloseTo((user + system) / 1e6, 1);
});

test("a process that is gone has no account", () => {
  expect(() => accountOf([2 ** 22 + 1])).toThrow("process 4194305 is gone");
});
