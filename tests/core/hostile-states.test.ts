// A member of the fusion that does not obey: it says what it likes of rooms, of roles and of its
// own people, whoever they are. Nothing of it is shown, nothing changes, nothing grows without end.

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import type { RoomName } from "../../src/names.ts";
import type { Hooks } from "../../src/plugin.ts";
import { encodeJson, FRAME } from "../../src/protocol/frame.ts";
import { Liar } from "./liar.ts";
import { MemoryHistory } from "./memory.ts";
import type { Json, Peer } from "./peer.ts";
import type { Home } from "./place.ts";
import { Ruled } from "./ruled.ts";

const ROOM = "#chat" as RoomName;

interface Scene {
  readonly world: Ruled;
  readonly paris: Home;
  readonly mal: Liar;
  readonly ann: Peer;
  readonly history: MemoryHistory;
  /** What plugins were told of. */
  readonly logged: readonly string[];
}

/** ann rules #chat in paris; mal, a server with people of its own there, is merged with it. */
function scene(seed: string): Scene {
  const world = new Ruled(seed);
  const history = new MemoryHistory();
  const logged: string[] = [];
  const hooks: Partial<Hooks> = {
    onLogged: (messages) => void logged.push(...messages.map(({ text }) => text)),
  };
  const paris = world.start("paris", { more: [history.plugin()], hooks });
  const ann = world.account(paris, "ann");
  ann.get("join", { room: ROOM });
  world.place.rest(LIMITS.foundingMsMax + 1000);
  const mal = new Liar(world.place, "mal");
  world.place.hub.join("paris", "mal");
  world.place.rest(100);
  people(mal, ["eve", "", 1, [ROOM]], ["ed", "ed", 1, [ROOM]]);
  mal.tell("paris", { t: "stand", heads: { [ROOM]: 0 } });
  world.place.rest(100);
  return { world, paris, mal, ann, history, logged };
}

const people = (mal: Liar, ...rows: readonly (readonly unknown[])[]) =>
  mal.tell("paris", { t: "people", v: 1, first: true, last: true, people: rows });

/** It says something in the room, under the number that comes next. */
function says({ mal, world }: Scene, number: number, text: string, more: Json): void {
  const entry = mal.entry(text, { room: ROOM, ...more });
  const frames = [encodeJson(FRAME.message, entry)];
  const leaf = { origin: mal.sid, life: mal.life, tick: number, room: ROOM, first: number, frames };
  mal.publish("paris", "room", mal.tick(leaf)[0]!);
  world.place.rest(100);
}

const entriesOf = (mal: Liar, ...rows: readonly (readonly string[])[]) =>
  mal.tell("paris", { t: "entries", rows, fresh: true });

describe("what it signs", () => {
  test("gives nobody of it a role, and changes nothing, under whatever date", () => {
    const at = scene("signs");
    const { world, mal, ann, paris } = at;
    world.set(ann, ROOM, "topic", "tea");
    const held = world.held(paris) as number;
    const before = ann.get("room", { room: ROOM });
    const keys: readonly (readonly [string, unknown])[] = [
      ["founded", true],
      ["topic", "mine"],
      ["mode/read-only", true],
      ["mode/secret", true],
      ["ban/ann@paris", {}],
      ["ban/*@paris", {}],
      [`role/ed@${mal.sid}`, { role: "owner", server: "mal" }],
      ["pin/x", true],
    ];
    for (const when of [0, 1, world.place.world.now, 2 ** 45])
      entriesOf(
        mal,
        ...keys.map(([key, value]) => mal.stateRow({ room: ROOM, key, value, by: "ed", at: when })),
      );
    world.place.rest(5000);
    expect(ann.get("room", { room: ROOM })).toEqual({
      ...before,
      ref: expect.anything() as number,
    });
    expect(ann.all("removed")).toEqual([]);
    expect(world.held(paris)).toBe(held + keys.length);
    expect(world.place.faults()).toEqual([]);
  });

  test("counts as far as the role reaches that an owner gave one of it, and no further", () => {
    const at = scene("reaches");
    const { world, mal, ann } = at;
    world.set(ann, ROOM, "role/ed@mal", "moderator");
    const now = world.place.world.now + 1_000_000;
    const by = { room: ROOM, by: "ed", at: now };
    entriesOf(
      mal,
      mal.stateRow({ ...by, key: "topic", value: "by ed" }),
      mal.stateRow({ ...by, key: "mode/secret", value: true }),
      mal.stateRow({ ...by, key: `role/ed@${mal.sid}`, value: { role: "owner", server: "mal" } }),
      mal.stateRow({ ...by, by: "eve", key: "description", value: "by eve" }),
    );
    world.place.rest(100);
    expect(world.settings(ann, ROOM)).toEqual({ topic: "by ed", "role/ed@mal": "moderator" });
    // Dismissed, it goes on signing, with dates from before.
    world.set(ann, ROOM, "role/ed@mal", null);
    entriesOf(mal, mal.stateRow({ ...by, at: now + 1, key: "topic", value: "again" }));
    entriesOf(mal, mal.stateRow({ ...by, at: 5, key: "description", value: "long ago" }));
    world.place.rest(100);
    expect(world.settings(ann, ROOM)).toEqual({ topic: "by ed" });
    expect(world.set(ann, ROOM, "topic", "ann's")["value"]).toBe("ann's");
    expect(world.settings(ann, ROOM)).toEqual({ topic: "ann's" });
  });

  test("is taken only under its own key, unaltered, and of rooms that servers share", () => {
    const { world, mal, ann, paris } = scene("altered");
    world.set(ann, ROOM, "role/ed@mal", "moderator");
    const held = world.held(paris);
    const of = { room: ROOM, key: "topic", value: "x", by: "ed", at: 99 };
    const [body = "", key = "", signature = ""] = mal.stateRow(of);
    const own = "ab".repeat(32);
    entriesOf(
      mal,
      [body.replace('"x"', '"y"'), key, signature],
      [body, own, signature],
      [body, key, "0".repeat(128)],
      mal.stateRow({ ...of, room: "#lobby" }),
      mal.stateRow({ ...of, room: "&local" }),
      mal.stateRow({ ...of, room: "#Chat" }),
      mal.stateRow({ ...of, room: "nothing" }),
      mal.stateRow({ ...of, office: true }),
      mal.stateRow({ ...of, key: "ban/EVE@paris", value: {} }),
      mal.stateRow({ ...of, key: "ban/*", value: {} }),
    );
    world.place.rest(100);
    expect(world.held(paris)).toBe(held);
    expect(world.settings(ann, ROOM)).toEqual({ "role/ed@mal": "moderator" });
  });

  test("is bounded in a room", () => {
    const { world, mal, paris } = scene("bounded");
    const held = world.held(paris) as number;
    const rows = Array.from({ length: LIMITS.stateEntriesPerServerMax + 100 }, (_, i) =>
      mal.stateRow({ room: ROOM, key: `ban/n${i}@x`, value: {}, by: "ed", at: 100 + i }),
    );
    for (let i = 0; i < rows.length; i += LIMITS.statePageMax)
      entriesOf(mal, ...rows.slice(i, i + LIMITS.statePageMax));
    world.place.rest(1000);
    expect(world.held(paris)).toBe(held + LIMITS.stateEntriesPerServerMax);
  });

  test("is answered without what is this server's own", () => {
    const { world, mal, ann, paris } = scene("asked");
    const op = world.account(paris, "op", "operator");
    ann.get("join", { room: "&own" });
    world.set(ann, "&own", "topic", "a secret of this house");
    world.set(op, "#lobby", "topic", "a secret of this house");
    mal.heard.length = 0;
    mal.tell("paris", { t: "entries?", rooms: ["&own", "#lobby", ROOM, "", "#none"] });
    mal.tell("paris", { t: "states", digests: [] });
    for (let part = 0; part < LIMITS.stateShelves; part++)
      mal.tell("paris", { t: "rooms", part, after: "", rooms: [["&own", "0".repeat(32)]] });
    mal.tell("paris", { t: "rooms", part: 255, after: "zz", upTo: "a", rooms: [] });
    world.place.rest(10_000);
    const told = JSON.stringify(mal.heard);
    expect(told).toContain("founded");
    expect(told).not.toContain("secret of this house");
    expect(mal.heard.filter(({ t }) => t === "entries").length).toBeLessThan(50);
    expect(world.place.faults()).toEqual([]);
  });
});

describe("its people", () => {
  test("P43: are not heard while they are banned, nor found in the history", () => {
    const at = scene("banned");
    const { world, ann, history, logged } = at;
    says(at, 1, "before", { from: "eve@mal" });
    world.set(ann, ROOM, "ban/eve@mal", {});
    says(at, 2, "banned", { from: "eve@mal" });
    says(at, 3, "backdated", { from: "eve@mal", id: `000000001000012345678`, at: 1 });
    says(at, 4, "another", { from: "ed@mal", account: "ed" });
    world.set(ann, ROOM, "ban/eve@mal", null);
    says(at, 5, "after", { from: "eve@mal" });
    expect(ann.texts(ROOM)).toEqual(["before", "another", "after"]);
    const { messages } = ann.get("history", { room: ROOM }) as { messages: readonly Json[] };
    expect(messages.map(({ text }) => text)).toEqual(["before", "another", "after"]);
    expect(history.texts(ROOM)).not.toContain("banned");
    expect(logged).toEqual(["before", "another", "after"]);
    // The stream has no hole: the batches are kept as they were signed, for others.
    expect(history.streams().find(({ stream }) => stream.room === ROOM)?.last).toBe(5);
    const first = messages[0]?.["id"];
    const since = ann.get("history", { room: ROOM, since: first, limit: 1 });
    expect((since as { messages: readonly Json[] }).messages[0]?.["text"]).toBe("another");
  });

  test("are silent where they are muted, have no voice, or are not invited", () => {
    const at = scene("silent");
    const { world, ann } = at;
    let number = 0;
    const during = (key: string, value: unknown, from = "eve@mal"): string[] => {
      world.set(ann, ROOM, key, value);
      const had = ann.texts(ROOM).length;
      says(at, ++number, `${key} ${from}`, {
        from,
        ...(from === "ed@mal" ? { account: "ed" } : {}),
      });
      world.set(ann, ROOM, key, null);
      return ann.texts(ROOM).slice(had);
    };
    expect(during("mute/*@mal", {})).toEqual([]);
    expect(during("mode/moderated", true)).toEqual([]);
    expect(during("mode/read-only", true)).toEqual([]);
    world.set(ann, ROOM, "role/ed@mal", "voice");
    expect(during("mode/moderated", true, "ed@mal")).toHaveLength(1);
    expect(during("mode/read-only", true, "ed@mal")).toEqual([]);
    // Those who are there when it closes are invited; one who comes by himself is not.
    world.set(ann, ROOM, "mode/invite-only", true);
    people(at.mal, ["new", "", 2, [ROOM]], ["eve", "", 1, [ROOM]]);
    world.place.rest(100);
    says(at, ++number, "invited", { from: "eve@mal" });
    says(at, ++number, "intruder", { from: "new@mal" });
    expect(ann.texts(ROOM).slice(-1)).toEqual(["invited"]);
    const { people: shown } = ann.get("who", { room: ROOM }) as { people: readonly Json[] };
    expect(shown.map(({ address }) => address)).toEqual(["ann@paris", "eve@mal"]);
  });

  test("have set no topic in the history where they may not, nor one that is none", () => {
    const at = scene("topics");
    const { world, ann } = at;
    const topic = (number: number, text: string, more: Json = {}) =>
      says(at, number, text, { from: "ed@mal", account: "ed", kind: "topic", ...more });
    topic(1, "forged");
    world.set(ann, ROOM, "role/ed@mal", "moderator");
    topic(2, "of a moderator");
    world.set(ann, ROOM, "mode/open-topic", true);
    topic(3, "open", { from: "eve@mal", account: undefined });
    world.set(ann, ROOM, "mute/eve@mal", {});
    topic(4, "muted", { from: "eve@mal", account: undefined });
    topic(5, "x".repeat(LIMITS.reasonBytesMax + 1));
    expect(ann.texts(ROOM)).toEqual([]);
    const { messages } = ann.get("history", { room: ROOM }) as { messages: readonly Json[] };
    expect(messages.map(({ text }) => text)).toEqual(["of a moderator", "open"]);
  });

  test("are slow in slow mode, whatever their server lets through at once", () => {
    const at = scene("slow");
    const { world, ann } = at;
    world.set(ann, ROOM, "mode/slow", 60);
    for (let number = 1; number <= 20; number++) says(at, number, `${number}`, { from: "eve@mal" });
    expect(ann.texts(ROOM).length).toBe(LIMITS.slowBurstMax);
    world.place.rest(60_000);
    says(at, 21, "later", { from: "eve@mal" });
    expect(ann.texts(ROOM).at(-1)).toBe("later");
  });

  test("kick nobody without the role, and nobody of a role", () => {
    const { world, mal, ann, paris } = scene("kick");
    const gus = world.guest(paris, "gus");
    gus.get("join", { room: ROOM });
    const kick = (nick: string, more: Json = {}) => {
      mal.tell("paris", { t: "kick", id: nick, room: ROOM, nick, by: "ed", ...more });
      world.place.rest(100);
      return mal.last("kicked")?.["code"];
    };
    expect(kick("gus")).toBe("NOT_PERMITTED");
    expect(kick("gus", { room: "&own" })).toBe("ROOM_INVALID");
    world.set(ann, ROOM, "role/ed@mal", "moderator");
    expect(kick("gus", { by: "eve" })).toBe("NOT_PERMITTED");
    expect(kick("ann")).toBe("NOT_PERMITTED");
    expect(kick("gus", { room: "#lobby" })).toBe("ROOM_INVALID");
    expect(gus.all("removed")).toEqual([]);
    expect(kick("gus", { reason: "x" })).toBeUndefined();
    expect(gus.all("removed")).toMatchObject([{ text: "kicked by ed@mal: x" }]);
    mal.tell("paris", { t: "kicked", id: "unknown" });
    world.place.rest(100);
    expect(world.place.faults()).toEqual([]);
  });
});
