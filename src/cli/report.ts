// What a command says of itself: errors, warnings and hints on stderr, beside its output on stdout.
// By the basic build of consola, since the fancy one takes twice as long to load; and loaded when
// there is something to say: it takes as long as all the rest of `chatfusion --help`.

import type * as Consola from "consola/basic";
import { hasColours } from "./colours.ts";

let made: Consola.ConsolaInstance | undefined;

export const report = {
  error: (text: string): void => consola().error(text),
  info: (text: string): void => consola().info(text),
};

// --- internal -----------------------------------------------------------------------------------

function consola(): Consola.ConsolaInstance {
  if (made !== undefined) return made;
  // At once, not by a promise: the process may be about to end.
  const { createConsola } = import.meta.require("consola/basic") as typeof Consola; // its module
  made = createConsola({
    stdout: process.stderr,
    stderr: process.stderr,
    formatOptions: { date: false, colors: hasColours(process.stderr) },
  });
  return made;
}
