// Dry runs: what each side learns of the other, in which cases nothing is told, and that nothing is
// changed on either side.

import { expect, test } from "bun:test";
import { LIMITS } from "../../../src/plugin.ts";
import type { MergeOutcome, OtherSide } from "../../../src/plugin.ts";
import { LINK_FRAME, readFusion, writeFusion } from "../../../plugins/fabric-tree/hello.ts";
import { identity, Scripted } from "./scripted.ts";
import { outcomeOf, World } from "./world.ts";
import type { Server } from "./world.ts";

const dryRun = (world: World, from: Server, to: Server): MergeOutcome =>
  world.await(from.fabric.merge(to.address, { dryRun: true }));

/** What was told of the other side: its servers, and its core's summary. */
function told({ other }: { readonly other?: OtherSide }): readonly unknown[] {
  const summary =
    other?.summary === undefined ? undefined : new TextDecoder().decode(other.summary);
  return [other?.server, other?.servers, summary];
}

function pair(): { readonly world: World; readonly a: Server; readonly b: Server } {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  world.merge(b, world.add("c"));
  world.run(1000);
  return { world, a, b };
}

test("a dry run learns who is with the other server, and its core's summary", () => {
  const { world, a, b } = pair();
  const outcome = dryRun(world, a, b);
  expect(outcome).toMatchObject({ state: "possible", server: "b", fusion: ["a", "b", "c"] });
  expect(told(outcome)).toEqual(["b", ["b", "c"], "summary of b"]);
});

test("a dry run changes nothing: no report, pin, wish, birth, stored value or lasting link", () => {
  const { world, a, b } = pair();
  const state = () =>
    [a, b].map(({ changes, reports, stored, fabric, sees }) => {
      const kept = [...stored].map(([key, bytes]) => [key, bytes.toHex()]);
      return { changes, reports: reports.length, kept, view: fabric.view.links, sees };
    });
  const before = JSON.stringify(state());
  expect(outcomeOf(dryRun(world, a, b))).toBe("possible");
  expect(outcomeOf(dryRun(world, world.addAt("elsewhere", "c"), b))).toBe("NAME_TAKEN");
  b.consent = () => ({ verdict: "deny", reason: "not today" });
  expect(outcomeOf(dryRun(world, a, b))).toBe("MERGE_DENIED");
  world.run(5000);
  expect(JSON.stringify(state())).toBe(before);
  expect(world.between(a, b)).toEqual([]);
  // The next birth is the one that it would have been.
  b.consent = () => undefined;
  world.merge(a, b);
  expect(b.fabric.view.links).toHaveLength(2);
  const [synced] = world
    .between(a, b)[0]!
    .dialler.sent.filter(({ type }) => type === LINK_FRAME.synced);
  expect(synced?.bytes.at(-1)).toBeLessThanOrEqual(2);
});

test("a merge itself carries no summary", () => {
  const { world, a, b } = pair();
  world.merge(a, b);
  const [connection] = world.between(a, b);
  for (const end of [connection!.dialler, connection!.accepter]) {
    const fusion = end.sent.find(({ type }) => type === LINK_FRAME.fusion);
    expect(readFusion(fusion!.bytes, true)).not.toHaveProperty("summary");
  }
});

test("what both sides have against it is told with who is there", () => {
  const { world, b } = pair();
  const namesake = world.addAt("elsewhere", "c");
  const outcome = dryRun(world, namesake, b);
  expect(outcome).toMatchObject({ code: "NAME_TAKEN" });
  expect(told(outcome)).toEqual(["b", ["b", "c"], "summary of b"]);
});

test("what the other side alone has against it is told with who is there", () => {
  const { world, b } = pair();
  const thief = world.addAt("thief", "d");
  world.merge(b, world.add("d"));
  world.run(LIMITS.pinFirmMs);
  world.await(b.fabric.unmerge(thief.name));
  const outcome = dryRun(world, thief, b); // pinned on b only
  expect(outcome).toMatchObject({ code: "NAME_TAKEN" });
  expect(JSON.stringify(outcome)).toContain("on b this name is pinned");
  expect(told(outcome)).toEqual(["b", ["b", "c"], "summary of b"]);
});

test("who is denied by a plugin, a secret or the list is told the reason and nothing more", () => {
  const { world, a, b } = pair();
  b.consent = () => ({ verdict: "deny", reason: "not today" });
  const denied = dryRun(world, a, b);
  expect(denied).toMatchObject({ code: "MERGE_DENIED", text: "b refuses a: not today" });
  expect(told(denied)).toEqual(["b", [], undefined]);
  // Nor does a name of its choice, on which they would part anyhow, open the door.
  const named = dryRun(world, world.addAt("elsewhere", "c"), b);
  expect(named).toMatchObject({ code: "MERGE_DENIED" });
  expect(told(named)).toEqual(["b", [], undefined]);
  const secret = world.add("secret", { secret: "a long and random secret" });
  const picky = world.add("picky", { allow: ["b"] });
  for (const other of [secret, picky]) {
    const outcome = dryRun(world, a, other);
    expect(outcome).toMatchObject({ code: "MERGE_DENIED" });
    expect(told(outcome)).toEqual([other.name, [], undefined]);
  }
});

test("our own plugins are asked as well, and who is there is known by then", () => {
  const { world, a, b } = pair();
  a.consent = () => ({ verdict: "deny", reason: "not them" });
  const outcome = dryRun(world, a, b);
  expect(outcome).toMatchObject({ code: "MERGE_DENIED", text: "a refuses b: not them" });
  expect(told(outcome)).toEqual(["b", ["b", "c"], "summary of b"]);
});

test("a server that is in the fusion already would be accepted, and no link is replaced", () => {
  const { world, a, b } = pair();
  world.merge(a, b);
  const [before] = world.between(a, b);
  const outcome = dryRun(world, a, b);
  expect(outcome).toMatchObject({ state: "possible", fusion: ["a", "b", "c"] });
  world.run(1000);
  expect(world.between(a, b)).toEqual([before!]);
});

test("a peer of an earlier version, which tells no summary, is as good", () => {
  const members = [{ sid: identity("b").sid, name: identity("b").name }];
  const met = { epoch: 0, attempt: 0 };
  const plain = writeFusion({ met, members });
  expect(readFusion(plain, true)).toEqual({ met, members });
  for (const more of [[1], [1, 2], [1, 2, 3]]) {
    expect(readFusion(new Uint8Array([...plain, ...more]), false)).toEqual({ met, members });
  }
  const summary = new Uint8Array(LIMITS.summaryBytesMax).fill(1);
  const more = writeFusion({ met, members, summary });
  expect(readFusion(new Uint8Array([...more, 1, 2, 3]), true)).toEqual({ met, members, summary });
  expect(() => readFusion(more.subarray(0, more.length - 1), true)).toThrow("expected");
});

test("a stranger that asks again and again leaves nothing", () => {
  const { world, b } = pair();
  for (let attempt = 1; attempt < 20; attempt++) {
    const peer = new Scripted(world, b, identity("peer"), { attempt, dryRun: true });
    peer.dial().auth().fusion();
    expect(readFusion(peer.said(LINK_FRAME.fusion)[0]!, true).summary).toBeDefined();
    peer.announce([]); // which would be the yes
    expect(peer.reason?.code).toBe("OUT_OF_PHASE");
  }
  expect(b.sees).toBe("b c");
});
