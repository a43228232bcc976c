// What `history` does: a page of what was said in a room that one is in. See requests.ts.

import { failure, isFailure } from "../errors.ts";
import { visible } from "../names.ts";
import type { History } from "../plugin/history.ts";
import type { Answer, Ask, MessageEntry } from "../protocol/messages.ts";
import type { Amendments } from "./amendments.ts";
import { pageOf } from "./history-pages.ts";
import type { MessageLog } from "./log.ts";
import { createReads } from "./reads.ts";
import { roomInside } from "./rooms.ts";
import type { Outcome } from "./session-host.ts";
import type { LiveSession } from "./session.ts";
import type { Streams } from "./streams.ts";

export interface HistoryRequestsOptions {
  readonly amendments: Pick<Amendments, "apply">;
  readonly history: () => History | undefined;
  readonly log: Pick<MessageLog, "caughtUp">;
  readonly streams: Pick<Streams, "flush">;
}

export function historyHandlers(options: HistoryRequestsOptions) {
  const reads = createReads();
  return {
    history(session: LiveSession, ask: Ask<"history">): Outcome {
      const room = roomInside(session, ask.room);
      if (typeof room === "object") return room;
      const history = options.history();
      if (history === undefined) return failure("NO_HISTORY", "this server keeps no history");
      options.streams.flush(); // what was said before this question belongs to the answer
      const { since } = ask;
      const many = [ask.before, ask.after, since].filter((one) => one !== undefined).length;
      if (many > 1)
        return failure("BAD_REQUEST", `history: expected before, after or since, got ${many}`);
      const read = async () => {
        await options.log.caughtUp();
        const isShown = (one: MessageEntry) =>
          one.hidden !== true && session.ignoring?.person(one) !== true;
        const amend = (page: readonly MessageEntry[]) => options.amendments.apply(room, page);
        const messages = await pageOf(history, room, ask, { isShown, amend });
        if (messages !== undefined) return { messages } satisfies Answer<"history">;
        return failure("NO_HISTORY", `${visible(since ?? "")}: no message of this id is held`);
      };
      const answer = reads.ask(session, read);
      return isFailure(answer) ? answer : { later: answer };
    },
  };
}
