// A real terminal for the tests: tmux, in control mode, which tells of every output, so that the
// screen can be looked at when it has changed, and nobody waits for time to pass.

import { join } from "node:path";
import { readLines, TOO_LONG } from "../../src/serve/lines.ts";
import { PATIENCE_MS } from "./servers.ts";

export const hasTmux = Bun.which("tmux") !== null;

const COLUMNS = 100;
const ROWS = 30;

/** One program on a terminal of its own. */
export class Terminal {
  /** What stood on the screen when it was last looked at: rows without the blanks at their ends. */
  screen: readonly string[] = [];
  /** Everything that was on any screen, for what must never be there. */
  seen = "";
  readonly #tmux: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #waiting = new Set<() => void>();
  #isOver = false;
  /** A question is under way; another one follows it if something has changed since. */
  #asking = false;
  #changed = false;

  /** Runs a command, written for a shell, in a folder that has the terminal's socket as well. */
  constructor(command: string, how: { folder: string; env: Record<string, string> }) {
    const socket = join(how.folder, `tmux-${crypto.randomUUID().slice(0, 8)}`);
    const size = ["-x", String(COLUMNS), "-y", String(ROWS)];
    // What follows keeps the screen when the command has ended, with its exit code.
    const shown = `${command}; echo "[ended with $?]"; read -r _`;
    const words = ["-C", "-f", "/dev/null", "-S", socket, "new-session", ...size, shown];
    this.#tmux = Bun.spawn(["tmux", ...words], {
      cwd: how.folder,
      env: { ...how.env, TERM: "xterm-256color", SHELL: "/bin/sh" },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#read().then(
      () => this.#end(),
      () => this.#end(),
    );
  }

  /** Types text as it is; "\r" is Enter. */
  type(text: string): void {
    const hex = [...new TextEncoder().encode(text)].map((byte) => byte.toString(16));
    this.#order(`send-keys -H ${hex.join(" ")}`);
  }

  /** Resolves with the screen as soon as a row fits. */
  shows(row: RegExp): Promise<readonly string[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
    const fail = (why: string) => {
      clearTimeout(timer);
      this.#waiting.delete(look);
      reject(new Error(`${why}, waiting for ${String(row)} on this screen:\n${this.#shown()}`));
    };
    const look = () => {
      if (!this.screen.some((one) => row.test(one))) {
        if (this.#isOver) fail("the terminal is closed");
        return;
      }
      clearTimeout(timer);
      this.#waiting.delete(look);
      resolve(this.screen);
    };
    const timer = setTimeout(() => fail(`nothing within ${PATIENCE_MS} ms`), PATIENCE_MS);
    this.#waiting.add(look);
    look();
    return promise;
  }

  /** Ends what runs in it, and the terminal. */
  async close(): Promise<void> {
    if (!this.#isOver) this.#order("kill-server");
    await this.#tmux.exited;
  }

  // --- internal ---------------------------------------------------------------------------------

  #shown(): string {
    return this.screen.join("\n");
  }

  #order(line: string): void {
    const { stdin } = this.#tmux;
    const written = async () => {
      await stdin.write(`${line}\n`);
      await stdin.flush();
    };
    // It is gone: whoever waits for the screen is told.
    written().catch(() => this.#end());
  }

  /** Answers stand between %begin and %end; everything else is told as it happens. */
  async #read(): Promise<void> {
    let answer: string[] | undefined;
    for await (const line of readLines(this.#tmux.stdout)) {
      if (line === TOO_LONG) throw new Error("a line of tmux is too long");
      if (line.startsWith("%begin ")) answer = [];
      else if (line.startsWith("%end ") || line.startsWith("%error ")) {
        this.#answered(answer ?? []);
        answer = undefined;
      } else if (answer !== undefined) answer.push(line);
      else if (line.startsWith("%output ")) this.#look();
    }
  }

  #look(): void {
    this.#changed = true;
    if (this.#asking) return;
    this.#asking = true;
    this.#changed = false;
    this.#order("capture-pane -p");
  }

  /** An answer of that many rows is a screen; the other commands have none. */
  #answered(rows: readonly string[]): void {
    if (rows.length !== ROWS) return;
    this.#asking = false;
    this.screen = rows.map((row) => row.trimEnd());
    this.seen += `${this.#shown()}\n`;
    for (const look of this.#waiting) look();
    if (this.#changed) this.#look();
  }

  #end(): void {
    this.#isOver = true;
    for (const look of this.#waiting) look();
  }
}
