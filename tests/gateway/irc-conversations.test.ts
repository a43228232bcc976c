// What a server keeps of an account's private messages, for IRC clients: CHATHISTORY of a nick, and
// REDACT of what was told to one.

import { describe, expect, test } from "bun:test";
import logSqlite from "../../plugins/log-sqlite.ts";
import { allow, definePlugin, type Plugin } from "../../src/plugin.ts";
import type { IrcClient } from "./irc.ts";
import { startIrc } from "./irc.ts";

const CAPS = [
  "message-tags",
  "server-time",
  "batch",
  "echo-message",
  "draft/chathistory",
  "draft/message-redaction",
];
const TIME = "timestamp=2020-01-01T00:00:00.000Z";
const LATER = "timestamp=2999-01-01T00:00:00.000Z";

/** Everybody is the account of their nick, but for guests. */
const auth = (): Plugin =>
  definePlugin({
    name: "auth-nick",
    provides: ["auth"],
    setup: () => ({
      accountOf: (nick: string) => (nick.startsWith("guest") ? undefined : nick),
      onAuth: ({ nick }) => allow(nick.startsWith("guest") ? undefined : nick),
    }),
  })();

const start = () => startIrc({ plugins: [logSqlite({ conversations: true }), auth()] });

async function tell(client: IrcClient, to: string, text: string): Promise<string> {
  const [line = ""] = await client.ask(`PRIVMSG ${to} :${text}`);
  return /msgid=([^; ]+)/.exec(line)?.[1] ?? "";
}

/** A batch's lines without its tags and their own, from the command on. */
const plain = (lines: readonly string[]) =>
  lines.map((line) => line.replace(/^@\S+ /, "").replace(/BATCH ([+-])\S+/, "BATCH $1"));

describe("CHATHISTORY of a nick", () => {
  test("gives what the two have told each other, to both, in order", async () => {
    await using server = await start();
    const [ann, ben] = [await server.irc("ann", CAPS), await server.irc("ben", CAPS)];
    await tell(ann, "ben", "one");
    await tell(ben, "ann", "two");
    const expected = [
      ":ann!~ann@paris PRIVMSG ben :one",
      ":ben!~ben@paris PRIVMSG ann :two",
      ":paris BATCH -",
    ];
    expect(plain(await ann.ask("CHATHISTORY LATEST ben * 10"))).toEqual([
      ":paris BATCH + chathistory ben",
      ...expected,
    ]);
    expect(plain(await ben.ask("CHATHISTORY LATEST ann * 10")).slice(1)).toEqual(expected);
  });

  test("goes by ids and times as that of a room does", async () => {
    await using server = await start();
    const ann = await server.irc("ann", CAPS);
    const ids: string[] = [];
    for (const text of ["1", "2", "3", "4"]) ids.push(await tell(ann, "ann", text));
    ann.taken();
    const ask = async (words: string) =>
      plain(await ann.ask(`CHATHISTORY ${words}`))
        .slice(1, -1)
        .map((line) => line.slice(-1));
    expect(await ask(`BEFORE ann msgid=${ids[2]} 1`)).toEqual(["2"]);
    expect(await ask(`AFTER ann msgid=${ids[1]} 9`)).toEqual(["3", "4"]);
    expect(await ask(`AROUND ann msgid=${ids[1]} 3`)).toEqual(["1", "2", "3"]);
    expect(await ask(`BETWEEN ann ${TIME} msgid=${ids[2]} 9`)).toEqual(["1", "2"]);
  });

  test("is listed among the targets, each with its last time", async () => {
    await using server = await start();
    const [ann, guest] = [await server.irc("ann", CAPS), await server.irc("guest", CAPS)];
    await ann.ask("JOIN #tea", "PRIVMSG #tea :hello");
    await tell(guest, "ann", "hi");
    const lines = plain(await ann.ask(`CHATHISTORY TARGETS ${TIME} ${LATER} 9`));
    expect(lines.slice(1, -1).map((line) => line.split(" ").slice(2, 4).join(" "))).toEqual([
      "TARGETS #tea",
      "TARGETS guest",
    ]);
    expect(await ann.ask(`CHATHISTORY TARGETS ${TIME} ${TIME} 9`)).toHaveLength(2);
  });

  test("is given to no guest, and of nobody else's", async () => {
    await using server = await start();
    const [ann, guest] = [await server.irc("ann", CAPS), await server.irc("guest", CAPS)];
    await tell(ann, "guest", "between us");
    const ben = await server.irc("ben", CAPS);
    expect(await ben.ask("CHATHISTORY LATEST ann * 9")).toHaveLength(2);
    const refusal = (await guest.ask("CHATHISTORY LATEST ann * 9")).at(-1);
    expect(refusal).toStartWith(":paris FAIL CHATHISTORY INVALID_TARGET LATEST ann :");
  });
});

describe("REDACT of a private message", () => {
  test("takes it away on both sides, and says so to who has asked for that", async () => {
    await using server = await start();
    const [ann, ben] = [await server.irc("ann", CAPS), await server.irc("ben", CAPS)];
    const old = await server.irc("old");
    const id = await tell(ann, "ben", "oops");
    await ben.fence();
    ben.taken();
    expect(plain(await ann.ask(`REDACT ben ${id} :wrong window`))).toEqual([
      `:ann!~ann@paris REDACT ben ${id} :wrong window`,
    ]);
    await ben.fence();
    expect(plain(ben.taken())).toEqual([`:ann!~ann@paris REDACT ben ${id} :wrong window`]);
    for (const [client, other] of [[ann, "ben"] as const, [ben, "ann"] as const])
      expect(await client.ask(`CHATHISTORY LATEST ${other} * 9`)).toHaveLength(2);
    const shown = await tell(ann, "old", "hello");
    await ann.ask(`REDACT old ${shown}`);
    await old.fence();
    expect(old.taken().at(-1)).toBe(":ann!~ann@paris PRIVMSG old :hello");
  });

  test("is refused of another one's, and of what is none", async () => {
    await using server = await start();
    const [ann, ben] = [await server.irc("ann", CAPS), await server.irc("ben", CAPS)];
    const guest = await server.irc("guest", CAPS);
    const id = await tell(ann, "ben", "mine");
    await ben.fence();
    ben.taken();
    const codeOf = (lines: readonly string[]) => lines.map((line) => line.split(" ")[3]);
    expect(codeOf(await ben.ask(`REDACT ann ${id}`))).toEqual(["UNKNOWN_MSGID"]);
    expect(codeOf(await ann.ask("REDACT ben none"))).toEqual(["UNKNOWN_MSGID"]);
    expect(codeOf(await guest.ask(`REDACT ben ${id}`))).toEqual(["INVALID_TARGET"]);
  });
});
