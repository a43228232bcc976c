// When rooms hand out what was said: at once, or after a rest where it is worth one.

import { describe, expect, test } from "bun:test";
import { Outlet } from "../../src/core/outlet.ts";
import { type Listener, Room } from "../../src/core/room.ts";
import { Tick } from "../../src/core/tick.ts";
import type { Bytes, Clock } from "../../src/environment.ts";
import { LIMITS } from "../../src/limits.ts";
import type { RoomName } from "../../src/names.ts";
import type { Format } from "../../src/plugin.ts";
import { Agenda } from "../../src/testing/agenda.ts";
import { fakeWire } from "./wire.ts";

const format: Format = {
  echo: true,
  encode: (event) => (event.type === "message" ? event.message.text : event.type),
};

/** A room with one member, and the times at which it was written to. */
class Stage {
  readonly agenda = new Agenda();
  readonly clock: Clock = {
    now: () => this.agenda.now,
    monotonic: () => this.agenda.now + this.#spent,
    after: (ms, run) => this.agenda.after(ms, "after", run),
    soon: (run) => void this.agenda.after(0, "soon", run),
  };
  readonly tick = new Tick<Listener>(this.clock);
  readonly writes: { readonly at: number; readonly text: string }[] = [];
  readonly room = new Room<Listener>("#room" as RoomName, this.tick.group);
  readonly outlet = this.makeOutlet();
  /** What each write takes, in ms. */
  costMs = 0;
  #spent = 0;
  #pieces: Bytes[] = [];

  constructor() {
    const { outlet } = this;
    const failed = (thrown: unknown) => {
      throw thrown;
    };
    const tell = (bytes: Uint8Array) => outlet.send(bytes);
    this.room.enter({ outlet, tell, overflowed() {}, formatFailed: failed }, format);
  }

  makeOutlet(): Outlet {
    const wire = fakeWire((bytes) => this.#pieces.push(bytes));
    wire.flush = () => {
      const text = this.#pieces.splice(0).map((piece) => new TextDecoder().decode(piece));
      this.#spent += this.costMs;
      this.writes.push({ at: this.agenda.now, text: text.join("") });
    };
    return new Outlet(wire, undefined, this.tick.outlet);
  }

  say(text: string): void {
    const by = { id: text, from: "ana@paris", room: this.room.name, kind: "text", at: 0 } as const;
    this.room.tell({ type: "message", message: { ...by, text } });
  }

  gap(): void {
    this.room.tell({ type: "gap", room: this.room.name, missing: 1 });
  }

  /** Lets so much time pass. */
  run(ms: number): void {
    this.agenda.after(ms, "done", () => {});
    while (this.agenda.step()?.what !== "done");
  }

  /** Makes the room busy: it rests when this returns. */
  burst(): void {
    for (const text of ["1", "2", "3"]) this.say(text);
    this.run(0);
    this.writes.length = 0;
  }
}

describe("a busy room", () => {
  test("rests after a flush of several messages, and the next ones are one write", () => {
    const stage = new Stage();
    stage.burst();
    for (const text of ["a", "b", "c"]) {
      stage.say(text);
      stage.run(LIMITS.roomRestMsMin / 4);
    }
    expect(stage.writes).toEqual([]);
    stage.run(LIMITS.roomRestMsMin);
    expect(stage.writes).toEqual([{ at: LIMITS.roomRestMsMin, text: "abc" }]);
  });

  test("rests in proportion to what a flush takes, and never for longer than the bound", () => {
    for (const costMs of [LIMITS.roomRestMsMin, 10_000]) {
      const stage = new Stage();
      stage.costMs = costMs;
      stage.burst();
      stage.say("a");
      stage.run(2 * LIMITS.roomRestMsMax);
      const at = Math.min(costMs * LIMITS.roomRestFactor, LIMITS.roomRestMsMax);
      expect(stage.writes).toEqual([{ at, text: "a" }]);
    }
  });

  test("that has rested says the next message at once", () => {
    const stage = new Stage();
    stage.burst();
    stage.run(LIMITS.roomRestMsMax);
    stage.say("a");
    stage.run(0);
    expect(stage.writes).toEqual([{ at: LIMITS.roomRestMsMax, text: "a" }]);
  });

  test("says what is no message at once, behind the messages before it", () => {
    const stage = new Stage();
    stage.burst();
    stage.say("a");
    stage.gap();
    stage.run(0);
    expect(stage.writes).toEqual([{ at: 0, text: "agap" }]);
  });

  test("hands out at once what has grown large", () => {
    const stage = new Stage();
    stage.burst();
    const text = "x".repeat(LIMITS.roomBatchBytesMax + 1);
    stage.say(text);
    stage.run(0);
    expect(stage.writes.map((write) => write.text.length)).toEqual([text.length]);
  });

  test("does not hold up what is told apart, nor a wire", () => {
    const stage = new Stage();
    stage.burst();
    stage.say("a");
    stage.makeOutlet().send(new TextEncoder().encode("private"));
    stage.run(0);
    expect(stage.writes).toEqual([{ at: 0, text: "private" }]);
  });

  test("hands out what it holds when the server stops", () => {
    const stage = new Stage();
    stage.burst();
    stage.say("a");
    stage.tick.now();
    expect(stage.writes).toEqual([{ at: 0, text: "a" }]);
    stage.run(LIMITS.roomRestMsMax);
    expect(stage.writes).toHaveLength(1);
  });
});

describe("a room in which one message comes at a time", () => {
  test("rests where several would come meanwhile", () => {
    const stage = new Stage();
    for (let i = 0; i < 10; i++) {
      stage.say(`${i}`);
      stage.run(LIMITS.roomRestMsMin / 3);
    }
    expect(stage.writes.map(({ text }) => text)).toEqual(["0", "1", "234", "567"]);
  });

  test("seldom delays the one who waits for it before saying the next", () => {
    const stage = new Stage();
    for (let i = 0; i < 200; i++) {
      const before = stage.writes.length;
      stage.say("a");
      while (stage.writes.length === before) stage.agenda.step();
      stage.run(0.1);
    }
    // At first after 0, 1, 3, 7 … flushes, then once in a while.
    const delayed = (stage.agenda.now - 200 * 0.1) / LIMITS.roomRestMsMin;
    expect(delayed).toBeGreaterThan(0);
    expect(delayed).toBeLessThan(10);
  });

  test("that comes seldom is told at once", () => {
    const stage = new Stage();
    for (let i = 1; i <= 20; i++) {
      stage.say("a");
      stage.run(0);
      expect(stage.writes).toHaveLength(i);
      stage.run(LIMITS.roomRestMsMin * 1.01);
    }
  });
});
