// What one server is to be told in its channel: all messages of a tick are sealed together, so that
// a frame, and what it costs on its way and at its end, is shared by them; in their order.
// Next: channel.ts.

import type { Bytes } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { PeerMessage } from "../protocol/peer.ts";

export interface ChannelQueue {
  /** There are messages for which the channel has no room. */
  readonly waits: boolean;
  /** Queues a message for `flush`; false when as many wait for room as may. */
  add(message: PeerMessage): boolean;
  /** Seals what was queued; the tick's. */
  flush(): void;
  /** The channel has room again. */
  drained(): void;
  clear(): void;
}

/** `seal` returns false when there is no room; `added` asks for a flush at the end of the tick. */
export function createChannelQueue(
  seal: (bytes: Bytes) => boolean,
  added: () => void,
): ChannelQueue {
  let texts: string[] = [];
  let length = 0;
  let waits = false;

  const sealAll = () => {
    let from = 0;
    while (from < texts.length) {
      const to = endOfBatch(texts, from);
      waits = !seal(encodeBatch(texts, from, to));
      if (waits) break;
      from = to;
    }
    texts = from === texts.length ? [] : texts.slice(from);
    length = 0;
  };
  return {
    get waits() {
      return waits;
    },
    add(message) {
      const isPrivate = message.t === "tell" || message.t === "offer";
      const max = isPrivate ? LIMITS.privateQueuedMax : LIMITS.channelWindowMax;
      if (waits && texts.length >= max) return false;
      const text = JSON.stringify(message);
      texts.push(text);
      if (waits) return true;
      length += text.length;
      if (length >= LIMITS.channelBatchLengthMax) sealAll();
      else if (texts.length === 1) added();
      return true;
    },
    flush() {
      if (!waits) sealAll();
    },
    drained() {
      if (waits) sealAll();
    },
    clear() {
      texts = [];
      length = 0;
      waits = false;
    },
  };
}

// --- internal -----------------------------------------------------------------------------------

const encoder = new TextEncoder();

/** How far texts from `from` on go together. */
function endOfBatch(texts: readonly string[], from: number): number {
  let to = from;
  let length = 0;
  for (; to < texts.length && to - from < LIMITS.channelBatchMax; to++) {
    length += texts[to]?.length ?? 0;
    if (length > LIMITS.channelBatchLengthMax && to > from) break;
  }
  return to;
}

const encodeBatch = (texts: readonly string[], from: number, to: number): Bytes =>
  encoder.encode(to - from === 1 ? texts[from] : `[${texts.slice(from, to).join(",")}]`);
