// What was said last in a room, for clients that enter it and would not ask themselves; and how
// what is read from the history is shown. Next: history.ts (for those who ask).

import type { Answer, Failure, PastEntry, PrivateEntry } from "chatfusion";
import { isFailure, isSaid, LIMITS } from "chatfusion";
import type { Client } from "./client.ts";
import type { Reply } from "./reply.ts";

/** Shows it, and then calls `done`; what is said from now on comes by itself. */
export function showBacklog(client: Client, room: string, reply: Reply, done: () => void): void {
  const { clock, options } = client.world;
  const { backlog } = options;
  if (backlog === 0 || client.has("draft/chathistory") || !client.has("server-time")) return done();
  const now = clock.now();
  const answered = (answer: Answer<"history"> | Failure) => {
    // What came while the history was read has been shown.
    const past = isFailure(answer) ? [] : answer.messages.filter(({ at }) => at <= now);
    const lines = past.map((one) => pastLines(client, one)).filter((one) => one !== "");
    if (lines.length > 0) reply.batch("chathistory", [room], lines.slice(-backlog).join(""));
    done();
  };
  const limit = Math.min(backlog + spare, LIMITS.backlogMax);
  client.session?.request("history", { room, limit }, answered, true);
}

/** So many more than are wanted are read, since some are not shown. */
export const spare = 8;

/** What the client sees of it; "" for what it has not asked for. */
export function pastLines(client: Client, message: PastEntry): string {
  const { kind, deleted } = message;
  const isEvent = !isSaid(kind) && kind !== "edit";
  if (deleted === true || (isEvent && !client.has("draft/event-playback"))) return "";
  return client.format.encode({ type: "message", message: { ...message, late: true } });
}

/** Likewise, of what two people have told each other. */
export function toldLines(client: Client, message: PrivateEntry): string {
  if (!isSaid(message.kind) && !client.has("draft/event-playback")) return "";
  return client.format.private({ ...message, late: true });
}
