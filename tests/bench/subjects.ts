// The servers that are measured. Ours runs from this repository, as `chatfusion serve` does; the
// peers of peers.ts where they are installed. Each is started with its data in a temporary folder.

import { join } from "node:path";
import { ServerProgram } from "../e2e/servers.ts";
import { freePort } from "./machine.ts";
import { SHAPES } from "./graphs.ts";
import type { Wire } from "./graphs.ts";
import type { Copied, Job, Target } from "./load/job.ts";
import type { Cores } from "./machine.ts";
import type { Scenario } from "./scenarios.ts";

/** Of all subjects, so that no two have one name. */
let started = 0;

export interface Subject {
  readonly name: string;
  readonly protocol: Job["protocol"];
  readonly version: string;
  /** Each message asks for an acknowledgement. */
  readonly acks: boolean;
  /** So many people may be on their way in at the same time; else as many as the load wants. */
  readonly enteringMax?: number;
  /** Why it is not measured in a scenario. */
  skips(scenario: Scenario): string | undefined;
  /**
   * Starts one server, or some that are joined: of the peers' two at most. Rejects with why it
   * cannot.
   */
  start(servers: number): Promise<Running>;
  /** In place of all else: copies a file of this size with a program of its own. */
  copy?(bytes: number): Promise<Copied>;
}

export interface Running {
  readonly targets: readonly Target[];
  stop(): Promise<void>;
}

/**
 * "bare": no log, no acknowledgements, as the peers; "default": both; "irc": bare, by IRC; "rooms":
 * bare, with accounts.
 */
type Kind = "bare" | "default" | "irc" | "rooms";

/** Several servers stand in a line, or as `shape` says. */
export function ours(
  name: Kind,
  folder: string,
  cores: Cores,
  shape: (servers: number) => readonly Wire[] = SHAPES.line,
): Subject {
  const serve = starter(name, folder, cores);
  return {
    name,
    protocol: name === "irc" ? "irc" : "native",
    version: "",
    acks: name === "default",
    skips: ({ load }) => (name === "irc" ? ircSkips(load) : undefined),
    async start(servers) {
      const programs: ServerProgram[] = [];
      const doors: number[] = [];
      const stop = async () => {
        await Promise.all(programs.map((program) => program.kill()));
      };
      try {
        while (programs.length < servers) {
          const door = freePort();
          programs.push(await serve({ BENCH_IRC_PORT: String(door) }));
          doors.push(door);
        }
        for (const wire of shape(servers)) await merge(programs, wire);
      } catch (thrown) {
        await stop();
        throw thrown;
      }
      const targets = programs.map(({ port, name: of, pid }, at) => ({
        port: name === "irc" ? (doors[at] ?? 0) : port,
        name: of,
        pid,
      }));
      return { targets, stop };
    },
  };
}

/** What IRC cannot do. */
function ircSkips(load: Scenario["load"]): string | undefined {
  if (load.kind === "file") return "its people have no files";
  if (load.kind === "idle") return undefined;
  return load.textBytes > 400 ? "a line of it has 512 bytes at most" : undefined;
}

/** What starts servers of a configuration, each with a name and a folder of its own. */
export function starter(
  name: Kind,
  folder: string,
  cores: Cores,
): (env?: Record<string, string>) => Promise<ServerProgram> {
  const config = join(import.meta.dir, `${name === "default" ? "logged" : name}.config.ts`);
  return async (env = {}) => {
    started += 1;
    const server = `${name}-${started}`;
    const data = join(folder, "data", server);
    return startServer(server, ["--data", data, "--config", config], { folder, cores, env });
  };
}

/** Merges the first one of a pair with the second one. Rejects with why it cannot. */
export async function merge(programs: readonly ServerProgram[], [a, b]: Wire): Promise<void> {
  const answer = await programs[a]?.run(`merge ${programs[b]?.address}`);
  if (answer?.["code"] !== undefined) throw new Error(String(answer["text"]));
}

interface Surroundings {
  readonly folder: string;
  readonly cores: Cores;
  /** Beside what all have. */
  readonly env?: Record<string, string>;
}

/** Starts a server of ours and waits until it listens. */
export async function startServer(
  name: string,
  words: readonly string[],
  { folder, cores, env = {} }: Surroundings,
): Promise<ServerProgram> {
  const program = new ServerProgram(name, ["--port", "0", ...words], {
    cwd: folder,
    env: { ...ourEnvironment(folder), ...env },
    within: cores.server,
    about: () => "",
  });
  // Whoever stops the benchmark stops it.
  const leave = () => program.signal("SIGKILL");
  process.on("exit", leave);
  program
    .exited()
    .then(() => process.off("exit", leave))
    .catch(leave);
  const { port } = await program.when({ event: "listening" });
  program.port = Number(port);
  return program;
}

/** Nothing of this machine's settings, and no server of its people is met. */
export const ourEnvironment = (folder: string): Record<string, string> => ({
  PATH: process.env["PATH"] ?? "",
  HOME: folder,
  LANG: "C.UTF-8",
  NO_COLOR: "1",
  CHATFUSION_RUNTIME_DIR: join(folder, "run"),
});
