// Up to where a room is read, as a line: where one comes into it, and wherever it is asked for or
// changes. Next: markread.ts.

import type { Answer, Failure } from "chatfusion";
import { isFailure, timeIn } from "chatfusion";
import type { Client } from "./client.ts";
import { timestampOf } from "./ref.ts";
import type { Reply } from "./reply.ts";

/** Tells it of a room that one has come into: behind what was asked before. */
export function showMarker(client: Client, room: string, reply: Reply): void {
  if (!client.has("draft/read-marker")) return;
  const answered = (answer: Answer<"read"> | Failure) =>
    tellMarker(room, isFailure(answer) ? undefined : answer.id, reply);
  client.session?.request("read", { room }, answered, true);
}

export function tellMarker(target: string, id: string | undefined, reply: Reply): void {
  const at = id === undefined ? undefined : timeIn(id);
  reply.line("MARKREAD", target, at === undefined ? "*" : timestampOf(at));
}
