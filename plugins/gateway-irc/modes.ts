// MODE: of oneself; of channels see channel-modes.ts.

import type { MaybePromise } from "chatfusion";
import { channelMode } from "./channel-modes.ts";
import type { Client } from "./client.ts";
import type { Reply } from "./reply.ts";
import { isChannel } from "./rooms.ts";

type Params = readonly string[];

/**
 * B: a bot; i: not found by WHO with a mask by those who are in no room with one; o: an operator;
 * w: told what operators say to all. All of this gateway alone.
 */
export const USER_MODES = "Biow";

/** Sets a mode of one who is in, or takes it; the client is not told. */
export function setMode(client: Client, letter: string, isOn: boolean): void {
  const all = client.world.inMode.get(letter);
  if (isOn) {
    client.ident?.modes.add(letter);
    all?.add(client);
  } else {
    client.ident?.modes.delete(letter);
    all?.delete(client);
  }
}

export function mode(client: Client, params: Params, reply: Reply): MaybePromise<void> {
  const [target = ""] = params;
  return isChannel(target) ? channelMode(client, params, reply) : userMode(client, params, reply);
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
      setMode(client, letter, sign === "+");
      changes += sign === last ? letter : sign + letter;
      last = sign;
    }
  }
  if (changes !== "") reply.lines(`:${client.mask} MODE ${client.shown} ${changes}\r\n`);
  if (isUnknown) reply.numeric("ERR_UMODEUNKNOWNFLAG", []);
}
