// Provides history: what is said in rooms, in SQLite. A worker of its own waits for the disk, so
// that the loop never does: a tick is one commit with one fsync, and settles when it is durable.
//
//   plugins: [logSqlite(), …]
//   plugins: [logSqlite({ retention: { days: 90 } }), …]
//   plugins: [logSqlite({ conversations: true }), …]
//   plugins: [logSqlite({ file: "/srv/chat/log.sqlite", retention: { messages: 100_000 } }), …]

import { isAbsolute, join } from "node:path";
import type {
  Clock,
  Conversations,
  Found,
  Log,
  MessageEntry,
  PrivateEntry,
  Stream,
} from "chatfusion";
import { ChatFusionError, definePlugin, LIMITS, visible } from "chatfusion";
import * as v from "valibot";
import type { Deletion } from "./log-sqlite/request.ts";
import { phrasesOf } from "./log-sqlite/words.ts";
import type { Writer } from "./log-sqlite/writer.ts";
import { startWriter } from "./log-sqlite/writer.ts";

const Options = v.optional(
  v.strictObject({
    /** The database, from the plugin's own folder. Default "log.sqlite". */
    file: v.optional(v.pipe(v.string(), v.minLength(1)), "log.sqlite"),
    /** What is older, or more, is removed in the background. Default: all is kept. */
    retention: v.optional(
      v.strictObject({
        /** Days since a message came in here. */
        days: v.optional(v.pipe(v.number(), v.minValue(0.01), v.maxValue(36_500))),
        /** The newest so many of each room. */
        messages: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1e9))),
      }),
      {},
    ),
    /**
     * Private messages are kept as well, for the accounts of this server, each its own. They go by
     * `retention.days`, and by their bytes.
     */
    conversations: v.optional(v.boolean(), false),
  }),
  {},
);

export default definePlugin({
  name: "log-sqlite",
  options: Options,
  provides: ["history"],
  setup({ options: { file, retention, conversations }, clock, folder, host, log, metrics }) {
    const commits = metrics.counter("commits_total", "commits to the log");
    const messages = metrics.counter("messages_total", "messages that were logged");
    let open: Writer | undefined;
    let stopPruning: (() => void) | undefined;
    const writer = (): Writer => {
      if (open === undefined) throw new ChatFusionError("NO_HISTORY", "log-sqlite: not open");
      return open;
    };
    return {
      async start() {
        const path = pathOf(file, folder());
        open = startWriter();
        try {
          await open.ask({ op: "open", path, retention, bounds });
        } catch (thrown) {
          open.end("not opened");
          const why = thrown instanceof Error ? thrown.message : String(thrown);
          const text = why.replace(/^log-sqlite: /, "");
          throw new ChatFusionError("CONFIG_INVALID", `log-sqlite: ${path}: ${text}`, thrown);
        }
        if (retention.days !== undefined || retention.messages !== undefined) {
          stopPruning = startPruning(open, clock, log);
        }
      },
      async stop() {
        stopPruning?.();
        const closing = open;
        open = undefined;
        await closing?.close();
      },
      history: {
        // As the worker made them from what it was given.
        streams: async () => (await writer().ask({ op: "streams" })) as StreamEnds,
        async append(tick) {
          await writer().append(tick, clock.now());
          commits();
          for (const batch of tick) messages(batch.messages.length);
        },
        range: (stream, from, to, bytesMax) => writer().range(stream, { from, to, bytesMax }),
        async backlog(room, limit, before) {
          const found = await writer().ask({ op: "backlog", room, limit, before });
          return found as readonly MessageEntry[]; // likewise
        },
        async onward(room, limit, after) {
          const found = await writer().ask({ op: "onward", room, limit, after });
          return found as readonly MessageEntry[]; // likewise
        },
        async since(room, id, limit) {
          const found = await writer().ask({ op: "since", room, id, limit });
          return (found ?? undefined) as readonly MessageEntry[] | undefined; // likewise
        },
        async search({ text, from, before, ...what }) {
          if (from === undefined) checkWords(text);
          if (before !== undefined && !/^\d{1,16}$/.test(before)) {
            const expected = "expected the next of an answer";
            const got = `${expected}, got "${visible(before)}"`;
            throw new ChatFusionError("BAD_REQUEST", `search: before: ${got}`);
          }
          const asked = {
            ...what,
            text,
            ...(from === undefined ? {} : { from }),
            ...(before === undefined ? {} : { before }),
          };
          return (await writer().ask({ op: "search", ...asked })) as Found; // likewise
        },
        async about(room, ids, limit) {
          const found = await writer().ask({ op: "about", room, ids, limit });
          return found as readonly MessageEntry[]; // likewise
        },
        async deletions(limit) {
          const found = await writer().ask({ op: "deletions", limit });
          return found as readonly Deletion[]; // likewise
        },
        redact: (room, refs) => writer().redact(room, refs, (bytes) => host.blank(bytes, refs)),
        ...(conversations ? { conversations: conversationsBy(writer, clock) } : {}),
      },
    };
  },
});

// --- internal ---

/** Throws `BAD_REQUEST` for what has no words. */
function checkWords(text: string): void {
  if (phrasesOf(text).length > 0) return;
  const expected = "expected words to look for, of letters or digits";
  throw new ChatFusionError("BAD_REQUEST", `search: ${expected}, got "${visible(text)}"`);
}

/** The answers are as the worker made them from what it was given. */
function conversationsBy(writer: () => Writer, clock: Clock): Conversations {
  return {
    keep: (messages) => writer().keep(messages, clock.now()),
    async page(of, limit, from, text) {
      if (text !== undefined) checkWords(text);
      const what = text === undefined ? {} : { text };
      const asked = { op: "conversation", ...of, limit, ...from, ...what } as const;
      return (await writer().ask(asked)) as readonly PrivateEntry[];
    },
    async newest(account, limit, before) {
      const found = await writer().ask({ op: "newest", account, limit, before });
      return found as Awaited<ReturnType<Conversations["newest"]>>;
    },
    forget: async (of) => (await writer().ask({ op: "forget", ...of })) as number,
    accounts: async () => (await writer().ask({ op: "accounts" })) as readonly string[],
  };
}

const bounds = {
  busyMsMax: LIMITS.logBusyMsMax,
  checkedBytesMax: LIMITS.logCheckedBytesMax,
  pruneStepRooms: LIMITS.pruneStepRooms,
  indexStepMessages: LIMITS.indexStepMessages,
  indexEveryMs: LIMITS.indexEveryMs,
  conversationsBytesMax: LIMITS.conversationsBytesMax,
};

type StreamEnds = readonly { readonly stream: Stream; readonly last: number }[];

function pathOf(file: string, folder: string | undefined): string {
  if (isAbsolute(file)) return file;
  if (folder !== undefined) return join(folder, file);
  const what = `expected an absolute path where the server has no data folder, got ${file}`;
  throw new ChatFusionError("CONFIG_INVALID", `log-sqlite: file: ${what}`);
}

/** Removes old messages, step by step while there are some, then looks now and then. */
function startPruning(writer: Writer, clock: Clock, log: Log): () => void {
  let cancel: () => void;
  let isStopped = false;
  const next = (ms: number) => {
    if (!isStopped) cancel = clock.after(ms, step);
  };
  const step = () => {
    const request = {
      op: "prune",
      now: clock.now(),
      messagesMax: LIMITS.pruneStepMessages,
    } as const;
    writer.ask(request).then(
      (isMoreLeft) => next(isMoreLeft === true ? LIMITS.pruneStepMs : LIMITS.pruneEveryMs),
      (thrown: unknown) => {
        if (!isStopped) log.warn("old messages were not removed", { error: thrown });
        next(LIMITS.pruneEveryMs);
      },
    );
  };
  cancel = clock.after(LIMITS.pruneStepMs, step);
  return () => {
    isStopped = true;
    cancel();
  };
}
