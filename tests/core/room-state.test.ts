// What is in force of a room's entries: the matrix of who may do what, and that nobody gains
// anything by what he signs without the right, under whatever date and on whatever server.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ServerName } from "../../src/names.ts";
import type { Act, Authority, RoomState, Signed } from "../../src/core/room-state.ts";
import { actorOf } from "../../src/core/room-roles.ts";
import {
  barred,
  counts,
  effective,
  isTopicOpen,
  may,
  modeOf,
  NEEDS,
  silenced,
} from "../../src/core/room-state.ts";
import type { RoleName } from "../../src/protocol/state.ts";
import { ALL_KEYS, entryOf, PEOPLE, plain, SIDS, valueFor } from "./state-entries.ts";

const [PARIS, LYON, EVIL] = SIDS;
const ANN = `ann@${PARIS}`;
const founded: Authority = { founder: ANN };

/** One by whom something was signed. */
const actor = fc.constantFrom(...PEOPLE);
const entry = fc
  .record({ actor, key: fc.constantFrom(...ALL_KEYS), at: fc.nat(30), isSet: fc.boolean() })
  .map(({ actor: by, key, at, isSet }) => entryOf(by, key, isSet ? valueFor(key, at) : null, at));
/** One for each key and signing server, as servers keep them. */
const entries = fc.array(entry, { maxLength: 40 }).map(newest);
const signedBy = (sid: string) => entry.filter((one) => one.sid === sid);

function newest(all: readonly Signed[]): Signed[] {
  const kept = new Map<string, Signed>();
  for (const one of all) {
    const key = `${one.sid} ${one.entry.key}`;
    if ((kept.get(key)?.entry.id ?? "") < one.entry.id) kept.set(key, one);
  }
  return [...kept.values()];
}

const nameIn = (id: string) => id.slice(0, id.indexOf("@"));

/** ann founds; she gives roles to these, who give theirs. */
const give = (by: string, to: string, role: RoleName, at: number): Signed =>
  entryOf(by, `role/${to}`, { role, server: "somewhere" }, at);

/** What is in force, but for a topic that anybody may set. */
function ruled(state: RoomState) {
  const { registers, ...rest } = plain(state);
  const isOpen = isTopicOpen(state);
  return { ...rest, registers: registers.filter(({ key }) => key !== "topic" || !isOpen) };
}

/** Whether an entry would be in force beside the others. */
const countsIn = (others: readonly Signed[], one: Signed): boolean =>
  counts(effective(others, founded), others, one, founded);

describe("the permission matrix", () => {
  const OWNER = `olga@${LYON}`;
  const MODERATOR = `mo@${LYON}`;
  const VOICE = `vera@${PARIS}`;
  const town = [
    give(ANN, OWNER, "owner", 1),
    give(ANN, MODERATOR, "moderator", 2),
    give(ANN, VOICE, "voice", 3),
  ];
  const who: readonly (readonly [string, string, "owner" | "moderator" | "none"])[] = [
    ["the founder", ANN, "owner"],
    ["an owner of another server", OWNER, "owner"],
    ["a moderator of another server", MODERATOR, "moderator"],
    ["one with a voice", VOICE, "none"],
    ["a member", `max@${PARIS}`, "none"],
    ["a stranger's server", `ann@${EVIL}`, "none"],
  ];
  const keys = ALL_KEYS.filter((key) => !key.startsWith("role/"));
  for (const [name, by, has] of who)
    for (const key of keys) {
      const act = key.startsWith("mode/") ? (key as Act) : (key.split("/")[0] as Act);
      const isAllowed = has === "owner" || (has === "moderator" && NEEDS[act] === "moderator");
      test(`${name} ${isAllowed ? "may" : "may not"} set ${key}`, () => {
        const one = entryOf(by, key, valueFor(key, 7), 9);
        expect(countsIn(town, one)).toBe(isAllowed);
        expect(effective([...town, one], founded).registers.get(key) === one).toBe(isAllowed);
      });
    }
  for (const [name, by, has] of who)
    test(`${name} ${has === "none" ? "may not" : "may"} kick`, () => {
      const [account = "", sid = ""] = by.split("@");
      const state = effective(town, founded);
      expect(may(state, { account, sid: sid as typeof PARIS }, "kick")).toBe(has !== "none");
    });
  test("a guest may do nothing", () => {
    const state = effective(town, founded);
    for (const act of Object.keys(NEEDS) as Act[])
      expect(may(state, { account: undefined, sid: PARIS }, act)).toBe(false);
  });
  test("where the topic is open, anybody sets it, and that it is open who may", () => {
    const open = (by: string) => entryOf(by, "mode/open-topic", true, 7);
    for (const [, by, has] of who) {
      const topic = entryOf(by, "topic", "tea", 8);
      expect(countsIn([...town, open(MODERATOR)], topic)).toBe(true);
      expect(countsIn([...town, open(`max@${PARIS}`)], topic)).toBe(has !== "none");
    }
    const office = { ...entryOf(VOICE, "topic", "tea", 8) };
    const one = { ...office, entry: { ...office.entry, office: true as const } };
    expect(countsIn([...town, open(MODERATOR)], one)).toBe(false);
  });
  test("where the topic is open, nobody sets it who may not speak, whatever is signed", () => {
    const open = entryOf(MODERATOR, "mode/open-topic", true, 7);
    const [topic, guests] = [`eve@${EVIL}`, `~gus@${EVIL}`].map((by) =>
      entryOf(by, "topic", "spam", 9),
    ) as [Signed, Signed];
    for (const [key, value, isFree] of [
      ["mute/eve@somewhere", {}, false],
      ["ban/*@somewhere", {}, false],
      ["ban/eve@somewhere", { until: 1 }, true],
      ["mode/read-only", true, false],
      ["mode/moderated", true, false],
      ["mode/invite-only", true, false],
      ["mute/max@paris", {}, true],
    ] as const) {
      // An owner may set each of them, at any time.
      const all = [...town, open, entryOf(OWNER, key, value, 20)];
      expect([key, countsIn(all, topic)]).toEqual([key, isFree]);
      const isGuestFree = isFree || key === "mute/eve@somewhere";
      expect([key, countsIn(all, guests)]).toEqual([key, isGuestFree]);
      const shown = effective([...all, topic], founded).registers.get("topic");
      expect(shown?.entry.value === "spam").toBe(isFree);
    }
  });
  test("a ban or a mute is in force to its end, by which a topic set before gains nothing", () => {
    const open = entryOf(MODERATOR, "mode/open-topic", true, 7);
    const mute = entryOf(MODERATOR, "mute/eve@somewhere", { until: 100 }, 8);
    const ban = entryOf(MODERATOR, "ban/gus@somewhere", { until: 50 }, 8);
    const all = [...town, open, mute, ban, entryOf(`eve@${EVIL}`, "topic", "spam", 9)];
    const keysAt = (at: number) => [...effective(all, founded, at).registers.keys()];
    expect(keysAt(49)).toEqual(["mode/open-topic", "mute/eve@somewhere", "ban/gus@somewhere"]);
    expect(keysAt(50)).toEqual(["mode/open-topic", "mute/eve@somewhere"]);
    expect(keysAt(100)).toEqual(["mode/open-topic"]);
    const over = effective(all, founded, 100);
    expect(over).toMatchObject({ restricted: false, endsAt: Number.POSITIVE_INFINITY });
    expect([over.bans.size, over.mutes.size]).toEqual([0, 0]);
  });
  const NEW = `nina@${EVIL}`;
  const roles: readonly (readonly [string, string, RoleName, boolean])[] = [
    [ANN, NEW, "owner", true],
    [OWNER, NEW, "owner", true],
    [OWNER, NEW, "moderator", true],
    [MODERATOR, NEW, "voice", true],
    [MODERATOR, NEW, "moderator", false],
    [MODERATOR, MODERATOR, "owner", false],
    [VOICE, NEW, "voice", false],
    [OWNER, ANN, "voice", false],
    [OWNER, MODERATOR, "owner", false],
    [OWNER, OWNER, "moderator", false],
    [MODERATOR, VOICE, "voice", false],
  ];
  for (const [by, to, role, isAllowed] of roles)
    test(`${nameIn(by)} ${isAllowed ? "makes" : "may not make"} ${nameIn(to)} ${role}`, () => {
      expect(countsIn(town, give(by, to, role, 9))).toBe(isAllowed);
    });
  test("who gave a role takes it, and nobody beside him or below", () => {
    const all = [...town, give(OWNER, NEW, "moderator", 5)];
    const take = (by: string) => countsIn(all, entryOf(by, `role/${NEW}`, null, 9));
    expect([take(ANN), take(OWNER), take(MODERATOR)]).toEqual([true, true, false]);
    const taken = entryOf(ANN, `role/${OWNER}`, null, 9);
    const after = effective(
      [...all.filter(({ entry: { key } }) => key !== taken.entry.key), taken],
      founded,
    );
    expect([after.roles.get(OWNER)?.role, after.roles.get(NEW)?.role]).toEqual([
      undefined,
      undefined,
    ]);
  });
});

describe("for any entries", () => {
  test("their order does not matter", () => {
    const shuffled = entries.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
    );
    fc.assert(
      fc.property(shuffled, ([all, other]) => {
        expect(plain(effective(other, founded))).toEqual(plain(effective(all, founded)));
      }),
    );
  });

  test("all that is in force was done by one who has the right now", () => {
    fc.assert(
      fc.property(entries, (all) => {
        const state = effective(all, founded);
        for (const [key, one] of state.registers) {
          const act = (key.startsWith("mode/") ? key : key.split("/")[0]) as Act;
          const [account = "", sid = ""] = actorOf(one).split("@");
          if (key === "topic" && isTopicOpen(state)) continue;
          expect(may(state, { account, sid: sid as typeof PARIS }, act)).toBe(true);
        }
        for (const [target, { from }] of state.roles) {
          if (from === undefined) expect(target).toBe(ANN);
          else if (state.roles.get(actorOf(from))?.role !== "owner")
            expect([state.roles.get(actorOf(from))?.role, from.entry.value]).toEqual([
              "moderator",
              from.entry.value === null ? null : { role: "voice", server: "somewhere" },
            ]);
        }
      }),
      { numRuns: 500 },
    );
  });

  // But a topic that is open to all.
  test("a server none of whose accounts has a role changes nothing, whatever it signs", () => {
    fc.assert(
      fc.property(entries, fc.array(signedBy(EVIL), { maxLength: 20 }), (all, more) => {
        const before = all.filter(({ sid }) => sid !== EVIL);
        const state = effective(before, founded);
        fc.pre(
          [...state.roles].every(([id, { role }]) => role === undefined || !id.endsWith(EVIL)),
        );
        expect(ruled(effective([...before, ...newest(more)], founded))).toEqual(ruled(state));
      }),
      { numRuns: 500 },
    );
  });

  test("a server whose account is a moderator changes nothing that only owners may", () => {
    const role = give(ANN, `ed@${EVIL}`, "moderator", 30);
    fc.assert(
      fc.property(entries, fc.array(signedBy(EVIL), { maxLength: 20 }), (all, more) => {
        const before = [
          ...all.filter(({ sid, entry: { key } }) => sid !== EVIL && key !== role.entry.key),
          role,
        ];
        const state = effective(before, founded);
        const evil = [...state.roles].filter(
          ([id, one]) => id.endsWith(EVIL) && one.role !== undefined,
        );
        fc.pre(evil.every(([, one]) => one.role === "moderator" || one.role === "voice"));
        const after = effective([...before, ...newest(more)], founded);
        for (const [key, one] of Object.entries(NEEDS))
          if (one === "owner") expect(after.registers.get(key)).toBe(state.registers.get(key));
        for (const [id, one] of after.roles)
          if (one.role !== state.roles.get(id)?.role) expect(one.role ?? "voice").toBe("voice");
      }),
      { numRuns: 300 },
    );
  });

  test("the role of one above or beside cannot be taken, nor changed", () => {
    const given = fc.array(
      fc
        .record({
          by: actor,
          to: actor,
          at: fc.nat(30),
          role: fc.constantFrom("owner", "moderator"),
        })
        .map(({ by, to, at, role }) => give(by, to, role as RoleName, at)),
      { minLength: 20, maxLength: 40 },
    );
    const tried = fc.record({ by: fc.nat(), to: fc.nat(), at: fc.nat(60), role: fc.nat(3) });
    fc.assert(
      fc.property(given, tried, (some, { by, to, at, role }) => {
        const all = newest(some);
        const state = effective(all, founded);
        const known = [...state.roles.keys()];
        const [mine = "", target = ""] = [known[by % known.length], known[to % known.length]];
        const [me, them] = [state.roles.get(mine), state.roles.get(target)];
        if (me === undefined || them?.role === undefined || them.depth > me.depth) return;
        const value = role === 3 ? null : valueFor("role/x", role);
        const more = entryOf(mine, `role/${target}`, value, at);
        // What its own server said of it before, and now says otherwise, was that server's to say.
        if (them.from?.sid === more.sid) return;
        const after = effective(newest([...all, more]), founded);
        expect(after.roles.get(target)?.role).toBe(them.role);
      }),
      { numRuns: 500 },
    );
  });

  test("over a merge, each side's rooms are as they were", () => {
    const other = fc.array(signedBy(EVIL), { maxLength: 20 });
    fc.assert(
      fc.property(entries, other, (all, theirs) => {
        const ours = all.filter(({ sid }) => sid !== EVIL);
        const state = effective(ours, founded);
        fc.pre(
          [...state.roles].every(([id, { role }]) => role === undefined || !id.endsWith(EVIL)),
        );
        const both = newest([...ours, ...theirs]);
        expect(ruled(effective(both, founded))).toEqual(ruled(state));
        // And at the other server, whose founder is its own: nothing of ours counts without a role.
        const there: Authority = { founder: `ed@${EVIL}` };
        const alone = effective(newest(theirs), there);
        fc.pre([...alone.roles].every(([id, { role }]) => role === undefined || id.endsWith(EVIL)));
        expect(ruled(effective(both, there))).toEqual(ruled(alone));
      }),
      { numRuns: 500 },
    );
  });

  test("operators count in their own server's rooms, and their word in no other", () => {
    const office = entry.map((one): Signed => ({ ...one, entry: { ...one.entry, office: true } }));
    fc.assert(
      fc.property(entries, fc.array(office, { maxLength: 10 }), (all, offices) => {
        const both = newest([...all, ...offices]);
        const plainOnes = both.filter((one) => one.entry.office === undefined);
        expect(plain(effective(both, founded))).toEqual(plain(effective(plainOnes, founded)));
        const here = effective(both, { founder: undefined, office: PARIS });
        for (const one of here.registers.values()) {
          if (one.entry.office === true) expect(one.sid).toBe(PARIS);
          else if (one.entry.key !== "topic" || !isTopicOpen(here))
            expect(here.roles.get(actorOf(one))?.role).toMatch(/owner|moderator/);
        }
      }),
    );
  });
});

describe("who is let in and heard", () => {
  const state = (...more: Signed[]): RoomState => effective(more, founded);
  const person = (nick: string, account?: string, sid = LYON, server = "lyon") => ({
    nick,
    account,
    sid,
    server: server as ServerName,
  });

  test("a ban holds by nick, by account and by server, until it ends", () => {
    const banned = state(
      entryOf(ANN, "ban/eve@lyon", { reason: "spam", until: 1000 }, 1),
      entryOf(ANN, "ban/bot*@*", {}, 2),
      entryOf(ANN, "ban/*@evil", {}, 3),
    );
    const code = (who: Parameters<typeof barred>[1], now = 1) => barred(banned, who, now)?.code;
    expect(code(person("eve"))).toBe("BANNED");
    expect(barred(banned, person("eve"), 1)?.text).toContain("spam");
    expect(code(person("Other", "eve"))).toBe("BANNED");
    expect(code(person("EVE"))).toBe("BANNED");
    expect(code(person("eve"), 1000)).toBeUndefined();
    expect(code(person("eve", undefined, PARIS, "paris"))).toBeUndefined();
    expect(code(person("bot7"))).toBe("BANNED");
    expect(code(person("anybody", undefined, EVIL, "evil"))).toBe("BANNED");
  });

  test("owners and moderators are not touched by bans, mutes and modes", () => {
    const all = state(
      give(ANN, `mo@${LYON}`, "moderator", 1),
      entryOf(ANN, "ban/*@lyon", {}, 2),
      entryOf(ANN, "mute/*@lyon", {}, 3),
      entryOf(ANN, "mode/read-only", true, 4),
      entryOf(ANN, "mode/invite-only", true, 5),
    );
    expect(barred(all, person("mo", "mo"), 1)).toBeUndefined();
    expect(silenced(all, person("mo", "mo"), 1)).toBeUndefined();
    expect(barred(all, person("mo"), 1)?.code).toBe("BANNED");
  });

  test("an invitation lets one in where none is let in without, but no banned one", () => {
    const all = state(
      entryOf(ANN, "mode/invite-only", true, 1),
      entryOf(ANN, "invite/ben@lyon", true, 2),
      entryOf(ANN, "invite/eve@lyon", true, 3),
      entryOf(ANN, "ban/eve@lyon", {}, 4),
    );
    expect(barred(all, person("ben"), 1)).toBeUndefined();
    expect(barred(all, person("cyd"), 1)?.code).toBe("INVITE_ONLY");
    expect(barred(all, person("eve"), 1)?.code).toBe("BANNED");
  });

  test("the muted, those without a voice, and all but moderators are silent where it is so", () => {
    const muted = state(entryOf(ANN, "mute/ben@lyon", {}, 1));
    expect(silenced(muted, person("ben"), 1)?.code).toBe("MUTED");
    const moderated = state(
      entryOf(ANN, "mode/moderated", true, 1),
      give(ANN, `vera@${LYON}`, "voice", 2),
    );
    expect(silenced(moderated, person("ben"), 1)?.code).toBe("MODERATED");
    expect(silenced(moderated, person("v", "vera"), 1)).toBeUndefined();
    const readOnly = state(
      entryOf(ANN, "mode/read-only", true, 1),
      give(ANN, `vera@${LYON}`, "voice", 2),
    );
    expect(silenced(readOnly, person("v", "vera"), 1)?.code).toBe("READ_ONLY");
    expect(modeOf(readOnly, "read-only")).toBe(true);
  });
});
