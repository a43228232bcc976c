// Being away, between IRC clients, native ones and servers.

import { expect, test } from "bun:test";
import { startIrc } from "./irc.ts";

test("one who is away is told of to who writes, asks, or shares a room and wants it", async () => {
  await using server = await startIrc();
  const ann = await server.irc("ann", ["away-notify"]);
  const ben = await server.irc("ben");
  const cleo = await server.irc("cleo", ["away-notify"]);
  for (const one of [ann, ben]) await one.ask("JOIN #tea");
  await ann.ask("WHO #tea");
  expect(await ben.ask("AWAY :gone fishing")).toEqual([
    ":paris 306 ben :You have been marked as being away",
  ]);
  await ann.until((line) => line === ":ben!~ben@paris AWAY :gone fishing");
  expect(await ann.ask("PRIVMSG ben :psst", "NOTICE ben :psst", "USERHOST ben")).toEqual([
    ":paris 301 ann ben :gone fishing",
    ":paris 302 ann :ben=-~ben@paris",
  ]);
  expect((await ann.ask("WHOIS ben")).filter((line) => / 301 /.test(line))).toHaveLength(1);
  const flags = (await ann.ask("WHO #tea %nf")).map((line) => line.split(" ").slice(3).join(" "));
  expect(flags.slice(0, 2)).toEqual(["ann H", "ben G"]);
  expect(await ben.ask("AWAY :")).toEqual([
    ":paris 305 ben :You are no longer marked as being away",
  ]);
  await ann.until((line) => line === ":ben!~ben@paris AWAY");
  expect(await ann.ask("PRIVMSG ben :psst")).toEqual([]);
  expect(cleo.lines.filter((line) => line.includes("AWAY"))).toEqual([]);
});

test("one who comes into a room and is away is told of behind the JOIN", async () => {
  await using server = await startIrc();
  const ann = await server.irc("ann", ["away-notify"]);
  const ben = await server.irc("ben");
  await ann.ask("JOIN #tea");
  ann.taken();
  expect(await ben.ask("AWAY :lunch", "JOIN #tea")).not.toContain(":ben!~ben@paris AWAY :lunch");
  await ann.fence();
  expect(ann.taken()).toEqual([":ben!~ben@paris JOIN #tea", ":ben!~ben@paris AWAY :lunch"]);
});

test("people of other servers, and of other doors, are away as well", async () => {
  await using paris = await startIrc({ name: "paris", lobby: true });
  await using lyon = await startIrc({ name: "lyon" });
  const ann = await paris.irc("ann", ["away-notify"]);
  const ben = await lyon.irc("ben", ["away-notify"]);
  await paris.run("merge", `${lyon.host}:${lyon.port}`);
  await ann.until((line) => line.includes("ben/lyon!~guest@lyon JOIN #lobby"));
  const zoe = await lyon.connect("zoe");
  await zoe.request("away", { text: "" });
  await ann.until((line) => line === ":zoe/lyon!~guest@lyon AWAY :away");
  ann.send("PRIVMSG zoe/lyon :psst");
  await ann.until((line) => line === ":paris 301 ann zoe/lyon :away");
  await ben.ask("AWAY :lunch");
  await ann.until((line) => line === ":ben/lyon!~guest@lyon AWAY :lunch");
});
