// A client's end of SCRAM-SHA-256 (RFC 5802 §5, RFC 7677), for tests of plugins that lead such an
// exchange: it proves a password, and looks whether the server has proven itself.

import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import type { Bytes } from "../environment.ts";
import type { Exchange } from "../plugin/hooks.ts";

export interface ScramClient extends Exchange {
  /** The server has shown that it knows the password's verifier. */
  readonly isServerProven: () => boolean;
  /** What the server said first: salt and iterations are in it. */
  readonly serverFirst: () => string;
}

/** Makes the credential of somebody who knows a password. `alter` may change what is said. */
export function scramClient(
  name: string,
  password: string,
  alter: (message: string, step: number) => string = (message) => message,
): ScramClient {
  const nonce = "rOprNGfwEbeRWgbNEkqO";
  const bare = `n=${name.replaceAll("=", "=3D").replaceAll(",", "=2C")},r=${nonce}`;
  let serverFirst = "";
  let awaited = "";
  let isProven = false;
  const answers = [
    (said: string): string => {
      serverFirst = said;
      const [, full = "", salt = "", count = ""] = /^r=(.*),s=(.*),i=(\d+)$/.exec(said) ?? [];
      const salted = pbkdf2Sync(password, Uint8Array.fromBase64(salt), Number(count), 32, "sha256");
      const unproven = `c=biws,r=${full}`;
      const whole = `${bare},${said},${unproven}`;
      const clientKey = hmac(salted, "Client Key");
      const signature = hmac(createHash("sha256").update(clientKey).digest(), whole);
      const proof = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0));
      awaited = `v=${hmac(hmac(salted, "Server Key"), whole).toBase64()}`;
      return `${unproven},p=${proof.toBase64()}`;
    },
    (said: string): string => {
      isProven = said === awaited;
      return "";
    },
  ];
  let step = 0;
  const encode = (text: string) => encoder.encode(alter(text, step));
  return {
    kind: "exchange",
    mechanism: "SCRAM-SHA-256",
    first: encode(`n,,${bare}`),
    challenge(bytes) {
      const answer = answers[step] ?? (() => "");
      const text = answer(new TextDecoder().decode(bytes));
      step++;
      return Promise.resolve(encode(text));
    },
    isServerProven: () => isProven,
    serverFirst: () => serverFirst,
  };
}

// --- internal ---

const encoder = new TextEncoder();

const hmac = (key: Bytes, text: string): Bytes =>
  new Uint8Array(createHmac("sha256", key).update(text).digest());
