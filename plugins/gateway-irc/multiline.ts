// BATCH draft/multiline: a client says a text of several lines as one message. One batch of a
// client is open at a time; its lines are kept until its end, within the bounds that CAP LS names.

import type { MaybePromise } from "chatfusion";
import { LIMITS } from "chatfusion";
import type { Client } from "./client.ts";
import { SEAM } from "./cuts.ts";
import type { Line } from "./line.ts";
import type { Reply } from "./reply.ts";
import { shownOf } from "./rooms.ts";
import { aboutIn } from "./tags.ts";
import { speak } from "./talk.ts";

/** What CAP LS says of it. */
export const MULTILINE = [
  `max-bytes=${LIMITS.textBytesMax}`,
  `max-lines=${LIMITS.ircMultilineLinesMax}`,
].join(",");

/** What a client has said of a batch so far. */
export interface OpenBatch {
  readonly ref: string;
  readonly target: string;
  readonly about: string | undefined;
  /** Of the BATCH that began it: its end is answered by it. */
  readonly reply: Reply;
  /** PRIVMSG or NOTICE, from the first line on. */
  command: string;
  /** With the seams of its lines. */
  text: string;
  lines: number;
  bytes: number;
  /** It was refused: what still comes of it is passed over. */
  isRefused: boolean;
}

/** BATCH: begins one, or ends it, and says what was in it. */
export function batch(client: Client, line: Line, reply: Reply): MaybePromise<void> {
  const [name = "", type = "", target = ""] = line.params;
  const ref = name.slice(1);
  const open = client.batch;
  const refused = (text: string) => {
    reply.fail("BATCH", "MULTILINE_INVALID", text);
    reply.end();
  };
  if (name.startsWith("+")) {
    if (type !== "draft/multiline" || ref === "" || target === "")
      return refused("expected BATCH +name draft/multiline target");
    if (open !== undefined) return refused(`the batch ${shownOf(open.ref)} has not ended yet`);
    const about = aboutIn(client, line);
    const empty = { command: "", text: "", lines: 0, bytes: 0, isRefused: false };
    client.batch = { ref, target, about, reply, ...empty };
    return undefined;
  }
  if (!name.startsWith("-") || open?.ref !== ref) return refused("no such batch is open");
  client.batch = undefined;
  reply.end();
  if (open.isRefused) return undefined;
  if (!/[^\n\0]/.test(open.text)) return end(open, "MULTILINE_INVALID", "it says nothing");
  const { command, about } = open;
  client.world.cuts.add(open.text);
  const text = open.text.replaceAll(SEAM, "");
  return speak(client, { command, list: target || open.target, text, about }, open.reply);
}

/** A line of a batch: kept, or the batch is refused. */
export function takeLine(client: Client, line: Line, reply: Reply): void {
  const { tags, command, params } = line;
  const [target = "", text = ""] = params;
  const open = client.batch;
  if (open === undefined) {
    reply.fail("BATCH", "MULTILINE_INVALID", "no such batch is open");
    return reply.end();
  }
  reply.end();
  if (open.isRefused) return;
  const goesOn = tags.has("draft/multiline-concat");
  if (tags.get("batch") !== open.ref) return end(open, "MULTILINE_INVALID", "it is another batch");
  if (open.lines > 0 && command !== open.command)
    return end(open, "MULTILINE_INVALID", "all lines of a batch are of one kind");
  if (target.toLowerCase() !== open.target.toLowerCase())
    return end(open, "MULTILINE_INVALID_TARGET", "all lines of a batch go to its target", [
      shownOf(open.target),
      shownOf(target),
    ]);
  if (goesOn && (text === "" || open.lines === 0))
    return end(open, "MULTILINE_INVALID", "there is nothing that goes on");
  const before = open.lines === 0 ? "" : goesOn ? SEAM : "\n";
  const { textBytesMax, ircMultilineLinesMax } = LIMITS;
  open.command = command;
  open.lines++;
  open.bytes += Number(before === "\n") + Buffer.byteLength(text);
  if (open.lines > ircMultilineLinesMax)
    return end(open, "MULTILINE_MAX_LINES", "so many lines fit", [`${ircMultilineLinesMax}`]);
  if (open.bytes > textBytesMax)
    return end(open, "MULTILINE_MAX_BYTES", "so many bytes fit", [`${textBytesMax}`]);
  open.text += before + text;
}

// --- internal ---

function end(open: OpenBatch, code: string, text: string, context: readonly string[] = []): void {
  open.isRefused = true;
  open.text = "";
  open.reply.fail("BATCH", code, text, context);
  open.reply.end();
}
