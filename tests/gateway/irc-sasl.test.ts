// How IRC clients log in: SCRAM-SHA-256 and certificates of TLS. PLAIN and PASS are in irc.test.ts.

import { describe, expect, test } from "bun:test";
import authGuest from "../../plugins/auth-guest.ts";
import authSqlite from "../../plugins/auth-sqlite.ts";
import { LIMITS } from "../../src/limits.ts";
import { makeTlsIdentity } from "../../src/net/identity.ts";
import { fingerprintOf } from "../../src/net/tls.ts";
import { scramClient } from "../../src/testing/scram.ts";
import type { IrcClient } from "./irc.ts";
import { startIrc } from "./irc.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");

async function start(options: Parameters<typeof startIrc>[0] = {}) {
  const auth = authSqlite({ scramIterations: LIMITS.scramIterationsMin });
  const server = await startIrc({ ...options, plugins: [auth, authGuest()] });
  await server.run("user-add", "ann", "secret", "operator");
  return server;
}

/** The next challenge, which takes all that came until then. */
async function challenge(client: IrcClient): Promise<Uint8Array> {
  await client.until((line) => line.startsWith("AUTHENTICATE "));
  const line = client.lines.splice(0).find((one) => one.startsWith("AUTHENTICATE ")) ?? "";
  const text = line.slice("AUTHENTICATE ".length);
  return text === "+" ? new Uint8Array() : Uint8Array.fromBase64(text);
}

const send = (client: IrcClient, bytes: Uint8Array) =>
  client.send(`AUTHENTICATE ${bytes.length === 0 ? "+" : Buffer.from(bytes).toString("base64")}`);

/** Goes through SCRAM as far as the server does. */
async function scram(client: IrcClient, name: string, password: string) {
  const by = scramClient(name, password);
  client.send("AUTHENTICATE SCRAM-SHA-256");
  await challenge(client);
  send(client, by.first);
  send(client, await by.challenge(await challenge(client)));
  return by;
}

describe("SCRAM-SHA-256", () => {
  test("is offered where an auth plugin answers it, and proves both sides", async () => {
    await using server = await start();
    const ann = await server.stranger();
    ann.send("CAP LS 302", "CAP REQ :sasl");
    await ann.until((line) => line.includes(" sasl=PLAIN,SCRAM-SHA-256"));
    const by = await scram(ann, "ann", "secret");
    send(ann, await by.challenge(await challenge(ann)));
    await ann.until((line) => line.startsWith(":paris 903 "));
    expect(ann.lines[0]).toBe(":paris 900 * * ann :You are now logged in as ann");
    expect(by.isServerProven()).toBe(true);
    ann.send("NICK ann", "USER a * * :a", "CAP END");
    await ann.until((line) => line.endsWith(" MODE ann +o"));
  });

  test("is not offered where none answers it", async () => {
    await using server = await startIrc();
    const ann = await server.stranger();
    ann.send("CAP LS 302", "CAP REQ :sasl", "AUTHENTICATE SCRAM-SHA-256");
    await ann.until((line) => line.startsWith(":paris 904 "));
    expect(ann.lines.filter((line) => line.includes(" 908 "))).toEqual([
      ":paris 908 * PLAIN :are available SASL mechanisms",
    ]);
  });

  test("with a wrong password, and with an unknown name, fails at the same step", async () => {
    await using server = await start();
    for (const name of ["ann", "nobody"]) {
      const one = await server.stranger();
      one.send("CAP REQ :sasl");
      await scram(one, name, "wrong");
      await one.until((line) => line.startsWith(":paris 904 "));
      expect(one.lines).toEqual([":paris 904 * :wrong nick or password (AUTH_FAILED)"]);
    }
  });

  test("can be given up at each step, and begun again", async () => {
    await using server = await start();
    const ann = await server.irc("annie", ["sasl"]);
    ann.send("AUTHENTICATE SCRAM-SHA-256", "AUTHENTICATE *");
    await ann.until((line) => line.startsWith(":paris 906 "));
    ann.taken();
    await scram(ann, "ann", "secret");
    await challenge(ann); // the server has proven itself: one answer is missing
    ann.send("AUTHENTICATE *");
    await ann.until((line) => line.startsWith(":paris 906 "));
    ann.taken();
    const by = await scram(ann, "ann", "secret");
    send(ann, await by.challenge(await challenge(ann)));
    await ann.until((line) => line.startsWith(":paris 903 "));
    expect((await ann.ask("WHOIS annie")).join()).toContain(" 330 annie annie ann ");
    expect(server.logged.filter(({ level }) => level === "error")).toEqual([]);
  });

  test("one who leaves in the midst of it is no fault of the plugin's", async () => {
    await using server = await start();
    const ann = await server.stranger();
    ann.send("CAP REQ :sasl", "AUTHENTICATE SCRAM-SHA-256");
    await challenge(ann);
    send(ann, scramClient("ann", "x").first);
    await challenge(ann);
    ann.close();
    const ben = await server.irc("ben", ["sasl"]);
    ben.send("AUTHENTICATE SCRAM-SHA-256");
    await challenge(ben);
    ben.send("AUTHENTICATE !!!");
    await ben.until((line) => line.startsWith(":paris 904 "));
    await ben.fence();
    expect(server.logged.filter(({ level }) => level === "error")).toEqual([]);
  });
});

describe("EXTERNAL", () => {
  test("is offered to one with a certificate, and logs in whose account it is", async () => {
    const [identity, anns, bens] = await Promise.all(
      ["paris", "ann", "ben"].map((name) => makeTlsIdentity(name, Date.UTC(2026, 10, 1))),
    );
    if (identity === undefined || anns === undefined || bens === undefined) throw new Error();
    await using server = await start({ identity });
    const print = fingerprintOf(anns.certificate).toHex();
    expect(await server.run("user-cert", "ann", print)).toHaveProperty("text");
    const come = async (by?: typeof anns) => {
      const one = await server.stranger(by && { key: by.key, cert: by.certificate });
      one.send("CAP LS 302", "CAP REQ :sasl", "NICK ann", "USER a * * :a", "AUTHENTICATE EXTERNAL");
      return one;
    };
    const ann = await come(anns);
    await ann.until((line) => line.includes(" sasl=PLAIN,SCRAM-SHA-256,EXTERNAL"));
    await challenge(ann);
    ann.send("AUTHENTICATE +");
    await ann.until((line) => line.startsWith(":paris 903 "));
    const ben = await come(bens);
    await challenge(ben);
    ben.send(`AUTHENTICATE ${base64("ann")}`);
    await ben.until((line) => line.startsWith(":paris 904 "));
    const cleo = await server.stranger({});
    cleo.send("CAP LS 302", "CAP REQ :sasl", "AUTHENTICATE EXTERNAL");
    await cleo.until((line) => line.startsWith(":paris 904 "));
    expect(cleo.lines.join()).not.toContain("EXTERNAL");
    await server.run("user-cert", "ann");
    const late = await come(anns);
    await challenge(late);
    late.send("AUTHENTICATE +");
    await late.until((line) => line.startsWith(":paris 904 "));
  });

  test("a certificate is one account's, and accounts have so many", async () => {
    await using server = await start();
    await server.run("user-add", "ben", "secret");
    const print = (n: number) => n.toString(16).padStart(64, "0");
    for (let n = 0; n < LIMITS.certificatesPerAccountMax; n++)
      expect(await server.run("user-cert", "ann", print(n))).toHaveProperty("text");
    const refused = { code: "BAD_REQUEST" };
    expect(await server.run("user-cert", "ann", print(99))).toMatchObject(refused);
    expect(await server.run("user-cert", "ben", print(0))).toMatchObject(refused);
    expect(await server.run("user-cert", "ben", "AB:CD")).toMatchObject(refused);
    expect(await server.run("user-cert", "ann", print(0).toUpperCase())).toHaveProperty("text");
  });
});

test("one who logs in later is a session of the account like its others", async () => {
  await using server = await start();
  const annie = await server.irc("annie", ["sasl", "draft/read-marker"]);
  await annie.ask("JOIN #tea");
  annie.send("AUTHENTICATE PLAIN", `AUTHENTICATE ${base64("\0ann\0secret")}`);
  await annie.until((line) => line.includes(" 903 "));
  const ann = await server.connect("ann", "secret");
  await ann.join("#tea");
  const { id, at } = await ann.say("#tea", "hello");
  await ann.request("read", { room: "#tea", id });
  const marked = `:paris MARKREAD #tea timestamp=${new Date(at).toISOString()}`;
  await annie.until((line) => line === marked);
});

test("by NICK one stays the account, and has its nick again without the password", async () => {
  await using server = await start();
  const ann = await server.irc("annie", ["sasl"]);
  const by = await scram(ann, "ann", "secret");
  send(ann, await by.challenge(await challenge(ann)));
  await ann.until((line) => line.startsWith(":paris 903 "));
  for (const nick of ["zoe", "ann", "ANN", "annie"]) {
    await ann.ask(`NICK ${nick}`);
    expect((await ann.ask(`WHOIS ${nick}`)).join()).toContain(` 330 ${nick} ${nick} ann `);
  }
  await server.run("user-add", "ben", "secret");
  expect((await ann.ask("NICK ben")).join()).toContain(":paris 433 annie ben ");
});
