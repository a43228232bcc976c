// Cryptography for simulations. Signatures and key agreement are keyed stand-ins, some hundred
// times cheaper than the real ones: nobody in the world can make one without the private key, but
// whoever knows the world's secret can. All else is the real thing.

import { timingSafeEqual } from "node:crypto";
import type { Bytes, Crypto, Random } from "../environment.ts";
import { createCrypto } from "../serve/crypto.ts";

/** Makes a cryptography whose signatures only hold among those with the same `worldSecret`. */
export function createCheapCrypto(random: Random, worldSecret: string): Crypto {
  const real = createCrypto(random);
  const secret = new TextEncoder().encode(worldSecret);
  const seed = Bun.hash.wyhash(secret, 1n);
  const publicOf = (privateKey: Bytes): Bytes => real.sha256(secret, privateKey);
  const publics = new Map<string, Bytes>();
  const publicKeyOf = (privateKey: Bytes): Bytes => {
    const name = privateKey.toHex();
    let known = publics.get(name);
    if (known === undefined) publics.set(name, (known = publicOf(privateKey)));
    return known;
  };
  const signature = (publicKey: Bytes, bytes: Bytes): Bytes => {
    const words = new BigUint64Array(8);
    words[0] = Bun.hash.wyhash(bytes, Bun.hash.wyhash(publicKey, seed));
    words[1] = BigInt(bytes.length);
    return new Uint8Array(words.buffer);
  };
  return {
    ...real,
    signingKey(given) {
      const privateKey = given ?? random.bytes(32);
      return { privateKey, publicKey: publicKeyOf(privateKey) };
    },
    sign: (privateKey, bytes) => signature(publicKeyOf(privateKey), bytes),
    verify: (publicKey, bytes, given) =>
      given.length === 64 && timingSafeEqual(signature(publicKey, bytes), given),
    agreementKey() {
      const privateKey = random.bytes(32);
      return { privateKey, publicKey: publicKeyOf(privateKey) };
    },
    agree(privateKey, publicKey) {
      const own = publicKeyOf(privateKey);
      const [first, second] = own.toHex() < publicKey.toHex() ? [own, publicKey] : [publicKey, own];
      return real.sha256(secret, first, second);
    },
  };
}
