// A file that is under way when a connection, a link or a server goes: it waits, goes on by itself,
// and arrives whole, between real programs.

import { afterAll, afterEach, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Relay, relayTo } from "./relay.ts";
import { type Line, type Program, type ServerProgram, Stage } from "./servers.ts";

const TEST_MS = 90_000;
const SIZE = 200_000_000;
const stage = new Stage();
const path = join(stage.folder, "talk.bin");
const sha256 = await makeFile();
const relays: Relay[] = [];

afterEach(() => {
  for (const relay of relays.splice(0)) relay.stop();
});
afterAll(() => stage.close());

test(
  "goes on when the sender's connection is back, and when the receiver's is",
  async () => {
    const paris = await stage.serve("paris");
    const [near, far] = [wire(paris), wire(paris)];
    const [ann, ben] = [await enter("ann", near), await enter("ben", far)];
    await send(ann, "ben@paris");
    for (const [relay, who] of [
      [near, ann],
      [far, ben],
    ] as const) {
      const marks = [ann.heard.lines.length, ben.heard.lines.length] as const;
      relay.cut();
      await who.when({ event: "connection", state: "lost" }, who === ann ? marks[0] : marks[1]);
      relay.open();
      await Promise.all([
        ann.when({ event: "resumed" }, marks[0]),
        ben.when({ event: "resumed" }, marks[1]),
      ]);
      // Some of it moves before the next cut.
      await ben.when({ event: "progress" }, ben.heard.lines.length);
    }
    await arrived(ann, ben);
  },
  TEST_MS,
);

test(
  "goes on over another link when a fusion was split, and heals",
  async () => {
    const [rome, nice] = await Promise.all([stage.serve("rome"), stage.serve("nice")]);
    const link = wire(nice);
    await rome.run(`merge 127.0.0.1:${link.port}`);
    const ann = await enter("ann", rome);
    const ben = await enter("ben", nice);
    await send(ann, "ben@nice");
    link.cut();
    await Promise.all([ann.when({ event: "paused" }), ben.when({ event: "paused" })]);
    link.open();
    await ben.when({ event: "resumed" });
    await arrived(ann, ben);
  },
  TEST_MS,
);

test(
  "goes on when the receiver's server was killed, and is started again",
  async () => {
    const [oslo, bern] = await Promise.all([stage.serve("oslo"), stage.serve("bern")]);
    await oslo.run(`merge ${bern.address}`);
    const ann = await enter("ann", oslo);
    const ben = await enter("ben", bern);
    await send(ann, "ben@bern");
    await bern.kill();
    await Promise.all([ann.when({ event: "paused" }), ben.when({ event: "paused" })]);
    await stage.serve("bern", { port: bern.port });
    await ben.when({ event: "resumed" });
    await arrived(ann, ben);
  },
  TEST_MS,
);

test(
  "goes on when the server of both was stopped, and is started again",
  async () => {
    const bonn = await stage.serve("bonn");
    const ann = await enter("ann", bonn);
    const ben = await enter("ben", bonn);
    await send(ann, "ben@bonn");
    bonn.signal("SIGTERM");
    await Promise.all([ann.when({ event: "paused" }), ben.when({ event: "paused" })]);
    await bonn.exited();
    await stage.serve("bonn", { port: bonn.port });
    await ben.when({ event: "resumed" });
    await arrived(ann, ben);
  },
  TEST_MS,
);

test(
  "is not gone on with by whoever has the nick when its receiver was killed",
  async () => {
    const graz = await stage.serve("graz");
    const ann = await enter("ann", graz);
    const ben = await enter("ben", graz);
    await send(ann, "ben@graz");
    await ben.kill();
    await ann.when({ event: "paused" });
    const [other, text] = [
      await enter("ben", graz),
      "its beginning is not there any more: send it again",
    ];
    await ann.when({
      event: "error",
      name: "talk.bin",
      to: "ben@graz",
      code: "TRANSFER_REJECTED",
      text,
    });
    expect(other.heard.all({ event: "offer" })).toEqual([]);
  },
  TEST_MS,
);

// --- internal ------------------------------------------------------------------------------------

/** Writes the file; resolves to its hash. */
async function makeFile(): Promise<string> {
  const part = crypto.getRandomValues(new Uint8Array(50_000));
  const bytes = new Uint8Array(SIZE);
  // No two parts are alike.
  for (let at = 0; at < SIZE; at += part.length) {
    part[at % part.length] = at % 251;
    bytes.set(part, at);
    new DataView(bytes.buffer, at).setUint32(0, at);
  }
  await Bun.write(path, bytes);
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

function wire(server: ServerProgram): Relay {
  const relay = relayTo(server.port);
  relays.push(relay);
  return relay;
}

const folderOf = (nick: string, port: number): string => join(stage.folder, `${nick}-${port}`);

/** Each in a folder of its own, and takes all that it is offered. */
async function enter(nick: string, { port }: { readonly port: number }): Promise<Program> {
  const words = ["--json", "--accept", "all", "--downloads", folderOf(nick, port)];
  const chat = stage.run("chat", `${nick}@127.0.0.1:${port}`, ...words);
  await chat.when({ event: "welcome" });
  return chat;
}

/** Resolves when some of the file is there. */
async function send(from: Program, to: string): Promise<void> {
  from.type(`/send ${to} ${path}`);
  await from.when({ event: "progress" });
}

/** The whole file is there, and nothing else; both sides know it, by one transfer. */
async function arrived(ann: Program, ben: Program): Promise<void> {
  const [sent, received] = await Promise.all([
    ann.when({ event: "sent" }),
    ben.when({ event: "received" }),
  ]);
  const offer: Line = await ben.when({ event: "offer" });
  expect(sent).toMatchObject({ sha256, transfer: offer["transfer"] });
  expect(received).toMatchObject({ sha256, transfer: offer["transfer"] });
  expect(ben.heard.all({ event: "offer" })).toHaveLength(1);
  const file = String(received["path"]);
  const bytes = await Bun.file(file).bytes();
  expect(new Bun.CryptoHasher("sha256").update(bytes).digest("hex")).toBe(sha256);
  expect(readdirSync(join(file, ".."))).toEqual(["talk.bin"]);
}
