// Message ids: they sort by time, are of one length, and no two are the same.

import { describe, expect, test } from "bun:test";
import { createIds } from "../../src/core/ids.ts";
import { idAt, timeIn } from "../../src/protocol/id.ts";
import { LIMITS } from "../../src/limits.ts";

function start(at = 1_764_000_000_000) {
  const clock = { at, now: () => clock.at };
  const { monotonic, after, soon } = { monotonic: () => 0, after: () => () => {}, soon() {} };
  const ids = createIds({ now: clock.now, monotonic, after, soon }, () => "0123456789abcdef");
  return { clock, ids };
}

describe("ids", () => {
  test("of one millisecond are counted in base 36, in four digits", () => {
    const { ids } = start();
    const made = Array.from({ length: 36 ** 2 + 40 }, () => ids.next().id);
    expect(made).toEqual(
      made.map((_, i) => {
        const count = i.toString(36).padStart(4, "0");
        return `${idAt(1_764_000_000_000)}${count}01234567`;
      }),
    );
    expect(made.toSorted()).toEqual(made);
  });

  test("go on with the next millisecond where the counter is used up", () => {
    const { clock, ids } = start();
    let last = ids.next();
    for (let i = 2; i < 36 ** 4; i++) last = ids.next();
    expect(last.id).toBe(`${idAt(clock.at)}zzzy01234567`);
    expect(ids.next()).toEqual({ id: `${idAt(clock.at + 1)}000001234567`, at: clock.at + 1 });
  });

  test("never go back, whatever the clock does, and follow another server's within a bound", () => {
    const { clock, ids } = start();
    const first = ids.next();
    clock.at -= 1000;
    expect(ids.next().id > first.id).toBe(true);
    const ahead = first.at + 500;
    ids.follow(ahead);
    expect(timeIn(ids.next().id)).toBe(ahead);
    ids.follow(clock.at + LIMITS.clockAheadMsMax + 1);
    expect(timeIn(ids.next().id)).toBe(ahead);
  });
});
