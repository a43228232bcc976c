// Files of IRC clients: DCC SEND in both directions, with native people and with each other.

import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client } from "../../src/client.ts";
import type { IrcClient } from "./irc.ts";
import { portRange, startIrc } from "./irc.ts";

const host = "127.0.0.1";
const start = () => startIrc({ dcc: { host, ports: portRange(100), loopback: true } });
const dcc = (text: string) => `\x01DCC ${text}\x01`;
const own = "2130706433"; // 127.0.0.1

/** Bytes that are not all alike, of no round number. */
const content = (size: number) => Uint8Array.from({ length: size }, (_, at) => (at * 7) % 251);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** An IRC client's end that gives a file to whoever comes. */
function serve(bytes: Uint8Array) {
  const acks: number[] = [];
  const closed = Promise.withResolvers<void>();
  const listener = Bun.listen<{ at: number }>({
    hostname: host,
    port: 0,
    data: { at: 0 },
    socket: {
      open: (socket) => void (socket.data = { at: socket.write(bytes) }),
      drain(socket) {
        socket.data.at += socket.write(bytes.subarray(socket.data.at));
      },
      data: (_, chunk) => void acks.push(Buffer.from(chunk).readUInt32BE(chunk.length - 4)),
      close: () => closed.resolve(),
    },
  });
  return { port: listener.port, acks, closed: closed.promise, stop: () => listener.stop(true) };
}

/** An IRC client's end that fetches a file, and says what it has. */
async function fetchFrom(port: number, size: number, says = true): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let came = 0;
  const ended = Promise.withResolvers<void>();
  await Bun.connect({
    hostname: host,
    port,
    socket: {
      data(socket, chunk) {
        parts.push(chunk.slice());
        came += chunk.length;
        const ack = Buffer.alloc(4);
        ack.writeUInt32BE(came);
        if (says) socket.write(ack);
        else if (came === size) socket.end();
      },
      close: () => ended.resolve(),
    },
  });
  await ended.promise;
  return Buffer.concat(parts);
}

async function sendOf(client: IrcClient): Promise<{ port: number; size: number; line: string }> {
  const isSend = (line: string) => line.includes("\x01DCC SEND ");
  await client.until(isSend);
  const line = client.lines.find(isSend) ?? "";
  const words = line.slice(0, -1).split(" ");
  const at = words.indexOf(own);
  return { port: Number(words[at + 1]), size: Number(words[at + 2]), line };
}

const folder = () => mkdtemp(join(tmpdir(), "chatfusion-dcc-"));
/** The next file that is offered to a native client is taken. */
const takes = (client: Client, into: string) =>
  new Promise<string>((resolve, reject) => {
    client.on((event) => {
      if (event.type !== "offered") return;
      client.receive(event.offer, into).then(({ path }) => resolve(path), reject);
    });
  });

describe("a file", () => {
  for (const size of [0, 1, 70_000, 5_000_000])
    test(`of ${size} bytes goes from an IRC client to a native one`, async () => {
      await using server = await start();
      const [ann, ben] = [await server.irc("ann"), await server.connect("ben")];
      const into = await folder();
      const bytes = content(size);
      const file = serve(bytes);
      const taken = takes(ben, into);
      ann.send(`PRIVMSG ben :${dcc(`SEND "my file.bin" ${own} ${file.port} ${size}`)}`);
      const path = await taken;
      expect(sha256(await readFile(path))).toBe(sha256(bytes));
      expect(path).toEndWith("my file.bin");
      await ann.until((line) => line.endsWith("NOTICE ann :my file.bin to ben: it has arrived"));
      await file.closed;
      if (size > 0) expect(file.acks.at(-1)).toBe(size);
      file.stop();
      await rm(into, { recursive: true });
    });

  test("of somebody elsewhere goes by a nick that may stand in a file's name", async () => {
    await using paris = await startIrc({
      name: "paris",
      dcc: { host, ports: portRange(100), loopback: true },
    });
    await using lyon = await startIrc({ name: "lyon" });
    await paris.run("merge", `${lyon.host}:${lyon.port}`);
    const [ann, ben] = [await paris.irc("ann"), await lyon.connect("ben")];
    const from = await folder();
    await writeFile(join(from, "a.bin"), content(1000));
    const sent = ben.send("ann@paris", join(from, "a.bin"));
    const { port, size, line } = await sendOf(ann);
    expect(line).toStartWith(":ben@lyon!~guest@lyon PRIVMSG ann :\x01DCC SEND a.bin ");
    await fetchFrom(port, size);
    await sent;
    await rm(from, { recursive: true });
  });

  for (const says of [true, false])
    test(`goes to an IRC client that ${says ? "says what it has" : "closes"}`, async () => {
      await using server = await start();
      const [ann, ben] = [await server.irc("ann"), await server.connect("ben")];
      const from = await folder();
      const bytes = content(3_000_000);
      await writeFile(join(from, "a b.bin"), bytes);
      const sent = ben.send("ann@paris", join(from, "a b.bin"));
      const { port, size, line } = await sendOf(ann);
      expect(line).toStartWith(':ben!~guest@paris PRIVMSG ann :\x01DCC SEND "a b.bin" ');
      expect(sha256(await fetchFrom(port, size, says))).toBe(sha256(bytes));
      expect(await sent).toMatchObject({ sha256: sha256(bytes) });
      await ann.until((one) => one.endsWith(": it has arrived, and is what was sent"));
      await rm(from, { recursive: true });
    });

  test("goes from one IRC client to another, who is behind a router (passive)", async () => {
    await using server = await start();
    const [ann, ben] = [await server.irc("ann"), await server.irc("ben")];
    const bytes = content(200_000);
    ann.send(`PRIVMSG ben :${dcc(`SEND x.bin ${own} 0 ${bytes.length} 17`)}`);
    const { port, size } = await sendOf(ben);
    const fetched = fetchFrom(port, size);
    const { port: to, line } = await sendOf(ann);
    expect(line).toEndWith(` ${size} 17\x01`);
    const socket = await Bun.connect<{ at: number }>({
      hostname: host,
      port: to,
      data: { at: 0 },
      socket: {
        data() {},
        drain(one) {
          one.data.at += one.write(bytes.subarray(one.data.at));
        },
      },
    });
    socket.data.at += socket.write(bytes.subarray(socket.data.at));
    expect(sha256(await fetched)).toBe(sha256(bytes));
    await ann.until((one) => one.endsWith(": it has arrived"));
  });
});

test("without dcc a file is told of, and DCC goes between clients as it came", async () => {
  await using server = await startIrc();
  const [ann, ben] = [await server.irc("ann"), await server.irc("ben")];
  ann.send(`PRIVMSG ben :${dcc(`SEND x ${own} 5000 10`)}`);
  await ben.until(
    (line) => line === `:ann!~ann@paris PRIVMSG ben :${dcc(`SEND x ${own} 5000 10`)}`,
  );
  const cleo = await server.connect("cleo");
  const sent = cleo.send("ben@paris", new Blob(["abc"]), { name: "x.txt" });
  await ben.until((line) => line.includes("which IRC cannot take here: x.txt (3 bytes)"));
  const refused = await sent.catch((thrown: unknown) => thrown);
  expect(refused).toMatchObject({ code: "TRANSFER_REJECTED" });
  expect(String(refused)).toContain("they chat by IRC");
});

test("a file that was to go on with somebody else is refused, and shown to nobody", async () => {
  for (const options of [{}, { dcc: { host, ports: portRange(100), loopback: true } }]) {
    await using server = await startIrc(options);
    const ben = await server.irc("ben");
    const cleo = await server.connect("cleo");
    const failed = new Promise((resolve) => {
      cleo.on((event) => event.type === "failed" && resolve(event.code));
    });
    const file = { to: "ben@paris", name: "x.txt", size: 3 };
    await cleo.request("offer", { ...file, sending: "5e".repeat(16), again: true });
    expect(await failed).toBe("TRANSFER_REJECTED");
    await ben.fence();
    expect(ben.lines.join()).not.toContain("x.txt");
  }
});
