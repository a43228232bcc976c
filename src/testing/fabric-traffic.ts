// Cases of the fabric's suite: bytes on their way. Whole, once, in order, in the order of their
// classes; bounded, whoever is slow; and registers.

import { expect } from "bun:test";
import type { Bytes } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { PublishResult, Traffic } from "../plugin/fabric.ts";
import { TRAFFIC } from "../plugin.ts";
import { BACK_MS, SOON_MS } from "./fabric-stage.ts";
import type { FabricServer } from "./fabric-server.ts";
import type { FabricScene } from "./fabric-suite.ts";

export const trafficScenes: readonly FabricScene[] = [
  {
    name: "each class comes in the order in which it was published, over servers on the way",
    seeds: 3,
    play(stage) {
      const [a, b, c] = stage.line("abc");
      stage.world.shape({ jitterMs: 20, splitChance: 0.5 });
      const to = { both: [b.sid, c.sid], one: [c.sid] };
      for (let number = 0; number < 200; number += 1) {
        // Room frames are for many, private ones for one; of one set, each class keeps its order.
        a.publish(to.both, "room", `room ${number}`);
        a.publish(to.one, "private", `private ${number}`);
        a.publish(to.both, "control", `control ${number}`);
        a.publish(to.one, "bulk", `bulk ${number}`);
        if (number % 10 === 0) stage.run(1);
      }
      stage.run(5000);
      const numbers = Array.from({ length: 200 }, (_, number) => number);
      for (const traffic of TRAFFIC) {
        const expected = numbers.map((number) => `${traffic} ${number}`);
        expect(ofClass(c, traffic), `${traffic} at c`).toEqual(expected);
      }
      expect(ofClass(b, "room")).toEqual(numbers.map((number) => `room ${number}`));
      expect([...ofClass(b, "private"), ...ofClass(b, "bulk")], "not for b").toEqual([]);
    },
  },
  {
    name: "frames of any size up to the largest come whole, and larger ones are not taken",
    play(stage) {
      const [a, b, c] = stage.line("abc");
      const sizes: readonly (readonly [Traffic, number])[] = [
        ["control", 0],
        ["private", 1],
        ["private", LIMITS.chunkBytesMax],
        ["control", LIMITS.chunkBytesMax],
        ["bulk", LIMITS.frameBytesMax],
        ["room", LARGEST],
      ];
      for (const [traffic, size] of sizes) {
        for (const one of [b, c]) one.delivered = [];
        const { all, names, namesOf } = createChunks(1, size);
        const what = `${traffic}, ${size} bytes`;
        for (const bytes of all)
          expect(a.publish([b.sid, c.sid], traffic, bytes), what).toBe("sent");
        stage.run(SOON_MS);
        for (const one of [b, c]) expect(namesOf(one), `${what} at ${one.host}`).toEqual(names);
      }
      const huge = new Uint8Array(2 * LIMITS.linkFrameBytesMax);
      for (const traffic of TRAFFIC)
        expect(a.publish([b.sid], traffic, huge), `${traffic}, too large`).not.toBe("sent");
      stage.run(SOON_MS);
      stage.exchange();
    },
  },
  {
    name: "bulk bytes are borrowed: their owner may overwrite them after the call",
    play(stage) {
      const [a, b, c] = stage.line("abc");
      stage.world.shape({ bytesPerSecond: 1_000_000, bufferBytes: 32 * 1024 }, "a", "b");
      const chunks = createChunks(20, LIMITS.chunkBytesMax);
      const buffer = new Uint8Array(LIMITS.chunkBytesMax);
      for (const chunk of chunks.all) {
        buffer.set(chunk);
        expect(a.publish([b.sid, c.sid], "bulk", buffer)).toBe("sent");
        buffer.fill(0xdb);
      }
      stage.run(5000);
      for (const one of [b, c])
        expect(chunks.namesOf(one), `what came to ${one.host}`).toEqual(chunks.names);
    },
  },
  {
    name: "what is handed on over a slow link comes whole",
    play(stage) {
      const [a, b, c] = stage.line("abc");
      stage.world.shape({ bytesPerSecond: 1_000_000, bufferBytes: 16 * 1024 }, b.host, c.host);
      for (const traffic of TRAFFIC) {
        c.delivered = [];
        const chunks = createChunks(3, 50_000);
        for (const chunk of chunks.all) expect(a.publish([c.sid], traffic, chunk)).toBe("sent");
        stage.run(2000);
        expect(chunks.namesOf(c), traffic).toEqual(chunks.names);
      }
    },
  },
  {
    name: "the classes have priority in their order, on each link of the way",
    needs: ["direct"],
    play(stage) {
      const [a, b, c] = stage.line("abc");
      for (const [from, to] of [
        [a.host, b.host],
        [b.host, c.host],
      ]) {
        stage.world.shape({ bytesPerSecond: 1_000_000, bufferBytes: 32 * 1024 }, from, to);
        c.delivered = [];
        const chunk = new Uint8Array(LIMITS.chunkBytesMax);
        for (let number = 0; number < 40; number += 1) a.publish([c.sid], "bulk", chunk);
        stage.run(500);
        const began = stage.world.now;
        for (const traffic of TRAFFIC.toReversed()) a.publish([c.sid], traffic, `now: ${traffic}`);
        stage.run(5000);
        const quick = c.delivered.filter(({ bytes }) => bytes.length < 100);
        const where = `${from} to ${to} is slow`;
        expect(
          quick.map(({ traffic }) => traffic),
          where,
        ).toEqual([...TRAFFIC]);
        const waited = quick.slice(0, 3).map(({ at }) => at - began < 300);
        expect(waited, `${where}: all but bulk within 300 ms`).toEqual([true, true, true]);
        stage.world.shape({ bytesPerSecond: 100_000_000, bufferBytes: 256 * 1024 }, from, to);
      }
    },
  },
  {
    name: "a class that has no room says so, keeps what it took, and leaves the others theirs",
    needs: ["direct"],
    play(stage) {
      const [a, b] = stage.line("ab");
      stage.world.cut(a.host, b.host, "silent");
      const taken: string[] = [];
      const bytesMax = 2 * LIMITS.linkRoomBytesMax;
      let result: PublishResult = "sent";
      for (let bytes = 0; bytes < bytesMax && result === "sent"; bytes += 20_000) {
        const text = `room ${taken.length}`;
        result = a.publish([b.sid], "room", text.padEnd(20_000));
        if (result === "sent") taken.push(text);
      }
      expect(result, `after ${taken.length} frames that nobody has read`).toBe("congested");
      for (const traffic of ["control", "private", "bulk"] as const)
        expect(a.publish([b.sid], traffic, `${traffic} passes`), traffic).toBe("sent");
      stage.run(5000);
      stage.world.heal(a.host, b.host);
      stage.run(5000);
      expect(ofClass(b, "room")).toEqual(taken);
      const others = b.heard.filter((text) => text.endsWith("passes"));
      expect(others.toSorted()).toEqual(["bulk passes", "control passes", "private passes"]);
    },
  },
  {
    name: "a neighbour that takes nothing delays nobody else",
    play(stage) {
      const [b, a, c] = stage.line("bac");
      stage.world.cut(a.host, b.host, "silent");
      const to = [b.sid, c.sid];
      const sentAt: number[] = [];
      for (let number = 0; number < 200; number += 1) {
        sentAt.push(stage.world.now);
        a.publish(to, "room", `${number} `.padEnd(32 * 1024, "."));
        stage.run(10);
      }
      stage.run(SOON_MS);
      const came = c.delivered.map(({ bytes }) => Number.parseInt(textOf(bytes.subarray(0, 8))));
      expect(came, "what c heard").toEqual(sentAt.map((_, number) => number));
      const late = c.delivered.filter(({ at }, number) => at - (sentAt[number] ?? 0) > 100);
      expect(late.length, "frames that took longer than 100 ms").toBe(0);
    },
  },
  {
    name: "the same list of servers means the same set in every view",
    needs: ["direct"],
    play(stage) {
      const [b, a, c] = stage.line("bac");
      const to = [b.sid, c.sid];
      const says = (text: string) => {
        const result = a.publish(to, "room", text);
        stage.run(SOON_MS);
        return result;
      };
      expect(says("both")).toBe("sent");
      stage.world.cut(a.host, c.host);
      stage.run(SOON_MS);
      expect(says("b alone"), "to who is left").toBe("sent");
      stage.world.cut(a.host, b.host);
      stage.run(SOON_MS);
      expect(says("nobody"), "to nobody who is left").toBe("unreachable");
      stage.world.healAll();
      stage.run(BACK_MS);
      expect(says("both again")).toBe("sent");
      expect(b.heard).toEqual(["both", "b alone", "both again"]);
      expect(c.heard).toEqual(["both", "both again"]);
    },
  },
  {
    name: "one who is not in the view is unreachable, and oneself is left out",
    play(stage) {
      const [a, b] = stage.line("ab");
      const stranger = stage.add("c");
      for (const traffic of TRAFFIC)
        expect(a.publish([stranger.sid], traffic, "hello")).toBe("unreachable");
      a.keep(stranger.sid, "key", "hello");
      a.keep(a.sid, "key", "hello");
      stage.run(SOON_MS);
      expect([...a.heard, ...b.heard, ...stranger.heard]).toEqual([]);
      for (const traffic of TRAFFIC)
        expect(a.publish([stranger.sid, a.sid, b.sid], traffic, traffic)).toBe("sent");
      stage.run(SOON_MS);
      expect([...a.heard, ...stranger.heard], "what others heard").toEqual([]);
      expect(b.heard.toSorted()).toEqual([...TRAFFIC].toSorted());
    },
  },
  {
    name: "a register comes to the neighbour as control, of each key",
    play(stage) {
      const [a, b, c] = stage.line("abc");
      a.keep(b.sid, "digest", "one");
      a.keep(b.sid, "request", "two");
      stage.run(SOON_MS);
      expect(stage.linesOf(b.delivered).toSorted()).toEqual([
        "from a as control: one",
        "from a as control: two",
      ]);
      expect(b.delivered.map(({ via }) => via)).toEqual([a.sid, a.sid]);
      a.keep(b.sid, "digest", "three");
      stage.run(SOON_MS);
      expect(b.heard.at(-1)).toBe("three");
      expect(c.heard).toEqual([]);
    },
  },
  {
    name: "of registers that wait the newest of each key comes, and they need bounded room",
    needs: ["direct"],
    play(stage) {
      const [a, b] = stage.line("ab");
      stage.world.cut(a.host, b.host, "silent");
      for (let number = 0; number < 3000; number += 1)
        a.keep(b.sid, `key ${number % 3}`, `${number % 3} ${number} `.padEnd(1024, "."));
      stage.run(5000);
      stage.world.heal(a.host, b.host);
      stage.run(5000);
      const came = b.heard.map((text) => text.split(" ").slice(0, 2).map(Number));
      const newest = new Map(came.map(([key, number]) => [key, number]));
      expect(
        [0, 1, 2].map((key) => [key, newest.get(key)]),
        "the last of each key",
      ).toEqual([
        [0, 2997],
        [1, 2998],
        [2, 2999],
      ]);
      for (const key of [0, 1, 2]) {
        const numbers = came.filter(([one]) => one === key).map(([, number = 0]) => number);
        expect(numbers, "none after a newer one").toEqual(numbers.toSorted((x, y) => x - y));
      }
      expect(came.length, "registers that came, of 3000").toBeLessThan(1000);
    },
  },
  {
    name: "the core may publish while it is told of a change or a frame",
    play(stage) {
      const [a, b] = [stage.add("a"), stage.add("b")];
      let greeted = false;
      a.onChange = () => {
        greeted ||= a.publish([b.sid], "room", "hello") === "sent";
      };
      stage.merge(a, b);
      stage.run(SOON_MS);
      expect(b.heard, "what a said in changed()").toEqual(["hello"]);
      b.onDelivery = ({ origin }) => {
        b.publish([origin], "private", "published");
        b.keep(origin, "key", "kept");
      };
      a.publish([b.sid], "room", "hello again");
      stage.run(SOON_MS);
      expect(a.heard.toSorted(), "what b said in deliver()").toEqual(["kept", "published"]);
    },
  },
];

// --- internal ---

/** What the core may publish in one piece: a batch of half a frame, with a message on top. */
const LARGEST = LIMITS.linkFrameBytesMax / 2 + LIMITS.frameBytesMax;

const textOf = (bytes: Bytes): string => new TextDecoder().decode(bytes);

/** The texts of one class that came to a server. */
const ofClass = ({ delivered }: FabricServer, traffic: Traffic): string[] =>
  delivered.filter((one) => one.traffic === traffic).map(({ bytes }) => textOf(bytes).trimEnd());

/** Pieces of bytes that can be told from each other, and from what is damaged. */
function createChunks(count: number, size: number) {
  const all = Array.from({ length: count }, (_, index) => patterned(size, index));
  const names = all.map((_, index) => `chunk ${index}`);
  const nameOf = (bytes: Bytes) =>
    names[all.findIndex((one) => Buffer.compare(one, bytes) === 0)] ?? "other bytes";
  return {
    all,
    names,
    namesOf: ({ delivered }: FabricServer) => delivered.map(({ bytes }) => nameOf(bytes)),
  };
}

/** Bytes that differ from place to place, and with the seed. */
function patterned(size: number, seed: number): Bytes {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 1) bytes[at] = (at * 31 + (at >> 8) * 17 + seed) & 0xff;
  return bytes;
}
