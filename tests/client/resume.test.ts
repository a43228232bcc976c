// Files that were interrupted, and go on by another transfer (P41), with a server that behaves.

import { describe, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { ClientEvent, Progress, TransferOptions } from "../../src/client.ts";
import { LIMITS } from "../../src/limits.ts";
import { bytesOf, makeFolder, receive } from "./files.ts";
import { enter, type Guest, offerOf, proofOf, sha256, startPeer, transferId } from "./peer.ts";

const SENDING = "5e".repeat(16);
const RECEIVING = "4e".repeat(16);
const SECOND = "2".repeat(32);
const SIZE = 3 * LIMITS.chunkBytesMax;
const interrupted = (transfer = transferId) => ({
  transfer,
  code: "TRANSFER_INTERRUPTED",
  text: "lyon is gone",
});

/** Writes down when a transfer waits and goes on. */
function noteTurns() {
  const turns: string[] = [];
  const options: TransferOptions = {
    onPaused: ({ text }) => void turns.push(`waits: ${text}`),
    onResumed: ({ transfer, bytes }: Progress) => void turns.push(`on: ${transfer} ${bytes}`),
  };
  return { turns, options };
}

describe("sending", () => {
  /** A file of three chunks, of which the first one is on its way. */
  async function begin(guest: Guest, bytes: Uint8Array<ArrayBuffer>, known: object, more = {}) {
    const sending = guest.client.send("bob@lyon", new Blob([bytes]), more);
    sending.catch(() => undefined);
    const offer = await guest.visitor.answer("offer", { transfer: transferId });
    const upTo = LIMITS.chunkBytesMax;
    guest.visitor.send("accepted", { transfer: transferId, offset: 0, upTo, ...known });
    await guest.visitor.expect("chunk");
    return { sending, offer };
  }

  test("is offered again, and goes on with what the receiver lacks, under one hash", async () => {
    const guest = await enter(await startPeer());
    const bytes = bytesOf(SIZE);
    const { turns, options } = noteTurns();
    const { sending, offer } = await begin(guest, bytes, { receiving: RECEIVING }, options);
    expect(offer["again"]).toBeUndefined();
    guest.visitor.send("failed", interrupted());
    const again = await guest.visitor.answer("offer", { transfer: SECOND });
    expect(again).toMatchObject({ again: true, size: SIZE });
    expect(offer["sending"]).toHaveLength(32);
    expect(again["sending"]).toBe(proofOf(RECEIVING, "ann@paris"));
    const offset = 40_000;
    guest.visitor.send("accepted", {
      transfer: SECOND,
      offset,
      upTo: SIZE,
      receiving: proofOf(RECEIVING, SECOND),
    });
    const rest: number[] = [];
    for (let at = offset; at < SIZE;) {
      const { value, bytes: piece } = await guest.visitor.heard.take();
      expect(value).toMatchObject({ transfer: SECOND, offset: at });
      rest.push(...piece);
      at += piece.length;
    }
    expect(Uint8Array.from(rest)).toEqual(bytes.slice(offset));
    const finish = await guest.visitor.expect("finish");
    expect(finish).toEqual({ transfer: SECOND, sha256: sha256(bytes) });
    guest.visitor.send("done", finish);
    // By the id under which it was first offered, whatever it took.
    expect(await sending).toMatchObject({ transfer: transferId, sha256: sha256(bytes) });
    expect(turns).toEqual(["waits: lyon is gone", `on: ${transferId} ${offset}`]);
  });

  test("is tried again while the other side is away", async () => {
    const guest = await enter(await startPeer());
    const { sending } = await begin(guest, bytesOf(SIZE), { receiving: RECEIVING });
    guest.visitor.send("failed", interrupted());
    const { ref } = await guest.visitor.expect("offer");
    guest.visitor.send("error", { ref, code: "NO_SUCH_NICK", text: "bob@lyon: nobody" });
    expect(await guest.visitor.answer("offer", { transfer: SECOND })).toMatchObject({
      again: true,
    });
    guest.visitor.send("failed", { transfer: SECOND, code: "TRANSFER_REJECTED", text: "no" });
    expect(sending).rejects.toMatchObject({ code: "TRANSFER_REJECTED" });
    await sending.catch(() => undefined);
  });

  test("goes on with nobody who does not prove to have accepted it before", async () => {
    const third = "3".repeat(32);
    // By guess, by what was said before of another transfer, and by the secret itself.
    for (const receiving of [SENDING, proofOf(RECEIVING, third), RECEIVING, undefined]) {
      const guest = await enter(await startPeer());
      const { sending } = await begin(guest, bytesOf(SIZE), { receiving: RECEIVING });
      guest.visitor.send("failed", interrupted());
      await guest.visitor.answer("offer", { transfer: SECOND });
      guest.visitor.send("accepted", { transfer: SECOND, offset: 0, upTo: SIZE, receiving });
      expect(await guest.visitor.expect("cancel")).toMatchObject({ transfer: SECOND });
      expect(sending).rejects.toThrow("bob@lyon does not have its beginning: send it again");
      await sending.catch(() => undefined);
    }
  });

  test("ends where the receiver cannot go on", async () => {
    const guest = await enter(await startPeer());
    const { sending } = await begin(guest, bytesOf(SIZE), {});
    guest.visitor.send("failed", interrupted());
    expect(sending).rejects.toMatchObject({ code: "TRANSFER_INTERRUPTED" });
    await sending.catch(() => undefined);
  });

  test("of a stream, which is read once only, says of none that it could go on", async () => {
    const guest = await enter(await startPeer());
    const stream = new Blob(["hello"]).stream();
    const sending = guest.client.send("bob@lyon", { name: "s", size: 5, stream });
    sending.catch(() => undefined);
    const offer = await guest.visitor.answer("offer", { transfer: transferId });
    expect(offer["sending"]).toBeUndefined();
  });

  test("that is broken off while it waits is offered once more, and withdrawn", async () => {
    const guest = await enter(await startPeer());
    const abort = new AbortController();
    const onPaused = () => abort.abort("enough");
    const known = { receiving: RECEIVING };
    const more = { signal: abort.signal, onPaused };
    const { sending } = await begin(guest, bytesOf(SIZE), known, more);
    guest.visitor.send("failed", interrupted());
    expect(sending).rejects.toMatchObject({ code: "TRANSFER_CANCELLED", message: "enough" });
    await sending.catch(() => undefined);
    await guest.visitor.answer("offer", { transfer: SECOND });
    const receiving = proofOf(RECEIVING, SECOND);
    guest.visitor.send("accepted", { transfer: SECOND, offset: 0, upTo: SIZE, receiving });
    expect(await guest.visitor.expect("cancel")).toEqual({ transfer: SECOND, reason: "enough" });
    void guest.client.say("#lobby", "hello").catch(() => undefined);
    await guest.visitor.expect("say"); // no chunk
  });

  test("waits for a lost connection, and is offered as soon as it is back", async () => {
    const peer = await startPeer();
    const guest = await enter(peer);
    const { sending } = await begin(guest, bytesOf(SIZE), { receiving: RECEIVING });
    guest.visitor.close();
    const again = await peer.visitors.take();
    await again.welcome({ resumed: true });
    const cancel = { transfer: transferId, code: "TRANSFER_INTERRUPTED" };
    expect(await again.expect("cancel")).toMatchObject(cancel);
    expect(await again.expect("offer")).toMatchObject({ again: true });
    await guest.client.close();
    expect(sending).rejects.toMatchObject({ code: "CANNOT_CONNECT" });
    await sending.catch(() => undefined);
  });
});

describe("receiving", () => {
  /** By its sender, who has heard what the receiver said. */
  const offerAgain = (receiving: unknown, more: object = {}) => ({
    ...offerOf("a.txt", SIZE),
    sending: proofOf(String(receiving), "bob@paris"),
    transfer: SECOND,
    again: true,
    ...more,
  });

  /** A file of three chunks, of which the first one has come. */
  async function begin(bytes: Uint8Array, options: TransferOptions = {}) {
    const guest = await enter(await startPeer());
    const folder = await makeFolder();
    const offer = { size: SIZE, sending: SENDING };
    const { received, accept } = await receive(guest, folder, offer, options);
    guest.visitor.chunk(transferId, 0, bytes.subarray(0, LIMITS.chunkBytesMax));
    return { guest, folder, received, receiving: accept["receiving"] };
  }

  /** Takes frames until the answer that is expected: credits come in between. */
  const answered = async ({ visitor }: Guest, name: string) =>
    (await visitor.heard.until((heard) => heard.name === name)).value;

  test("accepts what is offered again by itself, from the byte that it lacks", async () => {
    const bytes = bytesOf(SIZE);
    const { turns, options } = noteTurns();
    const { guest, folder, received, receiving } = await begin(bytes, options);
    guest.visitor.send("failed", interrupted());
    guest.visitor.send("offered", offerAgain(receiving));
    const accept = await answered(guest, "accept");
    expect(accept).toMatchObject({
      transfer: SECOND,
      offset: LIMITS.chunkBytesMax,
      receiving: proofOf(String(receiving), SECOND),
    });
    guest.visitor.send("ack", { ref: accept["ref"], transfer: SECOND });
    for (let at = LIMITS.chunkBytesMax; at < SIZE; at += LIMITS.chunkBytesMax)
      guest.visitor.chunk(SECOND, at, bytes.subarray(at, at + LIMITS.chunkBytesMax));
    guest.visitor.send("finished", { transfer: SECOND, sha256: sha256(bytes) });
    const { path, transfer } = await received;
    expect(transfer).toBe(transferId);
    expect(await answered(guest, "done")).toEqual({ transfer: SECOND, sha256: sha256(bytes) });
    expect(await Bun.file(path).bytes()).toEqual(bytes);
    expect(await readdir(folder)).toEqual(["a.txt"]);
    expect(turns).toEqual(["waits: lyon is gone", `on: ${transferId} ${LIMITS.chunkBytesMax}`]);
  });

  test("tells nobody of an offer that is made again, nor of what only waits", async () => {
    const { guest, receiving } = await begin(bytesOf(SIZE));
    guest.visitor.send("failed", interrupted());
    guest.visitor.send("offered", offerAgain(receiving));
    await answered(guest, "accept");
    guest.visitor.send(
      "offered",
      offerAgain(receiving, { transfer: "3".repeat(32), sending: SENDING }),
    );
    expect(await answered(guest, "reject")).toMatchObject({ transfer: "3".repeat(32) });
    guest.visitor.send("offered", offerOf("b.txt", 1));
    const event: ClientEvent = await guest.events.take();
    expect(event).toMatchObject({ type: "offered", offer: { name: "b.txt" } });
  });

  test("goes on with nobody who says the same as its sender, under another nick", async () => {
    const { guest, receiving } = await begin(bytesOf(SIZE));
    guest.visitor.send("failed", interrupted());
    guest.visitor.send("offered", offerAgain(receiving, { from: "eve@paris" }));
    expect(await answered(guest, "reject")).toMatchObject({ transfer: SECOND });
    const sending = proofOf(String(receiving), "rob@paris");
    guest.visitor.send("offered", offerAgain(receiving, { from: "rob@paris", sending }));
    expect(await answered(guest, "accept")).toMatchObject({ transfer: SECOND });
  });

  test("says once more that it has all, where that word was lost", async () => {
    const bytes = bytesOf(SIZE);
    const { guest, received, receiving } = await begin(bytes);
    for (let at = LIMITS.chunkBytesMax; at < SIZE; at += LIMITS.chunkBytesMax)
      guest.visitor.chunk(transferId, at, bytes.subarray(at, at + LIMITS.chunkBytesMax));
    guest.visitor.send("finished", { transfer: transferId, sha256: sha256(bytes) });
    await received;
    await answered(guest, "done");
    guest.visitor.send("offered", offerAgain(receiving));
    const accept = await answered(guest, "accept");
    expect(accept).toMatchObject({ transfer: SECOND, offset: SIZE });
    guest.visitor.send("finished", { transfer: SECOND, sha256: sha256(bytes) });
    expect(await answered(guest, "done")).toEqual({ transfer: SECOND, sha256: sha256(bytes) });
  });

  test("refuses another file under the same sign, and keeps what it has", async () => {
    const { guest, folder, receiving } = await begin(bytesOf(SIZE));
    guest.visitor.send("failed", interrupted());
    guest.visitor.send("offered", offerAgain(receiving, { size: SIZE + 1 }));
    expect(await answered(guest, "reject")).toMatchObject({ transfer: SECOND });
    guest.visitor.send("offered", offerAgain(receiving, { transfer: "3".repeat(32) }));
    expect(await answered(guest, "accept")).toMatchObject({ transfer: "3".repeat(32) });
    expect(await readdir(folder)).toHaveLength(1);
  });

  test("that goes on with other bytes does not get its name", async () => {
    const bytes = bytesOf(SIZE);
    const { guest, folder, received, receiving } = await begin(bytes);
    guest.visitor.send("failed", interrupted());
    guest.visitor.send("offered", offerAgain(receiving));
    await answered(guest, "accept");
    const other = bytesOf(SIZE);
    for (let at = LIMITS.chunkBytesMax; at < SIZE; at += LIMITS.chunkBytesMax)
      guest.visitor.chunk(SECOND, at, other.subarray(at, at + LIMITS.chunkBytesMax));
    guest.visitor.send("finished", { transfer: SECOND, sha256: sha256(other) });
    expect(received).rejects.toMatchObject({ code: "HASH_MISMATCH" });
    await received.catch(() => undefined);
    expect(await readdir(folder)).toEqual([]);
  });

  test("that is broken off while it waits leaves nothing, and takes it no more", async () => {
    const abort = new AbortController();
    const onPaused = () => abort.abort("enough");
    const { guest, folder, received, receiving } = await begin(bytesOf(SIZE), {
      signal: abort.signal,
      onPaused,
    });
    guest.visitor.send("failed", interrupted());
    expect(received).rejects.toMatchObject({ code: "TRANSFER_CANCELLED", message: "enough" });
    await received.catch(() => undefined);
    expect(await readdir(folder)).toEqual([]);
    guest.visitor.send("offered", offerAgain(receiving));
    expect(await answered(guest, "reject")).toMatchObject({ transfer: SECOND, reason: "enough" });
  });

  test("that is broken off as it goes on is not accepted", async () => {
    for (const [told, names] of [
      ["onPaused", ["reject"]],
      ["onResumed", ["cancel", "reject"]],
    ] as const) {
      const abort = new AbortController();
      const { guest, received, receiving } = await begin(bytesOf(SIZE), {
        signal: abort.signal,
        [told]: () => abort.abort("enough"),
      });
      guest.visitor.send("offered", offerAgain(receiving));
      for (const name of names)
        expect(await guest.visitor.expect(name)).toMatchObject({
          transfer: SECOND,
          reason: "enough",
        });
      await received.catch(() => undefined);
      void guest.client.say("#lobby", "hello").catch(() => undefined);
      await guest.visitor.expect("say"); // it is not accepted
    }
  });

  test("waits on where it was offered again, and that came to nothing", async () => {
    const bytes = bytesOf(SIZE);
    const { guest, received, receiving } = await begin(bytes);
    guest.visitor.send("failed", interrupted());
    for (const [transfer, code] of [
      ["3".repeat(32), "UNREACHABLE"],
      ["4".repeat(32), "NO_SUCH_TRANSFER"],
    ] as const) {
      guest.visitor.send("offered", offerAgain(receiving, { transfer }));
      const { ref } = await answered(guest, "accept");
      guest.visitor.send("ack", { ref, transfer });
      guest.visitor.send("failed", { transfer, code, text: "no word from that server" });
    }
    guest.visitor.send("offered", offerAgain(receiving));
    await answered(guest, "accept");
    for (let at = LIMITS.chunkBytesMax; at < SIZE; at += LIMITS.chunkBytesMax)
      guest.visitor.chunk(SECOND, at, bytes.subarray(at, at + LIMITS.chunkBytesMax));
    guest.visitor.send("finished", { transfer: SECOND, sha256: sha256(bytes) });
    expect(await received).toMatchObject({ size: SIZE });
  });

  test("of a client that is closed leaves nothing behind", async () => {
    const { guest, folder, received } = await begin(bytesOf(SIZE));
    guest.visitor.send("failed", interrupted());
    guest.visitor.send("offered", offerOf("b.txt", 1)); // behind it
    await guest.events.take();
    await guest.client.close();
    expect(received).rejects.toMatchObject({ code: "CANNOT_CONNECT" });
    await received.catch(() => undefined);
    expect(await readdir(folder)).toEqual([]);
  });

  test("of one who leaves is told to the other side, who would wait for it", async () => {
    const { guest } = await begin(bytesOf(SIZE));
    const sending = guest.client.send("bob@lyon", new Blob(["hello"]));
    sending.catch(() => undefined);
    await answered(guest, "offer").then(({ ref }) =>
      guest.visitor.send("ack", { ref, transfer: SECOND }),
    );
    guest.visitor.send("offered", offerOf("b.txt", 1)); // behind it
    await guest.events.take();
    await guest.client.close();
    const reason = "ann@paris has left";
    expect(await answered(guest, "cancel")).toEqual({ transfer: SECOND, reason });
    expect(await answered(guest, "cancel")).toEqual({ transfer: transferId, reason });
  });

  test("of a client that does not come back does not say that it waits", async () => {
    const { turns, options } = noteTurns();
    const guest = await enter(await startPeer(), { reconnect: false });
    const offer = { size: SIZE, sending: SENDING };
    const { received } = await receive(guest, await makeFolder(), offer, options);
    guest.visitor.send("offered", offerOf("b.txt", 1)); // behind the answer
    await guest.events.take();
    guest.visitor.close();
    await received.catch(() => undefined);
    expect(turns).toEqual([]);
  });

  test("of one who does not offer it again ends at once", async () => {
    const guest = await enter(await startPeer());
    const folder = await makeFolder();
    const { received } = await receive(guest, folder, { size: SIZE });
    guest.visitor.send("failed", interrupted());
    expect(received).rejects.toMatchObject({ code: "TRANSFER_INTERRUPTED" });
    await received.catch(() => undefined);
    expect(await readdir(join(folder))).toEqual([]);
  });
});
