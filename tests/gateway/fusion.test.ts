// The line gateway in a fusion of two servers, in one simulated world: its people are like all
// others there, and both sides' plugins have their say in merging and in files.

import { describe, expect, test } from "bun:test";
import fabricTree from "../../plugins/fabric-tree.ts";
import { deny, type MergeOffer, type Plugin } from "../../src/plugin.ts";
import { hooksOf, inWorld, quietWorld, type Stage } from "./stage.ts";

async function openTwo(more: { paris?: readonly Plugin[]; lyon?: readonly Plugin[] } = {}) {
  const world = quietWorld();
  const paris = await inWorld([fabricTree(), ...(more.paris ?? [])], world, "paris");
  const lyon = await inWorld([fabricTree(), ...(more.lyon ?? [])], world, "lyon");
  const merge = (by: Stage, address: string, ...flags: string[]) =>
    by.done(by.server.run(["merge", address, ...flags], { by: "console", roles: [] }));
  return {
    world,
    paris,
    lyon,
    merge,
    async [Symbol.asyncDispose]() {
      await paris[Symbol.asyncDispose]();
      await lyon[Symbol.asyncDispose]();
    },
  };
}

test("people of the gateways of two merged servers talk to each other", async () => {
  await using two = await openTwo();
  const { paris, lyon, merge, world } = two;
  const ann = await paris.line("ann");
  const other = await lyon.line("ann");
  const ben = await lyon.native("ben");
  await merge(paris, `lyon:${lyon.port}`);
  world.settle();
  expect(ann.lines).toContain("FUSION lyon paris");
  for (const one of [ann, other]) one.send("JOIN #tea", "CAP time");
  await Promise.all([ann.fence(), other.fence()]);
  world.settle();
  ann.send("SAY #tea hello", "SAY #lobby hello all", "TELL ann@lyon namesake");
  await other.until((lines) => lines.includes("TOLD ann@paris namesake"));
  await ben.untilSaid("hello all");
  other.send("TELL ann@paris yes", "SAY #tea hello you");
  await ann.until((lines) => lines.includes("TOLD ann@lyon yes"));
  await ann.until(() => ann.said.length === 3);
  expect(other.said).toEqual([
    "#tea ann@paris hello",
    "#lobby ann@paris hello all",
    "#tea ann@lyon hello you",
  ]);
  ann.send("WHO #tea");
  await ann.fence();
  expect(ann.lines).toContain("WHO ann@lyon ann@paris");
});

describe("onMerge", () => {
  const asked: MergeOffer[] = [];
  const veto = hooksOf("no-lyon", {
    onMerge(offer) {
      asked.push(offer);
      return deny("not with them");
    },
  });

  test.each(["paris", "lyon"] as const)("may refuse on the side of %s", async (where) => {
    await using two = await openTwo({ [where]: [veto] });
    const { paris, lyon, merge, world } = two;
    asked.length = 0;
    const refused = await merge(paris, `lyon:${lyon.port}`);
    expect(refused).toMatchObject({ code: "MERGE_DENIED" });
    expect(JSON.stringify(refused)).toContain("not with them");
    world.settle();
    expect(asked[0]).toMatchObject(
      where === "paris" ? { by: "us", server: "lyon" } : { by: "them", server: "paris" },
    );
    expect(paris.server.status()["fusion"]).toEqual(["paris"]);
    expect(lyon.server.status()["fusion"]).toEqual(["lyon"]);
  });
});

test("onFile is asked at both home servers, once each", async () => {
  const asked: string[] = [];
  const at = (where: string, verdict: string | undefined) =>
    hooksOf(`files-${where}`, {
      onFile({ name, from, to }) {
        asked.push(`${where}: ${name} from ${from} to ${to}`);
        return verdict === undefined ? undefined : deny(verdict);
      },
    });
  await using two = await openTwo({
    paris: [at("paris", undefined)],
    lyon: [at("lyon", "not here")],
  });
  const { paris, lyon, merge, world } = two;
  const ann = await paris.native("ann");
  const ben = await lyon.line("ben");
  await merge(paris, `lyon:${lyon.port}`);
  world.settle();
  const sent = ann.client.send("ben@lyon", new Blob(["hi"]), { name: "hi.txt" });
  expect(await paris.done(sent.catch(String))).toContain("not here");
  expect(asked).toEqual([
    "paris: hi.txt from ann@paris to ben@lyon",
    "lyon: hi.txt from ann@paris to ben@lyon",
  ]);
  await ben.fence();
  expect(ben.lines).not.toContainEqual(expect.stringContaining("OFFERED"));
});
