// What a program is told of its transfers by, where that throws: its own fault, as of a listener.

import { expect, test } from "bun:test";
import { createClock } from "../../src/serve/clock.ts";
import { makeFolder, receive } from "./files.ts";
import { enter, offerOf, sha256, startPeer, transferId } from "./peer.ts";

const hello = new TextEncoder().encode("hello");

/** A clock that keeps what would have ended the program. */
function catching() {
  const thrown: string[] = [];
  const clock = {
    ...createClock(),
    soon: (run: () => void) =>
      void setImmediate(() => {
        try {
          run();
        } catch (error) {
          thrown.push(String(error));
        }
      }),
  };
  return { clock, thrown };
}

const throws = (what: string) => () => {
  throw new Error(what);
};

test("a file is sent though all that its sender is told by throws", async () => {
  const { clock, thrown } = catching();
  const { client, visitor } = await enter(await startPeer(), { clock });
  const sending = client.send("bob@paris", new Blob([hello]), {
    onOffered: throws("offered"),
    onAccepted: throws("accepted"),
    onProgress: throws("progress"),
  });
  await visitor.answer("offer", { transfer: transferId });
  visitor.send("accepted", { transfer: transferId, offset: 0, upTo: 5 });
  await visitor.expect("chunk");
  visitor.send("done", await visitor.expect("finish"));
  expect(await sending).toMatchObject({ size: 5, sha256: sha256(hello) });
  expect(thrown).toEqual(["Error: offered", "Error: accepted", "Error: progress"]);
});

test("a file is received though its progress throws", async () => {
  const { clock, thrown } = catching();
  const guest = await enter(await startPeer(), { clock });
  const options = { onProgress: throws("progress") };
  const { received } = await receive(guest, await makeFolder(), { size: 5 }, options);
  guest.visitor.chunk(transferId, 0, hello);
  guest.visitor.send("finished", { transfer: transferId, sha256: sha256(hello) });
  expect(await received).toMatchObject({ size: 5 });
  await new Promise(setImmediate); // it is thrown in a turn of its own
  expect(thrown).toEqual(["Error: progress"]);
});

test("a file that is broken off by what its sender is told of it is not sent", async () => {
  for (const told of ["onOffered", "onAccepted"] as const) {
    const { client, visitor, events } = await enter(await startPeer());
    const abort = new AbortController();
    const options = { signal: abort.signal, [told]: () => abort.abort("enough") };
    const sending = client.send("bob@paris", new Blob([hello]), options);
    sending.catch(() => undefined);
    await visitor.answer("offer", { transfer: transferId });
    visitor.send("accepted", { transfer: transferId, offset: 0, upTo: 5 });
    expect(sending).rejects.toMatchObject({ code: "TRANSFER_CANCELLED" });
    await sending.catch(() => undefined);
    expect(await visitor.expect("cancel")).toMatchObject({ reason: "enough" });
    visitor.send("offered", offerOf("b.txt", 1)); // behind it
    await events.take();
    void client.say("#lobby", "hello").catch(() => undefined);
    await visitor.expect("say"); // no chunk, no second cancel
  }
});

test("a file whose client is closed by what its sender is told of it ends", async () => {
  for (const told of ["onOffered", "onAccepted"] as const) {
    const { client, visitor } = await enter(await startPeer());
    const options = { [told]: () => void client.close() };
    const sending = client.send("bob@paris", new Blob([hello]), options);
    sending.catch(() => undefined);
    await visitor.answer("offer", { transfer: transferId });
    visitor.send("accepted", { transfer: transferId, offset: 0, upTo: 5 });
    expect(sending).rejects.toMatchObject({ code: "CANNOT_CONNECT" });
    await sending.catch(() => undefined);
  }
});
