// What a session was sent, over wires that break at any byte.

import { describe, expect, test } from "bun:test";
import { Outlet } from "../../src/core/outlet.ts";
import type { Bytes } from "../../src/environment.ts";
import { LIMITS } from "../../src/limits.ts";
import { encodeJson, FRAME, FrameReader } from "../../src/protocol/frame.ts";
import { createRandom } from "../../src/testing.ts";
import { fakeWire } from "./wire.ts";

const keeper = { askArrived() {} };
const welcome = encodeJson(FRAME.welcome, {});

/** A client that loses each wire after so many bytes, and counts whole frames. */
class Client {
  received = 0;
  readonly numbers: number[] = [];
  wire(bytesUntilLost: number) {
    const reader = new FrameReader(1 << 20);
    let left = bytesUntilLost;
    return fakeWire((bytes: Bytes) => {
      const arrived = bytes.subarray(0, left);
      left -= arrived.length;
      reader.push(arrived, (type, payload) => {
        if (type === FRAME.welcome) return;
        this.received += payload.length + 5;
        this.numbers.push(JSON.parse(new TextDecoder().decode(payload)) as number);
      });
    });
  }
}

describe("after losses at any byte, every frame has come once and in order", () => {
  for (let seed = 1; seed <= 50; seed++)
    test(`seed ${seed}`, () => {
      const random = createRandom(`outlet ${seed}`);
      const client = new Client();
      const outlet = new Outlet(client.wire(random.below(200)), keeper, () => {});
      outlet.begin();
      let said = 0;
      for (let round = 0; round < 20; round++) {
        for (let i = random.below(20); i > 0; i--) {
          const frames = Array.from({ length: 1 + random.below(3) }, () =>
            encodeJson(FRAME.message, ++said),
          );
          expect(outlet.send(new Uint8Array(Buffer.concat(frames)))).toBe(true);
          if (random.chance(0.1)) outlet.detach();
          if (random.chance(0.2)) outlet.arrived(random.below(client.received + 1));
        }
        const wire = client.wire(round === 19 ? 1e9 : random.below(400));
        expect(outlet.attach(wire, keeper, client.received, welcome)).toBe(true);
      }
      expect(client.numbers).toEqual(Array.from({ length: said }, (_, i) => i + 1));
    });
});

test("what was never sent, or is not kept any more, cannot be resumed from", () => {
  const outlet = new Outlet(
    fakeWire(() => {}),
    keeper,
    () => {},
  );
  outlet.send(new Uint8Array(10));
  const next = fakeWire(() => {});
  expect(outlet.attach(next, keeper, 11, welcome)).toBe(false);
  for (let i = 0; i < 3; i++) outlet.send(new Uint8Array(LIMITS.resumeBytesMax / 2));
  expect(outlet.attach(next, keeper, 10, welcome)).toBe(false);
  expect(outlet.attach(next, keeper, outlet.sent, welcome)).toBe(true);
});

test("a full wire is a fault, a closing one is not: its end is told in a moment", () => {
  let queued: number = LIMITS.outboxBytesMax;
  const wire = fakeWire(
    () => {},
    () => queued,
  );
  const outlet = new Outlet(wire, keeper, () => {});
  wire.full = true;
  expect(outlet.send(new Uint8Array(1))).toBe(false);
  queued = 100;
  wire.closing = true;
  expect(outlet.send(new Uint8Array(1))).toBe(true);
});

test("a lost session's memory is bounded, whatever its rooms say", () => {
  const outlet = new Outlet(
    fakeWire(() => {}),
    keeper,
    () => {},
  );
  outlet.detach();
  for (let i = 0; i < 50_000; i++) outlet.send(new Uint8Array(10));
  let kept = 0;
  const wire = fakeWire((bytes) => {
    kept += bytes.length;
  });
  expect(outlet.attach(wire, keeper, outlet.sent - LIMITS.resumePiecesMax * 10, welcome)).toBe(
    true,
  );
  expect(kept).toBe(LIMITS.resumePiecesMax * 10 + welcome.length);
  expect(outlet.attach(wire, keeper, outlet.sent - LIMITS.resumePiecesMax * 10 - 1, welcome)).toBe(
    false,
  );
});

test("what has arrived is not kept, and asked for once there is much", () => {
  let asked = 0;
  const asking = { askArrived: () => void asked++ };
  const lost = fakeWire(() => {});
  const outlet = new Outlet(lost, asking, () => {});
  const half = new Uint8Array(LIMITS.resumeAskBytesMin / 2);
  outlet.send(half);
  outlet.flush();
  expect(asked).toBe(0);
  outlet.send(half);
  outlet.flush();
  expect(asked).toBe(1);
  outlet.arrived(half.length + 1); // not all of the second one
  outlet.flush();
  expect(asked).toBe(1);
  const next = fakeWire(() => {});
  expect(outlet.attach(next, asking, half.length - 1, welcome)).toBe(false);
  expect(outlet.attach(next, asking, half.length, welcome)).toBe(true);
});

test("what is a session's own is asked for sooner than what others share", () => {
  const asked: number[] = [];
  const outlet = new Outlet(
    fakeWire(() => {}),
    { askArrived: (ms) => asked.push(ms) },
    () => {},
  );
  const half = new Uint8Array(LIMITS.outboxJoinBytesMax);
  for (let i = 0; i < 4; i++) outlet.send(half);
  outlet.flush();
  for (let bytes = 0; bytes < LIMITS.resumeAskBytesMin; bytes += half.length) {
    outlet.collect(half);
    outlet.handOut();
  }
  outlet.flush();
  outlet.arrived(outlet.sent - LIMITS.resumeAskBytesMin / 2);
  outlet.send(new Uint8Array(LIMITS.resumeAskBytesMin));
  outlet.flush();
  expect(asked).toEqual([LIMITS.resumeAskMs, LIMITS.resumeAskOwnMs, LIMITS.resumeAskMs]);
});
