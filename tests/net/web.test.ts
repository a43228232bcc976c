// WebSockets as wires: a peer that reads slowly gets all, and holds up what is written to it.

import { expect, test } from "bun:test";
import type { Wire } from "../../src/environment.ts";
import { LIMITS } from "../../src/limits.ts";
import { createNet } from "../../src/net/net.ts";
import { createClock } from "../../src/serve/clock.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

test("lines wait for a peer that does not read, and come in order when it does", async () => {
  const net = createNet(createClock(), silent);
  const opened = Promise.withResolvers<Wire>();
  const listener = await net.listenWeb!(
    {
      host: "127.0.0.1",
      port: 0,
      tls: undefined,
      protocols: {},
      origins: [],
      messageBytesMax: 1024,
    },
    (wire) => {
      opened.resolve(wire);
      return { data() {}, closed() {} };
    },
  );
  const received: Uint8Array[] = [];
  let bytes = 0;
  const all = Promise.withResolvers<void>();
  const upgraded = Promise.withResolvers<void>();
  const count = 20_000;
  const line = "x".repeat(1000);
  const wanted = count * (line.length + 4); // a frame's head has four bytes
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: listener.port,
    socket: {
      data(_, chunk) {
        const text = Buffer.from(chunk).toString("latin1");
        const head = text.startsWith("HTTP/1.1 101") ? text.indexOf("\r\n\r\n") + 4 : 0;
        if (head > 0) upgraded.resolve();
        bytes += chunk.length - head;
        received.push(chunk.slice(head));
        if (bytes >= wanted) all.resolve();
      },
    },
  });
  socket.write(
    "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  await upgraded.promise;
  socket.pause();
  const wire = await opened.promise;
  wire.bound("room", 64 * 1024 * 1024);
  for (let index = 0; index < count; index++) {
    const text = String(index).padStart(line.length, "x");
    expect(wire.send("room", new TextEncoder().encode(`${text}\r\n`))).toBe(true);
    if (index % 100 === 0) wire.flush();
  }
  wire.flush();
  expect(wire.queuedBytes("room")).toBeGreaterThan(LIMITS.webBufferedBytesMax);
  socket.resume();
  await all.promise;
  const whole = Buffer.concat(received).toString("latin1");
  const numbers = whole.match(/x(\d+)/g)?.map((one) => Number(one.slice(1))) ?? [];
  expect(numbers.filter((number, index) => number !== index)).toEqual([]);
  expect(numbers).toHaveLength(count);
  socket.end();
  listener.close();
});
