// What IRC's operators do to the server, by its own commands, as the core opens them to the role
// "operator": KILL is `kick`, CONNECT `merge`, SQUIT `unmerge`. What the console alone may do is
// refused. Next: opers.ts (who is an operator).

import { isFailure } from "chatfusion";
import type { Client } from "./client.ts";
import { flat, piecesOf } from "./line.ts";
import type { Reply } from "./reply.ts";
import { shownOf } from "./rooms.ts";

type Params = readonly string[];

/** Ends the session of somebody of this server. */
export async function kill(
  client: Client,
  [nick = "", reason = ""]: Params,
  reply: Reply,
): Promise<void> {
  if (!isOperator(client)) return reply.numeric("ERR_NOPRIVILEGES", []);
  const { names } = client.world;
  const address = names.address(nick);
  const host = names.host(address);
  if (host !== names.self) {
    const found = await client.ask("whois", { address });
    if (isFailure(found)) return reply.numeric("ERR_NOSUCHNICK", [shownOf(nick)]);
    const text = `Permission Denied- the operators of ${host} alone end sessions there`;
    return reply.numeric("ERR_NOPRIVILEGES", [], text);
  }
  const why = reason === "" ? [] : [flat(reason)];
  const answer = await client.ask("command", { name: "kick", args: [address, ...why] });
  if (!isFailure(answer)) return;
  if (answer.code === "NO_SUCH_NICK" || answer.code === "NICK_INVALID")
    return reply.numeric("ERR_NOSUCHNICK", [shownOf(nick)]);
  reply.numeric("ERR_NOPRIVILEGES", [], deniedText(answer.text));
}

/** Merges with the server at HOST PORT, or HOST:PORT. */
export function connect(client: Client, [host = "", port]: Params, reply: Reply): Promise<void> {
  const address = port === undefined || port.includes(":") ? host : `${bracketed(host)}:${port}`;
  return tell(client, reply, ["merge", address]);
}

/** Parts from a server that this one is linked to. */
export const squit = (client: Client, [server = ""]: Params, reply: Reply): Promise<void> =>
  tell(client, reply, ["unmerge", server]);

/** What the console alone does: REHASH, DIE, RESTART. */
export function consoleOnly(client: Client, _: Params, reply: Reply): void {
  if (!isOperator(client)) return reply.numeric("ERR_NOPRIVILEGES", []);
  const text = "Permission Denied- that is done on the server's own console; its config is read at";
  reply.numeric("ERR_NOPRIVILEGES", [], `${text} a start`);
}

/** The lines of a command's answer; nothing where it is not open to the client. */
export async function linesOf(client: Client, name: string): Promise<readonly string[]> {
  const answer = await client.ask("command", { name, args: [] });
  return isFailure(answer) ? [] : answer.text.split("\n");
}

export const isOperator = (client: Client): boolean => client.ident?.modes.has("o") === true;

// --- internal ---

/** Runs a command of the server, and tells what came of it as a notice. */
async function tell(client: Client, reply: Reply, [name = "", ...args]: Params): Promise<void> {
  if (!isOperator(client)) return reply.numeric("ERR_NOPRIVILEGES", []);
  const answer = await client.ask("command", { name, args });
  if (isFailure(answer) && answer.code === "NO_SUCH_COMMAND")
    return reply.numeric("ERR_NOPRIVILEGES", [], deniedText(answer.text));
  for (const piece of piecesOf(answer.text, 400)) reply.line("NOTICE", client.shown, piece);
}

const deniedText = (text: string) => `Permission Denied- ${flat(text)}`;

/** As an address has an IPv6 host. */
const bracketed = (host: string): string =>
  host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
