// The bounds of a login in which both sides speak by turns.

import { expect, test } from "bun:test";
import { boundExchange } from "../../src/core/exchange.ts";
import { LIMITS } from "../../src/limits.ts";
import type { Exchange } from "../../src/plugin/hooks.ts";
import { createManualClock } from "../../src/testing/context.ts";

const bytes = (count: number) => new Uint8Array(count);
const exchange = (challenge: Exchange["challenge"], first = bytes(3)): Exchange => ({
  kind: "exchange",
  mechanism: "SCRAM-SHA-256",
  first,
  challenge,
});
const givenUp = { code: "AUTH_FAILED" };

test("what the client answers comes to the plugin", async () => {
  const bound = boundExchange(
    exchange(async (said) => said),
    createManualClock(),
  );
  expect(await bound.challenge(bytes(7))).toEqual(bytes(7));
});

test("a client that is silent, leaves or says too much has failed to log in", async () => {
  const clock = createManualClock();
  const silent = boundExchange(
    exchange(() => new Promise(() => {})),
    clock,
  ).challenge(bytes(1));
  clock.advance(LIMITS.challengeMsMax);
  expect(silent).rejects.toMatchObject(givenUp);
  const left = boundExchange(
    exchange(() => Promise.reject(new Error("it left"))),
    clock,
  );
  expect(left.challenge(bytes(1))).rejects.toMatchObject(givenUp);
  const long = boundExchange(
    exchange(async () => bytes(LIMITS.exchangeBytesMax + 1)),
    clock,
  );
  expect(long.challenge(bytes(1))).rejects.toMatchObject(givenUp);
  const begun = () => boundExchange(exchange(left.challenge, bytes(5000)), clock);
  expect(begun).toThrow("5000 bytes at once");
});

test("a plugin asks no more often than a login needs", async () => {
  const bound = boundExchange(
    exchange(async () => bytes(0)),
    createManualClock(),
  );
  for (let asked = 0; asked < LIMITS.challengesMax; asked++) await bound.challenge(bytes(1));
  expect(bound.challenge(bytes(1))).rejects.toMatchObject(givenUp);
});
