// What people and servers of bad will can set in rooms: no line of IRC is made or broken by it.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Cuts } from "../../plugins/gateway-irc/cuts.ts";
import { createFormats } from "../../plugins/gateway-irc/format.ts";
import { changeCaps, NO_CAPS } from "../../plugins/gateway-irc/caps.ts";
import { createNames } from "../../plugins/gateway-irc/names.ts";
import { maskOfPattern, patternOf } from "../../plugins/gateway-irc/ruling.ts";
import { LIMITS } from "../../src/limits.ts";
import { parseServerName } from "../../src/names.ts";
import type { RoomEvent } from "../../src/plugin.ts";
import { startRuled, together } from "./irc-ruled.ts";

const ENDS = "x\r\nQUIT :gone\r\n\0:y";

describe("texts", () => {
  test("a topic and a reason with line ends, by a native client, are one line each", async () => {
    await using server = await startRuled();
    const nat = await server.connect("nat", "x");
    await nat.request("join", { room: "#tea" });
    const gus = await server.irc("gus");
    await together("#tea", gus);
    await nat.request("set", { room: "#tea", key: "topic", value: ENDS });
    await gus.until((line) => line === ":nat!nat@paris TOPIC #tea :x QUIT :gone :y");
    const late = await server.irc("late");
    expect(await late.ask("JOIN #tea")).toContain(":paris 332 late #tea :x QUIT :gone :y");
    expect(await late.ask("LIST")).toContain(":paris 322 late #tea 3 :x QUIT :gone :y");
    await nat.request("kick", { room: "#tea", address: "gus@paris", reason: ENDS });
    await gus.until((line) => line === ":nat!nat@paris KICK #tea gus :x QUIT :gone :y");
    const reason = ENDS + "é".repeat(200);
    for (const key of ["ban/gus@paris", "mute/late@paris"])
      await nat.request("set", { room: "#tea", key, value: { reason } });
    for (const line of [
      ...(await gus.ask("JOIN #tea")),
      ...(await late.ask("PRIVMSG #tea :hi")).filter((one) => / 404 /.test(one)),
    ]) {
      expect(line).toMatch(
        /^:paris (474|404) \w+ #tea :room #tea: you are \w+: x QUIT :gone :yé+$/,
      );
      expect(Buffer.byteLength(line)).toBeLessThanOrEqual(LIMITS.ircLineBytesMax - 2);
    }
    await nat.request("set", { room: "#tea", key: "topic", value: "é".repeat(256) });
    const [topic = ""] = await late.ask("TOPIC #tea");
    expect(topic).toMatch(/^:paris 332 late #tea :é+$/);
    expect(Buffer.byteLength(topic)).toBeLessThanOrEqual(LIMITS.ircLineBytesMax - 2);
  });

  test("whatever other servers say was done, each line ends where it should, and fits", () => {
    const names = createNames(parseServerName("paris"));
    const formats = createFormats({ cuts: new Cuts(), names, lobby: true, encoded() {} });
    const caps = ["", "account-tag", "invite-notify batch extended-join account-notify"];
    const text = (max: number) =>
      fc.string({
        unit: fc.constantFrom(...Array.from("ab@!~ *:;\r\n\0é\u2028👍")),
        maxLength: max,
      });
    const name = text(16);
    const address = fc.tuple(name, fc.constantFrom("paris", "lyon")).map((two) => two.join("@"));
    const by = fc.record({ address, account: name }, { requiredKeys: ["address"] });
    const known = fc.record({ address: fc.constant("ben@lyon"), account: name });
    const key = fc.oneof(
      text(60).map((of) => `ban/${of}`),
      text(60).map((of) => `invite/${of}`),
      fc.constantFrom("topic", "mode/key", "mode/slow", "role/x", "pin/x", "founded"),
      text(60),
    );
    const value = fc.oneof(text(600), fc.integer(), fc.constant(null), fc.constant(true as const));
    const role = fc.constantFrom("owner", "voice", undefined);
    const event = fc.oneof(
      fc.record({ type: fc.constant("state"), key, value, by: address, at: fc.nat() }),
      fc.record({
        type: fc.constant("left"),
        person: fc.constant({ address: "ben@lyon" }),
        removed: fc.record({ code: fc.constantFrom("KICKED", "BANNED"), by, reason: text(600) }),
      }),
      fc.record({ type: fc.constant("joined"), person: known, role }),
      fc.record({
        type: fc.constant("ranked"),
        people: fc.array(fc.record({ address: fc.constant("ben@lyon"), was: role, role })),
        by,
      }),
    );
    fc.assert(
      fc.property(event, fc.constantFrom(...caps), (one, words) => {
        const set = changeCaps(NO_CAPS, words.split(" ").filter(Boolean)) ?? NO_CAPS;
        const said = formats.of(set).encode({ ...one, room: "#tea" } as RoomEvent); // as made above
        if (said === "") return;
        expect(said.endsWith("\r\n")).toBe(true);
        for (const line of said.slice(0, -2).split("\r\n")) {
          expect(line).toMatch(/^(@[^ ]+ )?:[^ ]+ (JOIN|MODE|TOPIC|KICK|INVITE) [^ ]/);
          expect(/[\r\n\0]/.test(line)).toBe(false);
          const plain = line.replace(/^@[^ ]+ /, "");
          expect(Buffer.byteLength(plain)).toBeLessThanOrEqual(LIMITS.ircLineBytesMax - 2);
        }
      }),
      { numRuns: 2000, includeErrorInReport: true },
    );
  });

  test("every mask means a pattern or is refused, and its own mask means the same", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from("ab*?!@/~.")) }), (mask) => {
        const meant = patternOf(mask);
        if ("text" in meant) return;
        const again = patternOf(maskOfPattern(meant.pattern));
        if (meant.pattern.includes("!") || meant.pattern.includes("/")) return; // no name has it
        expect(again).toEqual(meant);
      }),
    );
  });
});

describe("floods", () => {
  test("of one MODE and of many so many changes are done, and no more", async () => {
    await using server = await startRuled();
    const ann = await server.account("ann");
    await together("#tea", ann);
    const twice = `+${"m".repeat(200)}-${"m".repeat(200)}`;
    expect(await ann.ask(`MODE #tea ${twice}`)).toEqual([":ann!~ann@paris MODE #tea +m-m"]);
    const letters = Array.from({ length: 300 }, (_, i) => String.fromCodePoint(0x1000 + i)).join(
      "",
    );
    expect(await ann.ask(`MODE #tea ${letters.slice(0, 150)}`)).toHaveLength(LIMITS.ircModesMax);
    const masks = Array.from({ length: 60 }, (_, i) => `MODE #tea +b eve${i}!*@lyon`);
    const answers = await ann.ask(...masks);
    const set = answers.filter((line) => line.includes(" MODE #tea +b "));
    expect(set.length).toBeLessThan(60);
    expect(answers).toHaveLength(60);
    expect(answers.at(-1)).toStartWith(":paris 263 ann #tea :room #tea: too many changes");
  });

  test("long masks are told in as many lines as they take", async () => {
    await using server = await startRuled();
    const ann = await server.account("ann");
    await together("#tea", ann);
    const masks = Array.from(
      { length: 6 },
      (_, i) => `${String(i).repeat(60)}@lyon-${"x".repeat(12)}`,
    );
    const told = await ann.ask(`MODE #tea +bbbbbb ${masks.join(" ")}`);
    expect(told.length).toBe(2);
    expect(told.join(" ").match(/lyon/g)).toHaveLength(6);
    for (const line of told) expect(line.length).toBeLessThanOrEqual(LIMITS.ircLineBytesMax - 2);
  });
});
