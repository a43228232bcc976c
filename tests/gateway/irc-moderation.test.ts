// TOPIC, KICK and INVITE, beside native people, and between IRC clients of merged servers.

import { describe, expect, test } from "bun:test";
import { startRuled, startTwoRuled, together } from "./irc-ruled.ts";

const numerics = (lines: readonly string[]) => lines.map((line) => line.split(" ")[1]);

describe("in one server", () => {
  test("a topic is set, shown to those who come, listed, and removed", async () => {
    await using server = await startRuled();
    const [ann, gus] = [await server.account("ann"), await server.irc("gus")];
    await together("#tea", ann, gus);
    expect(await gus.ask("TOPIC #tea", "TOPIC #nothing")).toEqual([
      ":paris 331 gus #tea :No topic is set",
      ":paris 403 gus #nothing :No such channel",
    ]);
    expect(numerics(await gus.ask("TOPIC #tea :mine"))).toEqual(["482"]);
    expect(await ann.ask("TOPIC #tea :what we drink")).toEqual([
      ":ann!~ann@paris TOPIC #tea :what we drink",
    ]);
    await gus.until((line) => line === ":ann!~ann@paris TOPIC #tea :what we drink");
    const late = await server.irc("late");
    const joined = await late.ask("JOIN #tea");
    expect(numerics(joined)).toEqual(["JOIN", "332", "333", "353", "366"]);
    expect(joined[1]).toBe(":paris 332 late #tea :what we drink");
    expect(joined[2]).toMatch(/^:paris 333 late #tea ann \d{10}$/);
    expect(await late.ask("LIST #tea")).toContain(":paris 322 late #tea 3 :what we drink");
    expect(await ann.ask("TOPIC #tea :")).toEqual([":ann!~ann@paris TOPIC #tea :"]);
    expect(numerics(await late.ask("TOPIC #tea"))).toContain("331");
  });

  test("KICK puts several out, who are told by whom and why, and so are all others", async () => {
    await using server = await startRuled();
    const [ann, ben, gus] = [
      await server.account("ann"),
      await server.irc("ben"),
      await server.irc("gus"),
    ];
    await together("#tea", ann, ben, gus);
    const native = await server.connect("nat");
    await native.request("join", { room: "#tea" });
    expect(numerics(await ben.ask("KICK #tea gus"))).toEqual(["482"]);
    ann.taken();
    gus.taken();
    const kicks = [":ann!~ann@paris KICK #tea ben :bye", ":ann!~ann@paris KICK #tea nat :bye"];
    expect(await ann.ask("KICK #tea ben,nat :bye")).toEqual(kicks);
    await gus.fence();
    expect(gus.taken()).toEqual(kicks);
    await ben.until((line) => line === kicks[0]);
    expect(numerics(await ben.ask("PRIVMSG #tea :still here?", "NAMES #tea"))).toContain("404");
    const wrong = await ann.ask("KICK #tea ben", "KICK #tea nobody", "KICK #no ben", "KICK #tea");
    expect(numerics(wrong)).toEqual(["441", "401", "403", "461"]);
    expect(await ann.ask("KICK #tea,#tea gus")).toEqual([":ann!~ann@paris KICK #tea gus :ann"]);
    expect(await ann.ask("KICK #tea ann")).toEqual([":ann!~ann@paris KICK #tea ann :ann"]);
  });

  test("who is banned leaves as if kicked by the one who set the ban", async () => {
    await using server = await startRuled();
    const [ann, gus, tim] = [
      await server.account("ann"),
      await server.irc("gus"),
      await server.irc("tim"),
    ];
    await together("#tea", ann, gus, tim);
    await ann.ask("MODE #tea +b gus");
    await gus.until((line) => line === ":ann!~ann@paris KICK #tea gus :banned");
    await tim.fence();
    expect(tim.taken().toSorted()).toEqual([
      ":ann!~ann@paris KICK #tea gus :banned",
      ":ann!~ann@paris MODE #tea +b gus!*@*",
    ]);
  });

  test("a ban that has ended is taken from the list by the server: nobody lifts it", async () => {
    await using server = await startRuled();
    const [ann, gus] = [await server.account("ann"), await server.irc("gus")];
    await together("#tea", ann, gus);
    const olga = await server.connect("olga", "x");
    await olga.join("#tea");
    await ann.ask("MODE #tea +h olga");
    const value = { until: Date.now() + 300 };
    await olga.request("set", { room: "#tea", key: "ban/eve@*", value });
    await gus.until((line) => line === ":olga!olga@paris MODE #tea +b eve!*@*");
    await gus.until((line) => line === ":paris MODE #tea -b eve!*@*");
    expect(numerics(await ann.ask("MODE #tea b"))).toEqual(["368"]);
  });

  test("who logs in to a banned account while he is there is put out, on all servers", async () => {
    await using servers = await startTwoRuled();
    const { paris, lyon } = servers;
    const [ann, gus] = [await paris.account("ann"), await paris.irc("gus", ["sasl"])];
    const tim = await lyon.irc("tim");
    await together("#tea", ann, gus, tim);
    await ann.ask("MODE #tea +b eve!*@paris");
    await tim.until((line) => line.includes(" MODE #tea +b "));
    for (const one of [ann, gus, tim]) one.taken();
    gus.send("AUTHENTICATE PLAIN", `AUTHENTICATE ${btoa("\0eve\0x")}`);
    await gus.until((line) => line === ":ann!~ann@paris KICK #tea gus :banned");
    await tim.until((line) => line.endsWith(" KICK #tea gus/paris :banned"));
    expect(numerics(await gus.ask("JOIN #tea"))).toEqual(["474"]);
    await ann.fence();
    expect(ann.taken()).toContain(":ann!~ann@paris KICK #tea gus :banned");
  });

  test("who is invited is told, gets in, and others hear it who have asked to", async () => {
    await using server = await startRuled();
    const [ann, gus] = [await server.account("ann"), await server.irc("gus")];
    const [deaf, keen] = [await server.irc("deaf"), await server.irc("keen", ["invite-notify"])];
    await together("#tea", ann, deaf, keen);
    await ann.ask("MODE #tea +i");
    for (const one of [deaf, keen]) {
      await one.fence();
      one.taken();
    }
    expect(await ann.ask("INVITE gus #tea")).toEqual([":paris 341 ann gus #tea"]);
    await gus.until((line) => line === ":ann!~ann@paris INVITE gus #tea");
    await keen.until((line) => line === ":ann!~ann@paris INVITE gus #tea");
    await deaf.fence();
    expect(deaf.taken()).toEqual([]);
    expect(numerics(await gus.ask("JOIN #tea"))).toContain("JOIN");
    const asked = [
      ...(await ann.ask("INVITE gus #tea", "INVITE nobody #tea", "INVITE gus #no")),
      ...(await gus.ask("INVITE ann #tea")),
    ];
    expect(numerics(asked).slice(-4)).toEqual(["443", "401", "403", "443"]);
    const tim = await server.irc("tim");
    expect(numerics(await tim.ask("INVITE gus #tea"))).toEqual(["442"]);
    expect(numerics(await deaf.ask("INVITE tim #tea"))).toEqual(["482"]);
  });

  test("with account-tag who does something has the account beside it", async () => {
    await using server = await startRuled();
    const [ann, gus] = [await server.account("ann"), await server.irc("gus", ["account-tag"])];
    await together("#tea", ann, gus);
    await ann.ask("TOPIC #tea :x", "KICK #tea gus :y");
    await gus.until((line) => line === "@account=ann :ann!~ann@paris KICK #tea gus :y");
    expect(gus.lines).toContain("@account=ann :ann!~ann@paris TOPIC #tea :x");
  });
});

describe("in a fusion", () => {
  test("what native and IRC people do to a room is shown to the other side", async () => {
    await using two = await startTwoRuled();
    const nat = await two.lyon.connect("nat", "x");
    await nat.request("join", { room: "#tea" });
    const ann = await two.paris.account("ann");
    await ann.ask("JOIN #tea");
    const gus = await two.paris.irc("gus");
    await together("#tea", gus);
    const set = (key: string, value: string | number | { reason: string }) =>
      nat.request("set", { room: "#tea", key, value });
    await set("topic", "by nat");
    await gus.until((line) => line === ":nat/lyon!nat@lyon TOPIC #tea :by nat");
    await set("mode/slow", 3);
    await set("mode/key", "sesame");
    await set("ban/eve@lyon", { reason: "spam" });
    await gus.until((line) => line === ":nat/lyon!nat@lyon MODE #tea +b eve!*@lyon");
    expect(gus.lines).toContain(":nat/lyon!nat@lyon MODE #tea +f 3");
    expect(gus.lines).toContain(":nat/lyon!nat@lyon MODE #tea +k *");
    await set("role/ann@paris", "moderator");
    await ann.until((line) => line === ":nat/lyon!nat@lyon MODE #tea +h ann");
    expect(await gus.ask("MODE #tea")).toContain(":paris 324 gus #tea +fknt 3 *");
    expect(await gus.ask("NAMES #tea")).toContain(":paris 353 gus = #tea :%ann gus @nat/lyon");

    const heard: unknown[] = [];
    const removed = Promise.withResolvers<void>();
    const eve = await two.lyon.connect("tim");
    eve.on((event) => {
      if (event.type !== "removed") return;
      heard.push(event);
      removed.resolve();
    });
    await eve.request("join", { room: "#tea", key: "sesame" });
    await ann.until((line) => line.endsWith(" JOIN #tea") && line.startsWith(":tim/lyon!"));
    gus.taken();
    await ann.ask("KICK #tea tim/lyon :off you go");
    await removed.promise;
    expect(heard).toMatchObject([
      { code: "KICKED", by: { address: "ann@paris", account: "ann" }, reason: "off you go" },
    ]);
    await gus.until((line) => line === ":ann!~ann@paris KICK #tea tim/lyon :off you go");
    await nat.request("kick", { room: "#tea", address: "gus@paris", reason: "you too" });
    await gus.until((line) => line === ":nat/lyon!nat@lyon KICK #tea gus :you too");
    await ann.until((line) => line === ":nat/lyon!nat@lyon KICK #tea gus :you too");
  });

  test("who is banned is shown neither with his server nor when he leaves himself", async () => {
    await using paris = await startRuled({ name: "paris" });
    await using lyon = await startRuled({ name: "lyon" });
    const [ann, nat] = [await paris.account("ann"), await lyon.account("nat")];
    const [gus, tim] = [await lyon.irc("gus"), await lyon.irc("tim")];
    await together("#tea", ann);
    await together("#tea", nat, gus, tim);
    await ann.ask("MODE #tea +b gus!*@lyon");
    const seen = () => ann.taken().filter((line) => /^:\w+\/lyon!\S+ (JOIN|QUIT|PART)/.test(line));
    const come = async () => {
      await paris.run("merge", `${lyon.host}:${lyon.port}`);
      await ann.until((line) => line.startsWith(":tim/lyon!") && line.includes(" JOIN "));
      await ann.fence();
      return seen().map((line) => line.slice(1, line.indexOf("/")));
    };
    expect(await come()).toEqual(["nat", "tim"]);
    await paris.run("unmerge", "lyon");
    await ann.until((line) => line.startsWith(":tim/lyon!") && line.includes(" QUIT "));
    await ann.fence();
    expect(seen().map((line) => line.slice(1, line.indexOf("/")))).toEqual(["nat", "tim"]);
    expect(await come()).toEqual(["nat", "tim"]);
    gus.send("QUIT :bye");
    tim.send("QUIT :bye");
    await ann.until((line) => line.startsWith(":tim/lyon!") && line.includes(" QUIT "));
    expect(seen()).toHaveLength(1);
  });

  test("people of a server that comes are shown with their roles, in one netjoin", async () => {
    const [paris, lyon] = [await startRuled({ name: "paris" }), await startRuled({ name: "lyon" })];
    try {
      const ann = await paris.account("ann", ["batch"]);
      await ann.ask("JOIN #tea", "PART #tea", "JOIN #tea");
      const nat = await paris.connect("nat", "x");
      await paris.run("merge", `${lyon.host}:${lyon.port}`);
      await nat.request("join", { room: "#tea" });
      const ben = await lyon.account("ben");
      await ben.ask("JOIN #tea");
      await ann.until((line) => line.startsWith(":ben/lyon!ben@lyon JOIN #tea"));
      await ann.ask("MODE #tea +h ben/lyon");
      await paris.run("unmerge", "lyon");
      await ann.until((line) => line === ":paris BATCH -moved");
      ann.taken();
      await paris.run("merge", `${lyon.host}:${lyon.port}`);
      await ann.until((line) => line === ":paris BATCH -moved");
      expect(ann.taken().filter((line) => line.includes("ben"))).toEqual([
        "@batch=moved :ben/lyon!ben@lyon JOIN #tea",
        "@batch=moved :paris MODE #tea +h ben/lyon",
      ]);
    } finally {
      await paris[Symbol.asyncDispose]();
      await lyon[Symbol.asyncDispose]();
    }
  });
});
