// The sender's side over several transfers by itself: how long it waits for the other one.

import { expect, test } from "bun:test";
import type { SendOptions, Sent } from "../../src/client.ts";
import { ChatFusionError } from "../../src/errors.ts";
import type { Outgoing } from "../../src/client/outgoing.ts";
import { Sending } from "../../src/client/sending.ts";
import type { OpenSource } from "../../src/client/source.ts";
import { LIMITS } from "../../src/limits.ts";
import { ManualClock } from "../net/parts.ts";
import { proofOf, transferId } from "./peer.ts";

/** Of a source whose reading never ends, so that it is under way until it is interrupted. */
function makeSending(options: SendOptions = {}) {
  const clock = new ManualClock();
  let closed = 0;
  const source: OpenSource = {
    name: "a",
    size: 10,
    mediaType: undefined,
    read: () => new Promise(() => undefined),
    seek: () => undefined,
    verify: () => Promise.resolve(),
    close: () => Promise.resolve(void closed++),
  };
  const offers: number[] = [];
  const asked: (string | undefined)[] = [];
  let isConnected = true;
  let address = "ann@paris";
  let answer = (begin: (transfer: string) => Outgoing): Promise<Sent> => {
    const outgoing = begin(transferId);
    outgoing.accepted(0, 10, "4e".repeat(16));
    outgoing.end(new ChatFusionError("TRANSFER_INTERRUPTED", "lyon is gone"));
    return outgoing.result;
  };
  const sending = new Sending({
    port: {
      clock,
      token: () => "5e".repeat(16),
      tell: () => undefined,
      tellBehindChunks: () => undefined,
      sendChunk: () => true,
      chunksQueued: () => 0,
      connected: () => isConnected,
      address: () => address,
    },
    to: "bob@lyon",
    source: { ...source, read: () => Promise.resolve(0) },
    options,
    offer(ask, begin) {
      offers.push(clock.now());
      asked.push(ask.sending);
      return answer(begin);
    },
  });
  const away = () => Promise.reject(new ChatFusionError("NO_SUCH_NICK", "bob@lyon: nobody"));
  /** The receiver knows it by another address, which this end is told before. */
  const rename = (to: string) => {
    answer = () => {
      address = to;
      return Promise.reject(new ChatFusionError("TRANSFER_REJECTED", "unknown"));
    };
  };
  return {
    clock,
    offers,
    asked,
    rename,
    sending,
    leave: () => void (answer = away),
    connect: (is: boolean) => void (isConnected = is),
    closed: () => closed,
  };
}

const settled = () => new Promise((done) => setImmediate(done));

test("what is away is tried more and more seldom, and given up in the end", async () => {
  const { clock, offers, sending, leave, closed } = makeSending();
  const sent = sending.run();
  sent.catch(() => undefined);
  leave();
  for (let ms = 0; ms <= LIMITS.transferResumeMsMax; ms += 500) {
    await settled();
    clock.pass(500);
  }
  expect(sent).rejects.toThrow("bob@lyon: nobody; it could not go on within 15 minutes");
  await sent.catch(() => undefined);
  await settled();
  expect(offers.slice(0, 7)).toEqual([0, 500, 1500, 3500, 7500, 15_500, 31_500]);
  const waits = offers.slice(7).map((at, i) => at - offers[i + 6]!);
  expect(Math.max(...waits)).toBe(LIMITS.transferAgainMsMax);
  expect(closed()).toBe(1);
  expect(clock.timers).toBe(0);
});

test("what waits is offered when the connection is back, and ends with its client", async () => {
  const { offers, sending, leave } = makeSending();
  const sent = sending.run();
  leave();
  await settled();
  sending.back();
  await settled();
  expect(offers).toEqual([0, 0]);
  sending.end(new ChatFusionError("CANNOT_CONNECT", "the client was closed"));
  expect(sent).rejects.toThrow("the client was closed");
  await sent.catch(() => undefined);
});

test("what loses its connection while it waits to be offered again waits for that", async () => {
  const { clock, offers, sending, leave, connect } = makeSending();
  const sent = sending.run();
  const ended = sent.catch((thrown: unknown) => String(thrown));
  leave();
  await settled();
  connect(false);
  clock.pass(LIMITS.transferResumeMsMax / 2);
  await settled();
  connect(true);
  sending.back();
  await settled();
  expect(offers).toEqual([0, LIMITS.transferResumeMsMax / 2]);
  connect(false);
  clock.pass(LIMITS.transferResumeMsMax / 2);
  await settled();
  expect(await ended).toContain("it could not go on within 15 minutes");
  expect(clock.timers).toBe(0);
});

test("what is offered on the way of a new nick is offered by that again, and once", async () => {
  const { clock, asked, sending, rename } = makeSending();
  const ended = sending.run().catch((thrown: unknown) => String(thrown));
  rename("zoe@paris");
  for (let i = 0; i < 3; i++) {
    await settled();
    clock.pass(LIMITS.transferAgainMsMax);
  }
  expect(await ended).toContain("unknown");
  const known = ["ann@paris", "zoe@paris"].map((of) => proofOf("4e".repeat(16), of));
  expect(asked).toEqual(["5e".repeat(16), ...known]);
});

test("what is ended by who is told that it waits does not wait", async () => {
  const end = () =>
    made.sending.end(new ChatFusionError("CANNOT_CONNECT", "the client was closed"));
  const made = makeSending({ onPaused: end });
  const ended = made.sending.run().catch((thrown: unknown) => String(thrown));
  expect(await ended).toContain("the client was closed");
  expect(made.offers).toEqual([0]);
  expect(made.clock.timers).toBe(0);
});
