// The frames of the handshake, and what is signed in it. Pure. Next: session.ts, which has the
// order in which they come.
//
//   HELLO   version 0x48 · flags (1: dry run, 2: dialled again) · key (32) · epoch (8)
//           · attempt (8) · nonce (32) · name; what a later version adds is signed, and not read
//   AUTH    signature (64) over the transcript · proof of the shared secret (32)
//   FUSION  the newest dial of yours that I took: epoch (8), attempt (8) · count (u16)
//           · count × { sid (16) · name }; to one who asks for a dry run: length (u16) · summary;
//           what a later version adds is not read
//   SYNCED  birth (8)

import { LIMITS } from "chatfusion";
import type { Bytes, ServerName, Sid } from "chatfusion";
import { serverName } from "./announcement.ts";
import type { Identity } from "./announcement.ts";
import { bad, concat, Reader, Writer } from "./bytes.ts";

/** A link's frame types. */
export const LINK_FRAME = {
  hello: 0x10,
  auth: 0x11,
  fusion: 0x12,
  announcement: 0x13,
  synced: 0x14,
  ping: 0x15,
  pong: 0x16,
  routed: 0x17,
  register: 0x18,
  trace: 0x19,
} as const;

const VERSION = 0x48;
const DRY_RUN = 1;
const AGAIN = 2;
const NONCE_BYTES = 32;
/** Where there is no certificate: both ends are in one process, or on one machine. */
const NO_FINGERPRINT = new Uint8Array(32);

/** The order of one server's dials: of a later start, or later in the same one. */
export interface Dial {
  readonly epoch: number;
  readonly attempt: number;
}

export interface Hello extends Dial {
  readonly sid: Sid;
  readonly key: Bytes;
  readonly name: ServerName;
  readonly dryRun: boolean;
  /** By itself after a loss, not at an operator's word. */
  readonly again: boolean;
  readonly bytes: Bytes;
}

export interface Member {
  readonly sid: Sid;
  readonly name: ServerName;
}

export interface Fusion {
  readonly met: Dial;
  readonly members: readonly Member[];
  /** The core's, in the answer to a dry run. */
  readonly summary?: Bytes;
}

/** Writes a hello. `nonce` is 32 random bytes, used once. */
export function makeHello(
  identity: Identity,
  dial: Dial,
  nonce: Bytes,
  flags: { readonly dryRun: boolean; readonly again: boolean },
): Hello {
  const { sid, key, name } = identity;
  const bytes = new Writer()
    .u8(VERSION)
    .u8((flags.dryRun ? DRY_RUN : 0) + (flags.again ? AGAIN : 0))
    .bytes(key)
    .counter(dial.epoch)
    .counter(dial.attempt)
    .bytes(nonce)
    .text(name)
    .done();
  return { ...dial, ...flags, sid, key, name, bytes };
}

/** Reads a hello; nothing in it is proved yet. Borrowed. Throws `ProtocolError`. */
export function readHello(bytes: Bytes, identity: Identity): Hello {
  const own = bytes.slice();
  const reader = new Reader(own);
  if (reader.u8() !== VERSION) throw bad("a hello of version 0x48");
  const flags = reader.u8();
  const key = reader.bytes(32);
  const dial = { epoch: reader.counter(), attempt: reader.counter() };
  reader.bytes(NONCE_BYTES);
  const name = serverName(reader.text());
  const dryRun = (flags & DRY_RUN) !== 0;
  const again = (flags & AGAIN) !== 0;
  return { ...dial, sid: identity.sidOf(key), key, name, dryRun, again, bytes: own };
}

/** What is signed and proved: both hellos, the channel, and on which side the signer stands. */
export interface Transcript {
  readonly fingerprint: Bytes | undefined;
  readonly dialler: Hello;
  readonly accepter: Hello;
}

/** Signs the transcript and proves the secret (a SHA-256; the secret itself is never sent). */
export function makeAuth(identity: Identity, secret: Bytes, transcript: Transcript): Bytes {
  const signed = digest(identity, transcript, transcript.dialler.sid === identity.sid);
  return concat(identity.sign(signed), prove(identity, secret, signed));
}

/** Checks the other side's auth. Throws `ProtocolError` `BAD_FRAME`. */
export function checkAuth(
  identity: Identity,
  secret: Bytes,
  transcript: Transcript,
  auth: Bytes,
): "ok" | "SIGNATURE_INVALID" | "MERGE_DENIED" {
  const byDialler = transcript.dialler.sid !== identity.sid;
  const signer = byDialler ? transcript.dialler : transcript.accepter;
  const signed = digest(identity, transcript, byDialler);
  const reader = new Reader(auth);
  const signature = reader.bytes(64);
  const proof = reader.bytes(32);
  if (!identity.verify(signer.key, signed, signature)) return "SIGNATURE_INVALID";
  const expected = prove(identity, secret, signed);
  let difference = 0; // in the same time wherever they differ
  for (let at = 0; at < expected.length; at++) {
    difference |= (proof[at] ?? 0) ^ (expected[at] ?? 0);
  }
  return difference === 0 ? "ok" : "MERGE_DENIED";
}

/** Writes who is in this server's fusion, for the other side to check. */
export function writeFusion(fusion: Fusion): Bytes {
  const writer = new Writer()
    .counter(fusion.met.epoch)
    .counter(fusion.met.attempt)
    .u16(fusion.members.length);
  for (const { sid, name } of fusion.members) writer.sid(sid).text(name);
  const { summary } = fusion;
  if (summary !== undefined) writer.u16(summary.length).bytes(summary);
  return writer.done();
}

/**
 * Reads who is in the other side's fusion; what a later version adds is not read. Borrowed. Throws
 * `ProtocolError`.
 */
export function readFusion(bytes: Bytes, hasSummary: boolean): Fusion {
  const reader = new Reader(bytes);
  const met = { epoch: reader.counter(), attempt: reader.counter() };
  const count = reader.u16();
  if (count > LIMITS.serversMax) throw bad(`at most ${LIMITS.serversMax} servers, got ${count}`);
  const members: Member[] = [];
  for (let i = 0; i < count; i++) {
    members.push({ sid: reader.sid(), name: serverName(reader.text()) });
  }
  if (!hasSummary || reader.left === 0) return { met, members };
  return { met, members, summary: reader.copy(reader.u16()) };
}

/** Below 0: `a` was dialled before `b`. */
export function compareDials(a: Dial, b: Dial): number {
  return a.epoch === b.epoch ? a.attempt - b.attempt : a.epoch - b.epoch;
}

// --- internal ---

function digest(identity: Identity, transcript: Transcript, byDialler: boolean): Bytes {
  return concat(
    Uint8Array.of(VERSION, byDialler ? 1 : 2),
    transcript.fingerprint ?? NO_FINGERPRINT,
    identity.sha256(transcript.dialler.bytes),
    identity.sha256(transcript.accepter.bytes),
  );
}

/** A keyed hash; safe as such since both parts have fixed lengths. */
function prove(identity: Identity, secret: Bytes, signed: Bytes): Bytes {
  return identity.sha256(concat(secret, identity.sha256(signed)));
}
