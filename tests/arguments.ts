// The command line of this folder's programs: a wrong word is told in one line, with what there is.

import { parseArgs, type ParseArgsConfig } from "node:util";

/** As `parseArgs` does, but ends the process with 2 at a wrong word. */
export function argumentsOf<const C extends ParseArgsConfig>(config: C) {
  try {
    return parseArgs(config);
  } catch (thrown) {
    const [what = ""] = (thrown instanceof Error ? thrown.message : String(thrown)).split(/\.\s/);
    const known = Object.keys(config.options ?? {}).map((name) => `--${name}`);
    console.error(`${what}; expected ${known.join(", ")}`);
    // oxlint-disable-next-line unicorn/no-process-exit -- a program's first words, nothing is open
    return process.exit(2);
  }
}
