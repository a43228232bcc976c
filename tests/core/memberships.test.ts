// The rooms of a session, against a Map.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { Memberships } from "../../src/core/memberships.ts";
import type { Member } from "../../src/core/room.ts";
import { Room } from "../../src/core/room.ts";
import { LIMITS } from "../../src/limits.ts";
import type { RoomName } from "../../src/names.ts";

const names = Array.from({ length: LIMITS.membershipsFewMax * 3 }, (_, i) => `#r${i}` as RoomName);
const rooms = new Map(names.map((name) => [name, new Room(name, () => {})]));

test("few or many, they are as in a Map, in the order in which they were entered", () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.constantFrom(...names)), { maxLength: 80 });
  fc.assert(
    fc.property(steps, (moves) => {
      const memberships = new Memberships();
      const model = new Map<RoomName, Member>();
      for (const [isEntering, name] of moves) {
        if (!isEntering) {
          memberships.delete(name);
          model.delete(name);
        } else if (!memberships.has(name)) {
          const member = { room: rooms.get(name) } as Member; // all that is read of it
          memberships.add(member);
          model.set(name, member);
        }
        expect(memberships.size).toBe(model.size);
        expect(memberships.get(name)).toBe(model.get(name));
      }
      expect([...memberships.keys()]).toEqual([...model.keys()]);
      expect([...memberships.values()]).toEqual([...model.values()]);
    }),
  );
});
