// All commands, as a table: how many parameters each needs, when it may come, and what does it.
// What is none of them is looked for among the server's (server-commands.ts).

import type { MaybePromise } from "chatfusion";
import { isFailure } from "chatfusion";
import { register, verify } from "./account.ts";
import { away } from "./away.ts";
import type { Cap } from "./caps.ts";
import type { Client } from "./client.ts";
import { isDcc } from "./dcc.ts";
import { connect, consoleOnly, kill, squit } from "./console.ts";
import type { Line } from "./line.ts";
import { cutText } from "./line.ts";
import { chathistory } from "./history.ts";
import { markread } from "./markread.ts";
import { invite, kick } from "./moderation.ts";
import { mode } from "./modes.ts";
import { oper, showOperator, wallops } from "./opers.ts";
import { monitor, watchersOf } from "./monitor.ts";
import { batch, takeLine } from "./multiline.ts";
import { redact } from "./redact.ts";
import { cap, firstNick, pass, realNameBytesMax, user } from "./register.ts";
import type { Reply } from "./reply.ts";
import { join, listNames, listRooms, neighboursOf, part, personOf, shownOf } from "./rooms.ts";
import { authenticate } from "./sasl.ts";
import * as server from "./server.ts";
import { runServers } from "./server-commands.ts";
import { tagmsg } from "./tags.ts";
import { talk } from "./talk.ts";
import { topic } from "./topic.ts";
import { ison, userhost, who, whois, whowas } from "./who.ts";

type Run = (
  client: Client,
  params: readonly string[],
  reply: Reply,
  line: Line,
) => MaybePromise<void>;

interface Command {
  /** Parameters that it must have; where they are not there, 461. */
  readonly min: number;
  /** It may come before one has come in. */
  readonly early?: true;
  readonly run: Run;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  ADMIN: { min: 0, run: server.admin },
  AUTHENTICATE: { min: 1, early: true, run: ifAsked("sasl", authenticate) },
  AWAY: { min: 0, run: away },
  CAP: { min: 1, early: true, run: cap },
  CHATHISTORY: { min: 0, run: ifAsked("draft/chathistory", chathistory) },
  CONNECT: { min: 1, run: connect },
  DIE: { min: 0, run: consoleOnly },
  HELP: { min: 0, run: server.help },
  HELPOP: { min: 0, run: server.help },
  INFO: { min: 0, run: server.info },
  INVITE: { min: 2, run: invite },
  ISON: { min: 1, run: ison },
  JOIN: { min: 1, run: join },
  KICK: { min: 2, run: kick },
  KILL: { min: 1, run: kill },
  LINKS: { min: 0, run: server.links },
  LIST: { min: 0, run: listRooms },
  LUSERS: { min: 0, run: server.lusers },
  MAP: { min: 0, run: server.map },
  MARKREAD: { min: 0, run: ifAsked("draft/read-marker", markread) },
  MODE: { min: 1, run: mode },
  MONITOR: { min: 1, run: monitor },
  MOTD: { min: 0, run: server.motd },
  NAMES: { min: 0, run: listNames },
  NICK: { min: 0, early: true, run: nick },
  OPER: { min: 2, run: oper },
  PART: { min: 1, run: part },
  PASS: { min: 1, early: true, run: pass },
  PING: { min: 0, early: true, run: ping },
  PONG: { min: 0, early: true, run: () => {} },
  REDACT: { min: 2, run: ifAsked("draft/message-redaction", redact) },
  QUIT: { min: 0, early: true, run: quit },
  REGISTER: { min: 3, early: true, run: register },
  REHASH: { min: 0, run: consoleOnly },
  RESTART: { min: 0, run: consoleOnly },
  RUN: { min: 1, run: () => {} }, // with a name it is the server's
  SETNAME: { min: 1, run: setname },
  SQUIT: { min: 1, run: squit },
  STATS: { min: 0, run: server.stats },
  TAGMSG: {
    min: 0,
    run: ifAsked("message-tags", (client, _, reply, line) => tagmsg(client, line, reply)),
  },
  TIME: { min: 0, run: server.time },
  TOPIC: { min: 1, run: topic },
  USER: { min: 4, early: true, run: user },
  USERHOST: { min: 1, run: userhost },
  VERIFY: { min: 2, early: true, run: verify },
  VERSION: { min: 0, run: server.version },
  WALLOPS: { min: 1, run: wallops },
  WHO: { min: 0, run: who },
  WHOIS: { min: 0, run: whois },
  WHOWAS: { min: 0, run: whowas },
};

/** Does one command; a promise where later ones must wait for its end. */
export function runCommand(client: Client, line: Line, reply: Reply): MaybePromise<void> {
  const { command: name } = line;
  if (client.phase === "in") {
    if (isDcc(line) && client.files.said(line, reply)) return undefined;
    // What is said ends its reply by itself, when its answers have come; nothing waits for it.
    if (name === "PRIVMSG" || name === "NOTICE")
      return isInBatch(client, line) ? takeLine(client, line, reply) : talk(client, line, reply);
    if (name === "BATCH" && client.has("draft/multiline")) return batch(client, line, reply);
    const words = serversWords(line);
    if (words.length > 0) return runServers(client, words, reply);
  }
  const done = dispatch(client, line, reply);
  return done instanceof Promise ? done.then(() => reply.end()) : reply.end();
}

// --- internal ---

const isInBatch = (client: Client, { tags }: Line): boolean =>
  tags.size > 0 && tags.has("batch") && client.has("draft/multiline");

/** The name and words of a command of the server's; none where IRC has this one. */
function serversWords({ command: name, params }: Line): readonly string[] {
  if (name === "RUN") return params;
  return Object.hasOwn(COMMANDS, name) ? [] : [name, ...params];
}

function dispatch(client: Client, line: Line, reply: Reply): MaybePromise<void> {
  const { command: name, params } = line;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined || (client.phase !== "in" && command.early !== true))
    return reply.numeric("ERR_NOTREGISTERED", []);
  if (params.length < command.min) return reply.numeric("ERR_NEEDMOREPARAMS", [name]);
  return command.run(client, params, reply, line);
}

/** A command that is there for those who have its capability. */
function ifAsked(capability: Cap, run: Run): Run {
  return (client, params, reply, line) =>
    client.has(capability)
      ? run(client, params, reply, line)
      : reply.numeric("ERR_UNKNOWNCOMMAND", [line.command]);
}

/** A PONG says that all before it has been done, so it waits for it. */
function ping(client: Client, [token = ""]: readonly string[], reply: Reply): MaybePromise<void> {
  if (token === "") return reply.numeric("ERR_NOORIGIN", []);
  const answer = () => {
    const line = cutText(token, 400);
    reply.line("PONG", client.world.names.self, line);
  };
  const { session } = client;
  if (session === undefined) return answer();
  return new Promise((resolve) =>
    session.after(() => {
      answer();
      resolve();
    }),
  );
}

function quit(client: Client, [reason = ""]: readonly string[]): MaybePromise<void> {
  const why = reason === "" ? "Client Quit" : `Quit: ${cutText(reason, 300)}`;
  const { session } = client;
  if (session === undefined) return client.quit(why);
  return new Promise((resolve) =>
    session.after(() => {
      client.quit(why);
      resolve();
    }),
  );
}

async function nick(client: Client, [wanted = ""]: readonly string[], reply: Reply): Promise<void> {
  if (wanted === "") return reply.numeric("ERR_NONICKNAMEGIVEN", []);
  if (client.session === undefined) return firstNick(client, wanted);
  const was = personOf(client);
  const { names } = client.world;
  const { ident } = client;
  if (ident === undefined) return; // who is in has given one
  // Who sees the change is told it before it is answered.
  const to = `${wanted}@${names.self}`;
  const isFree = names.ident(to) === undefined;
  if (isFree) names.remember(to, ident);
  const answer = await client.ask("rename", { nick: wanted, keep: true });
  if (isFailure(answer)) {
    if (isFree) names.forget(to);
    if (answer.code === "RATE_LIMITED") return reply.numeric("RPL_TRYAGAIN", ["NICK"], answer.text);
    const isWrong = answer.code === "NICK_INVALID";
    const numeric = isWrong ? "ERR_ERRONEUSNICKNAME" : "ERR_NICKNAMEINUSE";
    return reply.numeric(numeric, [shownOf(wanted)], answer.text);
  }
  if (was.address === client.address) return;
  names.remember(client.address, ident);
  const event = { type: "renamed", was, person: personOf(client), room: "" } as const;
  reply.lines(client.format.encode(event));
  names.forget(was.address);
  showOperator(client, reply);
}

function setname(client: Client, [text = ""]: readonly string[], reply: Reply): void {
  if (text === "") return reply.fail("SETNAME", "INVALID_REALNAME", "a name is empty");
  const realName = cutText(text, realNameBytesMax);
  if (client.ident !== undefined) client.ident.realName = realName;
  const line = `:${client.mask} SETNAME :${realName}\r\n`;
  reply.lines(line);
  const others = new Set([...neighboursOf(client), ...watchersOf(client)]);
  for (const other of others) if (other !== client && other.has("setname")) other.send(line);
}
