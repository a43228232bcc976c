// A file's chunk: transfer (16 bytes) · offset (u64, big endian) · bytes. The same on every hop,
// so that it is forwarded in place. Pure.

import type { Bytes } from "../environment.ts";
import { ProtocolError } from "../errors.ts";
import { LIMITS } from "../limits.ts";

export const CHUNK_HEAD_BYTES = 24;

export interface Chunk {
  readonly transfer: string;
  readonly offset: number;
  /** Borrowed with the payload. */
  readonly bytes: Bytes;
}

/** Writes a chunk's head. `transfer` is 32 hex digits. */
export function writeChunkHead(into: Bytes, at: number, transfer: string, offset: number): void {
  into.set(Uint8Array.fromHex(transfer), at);
  const view = new DataView(into.buffer, into.byteOffset + at + 16, 8);
  view.setBigUint64(0, BigInt(offset));
}

/** Reads a chunk's payload. Throws `ProtocolError` `BAD_FRAME` where it cannot be one. */
export function readChunk(payload: Bytes): Chunk {
  const size = payload.length - CHUNK_HEAD_BYTES;
  if (size < 1 || size > LIMITS.chunkBytesMax) {
    const what = `a chunk of ${size} bytes, expected 1 to ${LIMITS.chunkBytesMax}`;
    throw new ProtocolError("BAD_FRAME", what);
  }
  const view = new DataView(payload.buffer, payload.byteOffset + 16, 8);
  const offset = view.getUint32(0) * 2 ** 32 + view.getUint32(4);
  if (offset > LIMITS.fileBytesMax) throw new ProtocolError("BAD_FRAME", `offset ${offset}`);
  return {
    transfer: payload.subarray(0, 16).toHex(),
    offset,
    bytes: payload.subarray(CHUNK_HEAD_BYTES),
  };
}
