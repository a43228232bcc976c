// Ranges of addresses, compared with the platform's own.

import { expect, test } from "bun:test";
import { BlockList, isIP } from "node:net";
import fc from "fast-check";
import { isInRange, parseRange } from "../../src/core/address-range.ts";

const four = fc.ipV4();
const six = fc.ipV6();

test("what is in a range is what the platform's block list says", () => {
  const of = (address: fc.Arbitrary<string>, bitsMax: number) =>
    fc.record({ range: address, bits: fc.nat(bitsMax), other: fc.oneof(four, six) });
  fc.assert(
    fc.property(fc.oneof(of(four, 32), of(six, 128)), ({ range, bits, other }) => {
      const kind = isIP(range) === 4 ? "ipv4" : "ipv6";
      const isMapped = (text: string) => /^(?:0*:)*:?ffff:/i.test(text) && text.includes(".");
      fc.pre(!isMapped(range) && !isMapped(other));
      const list = new BlockList();
      list.addSubnet(range, bits, kind);
      const parsed = parseRange(`${range}/${bits}`)!;
      for (const one of [range, other]) {
        const isSame = (isIP(one) === 4) === (kind === "ipv4");
        const expected = isSame && list.check(one, kind);
        if (isSame) expect([one, isInRange(parsed, one)]).toEqual([one, expected]);
      }
    }),
    { numRuns: 500 },
  );
});

test("an address that is written in another way is the same one", () => {
  expect(isInRange(parseRange("203.0.113.7")!, "::ffff:203.0.113.7")).toBe(true);
  expect(isInRange(parseRange("203.0.113.0/24")!, "::ffff:cb00:7109")).toBe(true);
  expect(isInRange(parseRange("2001:DB8::1")!, "[2001:db8:0:0:0:0:0:1]")).toBe(true);
  expect(isInRange(parseRange("fe80::/10")!, "fe80::1%eth0")).toBe(true);
  expect(isInRange(parseRange("::/0")!, "2001:db8::1")).toBe(true);
  expect(isInRange(parseRange("203.0.113.0/24")!, "not an address")).toBe(false);
});

test("what is no range is none, and nothing throws", () => {
  for (const text of ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4/33", "1.2.3.4/"])
    expect([text, parseRange(text)]).toEqual([text, undefined]);
  for (const text of [":::", "1:2:3:4:5:6:7:8:9", "::1::", "12345::", "::/129", "::1.2.3", "g::"])
    expect([text, parseRange(text)]).toEqual([text, undefined]);
  fc.assert(fc.property(fc.string(), (text) => void parseRange(text)));
});
