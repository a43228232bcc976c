// What IRC clients ask the gateway: who is there, which rooms there are, who is an operator.

import { describe, expect, test } from "bun:test";
import { allow, definePlugin } from "../../src/plugin.ts";
import { startIrc } from "./irc.ts";

const numerics = (lines: readonly string[]) => lines.map((line) => line.split(" ")[1]);

describe("questions", () => {
  test("MONITOR tells of people who come and go", async () => {
    await using server = await startIrc();
    const ann = await server.irc("ann");
    expect(await ann.ask("MONITOR + ben,cleo")).toEqual([
      ":paris 731 ann :ben",
      ":paris 731 ann :cleo",
    ]);
    const ben = await server.irc("Ben");
    await ann.until((line) => line === ":paris 730 ann :Ben!~Ben@paris");
    ben.send("QUIT");
    await ann.until((line) => line === ":paris 731 ann :Ben");
    expect(await ann.ask("MONITOR - BEN", "MONITOR L")).toEqual([
      ":paris 732 ann cleo",
      ":paris 733 ann :End of MONITOR list",
    ]);
  });

  test("WHO and its fields, WHOIS, USERHOST and ISON tell of people of all doors", async () => {
    await using server = await startIrc();
    const ann = await server.irc("ann");
    await server.connect("ben");
    expect(await ann.ask("WHO b*", "WHO ann %tnua,7")).toEqual([
      ":paris 352 ann * ~guest paris paris ben H :0 ben@paris",
      ":paris 315 ann b* :End of /WHO list",
      ":paris 354 ann 7 ~ann ann 0",
      ":paris 315 ann ann :End of /WHO list",
    ]);
    expect(await ann.ask("USERHOST ben nobody ann", "ISON :nobody ben")).toEqual([
      ":paris 302 ann :ben=+~guest@paris ann=+~ann@paris",
      ":paris 303 ann :ben",
    ]);
    expect(numerics(await ann.ask("WHOIS nobody"))).toEqual(["401", "318"]);
  });

  test("LIST shows rooms by mask and number, and nobody else's local ones", async () => {
    await using server = await startIrc();
    const [ann, ben] = [await server.irc("ann"), await server.irc("ben")];
    await ann.ask("JOIN #tea,#coffee,&here");
    await ben.ask("JOIN #tea,&there");
    const rooms = async (asked: string) =>
      (await ann.ask(asked))
        .filter((line) => line.includes(" 322 "))
        .map((line) => line.slice(":paris 322 ann ".length))
        .toSorted();
    expect(await rooms("LIST")).toEqual(["#coffee 1 :", "#tea 2 :", "&here 1 :"]);
    expect(await rooms("LIST >1")).toEqual(["#tea 2 :"]);
    expect(await rooms("LIST #c*")).toEqual(["#coffee 1 :"]);
    expect(await rooms("LIST !#c*,<2")).toEqual(["&here 1 :"]);
  });

  test("LUSERS counts those who are hidden, or not in yet, as they come and go", async () => {
    await using server = await startIrc();
    const [ann, ben] = [await server.irc("ann"), await server.irc("ben")];
    const counts = async () =>
      (await ann.ask("LUSERS"))
        .filter((line) => / 25[13] /.test(line))
        .map((line) => line.slice(7));
    await ben.ask("MODE ben +i");
    const stranger = await server.stranger();
    stranger.send("NICK cleo");
    await stranger.fence();
    expect(await counts()).toEqual([
      "251 ann :There are 1 users and 1 invisible on 1 servers",
      "253 ann 1 :connections that have not come in yet",
    ]);
    for (const one of [stranger, ben]) {
      one.send("QUIT");
      await one.end();
    }
    const left = ["251 ann :There are 1 users and 0 invisible on 1 servers"];
    // The server's end of a connection is gone a little later.
    let last = await counts();
    while (last.length > left.length) last = await counts();
    expect(last).toEqual(left);
  });

  test("operators are those whose account has the role, and speak to all who want it", async () => {
    const operators = definePlugin({
      name: "operators",
      provides: ["auth"],
      setup: () => ({
        onAuth({ nick, credential }) {
          if (credential.kind === "none") return allow();
          return credential.kind === "password" && credential.password === "secret"
            ? allow(nick, nick === "root" ? ["operator"] : [])
            : undefined;
        },
      }),
    })();
    await using server = await startIrc({ plugins: [operators] });
    const [ann, ben] = [await server.irc("ann"), await server.irc("ben")];
    expect(numerics(await ann.ask("WALLOPS :hi", "OPER root no", "OPER ben secret"))).toEqual([
      "481",
      "464",
      "491",
    ]);
    expect(await ann.ask("OPER root secret")).toEqual([
      ":ann!~ann@paris MODE ann +o",
      ":paris 381 ann :You are now an IRC operator",
    ]);
    await ben.ask("MODE ben +w");
    ann.send("WALLOPS :restart at six");
    await ben.until((line) => line === ":ann!~ann@paris WALLOPS :restart at six");
    expect(await ben.ask("WHO ann")).toContain(
      ":paris 352 ben * ~ann paris paris ann H* :0 ann of paris",
    );
  });
});
