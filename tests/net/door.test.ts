// Listening and dialling with real sockets, on ports that the system chooses: one port for TLS and
// plain; whoever comes too often, too plainly or too slowly is closed.

import { describe, expect, test } from "bun:test";
import { connect as connectTls } from "node:tls";
import type { DialOptions, Net } from "../../src/environment.ts";
import { LIMITS } from "../../src/limits.ts";
import { makeTlsIdentity } from "../../src/net/identity.ts";
import { fingerprintOf } from "../../src/net/tls.ts";
import { type Peer, bytes, connect, dial, identity, later, listen, make } from "./parts.ts";
import { thrownBy } from "./parts.ts";

describe("one port", () => {
  test("speaks TLS and plain, by the first byte", async () => {
    const { net } = make();
    const { listener, next } = await listen(net, { tls: identity });
    const secure = await dial(net, { port: listener.port, tls: true });
    secure.send("over TLS");
    const first = await next();
    await first.until((peer) => peer.text === "over TLS");
    const plain = await dial(net, { port: listener.port });
    plain.send("plain");
    const second = await next();
    await second.until((peer) => peer.text === "plain");
    expect(first.wire.fingerprint).toBeDefined();
    expect(secure.wire.fingerprint).toEqual(first.wire.fingerprint);
    expect([plain.wire.fingerprint, second.wire.fingerprint]).toEqual([undefined, undefined]);
    expect([first, second, secure, plain].map((peer) => peer.wire.secure)).toEqual(
      Array.from({ length: 4 }, () => true),
    );
  });

  test("speaks TLS with a certificate whose end has come, as it is pinned", async () => {
    const { net } = make();
    const old = await makeTlsIdentity("paris", Date.now() - 31 * 365 * 24 * 3_600_000);
    const { listener, next } = await listen(net, { tls: old });
    const pinned = fingerprintOf(old.certificate);
    const trust = (shown: Uint8Array) => Buffer.compare(shown, pinned) === 0;
    const client = await dial(net, { port: listener.port, tls: true, trust });
    client.send("hello");
    const server = await next();
    await server.until((peer) => peer.text === "hello");
    expect(client.wire.fingerprint).toEqual(pinned);
  });

  test.each([
    ["TLSv1.3", "TLSv1.3"],
    ["TLSv1.2", "TLSv1.2"],
    ["TLSv1.1", "refused"],
    ["TLSv1", "refused"],
  ] as const)("speaks TLS 1.2 and later alone: of %s it is %s", async (version, outcome) => {
    const { net } = make();
    const { listener } = await listen(net, { tls: identity });
    const { promise, resolve } = Promise.withResolvers<string | null>();
    const socket = connectTls(
      {
        host: "127.0.0.1",
        port: listener.port,
        minVersion: version,
        maxVersion: version,
        rejectUnauthorized: false,
      },
      () => resolve(socket.getProtocol()),
    );
    socket.on("error", () => resolve("refused"));
    expect(await promise).toBe(outcome);
    socket.destroy();
  });

  test("takes a TLS hello that comes byte by byte", async () => {
    const { net } = make();
    const { listener, next } = await listen(net, { tls: identity });
    const relay = await byteByByte(listener.port);
    const client = await dial(net, { port: relay, tls: true });
    client.send("hello");
    const server = await next();
    await server.until((peer) => peer.text === "hello");
  });

  test("refuses plain talk from elsewhere, and says why", async () => {
    const { net } = make();
    const { listener, accepted } = await listen(net, {
      tls: identity,
      isLocal: () => false,
      plainRefused: () => bytes("TLS_REQUIRED"),
    });
    const client = await dial(net, { port: listener.port });
    client.send("let me in");
    expect(await client.end()).toBe("closed by the peer");
    expect(client.text).toBe("TLS_REQUIRED");
    expect(accepted).toEqual([]);
  });

  test("calls a plain peer from elsewhere insecure where no TLS is spoken", async () => {
    const { server } = await connect(make().net, { isLocal: () => false });
    expect(server.wire.secure).toBe(false);
  });

  test("counts all of 127.0.0.0/8 as this machine", async () => {
    const { net } = make();
    const { listener, next } = await listen(net, { host: "127.0.0.2" });
    const client = await dial(net, { host: "127.0.0.2", port: listener.port });
    const server = await next();
    expect([client.wire.secure, server.wire.secure]).toEqual([true, true]);
    expect(client.wire.remote).toBe(`127.0.0.2:${listener.port}`);
    expect(server.wire.remote).toMatch(/^127\.0\.0\.\d:\d+$/);
  });
});

describe("who comes in", () => {
  test.each([
    ["says nothing", ""],
    ["begins TLS and stops", "\u0016\u0003\u0001"],
  ])("is closed by a deadline when it %s", async (_what, said) => {
    const { clock, net } = make();
    const { listener, accepted } = await listen(net, { tls: identity });
    const client = await dial(net, { port: listener.port });
    if (said !== "") client.send(said);
    await until(() => clock.timers === 1);
    const ended = client.end();
    await roundTrip(net, listener.port);
    clock.pass(LIMITS.tlsHandshakeMsMax);
    await ended;
    expect(accepted).toHaveLength(1);
  });

  test("is told, when there are too many, and closed", async () => {
    const { net } = make({ connectionsMax: 4 });
    const other = make().net;
    const { listener } = await listen(net, { fullRefused: () => bytes("TOO_MANY_CONNECTIONS") });
    const dialled = async () => dial(other, { port: listener.port });
    const clients = [await dialled(), await dialled(), await dialled(), await dialled()];
    const refused = await dialled();
    await refused.end();
    expect(refused.text).toBe("TOO_MANY_CONNECTIONS");
    clients[0]!.wire.close("bye");
    await clients[0]!.end();
    const again = await dialled();
    again.send("x");
    expect(again.reasons).toEqual([]);
  });

  test("may keep only so many strangers of one address waiting", async () => {
    const { net } = make();
    const other = make().net;
    const { listener } = await listen(net, { tls: identity, isLocal: () => false });
    const clients: Peer[] = [];
    for (let index = 0; index < LIMITS.strangersPerAddressMax; index += 1) {
      clients.push(await dial(other, { port: listener.port }));
    }
    const last = await dial(other, { port: listener.port }).catch(() => undefined);
    await last?.end();
    expect(clients.every((client) => client.reasons.length === 0)).toBe(true);
    clients[0]!.wire.close("bye");
    await clients[0]!.end();
    const again = await dial(other, { port: listener.port });
    await roundTrip(other, listener.port).catch(() => undefined);
    expect(again.reasons).toEqual([]);
  });

  test("is closed when its handler throws, and nobody else is", async () => {
    const { log, net } = make();
    const { listener, next } = await listen(net, {}, () => {
      throw new Error("a bug");
    });
    const other = await dial(net, { port: listener.port });
    const client = await dial(net, { port: listener.port });
    await next();
    client.send("x");
    await client.end();
    expect(await (await next()).end()).toMatch(/^INTERNAL: /);
    expect(log.lines).toEqual([["wire handler failed", expect.objectContaining({})]]);
    expect(other.reasons).toEqual([]);
  });
});

describe("dialling", () => {
  const at = (more: Partial<DialOptions> & { port: number }) => dial(make().net, more);

  test("says that nobody listens", async () => {
    expect(await thrownBy(at({ port: 1 }))).toMatchObject({
      code: "CANNOT_CONNECT",
      text: "127.0.0.1:1: nobody listens there (connection refused)",
    });
  });

  test("says that a port is none", async () => {
    expect(await thrownBy(at({ port: 70_000 }))).toMatchObject({ code: "CANNOT_CONNECT" });
  });

  test("says that no TLS is spoken there, whatever else is", async () => {
    const { net } = make();
    const { listener } = await listen(net, {}, (peer) => peer.send("plain ".repeat(20)));
    expect(await thrownBy(at({ port: listener.port, tls: true }))).toMatchObject({
      code: "CANNOT_CONNECT",
    });
  });

  test("times out where nothing answers, and drops what comes later", async () => {
    const { net } = make();
    const silent = await listen(net);
    const { clock, net: dialling } = make();
    const dialled = dial(dialling, { port: silent.listener.port, tls: true });
    await silent.next();
    clock.pass(LIMITS.dialMsMax);
    expect(await thrownBy(dialled)).toMatchObject({ code: "CANNOT_CONNECT" });
  });

  test("refuses a certificate that is not trusted", async () => {
    const { net } = make();
    const { listener, accepted } = await listen(net, { tls: identity });
    const shown: string[] = [];
    const trust = (fingerprint: Uint8Array): boolean => {
      shown.push(fingerprint.toHex());
      return false;
    };
    const error = await thrownBy(at({ port: listener.port, tls: true, trust }));
    expect(error).toMatchObject({ code: "CERTIFICATE_CHANGED" });
    expect(String(error)).toContain(shown[0]!);
    expect(accepted.every((peer) => peer.receivedBytes === 0)).toBe(true);
  });
});

describe("listening", () => {
  test("says what stands in the way", async () => {
    const { net } = make();
    const { listener } = await listen(net);
    expect(await thrownBy(listen(net, { port: listener.port }))).toMatchObject({
      code: "CANNOT_LISTEN",
      text: `127.0.0.1:${listener.port}: another program listens there already`,
    });
    expect(await thrownBy(listen(net, { host: "192.0.2.1" }))).toMatchObject({
      code: "CANNOT_LISTEN",
    });
  });

  test("ends without ending what is open", async () => {
    const { net } = make();
    const { listener, client, server } = await connect(net);
    listener.close();
    client.send("still here");
    await server.until((peer) => peer.text === "still here");
    expect(await thrownBy(dial(net, { port: listener.port }))).toMatchObject({
      code: "CANNOT_CONNECT",
    });
  });
});

/** Resolves once a condition holds, turn by turn. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** What was sent to that port before has been looked at. */
async function roundTrip(net: Net, port: number): Promise<void> {
  const peer = await dial(net, { port, tls: true });
  peer.wire.close("done");
  await peer.end();
}

/** A relay that hands on each byte of the first 200 by itself. */
async function byteByByte(port: number): Promise<number> {
  type Ends = { up: Bun.Socket | undefined; early: number[] };
  const relay = Bun.listen<Ends>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      async open(down) {
        down.data = { up: undefined, early: [] };
        const up = await Bun.connect({
          hostname: "127.0.0.1",
          port,
          socket: { data: (_up, chunk) => void down.write(chunk) },
        });
        up.setNoDelay(true);
        down.data.up = up;
        await drip(up, down.data.early);
      },
      async data(down, chunk) {
        if (down.data.up === undefined) down.data.early.push(...chunk);
        else await drip(down.data.up, [...chunk]);
      },
    },
  });
  later(() => relay.stop(true));
  const drip = async (up: Bun.Socket, all: number[]): Promise<void> => {
    for (const byte of all.splice(0)) {
      up.write(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return relay.port;
}
