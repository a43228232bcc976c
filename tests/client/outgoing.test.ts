// The sender's end by itself, where its connection is gone before it is told so.

import { expect, test } from "bun:test";
import { HashedSource } from "../../src/client/hashed-source.ts";
import { Outgoing } from "../../src/client/outgoing.ts";
import { openSource } from "../../src/client/source.ts";
import { ManualClock } from "../net/parts.ts";
import { transferId } from "./peer.ts";

test("a chunk that leaves no more says that the connection was lost", async () => {
  const port = {
    clock: new ManualClock(),
    token: () => "",
    connected: () => true,
    address: () => "ann@paris",
    tell() {},
    tellBehindChunks() {},
    sendChunk: () => false,
    chunksQueued: () => 0,
  };
  const source = await openSource(new Blob(["hello"]));
  const outgoing = new Outgoing(transferId, source, port, {
    hashed: new HashedSource(source),
    shown: transferId,
    signal: undefined,
    accepted: () => undefined,
    moved: () => undefined,
  });
  outgoing.accepted(0, 5);
  expect(await outgoing.result.catch((thrown: unknown) => thrown)).toMatchObject({
    code: "TRANSFER_INTERRUPTED",
    message: "the connection was lost",
  });
});
