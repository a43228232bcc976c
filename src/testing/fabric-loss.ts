// Cases of the fabric's suite: connections that are lost, servers that die and come back, and what
// an operator has ended for good.

import { expect } from "bun:test";
import {
  BACK_MS,
  bothWays,
  fusionOf,
  MERGE_MS,
  outcomeOf,
  SILENCE_MS,
  SOON_MS,
} from "./fabric-stage.ts";
import type { FabricStage } from "./fabric-stage.ts";
import type { FabricServer } from "./fabric-server.ts";
import type { FabricScene } from "./fabric-suite.ts";

export const lossScenes: readonly FabricScene[] = [
  {
    name: "a lost connection parts the fusion at once, and it heals by itself",
    needs: ["direct"],
    seeds: 3,
    play(stage) {
      const [a, b, c, d] = stage.line("abcd");
      stage.world.cut(b.host, c.host);
      stage.run(SOON_MS);
      stage.sees("cut", [a, "a b"], [b, "a b"], [c, "c d"], [d, "c d"]);
      for (const one of [b, c]) expect(eventsOf(one), `${one.host} is told`).toContain("lost");
      expect(a.publish([d.sid], "private", "gone?")).toBe("unreachable");
      stage.exchange();
      stage.world.heal(b.host, c.host);
      stage.run(BACK_MS);
      stage.allSee("healed", "a b c d");
      for (const one of [b, c]) expect(eventsOf(one), `${one.host} is told`).toContain("healed");
      stage.exchange();
    },
  },
  {
    name: "a connection that is lost again and again is there again each time",
    play(stage) {
      const [a, b] = stage.line("ab");
      for (let time = 0; time < 10; time += 1) {
        stage.reset(a, b);
        stage.run(stage.world.random.next() * 3000);
      }
      stage.allMeet("later", "a b", BACK_MS);
    },
  },
  {
    name: "a server that dies leaves the views, and is believed again when it is back",
    play(stage) {
      const [a, b, c] = stage.line("abc");
      const before = { sid: b.sid, card: b.identity.card.toHex() };
      for (let time = 0; time < 3; time += 1) {
        b.crash();
        stage.run(SOON_MS);
        stage.sees("without b", [a, "a"], [c, "c"]);
        b.start();
        expect(b.sid, "with its disk it is the same server").toBe(before.sid);
        stage.run(BACK_MS);
        stage.allSee("later", "a b c");
        const card = b.identity.card.toHex();
        expect(card).not.toBe(before.card);
        for (const one of [a, c]) {
          const seen = one.view.servers.find(({ sid }) => sid === b.sid);
          expect(seen?.card.toHex(), `the card of b's new life, as ${one.host} has it`).toBe(card);
        }
        stage.exchange();
      }
    },
  },
  {
    name: "all that was merged comes back when every server was restarted",
    play(stage) {
      const servers = stage.line("abcd");
      for (const server of servers) server.crash();
      for (const server of servers) server.start();
      stage.allMeet("later", "a b c d", BACK_MS);
    },
  },
  {
    name: "a server whose disk was wiped is another one, and never taken for the old one",
    play(stage) {
      const [a, b, c] = stage.line("abc");
      const old = c.sid;
      c.crash();
      stage.world.disk(c.host).restore();
      c.start();
      expect(c.sid).not.toBe(old);
      const answer = outcomeOf(stage.world.until(c.merge(b), MERGE_MS));
      expect(answer).toMatch(/^(merged|NAME_TAKEN)$/);
      stage.run(BACK_MS);
      for (const { view } of [a, b]) expect(view.servers.map(({ sid }) => sid)).not.toContain(old);
      stage.sees("later", [c, answer === "merged" ? "a b c" : "c"]);
      stage.agrees();
    },
  },
  {
    name: "a server whose disk was put back to an earlier day is believed again",
    play(stage) {
      const [a, b] = stage.line("ab");
      const disk = stage.world.disk(b.host);
      const backup = disk.backup();
      for (let time = 0; time < 5; time += 1) {
        b.crash();
        b.start();
        stage.run(SOON_MS);
      }
      stage.merge(stage.add("c"), a);
      stage.run(BACK_MS);
      b.crash();
      disk.restore(backup);
      b.start();
      stage.allMeet("later", "a b c", BACK_MS);
    },
  },
  {
    name: "a merge during which either side dies has an answer, and leaves no ghost",
    seeds: 20,
    play(stage) {
      const [a, b] = [stage.add("a"), stage.add("b")];
      const { random } = stage.world;
      const outcome = a.merge(b);
      stage.run(random.next() * 15);
      const [dead, other] = random.chance(0.5) ? [a, b] : [b, a];
      dead.crash();
      if (dead === b) stage.world.until(outcome, MERGE_MS);
      stage.run(SOON_MS);
      stage.sees("while one is dead", [other, String(other.name)]);
      dead.start();
      stage.run(BACK_MS);
      stage.agrees();
      stage.merge(a, b);
      stage.allMeet("merged again", "a b", SOON_MS);
    },
  },
  {
    name: "wall clocks that are wrong, and jump, change nothing",
    play(stage) {
      const [a, b, c] = stage.line("abc");
      const reports = stage.servers.map((one) => one.reports.length);
      for (const ms of [-3_600_000, 86_400_000, 0]) {
        stage.world.skew(a.host, ms);
        stage.world.skew(c.host, -ms);
        stage.run(SILENCE_MS);
      }
      expect(
        stage.servers.map((one) => one.reports.length),
        "reports",
      ).toEqual(reports);
      stage.world.skew(b.host, -86_400_000);
      stage.reset(a, b);
      stage.allMeet("later", "a b c", BACK_MS);
    },
  },
  {
    name: "a disk that fails keeps nobody from merging",
    play(stage) {
      const [a, b] = [stage.add("a"), stage.add("b")];
      for (const one of [a, b]) stage.world.disk(one.host).failWrites(new Error("disk full"));
      stage.merge(a, b);
      stage.run(SOON_MS);
      stage.exchange();
      stage.reset(a, b);
      stage.allMeet("later", "a b", BACK_MS);
    },
  },
  {
    name: "silence on a connection is noticed within a bounded time, and heals",
    needs: ["direct", "silence"],
    play(stage) {
      const [a, b, c] = stage.line("abc");
      stage.world.cut(b.host, c.host, "silent");
      stage.run(SILENCE_MS + SOON_MS);
      stage.sees("in silence", [a, "a b"], [b, "a b"], [c, "c"]);
      stage.world.heal(b.host, c.host);
      stage.allMeet("later", "a b c", BACK_MS);
    },
  },
  {
    name: "where one end alone learns of a loss, the connection is replaced",
    needs: ["direct", "silence"],
    seeds: 2,
    play(stage) {
      const [a, b] = stage.line("ab");
      for (const [told, untold] of bothWays(a, b)) {
        stage.world.loseConnections(told.host, untold.host);
        stage.allMeet("later", "a b", SILENCE_MS + BACK_MS);
      }
    },
  },
  {
    name: "a server that dies in silence and is back at once is not mixed up with its past",
    needs: ["silence"],
    play(stage) {
      const [, b] = stage.line("abc");
      b.crash({ silent: true });
      b.start();
      stage.allMeet("later", "a b c", SILENCE_MS + BACK_MS);
    },
  },
  {
    name: "a link that was kept in reserve takes over from one that is lost",
    needs: ["direct", "standby"],
    play(stage) {
      const [a, b, c, d] = stage.line("abcd");
      const outcome = stage.world.until(d.merge(a), MERGE_MS);
      expect(outcomeOf(outcome)).toBe("standby");
      stage.run(SOON_MS);
      const links = a.view.links.map(({ state }) => state).toSorted();
      expect(links).toEqual(["standby", "tree", "tree", "tree"]);
      stage.exchange();
      stage.world.cut(b.host, c.host);
      stage.allMeet("cut, with a link in reserve", "a b c d", SOON_MS);
      stage.world.heal(b.host, c.host);
      stage.allMeet("healed", "a b c d", BACK_MS);
    },
  },
  {
    name: "after unmerge two exact fusions remain, and stay apart",
    needs: ["unmerge"],
    play(stage) {
      const [a, b, c, d] = stage.line("abcd");
      const outcome = stage.world.until(c.unmerge(b), MERGE_MS);
      expect(outcome).toMatchObject({ state: "unmerged", server: b.name });
      expect(fusionOf(outcome)).toBe("c d");
      stage.run(SOON_MS);
      const parted = (when: string) =>
        stage.sees(when, [a, "a b"], [b, "a b"], [c, "c d"], [d, "c d"]);
      parted("soon after");
      stage.run(BACK_MS);
      b.crash();
      b.start();
      stage.run(BACK_MS);
      parted("later, and after a restart");
      stage.exchange();
      stage.merge(b, c);
      stage.allMeet("merged again", "a b c d", SOON_MS);
    },
  },
  {
    name: "unmerge of who is no neighbour is refused, and changes nothing",
    needs: ["unmerge"],
    play(stage) {
      const [a, b, c] = stage.line("abc");
      const stranger = stage.add("d");
      for (const other of [c, stranger, a]) {
        const outcome = stage.world.until(a.unmerge(other), MERGE_MS);
        expect(outcomeOf(outcome), `a unmerges ${other.host}`).toBe("NOT_LINKED");
      }
      stage.run(SOON_MS);
      stage.sees("soon after", [a, "a b c"], [b, "a b c"], [c, "a b c"], [stranger, "d"]);
    },
  },
  {
    name: "after any history of faults, those who see each other see the same, and hear each other",
    needs: ["silence"],
    seeds: 4,
    play(stage) {
      const servers = stage.addAll("abcde");
      for (let step = 0; step < 40; step += 1) {
        disturb(stage, servers);
        stage.run(stage.world.random.next() * (stage.world.random.chance(0.5) ? 50 : 5000));
      }
      stage.world.healAll();
      for (const server of servers) if (!server.running) server.start();
      stage.run(SILENCE_MS + 2 * BACK_MS);
      stage.agrees();
      stage.mergeAll(servers);
      stage.allSee("merged once more", "a b c d e");
      stage.exchange();
    },
  },
];

// --- internal ---

const eventsOf = ({ reports }: FabricServer): string[] => reports.map(({ event }) => event);

/** Does one thing at random to some of them. */
function disturb({ world }: FabricStage, servers: readonly FabricServer[]): void {
  const { random } = world;
  const [one, other] = random.shuffle(servers);
  if (one === undefined || other === undefined) return;
  const kind = random.next();
  if (!one.running) one.start();
  else if (kind < 0.4) one.asks(other);
  else if (kind < 0.55) world.cut(one.host, other.host);
  else if (kind < 0.65) world.cut(one.host, other.host, "silent");
  else if (kind < 0.75) world.healAll();
  else if (kind < 0.85) world.loseConnections(one.host, other.host);
  else one.crash({ silent: random.chance(0.3) });
}
