// Passwords: the form in which they are hashed, and the verifier that SCRAM needs.

import { createHash, createHmac, pbkdf2 } from "node:crypto";
import { promisify } from "node:util";
import type { Bytes } from "chatfusion";
import { LIMITS } from "chatfusion";

/** What a server keeps to check SCRAM-SHA-256 (RFC 5802 §3, RFC 7677) without the password. */
export interface ScramVerifier {
  readonly salt: Bytes;
  readonly iterations: number;
  readonly storedKey: Bytes;
  readonly serverKey: Bytes;
}

/**
 * Returns a password as it is hashed: PRECIS OpaqueString (RFC 8265 §4.2), so that it is the same
 * one from every keyboard. Undefined for what none can be: empty, with control characters, or over
 * `LIMITS.passwordBytesMax` bytes.
 */
export function preparePassword(password: string): string | undefined {
  if (password.length > LIMITS.passwordBytesMax) return undefined;
  const prepared = password.replace(/\p{Zs}/gu, " ").normalize("NFC");
  if (prepared === "" || /[\p{Cc}\p{Cs}]/u.test(prepared)) return undefined;
  return Buffer.byteLength(prepared) > LIMITS.passwordBytesMax ? undefined : prepared;
}

/** Derives the verifier of a prepared password, on a thread of its own. */
export async function deriveVerifier(
  password: string,
  salt: Bytes,
  iterations: number,
): Promise<ScramVerifier> {
  const salted = await derive(password, salt, iterations, 32, "sha256");
  const clientKey = createHmac("sha256", salted).update("Client Key").digest();
  return {
    salt,
    iterations,
    storedKey: createHash("sha256").update(clientKey).digest(),
    serverKey: createHmac("sha256", salted).update("Server Key").digest(),
  };
}

/** Tells whether an argon2id hash costs an attacker less than the ones made today. */
export function isWeak(hash: string): boolean {
  const { memoryKiB, passes } = costOf(hash);
  return memoryKiB < LIMITS.argonMemoryKiB || passes < LIMITS.argonPasses;
}

/** Tells whether a hash is at least as costly as another, and more so in memory or passes. */
export function isStronger(hash: string, than: string): boolean {
  const [a, b] = [costOf(hash), costOf(than)];
  if (a.memoryKiB < b.memoryKiB || a.passes < b.passes) return false;
  return a.memoryKiB > b.memoryKiB || a.passes > b.passes;
}

// --- internal ---

const derive = promisify(pbkdf2);

/** The cost that stands in a hash (PHC string format); nothing for what is no argon2id hash. */
function costOf(hash: string): { readonly memoryKiB: number; readonly passes: number } {
  const [, memoryKiB, passes] = /^\$argon2id\$v=\d+\$m=(\d+),t=(\d+),/.exec(hash) ?? [];
  return { memoryKiB: Number(memoryKiB ?? 0), passes: Number(passes ?? 0) };
}
