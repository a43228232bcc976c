// moderate-rooms: which words are replaced or refused, how slow a room is and for whom, and that
// what moderators have set is kept.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import moderateRooms from "../../plugins/moderate-rooms.ts";
import { LIMITS } from "../../src/limits.ts";
import { isFailure } from "../../src/errors.ts";
import { parseNick, parseRoomName, type RoomName } from "../../src/names.ts";
import type { Person } from "../../src/plugin/hooks.ts";
import type { SetUp } from "../../src/testing/context.ts";
import { createMemoryStore, setUp } from "../../src/testing/context.ts";

const tea = parseRoomName("#tea");
const personOf = (
  { self }: SetUp,
  who: { nick?: string; account?: string; roles?: string[] } = {},
): Person => ({
  nick: parseNick(who.nick ?? "ana"),
  server: self,
  account: who.account,
  roles: who.roles ?? [],
});
const say = async (world: SetUp, text: string, from = personOf(world), room: RoomName = tea) =>
  world.parts.onMessage!({ id: "1", from, room, kind: "text", text, at: world.clock.now() });
/** What is said in the end; or why it is not. */
const said = async (world: SetUp, text: string, from?: Person): Promise<string> => {
  const verdict = (await say(world, text, from)) ?? { text };
  return "verdict" in verdict ? `!! ${verdict.reason}` : verdict.text;
};
const run = async (world: SetUp, line: string): Promise<string> => {
  const [name = "", ...words] = line.split(" ");
  const answer = await world.parts.commands![name]!.run(words, { by: "console", roles: [] });
  return isFailure(answer) ? `${answer.code} ${answer.text}` : answer.text;
};

const codeOf = (thrown: unknown): unknown =>
  typeof thrown === "object" && thrown !== null && "code" in thrown ? thrown.code : thrown;

describe("words", () => {
  test("are replaced or refused as whole words, in whatever case and width", async () => {
    await using world = await setUp(moderateRooms({ words: ["Heck"], refused: ["hölle"] }));
    expect(await said(world, "what the HECK, heckler")).toBe("what the ****, heckler");
    expect(await said(world, "ｈｅｃｋ!")).toBe("****!");
    expect(await said(world, "zur Ho\u0308lle damit")).toBe('!! "Ho\u0308lle" is not said here');
    expect(await said(world, "he\u0301ck nothing")).toBe("he\u0301ck nothing");
    expect([world.metric("starred"), world.metric("refused")]).toEqual([2, 1]);
  });

  test("none of those in the list is left, and all else stays as it is", async () => {
    await using world = await setUp(moderateRooms({ words: ["heck", "darn"] }));
    const word = fc.constantFrom("heck", "HECK", "Darn", "tea", "checked", "d'arn", "é");
    const between = fc.constantFrom(" ", ", ", "!\n", " — ", "👍");
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(word, between), { minLength: 1 }), async (parts) => {
        const text = parts.flat().join("");
        const expected = parts.map(([one, gap]) =>
          /^(heck|darn)$/i.test(one) ? `****${gap}` : `${one}${gap}`,
        );
        expect(await said(world, text)).toBe(expected.join(""));
      }),
    );
  });

  test("are set at run time, one after the other, and kept for the next start", async () => {
    const store = createMemoryStore();
    await using world = await setUp(moderateRooms({ words: ["heck"] }), { store });
    const lines = ["filter add Darn", "filter refuse hell", "filter add blast"];
    await Promise.all(lines.map((line) => run(world, line)));
    expect(await run(world, "filter remove blast")).toBe("stars: darn, heck\nrefused: hell");
    expect(await said(world, "heck, darn, blast")).toBe("****, ****, blast");
    await using again = await setUp(moderateRooms(), { store });
    expect(await run(again, "filter list")).toBe("stars: darn\nrefused: hell");
    expect(await said(again, "oh hell")).toStartWith("!! ");
    expect(await run(again, "filter refuse darn")).toBe("stars: none\nrefused: darn, hell");
  });

  test("that are none, or too many, are refused", async () => {
    await using world = await setUp(moderateRooms());
    for (const line of [
      "filter",
      "filter add",
      "filter add a-b",
      "filter add a b",
      "filter drop x",
    ])
      expect(await run(world, line)).toStartWith("USAGE ");
    const many = Array.from({ length: LIMITS.filteredWordsMax }, (_, index) => `w${index}`);
    for (const word of many) await run(world, `filter add ${word}`);
    expect(await run(world, "filter add more").catch(codeOf)).toBe("BAD_REQUEST");
    const wrong = { words: ["two words"] };
    expect(await setUp(moderateRooms(wrong)).catch(codeOf)).toBe("CONFIG_INVALID");
  });
});

describe("a slow room", () => {
  test("takes one message of a person in so many seconds, and other rooms take all", async () => {
    await using world = await setUp(moderateRooms());
    const [ana, bea] = [personOf(world), personOf(world, { nick: "bea" })];
    expect(await run(world, "slow #Tea 30")).toBe("#tea is slow: a message in 30 s");
    expect(world.notices).toEqual([{ to: tea, text: "#tea is slow: a message in 30 s" }]);
    expect(await said(world, "one", ana)).toBe("one");
    world.clock.advance(10_000);
    const slow = "!! #tea is slow: a message in 30 s, wait 20 s";
    expect(await said(world, "two", ana)).toBe(slow);
    expect(await said(world, "one", bea)).toBe("one");
    expect(await say(world, "two", ana, parseRoomName("#go"))).toBeUndefined();
    world.clock.advance(20_000);
    expect(await said(world, "two", ana)).toBe("two");
    expect(await run(world, "slow #tea off")).toBe("#tea is not slow");
    expect(await said(world, "three", ana)).toBe("three");
  });

  test("knows an account again after another login, and lets moderators speak", async () => {
    await using world = await setUp(moderateRooms());
    await run(world, "slow #tea 60");
    const login = () => personOf(world, { account: "ana" });
    expect(await said(world, "one", login())).toBe("one");
    expect(await said(world, "two", login())).toStartWith("!! ");
    const moderator = personOf(world, { nick: "max", roles: ["moderator"] });
    for (const text of ["one", "two"]) expect(await said(world, text, moderator)).toBe(text);
  });

  test("does not count a message that is refused for a word", async () => {
    await using world = await setUp(moderateRooms({ refused: ["hell"] }));
    await run(world, "slow #tea 60");
    expect(await said(world, "hell")).toStartWith('!! "hell"');
    expect(await said(world, "sorry")).toBe("sorry");
  });

  test("forgets those whose turn has come again, and the first ones of too many", async () => {
    await using world = await setUp(moderateRooms());
    await run(world, "slow #tea 60");
    const first = personOf(world, { account: "first" });
    expect(await said(world, "one", first)).toBe("one");
    for (let n = 0; n < LIMITS.slowedPeopleMax; n += 1)
      await said(world, "hi", personOf(world, { account: `a${n}` }));
    expect(await said(world, "two", first)).toBe("two");
    expect(await said(world, "hi", personOf(world, { account: "a5" }))).toStartWith("!! ");
  });

  test("is kept for the next start, and shown", async () => {
    const store = createMemoryStore();
    await using world = await setUp(moderateRooms(), { store });
    await run(world, "slow #tea 5");
    await using again = await setUp(moderateRooms(), { store });
    expect(await run(again, "slow #tea")).toBe("#tea is slow: a message in 5 s");
    expect(await run(again, "slow #go")).toBe("#go is not slow");
    await store.write("rules", new TextEncoder().encode("{"));
    expect(await setUp(moderateRooms(), { store }).catch(codeOf)).toBe("CONFIG_INVALID");
  });

  test("is set by a room and a number of seconds only", async () => {
    await using world = await setUp(moderateRooms());
    for (const line of ["slow", "slow #tea x", "slow #tea 1.5", "slow #tea -1", "slow #tea 99999"])
      expect(await run(world, line)).toStartWith("USAGE ");
    expect(await run(world, "slow tea").catch(codeOf)).toBe("ROOM_INVALID");
  });
});
