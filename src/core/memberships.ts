// The rooms that a session is in, with its place in each. Nearly everybody is in a few: a Map takes
// 750 bytes for the lobby alone (Bun 1.4.5), a short array 50.

import { LIMITS } from "../limits.ts";
import type { RoomName } from "../names.ts";
import type { Listener, Member } from "./room.ts";

/** As a Map from a room's name to the member, in the order in which they were entered. */
export class Memberships<L extends Listener> {
  #few: Member<L>[] = [];
  /** In the place of `#few`, once there are many. */
  #many: Map<RoomName, Member<L>> | undefined;

  get size(): number {
    return this.#many?.size ?? this.#few.length;
  }

  has(room: RoomName): boolean {
    return this.get(room) !== undefined;
  }

  get(room: RoomName): Member<L> | undefined {
    if (this.#many !== undefined) return this.#many.get(room);
    for (const member of this.#few) if (member.room.name === room) return member;
    return undefined;
  }

  /** Adds a place in a room that the session is not in. */
  add(member: Member<L>): void {
    if (this.#many === undefined && this.#few.length < LIMITS.membershipsFewMax) {
      this.#few.push(member);
      return;
    }
    this.#many ??= new Map(this.#few.map((one) => [one.room.name, one]));
    this.#few = [];
    this.#many.set(member.room.name, member);
  }

  delete(room: RoomName): void {
    if (this.#many !== undefined) this.#many.delete(room);
    else this.#few = this.#few.filter((member) => member.room.name !== room);
  }

  *keys(): Generator<RoomName> {
    for (const member of this.values()) yield member.room.name;
  }

  values(): Iterable<Member<L>> {
    return this.#many?.values() ?? this.#few;
  }
}
