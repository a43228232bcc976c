// The real cryptography, nearly all of it node:crypto: synchronous, and for small inputs many times
// quicker than WebCrypto (perf.md). Keys cross this border raw; key objects are cached inside.

import { Buffer } from "node:buffer";
import {
  type KeyObject,
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  sign,
  verify,
} from "node:crypto";
import { assert } from "../assert.ts";
import type { Bytes, Crypto, KeyPair, Random } from "../environment.ts";
import { ProtocolError } from "../errors.ts";
import { LIMITS } from "../limits.ts";

/** Makes the cryptography of a server; `random` gives the keys that are made here. */
export function createCrypto(random: Random): Crypto {
  const ed25519 = keysOf("2b6570");
  const x25519 = keysOf("2b656e");
  return {
    signingKey: (seed) => ed25519.pair(seed ?? random.bytes(keyBytes)),
    sign: (privateKey, bytes) => plain(sign(null, bytes, ed25519.privateKey(privateKey))),
    verify(publicKey, bytes, signature) {
      if (publicKey.length !== keyBytes || signature.length !== 64) return false;
      if (isOfSmallOrder(publicKey)) return false;
      return verify(null, bytes, ed25519.publicKey(publicKey), signature);
    },
    sha256,
    agreementKey: () => x25519.pair(random.bytes(keyBytes)),
    agree: (own, peers) => agree(x25519.privateKey(own), x25519.publicKey(peers)),
    derive(secret, info, count) {
      return new Uint8Array(hkdfSync("sha256", secret, new Uint8Array(0), info, count));
    },
    seal,
    open,
  };
}

// --- internal ---

const keyBytes = 32;
const tagBytes = 16;
const gcm = "aes-256-gcm";

/**
 * Points of Ed25519 whose order is at most 8, without their sign: as public keys they verify
 * signatures that nobody has made, zeros over zeros for one. RFC 8032 leaves them to us.
 */
const smallOrder: ReadonlySet<string> = new Set([
  "00".repeat(32),
  `01${"00".repeat(31)}`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  `ec${"ff".repeat(30)}7f`,
  `ed${"ff".repeat(30)}7f`,
  `ee${"ff".repeat(30)}7f`,
]);

function isOfSmallOrder(publicKey: Bytes): boolean {
  const unsigned = publicKey.slice();
  unsigned[keyBytes - 1] = (publicKey[keyBytes - 1] ?? 0) & 0x7f;
  return smallOrder.has(unsigned.toHex());
}

interface Keys {
  privateKey(raw: Bytes): KeyObject;
  publicKey(raw: Bytes): KeyObject;
  pair(privateKey: Bytes): KeyPair;
}

/** Turns raw keys of an algorithm (its OID in DER, RFC 8410) into key objects, and keeps some. */
function keysOf(oid: string): Keys {
  const privateHead = Buffer.from(`302e02010030050603${oid}04220420`, "hex");
  const publicHead = Buffer.from(`302a30050603${oid}032100`, "hex");
  const privates = new Map<string, KeyObject>();
  const publics = new Map<string, KeyObject>();
  const keys: Keys = {
    privateKey: (raw) =>
      cached(privates, raw, () =>
        createPrivateKey({ key: join(privateHead, raw), format: "der", type: "pkcs8" }),
      ),
    publicKey: (raw) =>
      cached(publics, raw, () =>
        createPublicKey({ key: join(publicHead, raw), format: "der", type: "spki" }),
      ),
    pair(privateKey) {
      const der = createPublicKey(keys.privateKey(privateKey)).export({
        format: "der",
        type: "spki",
      });
      return { publicKey: plain(der.subarray(publicHead.length)), privateKey };
    },
  };
  return keys;
}

/** The oldest goes when the map is full. */
function cached(map: Map<string, KeyObject>, raw: Bytes, make: () => KeyObject): KeyObject {
  assert(raw.length === keyBytes, "a raw key has 32 bytes");
  const name = Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString("latin1");
  const known = map.get(name);
  if (known !== undefined) return known;
  if (map.size >= LIMITS.cachedKeysMax) {
    for (const oldest of map.keys()) {
      map.delete(oldest);
      break;
    }
  }
  const made = make();
  map.set(name, made);
  return made;
}

/** By Bun's own: node:crypto makes a stream for each, which takes twice as long. */
function sha256(...parts: readonly Bytes[]): Bytes {
  const digest = new Uint8Array(Bun.SHA256.byteLength);
  const [only] = parts;
  if (only !== undefined && parts.length === 1) Bun.SHA256.hash(only, digest);
  else {
    const hash = new Bun.SHA256();
    for (const part of parts) hash.update(part);
    hash.digest(digest);
  }
  return digest;
}

function agree(privateKey: KeyObject, publicKey: KeyObject): Bytes {
  try {
    return plain(diffieHellman({ privateKey, publicKey }));
  } catch (error) {
    // A point of small order gives all zeros, which RFC 7748 §6.1 lets us refuse.
    throw new ProtocolError("SIGNATURE_INVALID", "its agreement key is not usable", error);
  }
}

function seal(key: Bytes, nonce: Bytes, text: Bytes, about: Bytes): Bytes {
  const cipher = createCipheriv(gcm, key, nonce);
  cipher.setAAD(about);
  const sealed = new Uint8Array(text.length + tagBytes);
  sealed.set(cipher.update(text), 0);
  cipher.final();
  sealed.set(cipher.getAuthTag(), text.length);
  return sealed;
}

function open(key: Bytes, nonce: Bytes, sealed: Bytes, about: Bytes): Bytes | undefined {
  const end = sealed.length - tagBytes;
  if (end < 0) return undefined;
  const decipher = createDecipheriv(gcm, key, nonce);
  decipher.setAAD(about);
  decipher.setAuthTag(sealed.subarray(end));
  const text = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
  } catch (_forged) {
    return undefined;
  }
  return plain(text);
}

function join(head: Bytes, raw: Bytes): Buffer {
  return Buffer.concat([head, raw]);
}

/** Node's buffers are views of a pool: what leaves here is an array of its own kind and place. */
function plain(buffer: Uint8Array): Bytes {
  return new Uint8Array(buffer);
}
