// Lines out of bytes: the same lines however the bytes are cut, and no line longer than allowed.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { readLines, TOO_LONG } from "../../src/serve/lines.ts";

async function linesOf(
  chunks: readonly (Uint8Array | string)[],
  bytesMax?: number,
): Promise<(string | typeof TOO_LONG)[]> {
  const source = async function* () {
    yield* chunks;
  };
  const lines = [];
  for await (const line of readLines(source(), bytesMax)) lines.push(line);
  return lines;
}

test("lines come out whole, the last one without its end too, and \\r\\n is an end", async () => {
  expect(await linesOf(["a\nb", "c\r\n", "\nd"])).toEqual(["a", "bc", "", "d"]);
});

test("lines are the same however the bytes are cut", async () => {
  const text = "merge lyon\nsay grüß dich ☺\n\nstop\n";
  const bytes = Buffer.from(text);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length)), async (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
      const chunks = places.slice(1).map((end, i) => bytes.subarray(places[i], end));
      expect(await linesOf(chunks)).toEqual(["merge lyon", "say grüß dich ☺", "", "stop"]);
    }),
  );
});

test("a line of the most bytes is taken, one more is too long, the next is itself", async () => {
  for (const size of [1, 7, 100]) {
    const bytes = Buffer.from(`${"x".repeat(10)}\n${"y".repeat(11)}\nz\n${"w".repeat(5000)}`);
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    );
    expect(await linesOf(chunks, 10)).toEqual(["x".repeat(10), TOO_LONG, "z", TOO_LONG]);
  }
});
