// A client's past whose history is played by the test.

import type { ClientEvent } from "../../src/client.ts";
import { Past } from "../../src/client/past.ts";
import type { RoomName } from "../../src/names.ts";
import type { MessageEntry, PrivateEntry } from "../../src/protocol/messages.ts";

export const room = "#lobby" as RoomName; // a room's name by its look

/**
 * A past whose history answers when the test says so; what was logged since a message, it only
 * knows where `keepsOrder` says so.
 */
export function startPast({ keepsOrder = false, backlog = 0 } = {}) {
  const told: string[] = [];
  const asked: (string | undefined)[] = [];
  const asks: PromiseWithResolvers<{ readonly messages: readonly MessageEntry[] }>[] = [];
  const entry = (id: string): MessageEntry => ({
    id,
    from: "ann@paris",
    room,
    kind: "text",
    text: id,
    at: 0,
  });
  const show = (event: ClientEvent) =>
    void told.push(
      event.type === "message"
        ? `${event.message.id}${event.message.late === true ? " late" : ""}`
        : event.type === "private"
          ? `private ${event.message.id}`
          : event.type === "backlog"
            ? `backlog ${event.messages.map(({ id }) => id).join(" ")}`
            : event.type,
    );
  const past = new Past(
    show,
    {
      askPast(_room, from) {
        if ("since" in from && !keepsOrder) return Promise.reject(new Error("not held"));
        const limit = "limit" in from ? `last ${from.limit}` : undefined;
        asked.push("since" in from ? `since ${from.since}` : (from.before ?? limit));
        const one = Promise.withResolvers<{ readonly messages: readonly MessageEntry[] }>();
        asks.push(one);
        return one.promise;
      },
    },
    backlog,
  );
  const settled = async () => {
    for (let i = 0; i < 50; i++) await Promise.resolve();
  };
  return {
    past,
    told,
    asked,
    settled,
    say: (id: string, more: Partial<MessageEntry> = {}) =>
      past.take({ type: "message", message: { ...entry(id), ...more } }),
    tell: (id: string, more: Partial<PrivateEntry>) =>
      past.take({
        type: "private",
        message: { ...entry(id), kind: "text", to: "cat@paris", ...more },
      }),
    /** Answers the oldest question. */
    async answer(ids: readonly string[]) {
      await settled();
      asks.shift()?.resolve({ messages: ids.map(entry) });
      await settled();
    },
    async refuse() {
      await settled();
      asks.shift()?.reject(new Error("there is no history"));
      await settled();
    },
  };
}
