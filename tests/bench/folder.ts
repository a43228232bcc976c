// A folder for one run of a benchmark, which is gone when the process ends, by a signal as well.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Makes the folder; `name` is the benchmark's. */
export function workFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `chatfusion-${name}-`));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  // Without a handler a signal ends the process without its exit handlers.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));
  return folder;
}
