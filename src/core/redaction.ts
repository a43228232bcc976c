// Messages whose texts are to be gone, found by what their frames say. Next: protocol/batch.ts.

import type { Bytes, Crypto } from "../environment.ts";
import { ProtocolError } from "../errors.ts";
import type { HistoryHost, MessageRef } from "../plugin/history.ts";
import { blankBatch, decodeBatch, frameJson, isTombstone } from "../protocol/batch.ts";
import { parseEntry } from "../protocol/entry.ts";
import type { MessageEntry } from "../protocol/messages.ts";

/** The message in a frame of a batch; undefined when it is none. */
export function entryIn(frame: Bytes): MessageEntry | undefined {
  try {
    return isTombstone(frame) ? undefined : parseEntry(frameJson(frame));
  } catch (thrown) {
    if (thrown instanceof ProtocolError) return undefined; // no JSON: the caller reports it
    throw thrown;
  }
}

/** Makes the core's side of the role "history". */
export const createHistoryHost = (crypto: Pick<Crypto, "sha256">): HistoryHost => ({
  blank(bytes, messages) {
    const { frames } = decodeBatch(crypto, bytes);
    const indices = new Set<number>();
    for (const [index, frame] of frames.entries()) {
      const entry = entryIn(frame);
      if (entry !== undefined && isAmong(messages, entry)) indices.add(index);
    }
    return indices.size === 0 ? bytes : blankBatch(crypto, bytes, indices);
  },
});

/** Tells whether a message is one of these. */
export const isAmong = (messages: readonly MessageRef[], { id, from }: MessageRef): boolean =>
  messages.some((one) => one.id === id && one.from === from);
