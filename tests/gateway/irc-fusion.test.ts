// IRC clients in a fusion: people of other servers are nick/server, can be spoken to, and come and
// go with their server in one netjoin or netsplit.

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import authGuest from "../../plugins/auth-guest.ts";
import authSqlite from "../../plugins/auth-sqlite.ts";
import { startIrc } from "./irc.ts";

async function startTwo() {
  const paris = await startIrc({ name: "paris" });
  const lyon = await startIrc({ name: "lyon" });
  return {
    paris,
    lyon,
    merge: () => paris.run("merge", `${lyon.host}:${lyon.port}`),
    unmerge: () => paris.run("unmerge", "lyon"),
    async [Symbol.asyncDispose]() {
      await paris[Symbol.asyncDispose]();
      await lyon[Symbol.asyncDispose]();
    },
  };
}

test("people of two merged servers talk in rooms and in private", async () => {
  await using two = await startTwo();
  const ann = await two.paris.irc("ann", ["batch"]);
  const ben = await two.lyon.irc("ann");
  for (const one of [ann, ben]) await one.ask("JOIN #tea");
  await two.merge();
  await ann.until((line) => line.endsWith(":ann/lyon!~guest@lyon JOIN #tea"));
  await ben.until((line) => line === ":ann/paris!~guest@paris JOIN #tea");
  ann.send("PRIVMSG #tea :hello namesake", "PRIVMSG ann/lyon :psst");
  await ben.until((line) => line === ":ann/paris!~guest@paris PRIVMSG #tea :hello namesake");
  await ben.until((line) => line === ":ann/paris!~guest@paris PRIVMSG ann :psst");
  ben.send("PRIVMSG ann@paris :yes?", "NICK zoe");
  await ann.until((line) => line === ":ann/lyon!~guest@lyon PRIVMSG ann :yes?");
  await ann.until((line) => line === ":ann/lyon!~guest@lyon NICK :zoe/lyon");
  const asked = await ann.ask("NAMES #tea", "WHOIS zoe/lyon", "LINKS");
  expect(asked.filter((line) => !line.includes(" 317 "))).toEqual([
    ":paris 353 ann = #tea :ann zoe/lyon",
    ":paris 366 ann #tea :End of /NAMES list",
    ":paris 311 ann zoe/lyon ~guest lyon * :zoe@lyon",
    ":paris 319 ann zoe/lyon :#tea",
    ":paris 312 ann zoe/lyon lyon :a server of this fusion",
    ":paris 318 ann zoe/lyon :End of /WHOIS list",
    ":paris 364 ann lyon paris :1 merged, 1 person",
    ":paris 364 ann paris paris :0 a ChatFusion server",
    ":paris 365 ann * :End of /LINKS list",
  ]);
});

test("a split is one netsplit, a heal one netjoin, for those who know batches", async () => {
  await using two = await startTwo();
  const ann = await two.paris.irc("ann", ["batch"]);
  const plain = await two.paris.irc("plain");
  for (const one of [ann, plain]) await one.ask("JOIN #tea");
  for (const nick of ["ben", "cleo"]) await (await two.lyon.irc(nick)).ask("JOIN #tea");
  await two.merge();
  await ann.until((line) => line === ":paris BATCH -moved");
  const inBatch = (lines: readonly string[]) =>
    lines.filter((line) => /moved/.test(line)).toSorted();
  expect(inBatch(ann.taken())).toEqual([
    ":paris BATCH +moved netjoin paris lyon",
    ":paris BATCH -moved",
    "@batch=moved :ben/lyon!~guest@lyon JOIN #tea",
    "@batch=moved :cleo/lyon!~guest@lyon JOIN #tea",
  ]);
  await two.unmerge();
  await ann.until((line) => line === ":paris BATCH -moved");
  expect(inBatch(ann.taken())).toEqual([
    ":paris BATCH +moved netsplit paris lyon",
    ":paris BATCH -moved",
    "@batch=moved :ben/lyon!~guest@lyon QUIT :paris lyon",
    "@batch=moved :cleo/lyon!~guest@lyon QUIT :paris lyon",
  ]);
  await plain.until((line) => line === ":cleo/lyon!~guest@lyon QUIT :paris lyon");
  expect(plain.taken().filter((line) => /lyon/.test(line) && !/ben|cleo/.test(line))).toEqual([]);
});

test("who sees the lobby reads whether a server was parted from, or was stopped", async () => {
  await using paris = await startIrc({ name: "paris", lobby: true });
  const lyon = await startIrc({ name: "lyon" });
  const ann = await paris.irc("ann");
  const merge = () => paris.run("merge", `${lyon.host}:${lyon.port}`);
  const told = (text: string) => ann.until((line) => line === `:paris NOTICE #lobby :${text}`);
  await merge();
  await paris.run("unmerge", "lyon");
  await told("lyon left the fusion (an operator has ended the link lyon–paris)");
  await merge();
  await lyon[Symbol.asyncDispose]();
  await told("lyon left the fusion (lyon was stopped)");
});

test("who is hidden in the lobby alone goes from other rooms with his server", async () => {
  const auth = authSqlite({ scramIterations: LIMITS.scramIterationsMin });
  await using paris = await startIrc({ lobby: true, plugins: [auth, authGuest()] });
  await using lyon = await startIrc({ name: "lyon" });
  await paris.run("user-add", "ann", "secret", "operator");
  const ann = await paris.stranger();
  ann.send("PASS secret", "NICK ann", "USER ann * * :ann", "JOIN #tea");
  await ann.until((line) => / 366 ann #tea /.test(line));
  for (const nick of ["ben", "cleo"]) await (await lyon.irc(nick)).ask("JOIN #tea");
  await paris.run("merge", `${lyon.host}:${lyon.port}`);
  await ann.until((line) => line.endsWith("cleo/lyon!~guest@lyon JOIN #tea"));
  const [banned] = await ann.ask("MODE #lobby +b ben/lyon!*@*");
  expect(banned).toContain(" KICK #lobby ben/lyon ");
  await paris.run("unmerge", "lyon");
  const gone = (who: string) => (line: string) => line.startsWith(`:${who}/lyon!~guest@lyon QUIT`);
  for (const who of ["cleo", "ben"]) await ann.until(gone(who));
});
