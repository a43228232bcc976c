// Who is there: WHO and WHOX, WHOIS, WHOWAS, USERHOST, ISON.

import type { Answer, MemberEntry } from "chatfusion";
import { isFailure, LOBBY } from "chatfusion";
import { awayText } from "./away.ts";
import type { Client } from "./client.ts";
import { isOperator } from "./console.ts";
import { wordOf } from "./line.ts";
import { maskOf } from "./mask.ts";
import type { Reply } from "./reply.ts";
import {
  isChannel,
  isHidden,
  isNeighbour,
  keyOf,
  shownOf,
  targetsOf,
  withPeople,
} from "./rooms.ts";
import { signOf } from "./ruling.ts";

type Params = readonly string[];

export async function who(
  client: Client,
  [mask = "*", flags = ""]: Params,
  reply: Reply,
): Promise<void> {
  const isRoom = isChannel(mask);
  const room = isRoom ? keyOf(mask) : undefined;
  const whox = whoxOf(flags);
  for (const one of await peopleOf(client, mask, room)) {
    if (whox === undefined) whoReply(client, one, room, reply);
    else whoxReply({ client, one, room, reply, ...whox });
  }
  reply.numeric("RPL_ENDOFWHO", [shownOf(mask)]);
}

export async function whois(client: Client, params: Params, reply: Reply): Promise<void> {
  // "WHOIS server nick": the server that is to be asked is found by the nick alone.
  const [list = ""] = params.length > 1 ? params.slice(1) : params;
  if (list === "") return reply.numeric("ERR_NONICKNAMEGIVEN", []);
  for (const target of targetsOf(list, reply)) {
    const found = await client.ask("whois", { address: client.world.names.address(target) });
    if (isFailure(found)) reply.numeric("ERR_NOSUCHNICK", [shownOf(target)]);
    else whoisReply(client, found, reply);
    reply.numeric("RPL_ENDOFWHOIS", [shownOf(target)]);
  }
}

export function whowas(client: Client, [nick = "", most = ""]: Params, reply: Reply): void {
  if (nick === "") return reply.numeric("ERR_NONICKNAMEGIVEN", []);
  const count = Number(most) > 0 ? Math.trunc(Number(most)) : Number.POSITIVE_INFINITY;
  const found = client.world.whowas.find(nick).slice(0, count);
  if (found.length === 0) reply.numeric("ERR_WASNOSUCHNICK", [shownOf(nick)]);
  for (const { nick: was, user, host, realName, at } of found) {
    reply.numeric("RPL_WHOWASUSER", [was, user, host, "*"], realName);
    reply.numeric("RPL_WHOISSERVER", [was, host], new Date(at).toUTCString());
  }
  reply.numeric("RPL_ENDOFWHOWAS", [shownOf(nick)]);
}

export async function userhost(client: Client, nicks: Params, reply: Reply): Promise<void> {
  const { names } = client.world;
  const found = await online(client, nicks);
  const shown = found.map(({ address, account, away }) => {
    const sign = away === undefined ? "+" : "-";
    const mask = names.mask(address, account);
    const oper = names.ident(address)?.modes.has("o") === true ? "*" : "";
    return `${names.nick(address)}${oper}=${sign}${mask.slice(mask.indexOf("!") + 1)}`;
  });
  reply.numeric("RPL_USERHOST", [], shown.join(" "));
}

export async function ison(client: Client, params: Params, reply: Reply): Promise<void> {
  const nicks = params.flatMap((one) => one.split(" ")).filter(Boolean);
  const found = await online(client, nicks);
  const shown = found.map(({ address }) => client.world.names.nick(address));
  reply.numeric("RPL_ISON", [], shown.join(" "));
}

// --- internal ---

/** Of a room, of a mask, or the one of this nick. */
async function peopleOf(
  client: Client,
  mask: string,
  room: string | undefined,
): Promise<readonly MemberEntry[]> {
  if (room !== undefined && isHidden(client, room)) return [];
  if (room === undefined && mask !== "0" && !/[*?!@]/.test(mask)) return online(client, [mask]);
  const fits = room !== undefined || mask === "0" ? () => true : fitsOf(client, mask);
  return new Promise((resolve) =>
    withPeople(client, room, (people) => resolve(isFailure(people) ? [] : people.filter(fits))),
  );
}

/** Those of a list who are here; a line holds no more than some tens. */
async function online(client: Client, nicks: Params): Promise<readonly MemberEntry[]> {
  const found: MemberEntry[] = [];
  for (const nick of nicks) {
    const one = await client.ask("whois", { address: client.world.names.address(nick) });
    if (!isFailure(one)) found.push(one);
  }
  return found;
}

/** Those whom a mask does not find: with mode i, and in no room with the client. */
function hiddenFrom(client: Client): ReadonlySet<string> {
  const all = Array.from(client.world.inMode.get("i") ?? []);
  const hidden = all.filter((one) => one !== client && !isNeighbour(client, one));
  return new Set(hidden.map(({ address }) => address));
}

/** By nick; or by user, host or real name, where the mask has signs of one. */
function fitsOf(client: Client, mask: string): (one: MemberEntry) => boolean {
  const { names } = client.world;
  const fits = maskOf(mask);
  const hidden = hiddenFrom(client);
  return ({ address, account }) =>
    !hidden.has(address) &&
    (fits(names.nick(address)) ||
      (/[*?]/.test(mask) && (fits(names.host(address)) || fits(names.user(address, account)))) ||
      (/[!@]/.test(mask) && fits(names.mask(address, account))));
}

/**
 * Here or gone, the role in the room that was asked for, and what is known of those who came in by
 * this gateway: operators, bots.
 */
function flagsOf(client: Client, { address, away, role }: MemberEntry): string {
  const modes = client.world.names.ident(address)?.modes;
  const where = away === undefined ? "H" : "G";
  const [oper, bot] = [modes?.has("o") === true ? "*" : "", modes?.has("B") === true ? "B" : ""];
  return where + oper + signOf(role) + bot;
}

function whoReply(client: Client, one: MemberEntry, room: string | undefined, reply: Reply): void {
  const { address, account } = one;
  const { names } = client.world;
  const [user, host] = [names.user(address, account), names.host(address)];
  reply.numeric(
    "RPL_WHOREPLY",
    [room ?? "*", user, host, host, names.nick(address), flagsOf(client, one)],
    `${hopsOf(client, address)} ${names.realName(address)}`,
  );
}

const hopsOf = (client: Client, address: string): number =>
  client.world.names.host(address) === client.world.names.self ? 0 : 1;

/** The fields that WHOX asks for ("%tcuhn,42"), in the order in which they are sent. */
const whoxFields = "tcuihsnfdlaor";

function whoxOf(flags: string): { readonly fields: string; readonly token: string } | undefined {
  const [, fields = "", token = ""] = /%(\w+)(?:,(\d{1,3}))?/.exec(flags) ?? [];
  return fields === "" ? undefined : { fields, token };
}

function whoxReply(by: {
  readonly client: Client;
  readonly one: MemberEntry;
  readonly room: string | undefined;
  readonly reply: Reply;
  readonly fields: string;
  readonly token: string;
}): void {
  const { address, account } = by.one;
  const { names } = by.client.world;
  const host = names.host(address);
  const values: Readonly<Record<string, string>> = {
    t: by.token === "" ? "0" : by.token,
    c: by.room ?? "*",
    u: names.user(address, account),
    i: "255.255.255.255", // nobody's address is told
    h: host,
    s: host,
    n: names.nick(address),
    f: flagsOf(by.client, by.one),
    d: String(hopsOf(by.client, address)),
    l: "0",
    a: account === undefined ? "0" : wordOf(account),
    o: "n/a",
    r: names.realName(address),
  };
  const asked = Array.from(whoxFields).filter((field) => by.fields.includes(field));
  by.reply.numeric(
    "RPL_WHOSPCRPL",
    asked.map((field) => values[field] ?? ""),
  );
}

function whoisReply(client: Client, found: Answer<"whois">, reply: Reply): void {
  const { names, options } = client.world;
  const { address, account, away, rooms, roles = {}, since } = found;
  const nick = names.nick(address);
  const host = names.host(address);
  const user = names.user(address, account);
  reply.numeric("RPL_WHOISUSER", [nick, user, host, "*"], names.realName(address));
  const shown = rooms
    .filter((room) => options.lobby || room !== LOBBY)
    .map((room) => signOf(roles[room]) + room);
  for (let i = 0; i < shown.length; i += roomsPerLine)
    reply.numeric("RPL_WHOISCHANNELS", [nick], shown.slice(i, i + roomsPerLine).join(" "));
  const about = host === names.self ? options.description : "a server of this fusion";
  reply.numeric("RPL_WHOISSERVER", [nick, host], about);
  if (away !== undefined) reply.numeric("RPL_AWAY", [nick], awayText(away));
  if (account !== undefined) reply.numeric("RPL_WHOISACCOUNT", [nick, wordOf(account)]);
  const modes = names.ident(address)?.modes;
  if (modes?.has("o") === true) reply.numeric("RPL_WHOISOPERATOR", [nick]);
  if (modes?.has("B") === true) reply.numeric("RPL_WHOISBOT", [nick]);
  connectionReply(client, address, reply);
  // How long one has said nothing is not looked at: idle is told as no time.
  reply.numeric("RPL_WHOISIDLE", [nick, "0", String(Math.trunc(since / 1000))]);
}

/** Of one who is here by this gateway; where from, they and operators alone are told. */
function connectionReply(client: Client, address: string, reply: Reply): void {
  const { names, clients } = client.world;
  const one = Array.from(clients).find((other) => other.session && other.address === address);
  if (one === undefined) return;
  const nick = names.nick(address);
  const { tls, remote, fingerprint } = one.connection;
  if (one === client || isOperator(client)) {
    reply.numeric("RPL_WHOISACTUALLY", [nick, remote.slice(0, remote.lastIndexOf(":"))]);
    if (fingerprint !== undefined) {
      const text = `has client certificate fingerprint ${fingerprint.toHex()}`;
      reply.numeric("RPL_WHOISCERTFP", [nick], text);
    }
  }
  if (tls) reply.numeric("RPL_WHOISSECURE", [nick]);
}

/** Of the longest names, that fit a line. */
const roomsPerLine = 4;
