// Plants one bug at a time and hunts it: first with the explorer, which is quick, then with the
// simulation. A bug that neither finds shows that they prove less than they should.
//
//   bun run mutate                        all of them, up to 1,000 seeds each
//   bun run mutate --only no-epoch        one
//   bun run mutate --by sim --seeds 200   without the explorer
//
// Exits with 1 if a bug was not found.

import { join } from "node:path";
import { argumentsOf } from "../arguments.ts";
import { mutationOf, type Mutation, MUTATIONS } from "./mutations.ts";

const { values } = argumentsOf({
  options: {
    only: { type: "string", multiple: true },
    by: { type: "string", default: "explorer,sim" },
    seeds: { type: "string", default: "1000" },
    states: { type: "string", default: "20000" },
  },
});

const root = join(import.meta.dir, "..", "..");
const hunters: Readonly<Record<string, readonly string[]>> = {
  explorer: ["tests/explore/explore.ts", "--states", values.states],
  sim: ["tests/sim/main.ts", "--seeds", values.seeds, "--first"],
};
/** What the hunters print of what they have found. */
const FOUND = /^(?:seed \d+: |VIOLATION in ).*/m;

/** Runs one hunter on a program with one planted bug; returns what it found. */
async function hunt(mutation: Mutation, hunter: readonly string[]): Promise<string | undefined> {
  const preload = join(import.meta.dir, "preload.ts");
  const child = Bun.spawn([process.execPath, "--preload", preload, ...hunter], {
    cwd: root,
    env: { ...process.env, MUTATION: mutation.name },
    stdout: "pipe",
    stderr: "pipe",
  });
  const texts = [new Response(child.stdout).text(), new Response(child.stderr).text()];
  const [out = "", err = ""] = await Promise.all(texts);
  if ((await child.exited) === 0) return undefined;
  return FOUND.exec(`${out}\n${err}`)?.[0] ?? err.split("\n")[0] ?? "it ended with an error";
}

const chosen = values.only?.map(mutationOf) ?? MUTATIONS;
const lost: string[] = [];
for (const mutation of chosen) {
  const begun = performance.now();
  let line = "NOT FOUND";
  for (const by of values.by.split(",")) {
    const found = await hunt(mutation, hunters[by] ?? []);
    if (found === undefined) continue;
    line = `${by}: ${found.slice(0, 120)}`;
    break;
  }
  if (line === "NOT FOUND") lost.push(mutation.name);
  const seconds = Math.round((performance.now() - begun) / 1000);
  console.log(`${mutation.name.padEnd(24)} ${String(seconds).padStart(4)} s  ${line}`);
}
console.log(`figure=R2 planted=${chosen.length} found=${chosen.length - lost.length}`);
process.exitCode = lost.length === 0 ? 0 : 1;
