// The golden vectors, in both directions: what is written here is what is on the wire, to the
// byte. The batches and the sealed channel are checked by code of their own (node:crypto and the
// definition of RFC 6962), so that the vectors do not only prove that the program agrees with
// itself.

import { describe, expect, test } from "bun:test";
import {
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  verify,
} from "node:crypto";
import * as v from "valibot";
import type { Bytes } from "../../src/environment.ts";
import type { RoomName, Sid } from "../../src/names.ts";
import {
  blankBatch,
  decodeBatch,
  encodeTick,
  frameJson,
  signedBytes,
} from "../../src/protocol/batch.ts";
import {
  decodeJson,
  encodeFrame,
  encodeJson,
  FRAME,
  type FrameName,
  FrameReader,
} from "../../src/protocol/frame.ts";
import { ClientHello, LinkHello, parseHello, ServerHello } from "../../src/protocol/hello.ts";
import { Login, REQUEST_BY_TYPE, requestShape } from "../../src/protocol/messages.ts";
import { CHUNK_HEAD_BYTES, readChunk, writeChunkHead } from "../../src/protocol/transfer.ts";
import { createCrypto } from "../../src/serve/crypto.ts";
import { createRandom } from "../../src/testing.ts";
import vectors from "./vectors.json";

const bytes = (hex: string): Bytes => Uint8Array.fromHex(hex);
const utf8 = new TextEncoder();

/** The one frame that the bytes are. */
function frameIn(whole: Bytes): { type: number; payload: Bytes } {
  const found: { type: number; payload: Bytes }[] = [];
  new FrameReader(1 << 20).push(whole, (type, payload) => void found.push({ type, payload }));
  expect(found).toHaveLength(1);
  return found[0]!;
}

describe("P3: a frame is its length, its type and its payload", () => {
  for (const { from, type, says, hex } of vectors.frames) {
    const number = FRAME[type as FrameName];
    test(`${from}: ${type} ${JSON.stringify(says).slice(0, 60)}`, () => {
      expect(encodeJson(number, says).toHex()).toBe(hex);
      const frame = frameIn(bytes(hex));
      expect(frame.type).toBe(number);
      expect(decodeJson(frame.payload)).toEqual(says);
    });
  }

  for (const { transfer, offset, bytes: content, hex } of vectors.chunks) {
    test(`chunk of ${transfer} at ${offset}`, () => {
      const payload = new Uint8Array(CHUNK_HEAD_BYTES + content.length / 2);
      writeChunkHead(payload, 0, transfer, offset);
      payload.set(bytes(content), CHUNK_HEAD_BYTES);
      expect(encodeFrame(FRAME.chunk, payload).toHex()).toBe(hex);
      const read = readChunk(frameIn(bytes(hex)).payload);
      expect({ ...read, bytes: read.bytes.toHex() }).toEqual({ transfer, offset, bytes: content });
    });
  }

  test("every type of frame has a vector", () => {
    const seen = new Set<string>(vectors.frames.map(({ type }) => type));
    const missing = Object.keys(FRAME).filter((name) => !seen.has(name));
    expect(missing).toEqual(["chunk"]);
  });
});

describe("what the vectors say is what the shapes take", () => {
  for (const { from, type, says } of vectors.frames) {
    const name = REQUEST_BY_TYPE.get(FRAME[type as FrameName]);
    if (from === "client" && name !== undefined) {
      test(`request ${type} ${JSON.stringify(says).slice(0, 50)}`, () => {
        expect({ ...says, ...v.parse(requestShape(name), says) }).toMatchObject(says);
      });
    }
    const entry = { hello: from === "client" ? ClientHello : ServerHello, link: LinkHello };
    if (type === "hello" || type === "link")
      test(`${from}: ${type}`, () => expect(parseHello(entry[type], says)).toMatchObject(says));
    if (type === "login")
      test(`login ${Object.keys(says).join(" ")}`, () => {
        expect(v.parse(Login, says)).toEqual(says as v.InferOutput<typeof Login>);
      });
  }
});

describe("batches", () => {
  for (const { seed, key, sid, life, tick, batches, tombstones } of vectors.ticks) {
    const crypto = createCrypto(createRandom("unused"));
    const frames = batches.map(({ says }) => says.map((one) => encodeJson(FRAME.message, one)));

    test("are written from what was said", () => {
      const leaves = batches.map(({ room, first }, i) => ({
        origin: sid as Sid,
        life,
        tick,
        room: room as RoomName,
        first,
        frames: frames[i]!,
      }));
      const signing = crypto.signingKey(bytes(seed));
      expect(signing.publicKey.toHex()).toBe(key);
      const written = encodeTick(crypto, (b) => crypto.sign(signing.privateKey, b), leaves);
      expect(written.map((b) => b.toHex())).toEqual(batches.map(({ hex }) => hex));
    });

    test("have tombstones of the hashes of the frames that are gone, and are else the same", () => {
      for (const { batch: number, at, hex } of tombstones) {
        const whole = bytes(batches[number]!.hex);
        const head = whole.subarray(0, whole.length - join(...frames[number]!).length);
        const left = frames[number]!.map((frame, index) =>
          at.includes(index) ? join(bytes("000000210f"), sha256(frame)) : frame,
        );
        expect(hex).toBe(join(head, ...left).toHex());
        expect(blankBatch(crypto, whole, new Set(at)).toHex()).toBe(hex);
        expect(decodeBatch(crypto, bytes(hex)).root).toEqual(decodeBatch(crypto, whole).root);
      }
    });

    test("are read, and their signature covers the root of RFC 6962", () => {
      const leaves = batches.map(({ room, first, says }, i) => {
        const head = [bytes(sid), bytes(life), u64(tick), u64(first), u16(says.length)];
        const name = utf8.encode(room);
        const hashes = frames[i]!.map((frame) => sha256(frame));
        return sha256(Uint8Array.of(0), ...head, Uint8Array.of(name.length), name, ...hashes);
      });
      const root = treeHash(leaves);
      const signed = join(
        utf8.encode("chatfusion batch 1"),
        bytes(sid),
        bytes(life),
        u64(tick),
        root,
      );
      expect(signedBytes(sid as Sid, life, tick, root)).toEqual(signed);
      for (const [i, { room, first, says, hex }] of batches.entries()) {
        const batch = decodeBatch(crypto, bytes(hex));
        expect(batch).toMatchObject({ origin: sid, life, tick, room, first });
        expect(batch.frames.map((frame) => frameJson(frame))).toEqual(says);
        expect(batch.root.toHex()).toBe(root.toHex());
        expect(batch.body).toEqual(join(...frames[i]!));
        expect(verify(null, signed, publicKey("2b6570", key), batch.signature)).toBe(true);
      }
    });
  }
});

describe("the sealed channel", () => {
  for (const { from, to, counter, had, message, hex } of vectors.channel) {
    test("is opened by X25519, HKDF-SHA-256 and AES-256-GCM alone", () => {
      const privateKey = createPrivateKey({
        key: Buffer.from(`302e020100300506032b656e04220420${to.private}`, "hex"),
        format: "der",
        type: "pkcs8",
      });
      const secret = diffieHellman({ privateKey, publicKey: publicKey("2b656e", from.public) });
      const info = join(
        utf8.encode("chatfusion channel 1"),
        bytes(from.sid + from.life + to.sid + to.life),
      );
      const key = new Uint8Array(hkdfSync("sha256", secret, new Uint8Array(0), info, 32));
      const frame = bytes(hex);
      expect(frame.subarray(0, 25)).toEqual(
        join(bytes(from.life + to.life), Uint8Array.of(0), u64(counter)),
      );
      const nonce = join(Uint8Array.of(0, 0, 0, 0), u64(counter));
      const opener = createDecipheriv("aes-256-gcm", key, nonce);
      opener.setAAD(frame.subarray(0, 25));
      opener.setAuthTag(frame.subarray(-16));
      const plain = new Uint8Array(opener.update(frame.subarray(25, -16)));
      expect(opener.final()).toHaveLength(0);
      expect(plain.subarray(0, 8).toHex()).toBe(u64(had).toHex());
      expect(JSON.parse(Buffer.from(plain.subarray(8)).toString())).toEqual(message);
    });
  }
});

// --- internal -----------------------------------------------------------------------------------

function join(...parts: readonly Bytes[]): Bytes {
  return new Uint8Array(Buffer.concat(parts));
}

function sha256(...parts: readonly Bytes[]): Bytes {
  return new Uint8Array(
    createHash("sha256")
      .update(join(...parts))
      .digest(),
  );
}

function u64(value: number): Bytes {
  const eight = new Uint8Array(8);
  new DataView(eight.buffer).setBigUint64(0, BigInt(value));
  return eight;
}

const u16 = (value: number): Bytes => Uint8Array.of(value >> 8, value & 255);

/** RFC 6962 §2.1, by its definition: split at the largest power of two below the count. */
function treeHash(leaves: readonly Bytes[]): Bytes {
  if (leaves.length === 1) return leaves[0]!;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return sha256(Uint8Array.of(1), treeHash(left), treeHash(right));
}

/** A raw public key of an algorithm (its OID in DER, RFC 8410). */
function publicKey(oid: string, raw: string) {
  const der = Buffer.from(`302a30050603${oid}032100${raw}`, "hex");
  return createPublicKey({ key: der, format: "der", type: "spki" });
}
