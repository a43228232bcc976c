// Cases of the fabric's suite: what stands against a merge. Both sides' hooks, and names that are
// there already.

import { expect } from "bun:test";
import { LIMITS } from "../limits.ts";
import type { MergeOutcome } from "../plugin/fabric.ts";
import type { Deny } from "../plugin/hooks.ts";
import { BACK_MS, bothWays, MERGE_MS, outcomeOf, SOON_MS } from "./fabric-stage.ts";
import type { FabricStage } from "./fabric-stage.ts";
import type { FabricServer } from "./fabric-server.ts";
import type { FabricScene } from "./fabric-suite.ts";

export const consentScenes: readonly FabricScene[] = [
  {
    name: "either side may deny, and its reason reaches the operator who asked",
    play(stage) {
      const [a, b] = [stage.add("a"), stage.add("b")];
      for (const [one, other] of bothWays(a, b)) {
        one.consent = () => deny("we part as friends");
        other.consent = () => undefined;
        for (const dryRun of [true, false]) {
          const outcome = stage.world.until(a.merge(b, dryRun), MERGE_MS);
          const how = `${one.host} denies, dry run: ${dryRun}`;
          expect(outcomeOf(outcome), how).toBe("MERGE_DENIED");
          expect(JSON.stringify(outcome), how).toContain("we part as friends");
        }
      }
      stayApart(stage, a, b);
    },
  },
  {
    name: "a hook that throws denies, on either side",
    play(stage) {
      const [a, b] = [stage.add("a"), stage.add("b")];
      const throws = () => {
        throw new Error("a bug");
      };
      for (const [one, other] of bothWays(a, b)) {
        for (const consent of [throws, () => Promise.reject(new Error("a bug"))]) {
          one.consent = consent;
          other.consent = () => undefined;
          stage.refuses(a, b);
        }
      }
      stayApart(stage, a, b);
    },
  },
  {
    name: "a hook that never answers ends the merge within a bounded time, on either side",
    play(stage) {
      const [a, b] = [stage.add("a"), stage.add("b")];
      for (const [one, other] of bothWays(a, b)) {
        one.consent = () => new Promise(() => {});
        other.consent = () => undefined;
        stage.refuses(a, b);
      }
      stayApart(stage, a, b);
    },
  },
  {
    name: "hooks may take their time, and until they have answered nothing is joined",
    play(stage) {
      const a = stage.add("a");
      const [b] = stage.line("bc");
      for (const one of [a, b]) one.consent = () => pass(one, LIMITS.hookMsMax / 3);
      const outcome = a.merge(b);
      stage.run(LIMITS.hookMsMax / 3);
      expect([a.sees, b.sees], "while the hooks are asked").toEqual(["a", "b c"]);
      expect(a.publish([b.sid], "private", "already?")).toBe("unreachable");
      expect(outcomeOf(stage.world.until(outcome, MERGE_MS))).toBe("merged");
      stage.allMeet("soon after", "a b c", SOON_MS);
    },
  },
  {
    name: "a hook is told who asks and who would be joined; bystanders are not asked",
    play(stage) {
      const [a, b] = stage.line("ab");
      const [c, d] = stage.line("cd");
      for (const one of stage.servers) one.offers.length = 0;
      stage.merge(b, c);
      const told = [b, c].map(({ offers }) =>
        offers.map(({ by, server, sid, fusion }) => ({ by, server, sid, fusion: sorted(fusion) })),
      );
      const ofB = { by: "us" as const, server: c.name, sid: c.sid, fusion: ["c", "d"] };
      const ofC = { by: "them" as const, server: b.name, sid: b.sid, fusion: ["a", "b"] };
      expect(told).toEqual([[ofB], [ofC]]);
      expect([a.offers, d.offers]).toEqual([[], []]);
    },
  },
  {
    name: "two of one name do not merge, nor of names that look alike",
    play(stage) {
      let pairs = 0;
      for (const [one, two] of [
        ["paris", "paris"],
        ["Lyon", "lYON"],
        ["paypal", "paypa1"],
      ] as const) {
        pairs += 1;
        const [a, b] = [stage.add(one, `left${pairs}`), stage.add(two, `right${pairs}`)];
        const outcomes = [a.merge(b), b.merge(a, true)].map((outcome) =>
          outcomeOf(stage.world.until(outcome, MERGE_MS)),
        );
        expect(outcomes, `${one} and ${two}`).toEqual(["NAME_TAKEN", "NAME_TAKEN"]);
        stayApart(stage, a, b);
      }
    },
  },
  {
    name: "two fusions with one name in both do not merge, and the answer names it",
    play(stage) {
      const [a, b] = [stage.add("a"), stage.add("b")];
      const [nice, other] = [stage.add("nice", "nice1"), stage.add("nice", "nice2")];
      stage.merge(a, nice);
      stage.merge(b, other);
      stage.run(SOON_MS);
      const outcome = stage.world.until(a.merge(b), MERGE_MS);
      expect(outcomeOf(outcome)).toBe("NAME_TAKEN");
      expect(JSON.stringify(outcome)).toContain("nice");
      stage.run(BACK_MS);
      stage.sees("later", [a, "a nice"], [b, "b nice"]);
      stage.agrees();
    },
  },
  {
    name: "two of one name are never in one view, though their friends merge at the same instant",
    seeds: 20,
    play(stage) {
      const [a, b] = [stage.add("a"), stage.add("b")];
      const [nice, other] = [stage.add("nice", "nice1"), stage.add("nice", "nice2")];
      const { random } = stage.world;
      const outcomes: Promise<MergeOutcome>[] = [a.merge(b)];
      for (const [from, to] of [
        [a, nice],
        [b, other],
      ] as const)
        from.after(random.next() * 15, () => void outcomes.push(from.merge(to)));
      stage.run(BACK_MS);
      const answers = stage.world.until(Promise.all(outcomes), MERGE_MS);
      const codes = [...answers, ...stage.servers.flatMap(({ reports }) => reports)].map((one) =>
        "code" in one ? one.code : undefined,
      );
      expect(codes, "somebody is told").toContain("NAME_TAKEN");
      const fusions = new Set(stage.servers.map(({ sees }) => sees));
      expect([...fusions], "of three merges one gives way").toHaveLength(2);
      stage.agrees();
    },
  },
];

// --- internal ---

const deny = (reason: string): Deny => ({ verdict: "deny", reason });

const sorted = (names: readonly string[]): string[] => names.map(String).toSorted();

const pass = (server: FabricServer, ms: number): Promise<undefined> =>
  new Promise((resolve) => server.after(ms, () => resolve(undefined)));

/** A merge was refused: it stays so, though nobody says no any more. */
function stayApart(stage: FabricStage, ...servers: readonly FabricServer[]): void {
  for (const server of servers) server.consent = () => undefined;
  stage.stayAlone(...servers);
}
