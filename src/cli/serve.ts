// `chatfusion serve`: the process of one server, with its console and its signals. What a signal,
// or a fault that nobody caught, does to the process is decided here and nowhere below.

import { defineCommand } from "citty";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { isatty } from "node:tty";
import * as v from "valibot";
import { loadConfig } from "../config.ts";
import type { Log } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import { serve, type RunningServer } from "../serve.ts";
import { createClock } from "../serve/clock.ts";
import { createLog } from "../serve/log.ts";
import { openConsole } from "./console.ts";
import { EXIT } from "./exit.ts";
import { banner, eventText } from "./print.ts";
import { createScreen } from "./screen.ts";
import { createTold } from "./told.ts";

const Args = v.object({
  config: v.optional(v.string()),
  name: v.optional(v.string()),
  host: v.optional(v.string()),
  port: v.optional(v.string()),
  data: v.optional(v.string()),
  json: v.optional(v.boolean(), false),
});

export default defineCommand({
  meta: { description: "Runs a server, with its console on this terminal or pipe" },
  args: {
    config: { type: "string", description: "The config file", valueHint: "FILE" },
    name: { type: "string", description: "The server's name", valueHint: "NAME" },
    host: { type: "string", description: "The address to listen at", valueHint: "HOST" },
    port: { type: "string", description: "The port, 0 for any free one", valueHint: "PORT" },
    data: { type: "string", description: "The data folder", valueHint: "DIR" },
    json: { type: "boolean", description: "One JSON object a line on stdout, for programs" },
  },
  run: async ({ args }) => run(v.parse(Args, args)),
});

// --- internal ------------------------------------------------------------------------------------

/** As `nohup` has it for SIGHUP: it stays so. Only Linux tells. */
function isIgnored(name: "SIGHUP"): boolean {
  try {
    const [, mask = "0"] = /^SigIgn:\s*([0-9a-f]+)/m.exec(readFileSync(STATUS, "utf8")) ?? [];
    return ((BigInt(`0x${mask}`) >> BigInt(constants.signals[name] - 1)) & 1n) === 1n;
  } catch {
    return false;
  }
}
const STATUS = "/proc/self/status";

async function run({ json, ...flags }: v.InferOutput<typeof Args>): Promise<number> {
  // Whatever a server or a plugin writes is its owner's alone (security E6).
  process.umask(0o077);
  const screen = createScreen();
  const log = createLog({
    clock: createClock(),
    level: "info",
    format: "human",
    write: (line) => screen.log(line),
  });
  const config = await loadConfig(flags);
  for (const warning of config.warnings) log.warn("config.warning", { text: warning });
  const life = watchProcess(log);
  const told = createTold();
  const server = await serve(config, {
    log,
    event(event) {
      told.event(event);
      const text = eventText(event);
      if (json) screen.object(event);
      else if (text !== undefined) screen.print(text);
    },
  });
  if (!json) screen.print(banner(server));
  const { interrupted } = life;
  const close = openConsole({ server, screen, json, told, interrupted });
  life.begin(server);
  await server.stopped;
  close();
  return life.code();
}

/** What the process does at signals and faults, from before its server is there. */
interface Life {
  /** The server is there: what came until now takes effect. */
  begin(server: RunningServer): void;
  /** Like SIGINT. */
  interrupted(): void;
  /** The exit code, so far. */
  code(): number;
}

/** People who are connected read it: which signal it was is in the log. */
const SIGNAL_REASON = "the server is shutting down";

function watchProcess(log: Log): Life {
  let server: RunningServer | undefined;
  let reason: string | undefined;
  let starting: Timer | undefined;
  let code: number = EXIT.ok;
  const stop = (why: string) => {
    reason ??= why;
    // What goes wrong in a stop is logged where it does; it never rejects.
    server?.stop(reason).catch(() => undefined);
  };
  const signal = (name: "SIGINT" | "SIGTERM" | "SIGHUP") => {
    // Who asks twice means at once.
    if (reason !== undefined) process.exit(128 + constants.signals[name]);
    log.info("serve.signal", { signal: name });
    stop(SIGNAL_REASON);
    // It takes effect when all have started; a plugin may never.
    const end = () => process.exit(128 + constants.signals[name]);
    if (server === undefined) starting = setTimeout(end, LIMITS.stopMsMax);
  };
  process.on("SIGINT", signal);
  process.on("SIGTERM", signal);
  // The terminal was closed. Node, and so npx, forgets that nohup has it ignored: who has none at
  // all is not ended by the end of one, nor by somebody who means "read your config again".
  const stays = () => log.info("serve.signal", { signal: "SIGHUP", ignored: "no terminal" });
  const isOnTerminal = [0, 1, 2].some((stream) => isatty(stream));
  if (!isIgnored("SIGHUP")) process.on("SIGHUP", isOnTerminal ? signal : stays);
  // Others' conversations don't stop with a key, nor with the job of whoever has started this (bunx
  // stops by Ctrl-Z where this console is a pipe; then it may not read the terminal).
  for (const name of ["SIGTSTP", "SIGTTIN"] as const) process.on(name, () => undefined);
  // A promise that nobody watched is a plugin's slip: the state of the core is as it was.
  process.on("unhandledRejection", (thrown) => {
    log.error("serve.rejection", { error: thrown });
  });
  // A throw outside of everything may have left anything half done.
  process.on("uncaughtException", (thrown) => {
    log.error("serve.fault", { error: thrown });
    code = EXIT.failure;
    stop("a fault of the program; see the log");
  });
  return {
    begin(running) {
      server = running;
      clearTimeout(starting);
      if (reason !== undefined) stop(reason);
    },
    interrupted: () => signal("SIGINT"),
    code: () => code,
  };
}
