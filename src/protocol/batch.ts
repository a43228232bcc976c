// A batch: what one server said in one room in one tick, as it travels and as it is kept. Its body
// is the members' own `message` frames, so that a receiving server splices bytes. All rooms of a
// tick are signed once: each batch carries its path in a Merkle tree (RFC 6962 §2.1: leaves and
// inner nodes are hashed under different prefixes), so that batches can be pruned.
//
//   sid 16 · life 8 · tick u64 · first u64 · count u16 · room text ·
//   leaves u16 · leaf u16 · path (32 each) · signature 64 · body
// A leaf is SHA-256(0 · sid · life · tick · first · count · room · SHA-256 of each frame); the
// signature covers "chatfusion batch 1" · sid · life · tick · root.
// A message whose text is to be gone leaves a *tombstone*: a frame that holds the SHA-256 of the
// message's frame, so that the batch verifies as before. Whoever passes it on can so withhold what
// was said, and not alter it.
// Pure: hashing and signing are given. Next: core/streams.ts.

import type { Bytes, Crypto } from "../environment.ts";
import { ProtocolError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName, Sid } from "../names.ts";
import { isSid, sidBytes, sidOf } from "../names.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { decodeJson, encodeFrame, FRAME, FRAME_HEAD_BYTES } from "./frame.ts";

const PREFIX = new TextEncoder().encode("chatfusion batch 1");
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const HASH_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** The type of a tombstone; it stands in batches only. */
const TOMBSTONE = 0x0f;
const TOMBSTONE_BYTES = FRAME_HEAD_BYTES + HASH_BYTES;

/** What a batch says, without its proof. */
export interface Leaf {
  readonly origin: Sid;
  /** 16 hex digits. */
  readonly life: string;
  readonly tick: number;
  readonly room: RoomName;
  readonly first: number;
  /** Whole `message` frames, in order, or the tombstones in their places. */
  readonly frames: readonly Bytes[];
}

export interface DecodedBatch extends Leaf {
  /** The frames, one behind the other. */
  readonly body: Bytes;
  /** The root of the tick's tree, and its signature. */
  readonly root: Bytes;
  readonly signature: Bytes;
}

type Sha = Pick<Crypto, "sha256">;

function leafHash(sha: Sha, leaf: Leaf): Bytes {
  const head = new ByteWriter(128)
    .raw(LEAF)
    .raw(sidBytes(leaf.origin))
    .raw(Uint8Array.fromHex(leaf.life))
    .u64(leaf.tick)
    .u64(leaf.first)
    .u16(leaf.frames.length)
    .text(leaf.room)
    .done();
  return sha.sha256(head, ...leaf.frames.map((frame) => frameHash(sha, frame)));
}

const frameHash = (sha: Sha, frame: Bytes): Bytes =>
  isTombstone(frame) ? frame.subarray(FRAME_HEAD_BYTES) : sha.sha256(frame);

/** Tells whether a frame of a decoded batch stands for a message whose text is gone. */
export const isTombstone = (frame: Bytes): boolean => frame[4] === TOMBSTONE;

/** The bytes that an origin signs for a tick. */
export function signedBytes(origin: Sid, life: string, tick: number, root: Bytes): Bytes {
  return new ByteWriter(128)
    .raw(PREFIX)
    .raw(sidBytes(origin))
    .raw(Uint8Array.fromHex(life))
    .u64(tick)
    .raw(root)
    .done();
}

/** Encodes all batches of a tick, signed once. `leaves` are of one origin, life and tick. */
export function encodeTick(
  sha: Sha,
  sign: (bytes: Bytes) => Bytes,
  leaves: readonly Leaf[],
): Bytes[] {
  const first = leaves[0];
  if (first === undefined) return [];
  // levels[0] are the leaves; an odd node at the end rises as it is.
  const levels: Bytes[][] = [leaves.map((leaf) => leafHash(sha, leaf))];
  for (let level = levels[0] ?? []; level.length > 1;) {
    const next: Bytes[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i] as Bytes, level[i + 1]]; // i is within the level
      next.push(right === undefined ? left : sha.sha256(NODE, left, right));
    }
    levels.push(next);
    level = next;
  }
  const root = levels.at(-1)?.[0] as Bytes; // one node is left
  const signature = sign(signedBytes(first.origin, first.life, first.tick, root));
  return leaves.map((leaf, index) => {
    const path: Bytes[] = [];
    for (let depth = 0, at = index; depth < levels.length - 1; depth++, at >>= 1) {
      const sibling = levels[depth]?.[at ^ 1];
      if (sibling !== undefined) path.push(sibling);
    }
    return encode(leaf, leaves.length, index, path, signature);
  });
}

/** Encodes a batch that nobody is there to check: its signature is zeros. Nothing is hashed. */
export const encodeUnsigned = (leaf: Leaf): Bytes =>
  encode(leaf, 1, 0, [], new Uint8Array(SIGNATURE_BYTES));

function encode(
  leaf: Leaf,
  leaves: number,
  index: number,
  path: readonly Bytes[],
  signature: Bytes,
): Bytes {
  const body = leaf.frames.reduce((sum, frame) => sum + frame.length, 0);
  const writer = new ByteWriter(256 + path.length * HASH_BYTES + body)
    .raw(sidBytes(leaf.origin))
    .raw(Uint8Array.fromHex(leaf.life))
    .u64(leaf.tick)
    .u64(leaf.first)
    .u16(leaf.frames.length)
    .text(leaf.room)
    .u16(leaves)
    .u16(index);
  for (const hash of path) writer.raw(hash);
  writer.raw(signature);
  for (const frame of leaf.frames) writer.raw(frame);
  return writer.done();
}

/**
 * Reads a batch and computes the root that its signature must cover; the signature itself is the
 * caller's to check. Views of `bytes` are borrowed as `bytes` are.
 * Throws `ProtocolError` `BAD_FRAME` for anything that is no batch.
 */
export function decodeBatch(sha: Sha, bytes: Bytes): DecodedBatch {
  const reader = new ByteReader(bytes);
  const origin = sidOf(reader.raw(16));
  const life = reader.raw(8).toHex();
  const tick = reader.u64();
  const first = reader.u64();
  const count = reader.u16();
  const room = reader.text() as RoomName; // checked by the receiver against its own rooms
  const leaves = reader.u16();
  const index = reader.u16();
  const isCounted = first > 0 && count > 0 && first + count - 1 <= LIMITS.counterMax;
  if (!isSid(origin) || !isCounted || count > LIMITS.batchMessagesMax)
    throw new ProtocolError("BAD_FRAME", "not a batch");
  if (leaves > LIMITS.batchLeavesMax || index >= leaves)
    throw new ProtocolError("BAD_FRAME", `leaf ${index} of ${leaves}`);
  const path: { readonly sibling: Bytes; readonly right: boolean }[] = [];
  for (let width = leaves, at = index; width > 1; width = (width + 1) >> 1, at >>= 1)
    if ((at ^ 1) < width) path.push({ sibling: reader.raw(HASH_BYTES), right: (at & 1) === 0 });
  const signature = reader.raw(SIGNATURE_BYTES);
  const body = reader.rest();
  const frames = cutFrames(body, count);
  const leaf = { origin, life, tick, room, first, frames };
  let root = leafHash(sha, leaf);
  for (const { sibling, right } of path)
    root = right ? sha.sha256(NODE, root, sibling) : sha.sha256(NODE, sibling, root);
  return { ...leaf, body, root, signature };
}

/**
 * Writes a batch anew with tombstones in place of some of its frames, by their indices from 0. It
 * verifies as before, and nothing of these messages is in it.
 * Throws `ProtocolError` `BAD_FRAME` for what is no batch.
 */
export function blankBatch(sha: Sha, bytes: Bytes, indices: ReadonlySet<number>): Bytes {
  const { frames, body } = decodeBatch(sha, bytes);
  const writer = new ByteWriter(bytes.length).raw(bytes.subarray(0, bytes.length - body.length));
  for (const [index, frame] of frames.entries())
    writer.raw(
      indices.has(index) && !isTombstone(frame) ? encodeFrame(TOMBSTONE, sha.sha256(frame)) : frame,
    );
  return writer.done();
}

/** Cuts a body into its `message` frames and tombstones. Throws `ProtocolError` `BAD_FRAME`. */
function cutFrames(body: Bytes, count: number): Bytes[] {
  const frames: Bytes[] = [];
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  let at = 0;
  while (at < body.length && frames.length < count) {
    if (body.length - at < FRAME_HEAD_BYTES) break;
    const size = view.getUint32(at) + 4;
    if (size < FRAME_HEAD_BYTES || size > body.length - at) break;
    const type = body[at + 4];
    if (type !== FRAME.message && (type !== TOMBSTONE || size !== TOMBSTONE_BYTES)) break;
    frames.push(body.subarray(at, at + size));
    at += size;
  }
  if (at === body.length && frames.length === count) return frames;
  throw new ProtocolError("BAD_FRAME", `a batch's body is not ${count} message frames`);
}

/** The JSON of one of a batch's frames that is no tombstone. */
export const frameJson = (frame: Bytes): unknown => decodeJson(frame.subarray(FRAME_HEAD_BYTES));
