// The servers that are measured. Ours runs from this repository, as `chatfusion serve` does; the
// peers of peers.ts where they are installed. Each is started with its data in a temporary folder.

import { join } from "node:path";
import { ServerProgram } from "../e2e/servers.ts";
import type { Copied, Job, Target } from "./load/job.ts";
import type { Cores } from "./machine.ts";
import type { Scenario } from "./scenarios.ts";

export interface Subject {
  readonly name: string;
  readonly protocol: Job["protocol"];
  readonly version: string;
  /** Each message asks for an acknowledgement. */
  readonly acks: boolean;
  /** Why it is not measured in a scenario. */
  skips(scenario: Scenario): string | undefined;
  /** Starts one server, or two that are joined. Rejects with why it cannot. */
  start(servers: 1 | 2): Promise<Running>;
  /** In place of all else: copies a file of this size with a program of its own. */
  copy?(bytes: number): Promise<Copied>;
}

export interface Running {
  readonly targets: readonly Target[];
  stop(): Promise<void>;
}

/** "bare": no log, no acknowledgements, as the peers; "default": both. */
export function ours(name: "bare" | "default", folder: string, cores: Cores): Subject {
  const config = join(import.meta.dir, `${name === "bare" ? "bare" : "logged"}.config.ts`);
  let started = 0;
  const serve = async (): Promise<ServerProgram> => {
    started += 1;
    const server = `${name}-${started}`;
    const data = join(folder, "data", server);
    return startServer(server, ["--data", data, "--config", config], folder, cores);
  };
  return {
    name,
    protocol: "native",
    version: "",
    acks: name === "default",
    skips: () => undefined,
    async start(servers) {
      const programs = [await serve()];
      if (servers === 2) {
        const [first, second] = [programs[0], await serve()];
        programs.push(second);
        const answer = await first?.run(`merge ${second.address}`);
        if (answer?.["code"] !== undefined) throw new Error(String(answer["text"]));
      }
      return {
        targets: programs.map(({ port, name: of, pid }) => ({ port, name: of, pid })),
        async stop() {
          await Promise.all(programs.map((program) => program.kill()));
        },
      };
    },
  };
}

/** Starts a server of ours and waits until it listens. */
export async function startServer(
  name: string,
  words: readonly string[],
  folder: string,
  cores: Cores,
): Promise<ServerProgram> {
  const program = new ServerProgram(name, ["--port", "0", ...words], {
    cwd: folder,
    env: ourEnvironment(folder),
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
