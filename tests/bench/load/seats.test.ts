// Each seat has one person, who finds it again.

import { expect, test } from "bun:test";
import { Seats } from "./seats.ts";

test.each([
  { groups: 3, members: 4 },
  { groups: 7, members: 4, people: 10 },
  { groups: 2, members: 4, people: 100 },
  { groups: 5, members: 4, people: 4 },
])("whoever has a seat finds it in its group: %o", (talk) => {
  const seats = new Seats(talk);
  expect(seats.count).toBe(talk.groups * talk.members);
  for (let seat = 0; seat < seats.count; seat++) {
    const [person, group] = [seats.personOf(seat), seats.groupOf(seat)];
    expect(seats.seatOf(person, group)).toBe(seat);
    expect(group * talk.members + seats.memberOf(seat)).toBe(seat);
    expect([...seats.seatsOf(person)]).toContain(seat);
  }
  const all = Array.from({ length: seats.people }, (_, person) => [...seats.seatsOf(person)]);
  expect(all.flat().toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: seats.count }).map((_, at) => at),
  );
});

test("whoever is no member has no seat", () => {
  const apart = new Seats({ groups: 3, members: 4 });
  expect([apart.seatOf(0, 1), apart.seatOf(4, 0), apart.seatOf(11, 1)]).toEqual([-1, -1, -1]);
  const shared = new Seats({ groups: 7, members: 4, people: 10 });
  expect([shared.seatOf(4, 0), shared.seatOf(8, 2)]).toEqual([-1, 8]);
});
