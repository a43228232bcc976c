// A chat of a client, as one types lines to it, and what it shows.

import { type Client, connect } from "../../../src/client.ts";
import { Chatter } from "../../../src/cli/chat/chatter.ts";
import type { Shown } from "../../../src/cli/chat/shown.ts";
import type { Place } from "../../core/place.ts";

/** A client that has entered one of the servers of a place. */
export function enter({ world }: Place, nick: string, host: string): Client {
  const { net, clock } = world.environment(nick);
  return world.until(connect({ nick, server: { host, port: 7331 }, net, clock, tls: false }));
}

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
