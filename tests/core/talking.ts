// A server that keeps the private messages of its accounts, for tests of who is given them.

import { Database } from "bun:sqlite";
import {
  CONVERSATIONS_SCHEMA,
  createConversations,
} from "../../plugins/log-sqlite/conversations.ts";
import { LIMITS } from "../../src/limits.ts";
import type { Conversations } from "../../src/plugin.ts";
import { startWithAccounts } from "./accounts.ts";
import { MemoryHistory } from "./memory.ts";
import type { Peer } from "./peer.ts";

interface Disk {
  /** It is full. */
  fails: boolean;
  /** Removes nothing before this has resolved. */
  held: Promise<void> | undefined;
}

/** The tables of log-sqlite, in memory. */
function keeping() {
  const database = new Database(":memory:", { strict: true });
  database.run(CONVERSATIONS_SCHEMA);
  const bytesMax = LIMITS.conversationsBytesMax;
  const { page, newest, ...kept } = createConversations(database, { bytesMax, days: undefined });
  const disk: Disk = { fails: false, held: undefined };
  const conversations: Conversations = {
    ...kept,
    keep(messages) {
      if (disk.fails) throw new Error("the disk is full");
      kept.keep(messages, 0);
    },
    async forget(of) {
      await disk.held;
      return kept.forget(of);
    },
    page: (of, limit, from, text) =>
      page({ ...of, limit, ...from, ...(text === undefined ? {} : { text }) }),
    newest: (account, limit, before) => newest(account, limit, before),
  };
  return { conversations, disk };
}

/** Ana and Cat of paris, who have accounts, and Bob, a guest there. */
export function startTalking(seed: string) {
  const { conversations, disk } = keeping();
  const history = new MemoryHistory();
  history.talk = conversations;
  const started = startWithAccounts(seed, () => history.plugin());
  started.accounts.add("cat");
  const { place, paris, logIn } = started;
  const [ana, cat, bob] = [logIn("ana"), logIn("cat"), place.enter(paris, "bob")];
  const tell = (by: Peer, to: string, text: string) => {
    const { id } = by.get("tell", { to, text });
    place.rest(2);
    return String(id);
  };
  return { ...started, conversations, disk, ana, cat, bob, tell };
}
