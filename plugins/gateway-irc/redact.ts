// REDACT (IRCv3 message-redaction): a message is deleted, by its author or by who moderates the
// room, from the logs of all servers; a private one by its author, where the server has kept it.

import type { Answer, Failure } from "chatfusion";
import { isFailure, LIMITS } from "chatfusion";
import type { Client } from "./client.ts";
import { echo, echoPrivate } from "./echo.ts";
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
  const text = cutText(reason, LIMITS.reasonBytesMax);
  const deletion = { kind: "delete", about: id, text } as const;
  if (isChannel(target)) {
    if (isHidden(client, target)) {
      refused("INVALID_TARGET", "you are not in it");
      return Promise.resolve();
    }
    const ask = { room: target, ...deletion };
    return new Promise((resolve) => {
      const answered = (answer: Answer<"say"> | Failure) => {
        if (isFailure(answer)) refused(CODES[answer.code] ?? "REDACT_FORBIDDEN", answer.text);
        else echo(client, reply, ask, answer);
        resolve();
      };
      client.session?.request("say", ask, answered, true);
    });
  }
  const ask = { to: client.world.names.address(target), ...deletion };
  return client.ask("tell", ask).then((answer) => {
    if (isFailure(answer)) refused(CODES[answer.code] ?? "REDACT_FORBIDDEN", answer.text);
    else echoPrivate(client, reply, ask, answer);
  });
}

// --- internal ---

const CODES: Readonly<Record<string, string>> = {
  BAD_REQUEST: "UNKNOWN_MSGID",
  NOT_IN_ROOM: "INVALID_TARGET",
  NO_HISTORY: "INVALID_TARGET",
  NO_SUCH_MESSAGE: "UNKNOWN_MSGID",
  ROOM_INVALID: "INVALID_TARGET",
};
