// MODE of channels: what is set, as all see it, and who may not.

import { describe, expect, test } from "bun:test";
import { startRuled, together } from "./irc-ruled.ts";

const numerics = (lines: readonly string[]) => lines.map((line) => line.split(" ")[1]);

describe("modes", () => {
  test("who founds a room has @, sees what is set, and is the one who sets it", async () => {
    await using server = await startRuled();
    const ann = await server.account("ann");
    expect(await ann.ask("JOIN #tea")).toEqual([
      ":ann!~ann@paris JOIN #tea",
      ":paris 353 ann = #tea :@ann",
      ":paris 366 ann #tea :End of /NAMES list",
    ]);
    const gus = await server.irc("gus");
    await together("#tea", gus);
    await ann.fence();
    ann.taken();
    expect(await ann.ask("MODE #tea +mlf-k 20 5 nothing")).toEqual([
      ":ann!~ann@paris MODE #tea +mlf 20 5",
    ]);
    await gus.fence();
    expect(gus.taken()).toEqual([
      ":ann!~ann@paris MODE #tea +m",
      ":ann!~ann@paris MODE #tea +l 20",
      ":ann!~ann@paris MODE #tea +f 5",
    ]);
    const [modes, created] = await gus.ask("MODE #tea");
    expect(modes).toBe(":paris 324 gus #tea +flmnt 5 20");
    expect(created).toMatch(/^:paris 329 gus #tea \d{10}$/);
    expect(await ann.ask("MODE #tea -m", "MODE #tea -m+nt")).toEqual([
      ":ann!~ann@paris MODE #tea -m",
    ]);
  });

  test("one who may not set a mode is told so once", async () => {
    await using server = await startRuled();
    const [ann, gus] = [await server.account("ann"), await server.irc("gus")];
    await together("#tea", ann, gus);
    expect(numerics(await gus.ask("MODE #tea +mis"))).toEqual(["482"]);
    expect(numerics(await gus.ask("MODE #coffee +m", "MODE #coffee"))).toEqual(["403", "403"]);
    expect(await ann.ask("MODE #tea -n", "MODE #tea +X", "MODE #tea +e eve!*@*")).toEqual([
      ":ann!~ann@paris MODE #tea -n",
      ":paris 472 ann X :is no mode of this server",
      ":paris 472 ann e :is no mode of this server",
    ]);
    const other = await server.irc("other");
    expect(numerics(await other.ask("MODE #tea +m", "MODE #tea b"))).toEqual(["442", "442"]);
    expect(numerics(await other.ask("MODE #tea"))).toEqual(["324", "329"]);
  });

  test("-t lets all set the topic, also in a room that guests run", async () => {
    await using server = await startRuled({ guestRooms: true });
    const [gus, tim] = [await server.irc("gus"), await server.irc("tim")];
    await together("#tea", gus, tim);
    expect(numerics(await tim.ask("TOPIC #tea :mine"))).toEqual(["482"]);
    gus.taken();
    expect(await gus.ask("MODE #tea -t")).toEqual([":gus!~gus@paris MODE #tea -t"]);
    await tim.fence();
    expect(tim.taken()).toEqual([":gus!~gus@paris MODE #tea -t"]);
    expect(await tim.ask("TOPIC #tea :mine")).toEqual([":tim!~tim@paris TOPIC #tea :mine"]);
    await gus.until((line) => line === ":tim!~tim@paris TOPIC #tea :mine");
    expect((await gus.ask("TOPIC #tea")).at(-1)).toStartWith(":paris 333 gus #tea tim ");
    expect((await gus.ask("MODE #tea"))[0]).toBe(":paris 324 gus #tea +n");
    await gus.ask("MODE #tea +tt");
    expect((await gus.ask("MODE #tea"))[0]).toBe(":paris 324 gus #tea +nt");
    expect(numerics(await tim.ask("TOPIC #tea :again"))).toEqual(["482"]);
  });

  test("parameters that are missing or wrong are refused by name", async () => {
    await using server = await startRuled();
    const ann = await server.account("ann");
    await ann.ask("JOIN #tea");
    const asked = await ann.ask(
      "MODE #tea +l",
      "MODE #tea +l -1",
      "MODE #tea +k :two words",
      "MODE #tea +f 9999999",
      "MODE #tea +o",
      "MODE #tea +b *!*@*",
    );
    expect(asked.map((line) => line.split(" :")[0])).toEqual([
      ":paris 696 ann #tea l *",
      ":paris 696 ann #tea l -1",
      ":paris 696 ann #tea k *",
      ":paris 696 ann #tea f 9999999",
      ":paris 696 ann #tea o *",
      ":paris 696 ann #tea b *!*@*",
    ]);
  });

  test("who comes in without the key, an invitation or a place hears which it was", async () => {
    await using server = await startRuled();
    const [ann, gus] = [await server.account("ann"), await server.irc("gus")];
    for (const room of ["#key", "#own", "#full", "#not"]) await together(room, ann);
    const set = ["MODE #key +k sesame", "MODE #own +i", "MODE #full +l 1", "MODE #not +b gus!*@*"];
    expect((await ann.ask(...set)).map((line) => line.split(" MODE ")[1])).toEqual([
      "#key +k sesame",
      "#own +i",
      "#full +l 1",
      "#not +b gus!*@*",
    ]);
    const refused = await gus.ask("JOIN #key,#own,#full,#not wrong");
    expect(numerics(refused)).toEqual(["475", "473", "471", "474"]);
    expect(await gus.ask("JOIN #new,#key x,sesame")).toContain(":gus!~gus@paris JOIN #key");
    expect(await gus.ask("MODE #key")).toContain(":paris 324 gus #key +knt *");
  });

  test("who may not speak is refused with 404, and a notice without a word", async () => {
    await using server = await startRuled();
    const [ann, gus] = [await server.account("ann"), await server.irc("gus")];
    await together("#tea", ann, gus);
    const say = ["PRIVMSG #tea :hi", "NOTICE #tea :hi"];
    await ann.ask("MODE #tea +m");
    gus.taken();
    expect(numerics(await gus.ask(...say))).toEqual(["404"]);
    await ann.ask("MODE #tea -m+q gus!*@paris");
    expect(numerics(await gus.ask(...say))).toEqual(["404"]);
    await ann.ask("MODE #tea -q gus!*@paris", "MODE #tea +A");
    expect(numerics(await gus.ask(...say))).toEqual(["404"]);
    await ann.ask("MODE #tea -A");
    expect(await gus.ask("PRIVMSG #tea :at last")).toEqual([]);
    await ann.until((line) => line.endsWith(" PRIVMSG #tea :at last"));
  });

  test("a secret room is in no list, and WHOIS tells it to those who are in it", async () => {
    await using server = await startRuled();
    const [ann, gus] = [await server.account("ann"), await server.irc("gus")];
    await together("#dark", ann);
    await ann.ask("MODE #dark +s");
    const hidden = await gus.ask("NAMES #dark", "LIST", "WHOIS ann", "MODE #dark");
    expect(hidden.filter((line) => / (353|322|319) /.test(line))).toEqual([]);
    await gus.ask("JOIN #dark");
    const asked = await gus.ask("NAMES #dark", "WHOIS ann");
    expect(asked).toContain(":paris 353 gus @ #dark :@ann gus");
    expect(asked).toContain(":paris 319 gus ann :@#dark");
  });
});

describe("lists", () => {
  test("bans, mutes and invitations are lists with who set them and when", async () => {
    await using server = await startRuled();
    const [ann, gus] = [await server.account("ann"), await server.irc("gus")];
    await together("#tea", ann, gus);
    const set = ["MODE #tea +bq EVE!*@* mallory/lyon", "MODE #tea +I *!*@lyon"];
    expect((await ann.ask(...set)).map((line) => line.split(" MODE ")[1])).toEqual([
      "#tea +bq eve!*@* mallory!*@lyon",
      "#tea +I *!*@lyon",
    ]);
    gus.taken();
    const lists = await gus.ask("MODE #tea b", "MODE #tea +q", "MODE #tea I", "MODE #tea e");
    expect(lists.map((line) => line.replace(/ \d{10}$/, " TIME"))).toEqual([
      ":paris 367 gus #tea eve!*@* ann TIME",
      ":paris 368 gus #tea :End of channel ban list",
      ":paris 728 gus #tea q mallory!*@lyon ann TIME",
      ":paris 729 gus #tea q :End of channel quiet list",
      ":paris 346 gus #tea *!*@lyon ann TIME",
      ":paris 347 gus #tea :End of channel invite list",
      ":paris 349 gus #tea :End of channel exception list",
    ]);
    expect(await ann.ask("MODE #tea -b Eve", "MODE #tea -b nobody!*@*")).toEqual([
      ":ann!~ann@paris MODE #tea -b eve!*@*",
    ]);
    await gus.until((line) => line === ":ann!~ann@paris MODE #tea -b eve!*@*");
  });

  test("masks mean patterns of people, or are refused", async () => {
    await using server = await startRuled();
    const ann = await server.account("ann");
    await ann.ask("JOIN #tea");
    const shownAs = async (mask: string) => {
      const [line = ""] = await ann.ask(`MODE #tea +b ${mask}`);
      return / (\d{3}) /.exec(line)?.[1] ?? line.split(" +b ")[1];
    };
    expect(await shownAs("eve")).toBe("eve!*@*");
    expect(await shownAs("eve!~e@paris")).toBe("eve!*@paris");
    expect(await shownAs("eve/lyon")).toBe("eve!*@lyon");
    expect(await shownAs("eve/lyon!*@lyon")).toBe("eve!*@lyon");
    expect(await shownAs("eve/lyon!*@paris")).toBe("696");
    expect(await shownAs("*!eva@lyon")).toBe("eva!*@lyon");
    expect(await shownAs("*!~eve@lyon")).toBe("696");
    expect(await shownAs("*!*@lyon")).toBe("*!*@lyon");
    expect(await shownAs("*!*@*.example")).toBe("696");
    expect(await shownAs("eva@lyon")).toBe("eva!*@lyon");
    expect(await shownAs("spam*!*@*")).toBe("spam*!*@*");
  });
});

describe("roles", () => {
  test("o, h and v are owners, moderators and voices, and all are told", async () => {
    await using server = await startRuled();
    const [ann, ben, gus] = [
      await server.account("ann"),
      await server.account("ben"),
      await server.irc("gus"),
    ];
    await together("#tea", ann, ben, gus);
    expect(await ann.ask("MODE #tea +v ben", "MODE #tea +h ben", "MODE #tea +v ben")).toEqual([
      ":ann!~ann@paris MODE #tea +v ben",
      ":ann!~ann@paris MODE #tea -v+h ben ben",
    ]);
    await gus.fence();
    expect(gus.taken().at(-1)).toBe(":ann!~ann@paris MODE #tea -v+h ben ben");
    const asked = await gus.ask("NAMES #tea", "WHO #tea", "WHO #tea %nf", "WHOIS ben");
    expect(asked).toContain(":paris 353 gus = #tea :@ann %ben gus");
    expect(asked).toContain(":paris 352 gus #tea ~ben paris paris ben H% :0 ben");
    expect(asked).toContain(":paris 354 gus ann H@");
    expect(asked).toContain(":paris 319 gus ben :%#tea");
    ben.taken();
    expect(numerics(await ben.ask("MODE #tea +o ben", "MODE #tea +v gus"))).toEqual(["482", "696"]);
    const [guest] = await ann.ask("MODE #tea +o gus");
    expect(guest).toStartWith(":paris 696 ann #tea o gus :");
    await ann.ask("MODE #tea -h ben");
    await gus.until((line) => line === ":ann!~ann@paris MODE #tea -h ben");
    const nobody = await ann.ask("MODE #tea +o nobody", "MODE #tea -o ann");
    expect(numerics(nobody)).toEqual(["401", "482"]);
  });

  test("who comes in with a role is shown with it, and who logs in gets it there", async () => {
    await using server = await startRuled();
    const [ann, gus] = [await server.account("ann"), await server.irc("gus")];
    await together("#tea", ann, gus);
    await ann.ask("PART #tea");
    gus.taken();
    await ann.ask("JOIN #tea");
    await gus.fence();
    expect(gus.taken()).toEqual([":ann!~ann@paris JOIN #tea", ":paris MODE #tea +o ann"]);
    const guest = await server.irc("guest", ["sasl"]);
    await guest.ask("JOIN #tea");
    gus.taken();
    const ann2 = Buffer.from("\0ann\0x").toString("base64");
    await guest.ask("AUTHENTICATE PLAIN", `AUTHENTICATE ${ann2}`);
    await gus.fence();
    expect(gus.taken()).toEqual([":paris MODE #tea +o guest"]);
  });

  test("in rooms that guests run, guests have roles, and no sign of it is an account", async () => {
    await using server = await startRuled({ guestRooms: true });
    const caps = ["account-tag", "extended-join"];
    const [gus, tim] = [await server.irc("gus", caps), await server.irc("tim", caps)];
    await together("#tea", gus, tim);
    gus.taken();
    expect(await gus.ask("MODE #tea +h tim", "MODE #tea +b eve")).toEqual([
      ":gus!~gus@paris MODE #tea +h tim",
      ":gus!~gus@paris MODE #tea +b eve!*@*",
    ]);
    await tim.fence();
    expect(tim.taken()).toEqual([
      ":gus!~gus@paris MODE #tea +h tim",
      ":gus!~gus@paris MODE #tea +b eve!*@*",
    ]);
    const asked = await tim.ask("MODE #tea b", "WHO #tea %na", "WHOIS gus");
    expect(asked.filter((line) => / (330|354) .*~/.test(line))).toEqual([]);
    expect(asked[0]).toStartWith(":paris 367 tim #tea eve!*@* gus ");
    await gus.ask("PART #tea");
    const [ban] = await tim.ask("MODE #tea b");
    expect(ban).toStartWith(":paris 367 tim #tea eve!*@* gus ");
  });
});
