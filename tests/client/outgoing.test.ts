// The sender's end by itself, where its connection is gone before it is told so.

import { expect, test } from "bun:test";
import { Outgoing } from "../../src/client/outgoing.ts";
import { openSource } from "../../src/client/source.ts";
import { ManualClock } from "../net/parts.ts";
import { transferId } from "./peer.ts";

test("a chunk that leaves no more says that the connection was lost", async () => {
  const port = {
    clock: new ManualClock(),
    token: () => "",
    connected: () => true,
    tell() {},
    tellBehindChunks() {},
    sendChunk: () => false,
    chunksQueued: () => 0,
  };
  const outgoing = new Outgoing(transferId, await openSource(new Blob(["hello"])), port, {
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
