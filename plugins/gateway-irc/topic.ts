// TOPIC: what a room is about. Clearing it is setting an empty one.

import type { Failure } from "chatfusion";
import { isFailure, LIMITS } from "chatfusion";
import type { Client } from "./client.ts";
import { cutText, flat } from "./line.ts";
import type { Outline } from "./outline.ts";
import { showTopic, withOutline } from "./outline.ts";
import type { Reply } from "./reply.ts";
import { keyOf, noSuch, refuse, seen } from "./rooms.ts";

type Params = readonly string[];

export async function topic(
  client: Client,
  [target = "", text]: Params,
  reply: Reply,
): Promise<void> {
  const room = keyOf(target);
  if (!(await seen(client, room))) return noSuch(room, reply);
  if (text === undefined) {
    const outline = await new Promise<Outline | Failure>((resolve) =>
      withOutline(client, room, resolve),
    );
    if (isFailure(outline)) return refuse(reply, room, outline);
    if (outline.topic === undefined) return reply.numeric("RPL_NOTOPIC", [room]);
    return showTopic(client, outline, reply);
  }
  const value = cutText(flat(text), LIMITS.ircTopicBytesMax);
  const answer = await client.ask("set", {
    room,
    key: "topic",
    value: value === "" ? null : value,
  });
  if (isFailure(answer)) return refuse(reply, room, answer);
  reply.lines(client.format.encode({ type: "state", ...answer }));
}
