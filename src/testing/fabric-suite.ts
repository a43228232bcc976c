// What every plugin of the role "fabric" must hold, as tests: yours too. A failure says which part
// of the contract in plugin/fabric.ts is broken. The plugin runs on simulated connections and
// disks, in virtual time: below it the core's own port, links, host and hooks, above it no core.
//
//   import { testFabric } from "chatfusion/testing";
//   testFabric("fabric-mine", { make: () => fabricMine() });
//
// The cases: fabric-merging.ts, fabric-consent.ts, fabric-loss.ts, fabric-traffic.ts,
// fabric-ends.ts.

import { describe, test } from "bun:test";
import type { Plugin } from "../plugin/context.ts";
import { consentScenes } from "./fabric-consent.ts";
import { endScenes } from "./fabric-ends.ts";
import { lossScenes } from "./fabric-loss.ts";
import { mergingScenes } from "./fabric-merging.ts";
import { FabricStage } from "./fabric-stage.ts";
import { trafficScenes } from "./fabric-traffic.ts";
import type { World } from "./world.ts";

/** What a fabric may lack by design, in alphabetical order. */
export interface FabricAbilities {
  /** What joins servers is connections between them, so that a cut parts them, or slows them. */
  readonly direct: string;
  /** Notices a neighbour from which nothing is heard, though the connection was not ended. */
  readonly silence: string;
  /** A link that would close a loop is kept, and takes over when another one is lost. */
  readonly standby: string;
  /** Ends one link for good, so that two fusions remain. */
  readonly unmerge: string;
}

export interface FabricSubject {
  /** Makes the plugin for one start of one server. `world` is there for what it simulates. */
  make(at: { readonly server: string; readonly world: World }): Plugin;
  /** Abilities that it does not have, each with the reason. Their cases are skipped. */
  readonly without?: Partial<FabricAbilities>;
}

/** A case as it is played on a stage of its own. */
export interface FabricScene {
  /** A sentence that is true of a fabric which keeps the contract. */
  readonly name: string;
  readonly needs?: readonly (keyof FabricAbilities)[];
  /** How many seeds it is played with; default 1. */
  readonly seeds?: number;
  play(stage: FabricStage): void;
}

/** A case of the suite for one plugin. */
export interface FabricCase {
  readonly name: string;
  /** Why it is not to be run. */
  readonly skipped: string | undefined;
  /** Throws what is wrong, with the seed. */
  run(): void;
}

/** The cases of the suite, for those who want to run some of them, or otherwise. */
export function fabricCases(subject: FabricSubject): FabricCase[] {
  return scenes.map((scene) => ({
    name: scene.name,
    skipped: scene.needs?.map((ability) => subject.without?.[ability]).find(Boolean),
    run() {
      for (let seed = 1; seed <= (scene.seeds ?? 1); seed += 1) playScene(scene, subject, seed);
    },
  }));
}

/** Defines the tests of one plugin, in a group of its own. */
export function testFabric(name: string, subject: FabricSubject): void {
  describe(`${name} as a fabric`, () => {
    for (const { name: sentence, skipped, run } of fabricCases(subject)) {
      if (skipped === undefined) test(sentence, run, TEST_MS_MAX);
      else test.skip(`${sentence} (${skipped})`, run);
    }
  });
}

// --- internal ---

/** Of real time, for a machine that is busy: a case takes some hundredths of a second. */
const TEST_MS_MAX = 60_000;

const scenes: readonly FabricScene[] = [
  ...mergingScenes,
  ...consentScenes,
  ...lossScenes,
  ...trafficScenes,
  ...endScenes,
];

function playScene(scene: FabricScene, subject: FabricSubject, seed: number): void {
  const stage = new FabricStage(subject, seed);
  try {
    scene.play(stage);
    stage.end();
  } catch (thrown) {
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    const rules = stage.broken.filter((rule) => !text.includes(rule));
    throw new Error([`seed ${seed}: ${text}`, ...new Set(rules)].join("\n"), { cause: thrown });
  }
}
