// The commands of a chat: the same on a terminal and on a pipe. A line is a text, for the lobby or
// where /talk says (talk.ts), or a command with a slash before it; what it does is chatter.ts'
// business. What is none of these may be one of the server's: server-commands.ts.

import type { CommandEntry } from "../../client.ts";
import { ChatFusionError } from "../../errors.ts";
import { visible } from "../../names.ts";
import { suggestion } from "../../serve/suggest.ts";
import { isRoom } from "./talk.ts";

/** What a command takes: a word each, and at most one text or path at the end. */
interface Entry {
  readonly usage: string;
  readonly about: string;
}

const WHICH = "NICK@SERVER: their last one; ^: the last one, ^2: the one before; or its id";

const commands = {
  msg: { usage: "NICK@SERVER TEXT", about: "tells one person something" },
  say: { usage: "#ROOM TEXT", about: "says something in a room" },
  talk: {
    usage: "[#ROOM|NICK@SERVER]",
    about: "what you type goes there from now on; alone: to the lobby",
  },
  notice: { usage: "#ROOM|NICK@SERVER TEXT", about: "says what no bot is to answer" },
  reply: { usage: "MESSAGE TEXT", about: `answers a message (${WHICH})` },
  thread: { usage: "MESSAGE TEXT", about: "says something in the thread of a message" },
  react: { usage: "MESSAGE EMOJI", about: "reacts to a message, with an emoji or a word" },
  unreact: { usage: "MESSAGE EMOJI", about: "takes a reaction back" },
  edit: { usage: "MESSAGE TEXT", about: "changes a message of yours (^: the last one)" },
  delete: { usage: "MESSAGE [REASON]", about: "deletes a message of yours, everywhere" },
  me: { usage: "TEXT", about: "does something, where you talk" },
  send: { usage: "NICK@SERVER PATH", about: "offers a file" },
  accept: { usage: "ID", about: "takes an offered file" },
  reject: { usage: "ID [REASON]", about: "refuses an offered file" },
  cancel: { usage: "ID", about: "breaks a transfer off" },
  join: { usage: "#ROOM [KEY]", about: "enters a room (&ROOM: of this server only)" },
  part: { usage: "#ROOM", about: "leaves a room" },
  who: { usage: "[#ROOM]", about: "shows who is there" },
  whois: { usage: "NICK@SERVER", about: "shows who somebody is" },
  watch: { usage: "NICK@SERVER", about: "tells when somebody comes or goes" },
  unwatch: { usage: "NICK@SERVER", about: "does so no more" },
  away: { usage: "[TEXT]", about: "says that you are away, and why" },
  back: { usage: "", about: "says that you are back" },
  ignore: { usage: "NICK@SERVER", about: "shows nothing more of somebody, whatever their nick" },
  unignore: { usage: "NICK@SERVER", about: "does so again" },
  ignored: { usage: "", about: "shows whom you ignore" },
  read: { usage: "#ROOM|NICK@SERVER [ID]", about: "shows, or says, what you have read up to" },
  rooms: { usage: "", about: "shows the rooms" },
  servers: { usage: "", about: "shows the servers that are merged" },
  history: {
    usage: "[#ROOM|NICK@SERVER] [COUNT] [BEFORE]",
    about: "shows so many messages, or 20, before a message",
  },
  conversations: { usage: "[BEFORE]", about: "shows with whom you have talked in private" },
  forget: {
    usage: "NICK@SERVER [MESSAGE]",
    about: "removes what is kept for you of what you two said",
  },
  search: {
    usage: "WORDS...",
    about: 'finds messages; in:#ROOM, in:NICK@SERVER, from:NICK@SERVER, "in this order", begin*',
  },
  export: {
    usage: "#ROOM|NICK@SERVER [PATH]",
    about: "writes all that was said to a new file (.jsonl or text)",
  },
  room: { usage: "#ROOM", about: "shows what is set in a room, and by whom" },
  topic: { usage: "#ROOM [TEXT]", about: "sets a room's topic; - removes it" },
  describe: { usage: "#ROOM TEXT", about: "sets what a room is for; - removes it" },
  mode: { usage: "#ROOM [MODE] [VALUE]", about: "moderated, open-talk, slow 10, key K, -key, …" },
  role: { usage: "#ROOM NICK@SERVER ROLE", about: "owner, moderator, voice or none" },
  kick: { usage: "#ROOM NICK@SERVER [REASON]", about: "puts somebody out of a room" },
  ban: { usage: "#ROOM WHO [REASON]", about: "keeps somebody out; 2h before a reason: so long" },
  unban: { usage: "#ROOM WHO", about: "lets them in again" },
  mute: { usage: "#ROOM WHO [REASON]", about: "lets somebody read only; as ban" },
  unmute: { usage: "#ROOM WHO", about: "lets them speak again" },
  invite: { usage: "#ROOM NICK@SERVER", about: "lets somebody into a room by invitation" },
  uninvite: { usage: "#ROOM NICK@SERVER", about: "takes that back" },
  pin: { usage: "#ROOM MESSAGE", about: "pins a message of a room, named as for /reply" },
  unpin: { usage: "#ROOM MESSAGE", about: "unpins it" },
  nick: { usage: "NICK", about: "takes another nick" },
  run: { usage: "COMMAND [WORD...]", about: "runs a command of this server" },
  help: { usage: "[COMMAND]", about: "shows this" },
  quit: { usage: "", about: "ends the chat" },
} as const satisfies Record<string, Entry>;

export type CommandName = keyof typeof commands;

export const COMMAND_NAMES = Object.keys(commands) as readonly CommandName[]; // keys of commands

export interface Command {
  readonly name: CommandName;
  /** As many as the usage names; an optional one that was left out is "". */
  readonly args: readonly string[];
  /** `/x …`, where x is none of these: it may be one of the server's, as `/run x …`. */
  readonly isShort?: boolean;
}

/**
 * Parses a line: a text is `undefined` and the text. `//x` is the text `/x`. Where a command wants
 * a room, and none is named, it is `place`, if that is one.
 * Throws `NO_SUCH_COMMAND` for what can be no command, or `USAGE` with what was expected.
 */
export function parseLine(
  line: string,
  place = "",
): Command | { readonly name: undefined; text: string } {
  if (!line.startsWith("/")) return { name: undefined, text: line };
  if (line.startsWith("//")) return { name: undefined, text: line.slice(1) };
  const [, word = "", rest = ""] = /^\/(\S*)\s*(.*)$/s.exec(line) ?? [];
  const name = word.toLowerCase();
  if (isCommand(name)) return { name, args: argsOf(name, rest.trimEnd(), place) };
  if (!/^[a-z][a-z0-9-]*$/.test(name)) throw unknownCommand(word, []);
  return { name: "run", args: [name, rest.trimEnd()], isShort: true };
}

/** Says that there is no such command, neither here nor among the server's, and what was meant. */
export function unknownCommand(word: string, offered: readonly CommandEntry[]): ChatFusionError {
  // Of the names alone: the slash is right.
  const known = Object.hasOwn(ELSEWHERE, word) ? ELSEWHERE[word] : undefined;
  const near = suggestion(word.toLowerCase(), allNames(offered)).replace("mean ", "mean /");
  const meant = known === undefined ? near : ` (did you mean /${known}?)`;
  const text = `unknown command "/${visible(word)}"${meant}; see /help`;
  return new ChatFusionError("NO_SUCH_COMMAND", text);
}

/** How a command of the server is typed: its short form, unless the name is one of ours. */
export const typedName = (name: string): string => (isCommand(name) ? `/run ${name}` : `/${name}`);

/** Returns the usage of a command, or all of them. Throws `NO_SUCH_COMMAND`. */
export function helpText(name: string, offered: readonly CommandEntry[]): string {
  const plain = name.replace(/^\//, "").toLowerCase();
  const own = COMMAND_NAMES.map((one) => ({ typed: `/${one}`, name: one, ...commands[one] }));
  const theirs = offered.map((one) => ({ typed: typedName(one.name), ...one }));
  const headOf = ({ typed, usage }: (typeof theirs)[number]) => `${typed} ${usage}`.trimEnd();
  if (plain !== "") {
    const found = [...own, ...theirs].filter((one) => one.name === plain);
    if (found.length > 0) return found.map((one) => `${headOf(one)}: ${one.about}`).join("\n");
    const meant = suggestion(plain, allNames(offered));
    const text = `unknown command "${visible(plain)}"${meant}`;
    throw new ChatFusionError("NO_SUCH_COMMAND", text);
  }
  const width = Math.max(...[...own, ...theirs].map((one) => headOf(one).length)) + 2;
  const rowOf = (one: (typeof theirs)[number]) => `${headOf(one).padEnd(width)}${one.about}`;
  return [
    "Text goes to the lobby, to everybody on all merged servers, or where /talk says.",
    "//text begins with a slash. Where you talk in a room, commands mean that one without #ROOM.",
    "A nick without @SERVER is one of your own server.",
    ...own.map(rowOf),
    ...(theirs.length === 0 ? [] : ["Of this server:", ...theirs.map(rowOf)]),
  ].join("\n");
}

// --- internal -----------------------------------------------------------------------------------

/** How other programs call it. */
const ELSEWHERE: Readonly<Record<string, CommandName>> = {
  close: "talk",
  exit: "quit",
  j: "join",
  leave: "part",
  list: "rooms",
  names: "who",
  q: "talk",
  query: "talk",
  whisper: "msg",
};

const allNames = (offered: readonly CommandEntry[]): readonly string[] => [
  ...COMMAND_NAMES,
  ...offered.map(({ name }) => name),
];

const isCommand = (name: string): name is CommandName => Object.hasOwn(commands, name);

/** The last argument takes the rest of the line, blanks and all. */
function argsOf(name: CommandName, rest: string, place: string): string[] {
  const { usage } = commands[name];
  const wanted = usage.split(" ").filter(Boolean);
  const args: string[] = [];
  // To say something there needs no command, and to join is to name a room.
  const wantsRoom = wanted[0] === "#ROOM" && name !== "say" && name !== "join";
  let left = wantsRoom && isRoom(place) && !isRoom(rest) ? `${place} ${rest}` : rest;
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
