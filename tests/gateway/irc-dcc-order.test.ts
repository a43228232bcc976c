// Files of IRC clients of which things are told in another order than usual: the last bytes behind
// the end, as from another server; an acceptance before the answer to the offer.

import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { type Beside, type BesideHandlers, definePlugin } from "chatfusion";
import type { Client } from "../../plugins/gateway-irc/client.ts";
import { Delivery } from "../../plugins/gateway-irc/delivery.ts";
import { CHUNK_HEAD_BYTES, writeChunkHead } from "../../src/protocol/transfer.ts";
import { portRange, startIrc } from "./irc.ts";

const host = "127.0.0.1";
const own = "2130706433";
const transfer = "0123456789abcdef".repeat(2);
const bytes = new TextEncoder().encode("hello");
const sha256 = createHash("sha256").update(bytes).digest("hex");

/** A delivery to a client that comes at once, and what is asked of the server for it. */
async function deliver(size: number) {
  const asked: string[] = [];
  let come: ((side: Beside) => BesideHandlers) | undefined;
  const client = {
    world: { names: { nick: (address: string) => address, mask: (address: string) => address } },
    files: {
      listen: (accept: typeof come) => {
        come = accept;
        return Promise.resolve({ address: host, port: 5000, close() {} });
      },
    },
    session: { request: (name: string) => void asked.push(name) },
    send() {},
  } as unknown as Client; // nothing else is looked at
  const offer = { transfer, from: "ben@lyon", to: "ann@paris", name: "a", size };
  const delivery = new Delivery(client, offer, () => undefined);
  await delivery.begin();
  const side = { send: () => true, queuedBytes: () => 0, close() {} } as unknown as Beside;
  const handlers = come?.(side);
  return { delivery, asked, closed: () => handlers?.closed("") };
}

function chunkOf(offset: number, part: Uint8Array) {
  const payload = new Uint8Array(CHUNK_HEAD_BYTES + part.length);
  writeChunkHead(payload, 0, transfer, offset);
  payload.set(part, CHUNK_HEAD_BYTES);
  return payload;
}

test("the end of a file may be told before its last bytes", async () => {
  const { delivery, asked, closed } = await deliver(bytes.length);
  delivery.chunk(chunkOf(0, bytes.subarray(0, 2)));
  delivery.finished(sha256);
  expect(asked).toEqual(["accept"]);
  delivery.chunk(chunkOf(2, bytes.subarray(2)));
  closed();
  expect(asked).toEqual(["accept", "done"]);
});

test("and what is not right is found out then", async () => {
  const { delivery, asked } = await deliver(bytes.length);
  delivery.finished(sha256);
  delivery.chunk(chunkOf(0, new TextEncoder().encode("jello")));
  expect(asked).toEqual(["accept", "cancel"]);
});

/** A history whose commits wait until they are let go. */
function slowLog() {
  const commits: (() => void)[] = [];
  const plugin = definePlugin({
    name: "log-slow",
    provides: ["history"],
    setup: () => ({
      history: {
        streams: () => [],
        append: () => new Promise<void>((resolve) => commits.push(resolve)),
        range: () => [],
        backlog: () => [],
        onward: () => [],
        since: () => undefined,
        search: () => ({ messages: [] }),
        redact() {},
      },
    }),
  })();
  return { commits, plugin };
}

for (const answer of ["accepted", "no, thanks"])
  test(`an offer is answered before its sender knows of it: ${answer}`, async () => {
    const { commits, plugin } = slowLog();
    const dcc = { host, ports: portRange(10), loopback: true };
    await using server = await startIrc({ dcc, plugins: [plugin] });
    const [ann, ben] = [await server.irc("ann"), await server.connect("ben")];
    const offered = new Promise<string>((resolve) => {
      ben.on((event) => {
        if (event.type === "offered") resolve(event.offer.transfer);
      });
    });
    // Its answer stands behind that of what was said, which waits for the log.
    const offer = `\x01DCC SEND a ${own} 5000 10\x01`;
    ann.send("JOIN #tea", "PRIVMSG #tea :look at this", `PRIVMSG ben :${offer}`);
    const id = await offered;
    if (answer === "accepted") await ben.request("accept", { transfer: id, offset: 0 });
    else await ben.reject({ transfer: id }, answer);
    for (const commit of commits.splice(0)) commit();
    await ann.until((line) => line.endsWith(`NOTICE ann :a to ben: ${answer}`));
  });
