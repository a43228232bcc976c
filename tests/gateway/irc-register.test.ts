// People who register their nick: by IRC's REGISTER, and by the command `register`.

import { expect, test } from "bun:test";
import authGuest from "../../plugins/auth-guest.ts";
import authSqlite from "../../plugins/auth-sqlite.ts";
import { LIMITS } from "../../src/limits.ts";
import { startIrc } from "./irc.ts";

function start(options: Parameters<typeof startIrc>[0] = {}, registration = true) {
  const auth = authSqlite({ scramIterations: LIMITS.scramIterationsMin, registration });
  return startIrc({ ...options, plugins: [auth, authGuest()] });
}
const caps = ["draft/account-registration", "standard-replies"];
const SUCCESS = (nick: string) => `REGISTER SUCCESS ${nick} :The nick is yours: log in with`;

test("one who is in registers the nick, is the account from then on, and stays", async () => {
  await using server = await start();
  const ann = await server.irc("ann", caps);
  const lines = await ann.ask("REGISTER * * secret");
  expect(lines[0]).toContain(" 900 ann ann!~ann@paris ann :");
  expect(lines[1]).toContain(SUCCESS("ann"));
  expect((await ann.ask("REGISTER * * again")).join()).toContain("FAIL REGISTER ALREADY_AUTHENT");
  // The core hears of the new account, and leaves its own session in.
  await server.run("user-add", "ben", "x");
  expect((await ann.ask("WHOIS ann")).join()).toContain(" 330 ann ann ann ");
  ann.send("QUIT");
  await ann.end();
  const guest = await server.stranger();
  guest.send("NICK ann", "USER a * * :a");
  await guest.until((line) => line.startsWith(":paris 433 "));
  const own = await server.stranger();
  own.send("PASS secret", "NICK ann", "USER a * * :a");
  await own.until((line) => line.startsWith(":paris 001 ann "));
});

test("one who has not come in registers the nick that is asked for, if nobody has it", async () => {
  await using server = await start();
  await server.irc("ben");
  const ann = await server.stranger();
  ann.send("CAP LS 302", "CAP REQ :draft/account-registration", "REGISTER * * secret");
  await ann.until((line) => line.includes("FAIL REGISTER NEED_NICK * "));
  expect(ann.lines.join(" ")).toContain("draft/account-registration=before-connect");
  ann.send("NICK ben", "REGISTER * * secret");
  await ann.until((line) => line.includes("FAIL REGISTER ACCOUNT_EXISTS * "));
  ann.send("NICK ann", "REGISTER ann * secret");
  await ann.until((line) => line.includes(SUCCESS("ann")));
  ann.send("USER a * * :a", "CAP END");
  await ann.until((line) => line.startsWith(":paris 001 ann "));
  expect((await ann.ask("WHOIS ann")).join()).toContain(" 330 ann ann ann ");
});

test("names of others, look-alikes and passwords that are none are refused", async () => {
  await using server = await start({ registerEarly: false });
  await server.run("user-add", "ilya", "x");
  const ann = await server.irc("ann", caps);
  for (const [line, code] of [
    ["REGISTER ben * secret", "ACCOUNT_NAME_MUST_BE_NICK ben"],
    ["REGISTER * * :", "UNACCEPTABLE_PASSWORD *"],
    [`REGISTER * * :a\u0001b`, "UNACCEPTABLE_PASSWORD *"],
    ["VERIFY ann 123", "INVALID_CODE ann"],
  ] as const)
    expect((await ann.ask(line)).join()).toContain(`${code} :`);
  const early = await server.stranger();
  early.send("CAP REQ :draft/account-registration", "NICK x1", "REGISTER * * secret");
  await early.until((line) => line.includes("COMPLETE_CONNECTION_REQUIRED"));
});

test("who has not given the password of the server registers no nick", async () => {
  await using server = await start({ password: "open sesame" });
  for (const pass of [[], ["PASS guess"]]) {
    const eve = await server.stranger();
    eve.send("CAP REQ :draft/account-registration", ...pass, "NICK eve", "REGISTER * * secret");
    await eve.until((line) => line.includes("FAIL REGISTER COMPLETE_CONNECTION_REQUIRED * "));
  }
  expect(await server.run("user-list")).toMatchObject({ data: [] });
  const ann = await server.stranger();
  ann.send("CAP REQ :draft/account-registration", "PASS :open sesame", "NICK ann");
  ann.send("REGISTER * * secret");
  await ann.until((line) => line.includes(SUCCESS("ann")));
});

test("there is no registration where the config does not say so", async () => {
  await using server = await start({}, false);
  const ann = await server.stranger();
  ann.send("CAP LS 302", "CAP REQ :draft/account-registration", "NICK ann", "REGISTER * * x");
  await ann.until((line) => line.includes("TEMPORARILY_UNAVAILABLE"));
  expect(ann.lines.join()).not.toContain("LS :draft/account-registration");
  expect(ann.lines.join()).toContain(" NAK draft/account-registration");
  const ben = await server.connect("ben");
  const asked = ben.request("command", { name: "register", args: ["secret"] });
  expect(asked).rejects.toMatchObject({ code: "NO_SUCH_COMMAND" });
});

test("a native client registers by a command; one address so many in an hour", async () => {
  await using server = await start();
  const ben = await server.connect("ben");
  const asked = await ben.request("command", { name: "register", args: ["secret"] });
  expect(asked.text).toContain("ben is registered");
  expect(await ben.request("whois", { address: "ben@paris" })).toMatchObject({ account: "ben" });
  const cleo = await server.irc("cleo", caps);
  // The empty password is refused by the plugin, and counted all the same.
  for (let index = 1; index < LIMITS.registrationsPerAddressMax; index++)
    cleo.send("REGISTER * * :");
  expect((await cleo.ask("REGISTER * * good")).at(-1)).toContain("too many nicks were registered");
});
