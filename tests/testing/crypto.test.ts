// The cheap cryptography of simulations: it refuses what the real one refuses.

import { describe, expect, test } from "bun:test";
import { createWorld } from "../../src/testing.ts";

const bytes = (of: string): Uint8Array => new TextEncoder().encode(of);

describe("the cheap cryptography", () => {
  test("verifies what was signed, and nothing else", () => {
    const { crypto } = createWorld({ seed: 3 }).environment("paris");
    const [own, others] = [crypto.signingKey(), crypto.signingKey()];
    const signature = crypto.sign(own.privateKey, bytes("hello"));
    expect(signature).toHaveLength(64);
    expect(crypto.verify(own.publicKey, bytes("hello"), signature)).toBe(true);
    expect(crypto.verify(own.publicKey, bytes("hellp"), signature)).toBe(false);
    expect(crypto.verify(others.publicKey, bytes("hello"), signature)).toBe(false);
  });

  test("agrees on one secret at both ends", () => {
    const world = createWorld({ seed: 3 });
    const [paris, lyon] = [world.environment("paris").crypto, world.environment("lyon").crypto];
    const [a, b, c] = [paris.agreementKey(), lyon.agreementKey(), lyon.agreementKey()];
    const secret = paris.agree(a.privateKey, b.publicKey);
    expect(lyon.agree(b.privateKey, a.publicKey)).toEqual(secret);
    expect(lyon.agree(c.privateKey, a.publicKey)).not.toEqual(secret);
  });
});
