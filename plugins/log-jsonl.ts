// Writes what is said in rooms to text files, one JSON object a line, one file a day (UTC): for
// grep, jq and log shippers. An observer beside the history, never the history itself: what it
// could not write is counted, and nobody waits for it.
//
//   plugins: [logJsonl(), …]
//   plugins: [logJsonl({ folder: "/srv/chat/text" }), …]

import type { FileHandle } from "node:fs/promises";
import { mkdir, open } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import type { MessageEntry, Millis } from "chatfusion";
import { ChatFusionError, definePlugin, LIMITS } from "chatfusion";
import * as v from "valibot";

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
    let buffer: string[] = [];
    /** Of what waits and of what is being written, so that the bound holds while the disk hangs. */
    let heldBytes = 0;
    /** Messages that were not written since the last that were. */
    let lost = 0;
    let writing: Promise<void> | undefined;
    let cancel: (() => void) | undefined;

    const lose = (count: number, error: unknown) => {
      dropped(count);
      if (lost === 0) log.warn("messages are not written", { error });
      lost += count;
    };
    async function write(lines: readonly string[], bytes: number): Promise<void> {
      try {
        await files?.append(clock.now(), lines.join(""));
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
        await files?.close();
      },
      onLogged(messages) {
        for (const message of messages) {
          const line = lineOf(message);
          const bytes = Buffer.byteLength(line);
          if (heldBytes + bytes > LIMITS.logBufferBytesMax) {
            lose(1, "the disk is too slow");
          } else {
            buffer.push(line);
            heldBytes += bytes;
          }
        }
        if (buffer.length > 0 && writing === undefined) later();
      },
    };
  },
});

// --- internal ---

/** What JSON leaves as it is, but a terminal, a pager or a line reader may not. */
const unsafe = /[\u007f-\u009f\u2028\u2029\p{Cf}]/gu;

/** One line: in a JSON text, an escaped character is the same character. All is ASCII or plain. */
function lineOf(message: MessageEntry): string {
  const json = JSON.stringify(message);
  return `${json.replace(unsafe, escapeUnits)}\n`;
}

function escapeUnits(character: string): string {
  let escaped = "";
  for (let at = 0; at < character.length; at += 1) {
    escaped += `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`;
  }
  return escaped;
}

interface DayFiles {
  /** Appends to the file of the day that `now` is in. */
  append(now: Millis, text: string): Promise<void>;
  close(): Promise<void>;
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
    close,
    async append(now, text) {
      const today = new Date(now).toISOString().slice(0, 10);
      if (today !== day) await close();
      day = today;
      handle ??= await open(join(path, `${today}.jsonl`), "a", 0o600);
      const whole = isTorn ? `\n${text}` : text;
      isTorn = true;
      await handle.writeFile(whole);
      isTorn = false;
    },
  };
}
