// The sealed channel between two servers, over a network that loses, doubles, reorders and alters.

import { describe, expect, test } from "bun:test";
import { type Channel, createChannel } from "../../src/core/channel.ts";
import type { Bytes } from "../../src/environment.ts";
import { LIMITS } from "../../src/limits.ts";
import type { Sid } from "../../src/names.ts";
import { createRandom, createWorld } from "../../src/testing.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function begin(seed: string) {
  const world = createWorld({ seed });
  const { clock, crypto } = world.environment("net");
  const random = createRandom(seed);
  const ends = ["a", "b"].map((letter) => ({
    sid: letter.repeat(32) as Sid,
    life: letter.repeat(16),
    keys: crypto.agreementKey(),
    got: [] as string[],
    sent: [] as Bytes[],
    drained: 0,
  })) as [End, End];
  type End = {
    sid: Sid;
    life: string;
    keys: ReturnType<typeof crypto.agreementKey>;
    got: string[];
    sent: Bytes[];
    drained: number;
    channel?: Channel;
  };
  /** What happens to a frame: where it goes, and after how long. */
  const net = { carry: (_frame: Bytes): readonly (readonly [Bytes, number])[] => [[_frame, 1]] };
  const open = (me: End, you: End, theirLife = you.life) => {
    const channel = createChannel({
      clock,
      crypto,
      mine: { sid: me.sid, life: me.life, sealKey: me.keys.privateKey },
      theirs: { sid: you.sid, life: theirLife, sealKey: you.keys.publicKey },
      publish(frame) {
        me.sent.push(frame);
        for (const [bytes, ms] of net.carry(frame))
          clock.after(ms, () => you.channel?.receive(bytes));
        return "sent";
      },
      deliver: (message) => void me.got.push(decoder.decode(message)),
      drained: () => void (me.drained += 1),
      due() {},
    });
    me.channel = channel;
    return channel;
  };
  const [a, b] = ends;
  return { world, random, net, a, b, open, channels: [open(a, b), open(b, a)] as const };
}

const counted = (count: number) => Array.from({ length: count }, (_, i) => `message ${i}`);

describe("whatever is lost, doubled, late or altered, all comes once and in order", () => {
  for (let seed = 1; seed <= 20; seed++)
    test(`seed ${seed}`, () => {
      const { world, random, net, a, b, channels } = begin(`channel ${seed}`);
      net.carry = (frame) => {
        const altered = frame.slice();
        altered[random.below(frame.length)]! ^= 1 << random.below(8);
        return [frame, frame, altered]
          .filter(() => random.chance(0.5))
          .map((one) => [one, random.below(500)] as const);
      };
      for (const text of counted(60)) {
        channels[random.below(2)]!.send(encoder.encode(`from both ${text}`));
        channels[0].send(encoder.encode(text));
        if (random.chance(0.3)) world.run(random.below(300));
      }
      net.carry = (frame) => [[frame, 1]];
      world.run(20_000);
      const own = b.got.filter((text) => text.startsWith("message"));
      expect(own).toEqual(counted(60));
      expect([...a.got, ...b.got].filter((text) => text.startsWith("from both"))).toHaveLength(60);
      expect(channels.map((one) => one.unacknowledged)).toEqual([0, 0]);
    });
});

test("a full window takes nothing more, and says when it is open again", () => {
  const { world, net, a, channels } = begin("window");
  net.carry = () => [];
  let sent = 0;
  while (channels[0].send(new Uint8Array(100))) sent += 1;
  expect(sent).toBe(LIMITS.channelWindowMax);
  expect(a.drained).toBe(0);
  net.carry = (frame) => [[frame, 1]];
  world.run(5000);
  expect(a.drained).toBeGreaterThan(0);
  expect(channels[0].unacknowledged).toBe(0);
});

test("the window is bounded in bytes as well", () => {
  const { net, channels } = begin("bytes");
  net.carry = () => [];
  let bytes = 0;
  while (channels[0].send(new Uint8Array(60_000))) bytes += 60_000;
  expect(bytes).toBeLessThanOrEqual(LIMITS.channelWindowBytesMax);
});

test("no nonce is used twice, also when what was sent is given up", () => {
  const { world, net, a, b, channels } = begin("given up");
  net.carry = () => [];
  for (const text of counted(3)) channels[0].send(encoder.encode(text));
  channels[0].giveUp();
  net.carry = (frame) => [[frame, 1]];
  channels[0].send(encoder.encode("afterwards"));
  channels[0].resume();
  world.run(5000);
  expect(b.got).toEqual(["afterwards"]);
  const heads = new Map<string, string>();
  for (const frame of a.sent) {
    const head = frame.subarray(0, 25).toHex();
    const known = heads.get(head);
    if (known !== undefined) expect(frame.toHex()).toBe(known);
    heads.set(head, frame.toHex());
  }
});

test("frames of another life, and those of the other direction, are dropped", () => {
  const { world, a, b, channels, open } = begin("life");
  channels[0].send(encoder.encode("old"));
  world.run(100);
  const frame = a.sent[0]!;
  expect(channels[0].receive(frame)).toBe(false);
  const later = open({ ...b, life: "c".repeat(16) }, a);
  expect(later.receive(frame)).toBe(false);
  expect(channels[1].receive(frame)).toBe(true);
  expect(b.got).toEqual(["old"]);
});

test("nobody on the way can read it", () => {
  const { a, channels } = begin("secret");
  channels[0].send(encoder.encode("the secret text"));
  expect(decoder.decode(a.sent[0])).not.toContain("secret");
});

test("what comes is acknowledged within a moment, once for many; or by the next message", () => {
  const { world, a, b, channels } = begin("acknowledged");
  for (const text of counted(50)) channels[0].send(encoder.encode(text));
  world.run(LIMITS.channelOwedMsMax);
  expect(b.sent).toHaveLength(0);
  world.run(10);
  expect(b.sent).toHaveLength(1);
  expect(channels[0].unacknowledged).toBe(0);
  expect(a.sent).toHaveLength(50);
  channels[0].send(encoder.encode("asked"));
  world.run(5);
  channels[1].send(encoder.encode("answered"));
  world.run(20);
  expect(channels[0].unacknowledged).toBe(0);
  world.run(LIMITS.channelOwedMsMax);
  expect(b.sent).toHaveLength(2);
});

test("much that comes at once is acknowledged at once, before the window is full", () => {
  const { world, net, b, channels } = begin("much");
  net.carry = (frame) => [[frame, 0]];
  const bytes = LIMITS.channelOwedBytesMax / 4;
  for (let i = 0; i < 8; i++) channels[0].send(new Uint8Array(bytes));
  world.run(1);
  expect(b.sent.length).toBeGreaterThanOrEqual(1);
  expect(channels[0].unacknowledged).toBeLessThan(8);
});

test("where the way there and back is long, nothing is sent again too early", () => {
  const { world, net, a, channels } = begin("long way");
  net.carry = (frame) => [[frame, 400]];
  for (const text of counted(2)) {
    channels[0].send(encoder.encode(text)); // is sent again itself, and ever later
    world.run(5000);
  }
  const before = a.sent.length;
  for (const text of counted(10)) {
    channels[0].send(encoder.encode(text));
    world.run(100);
  }
  world.run(5000);
  expect(a.sent.length - before).toBe(10);
  expect(channels[0].unacknowledged).toBe(0);
});
