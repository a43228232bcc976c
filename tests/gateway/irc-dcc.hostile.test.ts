// DCC of clients that lie: about addresses, ports, sizes and names; that send too much or too
// little, do not read, or leave.

import { describe, expect, test } from "bun:test";
import { ackOf, createAcks, formatSend, parseSend } from "../../plugins/gateway-irc/dcc.ts";
import type { Client } from "../../src/client.ts";
import { createBeside } from "../../src/core/beside.ts";
import type { Net, Wire, WireHandlers } from "../../src/environment.ts";
import { LIMITS } from "../../src/limits.ts";
import type { Connection } from "../../src/plugin/gateway.ts";
import { portRange, startIrc } from "./irc.ts";

const host = "127.0.0.1";
const own = "2130706433";
const send = (text: string) => `\x01DCC SEND ${text}\x01`;
const start = (count: number, loopback = true) =>
  startIrc({ dcc: { host, ports: portRange(count), loopback } });

/** Permits the first bytes, and no more. */
function permit(by: Client, transfer: string): void {
  by.request("accept", { transfer, offset: 0 }).catch(() => {}); // it may have ended
}

describe("what is read of DCC SEND", () => {
  test("names, addresses, sizes and tokens, in all their ways", () => {
    const rest = { port: 5000, sizeBytes: 10, token: undefined };
    expect(parseSend(send(`x ${own} 5000 10`))).toEqual({ name: "x", address: host, ...rest });
    expect(parseSend(`\x01dcc send "a b" ::0:1 5000 10`)).toEqual({
      name: "a b",
      address: "::1",
      ...rest,
    });
    expect(parseSend(send("x 4294967295 0 10 t1"))).toMatchObject({
      address: "255.255.255.255",
      port: 0,
      token: "t1",
    });
    for (const text of ["hello", "\x01DCC CHAT chat 1 2\x01", send(""), send('"" 1 2 3')])
      expect(parseSend(text)).toBeUndefined();
  });

  test("what is wrong is told", () => {
    for (const [text, why] of [
      ["x 4294967296 5000 1", "address"],
      ["x -1 5000 1", "address"],
      ["x localhost 5000 1", "address"],
      ["x ::g 5000 1", "address"],
      ["x 1 65536 1", "port"],
      ["x 1 5e3 1", "port"],
      ["x 1 0 1", "port"],
      ["x 1 0 1 a-b", "port"],
      ["x 1 5000 -1", "size"],
      ["x 1 5000 1e9", "size"],
      ["x 1 5000", "size"],
    ] as const)
      expect(parseSend(send(text))).toStartWith(why);
  });

  test("what is written is one message, whatever the name", () => {
    const one = { address: host, port: 5000, sizeBytes: 1, token: undefined };
    expect(formatSend({ ...one, name: 'a"\r\n\x01b c' })).toBe(send(`"a____b c" ${own} 5000 1`));
  });

  test("receipts are read, however they are cut", () => {
    const acks = createAcks();
    const bytes = [ackOf(5), ackOf(70_000), ackOf(2 ** 32 + 3)].flatMap((one) => [...one]);
    const seen = bytes.map((byte) => acks(Uint8Array.of(byte)));
    expect(seen.filter((one) => one !== undefined)).toEqual([5, 70_000, 3]);
    expect(createAcks()(Uint8Array.from(bytes))).toBe(3);
  });
});

test("a file that is somewhere else than its sender is not fetched", async () => {
  await using server = await start(10);
  const [ann] = [await server.irc("ann"), await server.irc("ben")];
  for (const [offer, why] of [
    [`x 134744072 5000 10`, "address: expected yours, 127.0.0.1"],
    [`x ::1 5000 10`, "address: expected yours"],
    [`x ${own} 22 10`, "port: expected one over 1023"],
    [`x ${own} 5000 9999999999999999`, "size: expected a number of bytes"],
  ] as const) {
    const [line] = await ann.ask(`PRIVMSG ben :${send(offer)}`);
    expect(line).toStartWith(`:paris 404 ann ben :DCC: ${why}`);
  }
  expect((await ann.ask(`PRIVMSG #tea :${send(`x ${own} 5000 1`)}`))[0]).toContain("one person");
  expect((await ann.ask(`PRIVMSG nobody :${send(`x ${own} 5000 1`)}`))[0]).toContain(" 401 ");
});

test("this machine is not called for clients that may have come by a proxy on it", async () => {
  await using server = await start(10, false);
  const [ann, ben] = [await server.irc("ann"), await server.connect("ben")];
  const failed = new Promise((resolve) => {
    ben.on((event) => {
      if (event.type === "offered") permit(ben, event.offer.transfer);
      if (event.type === "failed") resolve(event.text);
    });
  });
  ann.send(`PRIVMSG ben :${send(`x ${own} ${server.port} 10`)}`);
  expect(await failed).toContain("127.0.0.1 is this machine, or a proxy on it");
});

/** Who is called gives these bytes, and then closes, if it should. */
async function lies(bytes: number, offered: number, closes: boolean): Promise<string[]> {
  await using server = await start(10);
  const [ann, ben] = [await server.irc("ann"), await server.connect("ben")];
  const listener = Bun.listen({
    hostname: host,
    port: 0,
    socket: {
      open(socket) {
        socket.write(new Uint8Array(bytes));
        if (closes) socket.end();
      },
      data() {},
    },
  });
  const failed = new Promise<string>((resolve) => {
    ben.on((event) => {
      if (event.type === "offered") permit(ben, event.offer.transfer);
      if (event.type === "failed") resolve(`${event.code} ${event.text}`);
    });
  });
  ann.send(`PRIVMSG ben :${send(`x ${own} ${listener.port} ${offered}`)}`);
  const told = await failed;
  await ann.until(
    (line) => line.startsWith(":paris NOTICE ann :x to ben: ") && !line.endsWith("accepted"),
  );
  listener.stop(true);
  return [told, ann.lines.find((line) => /x to ben: (?!accepted)/.test(line)) ?? ""];
}

test("more bytes than were offered end the transfer, and both are told", async () => {
  const [ben, ann] = await lies(11, 10, false);
  expect(ben).toBe("SIZE_MISMATCH more came than the 10 bytes of the offer");
  expect(ann).toContain("more came than the 10 bytes");
});

test("fewer bytes end the transfer, and both are told", async () => {
  const [ben, ann] = await lies(9, 10, true);
  expect(ben).toBe("TRANSFER_CANCELLED the client closed the connection");
  expect(ann).toContain("the client closed the connection");
});

test("who sends without being permitted to is held up, and bounded", async () => {
  await using server = await start(10);
  const [ann, ben] = [await server.irc("ann"), await server.connect("ben")];
  const [most, taken] = [
    LIMITS.creditBytes + LIMITS.dccHeldBytesMax,
    Promise.withResolvers<void>(),
  ];
  let acked = 0;
  const piece = new Uint8Array(1024 * 1024);
  const more = (socket: Bun.Socket) => {
    while (socket.write(piece) > 0);
  };
  const listener = Bun.listen({
    hostname: host,
    port: 0,
    socket: {
      open: more,
      drain: more,
      data(_, chunk) {
        acked = Buffer.from(chunk).readUInt32BE(chunk.length - 4);
        if (acked >= most) taken.resolve();
      },
    },
  });
  // Ben accepts, and permits no more than what one has to begin with.
  ben.on((event) => {
    if (event.type === "offered") permit(ben, event.offer.transfer);
  });
  ann.send(`PRIVMSG ben :${send(`x ${own} ${listener.port} ${2 ** 40}`)}`);
  await taken.promise;
  for (let round = 0; round < 20; round++) await ann.fence();
  // One more chunk may come when it is paused.
  expect(acked).toBeLessThan(most + 2 * 1024 * 1024);
  listener.stop(true);
});

test("who does not read what it is sent is sent no more, and the sender is told", async () => {
  await using server = await start(10);
  const [ann, ben] = [await server.irc("ann"), await server.connect("ben")];
  const isSend = (line: string) => line.includes("\x01DCC SEND ");
  const size = 16 * 1024 * 1024;
  let sent = 0;
  const source = new Blob([new Uint8Array(size)]);
  const over = ben.send("ann@paris", source, {
    name: "x",
    onProgress: ({ bytes }) => void (sent = bytes),
  });
  over.catch(() => {}); // looked at below
  await ann.until(isSend);
  const words = (ann.lines.find(isSend) ?? "").split(" ");
  const first = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: host,
    port: Number(words[words.indexOf(own) + 1]),
    socket: {
      data(one) {
        one.pause();
        first.resolve();
      },
    },
  });
  await first.promise;
  for (let round = 0; round < 20; round++) await ann.fence();
  // The systems at both ends hold some megabytes; all else waits at its sender's.
  expect(sent).toBeLessThan(size / 2);
  socket.terminate();
  expect(over).rejects.toMatchObject({ code: "TRANSFER_CANCELLED" });
  await over.catch(() => {});
});

test("a client that leaves frees its port, and the sender is told", async () => {
  await using server = await start(1);
  const [ann, ben] = [await server.irc("ann"), await server.connect("ben")];
  const offer = { to: "ann@paris", name: "../../x", size: 10 };
  const failed = new Promise<string>((resolve) => {
    ben.on((event) => void (event.type === "failed" && resolve(event.code)));
  });
  await ben.request("offer", offer);
  const isSend = (line: string) => line.includes("\x01DCC SEND ") && line.endsWith(" 10\x01");
  await ann.until(isSend);
  ann.close();
  expect(await failed).toBe("TRANSFER_INTERRUPTED");
  const cleo = await server.irc("cleo");
  await ben.request("offer", { ...offer, to: "cleo@paris" });
  await cleo.until(isSend);
  // All ports are in use now.
  const told = new Promise<string>((resolve) => {
    ben.on((event) => void (event.type === "failed" && resolve(event.text)));
  });
  await ben.request("offer", { ...offer, to: "cleo@paris" });
  expect(await told).toBe("no port is free for it here");
});

describe("connections beside a client's", () => {
  const connection = { remote: "[2001:db8::7]:5" } as Connection; // no more of it is looked at
  const wireFrom = (remote: string, closed: string[]) =>
    ({ remote, bound() {}, close: (why: string) => void closed.push(why) }) as unknown as Wire;

  test("are the client's alone", async () => {
    const accept = Promise.withResolvers<(wire: Wire) => WireHandlers>();
    const listen: Net["listen"] = async (at, take) => {
      accept.resolve(take);
      return { ...at, close() {} };
    };
    const beside = createBeside({ listen } as Net); // nothing else is asked of it
    let taken = 0;
    await beside.listenBeside({ connection, host, port: 1 }, () => {
      taken++;
      return { data() {}, closed() {} };
    });
    const take = await accept.promise;
    const closed: string[] = [];
    take(wireFrom("[2001:db8::8]:5", closed));
    await Promise.resolve();
    expect([taken, closed.length]).toEqual([0, 1]);
    take(wireFrom("[2001:db8::7]:99", closed));
    expect([taken, closed.length]).toEqual([1, 1]);
  });

  test("are called at the client's address, and at no port of the system's", async () => {
    const called: string[] = [];
    const dial: Net["dial"] = async (at) => void called.push(`${at.host} ${at.port}`);
    const beside = createBeside({ dial } as Net); // nothing else is asked of it
    const opened = () => ({ data() {}, closed() {} });
    await beside.dialBeside({ connection, port: 1024 }, opened);
    for (const port of [0, 22, 1023, 65_536, 1.5, Number.NaN])
      expect(beside.dialBeside({ connection, port }, opened)).rejects.toThrow("port");
    for (const remote of ["127.0.0.1:5", "127.9.9.9:5", "[::1]:5"]) {
      const local = { connection: { remote } as Connection, port: 5000 };
      expect(beside.dialBeside(local, opened)).rejects.toThrow("this machine");
    }
    expect(called).toEqual(["2001:db8::7 1024"]);
  });
});
