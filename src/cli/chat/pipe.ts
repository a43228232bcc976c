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
  const quit = Promise.withResolvers<void>();
  const chatter = new Chatter({
    client,
    folder: options.folder,
    accept: options.accept,
    show: output,
    askPassword: undefined,
    quit: quit.resolve,
    closed: (why) => ended.resolve(why === undefined ? EXIT.ok : exitCodeOf(why.code)),
  });
  const stop = () => ended.resolve(EXIT.ok);
  for (const signal of signals) process.on(signal, stop);
  const input = feed(chatter, quit.promise, lossOf(client));
  const finished = input.then(() => EXIT.ok);
  const ending = await Promise.race([finished, ended.promise]);
  const code = exitCodeWith(ending, chatter.unanswered.size);
  for (const signal of signals) process.off(signal, stop);
  await client.close();
  // Nobody reads it any more, and it must not keep the program from ending.
  process.stdin.destroy();
  return code;
}

// --- internal -----------------------------------------------------------------------------------

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Tells of the connection: a promise that is resolved as soon as it is lost, or at once. */
function lossOf(client: Client): () => Promise<void> {
  let isLost = false;
  let tell = () => {};
  client.on((event) => {
    if (event.type !== "connection") return;
    isLost = event.state === "lost";
    if (isLost) tell();
  });
  return () =>
    new Promise((resolve) => {
      tell = resolve;
      if (isLost) resolve();
    });
}

/**
 * Feeds lines, some at a time, and resolves when nothing is under way any more; after /quit as well
 * when the connection is lost: it may never come back.
 */
async function feed(
  chatter: Chatter,
  quit: Promise<void>,
  lost: () => Promise<void>,
): Promise<void> {
  const open = new Set<Promise<void>>();
  const state = { quit: false };
  let wake = () => {};
  const stopped = quit.then(() => {
    state.quit = true;
    wake();
  });
  const lines = readNumberedLines(process.stdin);
  // Not Promise.race with `stopped`: each line would leave a reaction on it, for ever.
  const nextLine = () =>
    new Promise<Awaited<ReturnType<typeof lines.next>> | undefined>((resolve, reject) => {
      wake = () => resolve(undefined);
      lines.next().then(resolve, reject);
    });
  while (!state.quit) {
    const next = await nextLine();
    if (next === undefined || next.done === true) break;
    const { line, number } = next.value;
    const answered = chatter.line(line, number).finally(() => open.delete(answered));
    open.add(answered);
    while (open.size >= LIMITS.linesInFlightMax) await Promise.race(open);
  }
  if (!state.quit) await Promise.all(open);
  if (!state.quit) return chatter.settled();
  await stopped;
  await Promise.race([Promise.all(open), lost()]);
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
