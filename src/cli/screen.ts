// What a command prints while it runs. On a terminal there is a prompt at the bottom, and whatever
// is printed meanwhile (an event, a line of the log) goes above it, without spoiling what is being
// typed. Elsewhere lines just go out. All text is made visible on its way.

import type { Interface } from "node:readline";
import { LIMITS } from "../limits.ts";
import { visible } from "../names.ts";
import { wrapped } from "./chat/rows.ts";
import { hasColours } from "./colours.ts";
import { watchTerminal } from "./foreground.ts";

export interface Screen {
  /** Prints lines of text for people, on stdout. */
  print(text: string): void;
  /** Prints a finished line, with its end, on stderr: the log's. */
  log(line: string): void;
  /** Prints one object as a line of JSON, on stdout. */
  object(value: object): void;
  /**
   * Shows a prompt, and calls `typed` with every line. Only on a terminal, and once at a time; the
   * returned function ends it.
   */
  prompt(options: PromptOptions): () => void;
}

export interface PromptOptions {
  readonly prompt: string;
  typed(line: string): void;
  /** The words that may stand in place of the last one of `line`. Never rejects. */
  complete(line: string): Promise<readonly string[]>;
  /** Ctrl-C. */
  interrupted(): void;
  /** Ctrl-Z. */
  suspended(): void;
  /** Ctrl-D, or the terminal is gone: there is no prompt any more. */
  ended(): void;
}

/** Makes the screen of this process. */
export function createScreen(): Screen {
  let open: Interface | undefined;
  /** Writes above the prompt, if there is one. */
  const write = (stream: NodeJS.WriteStream, text: string) => {
    // Whoever started us does not read: what is printed is not worth all the memory.
    if (stream.writableLength > LIMITS.adminAnswerBytesMax) return;
    if (open === undefined || !stream.isTTY) {
      stream.write(text);
      return;
    }
    clearPrompt(open);
    stream.write(text);
    open.prompt(true);
  };
  // A reader that goes away (`serve --json | head -1`) is no reason to end.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  return {
    print: (text) => write(process.stdout, `${text.split("\n").flatMap(rowsOf).join("\n")}\n`),
    log: (line) => write(process.stderr, line),
    object: (value) => write(process.stdout, `${jsonLine(value)}\n`),
    prompt(options) {
      const opened = openPrompt(options);
      open = opened;
      const away = () => {
        if (open === opened) open = undefined;
      };
      const unwatch = watchTerminal({
        away() {
          away();
          opened.pause();
        },
        back() {
          open = opened;
          // Not the mode that readline believes it to be in.
          process.stdin.setRawMode(false);
          process.stdin.setRawMode(true);
          opened.prompt(true);
        },
      });
      opened.on("close", () => {
        unwatch();
        away();
        options.ended();
      });
      return () => {
        if (open === opened) clearPrompt(opened);
        away();
        opened.close();
      };
    },
  };
}

// --- internal ------------------------------------------------------------------------------------

/** Writes JSON that neither breaks a line nor moves a cursor: what does is escaped. */
export function jsonLine(value: object): string {
  return JSON.stringify(value).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}

/** A line for people, safe to print; on a terminal broken between words. */
function rowsOf(line: string): readonly string[] {
  const { isTTY, columns } = process.stdout;
  return isTTY ? wrapped(visible(line), Math.max(ROW_MIN, columns)) : [visible(line)];
}

const ROW_MIN = 20;

/** Only a terminal needs it, and it takes 8 ms to load: after the server listens. */
const loadReadline = () => process.getBuiltinModule("node:readline");

function openPrompt(options: PromptOptions): Interface {
  const opened = loadReadline().createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: hasColours(process.stdout) ? `\x1b[1m${options.prompt}\x1b[22m` : options.prompt,
    completer(line: string, done: (error: null, found: [string[], string]) => void) {
      const finish = (words: readonly string[]) =>
        done(null, [[...words], line.split(/\s+/).at(-1) ?? ""]);
      options.complete(line).then(finish, () => finish([]));
    },
  });
  opened.on("line", (line) => {
    options.typed(line);
    opened.prompt();
  });
  opened.on("SIGINT", () => options.interrupted());
  opened.on("SIGTSTP", () => options.suspended());
  opened.prompt();
  return opened;
}

/** Clears the prompt and what is typed, over as many rows as it takes. */
function clearPrompt(open: Interface): void {
  const { rows } = open.getCursorPos();
  const { clearScreenDown, cursorTo, moveCursor } = loadReadline();
  moveCursor(process.stdout, 0, -rows);
  cursorTo(process.stdout, 0);
  clearScreenDown(process.stdout);
  // What readline would move up by at its next drawing: those rows are gone.
  Object.assign(open, { prevRows: 0 });
}
