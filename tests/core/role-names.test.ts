// Who is meant in a room's settings: one has a nick and perhaps an account of another name, and
// both are the same in large letters and small.

import { describe, expect, test } from "bun:test";
import authGuest from "../../plugins/auth-guest.ts";
import type { Signed } from "../../src/core/room-state.ts";
import { counts, effective, roleOf } from "../../src/core/room-state.ts";
import { allow, definePlugin } from "../../src/plugin.ts";
import type { RoleName } from "../../src/protocol/state.ts";
import type { Json } from "./peer.ts";
import { Ruled } from "./ruled.ts";
import { entryOf, SIDS } from "./state-entries.ts";

const codeOf = (answer: Json): unknown => answer["code"] ?? "ack";
const room = "#chat";
const [PARIS, LYON] = SIDS;
const ANN = `ann@${PARIS}`;
const founded = { founder: ANN };

/** An account is its password; of those that are known in advance the writing is known, too. */
const authByPassword = (known: readonly string[] = []) =>
  definePlugin({
    name: "auth-by-password",
    provides: ["auth"],
    setup: () => ({
      accountOf: (nick) => known.find((one) => one.toLowerCase() === nick.toLowerCase()),
      onAuth: ({ credential }) =>
        credential.kind === "password" ? allow(credential.password) : undefined,
    }),
  });

function begin(seed: string, known?: readonly string[]) {
  const world = new Ruled(seed);
  const plugins = [authByPassword(known)(), authGuest(), world.place.hub.plugin()];
  const [paris, lyon] = [world.start("paris", { plugins }), world.start("lyon", { plugins })];
  world.place.join(paris, lyon);
  const ann = world.account(paris, "ann", "ann");
  ann.get("join", { room });
  world.place.rest(500);
  return { world, paris, lyon, ann };
}

test("who is invited by his nick sets an open topic, whatever his account is called", () => {
  const { world, lyon, ann } = begin("open topic");
  for (const [key, value] of [
    ["mode/open-topic", true],
    ["mode/invite-only", true],
    ["invite/gus@lyon", true],
  ] as const)
    expect(codeOf(world.set(ann, room, key, value))).toBe("ack");
  world.place.rest(500);
  const gus = world.account(lyon, "gus", "gustav");
  gus.get("join", { room });
  expect(codeOf(world.set(gus, room, "topic", "tea"))).toBe("ack");
  world.place.rest(500);
  for (const one of [ann, gus]) expect(world.settings(one, room)["topic"]).toBe("tea");
  expect(codeOf(world.set(ann, room, "invite/gus@lyon", null))).toBe("ack");
  world.place.rest(500);
  expect(gus.all("removed")).toHaveLength(1);
  expect(world.settings(ann, room)["topic"]).toBe("tea");
});

test("who has another account is known by it also where the change was lost on the way", () => {
  const world = new Ruled("lost");
  const plugins = [authByPassword()(), authGuest(), world.place.hub.plugin()];
  const [paris, lyon] = [world.start("paris", { plugins }), world.start("lyon", { plugins })];
  const [ann, ben] = [world.account(paris, "ann", "ann"), world.account(lyon, "ben", "bentley")];
  for (const one of [ann, ben]) one.get("join", { room }); // each founds it
  world.place.rest(70_000);
  world.place.join(paris, lyon);
  expect(codeOf(world.set(ann, room, "ban/benny@lyon", {}))).toBe("ack");
  world.place.hub.fate = ({ traffic }) => (traffic === "control" ? "lose" : "pass");
  for (const nick of ["Ben", "ben"]) ben.get("rename", { nick, password: "benny" });
  world.place.rest(5000);
  expect(ann.all("left")).toMatchObject([{ room, person: { address: "ben@lyon" } }]);
});

describe("a role that is given to one who is away", () => {
  test("is that of the account, in its own writing", () => {
    const { world, paris, ann } = begin("own", ["Ben"]);
    expect(codeOf(world.set(ann, room, "role/BEN@paris", "moderator"))).toBe("ack");
    expect(world.settings(ann, room)).toEqual({ "role/Ben@paris": "moderator" });
    const ben = world.account(paris, "benny", "Ben");
    expect(ben.get("join", { room })["role"]).toBe("moderator");
  });

  test("of another server is his, however he is written there", () => {
    const { world, lyon, ann } = begin("others");
    expect(codeOf(world.set(ann, room, "role/BEN@lyon", "moderator"))).toBe("ack");
    world.place.rest(500);
    const [ben, eve] = [world.account(lyon, "ben", "Ben"), world.guest(lyon, "eve")];
    for (const one of [ben, eve]) one.get("join", { room });
    expect(ben.get("room", { room })["role"]).toBe("moderator");
    expect(codeOf(world.set(ben, room, "topic", "tea"))).toBe("ack");
    world.place.rest(500);
    expect(world.settings(ann, room)["topic"]).toBe("tea");
    expect(codeOf(world.set(ann, room, "role/ben@lyon", null))).toBe("ack");
    world.place.rest(500);
    expect(ben.get("room", { room })["role"]).toBeUndefined();
    expect(codeOf(world.set(ben, room, "topic", "coffee"))).toBe("NOT_PERMITTED");
    expect(world.settings(ann, room)).toEqual({ topic: "tea" });
  });
});

test("a ban or a mute of one owner or moderator is refused, and not announced", () => {
  const { world, paris, lyon, ann } = begin("above", []);
  world.account(paris, "max", "maximus");
  const ben = world.account(lyon, "ben", "ben");
  ben.get("join", { room });
  world.place.rest(500);
  for (const who of ["max@paris", "ben@lyon"])
    expect(codeOf(world.set(ann, room, `role/${who}`, "moderator"))).toBe("ack");
  world.place.rest(500);
  const from = ann.all("state").length;
  for (const [kind, done] of [
    ["ban", "banned"],
    ["mute", "muted"],
  ] as const) {
    const refused = (of: string, why: string) => {
      const text = `room ${room}: ${of} is ${why}`;
      const answer = world.set(ann, room, `${kind}/${of}`, {});
      expect(answer).toMatchObject({ code: "NOT_PERMITTED", text });
    };
    refused("ann@paris", `the founder, and cannot be ${done}`);
    for (const of of ["ben@lyon", "max@paris", "maximus@paris"])
      refused(of, `an owner or a moderator, and cannot be ${done}: take the role first`);
  }
  expect(codeOf(world.set(ben, room, "ban/ANN@paris", {}))).toBe("NOT_PERMITTED");
  world.place.rest(500);
  expect(ann.all("state").slice(from)).toEqual([]);
  // Who fits a pattern of many is left out of it; and there may be one of this nick elsewhere.
  for (const key of ["ban/b*@lyon", "mute/ben", "mute/*@lyon"])
    expect(codeOf(world.set(ann, room, key, {}))).toBe("ack");
  expect(codeOf(world.set(ann, room, "ban/ben@lyon", null))).toBe("ack");
  world.set(ann, room, "role/ben@lyon", null);
  expect(codeOf(world.set(ann, room, "ban/ben@lyon", {}))).toBe("ack");
});

describe("a role for an account that this server does not have", () => {
  test("is refused, with whom else may be meant, and may be taken", () => {
    const { world, paris, lyon, ann } = begin("nobody", ["Ben"]);
    const set = (of: string, role: string | null = "voice") =>
      world.set(ann, room, `role/${of}`, role);
    const why = "paris has no such account, and nobody there has this nick";
    const text = `nobody@paris: ${why}; roles are given to accounts`;
    expect(set("nobody@paris")).toMatchObject({ code: "NO_SUCH_NICK", text });
    world.guest(lyon, "Nobody");
    world.place.rest(500);
    const meant = { code: "NO_SUCH_NICK", text: `${text} (did you mean Nobody@lyon?)` };
    expect(set("nobody@paris", "moderator")).toMatchObject(meant);
    expect(codeOf(set("nobody@paris", null))).toBe("ack");
    // Of others' accounts nobody here can know, but of who is there without one.
    expect(codeOf(set("nobody@lyon"))).toBe("NOT_PERMITTED");
    expect(codeOf(set("else@lyon"))).toBe("ack");
    // Whose account it is, is known by that he is there.
    world.account(paris, "max", "maximus");
    expect([codeOf(set("max@paris")), codeOf(set("BEN@paris"))]).toEqual(["ack", "ack"]);
  });

  test("is taken as it is where no plugin tells accounts", () => {
    const world = new Ruled("untold");
    const ann = world.account(world.start("paris"), "ann");
    ann.get("join", { room });
    expect(codeOf(world.set(ann, room, "role/nobody@paris", "voice"))).toBe("ack");
  });

  test("is refused by a guest who runs the room as well", () => {
    const world = new Ruled("guests");
    const plugins = [authByPassword([])(), authGuest(), world.place.hub.plugin()];
    const paris = world.start("paris", { plugins, guestRooms: true });
    const [gus, eve] = [world.guest(paris, "gus"), world.guest(paris, "eve")];
    for (const one of [gus, eve]) one.get("join", { room });
    const roles = ["nobody", "eve"].map((nick) => `role/${nick}@paris`);
    const codes = roles.map((key) => codeOf(world.set(gus, room, key, "moderator")));
    expect(codes).toEqual(["NO_SUCH_NICK", "ack"]);
  });
});

test("of an open topic both the nick and the account of who set it count", () => {
  const open = entryOf(ANN, "mode/open-topic", true, 7);
  const topic = entryOf(`max@${PARIS}`, "topic", "tea", 9);
  const byNick = { ...topic, entry: { ...topic.entry, nick: "maximus" } };
  const shownIn = (...more: Signed[]) =>
    effective([open, ...more, byNick], founded).registers.get("topic")?.entry.value;
  for (const who of ["max", "maximus"]) {
    expect(shownIn(entryOf(ANN, `mute/${who}@somewhere`, {}, 8))).toBeUndefined();
    const [closed, invited] = [
      entryOf(ANN, "mode/invite-only", true, 8),
      entryOf(ANN, `invite/${who}@somewhere`, true, 8),
    ];
    expect([shownIn(closed), shownIn(closed, invited)]).toEqual([undefined, "tea"]);
  }
});
test("a role is of an account in any letters, and of what one says of it the last counts", () => {
  const [small, large] = [`nina@${LYON}`, `NINA@${LYON}`];
  const nina = { account: "Nina", sid: LYON };
  const given = (to: string, role: RoleName, at: number) =>
    entryOf(ANN, `role/${to}`, { role, server: "somewhere" }, at);
  const roleIn = (...some: Signed[]) => roleOf(effective(some, founded), nina);
  expect(roleIn(given(large, "moderator", 1))).toBe("moderator");
  const taken = entryOf(ANN, `role/${small}`, null, 2);
  expect(roleIn(given(large, "moderator", 1), taken)).toBeUndefined();
  expect(roleIn(given(large, "moderator", 3), taken)).toBe("moderator");
  const owner = given(large, "owner", 3);
  const topic = entryOf(`Nina@${LYON}`, "topic", "tea", 4);
  expect(counts(effective([owner], founded), [owner], topic, founded)).toBe(true);
});
