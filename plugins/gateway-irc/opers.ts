// Operators: an account with a role of the server (`operatorRole`), whatever its nick. OPER logs in
// to it, as AUTHENTICATE does; who is logged in to one already needs no OPER.

import { isFailure } from "chatfusion";
import type { Client } from "./client.ts";
import { cutText, flat } from "./line.ts";
import { setMode } from "./modes.ts";
import type { Reply } from "./reply.ts";

type Params = readonly string[];

export async function oper(
  client: Client,
  [account = "", password = ""]: Params,
  reply: Reply,
): Promise<void> {
  const { host, options } = client.world;
  const { session } = client;
  if (session === undefined) return;
  const proof = await host.authenticate({
    nick: account,
    credential: { kind: "password", password },
    connection: client.connection,
  });
  if (isFailure(proof)) return reply.numeric("ERR_PASSWDMISMATCH", [], proof.text);
  if (!proof.roles.includes(options.operatorRole))
    return reply.numeric("ERR_NOOPERHOST", [], "this account is no operator's");
  const refused = host.identify(session, proof);
  if (refused !== undefined) return reply.numeric("ERR_NOOPERHOST", [], refused.text);
  showOperator(client, reply);
}

/** What the session's account may, the client is told as a mode: it comes and goes with it. */
export function showOperator(client: Client, reply: Reply): void {
  const { session, ident, world } = client;
  const isOperator = session?.person.roles.includes(world.options.operatorRole) === true;
  if (ident === undefined || ident.modes.has("o") === isOperator) return;
  setMode(client, "o", isOperator);
  reply.lines(`:${client.mask} MODE ${client.shown} ${isOperator ? "+" : "-"}o\r\n`);
  if (isOperator) reply.numeric("RPL_YOUREOPER", []);
}

export function wallops(client: Client, [text = ""]: Params, reply: Reply): void {
  if (client.ident?.modes.has("o") !== true) return reply.numeric("ERR_NOPRIVILEGES", []);
  const line = `:${client.mask} WALLOPS :${cutText(flat(text), wallopsBytesMax)}\r\n`;
  for (const other of client.world.inMode.get("w") ?? []) other.send(line);
}

// --- internal ---

const wallopsBytesMax = 350;
