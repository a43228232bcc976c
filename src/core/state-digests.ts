// What is held of a room's state, in few bytes, so that servers can compare it. Who holds something
// else has another digest: with sums of hashes anybody could choose entries that leave it the same.
// What changes is hashed anew with what the same server has signed, which is bounded.

import type { Crypto } from "../environment.ts";
import type { Sid } from "../names.ts";
import type { Held } from "./state-store.ts";

/** The digest of digests, in hex, in whatever order. */
export function digestOf(crypto: Pick<Crypto, "sha256">, parts: Iterable<string>): string {
  return shortHash(crypto, [...parts].toSorted((a, b) => (a < b ? -1 : 1)).join(""));
}

/** The digest of a room's entries, as they come and go. */
export class RoomDigest {
  readonly #crypto: Pick<Crypto, "sha256">;
  readonly #bySid = new Map<Sid, Signer>();
  #whole: string | undefined;

  constructor(crypto: Pick<Crypto, "sha256">) {
    this.#crypto = crypto;
  }

  /** An entry is held, in place of what its server has signed under the same key. */
  put({ sid, entry: { key }, row: [body, signedBy] }: Held): void {
    let signer = this.#bySid.get(sid);
    if (signer === undefined)
      this.#bySid.set(sid, (signer = { byKey: new Map(), whole: undefined }));
    signer.byKey.set(key, shortHash(this.#crypto, body, signedBy));
    this.#whole = signer.whole = undefined;
  }

  remove({ sid, entry: { key } }: Held): void {
    const signer = this.#bySid.get(sid);
    if (signer === undefined) return;
    signer.byKey.delete(key);
    if (signer.byKey.size === 0) this.#bySid.delete(sid);
    this.#whole = signer.whole = undefined;
  }

  /** In hex. */
  get whole(): string {
    const ofSigner = (signer: Signer): string =>
      (signer.whole ??= digestOf(this.#crypto, signer.byKey.values()));
    return (this.#whole ??= digestOf(this.#crypto, this.#bySid.values().map(ofSigner)));
  }
}

// --- internal -----------------------------------------------------------------------------------

/** What one server has signed in a room. */
interface Signer {
  readonly byKey: Map<string, string>;
  /** Until something changes. */
  whole: string | undefined;
}

const DIGEST_BYTES = 16;
const encoder = new TextEncoder();

function shortHash(crypto: Pick<Crypto, "sha256">, ...texts: readonly string[]): string {
  const parts = texts.map((text) => encoder.encode(text));
  return crypto
    .sha256(...parts)
    .subarray(0, DIGEST_BYTES)
    .toHex();
}
