// What made-up announcements can do to the view: not slow it down, whatever they list.

import { expect, test } from "bun:test";
import { LIMITS, sidOf } from "../../../src/plugin.ts";
import type { ServerName, Sid } from "../../../src/plugin.ts";
import { announce } from "../../../plugins/fabric-tree/announcement.ts";
import type { Announcement, LinkEntry } from "../../../plugins/fabric-tree/announcement.ts";
import { Database } from "../../../plugins/fabric-tree/database.ts";
import { Judging } from "../../../plugins/fabric-tree/judging.ts";
import { judge } from "../../../plugins/fabric-tree/view.ts";
import { identity } from "./scripted.ts";

/** As many servers as are known at most, each with as many links as it may list. */
function crowd(nameOf: (at: number) => string): Map<Sid, Announcement> {
  const count = LIMITS.announcementsMax;
  const sids = Array.from({ length: count }, (_, at) =>
    sidOf(new Uint8Array(16).fill(at % 256, 0, 8).fill(at >> 8, 8)),
  );
  const links = sids.map((): LinkEntry[] => []);
  for (let step = 1; 2 * step <= LIMITS.linksPerServerMax; step++) {
    for (let at = 0; at < count; at++) {
      const peer = (at + 37 * step) % count;
      const birth = 1 + ((at * 7919 + step) % 4096);
      links[at]!.push({ peer: sids[peer]!, port: links[at]!.length + 1, birth });
      links[peer]!.push({ peer: sids[at]!, port: links[peer]!.length + 1, birth });
    }
  }
  const [key, card, bytes] = [new Uint8Array(32), new Uint8Array(0), new Uint8Array(0)];
  return new Map(
    sids.map((sid, at): [Sid, Announcement] => {
      const name = nameOf(at) as ServerName;
      const byPeer = new Map(links[at]!.map((link) => [link.peer, link]));
      const version = { epoch: 1, seq: 1 };
      return [
        sid,
        { sid, name, looks: name, key, card, ...version, links: links[at]!, byPeer, bytes },
      ];
    }),
  );
}

/** The best of some. */
function msOf(all: ReadonlyMap<Sid, Announcement>): number {
  const [self] = all.keys();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 2; round++) {
    const begun = performance.now();
    judge(all, self!);
    best = Math.min(best, performance.now() - begun);
  }
  return best;
}

test("namesakes without number, each on many links, make judging hardly slower", () => {
  const plain = msOf(crowd((at) => `s${at}`));
  for (const names of [2, 1024]) {
    const all = crowd((at) => `s${at % names}`);
    expect(msOf(all), `${names} names`).toBeLessThan(4 * plain);
    const [self] = all.keys();
    const { servers, tree } = judge(all, self!);
    const here = servers.filter((_, at) => tree.hops[at]! >= 0).map(({ looks }) => looks);
    expect(new Set(here).size).toBe(here.length);
  }
}, 30_000);

test("judging that takes long is put off, so that it takes a fifth of the time at most", () => {
  const self = identity("a");
  let now = 1000;
  const database = new Database(self, now);
  database.put(announce(self, { epoch: 1, seq: 1 }, []), now);
  // Each look at the clock is 50 ms after the last one.
  const slow = new Judging(database, self.sid, () => (now += 50));
  slow.renew();
  expect(slow.restUntil - now).toBe(4 * 50);
  const quick = new Judging(database, self.sid, () => now);
  quick.renew();
  expect(quick.restUntil).toBeLessThanOrEqual(now);
});
