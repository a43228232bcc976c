// Cases of the fabric's suite: how fusions are joined, whoever asks, and what is seen then.

import { expect } from "bun:test";
import { isFailure } from "../errors.ts";
import type { MergeOutcome } from "../plugin/fabric.ts";
import { TRAFFIC } from "../plugin.ts";
import { FABRIC_PORT } from "./fabric-life.ts";
import { BACK_MS, bothWays, fusionOf, MERGE_MS, outcomeOf, SOON_MS } from "./fabric-stage.ts";
import type { FabricStage } from "./fabric-stage.ts";
import type { FabricServer } from "./fabric-server.ts";
import type { FabricScene } from "./fabric-suite.ts";

export const mergingScenes: readonly FabricScene[] = [
  {
    name: "a server alone sees itself, and nobody hears it",
    play(stage) {
      const a = stage.add("a");
      const { sid, key, card } = a.identity;
      const { version, ...view } = a.view;
      expect(version).toBeNumber();
      expect(view).toEqual({
        servers: [{ sid, name: a.name, key, card, hops: 0 }],
        neighbours: [],
        links: [],
      });
      for (const traffic of TRAFFIC) {
        a.publish([], traffic, "to nobody");
        a.publish([sid], traffic, "to itself");
      }
      stage.run(BACK_MS);
      expect([a.changes, a.reports, a.heard, stage.world.connections]).toEqual([0, [], [], 0]);
    },
  },
  {
    name: "two servers merge, see each other, and hear each other in every class",
    play(stage) {
      const [a, b] = [stage.add("a"), stage.add("b")];
      const outcome = stage.world.until(a.merge(b), MERGE_MS);
      expect(outcome).toMatchObject({ state: "merged", server: b.name });
      expect(fusionOf(outcome)).toBe("a b");
      stage.run(SOON_MS);
      for (const [one, other] of bothWays(a, b)) {
        const { sid, key, card } = other.identity;
        const seen = one.view.servers.find((server) => server.sid === sid);
        expect(seen).toEqual({ sid, name: other.name, key, card, hops: 1 });
        expect(one.view.neighbours).toEqual([sid]);
      }
      stage.exchange();
      for (const { via, origin } of [...a.delivered, ...b.delivered]) expect(via).toBe(origin);
    },
  },
  {
    name: "when a merge is answered, the other fusion is in the view, and can be published to",
    seeds: 5,
    play(stage) {
      const [a, b, c, d] = stage.addAll("abcd");
      stage.merge(a, b);
      stage.merge(c, d);
      stage.run(SOON_MS);
      const outcome = stage.world.until(b.merge(d), MERGE_MS);
      stage.sees("when it is answered", [b, "a b c d"]);
      expect(fusionOf(outcome)).toBe("a b c d");
      expect(b.publish([a.sid, c.sid, d.sid], "room", "all of you")).toBe("sent");
      stage.run(SOON_MS);
      const heard = [a, c, d].map((one) => one.heard);
      expect(heard).toEqual([["all of you"], ["all of you"], ["all of you"]]);
      stage.allSee("soon after", "a b c d");
      stage.exchange();
    },
  },
  {
    name: "two who call each other at the same instant are one fusion, and both are told so",
    seeds: 20,
    play(stage) {
      const [a, b] = [stage.add("a"), stage.add("b")];
      const outcomes = together(stage, [a.merge(b), b.merge(a)]);
      expect(outcomes.filter(isFailure)).toEqual([]);
      stage.allMeet("soon after", "a b", SOON_MS);
    },
  },
  {
    name: "three who call each other in a ring at the same instant are one fusion",
    seeds: 20,
    play(stage) {
      const [a, b, c] = stage.addAll("abc");
      const outcomes = together(stage, [a.merge(b), b.merge(c), c.merge(a)]);
      expect(outcomes.filter(isFailure)).toEqual([]);
      stage.allMeet("soon after", "a b c", SOON_MS);
    },
  },
  {
    name: "six who merge at random from all sides are one fusion soon after",
    seeds: 8,
    play(stage) {
      const servers = stage.addAll("abcdef");
      const { random } = stage.world;
      const outcomes: Promise<MergeOutcome>[] = [];
      const mergeSoon = (x: FabricServer, y: FabricServer) => {
        const [from, to] = random.chance(0.5) ? [x, y] : [y, x];
        from.after(random.next() * 20, () => void outcomes.push(from.merge(to)));
      };
      servers.forEach((server, at) => {
        if (at > 0) mergeSoon(server, random.pick(servers.slice(0, at)));
        const other = random.pick(servers);
        if (other !== server) mergeSoon(server, other);
      });
      stage.run(SOON_MS);
      stage.allSee("soon after", "a b c d e f");
      expect(together(stage, outcomes).filter(isFailure)).toEqual([]);
      stage.exchange();
    },
  },
  {
    name: "a merge with one who is in the fusion already is answered, and doubles nothing",
    play(stage) {
      const [a, b, c] = stage.line("abc");
      for (const [from, to] of [
        [a, b],
        [b, a],
        [a, c],
      ] as const)
        stage.merge(from, to);
      stage.allMeet("soon after", "a b c", SOON_MS);
    },
  },
  {
    name: "a server that is told to merge with itself says so",
    play(stage) {
      const a = stage.add("a");
      expect(outcomeOf(stage.world.until(a.merge(a), MERGE_MS))).toBe("SELF");
      leavesNothing(stage, a);
    },
  },
  {
    name: "a merge where nobody listens fails as the dial did, and is not tried again",
    play(stage) {
      const a = stage.add("a");
      stage.world.environment("deserted");
      for (const [address, code] of [
        ["nowhere:7331", "CANNOT_CONNECT"],
        ["deserted:7331", "CANNOT_CONNECT"],
        ["no address", "ADDRESS_INVALID"],
        ["", "ADDRESS_INVALID"],
      ] as const) {
        expect(outcomeOf(stage.world.until(a.merge(address), MERGE_MS)), address).toBe(code);
      }
      const b = stage.add("b", "deserted");
      leavesNothing(stage, a, b);
    },
  },
  {
    name: "a merge with what is no server, or a server of another fabric, says which",
    play(stage) {
      const [a, other] = [stage.add("a"), stage.add("b", "b", "other/1")];
      serve(stage, "web", "HTTP/1.1 400 Bad Request\r\n\r\n");
      const ask = (from: FabricServer, to: FabricServer | string) =>
        outcomeOf(stage.world.until(from.merge(to), MERGE_MS));
      expect(ask(a, "web:7331")).toBe("NOT_CHATFUSION");
      expect([ask(a, other), ask(other, a)]).toEqual(["FABRIC_DIFFERS", "FABRIC_DIFFERS"]);
      leavesNothing(stage, a, other);
    },
  },
  {
    name: "a merge with one who never answers ends within a bounded time",
    play(stage) {
      const a = stage.add("a");
      serve(stage, "mute", "");
      stage.refuses(a, "mute:7331");
      leavesNothing(stage, a);
    },
  },
  {
    name: "a dry run tells what would be, and changes nothing on either side",
    play(stage) {
      const [b, a] = stage.line("ba");
      const [c, d] = stage.line("cd");
      const seen = new Set<string>();
      for (const one of stage.servers)
        one.onChange = () => void seen.add(`${one.host} sees ${one.sees}`);
      const reports = stage.servers.map((one) => one.reports.length);
      const { connections } = stage.world;
      const outcome = stage.world.until(a.merge(c, true), MERGE_MS);
      expect(outcome).toMatchObject({ state: "possible", server: c.name });
      expect(fusionOf(outcome)).toBe("a b c d");
      if (outcome.other?.summary !== undefined)
        expect(new TextDecoder().decode(outcome.other.summary)).toBe(`summary of ${c.name}`);
      stage.run(BACK_MS);
      const then = ["a sees a b", "b sees a b", "c sees c d", "d sees c d"];
      expect(
        [...seen].filter((one) => !then.includes(one)),
        "what was seen meanwhile",
      ).toEqual([]);
      expect(
        stage.servers.map((one) => one.reports.length),
        "reports",
      ).toEqual(reports);
      expect(stage.world.connections, "connections").toBe(connections);
      stage.sees("later", [a, "a b"], [b, "a b"], [c, "c d"], [d, "c d"]);
      expect(a.publish([c.sid], "private", "are you there?")).toBe("unreachable");
    },
  },
];

// --- internal ---

const together = (stage: FabricStage, outcomes: readonly Promise<MergeOutcome>[]) =>
  stage.world.until(Promise.all(outcomes), MERGE_MS);

/** Nothing was joined, nothing is open, and nothing is tried again. */
function leavesNothing(stage: FabricStage, ...servers: readonly FabricServer[]): void {
  stage.stayAlone(...servers);
  expect(
    servers.map(({ changes }) => changes),
    "changes",
  ).toEqual(servers.map(() => 0));
}

/** Something that listens, and answers whatever comes with a text. */
function serve(stage: FabricStage, host: string, text: string): void {
  const { net } = stage.world.environment(host);
  const at = { host: "0.0.0.0", port: FABRIC_PORT, tls: { key: "key", certificate: `of ${host}` } };
  const listening = net.listen(at, (wire) => ({
    data() {
      if (text === "") return;
      wire.send("control", new TextEncoder().encode(text));
      wire.flush();
    },
    closed() {},
  }));
  stage.world.until(listening);
}
