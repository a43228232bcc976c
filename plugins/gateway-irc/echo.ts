// What a client has said or done, in a room or to a person, as others see it, with the id that it
// has: the answer of the server as an event.

import type { Answer, MessageEntry, PrivateEntry, RoomName } from "chatfusion";
import type { Client } from "./client.ts";
import type { Reply } from "./reply.ts";
import { keyOf } from "./rooms.ts";

/** What was asked for. */
export interface Asked extends Pick<MessageEntry, "kind" | "text" | "about"> {
  readonly room: string;
}

export function echo(client: Client, reply: Reply, asked: Asked, answer: Answer<"say">): void {
  const who = authorOf(client);
  const room = keyOf(asked.room) as RoomName; // the answer says that it is one
  const message: MessageEntry = { ...asked, ...answer, ...who, room };
  reply.lines(client.format.encode({ type: "message", message }));
}

/** The same of what was told to a person, for who wants to see it. */
export function echoPrivate(
  client: Client,
  reply: Reply,
  asked: Pick<PrivateEntry, "to" | "text" | "about"> & Partial<Pick<PrivateEntry, "kind">>,
  { id, at }: Answer<"tell">,
): void {
  if (!client.has("echo-message")) return;
  const { kind = "text" } = asked;
  const message = { ...asked, kind, id, at, ...authorOf(client) };
  reply.lines(client.format.private(message));
}

// --- internal ---

const authorOf = ({ account, address: from }: Client) =>
  account === undefined ? { from } : { from, account };
