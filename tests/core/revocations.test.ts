import { expect, test } from "bun:test";
import { createRevocations } from "../../src/core/revocations.ts";
import { LIMITS } from "../../src/limits.ts";

test("what was proven before an account was revoked counts no more, later proofs do", () => {
  const revocations = createRevocations();
  const before = revocations.count;
  revocations.add("ann");
  expect(revocations.has("ann", before)).toBeTrue();
  expect(revocations.has("ben", before)).toBeFalse();
  expect(revocations.has("ann", revocations.count)).toBeFalse();
});

test("one that was forgotten among very many stays revoked for whoever proved it before", () => {
  const revocations = createRevocations();
  const before = revocations.count;
  revocations.add("ann");
  for (let i = 0; i < LIMITS.revocationsMax; i += 1) revocations.add(`n${i}`);
  expect(revocations.has("ann", before)).toBeTrue();
  expect(revocations.has("zoe", before)).toBeTrue();
  expect(revocations.has("zoe", 1)).toBeFalse();
  expect(revocations.has("n0", 1)).toBeTrue();
  expect(revocations.has("ann", revocations.count)).toBeFalse();
});

test("of very many accounts those that were revoked long ago are forgotten first", () => {
  const revocations = createRevocations();
  revocations.add("ann");
  for (let i = 1; i < LIMITS.revocationsMax; i += 1) revocations.add(`n${i}`);
  const middle = revocations.count;
  revocations.add("ann"); // again: it is the newest now
  revocations.add("zoe");
  expect(revocations.has("ann", middle)).toBeTrue();
  expect(revocations.has("n2", middle)).toBeFalse();
});
