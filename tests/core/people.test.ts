// Pages of people, against the plain way: sort all, and cut.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { pageOf } from "../../src/core/people.ts";

test("pages of people, read to the end, are all people once, by address", () => {
  const nicks = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { maxLength: 200 });
  fc.assert(
    fc.property(nicks, fc.integer({ min: 1, max: 20 }), (some, limit) => {
      const all = some.map((nick) => ({ address: `${nick}@paris` }));
      const read: string[] = [];
      let after: string | undefined;
      do {
        const { people, total, next } = pageOf(all, { after, limit });
        expect(total).toBe(all.length);
        expect(people.length).toBeLessThanOrEqual(limit);
        if (next !== undefined) expect(people.at(-1)?.address).toBe(next);
        read.push(...people.map(({ address }) => address));
        after = next;
      } while (after !== undefined);
      expect(read).toEqual(all.map(({ address }) => address).toSorted());
    }),
  );
});
