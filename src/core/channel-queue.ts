// What one server is to be told in its channel: all messages of a tick are sealed together, so that
// a frame, and what it costs on its way and at its end, is shared by them; in their order.
// Next: channel.ts.

import type { Bytes } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { PeerMessage } from "../protocol/peer.ts";
import type { Channel } from "./channel.ts";

export interface ChannelQueue {
  /** There are messages for which the channel has no room. */
  readonly waits: boolean;
  /**
   * Queues a message for `flush`; false when as many wait for room as may. One that is in no hurry
   * goes with the next one that is, or with the acknowledgement that is owed.
   */
  add(message: PeerMessage, hurries?: boolean): boolean;
  /** Seals what was queued: the tick's, or instead of an acknowledgement alone. */
  flush(): void;
  /** The channel has room again. */
  drained(): void;
  clear(): void;
}

/** `added` asks for a flush at the end of the tick. */
export function createChannelQueue(
  channel: Pick<Channel, "send" | "owes">,
  added: () => void,
): ChannelQueue {
  let texts: string[] = [];
  let length = 0;
  let waits = false;
  let isAsked = false;

  const sealAll = () => {
    let from = 0;
    while (from < texts.length) {
      const to = endOfBatch(texts, from);
      waits = !channel.send(encodeBatch(texts, from, to));
      if (waits) break;
      from = to;
    }
    texts = from === texts.length ? [] : texts.slice(from);
    length = 0;
    isAsked = false;
  };
  return {
    get waits() {
      return waits;
    },
    add(message, hurries = true) {
      const isPrivate = message.t === "tell" || message.t === "offer";
      const max = isPrivate ? LIMITS.privateQueuedMax : LIMITS.channelWindowMax;
      if (waits && texts.length >= max) return false;
      const text = JSON.stringify(message);
      texts.push(text);
      if (waits) return true;
      length += text.length;
      if (length >= LIMITS.channelBatchLengthMax) sealAll();
      else if (!isAsked && (hurries || !channel.owes)) {
        isAsked = true;
        added();
      }
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
      waits = isAsked = false;
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
