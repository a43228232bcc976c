// The simulated world: the same seed gives the same world, and its faults are what they say.

import { describe, expect, test } from "bun:test";
import type { Bytes, Environment, Wire, WireHandlers } from "../../src/environment.ts";
import { LIMITS } from "../../src/limits.ts";
import { type World, createWorld } from "../../src/testing.ts";

const text = (bytes: Bytes): string => new TextDecoder().decode(bytes);
const bytes = (of: string): Bytes => new TextEncoder().encode(of);

interface Peer {
  wire: Wire;
  received: string;
  closed: string[];
  drained: number;
}

/** Handlers that keep what happens in a peer, and the peer. */
function peerOf(wire: Wire, onData?: (peer: Peer, chunk: Bytes) => void): [Peer, WireHandlers] {
  const peer: Peer = { wire, received: "", closed: [], drained: 0 };
  const handlers: WireHandlers = {
    data(chunk) {
      peer.received += text(chunk);
      onData?.(peer, chunk);
    },
    drained: () => void (peer.drained += 1),
    closed: (reason) => void peer.closed.push(reason),
  };
  return [peer, handlers];
}

/** A connection from lyon to paris; `answer` is what paris does with what comes. */
function connect(world: World, answer?: (peer: Peer, chunk: Bytes) => void) {
  const paris = world.environment("paris");
  const lyon = world.environment("lyon");
  return connectThese(world, { paris, lyon }, answer);
}

function connectThese(
  world: World,
  { paris, lyon }: { paris: Environment; lyon: Environment },
  answer?: (peer: Peer, chunk: Bytes) => void,
) {
  const accepted: Peer[] = [];
  const listener = world.until(
    paris.net.listen({ host: "0.0.0.0", port: 0, tls: undefined }, (wire) => {
      const [peer, handlers] = peerOf(wire, answer);
      accepted.push(peer);
      return handlers;
    }),
  );
  const dialled: Peer[] = [];
  world.until(
    lyon.net.dial({ host: "paris", port: listener.port, tls: false }, (wire) => {
      const [peer, handlers] = peerOf(wire);
      dialled.push(peer);
      return handlers;
    }),
  );
  return { paris, lyon, listener, server: accepted[0]!, client: dialled[0]! };
}

const echo = (peer: Peer, chunk: Bytes): void => {
  peer.wire.send("room", new Uint8Array(chunk));
  peer.wire.flush();
};

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

describe("the simulated network", () => {
  test("carries bytes both ways, in order, whatever the chunks", () => {
    const world = createWorld({ seed: 3 });
    world.shape({ splitChance: 0.9 });
    const { client } = connect(world, echo);
    let sent = "";
    for (let index = 0; index < 200; index += 1) {
      client.wire.send("room", bytes(`${index},`));
      client.wire.flush();
      sent += `${index},`;
    }
    world.settle();
    expect(client.received).toBe(sent);
  });

  test("overwrites a chunk that was handed over: it was only lent", () => {
    const world = createWorld({ seed: 3 });
    const kept: Bytes[] = [];
    const { client } = connect(world, (_peer, chunk) => void kept.push(chunk));
    client.wire.send("room", bytes("hello"));
    client.wire.flush();
    world.settle();
    expect(kept.some((chunk) => chunk.every((byte) => byte === 0xdb))).toBe(true);
  });

  test("takes no more than its buffer, and the wire drains as the peer reads", () => {
    const world = createWorld({ seed: 3 });
    world.shape({ bytesPerSecond: 1_000_000, bufferBytes: 10_000 });
    const { client, server } = connect(world);
    client.wire.send("room", new Uint8Array(1_000_000).fill(65));
    client.wire.flush();
    expect(client.wire.queuedBytes("room")).toBe(990_000);
    const before = world.now;
    world.settle();
    expect(server.received.length).toBe(1_000_000);
    expect(client.drained).toBe(1);
    expect(world.now - before).toBeGreaterThan(1000);
  });

  test("is as fast as ever soon after it was slow", () => {
    const world = createWorld({ seed: 3 });
    world.shape({ bytesPerSecond: 500 });
    const { client, server } = connect(world);
    client.wire.send("room", new Uint8Array(100_000).fill(65));
    client.wire.flush();
    world.run(10_000);
    expect(server.received.length).toBeLessThan(6000);
    world.shape({ bytesPerSecond: 1_000_000 });
    world.run(2000);
    expect(server.received.length).toBe(100_000);
  });

  test("tells nothing to a paused wire, and closes one that stays so", () => {
    const world = createWorld({ seed: 3 });
    const { client, server } = connect(world);
    server.wire.pause();
    client.wire.send("room", bytes("hello"));
    client.wire.close("done");
    world.run(10_000);
    expect(server.received).toBe("");
    expect(server.closed).toEqual([]);
    world.run(LIMITS.stallMsMax);
    expect(server.closed).toHaveLength(1);
    expect(server.closed[0]).toMatch(/^OUTBOX_FULL: /);
  });

  test("hands over what was held when a wire is resumed, and then the end", () => {
    const world = createWorld({ seed: 3 });
    const { client, server } = connect(world);
    server.wire.pause();
    client.wire.send("room", bytes("hello"));
    client.wire.close("done");
    world.run(1000);
    server.wire.resume();
    world.settle();
    expect(server.received).toBe("hello");
    expect(server.closed).toEqual(["closed by the peer"]);
    expect(client.closed).toEqual(["done"]);
    expect(world.connections).toBe(0);
  });

  test("resets both ends at a cut, and lets nobody through until it is healed", () => {
    const world = createWorld({ seed: 3 });
    const { client, server, lyon, listener } = connect(world);
    world.cut("paris", "lyon");
    world.settle();
    expect(client.closed).toEqual(["reset by the peer"]);
    expect(server.closed).toEqual(["reset by the peer"]);
    const at = { host: "paris", port: listener.port, tls: false };
    const nothing = (): WireHandlers => ({ data() {}, closed() {} });
    expect(() => world.until(lyon.net.dial(at, nothing))).toThrow("no way to that host");
    world.heal("lyon", "paris");
    world.until(lyon.net.dial(at, nothing));
  });

  test("tells nobody of a silent cut, and delivers what waited when it is healed", () => {
    const world = createWorld({ seed: 3 });
    const { client, server } = connect(world);
    world.cut("paris", "lyon", "silent");
    client.wire.send("room", bytes("hello"));
    client.wire.flush();
    world.run(20_000);
    expect([server.received, client.closed, server.closed]).toEqual(["", [], []]);
    world.heal("paris", "lyon");
    world.settle();
    expect(server.received).toBe("hello");
  });

  test("closes a wire whose peer takes nothing for too long", () => {
    const world = createWorld({ seed: 3 });
    const { client } = connect(world);
    world.cut("paris", "lyon", "silent");
    client.wire.send("room", new Uint8Array(1_000_000));
    client.wire.flush();
    world.run(LIMITS.stallMsMax + 1000);
    expect(client.closed).toHaveLength(1);
    expect(client.closed[0]).toMatch(/^OUTBOX_FULL: /);
    expect(client.wire.send("room", bytes("x"))).toBe(false);
  });

  test("leaves one end half-open when a connection is lost to the other", () => {
    const world = createWorld({ seed: 3 });
    const { client, server } = connect(world);
    world.loseConnections("lyon", "paris");
    server.wire.send("room", bytes("into the void"));
    server.wire.flush();
    world.run(5000);
    expect(client.closed).toEqual(["reset by the peer"]);
    expect(server.closed).toEqual([]);
    expect(client.received).toBe("");
  });

  test("refuses to dial where nobody listens, and times out where nothing answers", () => {
    const world = createWorld({ seed: 3 });
    const lyon = world.environment("lyon");
    world.environment("paris");
    const nothing = (): WireHandlers => ({ data() {}, closed() {} });
    const dial = (host: string) =>
      world.until(lyon.net.dial({ host, port: 1, tls: false }, nothing));
    expect(() => dial("paris")).toThrow("paris:1: nobody listens there (connection refused)");
    expect(() => dial("rome")).toThrow("rome:1: no such host");
    world.cut("paris", "lyon", "silent");
    const before = world.now;
    expect(() => dial("paris")).toThrow("timed out");
    expect(world.now - before).toBe(LIMITS.dialMsMax);
  });

  test("refuses plain peers where TLS is spoken, and shows its fingerprint to the others", () => {
    const world = createWorld({ seed: 3 });
    const [paris, lyon] = [world.environment("paris"), world.environment("lyon")];
    const tls = { key: "key", certificate: "certificate of paris" };
    const prints: (string | undefined)[] = [];
    const { port } = world.until(
      paris.net.listen(
        { host: "0.0.0.0", port: 0, tls, plainRefused: () => bytes("TLS, please") },
        (wire) => {
          prints.push(wire.fingerprint?.toHex());
          return { data() {}, closed() {} };
        },
      ),
    );
    const dial = (secure: boolean, trust = true): Peer => {
      const peers: Peer[] = [];
      const at = { host: "paris", port, tls: secure, trust: () => trust };
      world.until(
        lyon.net.dial(at, (wire) => {
          const [peer, handlers] = peerOf(wire);
          peers.push(peer);
          return handlers;
        }),
      );
      return peers[0]!;
    };
    expect(dial(true).wire.fingerprint?.toHex()).toBe(prints[0]);
    expect(() => dial(true, false)).toThrow("certificate");
    const plain = dial(false);
    plain.wire.send("control", bytes("hello"));
    plain.wire.flush();
    world.settle();
    expect(plain.wire.secure).toBe(false);
    expect(plain.received).toBe("TLS, please");
    expect(plain.closed).toEqual(["closed by the peer"]);
    expect(prints).toHaveLength(1);
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
