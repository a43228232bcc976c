// What a command says of itself: errors, warnings and hints on stderr, beside its output on stdout.
// The basic build of consola: the fancy one costs 50 ms at each start.

import { createConsola } from "consola/basic";
import { hasColours } from "./colours.ts";

export const report = createConsola({
  stdout: process.stderr,
  stderr: process.stderr,
  formatOptions: { date: false, colors: hasColours(process.stderr) },
});
