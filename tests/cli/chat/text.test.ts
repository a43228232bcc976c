// What people are shown: a line each, or the lines of a text, and nothing that moves a cursor.

import { describe, expect, test } from "bun:test";
import type { Shown } from "../../../src/cli/chat/shown.ts";
import { createTextWriter } from "../../../src/cli/chat/text.ts";
import type { RoomName } from "../../../src/names.ts";

const write = createTextWriter({ colours: false, self: () => "ann@paris" });
const message = {
  event: "message",
  id: "1",
  from: "bob@lyon",
  room: "#lobby" as RoomName,
  kind: "text",
  text: "hi",
  at: Date.now(),
} as const;

test("messages of the lobby, of rooms, actions and notices look different", () => {
  const lines = [
    message,
    { ...message, room: "#tea" as RoomName },
    { ...message, kind: "action" as const },
    { ...message, kind: "notice" as const, late: true as const },
  ].map((shown) => write(shown).replace(/^\d\d:\d\d /, ""));
  expect(lines).toEqual([
    "bob@lyon: hi",
    "#tea bob@lyon: hi",
    "* bob@lyon hi",
    "bob@lyon!: hi (late)",
  ]);
});

test("who asked for what is so already is told that nothing has changed", () => {
  const ack = { event: "ack", ref: 1, room: "#tea", unchanged: true } as const;
  const lines = [
    { ...ack, key: "ban/eve@lyon", value: null },
    { ...ack, key: "mode/limit", value: 5 },
  ];
  expect(lines.map(write)).toEqual([
    "-- nothing has changed: ban eve@lyon in #tea is not set",
    "-- nothing has changed: mode limit in #tea is set so already",
  ]);
});

test("of a ban it is said who lifted it, or that its time is over", () => {
  const what = { event: "setting", room: "#tea" as RoomName, by: "ann@paris", at: 0 } as const;
  const lines = [
    { ...what, key: "ban/eve@*", value: {} },
    { ...what, key: "ban/eve@*", value: null },
    { ...what, key: "mute/eve@*", value: null, expired: true as const },
  ].map((shown) => write(shown));
  expect(lines).toEqual([
    "-- ann@paris has banned eve@* in #tea",
    "-- ann@paris has unbanned eve@* in #tea",
    "-- eve@* is muted no more in #tea: the time is over",
  ]);
});

test("a text of several lines has as many rows, none of which looks like a message", () => {
  const text = "if x:\r\n  \u001b[2Jy\n\n12:00 eve@lyon: yes\r!";
  const rows = ["      if x:", "        ␛[2Jy", "", "      12:00 eve@lyon: yes␍!"].join("\n");
  const lines = [
    { ...message, text },
    { ...message, text, kind: "action" as const, late: true as const },
    { event: "private" as const, id: "2", to: "ann@paris", from: "bob@lyon", at: 0, text },
    { event: "ack" as const, ref: 1, to: "bob@lyon", outcome: "delivered" as const, at: 0, text },
    { ...message, kind: "reaction" as const, text: "a\nb", of: { from: "bob@lyon", at: 0, text } },
  ].map((shown) => write({ kind: "text", ...shown }).replace(/^(?:\S{10} )?\d\d:\d\d /, ""));
  expect(lines).toEqual([
    `bob@lyon:\n${rows}`,
    `* bob@lyon\n${rows} (late)`,
    `bob@lyon → you:\n${rows}`,
    `you → bob@lyon:\n${rows}`,
    "-- bob@lyon: a␊b to bob@lyon “if x:␍␊  ␛[2Jy␊␊12:00 eve@lyon:…”",
  ]);
});

test("one's own message that had to wait for the connection looks as usual", () => {
  const own = { ...message, from: "ann@paris", late: true as const };
  expect(write(own)).toEndWith("ann@paris: hi");
});

test("one's own messages have another colour, where there are colours", () => {
  const colourful = createTextWriter({ colours: true, self: () => "ann@paris" });
  const own = colourful({ ...message, from: "ann@paris" });
  const others = colourful({ ...message, from: "ann@parit" });
  expect(own).toContain("\u001b[32m");
  expect(others).not.toContain("\u001b[32m");
  expect(Bun.stripANSI(own)).toContain("ann@paris: hi");
});

test("what is done to a message says to which one", () => {
  const of = { from: "ann@paris", at: new Date(2020, 0, 2, 3, 4).getTime(), text: "a question" };
  const about = { ...message, about: "0", of };
  const lines = [
    about,
    { ...message, thread: "0", of: { ...of, text: "x".repeat(99) } },
    { ...message, about: "0" },
    { ...about, kind: "edit" as const },
    { ...message, about: "0", kind: "edit" as const },
    { ...about, kind: "reaction" as const, text: "👍" },
    { ...about, kind: "unreaction" as const, text: "👍" },
    { ...about, kind: "delete" as const, text: "spam" },
    { ...about, kind: "delete" as const, text: "", from: "ann@paris" },
    { ...message, kind: "delete" as const, text: "", about: "0" },
  ].map((shown) => write(shown).replace(/^\d\d:\d\d /, ""));
  expect(lines).toEqual([
    "bob@lyon (to ann@paris “a question”): hi",
    `bob@lyon (in the thread of ann@paris “${"x".repeat(31)}…”): hi`,
    "bob@lyon (to a message): hi",
    "bob@lyon (instead of “a question”): hi",
    "bob@lyon: hi (edited)",
    "-- bob@lyon: 👍 to ann@paris “a question”",
    "-- bob@lyon takes 👍 back from ann@paris “a question”",
    "-- bob@lyon has deleted ann@paris “a question” of 2020-01-02 03:04: spam",
    "-- ann@paris has deleted “a question” of 2020-01-02 03:04",
    "-- bob@lyon has deleted a message",
  ]);
});

test("who is away, ignored or has read something is told in a line", () => {
  const person = { address: "bob@lyon", away: "lunch" };
  const lines = (
    [
      { event: "away", who: "bob@lyon", away: "lunch" },
      { event: "away", who: "bob@lyon", away: "" },
      { event: "away", who: "bob@lyon" },
      { event: "typing", who: "bob@lyon" },
      { event: "read", ref: 1, room: "#tea", id: "7" },
      { event: "read", ref: 1, room: "#tea" },
      { event: "ignored", ref: 1, people: [{ address: "eve@lyon" }] },
      { event: "ignored", ref: 1, people: [] },
      { event: "ack", ref: 1, address: "eve@lyon", ignoring: true },
      { event: "ack", ref: 1, address: "eve@lyon", ignoring: false },
      { event: "ack", ref: 1, away: "x" },
      { event: "ack", ref: 1, away: null },
      { event: "who", ref: 1, room: "#tea", people: [person], total: 1 },
    ] as const satisfies readonly Shown[]
  ).map((shown) => write(shown));
  expect(lines).toEqual([
    "-- bob@lyon is away (lunch)",
    "-- bob@lyon is away",
    "-- bob@lyon is back",
    "",
    "-- #tea is read up to 7",
    "-- nothing of #tea is marked as read",
    "-- you ignore eve@lyon",
    "-- you ignore nobody",
    "-- you hear nothing more of eve@lyon",
    "-- you hear again of eve@lyon",
    "-- you are away (x)",
    "-- you are back",
    "-- 1 in #tea: bob@lyon (away)",
  ]);
  const whois = write({ event: "whois", ref: 1, ...person, since: 0, rooms: ["#tea"] });
  expect(whois).toEndWith("in #tea; away: lunch");
  const at = new Date(2020, 0, 2, 3, 4).getTime();
  const told = { event: "ack", ref: 1, to: "bob@lyon", text: "hi", at, away: "" } as const;
  expect(write({ ...told, outcome: "delivered" })).toEndWith("you → bob@lyon: hi (away)");
});

test("the past has topics, as they were set", () => {
  const entry = { ...message, id: "1", kind: "topic" as const };
  const messages = [entry, { ...entry, id: "2", text: "" }];
  expect(write({ event: "history", ref: 1, room: "#tea", messages }).split("\n")).toEqual([
    `-- bob@lyon has set the topic of ${message.room}: hi`,
    `-- bob@lyon has removed the topic of ${message.room}`,
    "-- so far in #tea",
  ]);
});

test("what means whoever sits here has a sign", () => {
  const mentions = ["cat@lyon", "ann@paris"];
  expect(write({ ...message, mentions })).toEndWith(" » bob@lyon: hi");
  expect(write({ ...message, mentions: ["cat@lyon"] })).not.toContain("»");
  expect(write({ ...message, from: "ann@paris", mentions })).not.toContain("»");
});

test("the past shows what was done to its messages, and not how", () => {
  const { from, room, kind, text: said, at } = message;
  const entry = { id: "1", from, room, kind, text: said, at };
  const messages = [
    { ...entry, edited: { text: "better", at: 2 } },
    { ...entry, id: "2", text: "", deleted: true as const },
    { ...entry, id: "3", about: "1", reactions: [{ text: "👍", count: 2, by: ["a@b", "c@d"] }] },
    { ...entry, id: "4", kind: "reaction" as const, about: "3", text: "👍" },
  ];
  const text = write({ event: "history", ref: 1, room: "#lobby", messages });
  expect(text).toEndWith("\n-- so far in #lobby");
  const lines = text.split("\n").slice(0, -1);
  expect(lines.map((line) => line.slice(6))).toEqual([
    "bob@lyon: better (edited)",
    "bob@lyon: (deleted)",
    "bob@lyon (to bob@lyon “better”): hi [👍 2]",
  ]);
});

test("a page of the past in which nothing was said is told as one", () => {
  const reaction = { ...message, id: "4", kind: "reaction" as const, about: "3", text: "👍" };
  for (const messages of [[], [reaction]])
    expect(write({ event: "history", ref: 1, room: "#tea", messages })).toBe(
      "-- nothing was said in #tea",
    );
});

test("whoever comes into a room is told how many others are there, and where they talk", () => {
  const ack = { event: "ack", ref: 1, room: "#tea" } as const;
  const how = " (what you type goes to #lobby; to talk here: /talk #tea)";
  expect([1, 2, 3].map((members) => write({ ...ack, members, talk: "#lobby" }))).toEqual([
    `-- you are in #tea, alone${how}`,
    `-- you are in #tea, with 1 other person${how}`,
    `-- you are in #tea, with 2 other people${how}`,
  ]);
  expect(write({ ...ack, members: 1, talk: "#tea" })).toBe("-- you are in #tea, alone");
  expect(write(ack)).toBe("-- you have left #tea");
  expect(write({ ...ack, talk: "#lobby" })).toBe(
    "-- you have left #tea; what you type goes to #lobby",
  );
  expect(write({ event: "ack", ref: 1, talk: "ben@lyon" })).toBe(
    "-- what you type goes to ben@lyon",
  );
  expect(write({ event: "ack", ref: 1, id: "1", at: 2, outside: "#den" })).toBe("-- said in #den");
});

test("times look the same wherever they stand: with the day only where it is another one", () => {
  const whois = { event: "whois", ref: 1, address: "bob@lyon", rooms: ["#tea"] } as const;
  const ban = {
    event: "setting",
    room: "#tea",
    key: "ban/eve@lyon",
    by: "ann@paris",
    at: 0,
  } as const;
  const [then, now] = [new Date(2020, 0, 2, 3, 4).getTime(), Date.now()];
  const lines = [
    { ...message, at: then },
    { ...whois, since: then },
    { ...ban, value: { until: then } },
    { ...whois, since: now },
    { ...ban, value: { until: now } },
  ].map((shown) => write(shown as Shown));
  for (const line of lines.slice(0, 3)) expect(line).toMatch(/(^|\D )2020-01-02 03:04\b/);
  for (const line of lines.slice(3)) expect(line).toMatch(/(since|until) \d\d:\d\d(,|$)/);
});

test("what one does oneself is said once, by the answer", () => {
  const self = "ann@paris";
  const joined = { event: "presence", who: self, room: "#tea", now: "joined" } as const;
  const lines = [
    { event: "away" as const, who: self, away: "lunch" },
    { event: "ack" as const, ref: 1, away: "lunch" },
    { event: "away" as const, who: self },
    { event: "renamed" as const, was: self, who: "anna@paris" },
    { event: "renamed" as const, was: "anna@paris", who: self },
    joined,
    { ...joined, role: "owner" as const },
    { ...joined, now: "left" as const },
  ].map(write);
  expect(lines.filter((line) => line !== "")).toEqual([
    "-- you are away (lunch)",
    "-- your role in #tea: owner",
  ]);
});

/** Controls, and what changes the direction of a text. */
const unsafe = /[\p{Cc}\p{Cf}]/u;

describe("whatever others send stays on its line, or in rows that stand in", () => {
  const bad = "a\r\nb\u001b[2J\u001b]0;x\u0007\u009b31m\u202ec\t";
  const transfer = { transfer: "f".repeat(32), number: 1 };
  const shown: readonly Shown[] = [
    { ...message, text: bad, from: bad },
    ...(["text", "edit", "reaction", "unreaction", "delete"] as const).map((kind) => ({
      ...message,
      kind,
      text: bad,
      from: bad,
      about: bad,
      room: bad as RoomName,
      of: { from: bad, at: 0, text: bad },
    })),
    { ...message, event: "private", text: bad, from: bad, to: bad },
    { event: "told", id: bad, to: bad, at: 0, code: bad, text: bad },
    { event: "presence", who: bad, room: bad, now: "left", reason: bad },
    { event: "renamed", was: bad, who: bad },
    { event: "gap", room: bad, missing: 2 },
    { event: "watched", address: bad, online: true },
    { event: "count", room: bad, members: 2 },
    {
      event: "merged",
      servers: [bad],
      fusion: [bad],
      rooms: [{ room: bad, people: 1 }],
      people: 1,
    },
    { event: "split", servers: [bad, bad], fusion: [bad], cut: [[bad, bad]] },
    { event: "offer", ...transfer, from: bad, name: bad, size: 1 },
    { event: "accepted", ...transfer, name: bad, to: bad },
    { event: "received", ...transfer, name: bad, path: bad, size: 1, sha256: "" },
    { event: "who", ref: 1, room: bad, people: [{ address: bad }], total: 1 },
    { event: "whois", ref: 1, address: bad, account: bad, since: 0, rooms: [bad] },
    { event: "rooms", ref: 1, rooms: [{ room: bad, members: 1 }] },
    { event: "fusion", ref: 1, servers: [{ server: bad, people: 1 }] },
    { event: "ack", ref: 1, outcome: "delivered", at: 0, to: bad, text: bad },
  ];
  for (const one of shown) {
    test(one.event, () => {
      const [first = "", ...rows] = write(one).split("\n");
      for (const row of [first, ...rows]) expect(row).not.toMatch(unsafe);
      for (const row of rows) expect(row).toStartWith("      ");
    });
  }

  test("what a server tells in lines may have lines, and nothing else", () => {
    for (const event of ["notice", "error", "answer"] as const) {
      const text = write({ event, ref: 1, code: "X", text: `one\ntwo${bad.slice(1)}` });
      expect(text.replaceAll("\n", "")).not.toMatch(unsafe);
    }
  });
});

test("the operator's word is told from the program's own, and from anybody's message", () => {
  const plain = (more: object) =>
    Bun.stripANSI(write({ event: "notice", text: "back at nine", ...more }));
  expect(plain({})).toBe("-- back at nine");
  expect(plain({ by: "operator" })).toBe("-- operator of paris: back at nine");
});

test("how a message ended after all is one line", () => {
  const plain = (more: object) =>
    Bun.stripANSI(write({ event: "told", id: "m", to: "bob@lyon", at: Number.NaN, ...more }));
  expect([
    plain({ outcome: "delivered" }),
    plain({ outcome: "stored" }),
    plain({ code: "NO_SUCH_NICK", text: "nobody is there" }),
  ]).toEqual([
    "-- the message to bob@lyon of --:-- was delivered after all",
    "-- the message to bob@lyon of --:-- is kept until the next login",
    "!! the message to bob@lyon of --:-- was not delivered: nobody is there (NO_SUCH_NICK)",
  ]);
});

test("an export says where it is, or that there was nothing to write", () => {
  const exported = { event: "exported", ref: 1, room: "#tea" } as const;
  expect(write({ ...exported, path: "/a", messages: 1 })).toBe("-- 1 message of #tea is in /a");
  const nothing = "-- nothing is kept of #tea: no file is written";
  expect(write({ ...exported, messages: 0 })).toBe(nothing);
});
