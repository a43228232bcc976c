// What is read and hashed again of a file that goes on: a little, wherever it was interrupted.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { HashedSource } from "../../src/client/hashed-source.ts";
import { openSource } from "../../src/client/source.ts";
import { LIMITS } from "../../src/limits.ts";
import { bytesOf, makeFolder } from "./files.ts";
import { enter, proofOf, sha256, startPeer, transferId } from "./peer.ts";

const RECEIVING = "4e".repeat(16);
const SECOND = "2".repeat(32);
const interrupted = { transfer: transferId, code: "TRANSFER_INTERRUPTED", text: "lyon is gone" };
const STEP = LIMITS.creditBytesMax;
const bytes = bytesOf(6 * STEP + 5000);

const open = async () => new HashedSource(await openSource(new Blob([bytes])));

/** Reads up to a byte, in pieces of two views; returns how many bytes that were. */
async function read(source: HashedSource, upTo: number): Promise<number> {
  const from = source.at;
  while (source.at < upTo) {
    const count = Math.min(100_001, upTo - source.at);
    const views = [
      new Uint8Array(Math.min(65_536, count)),
      new Uint8Array(Math.max(0, count - 65_536)),
    ];
    const at = source.at;
    const got = await source.read(views);
    expect(Buffer.concat(views).subarray(0, got)).toEqual(
      Buffer.from(bytes.subarray(at, at + got)),
    );
  }
  return source.at - from;
}

test("of what a receiver may lack not more than three credits are read again", async () => {
  const source = await open();
  for (const at of [STEP + 1, 3 * STEP, 5 * STEP + 77, bytes.length]) {
    await read(source, at);
    // And at once again, of what it lacks then.
    for (const lacked of [at, at - 1, at - STEP, at - STEP / 2]) {
      source.back(lacked);
      expect(source.at).toBeLessThanOrEqual(lacked);
      expect(await read(source, at)).toBeLessThanOrEqual(3 * STEP);
    }
  }
  expect(source.sha256()).toBe(sha256(bytes));
});

test("a receiver that has lost more gets it again from the beginning", async () => {
  const source = await open();
  await read(source, bytes.length);
  source.back(STEP);
  expect(source.at).toBe(0);
  await read(source, bytes.length);
  source.back(0);
  await read(source, bytes.length);
  expect(source.sha256()).toBe(sha256(bytes));
});

test("what the receiver has beyond it is read, not gone back from", async () => {
  const source = await open();
  await read(source, 1000);
  source.back(2000);
  expect(source.at).toBe(1000);
});

test("a sender reads but little of what has arrived again", async () => {
  const guest = await enter(await startPeer());
  const blob = new Blob([bytesOf(5 * LIMITS.creditBytesMax)]);
  const begun: number[] = [];
  const slice = blob.slice.bind(blob);
  blob.slice = (from = 0, ...more) => {
    begun.push(from);
    return slice(from, ...more);
  };
  const sending = guest.client.send("bob@lyon", blob);
  sending.catch(() => undefined);
  await guest.visitor.answer("offer", { transfer: transferId });
  const all = { upTo: blob.size, receiving: RECEIVING };
  guest.visitor.send("accepted", { transfer: transferId, offset: 0, ...all });
  await guest.visitor.heard.until(({ name }) => name === "finish");
  begun.length = 0;
  guest.visitor.send("failed", interrupted);
  await guest.visitor.answer("offer", { transfer: SECOND });
  const offset = blob.size - LIMITS.creditBytesMax;
  const receiving = proofOf(RECEIVING, SECOND);
  guest.visitor.send("accepted", { transfer: SECOND, offset, ...all, receiving });
  const { value } = await guest.visitor.heard.until(({ name }) => name === "finish");
  guest.visitor.send("done", value);
  expect(await sending).toMatchObject({ sha256: sha256(await blob.bytes()) });
  expect(begun[0]).toBeGreaterThanOrEqual(blob.size - 3 * LIMITS.creditBytesMax);
});

test("of what was changed while it waited nothing more is sent", async () => {
  const guest = await enter(await startPeer());
  const path = join(await makeFolder(), "a.txt");
  await Bun.write(path, bytesOf(1000));
  const sending = guest.client.send("bob@lyon", path);
  sending.catch(() => undefined);
  await guest.visitor.answer("offer", { transfer: transferId });
  const known = { receiving: RECEIVING, upTo: 500 };
  guest.visitor.send("accepted", { transfer: transferId, offset: 0, ...known });
  await guest.visitor.expect("chunk");
  guest.visitor.send("failed", interrupted);
  await guest.visitor.answer("offer", { transfer: SECOND });
  await Bun.write(path, bytesOf(1001));
  const receiving = proofOf(RECEIVING, SECOND);
  guest.visitor.send("accepted", { transfer: SECOND, offset: 0, ...known, receiving });
  expect(await guest.visitor.expect("cancel")).toMatchObject({ code: "FILE_UNREADABLE" });
  expect(sending).rejects.toThrow("it was changed");
  await sending.catch(() => undefined);
});
