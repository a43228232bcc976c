// Wires over real sockets, plain and TLS: nothing is lost, chat passes files, nobody waits for a
// slow reader for ever.

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { RoomySink, bytes, connect, identity, make, runs } from "./parts.ts";

const MiB = 2 ** 20;

const doors = [
  ["plain", {}],
  ["TLS", { tls: identity, secure: true }],
] as const;

describe.each(doors)("over %s", (_name, door) => {
  test("what the system does not take leaves when the peer reads, and it is told", async () => {
    const { client, server } = await connect(make().net, door);
    server.wire.bound("bulk", 64 * MiB);
    client.wire.pause();
    const sent = crypto.getRandomValues(new Uint8Array(65_536));
    for (let index = 0; index < 320; index += 1) server.wire.send("bulk", sent);
    server.wire.flush();
    expect(server.wire.queuedBytes("bulk")).toBeGreaterThan(0);
    client.wire.resume();
    await client.until((peer) => peer.receivedBytes === 320 * sent.length);
    await server.until((peer) => peer.drains === 1);
    const received = Buffer.concat(client.received);
    for (let index = 0; index < 320; index += 1) {
      expect(Buffer.compare(received.subarray(index * 65_536, (index + 1) * 65_536), sent)).toBe(0);
    }
  });

  test("what was read in large pieces is freed when its reader returns", async () => {
    const kept: Uint8Array[] = [];
    const keep = (_: unknown, chunk: Uint8Array) => void kept.push(chunk);
    const { client, server } = await connect(make().net, door, keep);
    kept.length = 0;
    const sent = crypto.getRandomValues(new Uint8Array(2 * MiB));
    client.wire.send("bulk", sent);
    client.wire.flush();
    await server.until((peer) => peer.receivedBytes === sent.length);
    expect(Buffer.compare(Buffer.concat(server.received), sent)).toBe(0);
    // All but the last one, whose reader has not returned yet.
    for (const [index, chunk] of kept.slice(0, -1).entries()) {
      const size = server.received[index]!.length;
      expect(chunk.length).toBe(size < LIMITS.freedBytesMin ? size : 0);
    }
    expect(kept.some(({ length }) => length === 0)).toBe(true);
  });

  test("chat passes the file that is stuck before a slow reader", async () => {
    const { client, server } = await connect(make().net, door);
    server.wire.bound("bulk", 64 * MiB);
    client.wire.pause();
    for (let index = 0; index < 400; index += 1) {
      server.wire.send("bulk", bytes("b".repeat(50_000)));
    }
    server.wire.flush();
    expect(server.wire.queuedBytes("bulk")).toBeGreaterThan(200_000);
    const stuck = server.wire.queuedBytes("bulk");
    server.wire.send("room", bytes("r"));
    server.wire.send("control", bytes("c"));
    server.wire.flush();
    client.wire.resume();
    await client.until((peer) => peer.receivedBytes === 400 * 50_000 + 2);
    const [before, after] = [400 * 50_000 - stuck, stuck % 50_000];
    expect(runs(client.text)).toBe(`b${before + after} c1 r1 b${stuck - after}`);
  });

  test("a close drains 32 MB to the last byte, though the peer is sending", async () => {
    const { client, server } = await connect(make().net, door);
    server.wire.bound("room", 64 * MiB);
    const piece = new Uint8Array(MiB).fill(120);
    for (let index = 0; index < 32; index += 1) expect(server.wire.send("room", piece)).toBe(true);
    client.wire.send("room", new Uint8Array(100_000));
    client.wire.flush();
    server.wire.close("SERVER_STOPPING: good night");
    expect(server.wire.send("room", piece)).toBe(false);
    expect(await client.end()).toBe("closed by the peer");
    expect(client.receivedBytes).toBe(32 * MiB);
    expect(await server.end()).toBe("SERVER_STOPPING: good night");
  });

  test("both ends learn of a close once, and are then silent", async () => {
    const { client, server } = await connect(make().net, door);
    client.wire.close("bye");
    client.wire.close("again");
    expect(client.reasons).toEqual([]);
    await Promise.all([client.end(), server.end()]);
    expect(server.wire.send("room", bytes("x"))).toBe(false);
    expect([client.reasons, server.reasons]).toEqual([["bye"], ["closed by the peer"]]);
  });

  test("parts that are borrowed arrive as they were", async () => {
    const { client, server } = await connect(make().net, door);
    client.wire.pause();
    const body = new Uint8Array(60_000);
    let count = 0;
    for (; server.wire.queuedBytes("bulk") < MiB; count += 1) {
      body.fill(65 + (count % 26));
      expect(server.wire.sendBorrowed("bulk", [bytes("<"), body, bytes(">")])).toBe(true);
    }
    body.fill(0);
    client.wire.resume();
    await client.until((peer) => peer.receivedBytes === count * 60_002);
    const pieces = client.text.split(/(?<=>)/);
    expect(pieces).toHaveLength(count);
    pieces.forEach((piece, index) => {
      expect(runs(piece)).toBe(`<1 ${String.fromCharCode(65 + (index % 26))}60000 >1`);
    });
  });
});

describe("a wire", () => {
  test("gets what was queued out before it follows its peer's end", async () => {
    const { client, server } = await connect(make().net);
    client.wire.pause();
    server.wire.bound("room", 64 * MiB);
    server.wire.send("room", new Uint8Array(16 * MiB));
    server.wire.flush();
    client.wire.close("bye");
    expect(await server.end()).toBe("closed by the peer");
    expect(await client.end()).toBe("bye");
  });

  test("is cut by a deadline when its peer does not read what was left", async () => {
    const { clock, net } = make();
    const { client, server } = await connect(net);
    client.wire.pause();
    server.wire.bound("room", 64 * MiB);
    server.wire.send("room", new Uint8Array(32 * MiB));
    server.wire.close("KICKED: bye");
    clock.pass(LIMITS.lingerMsMax);
    expect(await server.end()).toBe("KICKED: bye");
  });

  test("is closed when it was paused for too long", async () => {
    const { clock, net } = make();
    const { client, server } = await connect(net);
    server.wire.pause();
    clock.pass(LIMITS.stallMsMax);
    expect(await server.end()).toMatch(/^OUTBOX_FULL: /);
    expect(await client.end()).toBe("reset by the peer");
  });

  test("is closed when its peer takes nothing for too long", async () => {
    const { clock, net } = make();
    const { client, server } = await connect(net);
    const slow = await connect(make().net);
    client.wire.pause();
    server.wire.bound("room", 64 * MiB);
    server.wire.send("room", new Uint8Array(32 * MiB));
    server.wire.flush();
    clock.pass(LIMITS.stallMsMax);
    expect(await server.end()).toMatch(/^OUTBOX_FULL: /);
    expect(slow.server.reasons).toEqual([]);
  });

  test("can stand before a transport of another kind", async () => {
    const { net } = make();
    const sink = new RoomySink();
    const heard: string[] = [];
    const adopted = net.adopt(sink, true, {
      data: (chunk) => void heard.push(new TextDecoder().decode(chunk)),
      closed: (reason) => void heard.push(reason),
    });
    adopted.data(bytes("hello"));
    adopted.wire.send("room", bytes("world"));
    adopted.wire.close("done");
    expect([sink.taken, sink.calls]).toEqual(["world", ["end"]]);
    adopted.closed("gone");
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard).toEqual(["hello", "done"]);
  });
});
