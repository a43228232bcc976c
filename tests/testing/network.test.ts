// The net of a simulated world: its connections, and its faults, are what they say.

import { describe, expect, test } from "bun:test";
import type { Bytes, WireHandlers } from "../../src/environment.ts";
import { LIMITS } from "../../src/limits.ts";
import { createWorld } from "../../src/testing.ts";
import { bytes, connect, echo, type Peer, peerOf } from "./peers.ts";

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
