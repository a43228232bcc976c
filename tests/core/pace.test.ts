// How often one person enters rooms, and changes what all others are told of him.

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import type { FrameName } from "../../src/protocol/frame.ts";
import type { Json, Peer } from "./peer.ts";
import { Place } from "./place.ts";

const { joinsBurst, selfChangesBurst, roomsPerSessionMax } = LIMITS;

/** Asks so many times without waiting, and returns the codes of what was refused. */
function refused(place: Place, peer: Peer, count: number, ask: (at: number) => [FrameName, Json]) {
  const refs = Array.from({ length: count }, (_, at) => peer.request(...ask(at)));
  place.rest(100);
  return refs.flatMap((ref) => peer.answer(ref)?.value["code"] ?? []);
}

test("one enters all of one's rooms at once, and then a room a second", () => {
  const place = new Place("in and out");
  const paris = place.start("paris");
  const [ana, bob] = [place.enter(paris, "ana"), place.enter(paris, "bob")];
  bob.get("join", { room: "#tea" });
  const enter = (at: number): [FrameName, Json] => ["join", { room: `#room${at}` }];
  expect(refused(place, ana, roomsPerSessionMax - 2, enter)).toEqual([]);
  const inAndOut = (at: number): [FrameName, Json] => [
    at % 2 === 0 ? "join" : "part",
    { room: "#tea" },
  ];
  const codes = refused(place, ana, 2 * joinsBurst, inAndOut);
  // One who is refused is not in it, and cannot leave it.
  expect(new Set(codes)).toEqual(new Set(["RATE_LIMITED", "NOT_IN_ROOM"]));
  const seen = bob.all("joined").filter(({ room }) => room === "#tea").length;
  const left = joinsBurst - roomsPerSessionMax + 2;
  expect(seen).toBeWithin(left, left + 5); // one a second, meanwhile
  place.rest(2000);
  expect(refused(place, ana, 2, inAndOut)).toEqual([]);
});

test.each(["rename", "away"] as const)(
  "of words on %s without end others are told seldom",
  (what) => {
    const place = new Place(`without end: ${what}`);
    const paris = place.start("paris");
    const [ana, bob] = [place.enter(paris, "ana"), place.enter(paris, "bob")];
    const ask = (at: number): [FrameName, Json] =>
      what === "rename" ? ["rename", { nick: `ana${at}` }] : ["away", { text: `${at}` }];
    const codes = refused(place, ana, selfChangesBurst + 200, ask);
    expect(codes).toEqual(Array.from({ length: 200 }, () => "RATE_LIMITED"));
    expect(bob.all(what === "rename" ? "renamed" : "away")).toHaveLength(selfChangesBurst);
    place.rest(2000);
    expect(refused(place, ana, 1, () => ask(999))).toEqual([]);
  },
);
