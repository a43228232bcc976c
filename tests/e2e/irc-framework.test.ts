// A bot of irc-framework, as thousands of IRC bots are written, against a whole server.

import { expect, test } from "bun:test";
import { Client } from "irc-framework";
import authGuest from "../../plugins/auth-guest.ts";
import authSqlite from "../../plugins/auth-sqlite.ts";
import { startIrc } from "../gateway/irc.ts";

interface BotEvent {
  readonly nick: string;
  readonly message: string;
  readonly target: string;
  readonly channel: string;
  readonly account?: string | false;
}

test("a bot logs in by SASL, answers in rooms and in private, and is told of comings", async () => {
  await using server = await startIrc({
    plugins: [authSqlite({ scramIterations: 4096 }), authGuest()],
  });
  await server.run("user-add", "robot", "secret");
  const bot = new Client({
    host: "127.0.0.1",
    port: server.ircPort,
    nick: "robot",
    username: "robot",
    gecos: "a bot",
    account: { account: "robot", password: "secret" },
    enable_echomessage: true,
    auto_reconnect: false,
  });
  const joined: string[] = [];
  const registered = Promise.withResolvers<void>();
  const inRoom = Promise.withResolvers<void>();
  bot.on("registered", () => {
    registered.resolve();
    bot.join("#tea");
  });
  bot.on("join", ({ nick, channel, account }: BotEvent) => {
    joined.push(`${nick} ${channel} ${String(account)}`);
    if (nick === "robot") inRoom.resolve();
  });
  bot.on("privmsg", ({ nick, message, target }: BotEvent) => {
    if (nick === "robot") return;
    bot.say(target.startsWith("#") ? target : nick, `you said ${message}`);
  });
  bot.connect();
  await registered.promise;
  await inRoom.promise;
  const ann = await server.connect("ann");
  const heard = Promise.withResolvers<string>();
  const told = Promise.withResolvers<string>();
  ann.on((event) => {
    if (event.type === "message" && event.message.from === "robot@paris")
      heard.resolve(event.message.text);
    if (event.type === "private") told.resolve(`${event.message.account}: ${event.message.text}`);
  });
  await ann.join("#tea");
  await ann.say("#tea", "hello");
  await ann.tell("robot@paris", "psst");
  expect(await told.promise).toBe("robot: you said psst");
  expect(await heard.promise).toBe("you said hello");
  expect(joined).toEqual(["robot #tea robot", "ann #tea false"]);
  const whois = Promise.withResolvers<Record<string, unknown>>();
  bot.whois("ann", (found: Record<string, unknown>) => whois.resolve(found));
  expect(await whois.promise).toMatchObject({ nick: "ann", server: "paris", hostname: "paris" });
  const closed = Promise.withResolvers<void>();
  bot.on("socket close", () => closed.resolve());
  bot.quit("bye");
  await closed.promise;
});
