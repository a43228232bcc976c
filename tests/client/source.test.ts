// What is sent: files by their blobs, and streams that are not as was said.

import { expect, test } from "bun:test";
import { truncate } from "node:fs/promises";
import { join } from "node:path";
import { openSource } from "../../src/client/source.ts";
import { bytesOf, makeFolder } from "./files.ts";
import { enter, startPeer, transferId } from "./peer.ts";

const refusalOf = (done: Promise<unknown>) => done.catch((thrown: unknown) => thrown);

test("a blob of a file that is missing, or of a folder, is refused as its path is", async () => {
  const folder = await makeFolder();
  const missing = await refusalOf(openSource(Bun.file(join(folder, "none"))));
  expect(missing).toMatchObject({ code: "FILE_UNREADABLE" });
  expect(String(missing)).toContain("/none: no such file");
  const other = await refusalOf(openSource(Bun.file(folder)));
  expect(String(other)).toContain("expected a file, this is a folder");
});

test("a blob of a file that changes while it is read is not taken for what it was", async () => {
  const path = join(await makeFolder(), "a");
  await Bun.write(path, bytesOf(10));
  for (const blob of [Bun.file(path), Bun.file(path).slice(2, 5)]) {
    await Bun.write(path, bytesOf(10));
    const source = await openSource(blob);
    await source.verify();
    await truncate(path, 9);
    expect(String(await refusalOf(source.verify()))).toContain("it was changed while it was read");
  }
});

test.if(process.platform === "linux")(
  "a file that says it is empty, and is not, is refused and not sent as an empty one",
  async () => {
    expect(String(await refusalOf(openSource("/proc/self/status")))).toContain("send a copy of it");
  },
);

test("blobs in memory need no file of their name", async () => {
  const source = await openSource(new File(["abc"], "none.txt"));
  expect([source.name, source.size]).toEqual(["none.txt", 3]);
  await source.verify();
});

test("a stream may end by a piece without bytes", async () => {
  const pieces = [bytesOf(3), new Uint8Array(0)];
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(piece);
    },
  });
  const source = await openSource({ name: "s", size: 3, stream });
  expect(await source.read([new Uint8Array(3)])).toBe(3);
  await source.verify();
});

test("a stream that gives nothing is let go when its transfer ends", async () => {
  const { client, visitor } = await enter(await startPeer());
  const [asked, letGo] = [Promise.withResolvers<void>(), Promise.withResolvers<unknown>()];
  const stream = new ReadableStream<Uint8Array>(
    {
      pull() {
        asked.resolve();
        return new Promise(() => undefined);
      },
      cancel: letGo.resolve,
    },
    { highWaterMark: 0 },
  );
  const abort = new AbortController();
  const sending = client.send("bob@paris", { name: "s", size: 3, stream }, abort);
  await visitor.answer("offer", { transfer: transferId });
  visitor.send("accepted", { transfer: transferId, offset: 0, upTo: 3 });
  await asked.promise;
  abort.abort("enough");
  expect(await refusalOf(sending)).toMatchObject({ code: "TRANSFER_CANCELLED" });
  await letGo.promise;
});

test("what is cancelled before it is offered is offered to nobody", async () => {
  const { client, visitor } = await enter(await startPeer());
  const signal = AbortSignal.abort("too late");
  const sending = client.send("bob@paris", new Blob(["hello"]), { signal });
  expect(await refusalOf(sending)).toMatchObject({ code: "TRANSFER_CANCELLED" });
  client.request("fusion", {}).catch(() => undefined); // nobody answers
  await visitor.expect("fusion");
});
