// The console's commands from another terminal: each asks the running server through its admin
// socket, prints the answer, and ends with its exit code.

import { defineCommand, type ArgsDef, type CommandDef } from "citty";
import * as v from "valibot";
import { ChatFusionError, isFailure } from "../errors.ts";
import { askAdmin } from "../serve/admin.ts";
import { REST } from "./command.ts";
import { EXIT, exitCodeOf, reportFailure } from "./exit.ts";
import { answerObject, answerText } from "./print.ts";
import { createScreen } from "./screen.ts";
import { targetServer } from "./target.ts";

interface AdminCommand {
  readonly about: string;
  readonly args: ArgsDef;
  /** The console's words for what was typed. */
  words(typed: Typed): readonly string[];
  readonly untilGone?: true;
}

interface Typed {
  readonly words: readonly string[];
  readonly dryRun: boolean;
}

const address: ArgsDef = {
  address: { type: "positional", description: "A server's name on this machine, or HOST:PORT" },
};
const text: ArgsDef = {
  text: { type: "positional", description: "What to say", valueHint: REST },
};

const commands: Readonly<Record<string, AdminCommand>> = {
  merge: {
    about: "Merges a running server with another one, and with all that it is merged with",
    args: { ...address, "dry-run": { type: "boolean", description: "Only shows what would be" } },
    words: ({ words, dryRun }) => ["merge", ...(dryRun ? ["--dry-run"] : []), ...words],
  },
  unmerge: {
    about: "Closes the link to a neighbour for good",
    args: { name: { type: "positional", description: "The neighbour" } },
    words: ({ words }) => ["unmerge", ...words],
  },
  map: {
    about: "Shows which servers are merged, and how",
    args: {},
    words: () => ["map"],
  },
  who: {
    about: "Shows who is here",
    args: { room: { type: "positional", required: false, description: "In this room only" } },
    words: ({ words }) => ["who", ...words],
  },
  status: {
    about: "Shows how a running server is",
    args: {},
    words: () => ["status"],
  },
  say: {
    about: "Says something to everybody, as the server",
    args: text,
    words: ({ words }) => ["say", words.join(" ")],
  },
  kick: {
    about: "Puts somebody off the server",
    args: {
      nick: { type: "positional", description: "Who" },
      reason: {
        type: "positional",
        required: false,
        description: "Shown to them",
        valueHint: REST,
      },
    },
    words: ({ words: [nick = "", ...reason] }) =>
      reason.length === 0 ? ["kick", nick] : ["kick", nick, reason.join(" ")],
  },
  stop: {
    about: "Stops a running server in good order, and waits for its end",
    args: {},
    words: () => ["stop"],
    untilGone: true,
  },
  run: {
    about: "Gives a running server any command of its console: help shows them",
    args: { command: { type: "positional", description: "The command", valueHint: REST } },
    words: ({ words }) => words,
  },
};

const shared: ArgsDef = {
  server: { type: "string", description: "Which, where several run here", valueHint: "NAME" },
  json: { type: "boolean", description: "Prints the answer as one JSON object" },
};
const Args = v.object({
  _: v.array(v.string()),
  server: v.optional(v.string()),
  json: v.optional(v.boolean(), false),
  "dry-run": v.optional(v.boolean(), false),
});

/** The answer is a no all the same: of a dry run. */
const saysNo = (data: unknown): boolean =>
  typeof data === "object" && data !== null && "accepted" in data && data.accepted === false;

/** Returns the command of that name. */
export function adminCommand(name: keyof typeof commands): CommandDef {
  const command = commands[name];
  if (command === undefined) throw new Error(`no command ${name}`);
  return defineCommand({
    meta: { description: command.about },
    args: { ...command.args, ...shared },
    async run({ args }) {
      const { _: words, server, json, "dry-run": dryRun } = v.parse(Args, args);
      const { admin } = await targetServer(server);
      const line = command.words({ words, dryRun });
      const { untilGone = false } = command;
      const answer = await askAdmin(admin, line, { untilGone });
      const screen = createScreen();
      if (json) screen.object(answerObject(line.join(" "), answer));
      else if (!isFailure(answer)) screen.print(answerText(answer));
      if (!isFailure(answer)) return saysNo(answer.data) ? EXIT.refused : EXIT.ok;
      if (json) return exitCodeOf(answer.code);
      return reportFailure(new ChatFusionError(answer.code, answer.text));
    },
  });
}
