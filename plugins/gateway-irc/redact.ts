// REDACT (IRCv3 message-redaction): a message is deleted, by its author or by who moderates the
// room, from the logs of all servers.

import type { Answer, Failure } from "chatfusion";
import { isFailure, LIMITS } from "chatfusion";
import type { Client } from "./client.ts";
import { echo } from "./echo.ts";
import { cutText } from "./line.ts";
import type { Reply } from "./reply.ts";
import { isChannel, isHidden, shownOf } from "./rooms.ts";

export function redact(
  client: Client,
  [target = "", id = "", reason = ""]: readonly string[],
  reply: Reply,
): Promise<void> {
  const refused = (code: string, text: string) => {
    const params = code === "INVALID_TARGET" ? [shownOf(target)] : [shownOf(target), shownOf(id)];
    reply.fail("REDACT", code, text, params);
  };
  const isRoom = isChannel(target);
  if (!isRoom || isHidden(client, target)) {
    refused("INVALID_TARGET", isRoom ? "you are not in it" : "only rooms have what can be deleted");
    return Promise.resolve();
  }
  const text = cutText(reason, LIMITS.reasonBytesMax);
  const ask = { room: target, kind: "delete", about: id, text } as const;
  return new Promise((resolve) => {
    const answered = (answer: Answer<"say"> | Failure) => {
      if (isFailure(answer)) refused(CODES[answer.code] ?? "REDACT_FORBIDDEN", answer.text);
      else echo(client, reply, ask, answer);
      resolve();
    };
    client.session?.request("say", ask, answered, true);
  });
}

// --- internal ---

const CODES: Readonly<Record<string, string>> = {
  BAD_REQUEST: "UNKNOWN_MSGID",
  NOT_IN_ROOM: "INVALID_TARGET",
  NO_SUCH_MESSAGE: "UNKNOWN_MSGID",
  ROOM_INVALID: "INVALID_TARGET",
};
