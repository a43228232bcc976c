// Real processes for the tests: servers and chats in a temporary folder of their own, driven by
// lines on stdin and heard by the JSON lines on their stdout. Nothing here waits for time to pass.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readLines, TOO_LONG } from "../../src/serve/lines.ts";

/** One JSON line. Tests look into it freely. */
export type Line = Readonly<Record<string, unknown>>;

/** The longest that a test waits for anything: a machine may be slow. */
export const PATIENCE_MS = 40_000;

const MAIN = join(import.meta.dir, "../../src/cli/main.ts");
/** Longer than any line that a program prints here. */
const LINE_BYTES_MAX = 16 * 1024 * 1024;

/** Without limit-rate, which would slow these tests down. */
const CONFIG = `
import { defineConfig } from "chatfusion";
import authGuest from "chatfusion/plugins/auth-guest";
import authSqlite from "chatfusion/plugins/auth-sqlite";
import fabricTree from "chatfusion/plugins/fabric-tree";
import logSqlite from "chatfusion/plugins/log-sqlite";
export default defineConfig({
  name: "unnamed",
  plugins: [authSqlite(), authGuest(), logSqlite(), fabricTree()],
});
`;

/** What was heard so far, and promises of what will be. */
export class Heard {
  readonly lines: Line[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #listeners = new Set<(line: Line) => void>();
  readonly #who: string;
  readonly #about: () => string;
  #over: string | undefined;

  /** `about` is added to what is said of a failure. */
  constructor(who: string, about: () => string = () => "") {
    this.#who = who;
    this.#about = about;
  }

  put(line: Line): void {
    this.lines.push(line);
    for (const listen of this.#listeners) listen(line);
    for (const look of this.#waiting) look();
  }

  /** Nothing more will come. */
  end(why: string): void {
    this.#over ??= why;
    for (const look of this.#waiting) look();
  }

  /** Tells each line as it comes, until the returned function is called. */
  on(listen: (line: Line) => void): () => void {
    this.#listeners.add(listen);
    return () => void this.#listeners.delete(listen);
  }

  /** Resolves with the first line, of those from `from` on, that has all these fields. */
  when(fields: Line, from = 0): Promise<Line> {
    let at = from;
    const next = (): Line | undefined => {
      while (at < this.lines.length) {
        const line = this.lines[at++]!;
        if (fits(line, fields)) return line;
      }
      return undefined;
    };
    return this.#until(next, () => JSON.stringify(fields));
  }

  /** Resolves with all lines that have these fields, once there are `count` of them. */
  whenSome(fields: Line, count: number): Promise<readonly Line[]> {
    const some = () => this.all(fields);
    return this.#until(
      () => (some().length >= count ? some() : undefined),
      () => `${count} of ${JSON.stringify(fields)}, have ${some().length}`,
    );
  }

  all(fields: Line): readonly Line[] {
    return this.lines.filter((line) => fits(line, fields));
  }

  #until<T>(look: () => T | undefined, what: () => string): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const fail = (why: string) => {
      const last = this.lines.slice(-8).map((line) => JSON.stringify(line).slice(0, 300));
      const text = `${this.#who}: ${why}, waiting for ${what()}`;
      reject(new Error([text, ...last, this.#about()].join("\n")));
    };
    const timer = setTimeout(() => {
      this.#waiting.delete(check);
      fail(`nothing within ${PATIENCE_MS} ms`);
    }, PATIENCE_MS);
    const check = () => {
      const found = look();
      if (found === undefined && this.#over === undefined) return;
      this.#waiting.delete(check);
      clearTimeout(timer);
      if (found === undefined) fail(this.#over ?? "");
      else resolve(found);
    };
    this.#waiting.add(check);
    check();
    return promise;
  }
}

interface Surroundings {
  /** The words before the program's: what runs it elsewhere. */
  readonly within?: readonly string[] | undefined;
  readonly cwd: string;
  readonly env: Record<string, string>;
  about(): string;
}

/** A program that was started here. */
export class Program {
  readonly heard: Heard;
  /** Lines on stderr; for messages about failures. */
  errors = "";
  readonly #process: Bun.Subprocess<"pipe", "pipe", "pipe">;

  constructor(words: readonly string[], { about, within = [], ...where }: Surroundings) {
    this.heard = new Heard(words.slice(0, 4).join(" "), about);
    this.#process = Bun.spawn([...within, process.execPath, MAIN, ...words], {
      ...where,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    const read = Promise.all([this.#readOut(), this.#readErrors()]);
    read
      .then(async () => this.heard.end(`it ended with ${await this.#process.exited}`))
      .catch((thrown: unknown) => this.heard.end(String(thrown)));
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Resolves to its exit code. */
  exited(): Promise<number> {
    return this.#process.exited;
  }

  /** Types lines. */
  type(...lines: readonly string[]): void {
    this.write(lines.map((line) => `${line}\n`).join(""));
  }

  /** Writes bytes that may be no line. */
  write(bytes: string | Uint8Array): void {
    const { stdin } = this.#process;
    const written = async () => {
      await stdin.write(bytes);
      await stdin.flush();
    };
    written().catch((thrown: unknown) => {
      this.errors += `nothing can be typed any more: ${String(thrown)}\n`;
    });
  }

  /** Closes its stdin. */
  hangUp(): void {
    const ended = async () => this.#process.stdin.end();
    ended().catch((thrown: unknown) => {
      this.errors += `its stdin cannot be closed: ${String(thrown)}\n`;
    });
  }

  when(fields: Line, from?: number): Promise<Line> {
    return this.heard.when(fields, from);
  }

  signal(name: "SIGTERM" | "SIGINT" | "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGHUP"): void {
    this.#process.kill(name);
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }

  async #readOut(): Promise<void> {
    for await (const line of readLines(this.#process.stdout, LINE_BYTES_MAX)) {
      if (line === TOO_LONG) throw new Error("a line is too long");
      this.heard.put(JSON.parse(line) as Line); // an object a line is what --json promises
    }
  }

  async #readErrors(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#process.stderr) {
      this.errors = (this.errors + decoder.decode(chunk, { stream: true })).slice(-20_000);
    }
  }
}

/** A server's process that is listening. */
export class ServerProgram extends Program {
  readonly name: string;
  host = "127.0.0.1";
  port = 0;

  constructor(
    name: string,
    words: readonly string[],
    how: ConstructorParameters<typeof Program>[1],
  ) {
    super(["serve", "--name", name, "--json", ...words], how);
    this.name = name;
  }

  get address(): string {
    return `${this.host}:${this.port}`;
  }

  /** Types a command; resolves to its answer. */
  run(command: string): Promise<Line> {
    const from = this.heard.lines.length;
    this.type(command);
    // An answer repeats its command, but never a password.
    const shown = command.replace(/^(user-add \S+) .*$/, "$1 …");
    return this.when({ event: "answer", command: shown }, from);
  }
}

export interface ServeOptions {
  /** 0 where it is not said: of the system's choosing. */
  readonly port?: number;
  /** The folder of its data; default: one of its name. */
  readonly data?: string;
  /** The text of its config file. */
  readonly config?: string;
  /** Another machine: it listens at all addresses there. */
  readonly at?: { readonly address: string; readonly within: readonly string[] };
}

/** A temporary folder with all the programs that are started in it. */
export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), "chatfusion-e2e-"));
  readonly #programs: Program[] = [];
  readonly #leave = () => {
    for (const program of this.#programs) program.signal("SIGKILL");
  };

  constructor() {
    // Whoever stops the tests stops these.
    process.on("exit", this.#leave);
  }

  /** What the programs have as their environment: nothing of this machine's settings. */
  get env(): Record<string, string> {
    return {
      PATH: process.env["PATH"] ?? "",
      HOME: this.folder,
      LANG: "C.UTF-8",
      NO_COLOR: "1",
      CHATFUSION_RUNTIME_DIR: join(this.folder, "run"),
    };
  }

  /** Starts `chatfusion WORD…`. */
  run(...words: readonly string[]): Program {
    return this.#keep(new Program(words, this.#surroundings));
  }

  /** Starts a server and waits until it listens. */
  async serve(name: string, options: ServeOptions = {}): Promise<ServerProgram> {
    const { port = 0, data = join(this.folder, "data", name), config = CONFIG, at } = options;
    const file = join(this.folder, `${name}.config.ts`);
    writeFileSync(file, config);
    const host = at === undefined ? [] : ["--host", "0.0.0.0"];
    const words = ["--port", String(port), "--data", data, "--config", file, ...host];
    const how = { ...this.#surroundings, within: at?.within };
    const server = this.#keep(new ServerProgram(name, words, how));
    if (at !== undefined) server.host = at.address;
    const listening = await server.when({ event: "listening" });
    server.port = Number(listening["port"]);
    return server;
  }

  /** Starts a chat and waits until it is in. */
  async chat(nick: string, server: ServerProgram, ...words: readonly string[]): Promise<Program> {
    const chat = this.run("chat", `${nick}@${server.address}`, "--json", ...words);
    await chat.when({ event: "welcome" });
    return chat;
  }

  /** Ends every program and removes the folder. */
  async close(): Promise<void> {
    process.off("exit", this.#leave);
    await Promise.all(this.#programs.map((program) => program.kill()));
    rmSync(this.folder, { recursive: true, force: true });
  }

  get #surroundings(): Surroundings {
    const { folder: cwd, env } = this;
    return { cwd, env, about: () => this.#programs.map(({ errors }) => errors).join("") };
  }

  #keep<P extends Program>(program: P): P {
    this.#programs.push(program);
    return program;
  }
}

// --- internal ------------------------------------------------------------------------------------

const fits = (line: Line, fields: Line): boolean =>
  Object.entries(fields).every(([key, value]) => Bun.deepEquals(line[key], value));
