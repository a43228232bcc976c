// A chat on pipes: lines come from stdin, and what happens goes to stdout, as JSON for programs or
// as plain text. The end of stdin ends the chat when all is answered and every transfer is done.

import type { Client, Failure } from "../../client.ts";
import { LIMITS } from "../../limits.ts";
import { EXIT, exitCodeOf, exitCodeWith, type ExitCode } from "../exit.ts";
import { jsonLine } from "../screen.ts";
import { Chatter } from "./chatter.ts";
import { readNumberedLines } from "./lines.ts";
import type { Shown } from "./shown.ts";
import { createTextWriter } from "./text.ts";

export interface PipeOptions {
  readonly client: Client;
  readonly folder: string;
  readonly accept: "ask" | "all" | "none";
  readonly json: boolean;
}

/** Chats until the input ends, /quit, a signal, or the connection is closed for good. */
export async function chatOnPipes(options: PipeOptions): Promise<ExitCode> {
  const { client } = options;
  const ended = Promise.withResolvers<ExitCode>();
  const output = createOutput(options, ended.resolve);
  const end = () => ended.resolve(EXIT.ok);
  const chatter = new Chatter({
    client,
    folder: options.folder,
    accept: options.accept,
    show: output,
    askPassword: undefined,
    quit: end,
    closed: (why) => ended.resolve(why === undefined ? EXIT.ok : exitCodeOf(why.code)),
  });
  for (const signal of signals) process.on(signal, end);
  feed(chatter, end).catch(ended.reject);
  const code = exitCodeWith(await ended.promise, chatter.unanswered.size);
  for (const signal of signals) process.off(signal, end);
  await client.close();
  // Nobody reads it any more, and it must not keep the program from ending.
  process.stdin.destroy();
  return code;
}

// --- internal -----------------------------------------------------------------------------------

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Feeds lines, some at a time; calls `end` at the end of the input, when nothing is under way. */
async function feed(chatter: Chatter, end: () => void): Promise<void> {
  const open = new Set<Promise<void>>();
  for await (const { line, number } of readNumberedLines(process.stdin)) {
    const answered = chatter.line(line, number).finally(() => open.delete(answered));
    open.add(answered);
    if (chatter.unanswered.isLeaving) return;
    while (open.size >= LIMITS.linesInFlightMax) await Promise.race(open);
  }
  await chatter.settled();
  end();
}

/** Writes to stdout; gives up when nobody reads it. */
function createOutput(
  { client, json }: PipeOptions,
  end: (code: ExitCode) => void,
): (shown: Shown) => void {
  const text = createTextWriter({ colours: false, self: () => client.address });
  // A reader that goes away (`chat --json | head -1`) ends the chat.
  process.stdout.on("error", () => end(EXIT.ok));
  return (shown) => {
    if (process.stdout.writableLength > LIMITS.outputBytesMax) {
      end(EXIT.failure);
      return;
    }
    if (json) process.stdout.write(`${jsonLine(shown)}\n`);
    else {
      const line = text(shown);
      if (line !== "") process.stdout.write(`${line}\n`);
    }
  };
}

/** Shows why there is no chat, as the program on the other end of the pipe expects it. */
export function showFailure({ code, text }: Failure): void {
  process.stdout.write(`${jsonLine({ event: "error", code, text } satisfies Shown)}\n`);
}
