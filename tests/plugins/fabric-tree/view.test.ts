// The view and the routes as pure functions: of any announcements no loop and no namesakes, the
// same from every side and in every order; every server that is addressed gets one copy; and their
// formats, split, cut short and made up.

import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { LIMITS, sidOf, skeleton } from "../../../src/plugin.ts";
import type { ServerName, Sid } from "../../../src/plugin.ts";
import { readAnnouncement } from "../../../plugins/fabric-tree/announcement.ts";
import type { Announcement, LinkEntry } from "../../../plugins/fabric-tree/announcement.ts";
import { announce } from "../../../plugins/fabric-tree/announcement.ts";
import { Reader, Writer } from "../../../plugins/fabric-tree/bytes.ts";
import {
  readRouted,
  routedHead,
  routesTo,
  splitRoute,
} from "../../../plugins/fabric-tree/route.ts";
import type { Hop } from "../../../plugins/fabric-tree/route.ts";
import { judge } from "../../../plugins/fabric-tree/view.ts";
import type { Judgement } from "../../../plugins/fabric-tree/view.ts";
import { identity } from "./scripted.ts";

interface Wire {
  readonly a: number;
  readonly b: number;
  readonly birth: number;
  /** One end says another birth, or nothing. */
  readonly fault: "none" | "birth" | "silent";
}

const sidAt = (at: number): Sid =>
  sidOf(new Uint8Array(16).fill((at * 37) % 251, 0, 15).fill(at, 15));

function announcements(names: readonly string[], wires: readonly Wire[]): Map<Sid, Announcement> {
  const links = names.map((): LinkEntry[] => []);
  const list = (at: number, peer: number, birth: number) => {
    links[at]!.push({ peer: sidAt(peer), port: links[at]!.length + 1, birth });
  };
  const pairs = new Set<string>();
  for (const { a, b, birth, fault } of wires) {
    const pair = [Math.min(a, b), Math.max(a, b)].join();
    if (a === b || a >= names.length || b >= names.length || pairs.has(pair)) continue;
    pairs.add(pair);
    list(a, b, birth);
    if (fault !== "silent") list(b, a, fault === "birth" ? birth + 1 : birth);
  }
  return new Map(
    names.map((name, at) => {
      const announcement: Announcement = {
        sid: sidAt(at),
        name: name as ServerName,
        looks: skeleton(name as ServerName),
        key: new Uint8Array(32),
        card: new Uint8Array(0),
        epoch: 1,
        seq: 1,
        links: links[at]!,
        byPeer: new Map(links[at]!.map((link) => [link.peer, link])),
        bytes: new Uint8Array(0),
      };
      return [announcement.sid, announcement];
    }),
  );
}

const wire = fc.record({
  a: fc.nat(11),
  b: fc.nat(11),
  birth: fc.integer({ min: 1, max: 9 }),
  fault: fc.oneof(
    { weight: 8, arbitrary: fc.constant("none" as const) },
    { weight: 1, arbitrary: fc.constantFrom("birth" as const, "silent" as const) },
  ),
});
const nameChoices = "abcdefghijklmnoAB0o1l".split("");
const network = fc
  .record({
    names: fc.array(fc.constantFrom(...nameChoices), { minLength: 1, maxLength: 12 }),
    wires: fc.array(wire, { maxLength: 40 }),
  })
  .map(({ names, wires }) => announcements(names, wires));

/** The servers of the fusion, and its links, as text that does not depend on who looks. */
function seen(judgement: Judgement): { servers: string[]; edges: string[] } {
  const { servers, edges, tree } = judgement;
  const here = (at: number) => tree.hops[at]! >= 0;
  return {
    servers: servers
      .filter((_, at) => here(at))
      .map(({ sid }) => sid as string)
      .toSorted(),
    edges: edges
      .filter(({ a, state }) => here(a) && state !== "undone")
      .map(({ a, b, birth, state }) => [servers[a]!.sid, servers[b]!.sid, birth, state].join())
      .toSorted(),
  };
}

test("the fusion has no loop and no namesakes, whatever is announced", () => {
  fc.assert(
    fc.property(network, (all) => {
      const judgement = judge(all, sidAt(0));
      const { servers, edges } = seen(judgement);
      const tree = edges.filter((edge) => edge.endsWith(",tree"));
      expect(tree).toHaveLength(servers.length - 1);
      const looks = servers.map((sid) => all.get(sid as Sid)!.looks);
      expect(new Set(looks).size).toBe(looks.length);
    }),
  );
});

test("every server of a fusion sees the same one, in whatever order it has heard", () => {
  fc.assert(
    fc.property(network, fc.integer(), (all, seed) => {
      const shuffled = [...all].toSorted(([a], [b]) => (hash(a, seed) < hash(b, seed) ? -1 : 1));
      const view = seen(judge(all, sidAt(0)));
      for (const sid of view.servers) {
        expect(seen(judge(new Map(shuffled), sid as Sid))).toEqual(view);
      }
    }),
  );
});

test("a newer link never changes what older ones are", () => {
  fc.assert(
    fc.property(fc.array(wire, { maxLength: 30 }), wire, (wires, extra) => {
      const names = "abcdefghijkl".split("");
      const older = seen(judge(announcements(names, wires), sidAt(0)));
      const more = announcements(names, [...wires, { ...extra, birth: 100 }]);
      const newer = seen(judge(more, sidAt(0)));
      for (const edge of older.edges) expect(newer.edges).toContain(edge);
    }),
  );
});

test("a fusion larger than may be is not joined", () => {
  const count = LIMITS.serversMax + 1;
  const sids = Array.from({ length: count }, (_, at) =>
    sidOf(new Uint8Array(16).fill(at % 256, 0, 8).fill(at >> 8, 8)),
  );
  const all = new Map(
    sids.map((sid, at): [Sid, Announcement] => {
      const links: LinkEntry[] = [];
      if (at > 0) links.push({ peer: sids[at - 1]!, port: 1, birth: at });
      if (at < count - 1) links.push({ peer: sids[at + 1]!, port: 2, birth: at + 1 });
      const byPeer = new Map(links.map((link) => [link.peer, link]));
      const [key, card, bytes] = [new Uint8Array(32), new Uint8Array(0), new Uint8Array(0)];
      const name = `s${at}` as ServerName;
      return [sid, { sid, name, looks: name, key, card, epoch: 1, seq: 1, links, byPeer, bytes }];
    }),
  );
  const judgement = judge(all, sids[0]!);
  expect(judgement.edges.filter(({ state }) => state === "undone")).toHaveLength(1);
  expect(seen(judgement).servers).toHaveLength(LIMITS.serversMax);
  // Further than a header may lead is not reached; all others are, once.
  const { reached } = routesTo(judgement, judgement.tree, sids);
  expect(reached).toBe(LIMITS.hopsMax);
});

/** Carries a route through the network, as servers do; returns who is handed the frame. */
function carry(all: ReadonlyMap<Sid, Announcement>, from: Sid, hops: readonly Hop[]): string[] {
  return hops.flatMap((hop) => {
    const link = all.get(from)!.links.find(({ port }) => port === hop.port)!;
    const head = routedHead(new Uint8Array(16), "room", hop);
    const { deliver, hops: next } = readRouted(head);
    return [...(deliver ? [link.peer as string] : []), ...carry(all, link.peer, next)];
  });
}

test("every server that is addressed gets one copy, and nobody else", () => {
  fc.assert(
    fc.property(network, fc.array(fc.nat(13)), fc.boolean(), (all, targets, shortest) => {
      const judgement = judge(all, sidAt(0));
      const paths = shortest ? judgement.shortest : judgement.tree;
      const { servers } = seen(judgement);
      const to = targets.map(sidAt);
      const { hops, reached } = routesTo(judgement, paths, to);
      const expected = servers.filter((sid) => sid !== sidAt(0) && to.includes(sid as Sid));
      expect(carry(all, sidAt(0), hops).toSorted()).toEqual(expected);
      expect(reached).toBe(expected.length);
    }),
  );
});

test("the shortest way is as long as the hops that the view tells", () => {
  fc.assert(
    fc.property(network, fc.nat(11), (all, target) => {
      const judgement = judge(all, sidAt(0));
      const at = judgement.index.get(sidAt(target));
      const { hops } = routesTo(judgement, judgement.shortest, [sidAt(target)]);
      let depth = 0;
      for (let next = hops; next.length > 0; next = splitRoute(next[0]!.route)) depth++;
      expect(depth).toBe(Math.max(0, at === undefined ? 0 : judgement.shortest.hops[at]!));
    }),
  );
});

const hostile = fc.uint8Array({ maxLength: 200 });

test("a made-up route is refused, or ends within its own length", () => {
  fc.assert(
    fc.property(hostile, (bytes) => {
      let transmissions = 0;
      const follow = (route: Uint8Array): void => {
        for (const hop of splitRoute(route)) {
          transmissions++;
          follow(hop.route);
        }
      };
      try {
        follow(bytes);
      } catch (error) {
        expect(error).toMatchObject({ code: "BAD_FRAME" });
      }
      expect(transmissions).toBeLessThanOrEqual(bytes.length / 2);
    }),
    { numRuns: 2000 },
  );
});

test("a route deeper than 64 hops is refused, one of 64 is not", () => {
  const nest = (depth: number): Uint8Array => {
    let route = new Uint8Array(0);
    for (let at = 0; at < depth; at++) {
      const writer = new Writer()
        .varint(at === 0 ? 3 : 2)
        .varint(route.length)
        .bytes(route);
      route = new Uint8Array(writer.done());
    }
    return route;
  };
  expect(splitRoute(nest(LIMITS.hopsMax))).toHaveLength(1);
  expect(() => splitRoute(nest(LIMITS.hopsMax + 1))).toThrow("at most 64 hops");
  expect(() => splitRoute(nest(5000))).toThrow("at most 64 hops");
});

test("a frame that is cut at any byte, or an announcement, is refused and nothing else", () => {
  const all = announcements("abcdefgh".split(""), [
    { a: 0, b: 1, birth: 1, fault: "none" },
    { a: 1, b: 2, birth: 2, fault: "none" },
    { a: 1, b: 3, birth: 3, fault: "none" },
  ]);
  const judgement = judge(all, sidAt(0));
  const { hops } = routesTo(judgement, judgement.tree, [1, 2, 3].map(sidAt));
  const head = routedHead(new Uint8Array(16), "room", hops[0]!);
  expect(readRouted(head).hops).toHaveLength(2);
  for (let length = 0; length < head.length; length++) {
    expect(() => readRouted(head.subarray(0, length))).toThrow();
  }
  const self = identity("paris");
  const links = [{ peer: sidAt(1), port: 1, birth: 7 }];
  const { bytes } = announce(self, { epoch: 3, seq: 9 }, links);
  expect(readAnnouncement(bytes, self)).toMatchObject({ name: "paris", epoch: 3, seq: 9, links });
  for (let length = 0; length < bytes.length; length++) {
    expect(() => readAnnouncement(bytes.subarray(0, length), self)).toThrow();
  }
  for (let at = 0; at < bytes.length; at++) {
    const altered = bytes.slice();
    altered[at]! ^= 1;
    expect(() => readAnnouncement(altered, self), `byte ${at}`).toThrow();
  }
});

test("numbers have one form, and none beyond 2^53 - 1", () => {
  const varint = (...bytes: number[]) => new Reader(Uint8Array.from(bytes)).varint();
  expect([varint(5), varint(0x80, 1), varint(0xff, 0xff, 0x7f)]).toEqual([5, 128, 2 ** 21 - 1]);
  for (const bytes of [[0x80, 0], [0x80, 0x80, 0], [0xff, 0xff, 0xff, 1], [0x80], []]) {
    expect(() => varint(...bytes)).toThrow();
  }
  const top = new Writer().counter(LIMITS.counterMax).done();
  expect(new Reader(top).counter()).toBe(LIMITS.counterMax);
  expect(() => new Reader(Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 0)).counter()).toThrow("2^53");
});

// --- internal ---

function hash(text: string, seed: number): number {
  let sum = seed | 0;
  for (let at = 0; at < text.length; at++) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193);
  return sum;
}
