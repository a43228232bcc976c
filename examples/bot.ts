// A bot that rolls dice, holds polls and reminds people. It is a client like all others, in a
// process of its own, on any server of the fusion; it keeps its reminders in a file.
//
//   bun examples/bot.ts bot@127.0.0.1:7331 --room "#tea" --reminders reminders.json
//
// In a room it listens to lines that begin with "!", and to all that is told to it alone: "!help".
// It speaks in notices, and answers none, so that two bots never talk to each other for ever.

import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import {
  type Client,
  connect,
  isSaid,
  type MessageEntry,
  type PrivateEntry,
} from "chatfusion/client";
import { createPolls } from "./bot/polls.ts";
import { createReminders } from "./bot/reminders.ts";

export interface BotOptions {
  readonly nick: string;
  readonly password?: string;
  readonly server: { readonly host: string; readonly port: number };
  /** Rooms to join, beside the lobby, where all are. */
  readonly rooms: readonly string[];
  /** The file of the reminders. */
  readonly reminders: string;
  /** A number from 0 to below 1. Default: `Math.random`. */
  readonly random?: () => number;
  /** Told of what goes wrong. */
  readonly log: (line: string) => void;
}

/** Who asked for something, and where the answer belongs. */
interface Asked {
  /** `nick@server`. */
  readonly from: string;
  /** Whom a vote or a poll belongs to: an account, so that a new nick is no second vote. */
  readonly voter: string;
  /** A room, or, where it was told in private, the one who asked. */
  readonly to: string;
}

const help = [
  "!roll [COUNT]d[SIDES]: rolls dice",
  "!poll QUESTION | ANSWER | ANSWER …: asks a room; !poll alone shows how it stands",
  "!vote NUMBER: votes, or changes a vote",
  "!close: ends a poll, by whoever asked",
  "!remind 10m TEXT: reminds you, in s, m, h or d",
].join("\n");

/**
 * Enters, joins the rooms, and answers until it is closed. Rejects with why it cannot enter or
 * join, and where the file of the reminders cannot be read.
 */
export async function startBot(options: BotOptions): Promise<Client> {
  const { nick, password, server } = options;
  const credential = password === undefined ? { nick } : { nick, password };
  const client = await connect({ ...credential, server, agent: "chatfusion example bot" });
  try {
    await serve(client, options);
    return client;
  } catch (thrown) {
    await client.close();
    throw thrown;
  }
}

async function serve(client: Client, options: BotOptions): Promise<void> {
  const { random = Math.random, log } = options;
  const speak = (to: string, text: string, how: { readonly cid?: string } = {}) =>
    /^[#&]/.test(to)
      ? client.say(to, text, { kind: "notice", ...how })
      : client.tell(to, text, { kind: "notice", ...how });
  const polls = createPolls();
  const reminders = await createReminders({
    file: options.reminders,
    remind: ({ id, to, from, text }) => speak(to, `${from}: ${text}`, { cid: id }),
    log,
  });
  const answer = (line: string, { from, voter, to }: Asked): string | Promise<string> => {
    const [, word = "", rest = ""] = /^!?(\S+)\s*(.*)$/s.exec(line.trim()) ?? [];
    switch (word.toLowerCase()) {
      case "roll":
        return roll(rest, random);
      case "poll":
        return rest === "" ? polls.show(to) : polls.open(to, voter, rest);
      case "vote":
        return polls.vote(to, voter, rest);
      case "close":
        return polls.close(to, voter);
      case "remind":
        return reminders.add({ from, to }, rest);
      case "help":
        return help;
      default:
        return to === from ? `I don't know ${word}; !help tells what I do` : "";
    }
  };
  /** One line after the other, so that the answers stand in the order of the questions. */
  let last: Promise<unknown> = Promise.resolve();
  const take = (line: string, asked: Asked) => {
    const answered = last.then(async () => {
      const text = await answer(line, asked);
      // A message is one line on a screen.
      for (const one of text.split("\n")) if (one !== "") await speak(asked.to, one);
    });
    last = answered.catch((thrown: unknown) => log(`${asked.from}: ${String(thrown)}`));
  };
  client.on((event) => {
    if (event.type === "connection" && event.state === "closed") return reminders.close();
    if (event.type !== "message" && event.type !== "private") return undefined;
    const { message } = event;
    const { from, text } = message;
    if (!isForMe(message, client)) return undefined;
    const voter = voterOf(message);
    if (!("room" in message)) return take(text, { from, voter, to: from });
    return text.startsWith("!") ? take(text, { from, voter, to: message.room }) : undefined;
  });
  for (const room of options.rooms) await client.join(room);
}

/** Notices are not answered, nor reactions, one's own words, and what was said long ago. */
const isForMe = ({ kind, from, late }: MessageEntry | PrivateEntry, client: Client): boolean =>
  isSaid(kind) && kind !== "notice" && late !== true && from !== client.address;

function voterOf({ from, account }: MessageEntry | PrivateEntry): string {
  return account === undefined ? from : `account ${account}${from.slice(from.indexOf("@"))}`;
}

/** Rolls "2d6": up to 20 dice of up to 1000 sides. */
function roll(text: string, random: () => number): string {
  const [, count = "", sides = ""] = /^(\d{0,2})(?:d(\d{1,4}))?$/.exec(text.trim()) ?? [];
  const [dice, most] = [Number(count || 1), Number(sides || 6)];
  const isRight = (text.trim() === "" || count + sides !== "") && dice >= 1 && dice <= 20;
  if (!isRight || most < 2 || most > 1000)
    return "!roll [COUNT]d[SIDES]: up to 20 dice of 2 to 1000 sides, like 2d6";
  const rolled = Array.from({ length: dice }, () => 1 + Math.floor(random() * most));
  const sum = rolled.reduce((all, one) => all + one, 0);
  return dice === 1 ? `${sum}` : `${rolled.join(" + ")} = ${sum}`;
}

// --- the program ---------------------------------------------------------------------------------

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      room: { type: "string", multiple: true, default: [] },
      reminders: { type: "string", default: "reminders.json" },
      "password-file": { type: "string" },
    },
  });
  const [, nick, host, port] = /^([^@]+)@(.+):(\d+)$/.exec(positionals[0] ?? "") ?? [];
  if (nick === undefined || host === undefined) throw new Error("expected NICK@HOST:PORT");
  const file = values["password-file"];
  const password = file === undefined ? undefined : (await readFile(file, "utf8")).split("\n")[0];
  const client = await startBot({
    nick,
    ...(password === undefined ? {} : { password }),
    server: { host, port: Number(port) },
    rooms: values.room,
    reminders: values.reminders,
    log: (line) => void process.stderr.write(`${line}\n`),
  });
  process.stdout.write(`I am ${client.address}, in ${[...client.rooms].join(", ")}\n`);
  client.on((event) => {
    if (event.type === "connection" && event.state === "closed" && event.failure !== undefined)
      process.stderr.write(`the chat has ended: ${event.failure.text}\n`);
  });
  const stop = () => void client.close().catch(() => undefined);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);
}

if (import.meta.main) {
  await main().catch((thrown: unknown) => {
    process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
    process.exitCode = 1;
  });
}
