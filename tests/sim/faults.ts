// The faults of a random history, as data: how likely each is, what it does, and the mark that says
// where it struck. Each returns undefined where there is nothing for it to strike at present.

import type { Path, SimServer } from "../../src/testing.ts";
import { CALM } from "../../src/testing/net.ts";
import type { History } from "./history.ts";
import {
  hostOf,
  isMerged,
  linkBetween,
  type Pair,
  pairsConnected,
  pairsOfServers,
  placeOf,
} from "./places.ts";

export interface Fault {
  readonly weight: number;
  strike(history: History): string | undefined;
}

/** How long a person's own line is cut at most. */
export const LINE_CUT_MS_MAX = 10_000;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

export const FAULTS: Readonly<Record<string, Fault>> = {
  cut: onPair(8, (history, [a, b]) => {
    history.world.cut(a, b);
    history.later(20_000, () => history.world.heal(a, b));
  }),
  "cut silently": onPair(8, (history, [a, b]) => {
    history.world.cut(a, b, "silent");
    history.later(90_000, () => history.world.heal(a, b));
  }),
  // One link comes and goes, while the news of that are held up on another one: then they all come
  // at once, more than an origin may send.
  flapping: onPair(2, (history, [a, b]) => {
    const others = pairsConnected(history).filter((pair) => pair.includes(a) && !pair.includes(b));
    const [c, d] = history.oneOf(others) ?? [];
    if (c !== undefined && d !== undefined) {
      history.world.cut(c, d, "silent");
      history.in(14_000, () => history.world.heal(c, d));
    }
    for (let times = 0; times < 10; times += 1) {
      history.in(times * 1400, () => history.world.cut(a, b));
      history.in(times * 1400 + 50, () => history.world.heal(a, b));
    }
  }),
  "half-open": onPair(8, ({ world }, [a, b]) => world.loseConnections(a, b)),
  crash: onServer(6, (history, { host }) => history.crash(host, 20_000)),
  "crash in silence": onServer(5, (history, { host }) =>
    history.crash(host, 60_000, { silent: true }),
  ),
  // Each life begins with fresh leave to announce: together they change too often.
  "crash loop": onServer(2, (history, { host }) => {
    for (let times = 0; times < 6; times += 1) {
      history.in(times * 700, () => {
        if (history.servers.get(host)?.phase === "running") history.crash(host, 50);
      });
    }
  }),
  "crash in a disk write": {
    weight: 5,
    strike(history) {
      // A merge writes its wish: the crash comes while that is under way.
      const [from, to] = history.twoServers();
      if (from === undefined || to === undefined) return undefined;
      const disk = history.world.disk(from.host);
      history.merge(from, to);
      for (let tries = 0; tries < 200 && !disk.writing; tries += 1) history.world.run(1);
      if (!disk.writing || from.phase !== "running") return undefined;
      history.crash(from.host, 5000);
      return "merging";
    },
  },
  stop: onServer(3, (history, { host }) => history.stop(host, 10_000)),
  "disk wiped": onServer(1, (history, { host }) => history.wipe(host)),
  "backup restored": onServer(4, (history, { host }) => history.restoreBackup(host)),
  "disk fails": onServer(3, (history, { host }) => {
    history.world.disk(host).failWrites(new Error("no space left"));
    history.full.add(host);
    history.later(10_000, () => {
      history.world.disk(host).failWrites(undefined);
      history.full.delete(host);
      history.crowd.diskTakes(host);
    });
  }),
  "clock jumps": onServer(3, ({ world, random, jumped }, { host }) => {
    const jump = random.chance(0.1) ? 40 * DAY : 10 * MINUTE;
    world.skew(host, (random.next() - 0.5) * 2 * jump);
    jumped.add(host);
  }),
  "slow line": onPair(5, (history, pair) => {
    const bytesPerSecond = 500 + history.random.below(5000);
    shape(history, pair, { bytesPerSecond }, 40_000);
  }),
  "long delay": onPair(5, (history, pair) => {
    const latencyMs = 10 ** (1 + history.random.next() * 3.5); // 10 ms to 30 s
    shape(history, pair, { latencyMs, jitterMs: latencyMs / 2 }, 20_000);
  }),
  reordering: {
    weight: 3,
    strike(history) {
      const jitterMs = history.random.below(1000);
      for (const pair of pairsOfServers(history)) shape(history, pair, { jitterMs }, 10_000);
      return isMerged(history) ? "merged" : undefined;
    },
  },
  "tiny buffer": onPair(3, (history, pair) => {
    const bufferBytes = 16 + history.random.below(2000);
    shape(history, pair, { bufferBytes, splitChance: 1 }, 30_000);
  }),
  stranger: onServer(3, (history, { host }) => history.stranger(host)),
  "line of a person": {
    weight: 5,
    strike(history) {
      const { crowd, world } = history;
      const listener = history.oneOf(crowd.listeners);
      if (listener === undefined) return undefined;
      // What was just said has no answer yet, and is sent again when the line is back.
      crowd.speak(listener);
      world.run(history.random.next() * 20);
      const { seat, host } = listener;
      history.struck = listener.address;
      if (history.random.chance(0.5)) world.loseConnections(seat, host);
      else {
        world.cut(seat, host);
        history.later(LINE_CUT_MS_MAX, () => world.heal(seat, host));
      }
      return crowd.waits(listener) ? "while something waits" : "in a silence";
    },
  },
  unmerge: {
    weight: 4,
    strike(history) {
      const server = history.anyServer();
      if (server === undefined) return undefined;
      const view = history.watch.fabrics.get(server.host)?.view;
      const sid = view === undefined ? undefined : history.oneOf(view.neighbours);
      const neighbour = view?.servers.find((one) => one.sid === sid);
      if (neighbour === undefined) return undefined;
      const host = hostOf(history, neighbour.sid);
      const link = linkBetween(history, [server.host, host]);
      history.unmerge(server, { host, name: neighbour.name });
      return link;
    },
  },
};

// --- internal ---

/** Changes the line between two servers for a while. */
function shape(history: History, [a, b]: Pair, change: Partial<Path>, ms: number): void {
  history.world.shape(change, a, b);
  history.later(ms, () => history.world.shape(CALM, a, b));
}

/** A fault between two servers that are linked or becoming so, or are just two. */
function onPair(weight: number, strike: (history: History, pair: Pair) => void): Fault {
  return {
    weight,
    strike(history) {
      const isLinked = history.random.chance(0.9);
      const pair = history.oneOf(isLinked ? pairsConnected(history) : pairsOfServers(history));
      if (pair === undefined) return undefined;
      const where = linkBetween(history, pair);
      history.struck = pair.join(" and ");
      strike(history, pair);
      return where;
    },
  };
}

/** A fault of one server that is up; where it stands in the fusion matters when it goes. */
function onServer(weight: number, strike: (history: History, server: SimServer) => void): Fault {
  return {
    weight,
    strike(history) {
      const server = history.anyServer();
      if (server === undefined) return undefined;
      const place = placeOf(history, server);
      history.struck = server.host;
      strike(history, server);
      if (history.servers.get(server.host)?.phase === "down") return place;
      return place === "alone" ? place : "merged";
    },
  };
}
