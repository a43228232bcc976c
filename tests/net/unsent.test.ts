// What the kernel takes for a peer that does not read.

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { boundUnsent } from "../../src/net/unsent.ts";

const supported = process.platform === "linux" || process.platform === "darwin";

/** Writes to a peer that never reads until no more is taken; returns how much was. */
async function taken(bound: boolean): Promise<number> {
  const { promise: full, resolve } = Promise.withResolvers<number>();
  const bytes = new Uint8Array(64 * 1024);
  let total = 0;
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        if (bound) expect(boundUnsent(socket)).toBe(true);
        const write = (idle: number) => {
          const count = Math.max(socket.write(bytes), 0);
          total += count;
          // What was taken last moves on to the peer's side: until that is full, too.
          if (idle > 100) resolve(total);
          else setImmediate(write, count === 0 ? idle + 1 : 0);
        };
        write(0);
      },
      data() {},
    },
  });
  const client = await Bun.connect({
    hostname: "127.0.0.1",
    port: server.port,
    socket: { open: (socket) => socket.pause(), data() {} },
  });
  const count = await full;
  client.terminate();
  server.stop(true);
  return count;
}

test.if(supported)("is bounded", async () => {
  const [without, within] = [await taken(false), await taken(true)];
  expect(within).toBeLessThan(LIMITS.unsentBytesMax * 8);
  expect(within).toBeLessThan(without / 2);
});

test("is left as it is where a socket has no number", () => {
  expect(boundUnsent({})).toBe(false);
  expect(boundUnsent({ fd: -1 })).toBe(false);
});
