// Patterns of people: one form, found as a plain comparison would find them, and never slow.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { PatternMap, patternOf } from "../../src/core/pattern.ts";
import { isFailure } from "../../src/errors.ts";
import type { ServerName } from "../../src/names.ts";

const letter = fc.constantFrom("a", "b", "E", "_");
const name = fc.array(letter, { minLength: 1, maxLength: 6 }).map((all) => all.join(""));
const who = fc
  .array(fc.oneof(letter, fc.constantFrom("*", "?")), { minLength: 1, maxLength: 6 })
  .map((all) => all.join(""))
  .filter((text) => text.split("*").length <= 5);
const server = fc.constantFrom("paris", "Lyon", "*");

test("a pattern has one form, which is its own", () => {
  fc.assert(
    fc.property(who, server, (text, where) => {
      const one = patternOf(`${text}@${where}`);
      if (typeof one !== "string") return expect(/^[*?]+$/.test(text) && where === "*").toBe(true);
      expect(patternOf(one)).toBe(one);
      expect(one).toBe(one.toLowerCase());
    }),
  );
});

test("what fits is what a regular expression says", () => {
  fc.assert(
    fc.property(who, server, name, fc.option(name), fc.constantFrom("paris", "lyon"), (...all) => {
      const [text, where, nick, account, home] = all;
      const pattern = patternOf(`${text}@${where}`);
      if (typeof pattern !== "string") return;
      const map = new PatternMap<string>();
      map.add(pattern, "found");
      const asked = { nick, account: account ?? undefined, server: home as ServerName };
      const like = new RegExp(`^${text.replaceAll("*", ".*").replaceAll("?", ".")}$`, "i");
      const isThere = where === "*" || where.toLowerCase() === home;
      const fits = isThere && [nick, account ?? nick].some((one) => like.test(one));
      expect(map.find(asked, () => true) === "found").toBe(fits);
      expect(map.find(asked, () => false)).toBeUndefined();
    }),
    { numRuns: 2000 },
  );
});

test("of many patterns one is found where any of them alone would be", () => {
  const some = fc.array(fc.tuple(who, server), { maxLength: 12 });
  fc.assert(
    fc.property(some, name, fc.option(name), (all, nick, account) => {
      const patterns = all
        .map(([text, where]) => patternOf(`${text}@${where}`))
        .filter((one) => typeof one === "string");
      const asked = { nick, account: account ?? undefined, server: "paris" as ServerName };
      const among = (texts: readonly string[]): string | undefined => {
        const map = new PatternMap<string>();
        for (const text of texts) map.add(text, text);
        return map.find(asked, () => true);
      };
      const alone = patterns.filter((text) => among([text]) !== undefined);
      const found = among(patterns);
      if (alone.length === 0) expect(found).toBeUndefined();
      else expect(alone).toContain(found ?? "");
    }),
  );
});

test("without a server a pattern is of any, and an account may hold an @", () => {
  expect(patternOf("Spam*")).toBe("spam*@*");
  expect(patternOf("ann@example.org@paris")).toBe("ann@example.org@paris");
  expect(patternOf("*@Lyon")).toBe("*@lyon");
});

test("what fits everybody, or nobody, is refused with what is expected", () => {
  for (const text of ["*", "*@*", "??@*", "", "@paris", "a b@paris", "a\u0007@paris", "a@b c"])
    expect(isFailure(patternOf(text))).toBe(true);
  expect(patternOf("a".repeat(65))).toMatchObject({ code: "BAD_REQUEST" });
  expect(patternOf("*a*a*a*a*b")).toMatchObject({ code: "BAD_REQUEST" });
});
