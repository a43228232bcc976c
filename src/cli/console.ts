// The console of a running server: commands from its terminal, or line by line from a pipe. One
// command runs at a time, in the order in which they were typed. The end of a pipe ends nothing.

import { failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Answer, RunningServer } from "../serve.ts";
import { readLines, TOO_LONG } from "../serve/lines.ts";
import { listServers } from "../serve/registry.ts";
import { answerObject, answerText } from "./print.ts";
import type { Screen } from "./screen.ts";
import type { Told } from "./told.ts";
import { placeOf, wordsOf } from "./usage.ts";

export interface ConsoleOptions {
  readonly server: RunningServer;
  readonly screen: Screen;
  readonly json: boolean;
  /** What people have read already, as events. */
  readonly told: Told;
  /** Ctrl-C on a terminal, where it is no signal. */
  interrupted(): void;
}

/** Reads commands until the returned function is called. */
export function openConsole(options: ConsoleOptions): () => void {
  return process.stdin.isTTY && process.stdout.isTTY && !options.json
    ? openTerminal(options)
    : openPipe(options);
}

// --- internal ------------------------------------------------------------------------------------

function openTerminal({ interrupted, ...how }: ConsoleOptions): () => void {
  const { server, screen } = how;
  let waiting = 0;
  let last = Promise.resolve();
  let close: (() => void) | undefined;
  let closed = false;
  const typed = (line: string) => {
    if (waiting >= LIMITS.consoleLinesMax) {
      screen.print(`not taken, ${waiting} commands are waiting: ${line}`);
      return;
    }
    waiting++;
    last = last.then(async () => {
      await runLine(line, how);
      waiting--;
    });
    last.catch(interrupted);
  };
  const open = () => {
    close = screen.prompt({
      prompt: `${server.name}> `,
      typed,
      interrupted,
      suspended: () => screen.print("Ctrl-Z does nothing here; type stop to end the server"),
      complete: (line) => completions(line, server),
      ended() {
        if (closed || !process.stdin.readable) return;
        screen.print("\ntype stop to end the server");
        open();
      },
    });
  };
  open();
  return () => {
    closed = true;
    close?.();
  };
}

function openPipe(how: ConsoleOptions): () => void {
  let closed = false;
  const read = async () => {
    for await (const line of readLines(process.stdin)) {
      if (closed) return;
      if (line === TOO_LONG) {
        const text = `expected up to ${LIMITS.lineBytesMax} bytes in a line`;
        show("", failure("BAD_REQUEST", text), how);
      } else {
        await runLine(line, how);
      }
    }
  };
  read().catch((thrown: unknown) => {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    // nohup gives a stdin that nobody can read.
    const isNone = thrown instanceof Error && "code" in thrown && thrown.code === "EBADF";
    if (!closed && !isNone) show("", failure("INTERNAL", `stdin: ${why}`), how);
  });
  return () => {
    closed = true;
    // Else it would keep the process for as long as the pipe is open.
    process.stdin.destroy();
  };
}

type Shown = Pick<ConsoleOptions, "server" | "screen" | "json" | "told">;

/** Runs one line and shows its answer; one without a word is nothing. */
async function runLine(line: string, how: Shown): Promise<void> {
  const [name = "", rest = ""] = splitLine(line);
  if (name === "") return;
  const { usage = "" } = how.server.commands.find((one) => one.name === name) ?? {};
  how.told.begin();
  show(line.trim(), await how.server.run([name, ...wordsOf(rest, usage)]), how);
}

function show(command: string, answer: Answer, { screen, json, told }: Shown): void {
  if (json) screen.object(answerObject(command, answer));
  else if (!told.covers(answer)) screen.print(answerText(answer));
}

/** A command's name, and what stands behind it. */
const splitLine = (line: string) => /^(\S*)\s*(.*)$/s.exec(line.trim())?.slice(1) ?? [];

/**
 * What may stand in place of a line's last word: a command, a server's name, or one of the words
 * that a command's usage lists there. Never rejects.
 */
async function completions(
  line: string,
  { commands, name }: RunningServer,
): Promise<readonly string[]> {
  const words = line.trimStart().split(/\s+/);
  const last = words.at(-1) ?? "";
  const isServer = words.length > 1 && /^(un)?merge$/.test(words[0] ?? "");
  const near = isServer ? await listServers().catch(() => []) : [];
  const names = (isServer ? near : commands).map((one) => one.name);
  const { usage = "" } = commands.find((one) => one.name === words[0]) ?? {};
  const place = placeOf(usage, words.length - 2);
  const listed = typeof place === "object" ? place : [];
  const known = words.length > 1 && !isServer ? listed : names;
  // With the blank that comes next anyhow.
  return known
    .filter((word) => word.startsWith(last) && !(isServer && word === name))
    .map((word) => `${word} `)
    .toSorted();
}
