// A chat of a client, as one types lines to it, and what it shows.

import type { Client } from "../../../src/client.ts";
import { Chatter } from "../../../src/cli/chat/chatter.ts";
import type { Shown } from "../../../src/cli/chat/shown.ts";

/** Makes a chat that keeps what it shows; `isSeen`: to somebody, as on a terminal. */
export function chatterOf(
  client: Client,
  isSeen = false,
): {
  readonly chatter: Chatter;
  readonly shown: readonly Shown[];
} {
  const shown: Shown[] = [];
  const chatter = new Chatter({
    client,
    folder: "",
    accept: "none",
    show: (one) => void shown.push(one),
    askPassword: isSeen ? () => Promise.resolve("") : undefined,
    quit() {},
    closed() {},
  });
  return { chatter, shown };
}
