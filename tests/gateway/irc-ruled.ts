// IRC servers whose people may have accounts, for tests of what rooms permit: who gives a password
// has the account of the nick.

import authGuest from "../../plugins/auth-guest.ts";
import { authAnybody } from "../core/ruled.ts";
import type { IrcClient, IrcServer } from "./irc.ts";
import { startIrc } from "./irc.ts";

export interface RuledServer extends IrcServer {
  /** Comes in with an account. */
  account(nick: string, caps?: readonly string[], password?: string): Promise<IrcClient>;
}

export async function startRuled(
  options: Parameters<typeof startIrc>[0] = {},
): Promise<RuledServer> {
  const server = await startIrc({ ...options, plugins: [authAnybody(), authGuest()] });
  return {
    ...server,
    async account(nick, caps = [], password = "x") {
      const client = await server.stranger();
      if (caps.length > 0) client.send(`CAP REQ :${caps.join(" ")}`);
      client.send(`PASS ${password}`, `NICK ${nick}`, `USER ${nick} * * :${nick}`, "CAP END");
      await client.until((line) => / 221 /.test(line));
      await client.fence();
      return client;
    },
  };
}

/** Two of them that are merged. */
export async function startTwoRuled() {
  const paris = await startRuled({ name: "paris" });
  const lyon = await startRuled({ name: "lyon" });
  await paris.run("merge", `${lyon.host}:${lyon.port}`);
  return {
    paris,
    lyon,
    async [Symbol.asyncDispose]() {
      await paris[Symbol.asyncDispose]();
      await lyon[Symbol.asyncDispose]();
    },
  };
}

/** Lets clients come into a room, one after the other; nothing of it is left to be read. */
export async function together(room: string, ...clients: readonly IrcClient[]): Promise<void> {
  for (const client of clients) await client.ask(`JOIN ${room}`);
  for (const client of clients) {
    await client.fence();
    client.taken();
  }
}
