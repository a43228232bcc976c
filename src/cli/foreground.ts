// Who has the terminal: this process's group, or the shell that has started it. For those who read
// keys.

import { readFileSync } from "node:fs";
import { LIMITS } from "../limits.ts";

/**
 * Whether the terminal is that of this process's group. On one that a program has made for us, the
 * group is that program's, and not to be stopped.
 */
export function hasTerminal(): boolean {
  const { own, foreground } = groups();
  return own === foreground && own > 0;
}

/**
 * After a stop (`kill -STOP`) a shell may have the terminal: to read there then, or to change its
 * mode, would stop this process again. Calls `away` when that is so, and `back` as soon as the
 * process goes on and has the terminal, whose mode is the shell's by then. Until the returned
 * function is called.
 */
export function watchTerminal({ away, back }: { away(): void; back(): void }): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    clearTimeout(timer);
    const { own, foreground } = groups();
    if (own === foreground || foreground <= 0) return back();
    away();
    // A shell gives it without a word to one that runs already.
    timer = setTimeout(look, LIMITS.terminalAskedMs);
  };
  process.on("SIGCONT", look);
  return () => {
    clearTimeout(timer);
    process.off("SIGCONT", look);
  };
}

// --- internal ------------------------------------------------------------------------------------

/** This process's group, and the one that its terminal listens to; 0 or less if there is none. */
function groups(): { readonly own: number; readonly foreground: number } {
  try {
    // pid (name) state ppid pgrp session tty_nr tpgid …; see proc_pid_stat(5)
    const told = readFileSync("/proc/self/stat", "utf8");
    const fields = told.slice(told.lastIndexOf(")") + 2).split(" ");
    return { own: Number(fields[2]), foreground: Number(fields[5]) };
  } catch {
    return groupsByPs(); // no Linux
  }
}

function groupsByPs(): ReturnType<typeof groups> {
  const words = ["ps", "-o", "pgid=,tpgid=", "-p", String(process.pid)];
  const told = Bun.which("ps") === null ? "" : Bun.spawnSync(words).stdout.toString();
  const [own = 0, foreground = 0] = told.trim().split(/\s+/).map(Number);
  return { own, foreground };
}
