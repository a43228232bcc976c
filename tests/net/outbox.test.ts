// The outbox over a sink that takes what it is told to: order, bounds, writes, ends.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LANES, type Lane } from "../../src/environment.ts";
import { LIMITS } from "../../src/limits.ts";
import { Outbox } from "../../src/net/outbox.ts";
import { ManualClock, RoomySink, bytes, runs } from "./parts.ts";

function make() {
  const sink = new RoomySink();
  const clock = new ManualClock();
  const events: string[] = [];
  const outbox = new Outbox(sink, clock, {
    drained: () => void events.push("drained"),
    failed: (reason) => void events.push(reason),
  });
  const write = (): string[] => sink.writes.splice(0);
  return { sink, clock, events, outbox, write };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("an outbox", () => {
  test("writes one piece as it is, in one write", () => {
    const { sink, outbox } = make();
    const given: unknown[] = [];
    const write = sink.write.bind(sink);
    sink.write = (piece, from, to) => {
      given.push(piece);
      return write(piece, from, to);
    };
    const piece = bytes("hello");
    expect(outbox.send("room", piece)).toBe(true);
    expect(sink.writes).toEqual([]);
    outbox.flush();
    expect(sink.writes).toEqual(["hello"]);
    expect(given[0]).toBe(piece);
    expect(outbox.empty).toBe(true);
  });

  test("joins small pieces of all lanes in one write, in the order of the lanes", () => {
    const { outbox, write } = make();
    for (const lane of LANES.toReversed()) {
      outbox.send(lane, bytes(`${lane}1 `));
      outbox.send(lane, bytes(`${lane}2 `));
    }
    outbox.flush();
    expect(write()).toEqual(["control1 control2 private1 private2 room1 room2 bulk1 bulk2 "]);
    outbox.flush();
    expect(write()).toEqual([]);
  });

  test("writes large pieces by themselves", () => {
    const { outbox, write } = make();
    outbox.send("room", bytes("a".repeat(70_000)));
    outbox.send("room", bytes("b".repeat(70_000)));
    outbox.send("room", bytes("c"));
    outbox.send("control", bytes("d"));
    outbox.flush();
    expect(write().map(runs)).toEqual(["d1", "a70000", "b70000", "c1"]);
  });

  test("splits many small pieces into writes of what the scratch holds", () => {
    const { outbox, write } = make();
    for (let index = 0; index < 100; index += 1) outbox.send("room", bytes("x".repeat(5000)));
    outbox.flush();
    const sizes = write().map((written) => written.length);
    expect(sizes.length).toBeLessThan(6);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(500_000);
  });

  test("finishes the piece that was begun before a lane of higher priority", () => {
    const { sink, outbox } = make();
    sink.room = 30_000;
    outbox.send("bulk", bytes("b".repeat(50_000)));
    outbox.send("bulk", bytes("b".repeat(50_000)));
    outbox.flush();
    outbox.send("room", bytes("r"));
    outbox.send("control", bytes("c"));
    outbox.send("private", bytes("p"));
    sink.room = Number.POSITIVE_INFINITY;
    outbox.writable();
    expect(runs(sink.taken)).toBe("b50000 c1 p1 r1 b50000");
  });

  test("lets a higher lane pass a piece of which nothing was taken", () => {
    const { sink, outbox } = make();
    sink.room = 0;
    outbox.send("bulk", bytes("bulk"));
    outbox.flush();
    outbox.send("control", bytes("control "));
    sink.room = Number.POSITIVE_INFINITY;
    outbox.writable();
    expect(sink.taken).toBe("control bulk");
  });

  test("writes nothing while the sink is full, and says once when all has left", () => {
    const { sink, outbox, events } = make();
    sink.room = 2;
    outbox.send("room", bytes("hello"));
    outbox.flush();
    outbox.send("room", bytes(" world"));
    outbox.flush();
    outbox.flush();
    expect(sink.writes).toEqual(["he"]);
    sink.room = 3;
    outbox.writable();
    expect(events).toEqual([]);
    sink.room = 100;
    outbox.writable();
    outbox.writable();
    expect(sink.taken).toBe("hello world");
    expect(events).toEqual(["drained"]);
  });

  test("refuses what would pass a lane's bound, and queues nothing of it", () => {
    const { outbox, write } = make();
    outbox.bound("room", 10);
    expect(outbox.send("room", bytes("123456"))).toBe(true);
    expect(outbox.send("room", bytes("12345"))).toBe(false);
    expect(outbox.sendBorrowed("room", [bytes("123"), bytes("45")])).toBe(false);
    expect(outbox.send("room", bytes("1234"))).toBe(true);
    expect(outbox.send("control", bytes("c"))).toBe(true);
    expect(outbox.queuedBytes("room")).toBe(10);
    expect(outbox.queuedBytes("control")).toBe(1);
    outbox.flush();
    expect(write()).toEqual(["c1234561234"]);
    expect(outbox.queuedBytes("room")).toBe(0);
  });

  test("keeps the bounds of others when one is changed", () => {
    const [first, second] = [make().outbox, make().outbox];
    first.bound("room", 1);
    expect(first.send("room", bytes("12"))).toBe(false);
    expect(second.send("room", bytes("12"))).toBe(true);
  });
});

describe("borrowed parts", () => {
  test("are written at once, joined", () => {
    const { outbox, write } = make();
    expect(outbox.sendBorrowed("bulk", [bytes("head "), bytes("body")])).toBe(true);
    expect(write()).toEqual(["head body"]);
    expect(outbox.empty).toBe(true);
  });

  test("are written one by one when they are larger than the scratch", () => {
    const { outbox, write } = make();
    outbox.sendBorrowed("bulk", [bytes("head"), bytes("b".repeat(200_000))]);
    expect(write().map(runs)).toEqual(["h1 e1 a1 d1", "b200000"]);
  });

  test("are copied as far as the sink does not take them, and finished first", () => {
    const { sink, outbox } = make();
    sink.room = 6;
    const body = bytes("body");
    outbox.sendBorrowed("bulk", [bytes("head "), body]);
    body.fill(0);
    outbox.send("control", bytes("!"));
    expect(outbox.queuedBytes("bulk")).toBe(3);
    sink.room = 100;
    outbox.writable();
    expect(sink.taken).toBe("head body!");
  });

  test("are freed as copies when they have left, and only then; what was given is not", () => {
    const { sink, outbox } = make();
    const seen = new Set<Uint8Array>();
    const write = sink.write.bind(sink);
    sink.write = (piece, from, to) => {
      if (piece.length === 40_000) seen.add(piece);
      return write(piece, from, to);
    };
    sink.room = 0;
    const given = bytes("g".repeat(40_000));
    outbox.sendBorrowed("bulk", [bytes("a".repeat(40_000))]);
    outbox.send("bulk", given);
    for (const letter of ["b", "c"]) outbox.sendBorrowed("bulk", [bytes(letter.repeat(40_000))]);
    sink.room = 10_000;
    outbox.writable();
    const lengths = () => Array.from(seen, ({ length }) => length);
    expect(lengths()).toEqual([40_000, 40_000]); // the first one as it was borrowed, and its copy
    for (const room of [70_000, 30_000, Number.POSITIVE_INFINITY]) {
      sink.room = room;
      outbox.writable();
    }
    expect(runs(sink.taken)).toBe("a40000 g40000 b40000 c40000");
    expect(lengths()).toEqual([40_000, 0, 40_000, 0, 0]);
    expect(given.length).toBe(40_000);
    expect(outbox.empty).toBe(true);
  });

  test("stay together when they are larger than a block and have begun, whatever comes", () => {
    const { sink, outbox } = make();
    sink.room = 1000;
    outbox.sendBorrowed("bulk", [bytes("b".repeat(2 * LIMITS.outboxBlockBytes))]);
    for (const room of [LIMITS.outboxBlockBytes - 2000, 500, 1000, 500, 1000, 1000]) {
      sink.room = room;
      outbox.writable();
      outbox.send("control", bytes("!"));
    }
    sink.room = Number.POSITIVE_INFINITY;
    outbox.writable();
    expect(runs(sink.taken)).toBe(`b${2 * LIMITS.outboxBlockBytes} !6`);
    expect(outbox.empty).toBe(true);
  });

  test("wait behind what is queued", () => {
    const { outbox, write } = make();
    outbox.send("room", bytes("first "));
    const borrowed = bytes("second");
    outbox.sendBorrowed("room", [borrowed]);
    borrowed.fill(0);
    expect(write()).toEqual([]);
    outbox.flush();
    expect(write()).toEqual(["first second"]);
  });
});

describe("the end of an outbox", () => {
  test("comes when nothing was taken for too long", async () => {
    const { sink, clock, outbox, events } = make();
    sink.room = 1;
    outbox.send("room", bytes("hello"));
    outbox.flush();
    clock.pass(LIMITS.stallMsMax - 1);
    sink.room = 1;
    outbox.writable();
    clock.pass(LIMITS.stallMsMax - 1);
    await turn();
    expect(events).toEqual([]);
    clock.pass(1);
    await turn();
    expect(events).toHaveLength(1);
    expect(events[0]).toMatch(/^OUTBOX_FULL: /);
    expect(outbox.send("room", bytes("x"))).toBe(false);
    expect(clock.timers).toBe(0);
  });

  test("does not come when all was taken meanwhile", async () => {
    const { sink, clock, outbox, events } = make();
    sink.room = 1;
    outbox.send("room", bytes("hello"));
    outbox.flush();
    sink.room = 100;
    outbox.writable();
    expect(clock.timers).toBe(0);
    clock.pass(LIMITS.stallMsMax * 2);
    await turn();
    expect(events).toEqual(["drained"]);
  });

  test("is told from a turn of its own when the sink is gone", async () => {
    const { sink, outbox, events } = make();
    sink.gone = true;
    outbox.send("room", bytes("hello"));
    outbox.flush();
    outbox.flush();
    expect(outbox.sendBorrowed("room", [bytes("x")])).toBe(false);
    expect(events).toEqual([]);
    await turn();
    expect(events).toEqual(["the connection is gone"]);
  });
});

test("whatever is sent, flushed and taken, lanes keep their order and no piece is torn", () => {
  const sends = fc.record({
    lane: fc.constantFrom<Lane>(...LANES),
    size: fc.oneof(...[40, 40_000, 400_000].map((max) => fc.integer({ min: 1, max }))),
    borrowed: fc.boolean(),
  });
  const acts = fc.oneof(
    sends.map((send) => ({ kind: "send" as const, ...send })),
    fc.record({ kind: fc.constant("flush" as const) }),
    fc.record({ kind: fc.constant("room" as const), room: fc.integer({ min: 0, max: 200_000 }) }),
  );
  fc.assert(
    fc.property(fc.array(acts, { maxLength: 60 }), (script) => {
      const { sink, outbox } = make();
      sink.room = 0;
      const sent: Record<Lane, string[]> = { control: [], private: [], room: [], bulk: [] };
      let number = 0;
      for (const act of script) {
        if (act.kind === "flush") outbox.flush();
        if (act.kind === "room") {
          sink.room = act.room;
          outbox.writable();
        }
        if (act.kind !== "send") continue;
        const piece = `<${act.lane} ${(number += 1)} ${"x".repeat(act.size)}>`;
        const cut = piece.length >> 1;
        const parts = [bytes(piece.slice(0, cut)), bytes(piece.slice(cut))];
        const isTaken = act.borrowed
          ? outbox.sendBorrowed(act.lane, parts)
          : outbox.send(act.lane, bytes(piece));
        if (isTaken) sent[act.lane].push(piece);
      }
      sink.room = Number.POSITIVE_INFINITY;
      outbox.flush();
      outbox.writable();
      outbox.flush();
      const pieces = sink.taken.match(/<\w+ \d+ x+>/g) ?? [];
      expect(pieces.join("").length).toBe(sink.taken.length);
      for (const lane of LANES) {
        expect(pieces.filter((piece) => piece.startsWith(`<${lane} `))).toEqual(sent[lane]);
        expect(outbox.queuedBytes(lane)).toBe(0);
      }
    }),
    { numRuns: 300 },
  );
});
