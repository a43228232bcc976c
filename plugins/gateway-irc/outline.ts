// What one who is in a room has to know of it: its topic, who has set that and when, its modes.

import type { Answer, Failure } from "chatfusion";
import { LIMITS } from "chatfusion";
import type { Client } from "./client.ts";
import { cutText, flat, wordOf } from "./line.ts";
import type { Reply } from "./reply.ts";

export type Outline = Answer<"room">;

/** Topic and modes of a room, in their place among what it says, and who has set the topic. */
export function withOutline(
  client: Client,
  room: string,
  take: (outline: Outline | Failure) => void,
): void {
  // By key, `topic` is the first that comes behind this.
  client.session?.request("room", { room, after: "topi", limit: 1 }, take, true);
}

/** 332 and 333, where there is a topic. */
export function showTopic(client: Client, { room, topic: text, settings }: Outline, reply: Reply) {
  if (text === undefined) return;
  reply.numeric("RPL_TOPIC", [room], cutText(flat(text), topicShownBytesMax));
  const set = settings.find(({ key }) => key === "topic");
  if (set === undefined) return; // who is not in it is not told
  reply.numeric("RPL_TOPICWHOTIME", [room, setterOf(client, set), secondsOf(set.at)]);
}

/** Who has set something, as lists have it: the nick, or the account of one who is not there. */
export const setterOf = (
  { world }: Client,
  { by, from }: { readonly by: string; readonly from?: string },
): string => wordOf(world.names.nick(from ?? by.replace(/^~/, "")));

export const secondsOf = (at: number): string => String(Math.trunc(at / 1000));

// --- internal ---

/** What is left of a line behind the longest server, nick and room. */
const topicShownBytesMax = LIMITS.ircLineBytesMax - 3 * LIMITS.nameBytesMax - 16;
