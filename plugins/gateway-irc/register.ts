// How one comes in: CAP, PASS, NICK, USER, AUTHENTICATE, in whatever order, and then `enter`, the
// one door to a session. Afterwards the welcome, and the lobby, where it is shown.

import type { Credential, Failure, MaybePromise, PersonalEvent } from "chatfusion";
import { isFailure } from "chatfusion";
import { registrationValue } from "./account.ts";
import type { Cap } from "./caps.ts";
import { capList, capNames, changeCaps } from "./caps.ts";
import type { Client } from "./client.ts";
import { lastLine } from "./client.ts";
import { cutText, fitting, listsOf } from "./line.ts";
import { MULTILINE } from "./multiline.ts";
import { userOf } from "./names.ts";
import { tellPersonal } from "./personal.ts";
import { showOperator } from "./opers.ts";
import type { Reply } from "./reply.ts";
import { abandon, mechanismsOf } from "./sasl.ts";
import { showLobby, shownOf } from "./rooms.ts";
import { welcome } from "./server.ts";

export function cap(client: Client, params: readonly string[], reply: Reply): MaybePromise<void> {
  const [verb = "", words = ""] = params;
  const sub = verb.toUpperCase();
  const answer = (...rest: readonly string[]) => reply.line("CAP", client.shown, ...rest);
  const isStranger = client.phase === "stranger";
  if (sub === "LS") {
    if (isStranger) client.negotiates = true;
    if (Number(words) >= 302) client.knows302 = true;
    const values = client.knows302 ? valuesFor(client) : {};
    const offered = [...capList(values, absent(client)), ...stsOf(client)];
    // Who knows version 302 reads several lines.
    const lists = client.knows302 ? listsOf(offered, " ") : [offered.join(" ")];
    for (const [index, list] of lists.entries())
      answer("LS", ...(index < lists.length - 1 ? ["*"] : []), list);
  } else if (sub === "LIST") answer("LIST", capNames(client.caps).join(" "));
  else if (sub === "REQ") {
    if (isStranger) client.negotiates = true;
    const after = changeCaps(client.caps, words.split(" ").filter(Boolean), absent(client));
    // The answer names all that was asked for: what it has no room for is asked twice, or not ours.
    const shown = fitting(`:${client.self} CAP ${client.shown} NAK :`, words);
    if (after === undefined || shown !== words) return answer("NAK", shown);
    client.caps = after;
    if (client.session !== undefined) client.session.format = client.format;
    answer("ACK", words);
  } else if (sub === "END") {
    client.negotiates = false;
    return enterIfReady(client);
  } else reply.numeric("ERR_INVALIDCAPCMD", [shownOf(verb)]);
}

export function pass(client: Client, [password = ""]: readonly string[], reply: Reply): void {
  if (client.phase !== "stranger") reply.numeric("ERR_ALREADYREGISTERED", []);
  else if (password === "") reply.numeric("ERR_NEEDMOREPARAMS", ["PASS"]);
  else client.password = password;
}

export function user(
  client: Client,
  [name = "", , , realName = ""]: readonly string[],
  reply: Reply,
): MaybePromise<void> {
  if (client.phase !== "stranger") return reply.numeric("ERR_ALREADYREGISTERED", []);
  if (name === "" || realName === "") return reply.numeric("ERR_NEEDMOREPARAMS", ["USER"]);
  // Nobody looks into who they are on their own machine: that is what the sign says.
  client.ident = {
    user: `~${userOf(name) || "user"}`,
    realName: cutText(realName, realNameBytesMax),
    modes: new Set(),
    rooms: client.rooms,
  };
  return enterIfReady(client);
}

/** NICK of one who has not come in yet. */
export function firstNick(client: Client, nick: string): MaybePromise<void> {
  client.nick = nick;
  return enterIfReady(client);
}

/** Real names and texts of SETNAME: a line holds them with all around them. */
export const realNameBytesMax = 150;

// --- internal ---

/** Information, which cannot be asked for, and is nothing without its value. */
const stsOf = ({ sts, knows302 }: Client): readonly string[] =>
  sts !== undefined && knows302 ? [`sts=${sts}`] : [];

const NOTHING: ReadonlySet<Cap> = new Set();
const REGISTRATION: ReadonlySet<Cap> = new Set(["draft/account-registration"]);
/** Capabilities that this server has not: what no plugin of it answers. */
const absent = ({ world }: Client) => (world.host.registers() ? NOTHING : REGISTRATION);

const valuesFor = (client: Client) => ({
  "draft/account-registration": registrationValue(client),
  sasl: mechanismsOf(client).join(","),
  "draft/multiline": MULTILINE,
});

/** Comes in once nick and user are there, and capabilities are settled. */
function enterIfReady(client: Client): MaybePromise<void> {
  const isReady =
    client.phase === "stranger" &&
    !client.negotiates &&
    client.nick !== undefined &&
    client.ident !== undefined;
  return isReady ? enter(client) : undefined;
}

async function enter(client: Client): Promise<void> {
  const { world, connection, nick = "", ident } = client;
  const reply = client.aside();
  abandon(client);
  if (!client.knowsPassword) {
    reply.numeric("ERR_PASSWDMISMATCH", []);
    return client.quit("the password of this server is needed");
  }
  client.phase = "entering";
  const address = `${nick}@${world.names.self}`;
  // Whose mask it is who is here under this nick, as it is written.
  const isFirst = ident !== undefined && world.names.ident(address) === undefined;
  if (isFirst) world.names.remember(address, ident); // who is in a room is told of it in a moment
  /** Told before the welcome, and shown behind it: what was kept for an account. */
  const early: PersonalEvent[] = [];
  const entered = await world.host.enter({
    nick,
    credential: credentialOf(client),
    ...(client.proof === undefined ? {} : { proof: client.proof }),
    connection,
    format: world.formats.silent,
    personal(event) {
      if (client.phase === "entering") early.push(event);
      else tellPersonal(client, event);
    },
    farewell: ({ text }) => lastLine(text),
  });
  if (isFailure(entered)) {
    if (isFirst) world.names.forget(address);
    return refused(client, nick, entered);
  }
  if (client.phase !== "entering") return entered.close("gone while entering");
  client.session = entered;
  world.strangers.delete(client);
  if (ident !== undefined) world.names.remember(client.address, ident);
  await welcome(client);
  client.phase = "in";
  showOperator(client, reply);
  for (const event of early.splice(0)) tellPersonal(client, event);
  entered.format = client.format; // from here on rooms are heard
  if (world.options.lobby) await showLobby(client);
}

function credentialOf({ password, world }: Client): Credential {
  // PASS is the server's, where it has one; else the account's.
  const isOwn = world.options.password === undefined && password !== undefined;
  return isOwn ? { kind: "password", password } : { kind: "none" };
}

function refused(client: Client, nick: string, { code, text }: Failure): void {
  const reply = client.aside();
  if (client.phase !== "entering") return; // it is gone
  client.phase = "stranger";
  client.nick = undefined;
  if (code === "NICK_INVALID") return reply.numeric("ERR_ERRONEUSNICKNAME", [shownOf(nick)], text);
  if (code === "NICK_IN_USE" || code === "NICK_REGISTERED")
    return reply.numeric("ERR_NICKNAMEINUSE", [shownOf(nick)], text);
  if (code === "AUTH_FAILED") reply.numeric("ERR_PASSWDMISMATCH", [], text);
  else if (code === "AUTH_DENIED") reply.numeric("ERR_YOUREBANNEDCREEP", [], text);
  client.quit(text);
}
