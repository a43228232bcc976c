// What IRC's operators may do, and what they and others are told of connections.

import { expect, test } from "bun:test";
import authGuest from "../../plugins/auth-guest.ts";
import authSqlite from "../../plugins/auth-sqlite.ts";
import { LIMITS } from "../../src/limits.ts";
import { makeTlsIdentity } from "../../src/net/identity.ts";
import { deny, definePlugin } from "../../src/plugin.ts";
import type { IrcServer } from "./irc.ts";
import { IrcClient, startIrc } from "./irc.ts";

const numerics = (lines: readonly string[]) => lines.map((line) => line.split(" ")[1]);

async function start(options: Parameters<typeof startIrc>[0] = {}) {
  const auth = authSqlite({ scramIterations: LIMITS.scramIterationsMin });
  const plugins = [auth, authGuest(), ...(options.plugins ?? [])];
  const server = await startIrc({ ...options, plugins });
  await server.run("user-add", "ann", "secret", "operator");
  return server;
}

async function operator(server: IrcServer) {
  const ann = await server.irc("annie");
  await ann.ask("OPER ann secret");
  return ann;
}

test("KILL ends a session of this server, and is an operator's alone", async () => {
  await using server = await start();
  const [ann, ben, cleo] = [
    await operator(server),
    await server.irc("ben"),
    await server.irc("cleo"),
  ];
  for (const one of [ann, ben, cleo]) await one.ask("JOIN #tea");
  expect(numerics(await ben.ask("KILL cleo :no"))).toEqual(["481"]);
  ann.taken();
  ann.send("KILL cleo :enough of it");
  await cleo.end();
  const why = "put off paris by the operator: enough of it";
  expect(cleo.lines.at(-1)).toBe(`ERROR :Closing link: ${why}`);
  await ben.until((line) => line === `:cleo!~cleo@paris QUIT :${why}`);
  expect(numerics(await ann.ask("KILL nobody :x", "KILL no@such :x"))).toEqual(["401", "401"]);
  expect(JSON.stringify(await server.run("audit"))).toContain("enough of it");
});

test("CONNECT merges, SQUIT parts, and people of other servers are not killed", async () => {
  await using paris = await start();
  await using lyon = await startIrc({ name: "lyon" });
  const [ann, ben] = [await operator(paris), await lyon.irc("ben")];
  expect(await ann.ask(`CONNECT 127.0.0.1 ${lyon.port}`)).toEqual([
    ":paris NOTICE annie :merged with lyon; the fusion: lyon, paris",
  ]);
  const [refused] = await ann.ask("KILL ben/lyon :x");
  expect(refused).toContain("481 annie :Permission Denied- the operators of lyon alone");
  const map = (await ann.ask("MAP")).filter((line) => line.includes(" 015 "));
  expect(map[1]).toMatch(/└─ lyon +1 person/);
  expect(numerics(await ben.ask("CONNECT 127.0.0.1:1", "SQUIT paris"))).toEqual(["481", "481"]);
  expect((await ann.ask("SQUIT lyon")).join()).toContain("unmerged from lyon");
  expect((await ann.ask("SQUIT lyon", "CONNECT 127.0.0.1:1")).join()).toContain("NOTICE annie :");
});

test("what a plugin denies of commands, operators of IRC are denied", async () => {
  const strict = definePlugin({
    name: "strict",
    setup: () => ({ onCommand: ({ name }) => (name === "kick" ? deny("not today") : undefined) }),
  })();
  await using server = await start({ plugins: [strict] });
  const [ann, ben] = [await operator(server), await server.irc("ben")];
  expect(await ann.ask("KILL ben :x")).toEqual([":paris 481 annie :Permission Denied- not today"]);
  await ben.fence();
});

test("what is the console's alone is refused, also to operators", async () => {
  await using server = await start();
  const [ann, ben] = [await operator(server), await server.irc("ben")];
  const asked = ["REHASH", "DIE", "RESTART"];
  expect(numerics(await ben.ask(...asked))).toEqual(["481", "481", "481"]);
  expect(numerics(await ann.ask(...asked))).toEqual(["481", "481", "481"]);
});

test("operators are seen in WHOIS, USERHOST and STATS; where from, they alone", async () => {
  await using server = await start();
  const [ann, ben] = [await operator(server), await server.irc("ben")];
  expect(numerics(await ben.ask("WHOIS annie"))).toEqual([
    "311",
    "312",
    "330",
    "313",
    "317",
    "318",
  ]);
  expect(await ann.ask("WHOIS ben")).toContain(":paris 338 annie ben 127.0.0.1 :is connected from");
  expect(numerics(await ben.ask("WHOIS ben"))).toContain("338");
  expect(await ben.ask("USERHOST annie ben")).toEqual([
    ":paris 302 ben :annie*=+~annie@paris ben=+~ben@paris",
  ]);
  expect(await ben.ask("STATS o")).toContain(":paris 243 ben O * * annie");
  expect(numerics(await ben.ask("STATS z"))).toEqual(["481"]);
  expect((await ann.ask("STATS z")).join()).toContain("gateway-irc.clients: 2");
});

test("clients that come plainly are told where TLS is, if the config says so", async () => {
  await using server = await startIrc({ tls: false, more: [{ port: 0 }], sts: { duration: 60 } });
  const ports = server.events.flatMap((event) =>
    event.event === "gateway" ? [Number(event.address.split(" ").at(-1))] : [],
  );
  // The door for TLS is opened first.
  const ann = await server.stranger();
  ann.send("CAP LS 302", "CAP REQ :sts");
  await ann.until((line) => line.endsWith(" NAK sts"));
  expect(ann.lines.join(" ")).toContain(" sts=duration=60");
  const plain = await IrcClient.open(ports[1] ?? 0);
  plain.send("CAP LS", "CAP LS 302");
  await plain.until((line) => line.includes(` sts=port=${ports[0]},duration=60`));
  expect(plain.lines[0]).not.toContain("sts");
  plain.close();
});

test("what the operator says is said as his, also where no lobby is shown", async () => {
  for (const lobby of [true, false]) {
    await using server = await startIrc({ lobby });
    const ann = await server.irc("ann");
    const ben = await server.connect("ben");
    const heard = new Promise((resolve) =>
      ben.on((event) => event.type === "notice" && resolve(event)),
    );
    await server.run("say", "back", "at", "nine");
    const where = lobby ? "#lobby" : "ann";
    await ann.until((line) => line === `:paris NOTICE ${where} :[operator of paris] back at nine`);
    expect(await heard).toMatchObject({ text: "back at nine", by: "operator" });
  }
});

test("a connection is called secure by TLS alone, not since it is of this machine", async () => {
  await using server = await startIrc({
    identity: await makeTlsIdentity("paris", Date.UTC(2026, 10, 1)),
  });
  const ann = await server.irc("ann");
  const ben = await server.stranger({});
  ben.send("NICK ben", "USER ben * * :ben");
  await ben.until((line) => / 221 /.test(line));
  expect(numerics(await ann.ask("WHOIS ann"))).not.toContain("671");
  expect(numerics(await ann.ask("WHOIS ben"))).toContain("671");
});
