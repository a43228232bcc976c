// How long people wait: for a server to listen, and for `--help`. Each time a new process.

import { join } from "node:path";
import type { Cores } from "./machine.ts";
import { ourEnvironment, startServer } from "./subjects.ts";

const MAIN = join(import.meta.dir, "../../src/cli/main.ts");
const CONFIG = join(import.meta.dir, "logged.config.ts");

/** ms from the start of the process until it says that it listens; its data are there already. */
export async function serveMs(folder: string, cores: Cores): Promise<number> {
  const began = performance.now();
  const words = ["--data", join(folder, "data", "start"), "--config", CONFIG];
  const server = await startServer("start", words, { folder, cores });
  const ms = performance.now() - began;
  await server.kill();
  return ms;
}

/** ms until `chatfusion --help` has ended. */
export async function helpMs(folder: string, cores: Cores): Promise<number> {
  const began = performance.now();
  const child = Bun.spawn([...cores.server, process.execPath, MAIN, "--help"], {
    cwd: folder,
    env: ourEnvironment(folder),
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
  });
  const code = await child.exited;
  if (code !== 0) throw new Error(`--help ended with ${code}`);
  return performance.now() - began;
}
