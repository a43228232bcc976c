// The simulated world: the same seed gives the same world, and its faults are what they say.

import { describe, expect, test } from "bun:test";
import { type World, createWorld } from "../../src/testing.ts";
import { bytes, connect, echo, text } from "./peers.ts";

/** Some minutes of random use of a world, with faults. */
function story(seed: number): World {
  const world = createWorld({ seed, traced: true });
  const { client, server, paris } = connect(world, echo);
  for (let turn = 0; turn < 50; turn += 1) {
    const { random } = world;
    client.wire.send(random.pick(["room", "control", "bulk"]), random.bytes(random.below(9000)));
    client.wire.flush();
    if (random.chance(0.1)) world.cut("paris", "lyon", "silent");
    if (random.chance(0.3)) world.healAll();
    paris.store.write("turn", bytes(String(turn))).catch(() => undefined);
    world.run(random.below(1000));
  }
  world.healAll();
  server.wire.close("done");
  world.settle();
  return world;
}

describe("a world", () => {
  test("gives the same trace and digest for the same seed, to the byte", () => {
    const [first, second] = [story(7), story(7)];
    expect(first.trace.length).toBeGreaterThan(200);
    expect(second.trace).toEqual(first.trace);
    expect(second.digest()).toBe(first.digest());
  });

  test("differs with the seed", () => {
    expect(story(8).digest()).not.toBe(story(7).digest());
  });

  test("takes no real time for virtual time", () => {
    const world = createWorld({ seed: 1 });
    const { clock } = world.environment("paris");
    let fired = 0;
    const again = (): void => {
      fired += 1;
      clock.after(60_000, again);
    };
    again();
    world.run(24 * 60 * 60_000);
    expect(fired).toBe(24 * 60 + 1);
    expect(clock.monotonic()).toBe(24 * 60 * 60_000);
  });

  test("works off all promises between two events", () => {
    const world = createWorld({ seed: 1 });
    const { clock } = world.environment("paris");
    const order: string[] = [];
    const chain = async (name: string): Promise<void> => {
      for (let index = 0; index < 20; index += 1) await Promise.resolve();
      order.push(name);
    };
    clock.soon(() => void chain("first").catch(() => undefined));
    clock.soon(() => order.push("second"));
    world.settle();
    expect(order).toEqual(["first", "second"]);
  });

  test("throws from `run` what an event throws", () => {
    const world = createWorld({ seed: 1 });
    world.environment("paris").clock.after(5, () => {
      throw new Error("a bug");
    });
    expect(() => world.run(10)).toThrow("a bug");
  });

  test("settles although something is planned for much later", () => {
    const world = createWorld({ seed: 1 });
    const { clock } = world.environment("paris");
    let late = false;
    clock.after(10_000, () => (late = true));
    clock.after(100, () => clock.after(100, () => undefined));
    world.settle();
    expect(world.now).toBe(200);
    expect(late).toBe(false);
  });

  test("shows a wrong time on the wall clock that was skewed, and the right duration", () => {
    const world = createWorld({ seed: 1, epoch: 1_000_000 });
    const { clock } = world.environment("paris");
    world.skew("paris", 5000);
    expect(clock.now()).toBe(1_005_000);
    expect(clock.monotonic()).toBe(0);
  });

  test("cancels what was planned", () => {
    const world = createWorld({ seed: 1 });
    const { clock } = world.environment("paris");
    const fired: number[] = [];
    const cancels = Array.from({ length: 500 }, (_, index) =>
      clock.after(500 - index, () => fired.push(index)),
    );
    cancels.forEach((cancel, index) => index % 7 === 0 || cancel());
    world.run();
    expect(fired).toEqual([...fired].toSorted((a, b) => b - a));
    expect(fired).toHaveLength(Math.ceil(500 / 7));
  });
});

describe("a crash", () => {
  test("ends timers and connections, and its peers see a reset", () => {
    const world = createWorld({ seed: 3 });
    const { client, server, paris } = connect(world);
    let fired = false;
    paris.clock.after(100, () => (fired = true));
    world.crash("paris");
    world.run(1000);
    expect(fired).toBe(false);
    expect(server.closed).toEqual([]);
    expect(client.closed).toEqual(["reset by the peer"]);
  });

  test("is not noticed by peers when it is silent", () => {
    const world = createWorld({ seed: 3 });
    const { client } = connect(world);
    world.crash("paris", { silent: true });
    world.run(10_000);
    expect(client.closed).toEqual([]);
  });

  test("leaves the disk to the next life", () => {
    const world = createWorld({ seed: 3 });
    const first = world.environment("paris");
    world.until(first.store.write("epoch", bytes("1")));
    world.crash("paris");
    const second = world.environment("paris");
    expect(text(world.until(second.store.read("epoch"))!)).toBe("1");
  });

  test("may lose what was not yet written, but nothing before it", () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 20; seed += 1) {
      const world = createWorld({ seed });
      const first = world.environment("paris");
      world.until(first.store.write("epoch", bytes("1")));
      let resolved = false;
      first.store.write("epoch", bytes("2")).then(
        () => (resolved = true),
        () => undefined,
      );
      first.store.write("other", bytes("x")).catch(() => undefined);
      world.run(0);
      world.crash("paris");
      world.run(100);
      expect(resolved).toBe(false);
      expect(world.disk("paris").keys()).toEqual(["epoch"]);
      outcomes.add(text(world.until(world.environment("paris").store.read("epoch"))!));
    }
    expect([...outcomes].toSorted()).toEqual(["1", "2"]);
  });

  test("is told from a full disk, whose writes fail", () => {
    const world = createWorld({ seed: 3 });
    const { store } = world.environment("paris");
    world.disk("paris").failWrites(new Error("no space left"));
    expect(() => world.until(store.write("epoch", bytes("1")))).toThrow("no space left");
    expect(world.until(store.read("epoch"))).toBeUndefined();
  });
});
