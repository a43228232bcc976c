// The real cryptography against the vectors of the texts that it follows.

import { describe, expect, test } from "bun:test";
import type { Crypto } from "../../src/environment.ts";
import { createCrypto } from "../../src/serve/crypto.ts";
import { createRandom } from "../../src/serve/environment.ts";

const crypto: Crypto = createCrypto(createRandom());
const hex = (of: string): Uint8Array => Uint8Array.fromHex(of);
const bytes = (of: string): Uint8Array => new TextEncoder().encode(of);
const none = new Uint8Array(0);

describe("Ed25519", () => {
  test.each([
    {
      seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      message: "",
      signature:
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155" +
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    },
    {
      seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
      message: "af82",
      signature:
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac" +
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    },
  ])("signs and verifies $message as RFC 8032 §7.1 does", (vector) => {
    const pair = crypto.signingKey(hex(vector.seed));
    expect(pair.publicKey.toHex()).toBe(vector.publicKey);
    const signature = crypto.sign(pair.privateKey, hex(vector.message));
    expect(signature.toHex()).toBe(vector.signature);
    expect(crypto.verify(pair.publicKey, hex(vector.message), signature)).toBe(true);
    signature[5] = (signature[5] ?? 0) ^ 1;
    expect(crypto.verify(pair.publicKey, hex(vector.message), signature)).toBe(false);
  });

  test("makes another key each time without a seed", () => {
    const [first, second] = [crypto.signingKey(), crypto.signingKey()];
    expect(first.publicKey).not.toEqual(second.publicKey);
    const signature = crypto.sign(first.privateKey, bytes("x"));
    expect(crypto.verify(second.publicKey, bytes("x"), signature)).toBe(false);
  });

  test.each([
    ["a key that is too short", 31, 64],
    ["a signature that is too short", 32, 63],
  ])("verifies nothing with %s", (_what, keyLength, signatureLength) => {
    const [key, signature] = [new Uint8Array(keyLength), new Uint8Array(signatureLength)];
    expect(crypto.verify(key, bytes("x"), signature)).toBe(false);
  });

  test.each([
    "00".repeat(32),
    `01${"00".repeat(31)}`,
    `01${"00".repeat(30)}80`,
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    `ec${"ff".repeat(30)}7f`,
    `ed${"ff".repeat(31)}`,
    `ee${"ff".repeat(30)}7f`,
  ])("verifies nothing with %s, a key of small order", (key) => {
    for (let index = 0; index < 64; index += 1) {
      const message = bytes(String(index));
      expect(crypto.verify(hex(key), message, new Uint8Array(64))).toBe(false);
      const one = hex(`01${"00".repeat(63)}`);
      expect(crypto.verify(hex(key), message, one)).toBe(false);
    }
  });

  test("verifies nothing with a key that is no point", () => {
    const key = hex(`02${"00".repeat(31)}`);
    expect(crypto.verify(key, bytes("x"), new Uint8Array(64))).toBe(false);
  });

  test("keeps working with more keys than it remembers", () => {
    const first = crypto.signingKey();
    const signature = crypto.sign(first.privateKey, bytes("x"));
    for (let index = 0; index < 3000; index += 1) crypto.signingKey();
    expect(crypto.verify(first.publicKey, bytes("x"), signature)).toBe(true);
    expect(crypto.sign(first.privateKey, bytes("x"))).toEqual(signature);
  });
});

describe("X25519", () => {
  test("agrees as RFC 7748 §5.2 does", () => {
    const scalar = hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
    const point = hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
    expect(crypto.agree(scalar, point).toHex()).toBe(
      "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
    );
  });

  test("gives both sides one secret", () => {
    const [a, b] = [crypto.agreementKey(), crypto.agreementKey()];
    const secret = crypto.agree(a.privateKey, b.publicKey);
    expect(crypto.agree(b.privateKey, a.publicKey)).toEqual(secret);
    expect(secret).toHaveLength(32);
  });

  test("refuses a point of small order", () => {
    const { privateKey } = crypto.agreementKey();
    expect(() => crypto.agree(privateKey, new Uint8Array(32))).toThrow("not usable");
  });
});

test("hashes parts as if they were one (FIPS 180-4)", () => {
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  expect(crypto.sha256(bytes("abc")).toHex()).toBe(abc);
  expect(crypto.sha256(bytes("a"), none, bytes("bc")).toHex()).toBe(abc);
});

test("derives as RFC 5869 §A.3 does", () => {
  const derived = crypto.derive(new Uint8Array(22).fill(0x0b), none, 42);
  expect(derived.toHex()).toBe(
    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
  );
});

describe("AES-256-GCM", () => {
  const key = hex("feffe9928665731c6d6a8f9467308308".repeat(2));
  const nonce = hex("cafebabefacedbaddecaf888");
  const about = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const text = hex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" +
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
  );

  test("seals as test case 16 of the GCM specification does, and opens it", () => {
    const sealed = crypto.seal(key, nonce, text, about);
    expect(sealed.toHex()).toBe(
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" +
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662" +
        "76fc6ece0f4e1768cddf8853bb2d551b",
    );
    expect(crypto.open(key, nonce, sealed, about)).toEqual(text);
  });

  test("opens nothing that was altered anywhere, cut, or is about something else", () => {
    const sealed = crypto.seal(key, nonce, text, about);
    for (let index = 0; index < sealed.length; index += 1) {
      const altered = sealed.slice();
      altered[index] = (altered[index] ?? 0) ^ 0x80;
      expect(crypto.open(key, nonce, altered, about)).toBeUndefined();
    }
    for (let length = 0; length < sealed.length; length += 1) {
      expect(crypto.open(key, nonce, sealed.subarray(0, length), about)).toBeUndefined();
    }
    expect(crypto.open(key, nonce, sealed, none)).toBeUndefined();
  });

  test("seals nothing as well", () => {
    const sealed = crypto.seal(key, nonce, none, none);
    expect(sealed).toHaveLength(16);
    expect(crypto.open(key, nonce, sealed, none)).toEqual(none);
  });
});
