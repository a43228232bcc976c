// AWAY: being away without going, seen by the whole fusion. Who sees it at once: format.ts
// (away-notify).

import { isFailure, LIMITS } from "chatfusion";
import type { Client } from "./client.ts";
import { cutText, flat } from "./line.ts";
import type { Reply } from "./reply.ts";

/** Without a text, or with an empty one, one is back (modern.ircdocs.horse). */
export async function away(
  client: Client,
  [text = ""]: readonly string[],
  reply: Reply,
): Promise<void> {
  const why = cutText(text, LIMITS.reasonBytesMax);
  const answer = await client.ask("away", why === "" ? {} : { text: why });
  if (isFailure(answer)) return reply.fail("AWAY", "INVALID_PARAMS", answer.text);
  reply.numeric(answer.text === undefined ? "RPL_UNAWAY" : "RPL_NOWAWAY", []);
}

/** Why somebody is away, as one line that says something. */
export const awayText = (text: string): string => flat(text) || "away";
