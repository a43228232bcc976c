// Files through the client, with a server that behaves.

import { describe, expect, test } from "bun:test";
import { readdir, readlink, symlink, truncate } from "node:fs/promises";
import { join } from "node:path";
import { LIMITS } from "../../src/limits.ts";
import { bytesOf, makeFolder, receive } from "./files.ts";
import { enter, type Guest, offerOf, sha256, startPeer, transferId } from "./peer.ts";

/** Takes chunks until `size` bytes are there, and returns them; renews the credit at each. */
async function collect({ visitor }: Guest, size: number): Promise<Uint8Array> {
  const all = new Uint8Array(size);
  for (let at = 0; at < size;) {
    const heard = await visitor.heard.take();
    expect(heard).toMatchObject({ name: "chunk", value: { transfer: transferId, offset: at } });
    all.set(heard.bytes, at);
    at += heard.bytes.length;
    visitor.send("credit", { transfer: transferId, upTo: at + LIMITS.creditBytes });
  }
  return all;
}

const accepted = (upTo: number) => ({ transfer: transferId, offset: 0, upTo });

describe("receiving", () => {
  test("a file gets its name when all of it is there and its hash is right", async () => {
    const guest = await enter(await startPeer());
    const folder = await makeFolder();
    const bytes = bytesOf(100_000);
    const { received } = await receive(guest, folder, { size: bytes.length });
    guest.visitor.chunk(transferId, 0, bytes.subarray(0, 65_536));
    guest.visitor.chunk(transferId, 65_536, bytes.subarray(65_536));
    guest.visitor.send("finished", { transfer: transferId, sha256: sha256(bytes) });
    expect(await received).toEqual({
      transfer: transferId,
      path: join(folder, "a.txt"),
      size: bytes.length,
      sha256: sha256(bytes),
    });
    expect(await guest.visitor.expect("done")).toMatchObject({ sha256: sha256(bytes) });
    expect(await Bun.file(join(folder, "a.txt")).bytes()).toEqual(bytes);
    expect(await readdir(folder)).toEqual(["a.txt"]);
  });

  test("the end may be told before the last bytes have come", async () => {
    const guest = await enter(await startPeer());
    const bytes = bytesOf(10);
    const { received } = await receive(guest, await makeFolder(), { size: bytes.length });
    guest.visitor.send("finished", { transfer: transferId, sha256: sha256(bytes) });
    guest.visitor.chunk(transferId, 0, bytes);
    expect((await received).sha256).toBe(sha256(bytes));
  });

  test("an empty file arrives", async () => {
    const guest = await enter(await startPeer());
    const folder = await makeFolder();
    const { received } = await receive(guest, folder, { size: 0 });
    guest.visitor.send("finished", { transfer: transferId, sha256: sha256(new Uint8Array()) });
    const { path } = await received;
    expect(await Bun.file(path).text()).toBe("");
  });

  test("credit is renewed as bytes are written, and never beyond the file", async () => {
    const guest = await enter(await startPeer());
    const size = LIMITS.creditBytes * 2;
    const bytes = bytesOf(size);
    const { received } = await receive(guest, await makeFolder(), { size });
    let upTo: number = LIMITS.creditBytes;
    for (let at = 0; at < size; at += LIMITS.chunkBytesMax) {
      while (upTo < at + LIMITS.chunkBytesMax) {
        upTo = Number((await guest.visitor.expect("credit"))["upTo"]);
        expect(upTo).toBeLessThanOrEqual(size);
      }
      guest.visitor.chunk(transferId, at, bytes.subarray(at, at + LIMITS.chunkBytesMax));
    }
    guest.visitor.send("finished", { transfer: transferId, sha256: sha256(bytes) });
    expect((await received).sha256).toBe(sha256(bytes));
  });

  test("a file of that name stays as it is: the new one is called (2)", async () => {
    const guest = await enter(await startPeer());
    const folder = await makeFolder();
    await Bun.write(join(folder, "a.txt"), "mine");
    await Bun.write(join(folder, "a (2).txt"), "mine, too");
    const { received } = await receive(guest, folder, { size: 0 });
    guest.visitor.send("finished", { transfer: transferId, sha256: sha256(new Uint8Array()) });
    expect((await received).path).toBe(join(folder, "a (3).txt"));
    expect(await Bun.file(join(folder, "a.txt")).text()).toBe("mine");
    expect(await Bun.file(join(folder, "a (2).txt")).text()).toBe("mine, too");
  });

  test("a link in the folder is neither followed nor replaced", async () => {
    const guest = await enter(await startPeer());
    const folder = await makeFolder();
    const outside = join(await makeFolder(), "outside.txt");
    await Bun.write(outside, "untouched");
    await symlink(outside, join(folder, "a.txt"));
    await symlink(`${outside}.new`, join(folder, "a (2).txt"));
    const bytes = bytesOf(5);
    const { received } = await receive(guest, folder, { size: bytes.length });
    guest.visitor.chunk(transferId, 0, bytes);
    guest.visitor.send("finished", { transfer: transferId, sha256: sha256(bytes) });
    expect((await received).path).toBe(join(folder, "a (3).txt"));
    expect(await Bun.file(outside).text()).toBe("untouched");
    expect(await Bun.file(`${outside}.new`).exists()).toBe(false);
    expect(await readlink(join(folder, "a.txt"))).toBe(outside);
  });

  test("aborting cancels with its reason and leaves nothing behind", async () => {
    const guest = await enter(await startPeer());
    const folder = await makeFolder();
    const abort = new AbortController();
    const { received } = await receive(guest, folder, { size: 10 }, { signal: abort.signal });
    guest.visitor.chunk(transferId, 0, bytesOf(3));
    abort.abort("changed my mind");
    expect(received).rejects.toMatchObject({ code: "TRANSFER_CANCELLED" });
    expect(await guest.visitor.expect("cancel")).toMatchObject({ reason: "changed my mind" });
    await received.catch(() => undefined);
    expect(await readdir(folder)).toEqual([]);
  });

  test("where the disk has too little room, the offer is rejected without our paths", async () => {
    const { client, visitor } = await enter(await startPeer());
    const folder = await makeFolder();
    const receiving = client.receive(offerOf("huge", LIMITS.fileBytesMax), folder);
    expect(receiving).rejects.toMatchObject({ code: "FILE_UNWRITABLE" });
    const { reason } = await visitor.expect("reject");
    expect(reason).toBe("the receiver cannot write it");
  });
});

describe("sending", () => {
  test("a file is offered by its clean name, and sent as far as the credit goes", async () => {
    const guest = await enter(await startPeer());
    const path = join(await makeFolder(), "plan.txt");
    const bytes = bytesOf(LIMITS.creditBytes + 1000);
    await Bun.write(path, bytes);
    const sending = guest.client.send("bob@paris", path);
    const offer = await guest.visitor.answer("offer", { transfer: transferId });
    expect(offer).toMatchObject({ to: "bob@paris", name: "plan.txt", size: bytes.length });
    expect(offer["mediaType"]).toBe("text/plain");
    guest.visitor.send("accepted", accepted(LIMITS.creditBytes));
    expect(await collect(guest, bytes.length)).toEqual(bytes);
    const finish = await guest.visitor.expect("finish");
    expect(finish).toEqual({ transfer: transferId, sha256: sha256(bytes) });
    guest.visitor.send("done", finish);
    expect(await sending).toMatchObject({ name: "plan.txt", sha256: sha256(bytes) });
  });

  test("an acceptance in the same packet as the answer to the offer is not missed", async () => {
    const guest = await enter(await startPeer());
    const sending = guest.client.send("bob@paris", new Blob(["hello"]), { name: "a.txt" });
    const { ref } = await guest.visitor.expect("offer");
    guest.visitor.sendAll(["ack", { ref, transfer: transferId }], ["accepted", accepted(5)]);
    expect(await collect(guest, 5)).toEqual(new TextEncoder().encode("hello"));
    const finish = await guest.visitor.expect("finish");
    guest.visitor.send("done", finish);
    await sending;
  });

  test("an acceptance that overtakes the answer to the offer is not missed", async () => {
    const guest = await enter(await startPeer());
    const sending = guest.client.send("bob@paris", new Blob(["hello"]));
    const { ref } = await guest.visitor.expect("offer");
    guest.visitor.sendAll(["accepted", accepted(5)], ["ack", { ref, transfer: transferId }]);
    expect(await collect(guest, 5)).toEqual(new TextEncoder().encode("hello"));
    const finish = await guest.visitor.expect("finish");
    guest.visitor.send("done", finish);
    await sending;
  });

  test("nor is one that overtakes it behind the news of another's offer", async () => {
    const guest = await enter(await startPeer());
    const sending = guest.client.send("bob@paris", new Blob(["hello"]));
    const { ref } = await guest.visitor.expect("offer");
    const withdrawn = { transfer: "f".repeat(32), code: "TRANSFER_CANCELLED", text: "no" };
    guest.visitor.sendAll(
      ["failed", withdrawn],
      ["accepted", accepted(5)],
      ["ack", { ref, transfer: transferId }],
    );
    expect(await collect(guest, 5)).toEqual(new TextEncoder().encode("hello"));
    guest.visitor.send("done", await guest.visitor.expect("finish"));
    await sending;
  });

  test("nor is a rejection that overtakes it", async () => {
    const guest = await enter(await startPeer());
    const sending = guest.client.send("bob@paris", new Blob(["hello"]));
    const { ref } = await guest.visitor.expect("offer");
    const refusal = { transfer: transferId, code: "TRANSFER_REJECTED", text: "no" };
    guest.visitor.sendAll(["failed", refusal], ["ack", { ref, transfer: transferId }]);
    expect(sending).rejects.toMatchObject({ code: "TRANSFER_REJECTED" });
    await sending.catch(() => undefined);
  });

  test("an empty file is finished at once", async () => {
    const guest = await enter(await startPeer());
    const sending = guest.client.send("bob@paris", new Blob([]));
    await guest.visitor.answer("offer", { transfer: transferId });
    guest.visitor.send("accepted", accepted(0));
    const finish = await guest.visitor.expect("finish");
    guest.visitor.send("done", finish);
    expect(await sending).toMatchObject({ size: 0, sha256: sha256(new Uint8Array()) });
  });

  test("a receiver that has a part is sent the rest, under the hash of the whole", async () => {
    const guest = await enter(await startPeer());
    const bytes = bytesOf(200_000);
    const sending = guest.client.send("bob@paris", new Blob([bytes]));
    await guest.visitor.answer("offer", { transfer: transferId });
    guest.visitor.send("accepted", { transfer: transferId, offset: 150_000, upTo: 200_000 });
    const first = await guest.visitor.heard.take();
    expect(first.value["offset"]).toBe(150_000);
    expect(first.bytes).toEqual(bytes.slice(150_000));
    const finish = await guest.visitor.expect("finish");
    expect(finish["sha256"]).toBe(sha256(bytes));
    guest.visitor.send("done", finish);
    await sending;
  });

  test("a rejection rejects with the other side's reason", async () => {
    const guest = await enter(await startPeer());
    const sending = guest.client.send("bob@paris", new Blob(["x"]));
    await guest.visitor.answer("offer", { transfer: transferId });
    const refusal = { transfer: transferId, code: "TRANSFER_REJECTED", text: "no, thanks" };
    guest.visitor.send("failed", refusal);
    expect(sending).rejects.toMatchObject({ code: "TRANSFER_REJECTED", message: "no, thanks" });
    expect(await guest.events.take()).toEqual({ type: "failed", ...refusal });
  });

  test("a missing file, a folder and a pipe are refused without an offer", async () => {
    const { client } = await enter(await startPeer());
    const folder = await makeFolder();
    expect(client.send("bob@paris", join(folder, "none"))).rejects.toThrow("no such file");
    expect(client.send("bob@paris", folder)).rejects.toThrow("this is a folder");
    const made = Bun.spawnSync(["mkfifo", join(folder, "pipe")]);
    expect(made.success).toBe(true);
    expect(client.send("bob@paris", join(folder, "pipe"))).rejects.toMatchObject({
      code: "FILE_UNREADABLE",
    });
  });

  test("a file that shrinks while it is read is cancelled, and not finished", async () => {
    const guest = await enter(await startPeer());
    const path = join(await makeFolder(), "shrinks");
    await Bun.write(path, bytesOf(LIMITS.creditBytes * 2));
    const sending = guest.client.send("bob@paris", path);
    await guest.visitor.answer("offer", { transfer: transferId });
    guest.visitor.send("accepted", accepted(LIMITS.chunkBytesMax));
    await guest.visitor.expect("chunk");
    await truncate(path, LIMITS.chunkBytesMax);
    guest.visitor.send("credit", { transfer: transferId, upTo: LIMITS.creditBytes * 2 });
    expect(sending).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
    expect(await guest.visitor.expect("cancel")).toMatchObject({ code: "FILE_UNREADABLE" });
  });

  test("a file that changes while it is read is cancelled, and not finished", async () => {
    const guest = await enter(await startPeer());
    const path = join(await makeFolder(), "changes");
    const size = LIMITS.chunkBytesMax * 2;
    await Bun.write(path, bytesOf(size));
    const sending = guest.client.send("bob@paris", path);
    await guest.visitor.answer("offer", { transfer: transferId });
    guest.visitor.send("accepted", accepted(LIMITS.chunkBytesMax));
    await guest.visitor.expect("chunk");
    await Bun.write(path, bytesOf(size));
    guest.visitor.send("credit", { transfer: transferId, upTo: size });
    expect(sending).rejects.toThrow("it was changed while it was read");
    await guest.visitor.expect("chunk");
    expect(await guest.visitor.expect("cancel")).toMatchObject({ code: "FILE_UNREADABLE" });
  });

  test("a stream that ends before its size is cancelled", async () => {
    const guest = await enter(await startPeer());
    const stream = new Blob(["short"]).stream();
    const sending = guest.client.send("bob@paris", { name: "s", size: 6, stream });
    await guest.visitor.answer("offer", { transfer: transferId });
    guest.visitor.send("accepted", accepted(6));
    expect(sending).rejects.toThrow("it ends at byte 5 of 6");
    await guest.visitor.expect("chunk");
    await guest.visitor.expect("cancel");
  });

  test("to oneself that a server gives up ends at both ends", async () => {
    const guest = await enter(await startPeer());
    const folder = await makeFolder();
    const sending = guest.client.send("ann@paris", new Blob(["hello"]));
    await guest.visitor.answer("offer", { transfer: transferId });
    const { received } = await receive(guest, folder, { size: 5 });
    const failed = { transfer: transferId, code: "TRANSFER_INTERRUPTED", text: "nothing moved" };
    guest.visitor.sendAll(["failed", failed], ["failed", failed]);
    expect(sending).rejects.toMatchObject({ message: "nothing moved" });
    expect(received).rejects.toMatchObject({ message: "nothing moved" });
    await Promise.allSettled([sending, received]);
    expect(await readdir(folder)).toEqual([]);
  });

  test("a lost connection interrupts what is under way, not what was only offered", async () => {
    const peer = await startPeer();
    const guest = await enter(peer);
    const sending = guest.client.send("bob@paris", new Blob(["hello"]));
    await guest.visitor.answer("offer", { transfer: transferId });
    guest.visitor.send("accepted", accepted(1));
    await guest.visitor.expect("chunk");
    const other = guest.client.send("bob@paris", new Blob(["later"]));
    const otherId = "f".repeat(32);
    await guest.visitor.answer("offer", { transfer: otherId });
    guest.visitor.close();
    expect(sending).rejects.toMatchObject({ code: "TRANSFER_INTERRUPTED" });
    const again = await peer.visitors.take();
    await again.welcome({ resumed: true });
    expect(await again.expect("cancel")).toMatchObject({ transfer: transferId });
    again.send("accepted", { transfer: otherId, offset: 0, upTo: 5 });
    await again.expect("chunk");
    const finish = await again.expect("finish");
    again.send("done", finish);
    expect(await other).toMatchObject({ transfer: otherId });
  });
});
