// A chat of a client, as one types lines to it, and what it shows.

import type { Client } from "../../../src/client.ts";
import { Chatter } from "../../../src/cli/chat/chatter.ts";
import type { Shown } from "../../../src/cli/chat/shown.ts";

/** Makes a chat that keeps what it shows. */
export function chatterOf(client: Client): {
  readonly chatter: Chatter;
  readonly shown: readonly Shown[];
} {
  const shown: Shown[] = [];
  const chatter = new Chatter({
    client,
    folder: "",
    accept: "none",
    show: (one) => void shown.push(one),
    askPassword: undefined,
    quit() {},
    closed() {},
  });
  return { chatter, shown };
}
