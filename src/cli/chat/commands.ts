// The commands of a chat: the same on a terminal and on a pipe. A line is a text for the lobby, or
// a command with a slash before it; what it does is chatter.ts' business.

import { ChatFusionError } from "../../errors.ts";
import { visible } from "../../names.ts";
import { suggestion } from "../../serve/suggest.ts";

/** What a command takes: a word each, and at most one text or path at the end. */
interface Entry {
  readonly usage: string;
  readonly about: string;
}

const commands = {
  msg: { usage: "NICK@SERVER TEXT", about: "tells one person something" },
  say: { usage: "#ROOM TEXT", about: "says something in a room" },
  me: { usage: "TEXT", about: "does something, in the lobby" },
  send: { usage: "NICK@SERVER PATH", about: "offers a file" },
  accept: { usage: "ID", about: "takes an offered file" },
  reject: { usage: "ID [REASON]", about: "refuses an offered file" },
  cancel: { usage: "ID", about: "breaks a transfer off" },
  join: { usage: "#ROOM", about: "enters a room (&ROOM: of this server only)" },
  part: { usage: "#ROOM", about: "leaves a room" },
  who: { usage: "[#ROOM]", about: "shows who is here" },
  whois: { usage: "NICK@SERVER", about: "shows who somebody is" },
  watch: { usage: "NICK@SERVER", about: "tells when somebody comes or goes" },
  unwatch: { usage: "NICK@SERVER", about: "does so no more" },
  rooms: { usage: "", about: "shows the rooms" },
  servers: { usage: "", about: "shows the servers that are merged" },
  history: { usage: "[#ROOM] [COUNT]", about: "shows what was said" },
  nick: { usage: "NICK", about: "takes another nick" },
  run: { usage: "COMMAND [WORD...]", about: "runs a command of the server's plugins" },
  help: { usage: "[COMMAND]", about: "shows this" },
  quit: { usage: "", about: "ends the chat" },
} as const satisfies Record<string, Entry>;

export type CommandName = keyof typeof commands;

export const COMMAND_NAMES = Object.keys(commands) as readonly CommandName[]; // keys of commands

export interface Command {
  readonly name: CommandName;
  /** As many as the usage names; an optional one that was left out is "". */
  readonly args: readonly string[];
}

/**
 * Parses a line: a text is `undefined` and the text. `//x` is the text `/x`.
 * Throws `NO_SUCH_COMMAND` with a suggestion, or `USAGE` with what was expected.
 */
export function parseLine(line: string): Command | { readonly name: undefined; text: string } {
  if (!line.startsWith("/")) return { name: undefined, text: line };
  if (line.startsWith("//")) return { name: undefined, text: line.slice(1) };
  const [, word = "", rest = ""] = /^\/(\S*)\s*(.*)$/s.exec(line) ?? [];
  const name = word.toLowerCase();
  if (!isCommand(name)) {
    // Of the names alone: the slash is right.
    const meant = suggestion(name, COMMAND_NAMES).replace("mean ", "mean /");
    const text = `unknown command "/${visible(word)}"${meant}; see /help`;
    throw new ChatFusionError("NO_SUCH_COMMAND", text);
  }
  return { name, args: argsOf(name, rest.trimEnd()) };
}

/** Returns the usage of a command, or all of them. Throws `NO_SUCH_COMMAND`. */
export function helpText(name: string): string {
  const plain = name.replace(/^\//, "").toLowerCase();
  if (plain !== "") {
    if (!isCommand(plain)) {
      const meant = suggestion(plain, COMMAND_NAMES);
      const text = `unknown command "${visible(plain)}"${meant}`;
      throw new ChatFusionError("NO_SUCH_COMMAND", text);
    }
    const { usage, about } = commands[plain];
    return `/${plain} ${usage}`.trimEnd() + `: ${about}`;
  }
  const rows = COMMAND_NAMES.map(
    (one) => [`/${one} ${commands[one].usage}`.trimEnd(), one] as const,
  );
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return [
    "Text goes to the lobby, to everybody on all merged servers. //text begins with a slash.",
    ...rows.map(([left, one]) => `${left.padEnd(width)}${commands[one].about}`),
  ].join("\n");
}

// --- internal -----------------------------------------------------------------------------------

const isCommand = (name: string): name is CommandName => Object.hasOwn(commands, name);

/** The last argument takes the rest of the line, blanks and all. */
function argsOf(name: CommandName, rest: string): string[] {
  const { usage } = commands[name];
  const wanted = usage.split(" ").filter(Boolean);
  const args: string[] = [];
  let left = rest;
  for (const [index, what] of wanted.entries()) {
    const isLast = index === wanted.length - 1;
    const [, word = "", after = ""] = /^(\S*)\s*(.*)$/s.exec(left) ?? [];
    const takesRest = isLast && /TEXT|PATH|REASON|\.\.\./.test(what);
    const arg = takesRest ? left : word;
    if (arg === "" && !what.startsWith("[")) {
      throw new ChatFusionError("USAGE", `/${name}: ${what} is missing; usage: /${name} ${usage}`);
    }
    args.push(arg);
    left = takesRest ? "" : after;
  }
  if (left === "") return args;
  const expected = `usage: /${name} ${usage}`.trimEnd();
  throw new ChatFusionError("USAGE", `/${name}: unexpected "${visible(left)}"; ${expected}`);
}
