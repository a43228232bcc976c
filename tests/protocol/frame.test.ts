// Cutting a byte stream into frames: however it comes, the same frames come out.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Bytes } from "../../src/environment.ts";
import { LIMITS } from "../../src/limits.ts";
import {
  decodeJson,
  encodeFrame,
  encodeJson,
  FRAME,
  FRAME_HEAD_BYTES,
  FrameBuffer,
  frameName,
  frameOf,
  FrameReader,
  isFrameType,
} from "../../src/protocol/frame.ts";
import vectors from "./vectors.json";

interface Frame {
  readonly type: number;
  readonly payload: string;
}

const join = (parts: readonly Bytes[]): Bytes => new Uint8Array(Buffer.concat(parts));

/** Reads pieces, each of which is overwritten as soon as it was read: they are borrowed. */
function read(pieces: readonly Bytes[]): Frame[] {
  const frames: Frame[] = [];
  const reader = new FrameReader(LIMITS.serverFrameBytesMax);
  for (const piece of pieces) {
    const own = piece.slice();
    const used = reader.push(own, (type, payload) => {
      frames.push({ type, payload: payload.toHex() });
    });
    expect(used).toBe(own.length);
    own.fill(0xff);
  }
  expect(reader.heldBytes).toBe(0);
  return frames;
}

const stream = join(
  [...vectors.frames, ...vectors.chunks].map(({ hex }) => Uint8Array.fromHex(hex)),
);
const whole = read([stream]);

const frameArbitrary = fc.record({
  type: fc.integer({ min: 0, max: 255 }),
  payload: fc.uint8Array({ maxLength: 300 }),
});

describe("a stream of frames", () => {
  test("is what its frames are", () => {
    expect(whole).toHaveLength(vectors.frames.length + vectors.chunks.length);
    expect(whole.map(({ type }) => type)).toEqual([
      ...vectors.frames.map(({ type }) => FRAME[type as keyof typeof FRAME]),
      FRAME.chunk,
    ]);
  });

  test("P3: split in two at any byte, it is the same frames", () => {
    for (let at = 0; at <= stream.length; at++)
      expect(read([stream.subarray(0, at), stream.subarray(at)])).toEqual(whole);
  });

  test("P3: one byte at a time, it is the same frames", () => {
    expect(read(Array.from(stream, (byte) => Uint8Array.of(byte)))).toEqual(whole);
  });

  test("P3: in pieces of any size, it is the same frames", () => {
    fc.assert(
      fc.property(
        fc.array(frameArbitrary, { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 40 }),
        (frames, sizes) => {
          const all = join(frames.map(({ type, payload }) => encodeFrame(type, payload)));
          const pieces: Bytes[] = [];
          for (let at = 0, i = 0; at < all.length; i++) {
            const size = sizes[i % sizes.length]!;
            pieces.push(all.subarray(at, at + size));
            at += size;
          }
          const said = frames.map(({ type, payload }) => ({ type, payload: payload.toHex() }));
          expect(read(pieces)).toEqual(said);
        },
      ),
    );
  });

  test("that are large stay as they are until their piece is worked off, heads and all", () => {
    const frame = (fill: number) => encodeFrame(fill, new Uint8Array(60_000 + fill).fill(fill));
    const all = join([1, 2, 3, 4, 5].map(frame));
    for (const size of [1000, 45_000, 61_000, 100_000, 130_000, 250_000]) {
      // Two that read in turn share the room for frames in pieces.
      const readers = [
        new FrameReader(LIMITS.frameBytesMax),
        new FrameReader(LIMITS.frameBytesMax),
      ];
      const seen: number[][] = [[], []];
      for (let at = 0; at < all.length; at += size) {
        for (const [who, reader] of readers.entries()) {
          const payloads: Bytes[] = [];
          const worked = () => {
            for (const payload of payloads) {
              const [fill = 0] = payload;
              seen[who]?.push(fill);
              expect(Buffer.compare(frameOf(payload), frame(fill)), `by ${size}`).toBe(0);
            }
          };
          const piece = all.slice(at, at + size);
          reader.push(piece, (_, payload) => void payloads.push(payload), worked);
          piece.fill(0xff);
        }
      }
      expect(seen).toEqual([
        [1, 2, 3, 4, 5],
        [1, 2, 3, 4, 5],
      ]);
    }
  });

  test("is worked off, too, where the handler throws", () => {
    const reader = new FrameReader(100);
    let worked = 0;
    const push = () =>
      reader.push(
        encodeJson(FRAME.ping, {}),
        () => {
          throw new Error("no");
        },
        () => void worked++,
      );
    expect(push).toThrow("no");
    expect(worked).toBe(1);
  });

  test("is left alone behind the frame at which the handler stops", () => {
    const two = join([encodeJson(FRAME.ping, {}), encodeJson(FRAME.bye, {})]);
    for (let split = 0; split < FRAME_HEAD_BYTES + 2; split++) {
      const reader = new FrameReader(100);
      let seen = 0;
      reader.push(two.subarray(0, split), () => ++seen > 0);
      const used = reader.push(two.subarray(split), () => ++seen < 0);
      expect({ seen, used: used + split }).toEqual({ seen: 1, used: two.length / 2 });
    }
  });

  test("may have its limit raised between two frames of one chunk", () => {
    const [small, large] = [encodeFrame(1, new Uint8Array(10)), encodeFrame(2, new Uint8Array(99))];
    const reader = new FrameReader(10);
    const types: number[] = [];
    reader.push(join([small, large]), (type) => {
      types.push(type);
      reader.limit = 99;
    });
    expect(types).toEqual([1, 2]);
  });
});

describe("JSON in frames", () => {
  test("comes out as it went in", () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 4 }),
        fc.integer({ min: 0, max: 255 }),
        (value, type) => {
          const frame = encodeJson(type, value);
          expect(frame[4]).toBe(type);
          const back = decodeJson(frame.subarray(FRAME_HEAD_BYTES));
          expect(JSON.stringify(back)).toBe(JSON.stringify(value));
        },
      ),
    );
  });

  test("any nesting up to the limit is taken, and none beyond it", () => {
    const nest = (value: fc.Arbitrary<unknown>) =>
      fc.oneof(
        value.map((inner) => [inner]),
        value.map((inner) => ({ '{["\\': inner, b: "]}" })),
      );
    const ofDepth = (depth: number): fc.Arbitrary<unknown> =>
      depth === 0 ? fc.string() : nest(ofDepth(depth - 1));
    const decode = (value: unknown) => decodeJson(encodeJson(0, value).subarray(FRAME_HEAD_BYTES));
    fc.assert(
      fc.property(ofDepth(LIMITS.jsonDepthMax), (value) => expect(decode(value)).toEqual(value)),
    );
    fc.assert(
      fc.property(ofDepth(LIMITS.jsonDepthMax + 1), (value) =>
        expect(() => decode(value)).toThrow("nested deeper"),
      ),
    );
  });
});

test("a type is named where it has a name", () => {
  expect(frameName(FRAME.say)).toBe("say");
  expect(frameName(0x0f)).toBe("type 0x0f");
  expect([0x20, 0x0f, 0x99].map((type) => isFrameType(type))).toEqual([true, false, false]);
});

test("no two types share a number", () => {
  const numbers = Object.values(FRAME);
  expect(new Set(numbers).size).toBe(numbers.length);
});

describe("a frame buffer", () => {
  const piece = fc.oneof(
    fc.record({ type: fc.integer({ min: 1, max: 255 }), value: fc.jsonValue() }),
    fc.string({ unit: "grapheme", maxLength: 400 }),
    fc.uint8Array({ maxLength: 3000 }),
  );
  type Piece = string | Uint8Array | { readonly type: number; readonly value: unknown };
  const bytesOf = (one: Piece): Uint8Array => {
    if (one instanceof Uint8Array) return one;
    if (typeof one === "string") return new TextEncoder().encode(one);
    return encodeFrame(one.type, new TextEncoder().encode(JSON.stringify(one.value)));
  };

  test("holds what was put into it, in order, also after it was emptied", () => {
    fc.assert(
      fc.property(fc.array(fc.array(piece), { maxLength: 4 }), (runs) => {
        const buffer = new FrameBuffer();
        for (const run of runs) {
          for (const one of run) {
            if (typeof one === "string" || one instanceof Uint8Array) buffer.add(one);
            else buffer.json(one.type, one.value);
          }
          const expected = Buffer.concat(run.map(bytesOf));
          expect(buffer.length).toBe(expected.length);
          expect(buffer.copy()).toEqual(new Uint8Array(expected));
          expect(buffer.take()).toEqual(new Uint8Array(expected));
          expect(buffer.length).toBe(0);
        }
      }),
    );
  });

  test("gives back what a burst made it grow to", () => {
    const buffer = new FrameBuffer();
    buffer.add(new Uint8Array(LIMITS.frameBufferBytesMax));
    buffer.take();
    expect(buffer.size).toBe(0);
    buffer.add(new Uint8Array(64 * LIMITS.frameBufferBytesMin));
    buffer.take();
    buffer.add("a small tick's");
    buffer.take();
    expect(buffer.size).toBe(0);
  });

  test("does not change what it has given away", () => {
    const buffer = new FrameBuffer();
    buffer.add("first");
    const first = buffer.take();
    buffer.add("again");
    expect(new TextDecoder().decode(first)).toBe("first");
  });
});
