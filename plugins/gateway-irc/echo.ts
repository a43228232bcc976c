// What a client has said or done in a room, as others see it, with the id that it has: the answer
// of the server as an event.

import type { Answer, MessageEntry, RoomName } from "chatfusion";
import type { Client } from "./client.ts";
import type { Reply } from "./reply.ts";
import { keyOf } from "./rooms.ts";

/** What was asked for. */
export interface Asked extends Pick<MessageEntry, "kind" | "text" | "about"> {
  readonly room: string;
}

export function echo(client: Client, reply: Reply, asked: Asked, answer: Answer<"say">): void {
  const { account, address: from } = client;
  const who = account === undefined ? { from } : { from, account };
  const room = keyOf(asked.room) as RoomName; // the answer says that it is one
  const message: MessageEntry = { ...asked, ...answer, ...who, room };
  reply.lines(client.format.encode({ type: "message", message }));
}
