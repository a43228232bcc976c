// The IRC gateway as its clients see it: on real sockets, beside native clients.

import { describe, expect, test } from "bun:test";
import motd from "../../plugins/motd.ts";
import { startServer } from "../../src/testing.ts";
import authGuest from "../../plugins/auth-guest.ts";
import authSqlite from "../../plugins/auth-sqlite.ts";
import gatewayIrc from "../../plugins/gateway-irc.ts";
import { definePlugin, drop } from "../../src/plugin.ts";
import { startIrc } from "./irc.ts";

const numerics = (lines: readonly string[]) => lines.map((line) => line.split(" ")[1]);

describe("coming in", () => {
  test("the welcome is in the order that clients expect, before all else", async () => {
    await using server = await startIrc({ motd: ["Be kind."], plugins: [motd({ text: "hello" })] });
    const ann = await server.irc("ann");
    const kinds = numerics(ann.taken());
    const first = ["001", "002", "003", "004", "005", "005", "251", "255", "265", "266"];
    expect(kinds.slice(0, 10)).toEqual(first);
    expect(kinds.slice(10)).toEqual(["375", "372", "376", "221", "NOTICE"]);
  });

  test("a nick that is taken, or none, is refused; another one is let in", async () => {
    await using server = await startIrc();
    await server.irc("ann");
    const other = await server.stranger();
    other.send("NICK an!n", "USER x * * :x");
    await other.until((line) => line.startsWith(":paris 432 "));
    other.send("NICK ANN");
    await other.until((line) => line.startsWith(":paris 433 * ANN :"));
    other.send("NICK ben");
    await other.until((line) => line.startsWith(":paris 001 ben "));
  });

  test("capabilities are granted whole or not at all, and coming in waits for them", async () => {
    await using server = await startIrc();
    const ann = await server.stranger();
    ann.send("CAP LS 302", "NICK ann", "USER ann * * :Ann", "CAP REQ :batch nonsense");
    await ann.until((line) => line === ":paris CAP ann NAK :batch nonsense");
    expect(ann.lines.some((line) => line.includes(" 001 "))).toBe(false);
    ann.send("CAP REQ :batch server-time", "CAP REQ -batch", "CAP LIST", "CAP END");
    await ann.until((line) => line === ":paris CAP ann LIST server-time");
    await ann.until((line) => line.startsWith(":paris 001 ann "));
  });

  test("one who says each thing when the last is answered is heard on", async () => {
    await using server = await startIrc();
    const ann = await server.stranger();
    ann.send("CAP LS 302");
    await ann.until((line) => line.includes(" CAP * LS "));
    ann.send("USER ann * * :Ann");
    ann.send("NICK ann");
    await ann.fence();
    ann.send("CAP END");
    await ann.until((line) => line.includes(" 221 "));
    expect(await ann.ask("MODE ann")).toEqual([":paris 221 ann +"]);
  });

  test("PASS is the password of the server where it has one", async () => {
    await using server = await startIrc({ password: "open sesame" });
    const mallory = await server.stranger();
    mallory.send("PASS wrong", "NICK mallory", "USER m * * :m");
    await mallory.end();
    expect(numerics(mallory.lines)).toEqual(["464", ":Closing"]);
    const ann = await server.stranger();
    ann.send("PASS :open sesame", "NICK ann", "USER a * * :a");
    await ann.until((line) => line.startsWith(":paris 001 ann "));
  });

  test("commands before one has come in are refused, and QUIT ends it", async () => {
    await using server = await startIrc();
    const ann = await server.stranger();
    ann.send("JOIN #tea", "PING x", "NONSENSE", "QUIT :bye");
    await ann.end();
    const closing = "ERROR :Closing link: Quit: bye";
    expect(ann.lines.slice(0, 2)).toEqual([
      ":paris 451 * :You have not registered",
      ":paris PONG paris x",
    ]);
    expect(ann.lines.at(-1)).toBe(closing);
  });
});

describe("accounts", () => {
  async function startWithAccount() {
    const auth = authSqlite({ scramIterations: 4096 });
    const server = await startIrc({ plugins: [auth, authGuest()] });
    await server.run("user-add", "ann", "secret", "operator");
    return server;
  }
  const plain = (text: string) => `AUTHENTICATE ${Buffer.from(text).toString("base64")}`;

  test("SASL logs in before registration, under the account's nick or another", async () => {
    await using server = await startWithAccount();
    const ann = await server.stranger();
    ann.send("CAP REQ :sasl", "AUTHENTICATE PLAIN", plain("\0ann\0wrong"));
    await ann.until((line) => line.startsWith(":paris 904 "));
    ann.send("AUTHENTICATE PLAIN", plain("\0ann\0secret"));
    await ann.until((line) => line.startsWith(":paris 903 "));
    ann.send("NICK annie", "USER a * * :a", "CAP END");
    await ann.until((line) => line.endsWith(" MODE annie +o"));
    const ben = await server.irc("ben");
    const whois = await ben.ask("WHOIS annie");
    expect(whois).toContain(":paris 330 ben annie ann :is logged in as");
    const native = await server.connect("cleo");
    expect(await native.request("whois", { address: "annie@paris" })).toMatchObject({
      address: "annie@paris",
      account: "ann",
    });
  });

  test("a nick that is registered is nobody's without its password, which PASS gives", async () => {
    await using server = await startWithAccount();
    const guest = await server.stranger();
    guest.send("NICK ann", "USER a * * :a");
    await guest.until((line) => line.startsWith(":paris 433 * ann :"));
    const ann = await server.stranger();
    ann.send("PASS secret", "NICK ann", "USER a * * :a");
    await ann.until((line) => line.startsWith(":paris 001 ann "));
  });

  test("logging in later is told to those in the room", async () => {
    await using server = await startWithAccount();
    const ben = await server.irc("ben", ["account-notify", "extended-join", "account-tag"]);
    const ann = await server.irc("annie", ["sasl"]);
    for (const one of [ben, ann]) await one.ask("JOIN #tea");
    expect(ben.taken()).toContain(":annie!~annie@paris JOIN #tea * :annie of paris");
    ann.send("AUTHENTICATE PLAIN", plain("\0ann\0secret"));
    await ann.until((line) => line.includes(" 903 "));
    await ben.until((line) => line === ":annie!~annie@paris ACCOUNT ann");
    expect(ben.lines.some((line) => line.includes(" NICK "))).toBe(false);
    ann.send("PRIVMSG #tea :it is me");
    await ben.until((line) => line === "@account=ann :annie!~annie@paris PRIVMSG #tea :it is me");
  });

  test("a proof of an account is one only from the server that made it", async () => {
    const taken: unknown[] = [];
    const forge = definePlugin({
      name: "forge",
      provides: ["gateway"],
      setup: ({ host }) => ({
        gateway: {
          async open() {
            const port = await host.listen({ port: 0, tls: false }, (connection) => ({
              data() {
                const forged = { account: "ann", roles: ["admin"] };
                const entry = { nick: "ann", credential: { kind: "none" }, proof: forged } as const;
                const format = { echo: true, encode: () => "" };
                host
                  .enter({ ...entry, connection, format, personal() {} })
                  .then((entered) => taken.push(entered), console.error)
                  .finally(() => connection.close("done"));
              },
              closed() {},
            }));
            return [`forge ${port}`];
          },
          close() {},
        },
      }),
    })();
    await using server = await startServer({ plugins: [forge] });
    const [opened] = server.events.filter((event) => event.event === "gateway");
    const port = Number(opened?.address.split(" ").at(-1));
    const closed = Promise.withResolvers<void>();
    const socket = { data() {}, close: () => closed.resolve() };
    const wire = await Bun.connect({ hostname: server.host, port, socket });
    wire.write("x");
    await closed.promise;
    expect(taken).toEqual([{ code: "AUTH_FAILED", text: "this is no proof of this server" }]);
  });
});

describe("rooms", () => {
  test("people of both doors see each other come, speak and go", async () => {
    await using server = await startIrc();
    const ann = await server.irc("ann");
    const ben = await server.connect("ben");
    expect(await ann.ask("JOIN #Tea")).toEqual([
      ":ann!~ann@paris JOIN #tea",
      ":paris 353 ann = #tea :ann",
      ":paris 366 ann #tea :End of /NAMES list",
    ]);
    await ben.join("#tea");
    await ben.say("#tea", "hello ann");
    await ben.say("#tea", "waves", { kind: "action" });
    await ben.say("#tea", "beep", { kind: "notice" });
    await ben.say("#tea", "two\nlines");
    await ben.part("#tea", "tea is out");
    await ann.until((line) => line.includes(" PART "));
    await ann.fence();
    expect(ann.taken().map((line) => line.replace(":ben!~guest@paris ", ""))).toEqual([
      "JOIN #tea",
      "PRIVMSG #tea :hello ann",
      "PRIVMSG #tea :\x01ACTION waves\x01",
      "NOTICE #tea :beep",
      "PRIVMSG #tea :two",
      "PRIVMSG #tea :lines",
      "PART #tea :tea is out",
    ]);
  });

  test("a list of members and the changes to it come in one order", async () => {
    await using server = await startIrc();
    const late = await server.irc("late");
    const others = await Promise.all(
      Array.from({ length: 20 }, (_, index) => server.irc(`user${index + 2}`)),
    );
    late.taken();
    // All at once: whoever is in the list came before it, and whoever is not, comes after it.
    for (const one of others) one.send("JOIN #tea");
    late.send("JOIN #tea");
    for (const one of others) one.send("PRIVMSG #tea :hi", "PART #tea");
    await Promise.all([late, ...others].map((one) => one.fence()));
    const lines = late.taken();
    const own = lines.findIndex((line) => line === ":late!~late@paris JOIN #tea");
    expect(own).toBe(0);
    const members = new Set<string>();
    for (const line of lines) {
      const [source = "", command] = line.split(" ");
      const nick = source.slice(1).split("!")[0] ?? "";
      const listed = command === "353" ? line.slice(line.lastIndexOf(":") + 1).split(" ") : [];
      for (const name of listed) members.add(name);
      if (command === "JOIN") members.add(nick);
      if (command === "PRIVMSG") expect(members.has(nick)).toBe(true);
      if (command === "PART") expect(members.delete(nick)).toBe(true);
    }
    const now = await late.ask("NAMES #tea");
    expect(now[0]).toBe(`:paris 353 late = #tea :${[...members].toSorted().join(" ")}`);
  });

  test("who leaves the server is told to those in its rooms, and a nick that changes", async () => {
    await using server = await startIrc();
    const [ann, ben, cleo] = [
      await server.irc("ann"),
      await server.irc("ben"),
      await server.irc("cleo"),
    ];
    for (const one of [ann, ben]) await one.ask("JOIN #tea");
    ann.taken();
    ben.send("NICK Bennie", "QUIT :so long");
    await ann.until((line) => line === ":Bennie!~ben@paris QUIT :Quit: so long");
    expect(ann.taken()).toContain(":ben!~ben@paris NICK :Bennie");
    await cleo.fence();
    expect(cleo.lines.some((line) => / (NICK|QUIT) /.test(line))).toBe(false);
    expect((await ann.ask("WHOWAS bennie"))[0]).toStartWith(":paris 314 ann Bennie ~ben paris * :");
  });

  test("the lobby can be a channel, in which one is from the beginning", async () => {
    await using server = await startIrc({ lobby: true });
    const ann = await server.irc("ann");
    const [, ...after] = ann.taken().filter((line) => / 221 | JOIN | 353 | 366 /.test(line));
    expect(after).toEqual([
      ":ann!~ann@paris JOIN #lobby",
      ":paris 353 ann = #lobby :ann",
      ":paris 366 ann #lobby :End of /NAMES list",
    ]);
    const ben = await server.irc("ben");
    await ann.until((line) => line === ":ben!~ben@paris JOIN #lobby");
    ben.send("PRIVMSG #lobby :hi all", "QUIT");
    await ann.until((line) => line === ":ben!~ben@paris QUIT :Client Quit");
    expect(ann.lines).toContain(":ben!~ben@paris PRIVMSG #lobby :hi all");
    expect(numerics(await ann.ask("PART #lobby"))).toEqual(["482"]);
  });

  test("a lobby that is not shown is no channel", async () => {
    await using server = await startIrc();
    const ann = await server.irc("ann");
    const asked = await ann.ask(
      "JOIN #lobby",
      "PRIVMSG #Lobby :hi",
      "PART #lobby",
      "LIST",
      "WHO #lobby",
      "MODE #lobby",
      "WHOIS ann",
    );
    const texts = asked.filter((line) => /lobby/i.test(line));
    expect(numerics(texts)).toEqual(["442", "404", "442", "315", "403"]);
  });
});

describe("messages", () => {
  test("private ones go both ways, and what fails is answered", async () => {
    await using server = await startIrc();
    const ann = await server.irc("ann");
    const ben = await server.connect("ben");
    const told = new Promise<string>((resolve) => {
      ben.on((event) => {
        if (event.type === "private") resolve(`${event.message.from} ${event.message.text}`);
      });
    });
    const answers = await ann.ask("PRIVMSG ben :psst", "PRIVMSG nobody,x/y :psst", "NOTICE no :x");
    expect(await told).toBe("ann@paris psst");
    expect(numerics(answers)).toEqual(["401", "401"]);
    await ben.tell("ann@paris", "yes?");
    await ann.until((line) => line === ":ben!~guest@paris PRIVMSG ann :yes?");
  });

  test("one's own come back in their place, with their id, as plugins left them", async () => {
    const shout = definePlugin({
      name: "shout",
      setup: () => ({
        onMessage(message) {
          if (message.text === "drop") return drop("not here");
          return { ...message, text: message.text.toUpperCase() };
        },
      }),
    })();
    await using server = await startIrc({ plugins: [shout] });
    const caps = ["echo-message", "message-tags", "labeled-response", "batch"];
    const [ann, ben] = [await server.irc("ann", caps), await server.irc("ben", caps)];
    for (const one of [ann, ben]) await one.ask("JOIN #tea");
    ann.taken();
    for (let index = 0; index < 20; index++) {
      ann.send(`@label=${index} PRIVMSG #tea :a${index}`);
      ben.send(`PRIVMSG #tea :b${index}`);
    }
    ann.send("@label=no PRIVMSG #tea :drop");
    await Promise.all([ann.fence(), ben.fence()]);
    await Promise.all([ann.fence(), ben.fence()]);
    const said = (lines: readonly string[]) => lines.filter((line) => line.includes("PRIVMSG"));
    const plain = (line: string) => line.replace(/label=\d+;/, "");
    const [seen, bens] = [said(ann.taken()), said(ben.taken())];
    expect(seen.map(plain)).toEqual(bens);
    expect(bens.filter((line) => line.endsWith(":B7"))).toHaveLength(1);
    expect(seen.filter((line) => line.startsWith("@label="))).toHaveLength(20);
  });

  test("labels come back: none as ACK, one line as it is, several as a batch", async () => {
    await using server = await startIrc();
    const ann = await server.irc("ann", ["labeled-response", "batch"]);
    const lines = await ann.ask("@label=a PONG x", "@label=b MODE ann", "@label=c JOIN #tea");
    expect(lines).toEqual([
      "@label=a :paris ACK",
      "@label=b :paris 221 ann +",
      "@label=c :paris BATCH +b1 labeled-response",
      "@batch=b1 :ann!~ann@paris JOIN #tea",
      "@batch=b1 :paris 353 ann = #tea :ann",
      "@batch=b1 :paris 366 ann #tea :End of /NAMES list",
      ":paris BATCH -b1",
    ]);
  });

  test("a message is encoded once for all clients of one set of capabilities", async () => {
    await using server = await startIrc();
    const clients = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((index) =>
        server.irc(`client${index + 1}`, index % 2 === 0 ? ["server-time"] : []),
      ),
    );
    for (const one of clients) await one.ask("JOIN #tea");
    const before = Number(server.status()["gateway-irc.encoded"]);
    clients[0]?.send("PRIVMSG #tea :hello");
    await Promise.all(clients.slice(1).map((one) => one.until((line) => line.endsWith(":hello"))));
    expect(Number(server.status()["gateway-irc.encoded"]) - before).toBe(2);
  });
});

test("a config of the gateway is checked at the start", () => {
  const wrong = startServer({ plugins: [gatewayIrc({ port: "6667" as never })] });
  expect(wrong).rejects.toThrow(/gateway-irc: port/);
});
