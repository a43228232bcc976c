#!/usr/bin/env bun
// Where the program begins. A server's begins twice, and so nothing at all is loaded before that:
// imports take half as long again as the runtime itself. Read program.ts next.

if (process.argv[2] === "serve") keepFreedMemory();
await import("./program.ts");

/**
 * Lets this process keep the memory that it has freed, so that a busy server need not take it anew
 * for each batch: on virtual machines that saves a third of its CPU and more (docs/performance.md).
 * Bun's allocator (mimalloc) hears that by the environment alone, when it starts; so the program
 * begins once more, in its own place. Where that cannot be, or the environment says how it is to
 * be, all stays as it is.
 */
function keepFreedMemory(): void {
  const { argv, env, execArgv, execPath, execve } = process;
  if (env["MIMALLOC_PURGE_DELAY"] !== undefined || execve === undefined) return;
  try {
    const words = [execPath, ...execArgv, ...argv.slice(1)];
    execve.call(process, execPath, words, { ...env, MIMALLOC_PURGE_DELAY: "-1" });
  } catch {
    // Not on this system: it costs more CPU.
  }
}
