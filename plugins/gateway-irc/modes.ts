// MODE and TOPIC, as far as there is anything to tell: rooms have no modes but that their members
// alone speak in them.

import { isFailure } from "chatfusion";
import type { Client } from "./client.ts";
import type { Reply } from "./reply.ts";
import { isHidden, keyOf, shownOf } from "./rooms.ts";

type Params = readonly string[];

/**
 * B: a bot; i: not found by WHO with a mask by those who are in no room with one; o: an operator;
 * w: told what operators say to all. All of this gateway alone.
 */
export const USER_MODES = "Biow";

export async function mode(client: Client, params: Params, reply: Reply): Promise<void> {
  const [target = "", words = ""] = params;
  if (!target.startsWith("#") && !target.startsWith("&")) return userMode(client, params, reply);
  if (!(await exists(client, target))) return noSuch(target, reply);
  const room = keyOf(target);
  if (words === "") return reply.numeric("RPL_CHANNELMODEIS", [room, "+n"]);
  const letter = words.replace(/^[+-]/, "");
  if (letter === "b") return reply.numeric("RPL_ENDOFBANLIST", [room]);
  if (letter === "e") return reply.numeric("RPL_ENDOFEXCEPTLIST", [room]);
  if (letter === "I") return reply.numeric("RPL_ENDOFINVITELIST", [room]);
  reply.numeric("ERR_UNKNOWNMODE", [shownOf(letter.charAt(0))]);
}

export async function topic(
  client: Client,
  [room = "", text]: Params,
  reply: Reply,
): Promise<void> {
  if (!(await exists(client, room))) return noSuch(room, reply);
  if (text === undefined) return reply.numeric("RPL_NOTOPIC", [keyOf(room)]);
  reply.numeric("ERR_CHANOPRIVSNEEDED", [keyOf(room)], "rooms have no topic here");
}

// --- internal ---

function userMode(client: Client, [target = "", words]: Params, reply: Reply): void {
  const isOwn = target.toLowerCase() === client.shown.toLowerCase();
  const modes = client.ident?.modes;
  if (!isOwn || modes === undefined) return reply.numeric("ERR_USERSDONTMATCH", []);
  if (words === undefined) return reply.numeric("RPL_UMODEIS", [`+${Array.from(modes).join("")}`]);
  let sign = "+";
  let changes = "";
  let last = "";
  let isUnknown = false;
  for (const letter of words) {
    if (letter === "+" || letter === "-") sign = letter;
    else if (!USER_MODES.includes(letter)) isUnknown = true;
    // One becomes an operator by OPER alone.
    else if (modes.has(letter) !== (sign === "+") && !(letter === "o" && sign === "+")) {
      if (sign === "+") modes.add(letter);
      else modes.delete(letter);
      changes += sign === last ? letter : sign + letter;
      last = sign;
    }
  }
  if (changes !== "") reply.lines(`:${client.mask} MODE ${client.shown} ${changes}\r\n`);
  if (isUnknown) reply.numeric("ERR_UMODEUNKNOWNFLAG", []);
}

async function exists(client: Client, room: string): Promise<boolean> {
  if (isHidden(client, room)) return false;
  const found = await client.ask("who", { room, limit: 1 });
  return !isFailure(found) && found.total > 0;
}

const noSuch = (room: string, reply: Reply): void =>
  reply.numeric("ERR_NOSUCHCHANNEL", [shownOf(room)], "No such channel");
