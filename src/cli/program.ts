// What was typed: finds the command, loads nothing but that, and ends with its exit code. Read
// command.ts next, then serve.ts or chat.ts.

import { LIMITS } from "../limits.ts";
import { visible } from "../names.ts";
import { EXIT, reportFailure } from "./exit.ts";
import { report } from "./report.ts";
import { suggestion } from "../serve/suggest.ts";

interface Listed {
  readonly usage: string;
  readonly about: string;
  /** It runs code of the config and of plugins, in this process. */
  readonly runsPlugins?: true;
  /** A citty command, of whatever arguments. */
  load(): Promise<{ readonly default: object }>;
}

const admin = async (name: string) => {
  const { adminCommand } = await import("./admin.ts");
  return { default: adminCommand(name) };
};

/** In the order in which a newcomer needs them. */
const commands: Readonly<Record<string, Listed>> = {
  serve: {
    usage: "[--name NAME]",
    about: "Runs a server, with its console on this terminal",
    runsPlugins: true,
    load: () => import("./serve.ts"),
  },
  chat: {
    usage: "NICK@SERVER",
    about: "Enters a server and chats",
    load: () => import("./chat.ts"),
  },
  init: {
    usage: "",
    about: "Writes a commented chatfusion.config.ts here",
    load: () => import("./init.ts"),
  },
  check: {
    usage: "[--config FILE]",
    about: "Checks the config, and shows the order of its hooks",
    runsPlugins: true,
    load: () => import("./check.ts"),
  },
  user: {
    usage: "add|passwd|del|list",
    about: "Manages the nicks that have a password",
    runsPlugins: true,
    load: () => import("./user.ts"),
  },
  merge: {
    usage: "SERVER",
    about: "Merges a running server with another one",
    load: () => admin("merge"),
  },
  unmerge: {
    usage: "SERVER",
    about: "Parts it from a neighbour again",
    load: () => admin("unmerge"),
  },
  map: { usage: "", about: "Shows which servers are merged, and how", load: () => admin("map") },
  who: { usage: "[ROOM]", about: "Shows who is here", load: () => admin("who") },
  status: { usage: "", about: "Shows how a running server is", load: () => admin("status") },
  say: {
    usage: "TEXT",
    about: "Says something to everybody on a server, as the server",
    load: () => admin("say"),
  },
  kick: {
    usage: "NICK [REASON]",
    about: "Puts somebody off the server",
    load: () => admin("kick"),
  },
  stop: { usage: "", about: "Stops a running server in good order", load: () => admin("stop") },
  run: {
    usage: "COMMAND [WORD...]",
    about: "Gives a running server any command of its console",
    load: () => admin("run"),
  },
};

process.exitCode = await main(process.argv.slice(2)).catch(reportFailure);
if (found(process.argv[2])?.runsPlugins === true) endWithoutPlugins();

/** Ends a program that has done its work, whatever a plugin has left open. */
function endWithoutPlugins(): void {
  const over = setTimeout(() => {
    report.error("a plugin has left something open (a timer, a server), which was not waited for");
    process.exit();
  }, LIMITS.leftOpenMsMax);
  over.unref(); // where nothing is, the program is at its end
}

function found(name: string | undefined): Listed | undefined {
  return name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
}

async function main([name, ...words]: readonly string[]): Promise<number> {
  if (name === undefined) {
    console.error(overview());
    return EXIT.usage;
  }
  if (name === "--version" || name === "-v") {
    console.log(await version());
    return EXIT.ok;
  }
  if (name === "--help" || name === "-h" || name === "help") {
    if (name !== "help" || words.length === 0) {
      console.log(overview());
      return EXIT.ok;
    }
    return main([...words, "--help"]);
  }
  const listed = found(name);
  if (listed === undefined) return refuse(name);
  const [{ runCliCommand }, { default: command }] = await Promise.all([
    import("./command.ts"),
    listed.load(),
  ]);
  return runCliCommand(command, { name, words });
}

function refuse(word: string): number {
  const what = word.startsWith("-") ? "flag" : "command";
  const known = [...Object.keys(commands), "--help", "--version"];
  report.error(`chatfusion: unknown ${what} "${visible(word)}"${suggestion(word, known)}`);
  report.info("see: chatfusion --help");
  return EXIT.usage;
}

function overview(): string {
  const rows = Object.entries(commands).map(([name, { usage, about }]) => [
    `  ${name} ${usage}`.trimEnd(),
    about,
  ]);
  const width = Math.max(...rows.map(([left = ""]) => left.length)) + 2;
  return [
    "ChatFusion: a chat and file-exchange server that merges with others while it runs.",
    "",
    "usage: chatfusion COMMAND [--help]",
    "",
    ...rows.map(([left = "", right = ""]) => left.padEnd(width) + right),
    "",
    "begin with: chatfusion serve",
  ].join("\n");
}

async function version(): Promise<string> {
  const file = Bun.file(new URL("../../package.json", import.meta.url));
  const about: unknown = await file.json();
  const isKnown = typeof about === "object" && about !== null && "version" in about;
  return isKnown ? String(about.version) : "unknown";
}
