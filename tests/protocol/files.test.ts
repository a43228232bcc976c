// The rules of docs/protocol.md about files, by their numbers, played against the real core.

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { encodeFrame, FRAME } from "../../src/protocol/frame.ts";
import { CHUNK_HEAD_BYTES, readChunk, writeChunkHead } from "../../src/protocol/transfer.ts";
import { type RawClient, type Site, startSite } from "./native.ts";

const sha256 = "cd".repeat(32);

function chunk(transfer: string, offset: number, content: Uint8Array | number): Uint8Array {
  const bytes = typeof content === "number" ? new Uint8Array(content).fill(offset) : content;
  const payload = new Uint8Array(CHUNK_HEAD_BYTES + bytes.length);
  writeChunkHead(payload, 0, transfer, offset);
  payload.set(bytes, CHUNK_HEAD_BYTES);
  return encodeFrame(FRAME.chunk, payload);
}

interface Way {
  readonly site: Site;
  readonly sender: RawClient;
  readonly receiver: RawClient;
  readonly transfer: string;
}

function offered(seed: string, size: number, more: object = {}): Way {
  const site = startSite(seed);
  const [sender, receiver] = [site.enter("bea"), site.enter("cleo")];
  const { says } = sender.ask("offer", { to: "cleo@paris", name: "a.txt", size, ...more });
  const transfer = String(says["transfer"]);
  return { site, sender, receiver, transfer };
}

/** An offer that was accepted; what came until then is forgotten. */
function opened(seed: string, size: number, offset = 0): Way {
  const way = offered(seed, size);
  way.receiver.ask("accept", { transfer: way.transfer, offset });
  way.sender.forget();
  way.receiver.forget();
  return way;
}

const failures = (client: RawClient) =>
  client.heard.flatMap(({ name, says }) =>
    name === "failed" || name === "error" ? [`${name} ${String(says["code"])}`] : [],
  );

test("a file goes from offer to done, and both ends see every step", () => {
  const { sender, receiver, transfer } = offered("whole", 5, { mediaType: "text/plain", sha256 });
  expect(receiver.take("offered").says).toEqual({
    transfer,
    from: "bea@paris",
    to: "cleo@paris",
    name: "a.txt",
    size: 5,
    mediaType: "text/plain",
    sha256,
  });
  receiver.send("accept", { transfer, offset: 0 });
  const upTo = LIMITS.creditBytes;
  expect(sender.take("accepted").says).toEqual({ transfer, offset: 0, upTo });
  sender.push(chunk(transfer, 0, Uint8Array.of(1, 2, 3)));
  sender.push(chunk(transfer, 3, Uint8Array.of(4, 5)));
  const parts = [receiver.take("chunk"), receiver.take("chunk")].map((one) =>
    readChunk(one.payload),
  );
  expect(parts.map(({ offset, bytes }) => [offset, bytes.toHex()])).toEqual([
    [0, "010203"],
    [3, "0405"],
  ]);
  expect(sender.ask("finish", { transfer, sha256 }).says).toEqual({ ref: 77, transfer });
  expect(receiver.take("finished").says).toEqual({ transfer, sha256 });
  expect(receiver.ask("done", { transfer, sha256 }).says).toEqual({ ref: 77, transfer });
  expect(sender.take("done").says).toEqual({ transfer, sha256 });
  expect(sender.ask("cancel", { transfer }).says["code"]).toBe("NO_SUCH_TRANSFER");
});

describe("P33: a chunk", () => {
  const credit = LIMITS.creditBytes;
  const cases: readonly (readonly [string, number, number, number, string])[] = [
    ["with a hole before it", 100, 10, 10, "CHUNK_OUT_OF_ORDER"],
    ["that does not begin where it was accepted", 100, 1, 10, "CHUNK_OUT_OF_ORDER"],
    ["past the size", 100, 0, 101, "CHUNK_PAST_SIZE"],
  ];
  for (const [name, size, offset, bytes, code] of cases)
    test(`${name} is ${code}, and ends the transfer at both ends`, () => {
      const { sender, receiver, transfer } = opened(name, size);
      sender.push(chunk(transfer, offset, bytes));
      expect(failures(sender).toSorted()).toEqual([`error ${code}`, `failed ${code}`]);
      expect(sender.take("error").says).not.toHaveProperty("ref");
      expect(failures(receiver)).toEqual([`failed ${code}`]);
      expect([sender.closed, receiver.closed]).toEqual([undefined, undefined]);
    });

  test("past the credit is CHUNK_PAST_CREDIT; up to it, all are passed on", () => {
    const { sender, receiver, transfer } = opened("credit", 10 * credit);
    const step = LIMITS.chunkBytesMax;
    for (let at = 0; at < credit; at += step) sender.push(chunk(transfer, at, step));
    expect(receiver.names()).toEqual(["chunk", "chunk", "chunk", "chunk"]);
    sender.push(chunk(transfer, credit, 1));
    expect(failures(sender).toSorted()).toEqual([
      "error CHUNK_PAST_CREDIT",
      "failed CHUNK_PAST_CREDIT",
    ]);
  });

  test("before the acceptance is TRANSFER_STATE", () => {
    const { sender, transfer } = offered("unaccepted", 10);
    sender.push(chunk(transfer, 0, 1));
    expect(failures(sender).toSorted()).toEqual(["error TRANSFER_STATE", "failed TRANSFER_STATE"]);
  });
});

describe("P34: a chunk", () => {
  for (const bytes of [0, LIMITS.chunkBytesMax + 1])
    test(`of ${bytes} bytes closes the connection`, () => {
      const { sender, transfer } = opened(`chunk ${bytes}`, 2 ** 20);
      sender.push(chunk(transfer, 0, bytes));
      const code = bytes === 0 ? "BAD_FRAME" : "FRAME_TOO_LARGE";
      expect(sender.forget("error")[0]?.["code"]).toBe(code);
      expect(sender.closed).toBeDefined();
    });

  test("of somebody else's transfer is dropped silently, and changes nothing", () => {
    const { site, sender, receiver, transfer } = opened("foreign", 10);
    const third = site.enter("dora");
    sender.forget();
    receiver.forget();
    for (const client of [third, receiver]) client.push(chunk(transfer, 0, 3));
    third.push(chunk("ab".repeat(16), 0, 3));
    expect([third.names(), receiver.names(), sender.names()]).toEqual([[], [], []]);
    sender.push(chunk(transfer, 0, 10));
    expect(receiver.names()).toEqual(["chunk"]);
  });
});

describe("P35: the credit", () => {
  test("is 256 KiB beyond the offset to begin with", () => {
    const { sender, receiver, transfer } = offered("first credit", 2 ** 30);
    receiver.send("accept", { transfer, offset: 1000 });
    const says = { transfer, offset: 1000, upTo: 1000 + LIMITS.creditBytes };
    expect(sender.take("accepted").says).toEqual(says);
  });

  test("is what the receiver says, up to 8 MiB beyond what has come, and never less", () => {
    const { sender, receiver, transfer } = opened("more credit", 2 ** 30);
    const upTo = (asked: number) => {
      receiver.send("credit", { transfer, upTo: asked });
      return sender.take("credit").says["upTo"];
    };
    expect(upTo(500_000)).toBe(500_000);
    receiver.send("credit", { transfer, upTo: 100 });
    expect(sender.names()).not.toContain("credit");
    expect(upTo(2 ** 40)).toBe(LIMITS.creditBytesMax);
    expect(sender.ask("credit", { transfer, upTo: 1 }).says["code"]).toBe("NO_SUCH_TRANSFER");
  });
});

describe("P36: finish", () => {
  test("comes for an empty file as well", () => {
    const { sender, receiver, transfer } = opened("empty", 0);
    expect(sender.ask("finish", { transfer, sha256 }).name).toBe("ack");
    expect(receiver.names()).toEqual(["finished"]);
    expect(receiver.ask("done", { transfer, sha256 }).name).toBe("ack");
    expect(sender.names()).toEqual(["done"]);
  });

  test("before all bytes were sent is SIZE_MISMATCH at both ends", () => {
    const { sender, receiver, transfer } = opened("unfinished", 10);
    sender.push(chunk(transfer, 0, 9));
    expect(sender.ask("finish", { transfer, sha256 }).says["code"]).toBe("SIZE_MISMATCH");
    expect([failures(sender), failures(receiver)]).toEqual([
      ["failed SIZE_MISMATCH"],
      ["failed SIZE_MISMATCH"],
    ]);
  });
});

test("P37: finished overtakes the last chunks where the way is slow", () => {
  const { site, sender, receiver, transfer } = opened("slow", 4 * LIMITS.chunkBytesMax);
  site.world.shape({ bytesPerSecond: 100_000, bufferBytes: 8192 }, "paris", receiver.host);
  for (let i = 0; i < 4; i++)
    sender.begin(chunk(transfer, i * LIMITS.chunkBytesMax, LIMITS.chunkBytesMax));
  sender.send("finish", { transfer, sha256 });
  site.world.run(10_000);
  const names = receiver.names();
  expect(names.toSorted()).toEqual(["chunk", "chunk", "chunk", "chunk", "finished"]);
  expect(names.at(-1)).toBe("chunk");
});

test("P38: a receiver who finds another hash says so, and the sender hears it", () => {
  const { sender, receiver, transfer } = opened("hash", 1);
  sender.push(chunk(transfer, 0, 1));
  sender.ask("finish", { transfer, sha256 });
  const says = { transfer, code: "HASH_MISMATCH", reason: "not that one" };
  expect(receiver.ask("cancel", says).name).toBe("ack");
  expect(sender.take("failed").says).toEqual({
    transfer,
    code: "HASH_MISMATCH",
    text: "not that one",
  });
});

test("P39: a path in an offered name does not arrive", () => {
  const site = startSite("label");
  const [sender, receiver] = [site.enter("bea"), site.enter("cleo")];
  sender.ask("offer", { to: "cleo@paris", name: "../../etc/passwd", size: 1 });
  expect(receiver.take("offered").says["name"]).toBe("passwd");
});

describe("P40: a transfer ends once for each side", () => {
  test("by a rejection", () => {
    const { sender, receiver, transfer } = offered("reject", 1);
    receiver.ask("reject", { transfer, reason: "no room" });
    const code = "TRANSFER_REJECTED";
    expect(sender.take("failed").says).toEqual({ transfer, code, text: "no room" });
    expect(failures(receiver)).toEqual([]);
  });

  test("by the end of a session", () => {
    const { sender, receiver } = opened("end", 10);
    receiver.send("bye", {});
    expect(failures(sender)).toEqual(["failed TRANSFER_INTERRUPTED"]);
  });

  test("by a lost connection; who was lost hears it when he is back", () => {
    const site = startSite("lost");
    const sender = site.greeted();
    const { says } = sender.login({ nick: "bea" });
    const receiver = site.enter("cleo");
    const { transfer } = sender.ask("offer", { to: "cleo@paris", name: "a", size: 1 }).says;
    sender.hangUp();
    expect(failures(receiver)).toEqual(["failed TRANSFER_INTERRUPTED"]);
    const back = site.greeted();
    const { received } = sender;
    back.login({ nick: "bea", resume: { token: says["resume"], received } });
    expect(back.take("failed").says).toMatchObject({ transfer, code: "TRANSFER_INTERRUPTED" });
  });

  test("by a resume over a connection that seemed open", () => {
    const site = startSite("half-open");
    const sender = site.greeted();
    const { says } = sender.login({ nick: "bea" });
    const receiver = site.enter("cleo");
    sender.ask("offer", { to: "cleo@paris", name: "a", size: 1 });
    const back = site.greeted();
    const { received } = sender;
    back.login({ nick: "bea", resume: { token: says["resume"], received } });
    expect(failures(back)).toEqual(["failed TRANSFER_INTERRUPTED"]);
    expect(failures(receiver)).toEqual(["failed TRANSFER_INTERRUPTED"]);
  });

  test("when nothing moves for 60 s", () => {
    const { site, sender, receiver } = opened("stall", 10);
    site.world.run(50_000);
    for (const client of [sender, receiver]) client.send("ping", {});
    site.world.run(20_000);
    expect([failures(sender), failures(receiver)]).toEqual([
      ["failed TRANSFER_INTERRUPTED"],
      ["failed TRANSFER_INTERRUPTED"],
    ]);
  });

  test("when nobody answers the offer for 10 minutes", () => {
    const { site, sender, receiver } = offered("unanswered", 10);
    for (let minute = 0; minute < 21; minute++) {
      for (const client of [sender, receiver]) client.send("ping", {});
      site.world.run(30_000);
    }
    expect(failures(sender)).toEqual(["failed TRANSFER_REJECTED"]);
  });
});

test("P41: servers hand on by what both ends are known when a file is offered again", () => {
  const [sending, receiving] = ["5e".repeat(16), "4e".repeat(16)];
  const { sender, receiver, transfer } = offered("again", 9, { sending, again: true });
  expect(receiver.take("offered").says).toMatchObject({ sending, again: true });
  receiver.ask("accept", { transfer, offset: 4, receiving });
  expect(sender.take("accepted").says).toMatchObject({ offset: 4, receiving });
  receiver.ask("cancel", { transfer, code: "TRANSFER_INTERRUPTED", reason: "away" });
  expect(failures(sender)).toEqual(["failed TRANSFER_INTERRUPTED"]);
});
