// What thousands of people cost: few frames to each, whatever happens to the others.
//
//   CROWDS=10 EACH=10000 bun test tests/core/crowd.test.ts   (`bun run crowd`: 100,000 people)

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { Crowd } from "./crowd.ts";
import { printFigure } from "../e2e/figures.ts";
import { Place } from "./place.ts";

const COUNT = 10_000;
const SECOND = LIMITS.roomCountMs;
const CROWDS = Number(process.env["CROWDS"] ?? 4);
const EACH = Number(process.env["EACH"] ?? 500);
/** Of what servers tell each other: address, account, rooms, for each that hears it. */
const BYTES_A_PERSON = 64;

function crowded(seed: string, sizes: readonly number[]) {
  const place = new Place(seed);
  const crowds = sizes.map(() => new Crowd());
  const homes = crowds.map((crowd, i) =>
    place.start(["paris", "lyon"][i] ?? `nice-${i}`, { more: [crowd.plugin()] }),
  );
  for (const [i, crowd] of crowds.entries()) crowd.enter(place, homes[i]!, sizes[i]!);
  place.rest();
  for (const crowd of crowds) crowd.told.length = 0;
  return { place, crowds, homes };
}

describe(`with ${COUNT} people on each of two servers`, () => {
  const { place, crowds, homes } = crowded("crowds", [COUNT, COUNT]);
  const [parisians, lyonese] = crowds as [Crowd, Crowd];
  /** What each of the crowds' members was told since then, by kind. */
  const told = () => crowds.map((crowd) => crowd.told.splice(0).toSorted());
  const ana = place.enter(homes[0]!, "ana");
  place.rest();
  told();
  const total = () => ana.get("who", { limit: 1 })["total"];

  test("a merge is one line and the new number", () => {
    place.join(...homes);
    expect(total()).toBe(2 * COUNT + 1);
    for (const kinds of told()) expect(kinds).toEqual(["count", "merged"]);
    expect(ana.all("merged")).toMatchObject([{ servers: ["lyon"], people: COUNT, rooms: [] }]);
    expect(ana.all("count").at(-1)).toEqual({ room: "#lobby", members: 2 * COUNT + 1 });
  });

  test("a split is one line and the new number, and so is the heal", () => {
    place.hub.part("lyon");
    place.rest();
    for (const kinds of told()) expect(kinds).toEqual(["count", "split"]);
    expect(ana.all("split")).toMatchObject([{ servers: ["lyon"], people: COUNT }]);
    place.join(...homes);
    place.rest();
    for (const kinds of told()) expect(kinds).toEqual(["count", "merged"]);
  });

  test("2,000 who leave at once are one number a second", () => {
    for (const session of lyonese.sessions.splice(0, 2000)) session.close("bye");
    place.rest();
    const kinds = told();
    expect(kinds.flat().every((kind) => kind === "count")).toBe(true);
    for (const one of kinds) expect(one.length).toBeLessThanOrEqual(6000 / SECOND);
  });

  test("most of a crowd that is found to be gone is one number, also where few are left", () => {
    for (const session of parisians.sessions.splice(10)) session.close("bye");
    place.rest();
    told();
    place.hub.fate = ({ traffic }) => (traffic === "control" ? "lose" : "pass");
    for (const session of lyonese.sessions.splice(10)) session.close("bye");
    place.rest();
    expect(total()).toBe(21);
    expect(parisians.told.filter((kind) => kind === "left")).toEqual([]);
    expect(parisians.told).toContain("count");
  });
});

test(`two fusions, with ${CROWDS * EACH} people together, merge in a line for each of them`, () => {
  const { place, crowds, homes } = crowded("fusions", Array<number>(CROWDS).fill(EACH));
  const half = CROWDS / 2;
  for (const side of [homes.slice(0, half), homes.slice(half)]) place.join(...side);
  place.rest();
  for (const crowd of crowds) crowd.told.length = 0;
  const { length: before } = place.hub.frames;
  const began = performance.now();
  place.join(...homes);
  place.rest();
  const frames = place.hub.frames.slice(before);
  const bytes = frames.reduce((sum, frame) => sum + frame.bytes.length, 0);
  const ms = (performance.now() - began) / CROWDS;
  for (const { told } of crowds) expect(told.toSorted()).toEqual(["count", "merged"]);
  expect(bytes / (CROWDS * EACH * half)).toBeLessThan(BYTES_A_PERSON);
  printFigure("crowd", [ms], { people: CROWDS * EACH, servers: CROWDS, bytes });
}, 60_000);
