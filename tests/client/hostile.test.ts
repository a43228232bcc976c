// A client and a server that lies, breaks off, or speaks something else. Whatever it does, the
// client ends with a code, keeps little, and leaves nothing on the disk.

import { describe, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "../../src/client.ts";
import { LIMITS } from "../../src/limits.ts";
import { FRAME, type FrameName } from "../../src/protocol/frame.ts";
import { bytesOf, makeFolder, receive } from "./files.ts";
import { enter, sha256, startPeer, transferId, welcomeOf } from "./peer.ts";

const encoder = new TextEncoder();

describe("what answers is not a server of ours", () => {
  const strangers: readonly (readonly [string, Uint8Array])[] = [
    ["a web server", encoder.encode("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["an SSH server", encoder.encode("SSH-2.0-OpenSSH_9.2\r\n")],
    ["a mail server", encoder.encode("220 mail.example ESMTP ready\r\n")],
    ["zeros", new Uint8Array(64)],
    ["noise", Uint8Array.from({ length: 512 }, (_, i) => (i * 151 + 77) % 256)],
    ["a frame that is no hello", Uint8Array.of(0, 0, 0, 3, FRAME.notice, 0x7b, 0x7d)],
    ["a hello that is no JSON", Uint8Array.of(0, 0, 0, 2, FRAME.hello, 0x7b)],
  ];
  for (const [name, bytes] of strangers) {
    test(`${name} is refused by NOT_CHATFUSION`, async () => {
      const peer = await startPeer();
      const connecting = connect({ nick: "ann", server: { host: "127.0.0.1", port: peer.port } });
      const refused = connecting.catch((thrown: unknown) => thrown);
      (await peer.visitors.take()).raw(bytes);
      expect(await refused).toMatchObject({ code: "NOT_CHATFUSION" });
    });
  }

  test("a connection that ends before the hello is CANNOT_CONNECT", async () => {
    const peer = await startPeer();
    const connecting = connect({ nick: "ann", server: { host: "127.0.0.1", port: peer.port } });
    const refused = connecting.catch((thrown: unknown) => thrown);
    (await peer.visitors.take()).close();
    expect(await refused).toMatchObject({ code: "CANNOT_CONNECT" });
  });

  test("a welcome that nobody asked for is refused", async () => {
    const peer = await startPeer();
    const connecting = connect({ nick: "ann", server: { host: "127.0.0.1", port: peer.port } });
    const refused = connecting.catch((thrown: unknown) => thrown);
    (await peer.visitors.take()).send("welcome", welcomeOf("ann"));
    expect(await refused).toMatchObject({ code: "NOT_CHATFUSION" });
  });
});

test("a message of a kind that a newer server has is passed over, in answers, too", async () => {
  const { client, visitor, events } = await enter(await startPeer());
  const entry = { id: "1", from: "a@b", room: "#x", text: "x", at: 1 };
  const [known, other] = [
    { ...entry, kind: "text" },
    { ...entry, id: "2", kind: "poll", text: "which?" },
  ];
  visitor.send("message", other);
  visitor.send("private", { ...other, to: "ann@paris" });
  visitor.send("message", known);
  const told = await events.until(({ type }) => type === "message" || type === "private");
  expect(told).toMatchObject({ type: "message", message: known });
  for (const name of ["history", "search"] as const) {
    const answer = client.request(name, { room: "#x", text: "x" });
    const { value } = await visitor.heard.until((one) => one.name === name);
    visitor.send("ack", { ref: value["ref"], messages: [other, known, other] });
    expect(await answer).toEqual({ messages: [known] } as never);
  }
});

describe("a session", () => {
  const wrong: readonly (readonly [string, FrameName, object])[] = [
    [
      "a message without a text",
      "message",
      { id: "1", from: "a@b", room: "#x", kind: "text", at: 1 },
    ],
    ["a message whose text is a number", "message", { text: 5 }],
    ["an offer of a negative size", "offered", { transfer: transferId, name: "a", size: -1 }],
    ["an offer whose id is a path", "offered", { transfer: "../../etc/passwd", size: 1 }],
    ["a person that is null", "joined", { room: "#lobby", person: null }],
    ["a fusion that is a text", "merged", { servers: "x", fusion: "y" }],
    ["an ack without a ref", "ack", {}],
    ["an error that is a list", "error", []],
    ["a credit past all numbers", "credit", { transfer: transferId, upTo: 1e300 }],
  ];
  for (const [name, type, value] of wrong) {
    test(`${name} ends it with BAD_FRAME`, async () => {
      const { visitor, events } = await enter(await startPeer());
      visitor.send(type, value);
      expect(await events.take()).toMatchObject({
        type: "connection",
        state: "closed",
        failure: { code: "BAD_FRAME" },
      });
    });
  }

  test("an answer of another shape rejects its request and ends it", async () => {
    const { client, visitor, events } = await enter(await startPeer());
    const asked = client.request("who", {}).catch((thrown: unknown) => thrown);
    await visitor.answer("who", { people: "everybody", total: 1 });
    expect(await asked).toMatchObject({ code: "BAD_FRAME" });
    expect(await events.take()).toMatchObject({ failure: { code: "BAD_FRAME" } });
  });

  test("a frame that claims 2 GiB is refused before anything is kept for it", async () => {
    const { visitor, events } = await enter(await startPeer());
    const before = process.memoryUsage().arrayBuffers;
    visitor.raw(Uint8Array.of(0x7f, 0xff, 0xff, 0xff, FRAME.message));
    expect(await events.take()).toMatchObject({ failure: { code: "FRAME_TOO_LARGE" } });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  });

  test("answers to questions that nobody asked are passed over", async () => {
    const { visitor, events } = await enter(await startPeer());
    visitor.sendAll(
      ["ack", { ref: 999, id: "x" }],
      ["error", { ref: 998, code: "KICKED_NOT", text: "" }],
      ["notice", { text: "still here" }],
    );
    expect(await events.take()).toMatchObject({ type: "notice" });
  });

  test("a code that only the server knows is shown, not believed", async () => {
    const { client, visitor } = await enter(await startPeer());
    const asked = client.request("fusion", {});
    const { ref } = await visitor.expect("fusion");
    visitor.send("error", { ref, code: "constructor", text: "surprise" });
    expect(asked).rejects.toMatchObject({ code: "INTERNAL", message: "constructor: surprise" });
  });
});

describe("a file", () => {
  interface Lie {
    readonly name: string;
    readonly code: string | RegExp;
    /** Of the offer; the file itself has ten bytes. */
    readonly size?: number;
    tell(visitor: Awaited<ReturnType<typeof enter>>["visitor"], bytes: Uint8Array): void;
  }
  const lies: readonly Lie[] = [
    {
      name: "with a byte too many",
      code: "SIZE_MISMATCH",
      size: 9,
      tell: (visitor, bytes) => visitor.chunk(transferId, 0, bytes),
    },
    {
      name: "with a flipped bit",
      code: "HASH_MISMATCH",
      tell(visitor, bytes) {
        const sent = bytes.with(3, bytes[3]! ^ 1);
        visitor.chunk(transferId, 0, sent);
        visitor.send("finished", { transfer: transferId, sha256: sha256(bytes) });
      },
    },
    {
      name: "with a hole",
      code: "TRANSFER_CANCELLED",
      tell: (visitor, bytes) => visitor.chunk(transferId, 1, bytes.subarray(1)),
    },
    {
      name: "with a chunk that comes twice",
      code: "TRANSFER_CANCELLED",
      tell(visitor, bytes) {
        visitor.chunk(transferId, 0, bytes.subarray(0, 5));
        visitor.chunk(transferId, 0, bytes.subarray(0, 5));
      },
    },
    {
      // A client that keeps up permits more as it comes, and finds the lie at the end.
      name: "sent past the credit",
      code: /TRANSFER_CANCELLED|HASH_MISMATCH/,
      size: LIMITS.creditBytes * 8,
      tell(visitor) {
        const bytes = bytesOf(LIMITS.chunkBytesMax);
        for (let at = 0; at < LIMITS.creditBytes * 8; at += bytes.length) {
          visitor.chunk(transferId, at, bytes);
        }
        visitor.send("finished", { transfer: transferId, sha256: sha256(new Uint8Array()) });
      },
    },
  ];
  for (const { name, code, size = 10, tell } of lies) {
    test(`${name} is cancelled, and nothing is kept of it`, async () => {
      const guest = await enter(await startPeer());
      const folder = await makeFolder();
      const { received } = await receive(guest, folder, { size });
      const refused = received.catch((thrown: unknown) => thrown);
      tell(guest.visitor, bytesOf(10));
      const cancel = await guest.visitor.heard.until((heard) => heard.name === "cancel");
      expect(cancel.value["code"] ?? "TRANSFER_CANCELLED").toMatch(code);
      expect(await refused).toBeInstanceOf(Error);
      expect(await readdir(folder)).toEqual([]);
    });
  }

  test("whose hash is not the one of the offer is cancelled", async () => {
    const guest = await enter(await startPeer());
    const bytes = bytesOf(10);
    const offered = { size: 10, sha256: sha256(bytesOf(10)) };
    const { received } = await receive(guest, await makeFolder(), offered);
    guest.visitor.chunk(transferId, 0, bytes);
    guest.visitor.send("finished", { transfer: transferId, sha256: sha256(bytes) });
    expect(received).rejects.toMatchObject({ code: "HASH_MISMATCH" });
    await guest.visitor.expect("cancel");
  });

  test("whose server goes away midway leaves nothing behind", async () => {
    const guest = await enter(await startPeer(), { reconnect: false });
    const folder = await makeFolder();
    const { received } = await receive(guest, folder, { size: 10 });
    guest.visitor.chunk(transferId, 0, bytesOf(5));
    guest.visitor.close();
    const refused = await received.catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({ code: "TRANSFER_INTERRUPTED" });
    expect(await readdir(folder)).toEqual([]);
  });

  const names: readonly (readonly [string, string])[] = [
    ["../../../etc/passwd", "passwd"],
    ["..\\..\\boot.ini", "boot.ini"],
    ["/etc/shadow", "shadow"],
    [".bashrc", "bashrc"],
    ["-rf", "rf"],
    ["..", "file"],
    ["con.txt", "_con.txt"],
    ["a\0b\n\u001b[2J\u202etxt.exe", "ab[2Jtxt.exe"],
    ["x".repeat(300), "x".repeat(255)],
  ];
  for (const [said, kept] of names) {
    test(`called ${JSON.stringify(said.slice(0, 30))} stays in its folder`, async () => {
      const guest = await enter(await startPeer());
      const folder = await makeFolder();
      const { received } = await receive(guest, folder, { name: said, size: 0 });
      guest.visitor.send("finished", { transfer: transferId, sha256: sha256(new Uint8Array()) });
      expect((await received).path).toBe(join(folder, kept));
      expect(await readdir(folder)).toEqual([kept]);
    });
  }

  test("that is confirmed before it was sent is cancelled by the sender", async () => {
    const { client, visitor } = await enter(await startPeer());
    const sending = client.send("bob@paris", new Blob(["hello"]));
    await visitor.answer("offer", { transfer: transferId });
    visitor.send("done", { transfer: transferId, sha256: sha256(encoder.encode("hello")) });
    expect(sending).rejects.toMatchObject({ code: "HASH_MISMATCH" });
    await visitor.expect("cancel");
  });

  test("that is accepted from beyond its end is cancelled by the sender", async () => {
    const { client, visitor } = await enter(await startPeer());
    const sending = client.send("bob@paris", new Blob(["hello"]));
    await visitor.answer("offer", { transfer: transferId });
    visitor.send("accepted", { transfer: transferId, offset: 6, upTo: 100 });
    expect(sending).rejects.toMatchObject({ code: "SIZE_MISMATCH" });
    await visitor.expect("cancel");
  });
});
