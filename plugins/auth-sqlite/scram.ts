// The server's end of SCRAM-SHA-256 (RFC 5802 §5, RFC 7677): the client proves that it knows the
// password, and the server that it has its verifier; neither is told the other's. An account that
// is not there goes the same way to the same end, with a salt that is always the same one.

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Bytes, Exchange, Nick, Random } from "chatfusion";
import { LIMITS, nameKey, parseNick } from "chatfusion";
import type { ScramVerifier } from "./password.ts";

export const SCRAM = "SCRAM-SHA-256";

/**
 * Leads an exchange to its end: whether the client knew the password behind the verifier. False
 * for an unknown account, whose verifier is a decoy, and for what is no SCRAM. Rejects where the
 * client does not answer.
 */
export async function checkScram(by: {
  readonly exchange: Exchange;
  /** Whose login it is: the name in the exchange must be this one. */
  readonly nick: Nick;
  readonly verifier: ScramVerifier;
  readonly random: Random;
}): Promise<boolean> {
  const { exchange, nick, verifier, random } = by;
  const first = parseFirst(textOf(exchange.first));
  if (first === undefined || !isName(first.name, nick)) return false;
  const nonce = first.nonce + random.bytes(nonceBytes).toBase64();
  const { salt, iterations, storedKey, serverKey } = verifier;
  const serverFirst = `r=${nonce},s=${new Uint8Array(salt).toBase64()},i=${iterations}`;
  const last = parseLast(textOf(await exchange.challenge(bytesOf(serverFirst))));
  if (last === undefined || last.nonce !== nonce || last.binding !== first.header) return false;
  const said = `${first.bare},${serverFirst},${last.bare}`;
  const signature = hmac(storedKey, said);
  const clientKey = signature.map((byte, index) => byte ^ (last.proof[index] ?? 0));
  const isRight = timingSafeEqual(createHash("sha256").update(clientKey).digest(), storedKey);
  if (!isRight) return false;
  const serverLast = `v=${hmac(serverKey, said).toBase64()}`;
  return (await exchange.challenge(bytesOf(serverLast))).length === 0;
}

/** What an unknown account is shown: a salt of its name's, and keys that nothing leads to. */
export function decoyOf(nick: Nick, secret: Bytes, iterations: number): ScramVerifier {
  const of = (what: string) => hmac(secret, `${what} ${nameKey(nick)}`);
  return {
    salt: of("salt").subarray(0, saltBytes),
    iterations,
    storedKey: of("stored key"),
    serverKey: of("server key"),
  };
}

export const saltBytes = 16;

// --- internal ---

const nonceBytes = 18;
const proofBytes = 32;
const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const bytesOf = (text: string): Bytes => encoder.encode(text);

/** "" for what is no UTF-8, and so no message. */
function textOf(bytes: Bytes): string {
  try {
    return strict.decode(bytes);
  } catch {
    return "";
  }
}

const hmac = (key: Bytes, text: string): Bytes =>
  new Uint8Array(createHmac("sha256", key).update(text).digest());

interface First {
  /** The GS2 header, in base64, as the last message repeats it. */
  readonly header: string;
  readonly bare: string;
  readonly name: string;
  readonly nonce: string;
}

/** "n,,n=ann,r=nonce": no channel binding ("p="), no extension ("m="); an authzid is the name. */
function parseFirst(text: string): First | undefined {
  const [, header = "", authzid, bare = "", saslName = "", nonce = ""] = FIRST.exec(text) ?? [];
  const name = nameOf(saslName);
  if (name === undefined || (authzid !== undefined && nameOf(authzid) !== name)) return undefined;
  return { header: bytesOf(header).toBase64(), bare, name, nonce };
}

const FIRST = /^([ny],(?:a=([^,]+))?,)(n=([^,]+),r=([\x21-\x2b\x2d-\x7e]{1,256})(?:,.*)?)$/s;

interface Last {
  readonly binding: string;
  readonly nonce: string;
  readonly bare: string;
  readonly proof: Bytes;
}

/** "c=biws,r=nonce,p=proof". */
function parseLast(text: string): Last | undefined {
  const [, bare = "", binding = "", nonce = "", base64 = ""] = LAST.exec(text) ?? [];
  const proof = proofOf(base64);
  return proof === undefined ? undefined : { binding, nonce, bare, proof };
}

const LAST = /^(c=([A-Za-z0-9+/=]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?),p=([A-Za-z0-9+/=]+)$/s;

function proofOf(base64: string): Bytes | undefined {
  try {
    const proof = Uint8Array.fromBase64(base64);
    return proof.length === proofBytes ? proof : undefined;
  } catch {
    return undefined;
  }
}

/** A "saslname": a comma is =2C, an equals sign =3D; undefined for one that is written wrongly. */
function nameOf(text: string): string | undefined {
  if (text === "" || text.length > LIMITS.nameBytesMax * 3) return undefined;
  if (/=(?!2C|3D)/.test(text)) return undefined;
  return text.replaceAll("=2C", ",").replaceAll("=3D", "=");
}

function isName(text: string, nick: Nick): boolean {
  try {
    return nameKey(parseNick(text)) === nameKey(nick);
  } catch {
    return false;
  }
}
