// Names: the grammar, the key and the skeleton; server ids; texts. Files' names and what a terminal
// is shown are in tests/names/.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ChatFusionError } from "../src/errors.ts";
import { LIMITS } from "../src/limits.ts";
import {
  LOBBY,
  checkText,
  formatAddress,
  isLocal,
  isShared,
  isSid,
  nameKey,
  parseAddress,
  parseNick,
  parseRoomName,
  parseServerName,
  sameName,
  sidBytes,
  sidOf,
  skeleton,
} from "../src/names.ts";
import { list } from "./names/list.ts";
import { alike, keptAsTheyAre, mapped, refused, refusedRooms, rooms } from "./names/vectors.ts";

function refusalOf(parse: () => unknown): ChatFusionError {
  try {
    parse();
  } catch (thrown) {
    if (thrown instanceof ChatFusionError) return thrown;
    throw thrown;
  }
  throw new Error("expected a refusal");
}

describe("the grammar", () => {
  test("there are at least 300 vectors", () => {
    const kept = Object.values(keptAsTheyAre).flatMap((names) => names.split(" "));
    const refusals = Object.values(refused).flat();
    expect(kept.length + mapped.length + refusals.length).toBeGreaterThanOrEqual(300);
    expect(new Set([...kept, ...refusals]).size).toBe(kept.length + refusals.length);
  });

  for (const [script, names] of Object.entries(keptAsTheyAre)) {
    test(`names in small letters are kept as they are: ${script}`, () => {
      for (const name of names.split(" ")) {
        expect<string>(parseNick(name)).toBe(name.normalize("NFC"));
        expect<string>(parseServerName(name)).toBe(name.normalize("NFC"));
        expect(nameKey(parseNick(name))).toBe(name.normalize("NFC"));
      }
    });
  }

  test("a name is shown composed and of usual width, and compared case-folded", () => {
    for (const [given, shown, key] of mapped) {
      const nick = parseNick(given);
      expect<string>(nick).toBe(shown);
      expect(nameKey(nick)).toBe(key);
      expect(sameName(nick, parseNick(shown))).toBe(true);
    }
  });

  for (const [expected, names] of Object.entries(refused)) {
    test(`a name is refused that expected ${expected}`, () => {
      for (const name of names) {
        const refusal = refusalOf(() => parseNick(name));
        expect(refusal.code).toBe("NICK_INVALID");
        expect(refusal.text).toContain(`nick: expected `);
        expect(`${JSON.stringify(name.slice(0, 40))} ${refusal.text}`).toContain(expected);
        expect(refusalOf(() => parseServerName(name)).code).toBe("ADDRESS_INVALID");
        expect(refusalOf(() => parseRoomName(name)).code).toBe("ROOM_INVALID");
      }
    });
  }

  test("a refusal names the value, on one short line that no terminal obeys", () => {
    expect(refusalOf(() => parseNick("a\x1b[31m\n")).text).toBe(
      'nick: expected only letters, digits, _ - and ., not U+001B, got "a␛[31m␊"',
    );
    expect(refusalOf(() => parseServerName("a b")).text).toBe(
      'server name: expected only letters, digits, _ - and ., not U+0020, got "a b"',
    );
    expect(refusalOf(() => parseRoomName("lobby")).text).toBe(
      'room: expected # (shared) or & (local) at the beginning, got "lobby"',
    );
    expect(refusalOf(() => parseAddress("ana")).text).toBe(
      'address: expected nick@server, got "ana"',
    );
    const text = refusalOf(() => parseNick("\u202e🙂".repeat(100_000))).text;
    expect(text).toMatch(/^nick: expected up to 32 characters, got "(<U\+202E>🙂){20}…"$/u);
  });

  test("a room is # or & and a name, which may have a + after its beginning", () => {
    for (const [given, shown, key] of rooms) {
      const room = parseRoomName(given);
      expect<string>(room).toBe(shown);
      expect(nameKey(room)).toBe(key);
      expect([isShared(room), isLocal(room)]).toEqual([given[0] === "#", given[0] === "&"]);
    }
    for (const name of refusedRooms) {
      expect(refusalOf(() => parseRoomName(name)).code).toBe("ROOM_INVALID");
    }
  });

  test("the lobby is a shared room by the grammar", () => {
    expect(parseRoomName(LOBBY)).toBe(LOBBY);
    expect(isShared(LOBBY)).toBe(true);
  });

  test("an address is a nick, an @ and a server name, each by the grammar", () => {
    const { nick, server } = parseAddress("Ａna@Lyon.example");
    expect([nick, server]).toEqual([parseNick("Ana"), parseServerName("Lyon.example")]);
    expect(formatAddress(nick, server)).toBe("Ana@Lyon.example");
    for (const bad of [
      "",
      "@",
      "a@",
      "@b",
      "a",
      "a@b@c",
      "a @b",
      "a@ b",
      "a＠b",
      "a@b\n",
      "a@@b",
    ]) {
      expect(refusalOf(() => parseAddress(bad)).code).toBe("ADDRESS_INVALID");
    }
  });
});

// --- properties ----------------------------------------------------------------------------------

const alphabets = list(`
  abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.|ßſıİiIsSÇÉñøŁẞﬁŉǅ|
  абвгдежзийклмнопрстуфхцчшщъыьэюяАБВГДЕЇҐ|αβγδεζηθικλμνξοπρσςτυφχψωΑΒΓΔΣΩάΐᾳ\u0345|
  \u05d0\u05d1\u05d2\u05bc0|\u0627\u0628\u062a\u0661|ᎠᎡᎢꭰꭱ|あいうアイウ日本ｱｲｳﾞ|각나다漢|
  ａｂＡＢ１`);
const combining = ["\u0301", "\u0308", "\u0307", "\u0323", "\u0327"];
const likeAName = fc.oneof(
  fc
    .constantFrom(...alphabets)
    .chain((letters) =>
      fc.string({ unit: fc.constantFrom(...Array.from(letters), ...combining), maxLength: 34 }),
    ),
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 6 }),
);

function accepted(text: string) {
  try {
    return parseNick(text);
  } catch {
    return undefined;
  }
}

describe("for any text", () => {
  test("what is accepted is within the bounds and parses to itself again", () => {
    let count = 0;
    fc.assert(
      fc.property(likeAName, (text) => {
        const nick = accepted(text);
        if (nick === undefined) return;
        count += 1;
        expect(parseNick(nick)).toBe(nick);
        expect(Array.from(nick).length).toBeLessThanOrEqual(LIMITS.nameCodePointsMax);
        expect(Buffer.byteLength(nick)).toBeLessThanOrEqual(LIMITS.nameBytesMax);
        expect(Buffer.byteLength(nameKey(nick))).toBeLessThanOrEqual(LIMITS.nameBytesMax);
        expect(nick).not.toMatch(/[\s\p{C}\p{S}@/!,*?#&:]/u);
      }),
      { numRuns: 5000 },
    );
    expect(count).toBeGreaterThan(500);
  });

  test("folding what is folded changes nothing, and case changes no key", () => {
    fc.assert(
      fc.property(likeAName, (text) => {
        const nick = accepted(text);
        if (nick === undefined) return;
        const key = nameKey(nick);
        expect(nameKey(key as typeof nick)).toBe(key);
        // Decomposed first, as Unicode defines it: an iota below is a letter among the capitals.
        const parts = nick.normalize("NFD");
        for (const other of [parts, parts.toUpperCase(), parts.toLowerCase()]) {
          const again = accepted(other);
          if (again !== undefined) expect(nameKey(again)).toBe(key);
        }
      }),
      { numRuns: 5000 },
    );
  });

  test("names with one key have one skeleton", () => {
    fc.assert(
      fc.property(likeAName, (text) => {
        const nick = accepted(text);
        const other = accepted(text.toUpperCase());
        if (nick === undefined || other === undefined || !sameName(nick, other)) return;
        expect(skeleton(other)).toBe(skeleton(nick));
      }),
      { numRuns: 5000 },
    );
  });
});

describe("every character by itself", () => {
  const singles: ReturnType<typeof parseNick>[] = [];
  for (let point = 0; point < 0x110000; point++) {
    const character = String.fromCodePoint(point);
    if (!/[\p{L}\p{N}]/u.test(character)) continue;
    const nick = accepted(character);
    if (nick !== undefined) singles.push(nick);
  }

  test("its key is a name, and its own key", () => {
    expect(singles.length).toBeGreaterThan(100_000);
    for (const nick of singles) {
      const key = nameKey(nick);
      if (accepted(key) !== key || nameKey(parseNick(key)) !== key)
        throw new Error(`${nick} ${key}`);
    }
  });

  test("its skeleton is that of its key, and settled", () => {
    for (const nick of singles) {
      const alikes = skeleton(nick);
      if (skeleton(nameKey(nick) as typeof nick) !== alikes) throw new Error(`${nick} ${alikes}`);
      if (skeleton(alikes as typeof nick) !== alikes) throw new Error(`${nick} ${alikes}`);
    }
  });

  test("no letter or digit of ASCII is like another but i, l and 1, o and 0", () => {
    const characters = Array.from("abcdefghijklmnopqrstuvwxyz0123456789", (c) => parseNick(c));
    const classes = Map.groupBy(characters, (c) => skeleton(c)).values();
    const several = [...classes].filter((names) => names.length > 1).map((names) => names.join(""));
    expect(several).toEqual(["il1", "o0"]);
  });

  test("one that is drawn like a sign of the grammar is none in Latin, Cyrillic or Greek", () => {
    const sign = /^[!-/:-@[-`{-~]+$/;
    const european = /^[\p{sc=Latn}\p{sc=Cyrl}\p{sc=Grek}\p{sc=Zyyy}]$/u;
    const signs = singles.filter(
      (nick) => european.test(nick) && !/^\w$/.test(nick) && sign.test(skeleton(nick)),
    );
    expect(signs).toEqual([]);
  });
});

describe("look-alikes", () => {
  test("names that look alike in small letters or in capitals have one skeleton", () => {
    for (const [one, other] of alike) {
      const [a, b] = [parseNick(one), parseNick(other)];
      expect(sameName(a, b)).toBe(false);
      expect([one, other, skeleton(a)]).toEqual([one, other, skeleton(b)]);
    }
  });

  test("names that differ to the eye have different skeletons", () => {
    const names = "ana anna bob rob eva evä ivan uwe vera nora tom tim max mary юрий борис נועה";
    const skeletons = names.split(" ").map((name) => skeleton(parseNick(name)));
    expect(new Set(skeletons).size).toBe(skeletons.length);
  });

  test("of 100,000 random pairs of copies, each is one name or found to be alike", () => {
    // Each letter of a Latin name, or all of them, in another script where it looks the same.
    const twins: readonly (readonly [string, string])[] = [
      ["acehijopsxy", "асеһіјорѕху"],
      ["ABCEHIJKMOPSTXY", "АВСЕНІЈКМОРЅТХУ"],
      ["ABEHIKMNOPTXYZ", "ΑΒΕΗΙΚΜΝΟΡΤΧΥΖ"],
      ["l1oO0", "11000"],
    ];
    let seed = 0x2545f491;
    const below = (bound: number) => {
      seed ^= seed << 13;
      seed ^= seed >>> 17;
      seed ^= seed << 5;
      return (seed >>> 0) % bound;
    };
    let found = 0;
    for (let pair = 0; pair < 100_000; pair++) {
      const [from, to] = twins[below(twins.length)]!;
      const picks = Array.from({ length: 1 + below(8) }, () => below(from.length));
      const name = accepted(picks.map((at) => from[at]).join(""));
      const copy = accepted(picks.map((at) => to[at]).join(""));
      if (name === undefined || copy === undefined || sameName(name, copy)) continue;
      found += 1;
      if (skeleton(name) !== skeleton(copy)) throw new Error(`${name} and ${copy} pass as two`);
    }
    expect(found).toBeGreaterThan(50_000);
  });
});

// --- server ids and texts ------------------------------------------------------------------------

describe("a server's id", () => {
  test("is 16 bytes as 32 hex digits in lower case, both ways", () => {
    const bytes = Uint8Array.from({ length: 16 }, (_, index) => index * 17);
    const sid = sidOf(bytes);
    expect<string>(sid).toBe("00112233445566778899aabbccddeeff");
    expect(sidBytes(sid)).toEqual(bytes);
    expect(isSid(sid)).toBe(true);
  });

  test("is nothing else", () => {
    const sid = "00112233445566778899aabbccddeeff";
    for (const bad of [
      "",
      sid.toUpperCase(),
      `${sid}0`,
      sid.slice(1),
      `${sid}\n`,
      ` ${sid}`,
      "g",
    ]) {
      expect(isSid(bad)).toBe(false);
    }
    expect(() => sidOf(new Uint8Array(32))).toThrow("sid: expected 16 bytes, got 32");
  });
});

describe("a text", () => {
  test("is passed up to its bound in bytes of UTF-8", () => {
    for (const unit of ["a", "é", "€", "🙂"]) {
      const bytes = Buffer.byteLength(unit);
      expect(checkText(unit.repeat(8), 8 * bytes)).toBeUndefined();
      expect(checkText(unit.repeat(8), 8 * bytes - 1)).toEqual({
        code: "TEXT_TOO_LONG",
        text: `text: expected up to ${8 * bytes - 1} bytes, got ${8 * bytes}`,
      });
    }
  });

  test("is measured as UTF-8 is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (text) => {
        const bytes = Buffer.byteLength(text);
        expect(checkText(text, bytes)).toBeUndefined();
        expect(checkText(text, bytes - 1)?.code).toBe("TEXT_TOO_LONG");
      }),
    );
  });

  test("is refused when there is none of it, or half a surrogate pair in it", () => {
    expect(checkText("", 10)?.code).toBe("TEXT_INVALID");
    for (const half of ["\ud800", "a\udc00", "\udc00\ud800", "🙂\ud83d"]) {
      expect(checkText(half, 10)?.code).toBe("TEXT_INVALID");
    }
  });

  test("is otherwise taken as it is: controls and bidi are the reader's to show", () => {
    expect(checkText("\x1b[31m\u202e\0\n", 100)).toBeUndefined();
  });
});
