// citty, made strict: citty takes flags that it does not know, and colours what goes to a file.
// Here every word is either known or an error that says what was probably meant. A command's `run`
// resolves to its exit code, or to nothing for 0. Read exit.ts next.

import { renderUsage, runCommand, type ArgsDef, type BooleanArgDef, type CommandDef } from "citty";
import { ChatFusionError } from "../errors.ts";
import { visible } from "../names.ts";
import { suggestion } from "../serve/suggest.ts";
import { hasColours } from "./colours.ts";

/** The `valueHint` of a last positional that takes all words that are left (`args._`). */
export const REST = "...";

export interface CommandRun {
  /** As it is typed: "user add". */
  readonly name: string;
  /** What was typed after the name. */
  readonly words: readonly string[];
}

/** Runs a command, or one below it, and returns its exit code. Throws `USAGE` for odd words. */
export async function runCliCommand(command: CommandDef, run: CommandRun): Promise<number> {
  const { name, words } = run;
  if (command.subCommands !== undefined) {
    const below = await chooseBelow(command, run);
    if (below !== undefined) return runCliCommand(...below);
    console.log(await usageOf(command, name));
    return 0;
  }
  if (asksForHelp(words)) {
    console.log(await usageOf(command, name));
    return 0;
  }
  checkWords(await resolveArgs(command), run);
  const { result } = await runStrictly(command, run);
  return typeof result === "number" ? result : 0;
}

// --- internal ------------------------------------------------------------------------------------

/** Tells whether help is asked for, before a `--`. */
function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf("--");
  const before = end === -1 ? words : words.slice(0, end);
  return before.includes("--help") || before.includes("-h");
}

/** The command below that is named, undefined when help is asked for instead. */
async function chooseBelow(
  { subCommands }: CommandDef,
  { name, words }: CommandRun,
): Promise<[CommandDef, CommandRun] | undefined> {
  const known = (await resolve(subCommands)) ?? {};
  const [word, ...after] = words;
  if (word === undefined) {
    const expected = Object.keys(known).join(", ");
    throw usage(name, `expected one of: ${expected}`);
  }
  if (word === "--help" || word === "-h") return undefined;
  const command = Object.hasOwn(known, word) ? await resolve(known[word]) : undefined;
  if (command === undefined) {
    const what = word.startsWith("-") ? "flag" : "command";
    throw usage(name, `unknown ${what} "${visible(word)}"${suggestion(word, Object.keys(known))}`);
  }
  return [command, { name: `${name} ${word}`, words: after }];
}

async function runStrictly(
  command: CommandDef,
  { name, words }: CommandRun,
): Promise<{ readonly result: unknown }> {
  try {
    return await runCommand(command, { rawArgs: [...words] });
  } catch (thrown) {
    // What citty itself finds wrong: a value that is none of a list.
    if (!(thrown instanceof Error) || thrown.name !== "CLIError") throw thrown;
    throw usage(name, Bun.stripANSI(thrown.message));
  }
}

async function usageOf(command: CommandDef, name: string): Promise<string> {
  const args = { ...(await resolveArgs(command)), ...helpFlag };
  const about = await resolve(command.meta);
  const meta = { ...about, name: `chatfusion ${name}` };
  const rendered = await renderUsage({ ...command, args, meta });
  const text = rendered.trimEnd().replaceAll(`=<${REST}>`, REST);
  return hasColours(process.stdout) ? text : Bun.stripANSI(text);
}

const helpFlag: ArgsDef = {
  help: { type: "boolean", alias: "h", description: "Shows this text" },
};

/** Checks every word against what the command takes. */
function checkWords(args: ArgsDef, { name, words }: CommandRun): void {
  const flags = flagsOf(args);
  const positional: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    if (word === "--") {
      positional.push(...words.slice(i + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      positional.push(word);
      continue;
    }
    const [flag, value] = splitFlag(word);
    const type = flags.get(flag);
    if (type === undefined) {
      const meant = suggestion(flag, [...flags.keys(), "--help"]);
      throw usage(name, `unknown flag "${visible(flag)}"${meant}`);
    }
    if (type === "boolean" && value !== undefined) {
      throw usage(name, `${flag} takes no value, got "${visible(value)}"`);
    }
    if (type === "boolean" || value !== undefined) continue;
    const next = words[i + 1];
    if (next === undefined || (next.startsWith("-") && next !== "-")) {
      throw usage(name, `${flag} expects a value`);
    }
    i++;
  }
  checkPositional(args, positional, name);
}

function checkPositional(args: ArgsDef, words: readonly string[], name: string): void {
  const named = Object.entries(args).filter(([, { type }]) => type === "positional");
  const extra = words[named.length];
  const takesRest = named.at(-1)?.[1].valueHint === REST;
  if (extra !== undefined && !takesRest) throw usage(name, `unexpected "${visible(extra)}"`);
  const missing = named[words.length];
  if (missing === undefined || missing[1].required === false) return;
  throw usage(name, `${missing[0].toUpperCase()} is missing`);
}

/** `--port=1` is a flag and its value. */
function splitFlag(word: string): [flag: string, value?: string] {
  const equals = word.indexOf("=");
  return equals === -1 ? [word] : [word.slice(0, equals), word.slice(equals + 1)];
}

function flagsOf(args: ArgsDef): ReadonlyMap<string, "boolean" | "string"> {
  const flags = new Map<string, "boolean" | "string">();
  for (const [name, definition] of Object.entries(args)) {
    if (definition.type === "positional") continue;
    const type = definition.type === "boolean" ? "boolean" : "string";
    const { alias } = definition as BooleanArgDef; // all but positional ones may have it
    const aliases = alias === undefined ? [] : [alias].flat();
    flags.set(`--${name}`, type);
    for (const one of aliases) flags.set(one.length === 1 ? `-${one}` : `--${one}`, type);
  }
  return flags;
}

const usage = (name: string, text: string): ChatFusionError =>
  new ChatFusionError("USAGE", `chatfusion ${name}: ${text}\nsee: chatfusion ${name} --help`);

async function resolveArgs(command: CommandDef): Promise<ArgsDef> {
  return (await resolve(command.args)) ?? {};
}

type Resolvable<T> = T | Promise<T> | (() => T) | (() => Promise<T>);

/** citty lets every part of a command be a value, a promise of it, or a function to either. */
async function resolve<T extends object>(part: Resolvable<T> | undefined): Promise<T | undefined> {
  return typeof part === "function" ? part() : part;
}
