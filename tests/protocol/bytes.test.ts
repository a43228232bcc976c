// Fixed binary fields: what is written is read, and nothing is read that is not there.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { LIMITS } from "../../src/limits.ts";
import { ByteReader, ByteWriter } from "../../src/protocol/bytes.ts";
import { CHUNK_HEAD_BYTES, readChunk, writeChunkHead } from "../../src/protocol/transfer.ts";

const field = fc.oneof(
  fc.record({ kind: fc.constant("u8" as const), value: fc.integer({ min: 0, max: 0xff }) }),
  fc.record({ kind: fc.constant("u16" as const), value: fc.integer({ min: 0, max: 0xffff }) }),
  fc.record({ kind: fc.constant("u64" as const), value: fc.maxSafeNat() }),
  fc.record({ kind: fc.constant("text" as const), value: fc.string({ unit: "grapheme" }) }),
);
type Field = typeof field extends fc.Arbitrary<infer T> ? T : never;

function write(fields: readonly Field[]): Uint8Array {
  const writer = new ByteWriter(1);
  for (const one of fields) {
    if (one.kind === "text") writer.text(one.value);
    else writer[one.kind](one.value);
  }
  return writer.done();
}

function read(bytes: Uint8Array, fields: readonly Field[]): unknown[] {
  const reader = new ByteReader(bytes);
  const values = fields.map(({ kind }) => reader[kind]());
  expect(reader.left).toBe(0);
  return values;
}

const short = fc.array(field, { maxLength: 20 }).map((fields) => fields.filter(fits));
const fits = ({ kind, value }: Field): boolean => kind !== "text" || Buffer.byteLength(value) < 256;

test("fields are read as they were written", () => {
  fc.assert(
    fc.property(short, (fields) => {
      expect(read(write(fields), fields)).toEqual(fields.map(({ value }) => value));
    }),
  );
});

test("whatever is missing at the end is BAD_FRAME", () => {
  fc.assert(
    fc.property(short, fc.nat(), (fields, cut) => {
      const bytes = write(fields);
      if (bytes.length === 0) return;
      const begun = bytes.subarray(0, cut % bytes.length);
      // Half a text is not always valid UTF-8, but its count says more than is there.
      expect(() => read(begun, fields)).toThrow(expect.objectContaining({ code: "BAD_FRAME" }));
    }),
  );
});

test("the head of a chunk is read as it was written, wherever it stands", () => {
  const transfer = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((id) => id.toHex());
  const content = fc.uint8Array({ minLength: 1, maxLength: 50 });
  const offset = fc.integer({ min: 0, max: LIMITS.fileBytesMax });
  fc.assert(
    fc.property(transfer, offset, content, fc.nat(9), (id, start, bytes, at) => {
      const buffer = new Uint8Array(at + CHUNK_HEAD_BYTES + bytes.length);
      writeChunkHead(buffer, at, id, start);
      buffer.set(bytes, at + CHUNK_HEAD_BYTES);
      expect(readChunk(buffer.subarray(at))).toEqual({ transfer: id, offset: start, bytes });
    }),
  );
});
