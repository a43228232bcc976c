// What this server said in its last lives, read back from the history at the start: a message that
// its sender says again, because the acknowledgement went down with the server, is the same one.
// Private messages are in no history: only those that are kept still are recalled. See recent.ts.

import type { Environment } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { History, Stream } from "../plugin/history.ts";
import type { ServerName } from "../names.ts";
import type { MessageEntry } from "../protocol/messages.ts";
import type { Identity } from "./identity.ts";
import type { Ids } from "./ids.ts";
import type { Kept } from "./mail.ts";
import { ownsAddress } from "./peer.ts";
import type { Recent, Sender } from "./recent.ts";
import { senderOfAccount } from "./recent.ts";

const LIVES = "lives";
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const LIFE = /^[0-9a-f]{16}$/;

export interface RecallOptions {
  readonly store: Environment["store"];
  readonly identity: () => Identity;
  readonly recent: Recent;
  readonly ids: Ids;
}

/**
 * Remembers what the newest lives said last, and makes this life one of them, durably. A life that
 * has said nothing is forgotten: a server that fails at each start does not forget the others.
 */
export async function recall(history: History, options: RecallOptions): Promise<void> {
  const { store, identity, recent } = options;
  const { sid, life: own } = identity();
  const streams = (await history.streams()).filter(({ stream }) => stream.origin === sid);
  const stored = await store.read(LIVES);
  const known = stored === undefined ? [] : decoder.decode(stored).split("\n");
  const lives = known
    .filter((life) => LIFE.test(life) && streams.some(({ stream }) => stream.life === life))
    .slice(-LIMITS.recallLivesMax);
  await store.write(LIVES, encoder.encode([...lives, own].join("\n")));
  const newestFirst = lives
    .toReversed()
    .flatMap((life) => streams.filter(({ stream }) => stream.life === life))
    .slice(0, LIMITS.recallStreamsMax);
  const found: MessageEntry[] = [];
  for (const { stream, last } of newestFirst) {
    const room = LIMITS.recallMessagesMax - found.length;
    if (room <= 0) break;
    await readTail(history, stream, { last, count: Math.min(room, LIMITS.recallRoomMax), found });
  }
  // Where only so many of a sender fit, the newest stay.
  found.sort((a, b) => (a.id < b.id ? -1 : 1));
  // A clock that went back meanwhile gives no id that sorts before these.
  options.ids.follow((found.at(-1)?.at ?? 0) + 1);
  for (const { cid, id, at, ...by } of found)
    if (cid !== undefined) recent.remember(senderOf(by), cid, { id, at, logged: 0 });
}

/** Remembers the private messages of people of this server that are kept for their addressees. */
export function recallKept(kept: Iterable<Kept>, self: ServerName, recent: Recent): void {
  for (const { message } of kept) {
    const { cid, id, at, from } = message;
    if (cid === undefined || !ownsAddress(self, from)) continue;
    recent.remember(senderOf(message), `@${cid}`, { id, at, logged: 0, outcome: "stored" });
  }
}

// --- internal -----------------------------------------------------------------------------------

/** The author of a message that was said in an earlier life. */
function senderOf({ from, account }: Pick<MessageEntry, "from" | "account">): Sender {
  const nick = from.slice(0, from.lastIndexOf("@"));
  const sender = account === undefined ? `~ ${nick}` : senderOfAccount(account);
  return { sender, account, nick };
}

/** Adds the last `count` messages of a stream; pruned ones are passed over. */
async function readTail(
  history: History,
  stream: Stream,
  tail: { readonly last: number; readonly count: number; readonly found: MessageEntry[] },
): Promise<void> {
  const { last, count, found } = tail;
  for (let from = Math.max(1, last - count + 1); from <= last;) {
    const batches = await history.range(stream, from, last, LIMITS.recallPageBytes);
    const newest = batches.at(-1);
    if (newest === undefined) return;
    for (const { messages } of batches) found.push(...messages);
    from = newest.last + 1;
  }
}
