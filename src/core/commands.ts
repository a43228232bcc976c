// The commands of the console, and of sessions to whom they are open: the core's own, and those
// that plugins contribute. One command is one line: `merge host:port`, `who`, `kick nick reason`.

import * as v from "valibot";
import type { Clock, Log, MaybePromise } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { ChatFusionError, failure, failureOf, isFailure, placeOf, stackOf } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { parseNick, visible } from "../names.ts";
import type { Command, CommandResult } from "../plugin/context.ts";
import type { Caller, CommandOffer } from "../plugin/hooks.ts";
import { command } from "../plugin.ts";
import type { CommandEntry } from "../protocol/messages.ts";
import type { FusionCommandsOptions } from "./fusion-commands.ts";
import { fusionCommands } from "./fusion-commands.ts";
import { tellHeldUp } from "./held-up.ts";
import type { CompiledHooks } from "./hooks.ts";
import { goOn } from "./hooks.ts";
import type { RoomCommandsOptions } from "./room-commands.ts";
import { callerName, roomCommands } from "./room-commands.ts";
import type { Rooms } from "./rooms.ts";
import { sanctionText } from "./sanction-text.ts";
import { OPERATOR } from "./states.ts";
import type { Sessions } from "./sessions.ts";

export interface Commands {
  readonly rows: readonly CommandEntry[];
  /** Those of plugins that nobody reaches, a line each. */
  readonly warnings: readonly string[];
  /** Those that somebody may run. */
  openTo(caller: Caller): readonly CommandEntry[];
  /** Looks a command up and asks the plugins; only `run` runs it. Never throws or rejects. */
  begin(words: readonly string[], caller: Caller): MaybePromise<Begun | Failure>;
  /** Does both. Never rejects. */
  run(words: readonly string[], caller: Caller): Promise<CommandResult | Failure>;
}

interface Begun {
  /** Never rejects. */
  run(): Promise<CommandResult | Failure>;
}

export interface CommandsOptions {
  /** The core's; their names win. */
  readonly own: Readonly<Record<string, Command>>;
  readonly contributed: readonly {
    readonly plugin: string;
    readonly commands: Readonly<Record<string, Command>>;
  }[];
  readonly hooks: () => Pick<CompiledHooks, "command">;
  readonly clock: Clock;
  readonly log: Log;
}

/** Puts the core's and the plugins' commands into one table. */
export function createCommands(options: CommandsOptions): Commands {
  const { own, contributed, hooks, clock, log } = options;
  const table = new Map<string, Entry>();
  const warnings: string[] = [];
  const add = (name: string, one: Command, plugin?: string) => {
    const { usage, about } = one;
    const first = table.get(name)?.row;
    if (first !== undefined) {
      const whose = first.plugin === undefined ? "the server itself" : `plugin ${first.plugin}`;
      const text = `its command ${name} is never run, as ${whose} has one of that name`;
      warnings.push(`plugin ${plugin}: ${text}`);
      return;
    }
    const row = { name, usage, about, ...(plugin === undefined ? {} : { plugin }) };
    table.set(name, { command: one, row });
  };
  for (const [name, one] of Object.entries(own)) add(name, one);
  for (const { plugin, commands } of contributed)
    for (const [name, one] of Object.entries(commands)) add(name, one, plugin);
  const all = [...table.values()];
  const rows = all.map(({ row }) => row);
  const openTo = (caller: Caller) =>
    all.filter((entry) => isOpenTo(entry.command, caller)).map(({ row }) => row);

  const help = (caller: Caller): CommandResult => {
    const open = openTo(caller);
    const lines = open.map((row) => `${`${row.name} ${row.usage}`.padEnd(32)} ${row.about}`);
    return { text: lines.join("\n") || "no command is open to you", data: { commands: open } };
  };
  const execute = async ({ command: one, row }: Entry, words: readonly string[], by: Caller) => {
    const { name, plugin } = row;
    /** A fault: the operator is told what it was, others only whose. */
    const failed = (why: string, error = why): Failure => {
      log.error("command failed", { command: name, plugin, error });
      const whose = `the plugin ${plugin} failed in its command ${name}`;
      if (by.by === "console") return failure("PLUGIN_FAILED", `${whose}: ${why}`);
      return failure("PLUGIN_FAILED", `${whose}; the operator has it in the log`);
    };
    try {
      const began = clock.monotonic();
      const answer = one.run(words, by);
      tellHeldUp({ clock, log }, began, "command", { plugin, command: name });
      const result: unknown = await answer; // a plugin's word: checked here
      if (isFailure(result)) return withUsage(result, row);
      const { adminAnswerBytesMax, commandAnswerBytesMax } = LIMITS;
      const most = by.by === "console" ? adminAnswerBytesMax : commandAnswerBytesMax;
      const sound = soundOf(result, most);
      return typeof sound === "string" ? failed(sound) : sound;
    } catch (thrown) {
      if (thrown instanceof ChatFusionError || isFailure(thrown)) return failureOf(thrown);
      const refused = failed(`${String(thrown)}${placeOf(thrown)}`, stackOf(thrown));
      return plugin === undefined ? failureOf(thrown) : refused;
    }
  };
  const begin: Commands["begin"] = ([name = "", ...words], caller) => {
    if (name === "help") return { run: () => Promise.resolve(help(caller)) };
    const found = table.get(name);
    if (found === undefined || !isOpenTo(found.command, caller))
      return failure("NO_SUCH_COMMAND", `${visible(name)}: no such command; try help`);
    const { plugin } = found.row;
    const offer: CommandOffer = {
      caller,
      name,
      words: found.command.secret ? [] : words,
      ...(plugin === undefined ? {} : { plugin }),
    };
    const allowed = { run: () => execute(found, words, caller) };
    return goOn(hooks().command(offer), (refused) => refused ?? allowed);
  };
  return {
    rows,
    warnings,
    openTo,
    begin,
    async run(words, caller) {
      const begun = await begin(words, caller);
      return isFailure(begun) ? begun : begun.run();
    },
  };
}

interface Entry {
  readonly command: Command;
  readonly row: CommandEntry;
}

function isOpenTo({ role, open }: Command, caller: Caller): boolean {
  if (caller.by === "console" || open === "everybody") return true;
  if (open === "accounts") return caller.account !== undefined;
  return role !== undefined && caller.roles.includes(role);
}

/** A command's answer, if it can be told; else what is wrong with it. */
function soundOf(result: unknown, bytesMax: number): CommandResult | string {
  const { text, data } = Object(result) as Partial<CommandResult>;
  if (typeof text !== "string") return "what it answered has no text";
  const sound: CommandResult = data === undefined ? { text } : { text, data };
  try {
    const bytes = Buffer.byteLength(JSON.stringify(sound));
    return bytes <= bytesMax ? sound : `an answer of ${bytes} bytes, expected up to ${bytesMax}`;
  } catch (thrown) {
    return `what it answered is no JSON: ${String(thrown)}`;
  }
}

/** A wrong word is answered with how the command is used. */
function withUsage(refused: Failure, { name, usage }: CommandEntry): Failure {
  if (refused.code !== "USAGE") return refused;
  return failure("USAGE", `${refused.text}; usage: ${`${name} ${usage}`.trimEnd()}`);
}

export interface CoreCommandsOptions extends FusionCommandsOptions, RoomCommandsOptions {
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
    ...roomCommands(options),
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
      role: OPERATOR,
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
      role: OPERATOR,
      args: v.pipe(Line, v.minLength(1, "expected a nick")),
      run: ([text = "", ...reason], caller) => {
        const found = text.includes("@")
          ? people.find(text)
          : { at: "here", nick: parseNick(text) };
        if ("code" in found) return found;
        const session = found.at === "here" ? sessions.find(found.nick) : undefined;
        if (session === undefined)
          return failure("NO_SUCH_NICK", `nick ${visible(text)}: nobody on this server has it`);
        const why = reason.length === 0 ? {} : { reason: reason.join(" ") };
        const { server } = session.person;
        session.expel("KICKED", `put off ${server} by the operator${sanctionText(why)}`);
        const by = callerName(caller);
        options.audit.note({ by, did: "kick", to: session.address, ...why });
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
          session.doorway.personal({
            type: "notice",
            text,
            room: rooms.lobby.name,
            by: "operator",
          });
        return { text: "said", data: { text, people: sessions.count } };
      },
    }),
  };
}
