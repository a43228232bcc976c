// Cases of the fabric's suite: a stop in good order, and that a seed says everything.

import { expect } from "bun:test";
import { LIMITS } from "../limits.ts";
import { BACK_MS, MERGE_MS, outcomeOf, SOON_MS } from "./fabric-stage.ts";
import type { FabricStage } from "./fabric-stage.ts";
import type { FabricScene } from "./fabric-suite.ts";

export const endScenes: readonly FabricScene[] = [
  {
    name: "a server that stops leaves the others' views at once, and they merge when it is back",
    play(stage) {
      const [a, b, c] = stage.line("abc");
      b.stop();
      stage.run(SOON_MS);
      stage.sees("without b", [a, "a"], [c, "c"]);
      b.start();
      stage.allMeet("later", "a b c", BACK_MS);
    },
  },
  {
    name: "after a stop nothing is left: no timer, no connection, and no call throws",
    play(stage) {
      const [a, b, c] = stage.line("abc");
      stage.world.cut(b.host, c.host);
      stage.run(SOON_MS); // it is about to dial c again
      b.stop();
      stage.run(LIMITS.lingerMsMax * 2);
      expect([b.timers, stage.world.connections], "timers and connections").toEqual([0, 0]);
      b.publish([a.sid, c.sid], "room", "too late");
      b.keep(a.sid, "key", "too late");
      expect(outcomeOf(stage.world.until(b.merge(a), MERGE_MS))).toBe("SERVER_STOPPING");
      stage.world.healAll();
      for (const one of [a, c]) one.stop();
      stage.run(BACK_MS);
      expect([a.timers, b.timers, c.timers]).toEqual([0, 0, 0]);
      expect(stage.world.connections).toBe(0);
      expect([...a.heard, ...c.heard]).toEqual([]);
    },
  },
  {
    name: "a stop answers the merges that are under way",
    play(stage) {
      const [a, b] = [stage.add("a"), stage.add("b")];
      b.consent = () => new Promise(() => {});
      const outcome = a.merge(b);
      stage.run(100);
      a.stop();
      expect(outcomeOf(stage.world.until(outcome, SOON_MS))).toBe("SERVER_STOPPING");
      stage.run(MERGE_MS);
      expect([a.timers, stage.world.connections], "timers and connections").toEqual([0, 0]);
      stage.sees("later", [b, "b"]);
    },
  },
  {
    name: "the same seed gives the same run, to the byte",
    seeds: 2,
    play(stage) {
      const [once, again] = [tell(stage), tell(stage.again())];
      expect(again, "the second run").toEqual(once);
    },
  },
];

// --- internal ---

/** A run with some faults, and all that can be seen of it. */
function tell(stage: FabricStage): unknown {
  const [a, b, c, d] = stage.line("abcd");
  d.asks(a);
  stage.run(SOON_MS);
  stage.reset(b, c);
  a.crash();
  stage.run(300);
  a.start();
  stage.world.cut(c.host, d.host, "silent");
  stage.run(BACK_MS);
  stage.world.healAll();
  stage.run(BACK_MS);
  stage.exchange();
  return {
    digest: stage.world.digest(),
    views: stage.servers.map(({ view }) => view),
    heard: stage.servers.map(({ delivered }) => stage.linesOf(delivered)),
    reports: stage.servers.map(({ reports }) => reports),
  };
}
