// A room's batches, against a model that keeps a list for each member.

import { describe, expect, test } from "bun:test";
import type { Bytes } from "../../src/environment.ts";
import { Outlet } from "../../src/core/outlet.ts";
import { type Group, type Ignoring, type Listener, type Member } from "../../src/core/room.ts";
import { Room } from "../../src/core/room.ts";
import type { RoomName } from "../../src/names.ts";
import type { Format, RoomEvent } from "../../src/plugin.ts";
import { createRandom, type SeededRandom } from "../../src/testing.ts";
import { fakeWire } from "./wire.ts";

const name = "#room" as RoomName;
const format = (tag: string, echo: boolean, asBytes = false): Format => ({
  echo,
  encode(event) {
    const text = event.type === "gap" ? `${tag}${event.missing};` : "";
    return asBytes ? new TextEncoder().encode(text) : text;
  },
});

class Ear implements Listener {
  readonly outlet: Outlet;
  format: Format;
  member: Member<Ear> | undefined;
  expected = "";
  got = "";
  ignoring: Ignoring | undefined;
  constructor(at: Format) {
    this.format = at;
    const wire = fakeWire((bytes: Bytes) => {
      this.got += new TextDecoder().decode(bytes);
    });
    this.outlet = new Outlet(wire, undefined, () => {});
  }
  overflowed(): void {}
  tell(bytes: Uint8Array): boolean {
    return this.outlet.send(bytes);
  }
  formatFailed(thrown: unknown): void {
    throw thrown;
  }
}

class Model {
  readonly dirty: Group<Ear>[] = [];
  readonly room = new Room<Ear>(
    name,
    (group) => void (this.dirty.includes(group) || this.dirty.push(group)),
  );
  readonly formats = [format("a", true), format("é", false), format("c", true, true)];
  readonly ears: Ear[];
  #events = 0;

  constructor(readonly random: SeededRandom) {
    this.ears = Array.from({ length: 8 }, () => new Ear(random.pick(this.formats)));
  }

  step(): void {
    const { random, room } = this;
    const ear = random.pick(this.ears);
    const dice = random.next();
    if (dice < 0.5) this.tell(random.chance(0.7) ? ear : undefined);
    else if (dice < 0.7 && ear.member === undefined) ear.member = room.enter(ear, ear.format);
    else if (dice < 0.8 && ear.member !== undefined) {
      room.leave(ear.member);
      ear.member = undefined;
    } else if (dice < 0.9 && ear.member !== undefined) {
      ear.format = random.pick(this.formats);
      if (ear.member.group.format !== ear.format) room.change(ear.member, ear.format);
    } else if (dice > 0.97) this.flush();
    else if (dice > 0.9) {
      // As if one in so many events were said by somebody whom it ignores.
      const every = 2 + random.below(3);
      const event = (one: RoomEvent) => one.type === "gap" && one.missing % every === 0;
      ear.ignoring = random.chance(0.3) ? undefined : { event, person: () => false };
      ear.member?.group.heed(ear.member);
    }
  }

  tell(by: Ear | undefined): void {
    this.#events += 1;
    const event = { type: "gap", room: name, missing: this.#events } as const;
    this.room.tell(event, by);
    for (const ear of this.ears) {
      if (ear.member === undefined || (ear === by && !ear.format.echo)) continue;
      if (ear.ignoring?.event(event) === true) continue;
      const tag = ["a", "é", "c"][this.formats.indexOf(ear.format)];
      ear.expected += `${tag}${this.#events};`;
    }
  }

  flush(): void {
    for (const group of this.dirty.splice(0)) group.flush();
  }
}

describe("each member gets the events from its coming to its going, but those it ignores:", () => {
  for (let seed = 1; seed <= 100; seed++)
    test(`seed ${seed}`, () => {
      const model = new Model(createRandom(`room ${seed}`));
      for (let i = 0; i < 300; i++) model.step();
      model.flush();
      for (const { got, expected } of model.ears) expect(got).toBe(expected);
    });
});

test("members of one format are handed the same buffer, and no event is encoded twice", () => {
  const handed: Bytes[] = [];
  let encoded = 0;
  const dirty: Group<Ear>[] = [];
  const room = new Room<Ear>(name, (group) => void (dirty.includes(group) || dirty.push(group)));
  const shared: Format = { echo: true, encode: () => `${++encoded};` };
  for (let i = 0; i < 3; i++) {
    const wire = fakeWire((bytes) => void handed.push(bytes));
    const ear = Object.assign(new Ear(shared), { outlet: new Outlet(wire, undefined, () => {}) });
    room.enter(ear, shared);
  }
  for (let i = 0; i < 5; i++) room.tell({ type: "gap", room: name, missing: i });
  for (const group of dirty) group.flush();
  expect([encoded, handed.length, new Set(handed).size]).toEqual([5, 3, 1]);
});
