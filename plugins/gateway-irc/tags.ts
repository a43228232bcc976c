// TAGMSG: what IRC clients say by tags alone, and what stands for it: +typing for writing,
// +draft/react and +draft/unreact, with +draft/reply, for reactions. Other tags of clients are not
// handed on, as CLIENTTAGDENY says: what is said in a room, everybody of the fusion is to see, and
// nothing passes by who moderates it.

import type { Answer, Failure } from "chatfusion";
import { isFailure } from "chatfusion";
import type { Client } from "./client.ts";
import { echo, echoPrivate } from "./echo.ts";
import type { Line } from "./line.ts";
import { isChannel, isHidden, keyOf, personOf, refuse, shownOf, targetsOf } from "./rooms.ts";
import type { Reply } from "./reply.ts";
import type { Tag } from "./said.ts";

/** All but those that stand for something. */
export const CLIENTTAGDENY = "*,-typing,-draft/react,-draft/unreact,-draft/reply,-reply";

/** There is nobody who is told something: the codes of it. */
export const NOBODY: ReadonlySet<string> = new Set([
  "ADDRESS_INVALID",
  "NO_SUCH_NICK",
  "NO_SUCH_SERVER",
]);

/** The message that is answered, or reacted to; tags count for who has asked for them alone. */
export function aboutIn(client: Client, { tags }: Line): string | undefined {
  if (tags.size === 0 || !client.has("message-tags")) return undefined;
  return tags.get("+draft/reply") || tags.get("+reply") || undefined;
}

export async function tagmsg(client: Client, line: Line, reply: Reply): Promise<void> {
  const [list = ""] = line.params;
  if (list === "") return reply.numeric("ERR_NORECIPIENT", [], "No recipient (TAGMSG)");
  for (const target of targetsOf(list, reply)) {
    const isRoom = isChannel(target);
    const one = { client, line, target, isRoom, reply };
    const reaction = reactionIn(line);
    if (reaction !== undefined) await react(one, reaction);
    else await typing(one, line.tags.get("+typing"));
  }
}

// --- internal ---

interface One {
  readonly client: Client;
  readonly line: Line;
  readonly target: string;
  readonly isRoom: boolean;
  readonly reply: Reply;
}

interface Reaction {
  readonly kind: "reaction" | "unreaction";
  readonly text: string;
}

function reactionIn({ tags }: Line): Reaction | undefined {
  const text = tags.get("+draft/react");
  if (text !== undefined) return { kind: "reaction", text };
  const undone = tags.get("+draft/unreact");
  return undone === undefined ? undefined : { kind: "unreaction", text: undone };
}

async function react({ client, line, target, isRoom, reply }: One, what: Reaction): Promise<void> {
  const about = aboutIn(client, line);
  const refused = (code: string, text: string) =>
    reply.fail("TAGMSG", code, text, [shownOf(target)]);
  if (isRoom && isHidden(client, target))
    return refused("INVALID_TARGET", "this gateway does not show it");
  if (about === undefined) return refused("INVALID_PARAMS", "+draft/reply says what it is about");
  if (!isRoom) {
    const ask = { to: client.world.names.address(target), about, ...what };
    const told = await client.ask("tell", ask);
    if (!isFailure(told)) return echoPrivate(client, reply, ask, told);
    if (!NOBODY.has(told.code)) return refused(told.code, told.text);
    return reply.numeric("ERR_NOSUCHNICK", [shownOf(target)], told.text);
  }
  const ask = { room: target, about, ...what };
  const echoes = client.has("echo-message");
  await new Promise<void>((resolve) => {
    const answered = (answer: Answer<"say"> | Failure) => {
      if (!isFailure(answer)) {
        if (echoes) echo(client, reply, ask, answer);
      } else if (answer.code === "NOT_IN_ROOM" || answer.code === "ROOM_INVALID")
        refuse(reply, target, answer);
      else refused(answer.code, answer.text);
      resolve();
    };
    client.session?.request("say", ask, answered, echoes);
  });
}

async function typing(one: One, state: string | undefined): Promise<void> {
  const { client, target, isRoom, reply } = one;
  if (state !== "active" && state !== "paused" && state !== "done") return;
  if (isRoom && isHidden(client, target)) return;
  const to = client.world.names.address(target);
  // That somebody has stopped is not told: nobody takes it as true for more than some seconds.
  if (state === "active") {
    const answer = await client.ask("typing", isRoom ? { room: target } : { to });
    if (isFailure(answer))
      return isRoom
        ? refuse(reply, target, answer)
        : reply.numeric("ERR_NOSUCHNICK", [shownOf(target)], answer.text);
  }
  if (!client.has("echo-message")) return;
  const tags: Tag[] = [["+typing", state]];
  reply.lines(client.format.tagmsg(personOf(client), isRoom ? keyOf(target) : target, tags));
}
