// A program to compare with, while it runs.

import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One that does not listen by then never will. */
const LISTEN_MS_MAX = 10_000;
const LISTEN_LOOK_MS = 20;

/** A peer's process, with what it says in a file. */
export class Process {
  readonly #process: Bun.Subprocess;
  readonly #log: string;
  readonly #leave = () => this.#process.kill("SIGKILL");

  constructor(words: readonly string[], folder: string) {
    this.#log = join(folder, "output");
    const log = openSync(this.#log, "w");
    this.#process = Bun.spawn([...words], {
      cwd: folder,
      stdin: "ignore",
      stdout: log,
      stderr: log,
    });
    closeSync(log);
    // Whoever stops the benchmark stops it.
    process.on("exit", this.#leave);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Resolves when its port answers. Rejects with its last words when it does not. */
  listens(port: number): Promise<void> {
    return this.#until(() => answers(port));
  }

  /** The same for one that takes a single connection: its port is looked up. */
  holds(port: number): Promise<void> {
    return this.#until(() => isHeld(port));
  }

  async stop(): Promise<void> {
    process.off("exit", this.#leave);
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }

  // --- internal ---------------------------------------------------------------------------------

  async #until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    for (let ms = 0; ms < LISTEN_MS_MAX; ms += LISTEN_LOOK_MS) {
      if (this.#process.exitCode !== null) break;
      if (await isSo()) return;
      await Bun.sleep(LISTEN_LOOK_MS);
    }
    const words = readFileSync(this.#log, "latin1").trim().split("\n").slice(-3).join(" ");
    throw new Error(`it does not listen: ${words}`);
  }
}

// --- internal ---

async function answers(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: { data: () => undefined },
    });
    socket.terminate();
    return true;
  } catch {
    return false; // nobody listens yet
  }
}

/** Whether somebody listens there, as the system's list of sockets has it (proc(5)). */
function isHeld(port: number): boolean {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 0A`;
  return readFileSync("/proc/net/tcp", "latin1").includes(local);
}
