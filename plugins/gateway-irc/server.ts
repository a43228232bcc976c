// About the server and the fusion: the welcome, MOTD, LUSERS, VERSION, TIME, INFO, ADMIN, LINKS,
// MAP, STATS, HELP.

import { isFailure } from "chatfusion";
import type { Client } from "./client.ts";
import { isOperator, linesOf } from "./console.ts";
import { HELP } from "./help.ts";
import { listsOf } from "./line.ts";
import { maskOf } from "./mask.ts";
import { USER_MODES } from "./modes.ts";
import type { Reply } from "./reply.ts";
import { createReply } from "./reply.ts";
import { roomsOf, shownOf } from "./rooms.ts";
import { CHANNEL_MODES } from "./ruling.ts";
import { helpIndex, helpOf } from "./server-commands.ts";

type Params = readonly string[];

const VERSION = "chatfusion-irc";

/** All that a client is told first, up to the text of the day. */
export async function welcome(client: Client): Promise<void> {
  const { options, names, startedAt } = client.world;
  let lines = "";
  const { shown, self } = client;
  const send = (text: string) => void (lines += text);
  const batchName = () => client.batchName();
  const has = () => client.has("batch");
  const reply = createReply({ shown, self, send, batchName, has }, undefined);
  reply.numeric("RPL_WELCOME", [], `Welcome to ${options.network}, ${client.shown}`);
  reply.numeric("RPL_YOURHOST", [], `Your host is ${names.self}, running ${VERSION}`);
  reply.numeric("RPL_CREATED", [], `It was started ${new Date(startedAt).toUTCString()}`);
  reply.numeric("RPL_MYINFO", [names.self, VERSION, USER_MODES, ...CHANNEL_MODES]);
  for (const tokens of client.world.isupport) reply.numeric("RPL_ISUPPORT", tokens);
  await lusers(client, [], reply);
  motd(client, [], reply);
  reply.numeric("RPL_UMODEIS", ["+"]);
  client.send(lines); // in one piece: twenty of them cost more
}

export function motd(client: Client, [target]: Params, reply: Reply): void {
  const { options, names } = client.world;
  if (!isUs(client, target)) return reply.numeric("ERR_NOSUCHSERVER", [shownOf(target ?? "")]);
  if (options.motd.length === 0) return reply.numeric("ERR_NOMOTD", []);
  reply.numeric("RPL_MOTDSTART", [], `- ${names.self} message of the day -`);
  for (const line of options.motd) reply.numeric("RPL_MOTD", [], `- ${line}`);
  reply.numeric("RPL_ENDOFMOTD", []);
}

export async function lusers(client: Client, _: Params, reply: Reply): Promise<void> {
  const { world } = client;
  const answer = await client.ask("fusion", {});
  if (isFailure(answer)) return;
  const here = answer.servers.find(({ server }) => server === world.names.self)?.people ?? 0;
  const all = answer.servers.reduce((sum, { people }) => sum + people, 0);
  const hidden = world.inMode.get("i")?.size ?? 0;
  const opers = world.inMode.get("o")?.size ?? 0;
  const { most } = world;
  most.here = Math.max(most.here, here);
  most.fusion = Math.max(most.fusion, all);
  const servers = answer.servers.length;
  const strangers = world.strangers.size;
  const rooms = await countRooms(client);
  const others = servers - 1;
  const visible = all - hidden;
  const text = `There are ${visible} users and ${hidden} invisible on ${servers} servers`;
  reply.numeric("RPL_LUSERCLIENT", [], text);
  if (opers > 0) reply.numeric("RPL_LUSEROP", [String(opers)]);
  if (strangers > 0) reply.numeric("RPL_LUSERUNKNOWN", [String(strangers)]);
  if (rooms > 0) reply.numeric("RPL_LUSERCHANNELS", [String(rooms)]);
  reply.numeric("RPL_LUSERME", [], `I have ${here} clients and ${others} servers`);
  const local = `Current local users ${here}, max ${most.here}`;
  const global = `Current global users ${all}, max ${most.fusion}`;
  reply.numeric("RPL_LOCALUSERS", [String(here), String(most.here)], local);
  reply.numeric("RPL_GLOBALUSERS", [String(all), String(most.fusion)], global);
}

export function version(client: Client, [target]: Params, reply: Reply): void {
  const { names } = client.world;
  if (!isUs(client, target)) return reply.numeric("ERR_NOSUCHSERVER", [shownOf(target ?? "")]);
  reply.numeric("RPL_VERSION", [VERSION, names.self], "a server of ChatFusion, by its IRC gateway");
  for (const tokens of client.world.isupport) reply.numeric("RPL_ISUPPORT", tokens);
}

export function time(client: Client, [target]: Params, reply: Reply): void {
  const { names, clock } = client.world;
  if (!isUs(client, target)) return reply.numeric("ERR_NOSUCHSERVER", [shownOf(target ?? "")]);
  reply.numeric("RPL_TIME", [names.self], new Date(clock.now()).toUTCString());
}

export function info(client: Client, [target]: Params, reply: Reply): void {
  const { startedAt, options } = client.world;
  if (!isUs(client, target)) return reply.numeric("ERR_NOSUCHSERVER", [shownOf(target ?? "")]);
  reply.numeric("RPL_INFO", [], "ChatFusion: servers that merge while they run");
  reply.numeric("RPL_INFO", [], options.description);
  reply.numeric("RPL_INFO", [], `On-line since ${new Date(startedAt).toUTCString()}`);
  reply.numeric("RPL_ENDOFINFO", []);
}

export function admin(client: Client, [target]: Params, reply: Reply): void {
  const { names, options } = client.world;
  if (!isUs(client, target)) return reply.numeric("ERR_NOSUCHSERVER", [shownOf(target ?? "")]);
  const [first = "nobody has written down who", second = "runs this server", third] = options.admin;
  reply.numeric("RPL_ADMINME", [names.self]);
  reply.numeric("RPL_ADMINLOC1", [], first);
  reply.numeric("RPL_ADMINLOC2", [], second);
  reply.numeric("RPL_ADMINEMAIL", [], third ?? "see /INFO");
}

/**
 * Every server of the fusion, as if all were linked to this one. A server alone has no links.
 */
export async function links(client: Client, _: Params, reply: Reply): Promise<void> {
  const { names, options } = client.world;
  const answer = await client.ask("fusion", {});
  const servers = isFailure(answer) ? [] : answer.servers;
  if (servers.length > 1)
    for (const { server, people } of servers) {
      const isOwn = server === names.self;
      const text = isOwn
        ? `0 ${options.description}`
        : `1 merged, ${people} ${people === 1 ? "person" : "people"}`;
      reply.numeric("RPL_LINKS", [server, names.self], text);
    }
  reply.numeric("RPL_ENDOFLINKS", ["*"]);
}

/** Operators see the links, and how quick they are. */
export async function map(client: Client, _: Params, reply: Reply): Promise<void> {
  const drawn = isOperator(client) ? await linesOf(client, "map") : [];
  for (const line of drawn) reply.numeric("RPL_MAP", [], line);
  if (drawn.length > 0) return reply.numeric("RPL_MAPEND", []);
  const answer = await client.ask("fusion", {});
  const servers = isFailure(answer) ? [] : answer.servers;
  for (const { server, people } of servers)
    reply.numeric("RPL_MAP", [], `${server} (${people} people)`);
  reply.numeric("RPL_MAPEND", []);
}

/** u: since when; o: which operators are here; z, for operators: what the server counts. */
export async function stats(client: Client, [letter = "*"]: Params, reply: Reply): Promise<void> {
  if (letter === "u") reply.numeric("RPL_STATSUPTIME", [], uptimeText(client));
  else if (letter === "o") {
    for (const one of client.world.inMode.get("o") ?? [])
      reply.numeric("RPL_STATSOLINE", ["O", "*", "*", one.shown]);
  } else if (letter === "z") {
    if (!isOperator(client)) return reply.numeric("ERR_NOPRIVILEGES", []);
    for (const line of await linesOf(client, "status")) reply.numeric("RPL_STATSDEBUG", [], line);
  }
  reply.numeric("RPL_ENDOFSTATS", [shownOf(letter)]);
}

export async function help(client: Client, [subject = ""]: Params, reply: Reply): Promise<void> {
  const topic = subject.toUpperCase();
  const text = HELP[topic];
  const own = text === undefined ? [] : [text];
  const lines =
    topic === ""
      ? [...listsOf(Object.keys(HELP), " "), ...(await helpIndex(client))]
      : [...own, ...(await helpOf(client, topic))];
  if (lines.length === 0) return reply.numeric("ERR_HELPNOTFOUND", [shownOf(subject)]);
  const shown = topic === "" ? "index" : shownOf(topic);
  reply.numeric("RPL_HELPSTART", [shown], `${shown}:`);
  for (const line of lines) reply.numeric("RPL_HELPTXT", [shown], line);
  reply.numeric("RPL_ENDOFHELP", [shown]);
}

// --- internal ---

function uptimeText(client: Client): string {
  const { clock, startedAt } = client.world;
  const seconds = Math.max(0, Math.trunc((clock.now() - startedAt) / 1000));
  const days = Math.trunc(seconds / 86_400);
  const rest = new Date((seconds % 86_400) * 1000).toISOString().slice(11, 19);
  return `Server Up ${days} days ${rest}`;
}

async function countRooms(client: Client): Promise<number> {
  const rooms = roomsOf(client);
  let count = 0;
  while ((await rooms.next()).done !== true) count++;
  return count;
}

/** A query with a target is for this server, or for whoever has this nick; others are not asked. */
function isUs(client: Client, target: string | undefined): boolean {
  if (target === undefined || target === "") return true;
  const { names } = client.world;
  return [names.self, client.shown].some((one) => maskOf(target)(one));
}
