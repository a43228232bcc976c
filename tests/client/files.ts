// What the tests of transfers share.

import { afterAll } from "bun:test";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OfferEntry, Received, TransferOptions } from "../../src/client.ts";
import { type Guest, offerOf, transferId } from "./peer.ts";

const folders: string[] = [];

afterAll(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** Makes a folder that is removed when the file's tests are over. */
export async function makeFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "chatfusion-client-")));
  folders.push(folder);
  return folder;
}

export const bytesOf = (count: number): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count; at += 65_536)
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
};

export interface Receiving {
  readonly received: Promise<Received>;
  /** What was said to accept it. */
  readonly accept: Readonly<Record<string, unknown>>;
}

/** Lets the client accept an offer, and the server say that it has heard so. */
export async function receive(
  { client, visitor }: Guest,
  folder: string,
  offer: Pick<OfferEntry, "size"> & Partial<OfferEntry>,
  options: TransferOptions = {},
): Promise<Receiving> {
  const received = client.receive({ ...offerOf("a.txt", 0), ...offer }, folder, options);
  // Some are rejected before the test looks.
  received.catch(() => undefined);
  const accept = await visitor.answer("accept", { transfer: transferId });
  return { received, accept };
}
