// The program as a process of its own, for tests: with folders of its own, its lines awaited.

import { afterAll, afterEach, setDefaultTimeout } from "bun:test";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readLines } from "../../src/serve/lines.ts";

const program = join(import.meta.dir, "../../src/cli/main.ts");

export interface Output {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

export interface How {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** A line of JSON, as a test looks into it. */
export type Told = Readonly<Record<string, unknown>>;

export interface Running {
  readonly pid: number;
  /** Types a line. */
  type(line: string): void;
  /** Closes stdin. */
  hangUp(): void;
  /** The next event that matches; those before it are passed over. Fails at the process's end. */
  until(match: Told): Promise<Told>;
  signal(name: NodeJS.Signals): void;
  readonly exited: Promise<number>;
  /** All of stderr, once it has ended. */
  readonly errors: Promise<string>;
  kill(): Promise<void>;
}

export interface OnTerminal {
  /** Types keys. */
  type(keys: string): void;
  /** Resolves, with all that came since, when a text has come that is not yet passed over. */
  shows(text: string): Promise<string>;
  /** All that has come, with its colours and movements. */
  raw(): string;
  signal(name: NodeJS.Signals): void;
  readonly exited: Promise<number>;
}

export interface Processes {
  /** A folder for one file of tests: working folder, home, and that of the running servers. */
  readonly home: string;
  /** Where running servers are told of. */
  readonly runtime: string;
  /** Runs a command to its end. */
  run(args: readonly string[], how?: How): Promise<Output>;
  /** Starts `serve --json`. It is killed after the test, if it still runs. */
  spawnServer(args: readonly string[], how?: How): Running;
  /** Starts any command on a terminal of its own, 80 columns wide. */
  onTerminal(args: readonly string[]): OnTerminal;
  /** Likewise, and returns when it listens. */
  startServer(args: readonly string[], how?: How): Promise<Running>;
}

/** Makes the folders for one file of tests, to be called once in it; they go with its end. */
export function processes(): Processes {
  // Several processes in one test, on a machine that has other work: seconds, at worst.
  setDefaultTimeout(60_000);
  const home = realpathSync(mkdtempSync(join(tmpdir(), "cli-")));
  const runtime = join(home, "run");
  const started = new Set<Pick<Running, "kill">>();
  // Nothing of whoever runs the tests.
  const environment = {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    CHATFUSION_RUNTIME_DIR: runtime,
  };
  afterEach(async () => {
    for (const one of started) await one.kill();
    started.clear();
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));
  const spawnServer: Processes["spawnServer"] = (args, { cwd = home, env } = {}) => {
    const child = Bun.spawn([process.execPath, program, "serve", "--json", ...args], {
      cwd,
      env: { ...environment, ...env },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    const running = runningOf(child);
    started.add(running);
    return running;
  };
  return {
    onTerminal(args) {
      const { terminal, exited, kill } = openTerminal([...args], { cwd: home, env: environment });
      started.add({ kill });
      return { ...terminal, exited };
    },
    home,
    runtime,
    spawnServer,
    async startServer(args, how) {
      const server = spawnServer(args, how);
      await server.until({ event: "listening" });
      return server;
    },
    async run(args, { cwd = home, env, stdin = "" } = {}) {
      const child = Bun.spawn([process.execPath, program, ...args], {
        cwd,
        env: { ...environment, ...env },
        stdin: new Blob([stdin]),
        stdout: "pipe",
        stderr: "pipe",
      });
      const [out, err, code] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      return { out, err: err.replaceAll(/^\[(?:error|info|warn)\] /gm, ""), code };
    },
  };
}

// --- internal ---

/** What comes from a terminal is taken without its colours and movements. */
function openTerminal(
  args: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: Record<string, string> },
) {
  let [come, raw] = ["", ""];
  let look = () => {};
  const decoder = new TextDecoder();
  const terminal = new Bun.Terminal({
    cols: 80,
    rows: 24,
    data(_terminal, bytes) {
      const text = decoder.decode(bytes, { stream: true });
      raw += text;
      come += text;
      look();
    },
  });
  const child = Bun.spawn([process.execPath, program, ...args], { cwd, env, terminal });
  return {
    exited: child.exited,
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
      terminal.close();
    },
    terminal: {
      type: (keys: string) => void terminal.write(keys),
      signal: (name: NodeJS.Signals) => child.kill(name),
      raw: () => raw,
      shows: (text: string) =>
        new Promise<string>((resolve, reject) => {
          const missing = () =>
            reject(new Error(`no ${JSON.stringify(text)} in ${JSON.stringify(come)}`));
          const deadline = setTimeout(missing, 20_000);
          look = () => {
            const plain = Bun.stripANSI(come);
            const at = plain.indexOf(text);
            if (at === -1) return;
            come = plain.slice(at + text.length);
            look = () => {};
            clearTimeout(deadline);
            resolve(plain.slice(0, at + text.length));
          };
          look();
        }),
    },
  };
}

function runningOf(child: Bun.Subprocess<"pipe", "pipe", "pipe">): Running {
  const lines = readLines(child.stdout);
  const errors = new Response(child.stderr).text();
  return {
    pid: child.pid,
    errors,
    exited: child.exited,
    type(line) {
      // A pipe takes a line at once; what it would not take is lost with the process.
      Promise.resolve(child.stdin.write(`${line}\n`)).catch(() => {});
      Promise.resolve(child.stdin.flush()).catch(() => {});
    },
    hangUp: () => void child.stdin.end(),
    signal: (name) => child.kill(name),
    async until(match) {
      for (let next = await lines.next(); next.done !== true; next = await lines.next()) {
        // The tests themselves say which fields they look for.
        const told = JSON.parse(String(next.value)) as Told;
        if (Object.entries(match).every(([key, value]) => told[key] === value)) return told;
      }
      throw new Error(`it ended before ${JSON.stringify(match)}: ${await errors}`);
    },
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
