// KICK and INVITE: who may, the core decides, and where somebody of another server is, that server.

import { isFailure, LIMITS } from "chatfusion";
import type { Client } from "./client.ts";
import { cutText, flat } from "./line.ts";
import type { Numeric } from "./numerics.ts";
import type { Reply } from "./reply.ts";
import { inRoom, refuse, shownOf } from "./rooms.ts";

type Params = readonly string[];

/** Several of one room, or one of each of several rooms. */
export async function kick(
  client: Client,
  [rooms = "", nicks = "", text = ""]: Params,
  reply: Reply,
): Promise<void> {
  const [first = "", ...more] = rooms.split(",").filter(Boolean);
  const targets = nicks.split(",").filter(Boolean).slice(0, LIMITS.ircTargetsMax);
  const why = text === "" ? {} : { reason: cutText(flat(text), LIMITS.ircTopicBytesMax) };
  for (const [index, nick] of targets.entries()) {
    const target = more.length === 0 ? first : ([first, ...more][index] ?? "");
    const room = await inRoom(client, target, reply);
    if (room === undefined) continue;
    const address = client.world.names.address(nick);
    const answer = await client.ask("kick", { room, address, ...why });
    if (!isFailure(answer)) continue; // all are told, this client, too
    if (ELSEWHERE.includes(answer.code)) await missing(client, { room, nick, address }, reply);
    else refuse(reply, room, answer);
  }
}

export async function invite(
  client: Client,
  [nick = "", target = ""]: Params,
  reply: Reply,
): Promise<void> {
  const room = await inRoom(client, target, reply);
  if (room === undefined) return;
  const found = await client.ask("whois", { address: client.world.names.address(nick) });
  if (isFailure(found)) return reply.numeric("ERR_NOSUCHNICK", [shownOf(nick)]);
  const shown = client.world.names.nick(found.address);
  if (found.rooms.includes(room)) return reply.numeric("ERR_USERONCHANNEL", [shown, room]);
  const answer = await client.ask("set", { room, key: `invite/${found.address}`, value: true });
  if (isFailure(answer)) return refuse(reply, room, answer);
  reply.numeric("RPL_INVITING", [shown, room]);
}

/** One who is not in the room: perhaps nobody has that nick. */
export async function missing(
  client: Client,
  who: { readonly room: string; readonly nick: string; readonly address: string },
  reply: Reply,
): Promise<void> {
  const found = await client.ask("whois", { address: who.address });
  const numeric: Numeric = isFailure(found) ? "ERR_NOSUCHNICK" : "ERR_USERNOTINCHANNEL";
  reply.numeric(numeric, isFailure(found) ? [shownOf(who.nick)] : [shownOf(who.nick), who.room]);
}

// --- internal ---

/** Codes of those who are not in the room. */
const ELSEWHERE: readonly string[] = ["NO_SUCH_NICK", "NO_SUCH_SERVER", "ADDRESS_INVALID"];
