// Pages of long lists, against the plain way: sort all, and cut.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { firstTexts, PeoplePage } from "../../src/core/paging.ts";
import { createPeople, type PeopleOptions } from "../../src/core/people.ts";
import { isFailure } from "../../src/errors.ts";
import type { ServerName } from "../../src/names.ts";
import type { Json, Peer } from "./peer.ts";
import { Place } from "./place.ts";

const names = () =>
  fc.string({ minLength: 1, maxLength: 4 }).map((text) => text.replaceAll("@", "a"));

test("pages of people, read to the end, are all people once, by address", () => {
  const people = fc.uniqueArray(fc.tuple(names(), names()), {
    maxLength: 200,
    selector: (one) => one.join("@"),
  });
  fc.assert(
    fc.property(people, fc.integer({ min: 1, max: 20 }), (all, limit) => {
      const read: string[] = [];
      let after: string | undefined;
      do {
        const page = new PeoplePage({ after, limit });
        for (const [nick, server] of all)
          if (page.wants(nick, server)) page.add({ address: `${nick}@${server}` });
        const { people: some, total, next } = page.done(all.length);
        expect(total).toBe(all.length);
        expect(some.length).toBeLessThanOrEqual(limit);
        if (next !== undefined) expect(some.at(-1)?.address).toBe(next);
        read.push(...some.map(({ address }) => address));
        after = next;
      } while (after !== undefined);
      expect(read).toEqual(all.map((one) => one.join("@")).toSorted());
    }),
  );
});

test("a page of people begins behind any text, also behind one that is no address", () => {
  fc.assert(
    fc.property(fc.uniqueArray(names()), fc.string({ maxLength: 3 }), (nicks, after) => {
      const page = new PeoplePage({ after, limit: 1000 });
      const all = nicks.map((nick) => `${nick}@paris`);
      for (const nick of nicks)
        if (page.wants(nick, "paris")) page.add({ address: `${nick}@paris` });
      const read = page.done(all.length).people.map(({ address }) => address);
      expect(read).toEqual(all.filter((address) => address > after).toSorted());
    }),
  );
});

test("the first texts behind one are those of all, sorted, each of them once", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 2 }), { maxLength: 300 }),
      fc.string({ maxLength: 2 }),
      fc.integer({ min: 1, max: 20 }),
      (all, after, limit) => {
        const sorted = [...new Set(all)].filter((text) => text > after).toSorted();
        expect(firstTexts(all, { after, limit })).toEqual(sorted.slice(0, limit));
      },
    ),
  );
});

test("a later page of people shows who has come, gone or gone away since the one before", () => {
  const place = new Place("pages");
  const paris = place.start("paris");
  const all = ["ana", "bob", "cyd", "dan"].map((nick) => place.enter(paris, nick));
  const [ana, bob, , dan] = all as [Peer, Peer, Peer, Peer]; // as many
  for (const peer of all) peer.get("join", { room: "#room" });
  const page = (after: string) =>
    (ana.get("who", { room: "#room", limit: 10, after })["people"] as readonly Json[]).map(
      ({ address, away }) => [address, away].join(" ").trim(),
    );
  expect(page("ana@paris")).toEqual(["bob@paris", "cyd@paris", "dan@paris"]);
  bob.get("part", { room: "#room" });
  expect(page("ana@paris")).toEqual(["cyd@paris", "dan@paris"]);
  dan.get("away", { text: "lunch" });
  expect(page("ana@paris")).toEqual(["cyd@paris", "dan@paris lunch"]);
  dan.get("rename", { nick: "bea" });
  const eve = place.enter(paris, "eve");
  expect(page("ana@paris")).toEqual(["bea@paris lunch", "cyd@paris"]);
  eve.get("join", { room: "#room" });
  expect(page("ana@paris")).toEqual(["bea@paris lunch", "cyd@paris", "eve@paris"]);
});

test("all pages of a room that hides some look at each of its people a few times", () => {
  const count = 1000;
  const members = Array.from({ length: count }, (_, at) => {
    const nick = `n${String(at).padStart(4, "0")}`;
    return { nick, address: `${nick}@paris`, person: {}, memberships: new Map([["#tea", {}]]) };
  });
  let looks = 0;
  const fakes = {
    self: "paris" as ServerName,
    clock: { monotonic: () => 0 },
    rooms: { find: () => ({ size: count, members: () => members }) },
    peers: () => ({ present: () => [] }),
    hider: () => (person: { readonly address: string }) => {
      looks++;
      return person.address.startsWith("n0500");
    },
    isSecret: () => false,
    rolesIn: () => ({ of: () => undefined }),
  };
  const people = createPeople(fakes as unknown as PeopleOptions); // what a list needs of them
  const all: string[] = [];
  for (let after: string | undefined = ""; after !== undefined;) {
    const from: { readonly after?: string } = after === "" ? {} : { after };
    const page = people.who({ room: "#tea", limit: 50, ...from });
    if (isFailure(page)) throw new Error(page.text);
    all.push(...page.people.map(({ address }) => address));
    after = page.next;
  }
  expect(all).toHaveLength(count - 1);
  expect(all).not.toContain("n0500@paris");
  expect(looks).toBeLessThan(3 * count);
});
