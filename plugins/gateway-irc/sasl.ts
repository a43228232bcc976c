// AUTHENTICATE (IRCv3 sasl-3.2): messages of SASL in base64, each cut into parts of 400 characters
// of which the last is shorter. PLAIN (RFC 4616), EXTERNAL (RFC 4422, certificates of TLS), and
// what auth plugins lead as an exchange, such as SCRAM-SHA-256: of it the gateway reads the name.

import type { Bytes, Failure, MaybePromise, Proof } from "chatfusion";
import { isFailure, LIMITS } from "chatfusion";
import type { Client } from "./client.ts";
import { showOperator } from "./opers.ts";
import type { Reply } from "./reply.ts";

/** The mechanisms that this client may use. */
export function mechanismsOf({ world, connection }: Client): readonly string[] {
  const offered = world.host.mechanisms();
  const hasCertificate = connection.fingerprint !== undefined;
  const external = hasCertificate && offered.includes("EXTERNAL") ? ["EXTERNAL"] : [];
  // Those whose first message has the account's name where it can be read.
  return ["PLAIN", ...offered.filter((name) => /^SCRAM-(?!.*-PLUS$)/.test(name)), ...external];
}

/** What has come of a login until now. */
export interface SaslExchange {
  readonly mechanism: string;
  /** Of the message that is coming in. */
  parts: string;
  /** There while the server waits for an answer to its challenge. */
  answer?: { take(bytes: Bytes): void; giveUp(): void };
  /** What the present line is answered with, and what says that it is done. */
  reply?: Reply;
  turn?: () => void;
}

const partLength = 400;

/** AUTHENTICATE, before and after the client has come in. */
export function authenticate(
  client: Client,
  [word = ""]: readonly string[],
  reply: Reply,
): MaybePromise<void> {
  const { sasl } = client;
  if (sasl === undefined) return begin(client, word, reply);
  if (word === "*") {
    giveUp(client);
    return reply.numeric("ERR_SASLABORTED", []);
  }
  if (word.length > partLength) {
    giveUp(client);
    return reply.numeric("ERR_SASLTOOLONG", []);
  }
  if (word !== "+") sasl.parts += word;
  if (sasl.parts.length > LIMITS.ircSaslBytesMax) return fail(client, reply);
  if (word.length === partLength) return undefined; // more follows
  const { parts } = sasl;
  sasl.parts = "";
  const message = bytesOf(parts);
  if (message === undefined) return fail(client, reply);
  return went(client, sasl, message, reply);
}

/** Ends an exchange that the client has not brought to its end: it comes in without an account. */
export function abandon(client: Client): void {
  if (client.sasl === undefined) return;
  giveUp(client);
  client.aside().numeric("ERR_SASLABORTED", []);
}

/** Forgets an exchange; the plugin that leads it is told. */
export function giveUp(client: Client): void {
  const { sasl } = client;
  client.sasl = undefined;
  sasl?.answer?.giveUp();
}

/** Logs the client in to what it has proven, and tells it. */
export function loggedIn(client: Client, proof: Proof, reply: Reply): Failure | undefined {
  if (client.session === undefined) client.proof = proof;
  else {
    const refused = client.world.host.identify(client.session, proof);
    if (refused !== undefined) return refused;
  }
  const mask = client.nick === undefined ? "*" : client.mask;
  reply.numeric("RPL_LOGGEDIN", [mask, proof.account], `You are now logged in as ${proof.account}`);
  return undefined;
}

/** The message of PLAIN; undefined where it is none. */
export function decodePlain(message: Bytes): Plain | undefined {
  const text = textOf(message);
  const [authzid, account, password, ...more] = text?.split("\0") ?? [];
  if (authzid === undefined || !account || !password || more.length > 0) return undefined;
  // To act as somebody else is not what an account may.
  return authzid === "" || authzid === account ? { account, password } : undefined;
}

// --- internal ---

interface Plain {
  readonly account: string;
  readonly password: string;
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function textOf(bytes: Bytes): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

function bytesOf(base64: string): Bytes | undefined {
  try {
    return Uint8Array.fromBase64(base64);
  } catch {
    return undefined;
  }
}

function begin(client: Client, word: string, reply: Reply): void {
  const mechanism = word.toUpperCase();
  const mechanisms = mechanismsOf(client);
  if (!mechanisms.includes(mechanism)) {
    reply.numeric("RPL_SASLMECHS", [mechanisms.join(",")]);
    return reply.numeric("ERR_SASLFAIL", []);
  }
  client.sasl = { mechanism, parts: "" };
  client.send("AUTHENTICATE +\r\n");
}

function fail(client: Client, reply: Reply): void {
  giveUp(client);
  reply.numeric("ERR_SASLFAIL", []);
}

/** A whole message has come: the first one, or the answer to a challenge. */
function went(
  client: Client,
  sasl: SaslExchange,
  message: Bytes,
  reply: Reply,
): MaybePromise<void> {
  sasl.reply = reply;
  const turned = new Promise<void>((resolve) => (sasl.turn = resolve));
  const { answer } = sasl;
  if (answer !== undefined) {
    delete sasl.answer;
    answer.take(message);
    return turned;
  }
  const attempt = attemptOf(client, sasl, message);
  if (attempt === undefined) return fail(client, reply);
  const { connection } = client;
  const over = client.world.host.authenticate({ ...attempt, connection }).then((proof) => {
    ended(client, sasl, proof);
    sasl.turn?.();
  });
  // The line is done at the next challenge, or at the end; a fault is one of its own.
  return Promise.race([turned, over.then(() => turned)]);
}

type Attempt = Omit<Parameters<Client["world"]["host"]["authenticate"]>[0], "connection">;

/** Whose login it is, and by what; undefined where the message does not say. */
function attemptOf(client: Client, sasl: SaslExchange, message: Bytes): Attempt | undefined {
  const { mechanism } = sasl;
  if (mechanism === "PLAIN") {
    const plain = decodePlain(message);
    if (plain === undefined) return undefined;
    const { account, password } = plain;
    return { nick: account, credential: { kind: "password", password } };
  }
  if (mechanism === "EXTERNAL") {
    // Without a name it is the account of the nick that is asked for.
    const nick = textOf(message) || client.session?.person.nick || client.nick;
    return nick === undefined ? undefined : { nick, credential: { kind: "certificate" } };
  }
  const [, nick] = /^[ny],[^,]*,n=([^,]+),/.exec(textOf(message) ?? "") ?? [];
  if (nick === undefined) return undefined;
  const challenge = (bytes: Bytes) => challenged(client, sasl, bytes);
  return { nick, credential: { kind: "exchange", mechanism, first: message, challenge } };
}

/** Says something to the client, and waits for what it answers. */
function challenged(client: Client, sasl: SaslExchange, bytes: Bytes): Promise<Bytes> {
  if (client.sasl !== sasl) return Promise.reject(new Error("the exchange has ended"));
  const text = bytes.toBase64();
  for (let at = 0; at < text.length; at += partLength)
    client.send(`AUTHENTICATE ${text.slice(at, at + partLength)}\r\n`);
  if (text.length % partLength === 0) client.send("AUTHENTICATE +\r\n");
  return new Promise((take, reject) => {
    sasl.answer = { take, giveUp: () => reject(new Error("the client gave it up")) };
    sasl.turn?.();
  });
}

function ended(client: Client, sasl: SaslExchange, proof: Proof | Failure): void {
  const { reply } = sasl;
  if (client.sasl !== sasl || reply === undefined) return; // it was told already
  client.sasl = undefined;
  const refused = isFailure(proof) ? proof : loggedIn(client, proof, reply);
  if (refused !== undefined)
    return reply.numeric("ERR_SASLFAIL", [], `${refused.text} (${refused.code})`);
  reply.numeric("RPL_SASLSUCCESS", []);
  showOperator(client, reply);
}
