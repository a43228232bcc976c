// Who is a member of which room, or of which pair: seats, numbered through all rooms. Somebody may
// have a seat in many rooms, but only one in each. Pure. Next: run.ts.

import type { Talk } from "./job.ts";

export class Seats {
  /** Of all rooms. */
  readonly count: number;
  /** Who have one. */
  readonly people: number;
  readonly #members: number;

  constructor({ groups, members, people = groups * members }: SeatsOf) {
    this.count = groups * members;
    this.people = people;
    this.#members = members;
  }

  /** Who has this one. */
  personOf(seat: number): number {
    return seat % this.people;
  }

  groupOf(seat: number): number {
    return Math.floor(seat / this.#members);
  }

  /** Which member of its group it is. */
  memberOf(seat: number): number {
    return seat % this.#members;
  }

  /** The seat that a person has in a group; −1 without one. */
  seatOf(person: number, group: number): number {
    const first = group * this.#members;
    let member = person - first;
    // A division for each copy that arrives, only where there are many seats for one.
    if (member < 0 && this.count > this.people) {
      member = (member % this.people) + this.people;
      if (member === this.people) member = 0;
    }
    return member >= 0 && member < this.#members ? first + member : -1;
  }

  /** All seats of a person, in order. */
  *seatsOf(person: number): Iterable<number> {
    for (let seat = person; seat < this.count; seat += this.people) yield seat;
  }
}

// --- internal ---

type SeatsOf = Pick<Talk, "groups" | "members" | "people">;
