// The commands of the console, and of sessions with the right role: the core's own, and those that
// plugins contribute. One command is one line: `merge host:port`, `who`, `kick nick reason`.

import * as v from "valibot";
import type { Log } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { ChatFusionError, failure, failureOf, isFailure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { parseNick, visible } from "../names.ts";
import type { Caller, Command, CommandResult } from "../plugin/context.ts";
import { command } from "../plugin.ts";
import type { FusionCommandsOptions } from "./fusion-commands.ts";
import { fusionCommands } from "./fusion-commands.ts";
import type { Rooms } from "./rooms.ts";
import type { Sessions } from "./sessions.ts";

export interface CommandRow {
  readonly name: string;
  readonly usage: string;
  readonly about: string;
  /** The plugin that contributes it. */
  readonly plugin?: string;
}

export interface Commands {
  readonly rows: readonly CommandRow[];
  /** Runs a command. Never rejects. */
  run(words: readonly string[], caller: Caller): Promise<CommandResult | Failure>;
}

/** Puts the core's and the plugins' commands into one table; the core's names win. */
export function createCommands(
  own: Readonly<Record<string, Command>>,
  contributed: readonly { readonly plugin: string; readonly commands: Record<string, Command> }[],
  log: Log,
): Commands {
  const table = new Map<string, { readonly command: Command; readonly row: CommandRow }>();
  const add = (name: string, one: Command, plugin?: string) => {
    const { usage, about } = one;
    if (table.has(name)) return log.warn("command twice", { command: name, plugin });
    const row = { name, usage, about, ...(plugin === undefined ? {} : { plugin }) };
    table.set(name, { command: one, row });
  };
  for (const [name, one] of Object.entries(own)) add(name, one);
  for (const { plugin, commands } of contributed)
    for (const [name, one] of Object.entries(commands)) add(name, one, plugin);
  const rows = [...table.values()].map(({ row }) => row);

  const help = (): CommandResult => ({
    text: rows.map((row) => `${`${row.name} ${row.usage}`.padEnd(32)} ${row.about}`).join("\n"),
    data: { commands: rows },
  });
  return {
    rows,
    async run([name = "", ...words], caller) {
      const found = table.get(name);
      const may = (role: string | undefined) =>
        caller.by === "console" || (role !== undefined && caller.roles.includes(role));
      if (name === "help" && caller.by === "console") return help();
      if (found === undefined || !may(found.command.role))
        return failure("NO_SUCH_COMMAND", `${visible(name)}: no such command; try help`);
      try {
        const result = await found.command.run(words, caller);
        return isFailure(result) ? withUsage(result, found.row) : result;
      } catch (thrown) {
        if (!(thrown instanceof ChatFusionError))
          log.error("command failed", { command: name, error: String(thrown) });
        return failureOf(thrown);
      }
    },
  };
}

/** A wrong word is answered with how the command is used. */
function withUsage(refused: Failure, { name, usage }: CommandRow): Failure {
  if (refused.code !== "USAGE") return refused;
  return failure("USAGE", `${refused.text}; usage: ${`${name} ${usage}`.trimEnd()}`);
}

export interface CoreCommandsOptions extends FusionCommandsOptions {
  readonly sessions: Sessions;
  readonly rooms: Rooms;
  status(): Readonly<Record<string, unknown>>;
}

const Line = v.pipe(v.array(v.string()), v.maxLength(LIMITS.commandWordsMax));

/** The commands that every server has. */
export function coreCommands(options: CoreCommandsOptions): Record<string, Command> {
  const { people, sessions, rooms } = options;
  return {
    ...fusionCommands(options),
    who: command({
      about: "who is online, in the whole fusion",
      usage: "[ROOM]",
      args: v.union([v.strictTuple([]), v.strictTuple([v.string()])], "expected one room at most"),
      run: ([room]) => {
        const found = people.who({ room, limit: LIMITS.pageMax });
        if (isFailure(found)) return found;
        const rest = found.total - found.people.length;
        const lines = found.people.map(({ address, account }) =>
          account === undefined ? address : `${address} (${account})`,
        );
        if (rest > 0) lines.push(`and ${rest} more`);
        const nobody = room === undefined ? "nobody is online" : `nobody is in ${visible(room)}`;
        return { text: lines.length === 0 ? nobody : lines.join("\n"), data: found };
      },
    }),
    status: command({
      about: "what this server is doing",
      args: v.strictTuple([], "expected nothing after it"),
      run: () => {
        const status = options.status();
        const lines = Object.entries(status).map(([key, value]) => `${key}: ${String(value)}`);
        return { text: lines.join("\n"), data: status };
      },
    }),
    kick: command({
      about: "end somebody's session on this server",
      usage: "NICK [REASON]",
      args: v.pipe(Line, v.minLength(1, "expected a nick")),
      run: ([text = "", ...reason]) => {
        const found = text.includes("@")
          ? people.find(text)
          : { at: "here", nick: parseNick(text) };
        if ("code" in found) return found;
        const session = found.at === "here" ? sessions.find(found.nick) : undefined;
        if (session === undefined)
          return failure("NO_SUCH_NICK", `nick ${visible(text)}: nobody on this server has it`);
        session.expel("KICKED", reason.join(" ") || "the operator ended the session");
        return { text: `${session.address} was kicked`, data: { nick: session.nick } };
      },
    }),
    say: command({
      about: "tell everybody on this server something",
      usage: "TEXT",
      args: v.pipe(Line, v.minLength(1, "expected a text")),
      run: (words) => {
        const text = words.join(" ");
        for (const session of rooms.lobby.members())
          session.doorway.personal({ type: "notice", text, room: rooms.lobby.name });
        return { text: "said", data: { text, people: sessions.count } };
      },
    }),
  };
}
