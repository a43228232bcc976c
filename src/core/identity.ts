// Who this server is: a key made at the first start, an epoch that grows with each start and is
// durable before anybody hears of it, and what this start alone has (life, sealing key).

import type { Bytes, Environment, KeyPair } from "../environment.ts";
import { ChatFusionError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { ServerName, Sid } from "../names.ts";
import { sidOf } from "../names.ts";
import type { FabricHost } from "../plugin/fabric.ts";
import type { Card } from "../protocol/peer.ts";

const KEY = "identity.key";
const EPOCH = "epoch";
const SEED_BYTES = 32;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** What a fabric signs begins with this: never bytes that could pass for a batch. */
const FABRIC_PREFIX = encoder.encode("chatfusion fabric 1");

export interface Identity {
  readonly sid: Sid;
  readonly key: Bytes;
  readonly epoch: number;
  /** 16 hex digits, of this start. */
  readonly life: string;
  readonly sealing: KeyPair;
  readonly card: Bytes;
  sign(bytes: Bytes): Bytes;
}

/** Loads the identity, or makes it, and begins a new epoch. Rejects with `CONFIG_INVALID`. */
export async function loadIdentity(environment: Environment): Promise<Identity> {
  const { store, crypto, random } = environment;
  let seed = await store.read(KEY);
  if (seed === undefined) {
    seed = random.bytes(SEED_BYTES);
    await store.write(KEY, seed);
  }
  if (seed.length !== SEED_BYTES)
    throw damaged(KEY, `${seed.length} bytes, expected ${SEED_BYTES}`);
  const stored = await store.read(EPOCH);
  const last = stored === undefined ? 0 : Number(decoder.decode(stored));
  if (!Number.isSafeInteger(last) || last < 0 || last >= LIMITS.counterMax)
    throw damaged(EPOCH, "expected a whole number");
  const epoch = last + 1;
  await store.write(EPOCH, encoder.encode(String(epoch)));
  const { publicKey, privateKey } = crypto.signingKey(seed);
  const sealing = crypto.agreementKey();
  const life = random.bytes(8).toHex();
  const card: Card = { life, seal: sealing.publicKey.toHex() };
  return {
    sid: sidOf(crypto.sha256(publicKey).subarray(0, 16)),
    key: publicKey,
    epoch,
    life,
    sealing,
    card: encoder.encode(JSON.stringify(card)),
    sign: (bytes) => crypto.sign(privateKey, bytes),
  };
}

const damaged = (key: string, what: string) =>
  new ChatFusionError("CONFIG_INVALID", `data folder: store/${key} is damaged: ${what}`);

/** The part of the identity that a fabric is given; readable once the server has started. */
export function fabricIdentity(
  name: ServerName,
  environment: Environment,
  identity: () => Identity,
): FabricHost["identity"] {
  const { crypto } = environment;
  const prefixed = (bytes: Bytes): Bytes => {
    const whole = new Uint8Array(FABRIC_PREFIX.length + bytes.length);
    whole.set(FABRIC_PREFIX);
    whole.set(bytes, FABRIC_PREFIX.length);
    return whole;
  };
  return {
    name,
    get sid() {
      return identity().sid;
    },
    get epoch() {
      return identity().epoch;
    },
    get key() {
      return identity().key;
    },
    get card() {
      return identity().card;
    },
    sign: (bytes) => identity().sign(prefixed(bytes)),
    verify: (key, bytes, signature) => crypto.verify(key, prefixed(bytes), signature),
    sidOf: (key) => sidOf(crypto.sha256(key).subarray(0, 16)),
    sha256: (bytes) => crypto.sha256(bytes),
  };
}
