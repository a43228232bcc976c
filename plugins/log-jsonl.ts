// Writes what is said in rooms to text files, one JSON object a line, one file a day (UTC): for
// grep, jq and log shippers. An observer beside the history, never the history itself: what it
// could not write is counted, and nobody waits for it.
//
// A message that is deleted has its text removed here as well: its line is a tombstone then.
//
//   plugins: [logJsonl(), …]
//   plugins: [logJsonl({ folder: "/srv/chat/text" }), …]

import type { FileHandle } from "node:fs/promises";
import { mkdir, open } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import type { Millis, Redacted } from "chatfusion";
import { ChatFusionError, definePlugin, LIMITS } from "chatfusion";
import * as v from "valibot";
import type { Redact } from "./log-jsonl/redact.ts";
import { createRedact, lineOf, tombstoneOf } from "./log-jsonl/redact.ts";

const Options = v.optional(
  v.strictObject({
    /** Where the files are, from the plugin's own folder. Default: that folder. */
    folder: v.optional(v.pipe(v.string(), v.minLength(1)), "."),
  }),
  {},
);

export default definePlugin({
  name: "log-jsonl",
  options: Options,
  setup({ options, clock, folder, log, metrics }) {
    const dropped = metrics.counter("dropped_total", "messages that the disk was too slow for");
    let files: DayFiles | undefined;
    let buffer: Waiting[] = [];
    /** Of what waits and of what is being written, so that the bound holds while the disk hangs. */
    let heldBytes = 0;
    /** Messages that were not written since the last that were. */
    let lost = 0;
    let writing: Promise<void> | undefined;
    let redacting: Promise<void> = Promise.resolve();
    let cancel: (() => void) | undefined;

    const lose = (count: number, error: unknown) => {
      dropped(count);
      if (lost === 0) log.warn("messages are not written", { error });
      lost += count;
    };
    async function write(lines: readonly Waiting[], bytes: number): Promise<void> {
      try {
        await files?.append(clock.now(), lines.map(({ line }) => line).join(""));
        if (lost > 0) log.info("messages are written again", { lost });
        lost = 0;
      } catch (thrown) {
        lose(lines.length, thrown);
      } finally {
        heldBytes -= bytes;
      }
    }
    /** Begins to write what waits, unless a write is under way: its end sees to the rest. */
    const flush = (): void => {
      cancel?.();
      cancel = undefined;
      if (writing !== undefined || buffer.length === 0) return;
      const lines = buffer;
      buffer = [];
      writing = write(lines, heldBytes).finally(() => {
        writing = undefined;
        if (buffer.length > 0) later();
      });
    };
    const later = (): void => {
      cancel ??= clock.after(LIMITS.logFlushMs, flush);
    };

    return {
      async start() {
        files = await openDayFiles(options.folder, folder());
      },
      async stop() {
        // What is being written, and then what came meanwhile.
        flush();
        await writing;
        flush();
        await writing;
        await redacting;
        await files?.close();
      },
      onLogged(messages) {
        for (const message of messages) {
          const line = lineOf(message);
          const bytes = Buffer.byteLength(line);
          if (heldBytes + bytes > LIMITS.logBufferBytesMax) {
            lose(1, "the disk is too slow");
          } else {
            buffer.push({ message, line });
            heldBytes += bytes;
          }
        }
        if (buffer.length > 0 && writing === undefined) later();
      },
      async onRedact(messages) {
        // No longer than before: what is held stays within its bound.
        buffer = buffer.map((one) => {
          const isGone = messages.some(
            ({ id, from }) => id === one.message.id && from === one.message.from,
          );
          return isGone ? { ...one, line: `${tombstoneOf(one.message)}\n` } : one;
        });
        const underWay = writing;
        const redacted = redacting.then(async () => {
          await underWay;
          await files?.redact(messages);
        });
        redacting = redacted.catch(() => undefined); // whoever asked is told
        await redacted;
        return undefined;
      },
    };
  },
});

// --- internal ---

const LINE_END = 0x0a;

interface Waiting {
  readonly message: Redacted;
  readonly line: string;
}

interface DayFiles {
  readonly redact: Redact;
  /** Appends to the file of the day that `now` is in. */
  append(now: Millis, text: string): Promise<void>;
  close(): Promise<void>;
}

/** The file ends in the middle of a line: the disk was full, and the server was started again. */
async function isCut(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return false;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] !== LINE_END;
}

async function openDayFiles(folder: string, own: string | undefined): Promise<DayFiles> {
  if (own === undefined && !isAbsolute(folder)) {
    const what = `expected an absolute path where the server has no data folder, got ${folder}`;
    throw new ChatFusionError("CONFIG_INVALID", `log-jsonl: folder: ${what}`);
  }
  const path = isAbsolute(folder) ? folder : join(own ?? "", folder);
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new ChatFusionError("CONFIG_INVALID", `log-jsonl: folder: ${why}`, thrown);
  }
  let day = "";
  let handle: FileHandle | undefined;
  /** A write that failed may have left half a line. */
  let isTorn = false;
  const close = async () => {
    const closing = handle;
    handle = undefined;
    await closing?.close();
  };
  return {
    redact: createRedact(path),
    close,
    async append(now, text) {
      const today = new Date(now).toISOString().slice(0, 10);
      if (today !== day) await close();
      day = today;
      if (handle === undefined) {
        handle = await open(join(path, `${today}.jsonl`), "a+", 0o600);
        isTorn = await isCut(handle);
      }
      const whole = isTorn ? `\n${text}` : text;
      isTorn = true;
      await handle.writeFile(whole);
      isTorn = false;
    },
  };
}
