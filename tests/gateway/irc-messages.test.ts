// What IRC clients do to messages and by tags, and what of it others see: native clients, and
// other servers.

import { describe, expect, test } from "bun:test";
import { logStore } from "../../src/testing/log-store.ts";
import type { IrcClient } from "./irc.ts";
import { startIrc } from "./irc.ts";

const FULL = [
  "message-tags",
  "batch",
  "echo-message",
  "labeled-response",
  "draft/message-redaction",
  "draft/multiline",
];

const start = (name = "paris", lobby = false) => startIrc({ name, lobby, plugins: [logStore({})] });

/** The id of the message with this text. */
const idOf = (client: IrcClient, text: string): string => {
  const line = client.lines.find((one) => one.endsWith(`:${text}`)) ?? "";
  return /[@;]msgid=(\w+)/.exec(line)?.[1] ?? "";
};

/** Without ids of messages, which differ from run to run. */
const plain = (lines: readonly string[]): string[] =>
  lines.map((line) => line.replace(/([@;]msgid=)\w+/, "$1*").replace(/=[0-9a-z]{21}\b/g, "=*"));

async function meet(caps = FULL) {
  const server = await start();
  const ann = await server.irc("ann", caps);
  const ben = await server.irc("ben", caps);
  const plainOne = await server.irc("plain");
  for (const one of [ann, ben, plainOne]) await one.ask("JOIN #tea");
  for (const one of [ann, ben, plainOne]) await one.ask("NAMES #tea");
  return { server, ann, ben, plainOne, [Symbol.asyncDispose]: server[Symbol.asyncDispose] };
}

describe("tags of clients", () => {
  test("an answer names its message, for those who see tags", async () => {
    await using place = await meet();
    const { ann, ben, plainOne } = place;
    ann.send("PRIVMSG #tea :who has milk?");
    await ben.until((line) => line.endsWith(":who has milk?"));
    const id = idOf(ben, "who has milk?");
    expect(plain(await ben.ask(`@label=1;+draft/reply=${id} PRIVMSG #tea :me`))).toEqual([
      "@label=1;msgid=*;+draft/reply=*;+reply=* :ben!~ben@paris PRIVMSG #tea :me",
    ]);
    await ann.until((line) => line.includes(`+draft/reply=${id};+reply=${id} :ben!~ben@paris`));
    await plainOne.until((line) => line === ":ben!~ben@paris PRIVMSG #tea :me");
    const unheld = await ben.ask("@+reply=nothing PRIVMSG #tea :it is said all the same");
    expect(plain(unheld)).toEqual([
      "@msgid=* :ben!~ben@paris PRIVMSG #tea :it is said all the same",
    ]);
  });

  test("reactions are TAGMSGs about a message, and nothing for who takes no tags", async () => {
    await using place = await meet();
    const { ann, ben, plainOne } = place;
    ann.send("PRIVMSG #tea :cake");
    await ben.until((line) => line.endsWith(":cake"));
    const id = idOf(ben, "cake");
    const react = (what: string) =>
      ben.ask(`@label=1;+draft/${what};+draft/reply=${id} TAGMSG #tea`);
    expect(plain(await react("react=👍"))).toEqual([
      "@label=1;msgid=*;+draft/react=👍;+draft/reply=*;+reply=* :ben!~ben@paris TAGMSG #tea",
    ]);
    await ann.until((line) => line.includes(`+draft/react=👍;+draft/reply=${id}`));
    await react("unreact=👍");
    await ann.until((line) => line.includes(`+draft/unreact=👍;+draft/reply=${id}`));
    await plainOne.fence();
    expect(plainOne.lines.filter((line) => line.includes("TAGMSG"))).toEqual([]);
    const refused = await ben.ask(
      "@+draft/react=x TAGMSG #tea",
      "@+draft/react=x;+draft/reply=none TAGMSG #tea",
      `@+draft/react=a\\sb;+draft/reply=${id} TAGMSG #tea`,
      `@+draft/react=x;+draft/reply=${id} TAGMSG #other`,
      `@+draft/react=x;+draft/reply=${id} TAGMSG nobody`,
      "@+draft/react=x TAGMSG ann",
    );
    expect(refused.map((line) => line.split(" :")[0])).toEqual([
      ":paris FAIL TAGMSG INVALID_PARAMS #tea",
      ":paris FAIL TAGMSG NO_SUCH_MESSAGE #tea",
      ":paris FAIL TAGMSG TEXT_INVALID #tea",
      ":paris 442 ben #other",
      ":paris 401 ben nobody",
      ":paris FAIL TAGMSG INVALID_PARAMS ann",
    ]);
  });

  test("in private they name a message of the two, whose id is one for both", async () => {
    await using place = await meet();
    const { ann, ben, plainOne } = place;
    const [echoed = ""] = await ann.ask("PRIVMSG ben :cake?");
    await ben.until((line) => line.endsWith(":cake?"));
    const id = idOf(ben, "cake?");
    expect(echoed).toBe(`@msgid=${id} :ann!~ann@paris PRIVMSG ben :cake?`);
    const about = `+draft/reply=${id};+reply=${id}`;
    expect(plain(await ben.ask(`@+reply=${id} PRIVMSG ann :yes`))).toEqual([
      "@msgid=*;+draft/reply=*;+reply=* :ben!~ben@paris PRIVMSG ann :yes",
    ]);
    await ann.until((line) => line.includes(`${about} :ben!~ben@paris PRIVMSG ann :yes`));
    expect(plain(await ben.ask(`@label=1;+draft/react=👍;+reply=${id} TAGMSG ann`))).toEqual([
      "@label=1;msgid=*;+draft/react=👍;+draft/reply=*;+reply=* :ben!~ben@paris TAGMSG ann",
    ]);
    await ann.until((line) => line.includes(`+draft/react=👍;${about} :ben!~ben@paris TAGMSG ann`));
    await ben.ask(`@+draft/react=👍;+reply=${id} TAGMSG plain`);
    await ben.ask(`@+reply=${"x".repeat(80)} PRIVMSG plain :told all the same`);
    await plainOne.until((line) => line === ":ben!~ben@paris PRIVMSG plain :told all the same");
    expect(plainOne.lines.filter((line) => line.includes("TAGMSG"))).toEqual([]);
  });

  test("typing is told in rooms and to people, other tags to nobody", async () => {
    await using place = await meet();
    const { ann, ben, plainOne } = place;
    expect(await ben.ask("@+typing=active;+other=x TAGMSG #tea")).toEqual([
      "@+typing=active :ben!~ben@paris TAGMSG #tea",
    ]);
    await ann.until((line) => line === "@+typing=active :ben!~ben@paris TAGMSG #tea");
    await ann.ask("@+typing=active TAGMSG ben");
    await ben.until((line) => line === "@+typing=active :ann!~ann@paris TAGMSG ben");
    const rest = await ann.ask("@label=1;+other=x TAGMSG #tea", "@+typing=done TAGMSG #nowhere");
    expect(rest).toEqual(["@label=1 :paris ACK", "@+typing=done :ann!~ann@paris TAGMSG #nowhere"]);
    expect(await plainOne.ask("TAGMSG #tea")).toEqual([":paris 421 plain TAGMSG :Unknown command"]);
    await ann.ask("@+other=x PRIVMSG #tea :bare");
    await ben.until((line) => /^@msgid=\w+ :ann!~ann@paris PRIVMSG #tea :bare$/.test(line));
  });
});

describe("REDACT", () => {
  test("takes a message from all, by its author or who moderates, not by others", async () => {
    await using place = await meet();
    const { ann, ben, plainOne } = place;
    ann.send("PRIVMSG #tea :oops");
    await ben.until((line) => line.endsWith(":oops"));
    const id = idOf(ben, "oops");
    const codes = (
      await ben.ask(
        `REDACT #tea ${id}`,
        "REDACT #tea none :why",
        `REDACT #other ${id}`,
        `REDACT ann ${id}`,
      )
    ).map((line) => line.split(" :")[0]);
    expect(codes).toEqual([
      `:paris FAIL REDACT REDACT_FORBIDDEN #tea ${id}`,
      ":paris FAIL REDACT UNKNOWN_MSGID #tea none",
      ":paris FAIL REDACT INVALID_TARGET #other",
      ":paris FAIL REDACT INVALID_TARGET ann",
    ]);
    const line = `:ann!~ann@paris REDACT #tea ${id} :wrong room`;
    expect(plain(await ann.ask(`REDACT #tea ${id} :wrong room`))).toEqual([`@msgid=* ${line}`]);
    await ben.until((one) => one.endsWith(line));
    await plainOne.fence();
    expect(plainOne.lines.filter((one) => one.includes("REDACT"))).toEqual([]);
    expect((await ann.ask(`REDACT #tea ${id}`))[0]).toContain("UNKNOWN_MSGID");
  });
});

describe("a text of several lines", () => {
  test("comes in as a batch, is one message, and goes out as one or line by line", async () => {
    await using place = await meet();
    const { server, ann, ben, plainOne } = place;
    const zoe = await server.connect("zoe");
    await zoe.join("#tea");
    const said = new Promise((resolve) =>
      zoe.on((event) => event.type === "message" && resolve(event.message.text)),
    );
    ann.taken();
    ann.send(
      "@label=9 BATCH +x draft/multiline #tea",
      "@batch=x PRIVMSG #tea :one",
      "@batch=x PRIVMSG #tea :",
      "@batch=x PRIVMSG #tea :two ",
      "@batch=x;draft/multiline-concat PRIVMSG #tea :and more",
      "BATCH -x",
    );
    await ann.fence();
    const lines = (first: string) => [
      `@${first}msgid=* :ann!~ann@paris BATCH +lines draft/multiline #tea`,
      "@batch=lines :ann!~ann@paris PRIVMSG #tea :one",
      "@batch=lines :ann!~ann@paris PRIVMSG #tea :",
      "@batch=lines :ann!~ann@paris PRIVMSG #tea :two ",
      "@batch=lines;draft/multiline-concat :ann!~ann@paris PRIVMSG #tea :and more",
      ":ann!~ann@paris BATCH -lines",
    ];
    expect(plain(ann.taken()).filter((line) => !line.includes("zoe"))).toEqual(lines("label=9;"));
    await ben.until((line) => line.endsWith("BATCH -lines"));
    expect(plain(ben.taken()).slice(-6)).toEqual(lines(""));
    await plainOne.until((line) => line === ":ann!~ann@paris PRIVMSG #tea :and more");
    expect(plainOne.taken().slice(-3)[0]).toBe(":ann!~ann@paris PRIVMSG #tea :one");
    expect(await said).toBe("one\n\ntwo and more");
    await zoe.say("#tea", `a ${"long ".repeat(120)}line`);
    await ben.until((line) => line.startsWith("@batch=lines;draft/multiline-concat :zoe!"));
  });

  test("is refused where it is none, once, and what comes behind is read", async () => {
    await using place = await meet();
    const { ann } = place;
    const refused = async (...lines: readonly string[]) =>
      (await ann.ask(...lines)).map((line) => line.replace(/ :[^:]*$/, ""));
    const begin = "@label=1 BATCH +x draft/multiline #tea";
    const line = (text: string) => `@batch=x PRIVMSG #tea :${text}`;
    const fail = "@label=1 :paris FAIL BATCH";
    expect(
      await refused(begin, line("a"), "@batch=y PRIVMSG #tea :b", line("c"), "BATCH -x"),
    ).toEqual([`${fail} MULTILINE_INVALID`]);
    expect(await refused(begin, "@batch=x PRIVMSG #other :a", "BATCH -x")).toEqual([
      `${fail} MULTILINE_INVALID_TARGET #tea #other`,
    ]);
    expect(await refused(begin, line(""), line(""), "BATCH -x")).toEqual([
      `${fail} MULTILINE_INVALID`,
    ]);
    expect(await refused(begin, line("a"), "@batch=x NOTICE #tea :a", "BATCH -x")).toEqual([
      `${fail} MULTILINE_INVALID`,
    ]);
    const concat = "@batch=x;draft/multiline-concat PRIVMSG #tea :";
    expect(await refused(begin, line("a"), concat, "BATCH -x")).toEqual([
      `${fail} MULTILINE_INVALID`,
    ]);
    expect(await refused("BATCH -x", "BATCH +x chathistory #tea", "BATCH +")).toEqual(
      Array.from({ length: 3 }, () => ":paris FAIL BATCH MULTILINE_INVALID"),
    );
    const many = Array.from({ length: 200 }, () => line("a"));
    expect(await refused(begin, ...many, "BATCH -x")).toEqual([`${fail} MULTILINE_MAX_LINES 128`]);
    const long = Array.from({ length: 60 }, () => line("b".repeat(400)));
    expect(await refused(begin, ...long, "BATCH -x")).toEqual([
      `${fail} MULTILINE_MAX_BYTES 16384`,
    ]);
    expect(plain(await ann.ask("PRIVMSG #tea :still here"))).toHaveLength(1);
  });
});

test("what is done to messages on one server is seen on another, by whatever client", async () => {
  await using paris = await start("paris", true);
  await using lyon = await start("lyon");
  const ann = await paris.irc("ann", FULL);
  await paris.run("merge", `${lyon.host}:${lyon.port}`);
  await ann.until((line) => line.includes("lyon joined the fusion"));
  const zoe = await lyon.connect("zoe");
  const heard: { kind: string; text: string; about?: string }[] = [];
  let look = () => {};
  zoe.on((event) => {
    if (event.type === "message" && event.message.from !== zoe.address) heard.push(event.message);
    if (event.type === "typing" || event.type === "joined")
      if (event.person.address === "ann@paris" && event.room === "#tea")
        heard.push({ kind: event.type, text: event.person.address });
    look();
  });
  const untilHeard = (kind: string) =>
    new Promise<{ text: string; about?: string }>((resolve) => {
      look = () => {
        const found = heard.find((one) => one.kind === kind);
        if (found !== undefined) resolve(found);
      };
      look();
    });
  await zoe.join("#tea");
  ann.send("JOIN #tea");
  await untilHeard("joined");
  const { id } = await zoe.say("#tea", "bonjour");
  await ann.until((line) => line.endsWith(":bonjour"));
  ann.send(`@+draft/react=👋;+draft/reply=${id} TAGMSG #tea`);
  expect(await untilHeard("reaction")).toMatchObject({ text: "👋", about: id });
  ann.send(`@+draft/reply=${id} PRIVMSG #tea :hello`);
  expect(await untilHeard("text")).toMatchObject({ text: "hello", about: id });
  ann.send("@+typing=active TAGMSG #tea");
  expect(await untilHeard("typing")).toMatchObject({ text: "ann@paris" });
  const own = idOf(ann, "hello");
  await zoe.say("#tea", "🎉", { kind: "reaction", about: own });
  await ann.until((line) => line.includes(`;+draft/react=🎉;+draft/reply=${own}`));
  ann.send(`REDACT #tea ${own} :never mind`);
  expect(await untilHeard("delete")).toMatchObject({ text: "never mind", about: own });
  await zoe.say("#tea", "", { kind: "delete", about: id });
  await ann.until((line) => line.endsWith(`:zoe/lyon!~guest@lyon REDACT #tea ${id}`));
});
