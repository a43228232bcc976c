// Those who are watched (MONITOR), beyond their coming and going: extended-monitor.

import { expect, test } from "bun:test";
import { allow, definePlugin } from "../../src/plugin.ts";
import { LIMITS } from "../../src/limits.ts";
import { startIrc } from "./irc.ts";

const authZoe = definePlugin({
  name: "auth-zoe",
  provides: ["auth"],
  setup: () => ({
    onAuth: ({ credential }) => (credential.kind === "password" ? allow("zoe") : allow()),
  }),
});

test("of who is watched one is told once, also where no room is shared", async () => {
  await using server = await startIrc();
  const ann = await server.irc("ann", ["extended-monitor", "away-notify", "setname"]);
  const plain = await server.irc("plain", ["extended-monitor"]);
  const ben = await server.irc("ben");
  for (const one of [ann, plain]) await one.ask("MONITOR + ben");
  for (const one of [ann, plain]) one.taken();
  await ben.ask("AWAY :lunch", "SETNAME :Ben", "AWAY");
  await ann.fence();
  expect(ann.taken()).toEqual([
    ":ben!~ben@paris AWAY :lunch",
    ":ben!~ben@paris SETNAME :Ben",
    ":ben!~ben@paris AWAY",
  ]);
  for (const one of [ann, ben]) await one.ask("JOIN #tea,#cake");
  await ann.ask("PART #cake");
  await ben.ask("AWAY :dinner");
  await ann.fence();
  expect(ann.taken().filter((line) => line.includes("AWAY"))).toHaveLength(1);
  await ann.ask("MONITOR - ben", "PART #tea");
  await ben.ask("AWAY :tea");
  for (const one of [ann, plain]) expect(await one.ask("PING x")).toHaveLength(1);
  expect(plain.lines).toEqual([]);
});

test("of who is watched one is told what a large room does not tell", async () => {
  await using server = await startIrc();
  const ann = await server.irc("ann", ["extended-monitor", "away-notify", "setname"]);
  const [ben, eve] = [await server.irc("ben"), await server.irc("eve", ["away-notify", "setname"])];
  for (const one of [ann, ben, eve]) await one.ask("JOIN #tea");
  const crowd = Array.from({ length: LIMITS.roomPresenceMembersMax }, async (_, index) => {
    await (await server.connect(`crowd-${index}`)).join("#tea");
  });
  await Promise.all(crowd);
  await ann.ask("MONITOR + ben");
  await ben.ask("AWAY :lunch", "SETNAME :Ben");
  await ann.fence();
  expect(ann.taken()).toEqual([":ben!~ben@paris AWAY :lunch", ":ben!~ben@paris SETNAME :Ben"]);
  expect((await eve.ask("PING x")).filter((line) => /AWAY|SETNAME/.test(line))).toEqual([]);
});

test("people of other servers are told of, and who writes the nick in other letters", async () => {
  await using paris = await startIrc({ name: "paris" });
  await using lyon = await startIrc({ name: "lyon" });
  const ann = await paris.irc("ann", ["extended-monitor", "away-notify"]);
  const ben = await lyon.irc("ben");
  await paris.run("merge", `${lyon.host}:${lyon.port}`);
  ann.send("MONITOR + ben/lyon");
  await ann.until((line) => line === ":paris 730 ann :ben/lyon!~guest@lyon");
  await ben.ask("AWAY :lunch");
  await ann.until((line) => line === ":ben/lyon!~guest@lyon AWAY :lunch");
  await ben.ask("NICK BEN", "NICK zoe");
  await ann.until((line) => line === ":paris 731 ann :BEN/lyon");
});

test("one of another server who logs in has another account, and so another mask", async () => {
  await using paris = await startIrc({ name: "paris" });
  await using lyon = await startIrc({ name: "lyon", plugins: [authZoe()] });
  const caps = ["extended-monitor", "account-notify", "chghost"];
  const [ann, cleo] = [await paris.irc("ann", caps), await paris.irc("cleo", caps)];
  const ben = await lyon.irc("ben", ["sasl"]);
  await paris.run("merge", `${lyon.host}:${lyon.port}`);
  ann.send("MONITOR + ben/lyon");
  await ann.until((line) => line === ":paris 730 ann :ben/lyon!~guest@lyon");
  for (const one of [cleo, ben]) one.send("JOIN #tea");
  await cleo.until((line) => line.includes("ben/lyon"));
  await ben.ask("AUTHENTICATE PLAIN", `AUTHENTICATE ${btoa("\0zoe\0secret")}`);
  for (const one of [ann, cleo]) {
    await one.until((line) => line === ":ben/lyon!~guest@lyon CHGHOST zoe lyon");
    await one.until((line) => line === ":ben/lyon!zoe@lyon ACCOUNT zoe");
  }
});
