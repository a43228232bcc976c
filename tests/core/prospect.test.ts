// What a dry run makes of the other side's summary, of whatever kind it is; and the map's answers.

import { expect, test } from "bun:test";
import { prospectOf } from "../../src/core/prospect.ts";
import { readSummary, type Summary } from "../../src/core/summary.ts";
import { createSurvey } from "../../src/core/survey.ts";
import type { Peer } from "../../src/core/peer.ts";
import { LIMITS } from "../../src/limits.ts";
import type { ServerName, Sid } from "../../src/names.ts";
import type { Fabric, View } from "../../src/plugin.ts";
import { createWorld } from "../../src/testing.ts";

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const empty: Summary = { servers: [], people: 0, names: [], rooms: [], roomsTotal: 0 };
const ours = { servers: ["paris"], summary: empty, isIn: () => false, isNeighbour: () => false };
const lyon = "lyon" as ServerName;
const possible = { state: "possible", server: lyon, sid: "" as Sid, fusion: [] } as const;

test("a summary that is none is as good as none", () => {
  const long = "x".repeat(LIMITS.nameBytesMax * 2 + 3);
  const many = Array.from({ length: LIMITS.summaryRowsMax + 1 }, () => ({
    server: "x",
    people: 0,
  }));
  for (const summary of [
    new Uint8Array(),
    encode(null),
    encode({ ...empty, people: -1 }),
    encode({ ...empty, people: "many" }),
    encode({ ...empty, names: [long] }),
    encode({ ...empty, servers: many }),
    new Uint8Array([...encode(empty), ...new Uint8Array(LIMITS.summaryBytesMax).fill(32)]),
  ]) {
    expect(readSummary(summary)).toBeUndefined();
    const { text } = prospectOf(
      possible,
      { server: lyon, sid: "" as Sid, servers: [lyon], summary },
      ours,
    );
    expect(text).toContain("people   ours      0\n         theirs    not told\n");
    expect(text).toEndWith("would be accepted");
  }
  expect(readSummary(encode({ ...empty, later: 1 }))).toEqual(empty);
});

test("names of the other side cannot make up lines, nor move a cursor", () => {
  const name = "ann\nwould be accepted\u001b[2J";
  const summary = encode({ ...empty, people: 1, names: [name], roomsTotal: 1, rooms: [] });
  const refused = { code: "MERGE_DENIED", text: "no\nwould be accepted" } as const;
  const { text } = prospectOf(
    refused,
    { server: lyon, sid: "" as Sid, servers: [lyon], summary },
    ours,
  );
  expect(text.split("\n").filter((line) => line === "would be accepted")).toEqual([]);
  expect(text).not.toContain("\u001b");
});

test("a refusal inside one fusion counts nobody twice", () => {
  const summary = encode({ ...empty, people: 3, names: ["ann@lyon"] });
  const refused = { code: "MERGE_DENIED", text: "no" } as const;
  const other = { server: lyon, sid: "a" as Sid, servers: [lyon, "paris" as ServerName], summary };
  const both = { ...ours, servers: ["lyon", "paris"], isIn: (sid: Sid) => sid === "a" };
  const { text, data } = prospectOf(refused, other, both);
  expect(text).toBe(
    "lyon is in the fusion already: nobody would be joined\nwould be refused: MERGE_DENIED no",
  );
  expect(data).toMatchObject({ already: true, accepted: false });
  // A namesake of a server of the fusion is another one.
  const namesake = prospectOf(refused, { ...other, sid: "b" as Sid }, both);
  expect(namesake.data).toMatchObject({ already: false });
});

test("of many names some are shown, and the others are counted", () => {
  const names = Array.from({ length: 12 }, (_, at) => `p${at}@lyon`);
  const summary = encode({ ...empty, people: 1000, names });
  const { text } = prospectOf(
    possible,
    { server: lyon, sid: "" as Sid, servers: [lyon], summary },
    ours,
  );
  expect(text).toContain(`theirs    1000: ${names.slice(0, 8).join(", ")} and 992 more`);
});

/** One other server, "b", beside this one, "a". */
function survey() {
  const world = createWorld({ seed: "survey" });
  const environment = world.environment("a");
  const sent: unknown[] = [];
  const [a, b, c] = ["a", "b", "c"].map((digit) => digit.repeat(32) as Sid) as [Sid, Sid, Sid];
  const peer = { sid: b, send: (message: unknown) => sent.push(message) } as unknown as Peer;
  const links: View["links"] = [
    { a, b, state: "tree", rttMs: 3 },
    { a: b, b: c, state: "tree" },
  ];
  const view: View = { version: 1, servers: [], neighbours: [b], links };
  const of = { environment, identity: () => ({ sid: a }), fabric: () => ({ view }) as Fabric };
  const made = createSurvey(of as unknown as Parameters<typeof createSurvey>[0], () => [peer]);
  return { world, sent, peer, a, b, c, survey: made };
}

test("a server is answered with our own links alone, and not as often as it likes to ask", () => {
  const { world, sent, peer, b, survey: mine } = survey();
  for (let at = 0; at < 100; at++) mine.asked(peer);
  expect(sent).toEqual([{ t: "links", links: [[b, 3]] }]);
  world.run(LIMITS.surveyMsMin);
  mine.asked(peer);
  expect(sent).toHaveLength(2);
});

test("an answer tells of its sender's links alone, and what was measured here counts", async () => {
  const { a, b, c, peer, survey: mine } = survey();
  const taken = mine.take();
  expect(mine.take()).toBe(taken); // one at a time
  const links: [Sid, number][] = [
    [c, 7],
    [c, 9],
    [a, 1],
  ];
  mine.told(peer, { t: "links", links });
  const { view, silent } = await taken;
  expect(view.links.map(({ rttMs }) => rttMs)).toEqual([3, 7]);
  expect([...silent]).toEqual([]);
  mine.told(peer, { t: "links", links }); // too late, and unasked
  expect(b).toBe(peer.sid);
});

test("a map that is asked for again at once has the times of the last one", async () => {
  const { world, sent, c, peer, survey: mine } = survey();
  const first = mine.take();
  mine.told(peer, { t: "links", links: [[c, 7]] });
  await first;
  const again = await mine.take();
  expect(again.view.links.map(({ rttMs }) => rttMs)).toEqual([3, 7]);
  expect(sent).toEqual([{ t: "links?" }]);
  world.run(LIMITS.surveyKeptMs);
  const later = mine.take();
  expect(sent).toHaveLength(2);
  mine.told(peer, { t: "links", links: [[c, 8]] });
  expect((await later).view.links.map(({ rttMs }) => rttMs)).toEqual([3, 8]);
});
