// AUTHENTICATE (IRCv3 sasl-3.2): a message of SASL in base64, cut into parts of 400 characters of
// which the last is shorter. The mechanism is PLAIN (RFC 4616); whose account it is, and whether
// the password is right, the plugins say.

import type { MaybePromise } from "chatfusion";
import { isFailure, LIMITS } from "chatfusion";
import type { Client } from "./client.ts";
import { showOperator } from "./opers.ts";
import type { Reply } from "./reply.ts";

export const MECHANISMS: readonly string[] = ["PLAIN"];

/** What has come of the message until now. */
export interface SaslExchange {
  parts: string;
}

const partLength = 400;

/** AUTHENTICATE, before and after the client has come in. */
export function authenticate(
  client: Client,
  [word = ""]: readonly string[],
  reply: Reply,
): MaybePromise<void> {
  if (client.sasl === undefined) return begin(client, word, reply);
  if (word === "*") {
    client.sasl = undefined;
    return reply.numeric("ERR_SASLABORTED", []);
  }
  if (word.length > partLength) {
    client.sasl = undefined;
    return reply.numeric("ERR_SASLTOOLONG", []);
  }
  if (word !== "+") client.sasl.parts += word;
  const { parts } = client.sasl;
  if (parts.length > LIMITS.ircSaslBytesMax) return fail(client, reply);
  if (word.length === partLength) return undefined; // more follows
  client.sasl = undefined;
  const plain = decodePlain(parts);
  if (plain === undefined) return fail(client, reply);
  return logIn(client, plain, reply);
}

/** Ends an exchange that the client has not brought to its end: it comes in without an account. */
export function abandon(client: Client): void {
  if (client.sasl === undefined) return;
  client.sasl = undefined;
  client.aside().numeric("ERR_SASLABORTED", []);
}

/** The message of PLAIN; undefined where it is none. */
export function decodePlain(base64: string): Plain | undefined {
  try {
    const bytes = Uint8Array.fromBase64(base64);
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const [authzid, account, password, ...more] = text.split("\0");
    if (authzid === undefined || !account || !password || more.length > 0) return undefined;
    // To act as somebody else is not what an account may.
    return authzid === "" || authzid === account ? { account, password } : undefined;
  } catch {
    return undefined;
  }
}

// --- internal ---

interface Plain {
  readonly account: string;
  readonly password: string;
}

function begin(client: Client, mechanism: string, reply: Reply): void {
  if (!MECHANISMS.includes(mechanism.toUpperCase())) {
    reply.numeric("RPL_SASLMECHS", [MECHANISMS.join(",")]);
    return reply.numeric("ERR_SASLFAIL", []);
  }
  client.sasl = { parts: "" };
  client.send("AUTHENTICATE +\r\n");
}

function fail(client: Client, reply: Reply): void {
  client.sasl = undefined;
  reply.numeric("ERR_SASLFAIL", []);
}

async function logIn(client: Client, plain: Plain, reply: Reply): Promise<void> {
  const { host } = client.world;
  const { account, password } = plain;
  const proof = await host.authenticate({
    nick: account,
    credential: { kind: "password", password },
    connection: client.connection,
  });
  if (isFailure(proof)) return reply.numeric("ERR_SASLFAIL", [], `${proof.text} (${proof.code})`);
  if (client.session === undefined) client.proof = proof;
  else {
    const refused = host.identify(client.session, proof);
    if (refused !== undefined) return reply.numeric("ERR_SASLFAIL", [], refused.text);
  }
  const mask = client.nick === undefined ? "*" : client.mask;
  reply.numeric("RPL_LOGGEDIN", [mask, proof.account], `You are now logged in as ${proof.account}`);
  reply.numeric("RPL_SASLSUCCESS", []);
  showOperator(client, reply);
}
