// A peer that reads one byte a second, or nothing: it costs a bounded queue, and nobody else time.

import { expect, test } from "bun:test";
import authGuest from "../../../plugins/auth-guest.ts";
import fabricTree from "../../../plugins/fabric-tree.ts";
import { createSimulation, play } from "../../../src/testing.ts";
import type { Path } from "../../../src/testing.ts";
import { Watch } from "../../sim/watch.ts";

const TEXT = "x".repeat(1000);
/** More than the queue of a room holds. */
const LINES = 3000;

function chatBeside(slow: Partial<Path>): { worstMs: number; seen: string } {
  const watch = new Watch();
  const simulation = createSimulation({
    seed: 1,
    plugins: (host) => [authGuest(), watch.fabric(fabricTree(), host)],
    around: (environment) => watch.environment(environment),
  });
  const { world } = simulation;
  play(
    simulation,
    `
    paris, lyon, snail start
    ann@paris enters
    ben@lyon enters
    paris merges lyon
    lyon merges snail
    paris sees lyon, paris, snail
    `,
  );
  world.shape(slow, "lyon", "snail");
  const [ann, ben] = ["ann@paris", "ben@lyon"].map((address) => simulation.people.get(address)!);
  let worstMs = 0;
  for (let line = 1; line <= LINES; line += 1) {
    const begun = world.now;
    world.until(ann!.client.say("#lobby", TEXT));
    while (ben!.lines.length < line) world.run(1);
    worstMs = Math.max(worstMs, world.now - begun);
    watch.checkBounds();
  }
  expect(watch.violations).toEqual([]);
  world.run(120_000);
  watch.checkBounds();
  expect(watch.violations).toEqual([]);
  expect(ben!.lines.length).toBe(LINES);
  const fusion = simulation.servers.get("paris")!.server!.status()["fusion"];
  return { worstMs, seen: String(fusion) };
}

test("a peer that takes a byte a second is cut off, and the others' chat is not delayed", () => {
  const { worstMs, seen } = chatBeside({ bytesPerSecond: 1, bufferBytes: 4096 });
  expect(worstMs).toBeLessThan(100);
  expect(seen).toBe("lyon,paris");
});

test("so is one that takes nothing", () => {
  const { worstMs, seen } = chatBeside({ silent: true, bufferBytes: 4096 });
  expect(worstMs).toBeLessThan(100);
  expect(seen).toBe("lyon,paris");
});
