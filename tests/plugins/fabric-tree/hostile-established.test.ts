// Members of long standing that turn on others: whatever they announce, with whatever births, in
// whatever order, nobody who was there before is pushed out, and all go on to see the same.

import { expect, test } from "bun:test";
import { LIMITS } from "../../../src/plugin.ts";
import type { ServerName } from "../../../src/plugin.ts";
import type { LinkEntry } from "../../../plugins/fabric-tree/announcement.ts";
import type { Identity } from "../../../plugins/fabric-tree/announcement.ts";
import { LINK_FRAME } from "../../../plugins/fabric-tree/hello.ts";
import { identity, Scripted } from "./scripted.ts";
import { everyoneHearsEveryone, outcomeOf, World } from "./world.ts";
import type { Server } from "./world.ts";

interface Scene {
  readonly world: World;
  readonly a: Server;
  readonly evil: Scripted;
  readonly others: readonly Server[];
}

/** A hostile server that came before all others but its neighbour; then they stand for long. */
function scene(others: readonly string[] = ["b", "c"]): Scene {
  const world = new World();
  const a = world.add("a");
  const evil = new Scripted(world, a, identity("evil"), { alive: true }).join();
  const chain = [a];
  for (const name of others) {
    const next = world.add(name);
    world.merge(next, chain.at(-1)!);
    chain.push(next);
  }
  world.run(3 * LIMITS.establishedMs);
  const it = { world, a, evil, others: chain.slice(1) };
  sees(it, ["a", "evil", ...others]);
  return it;
}

function sees({ a, others }: Scene, names: readonly string[]): void {
  const all = names.toSorted().join(" ");
  for (const { sees: seen } of [a, ...others]) expect(seen).toBe(all);
}

/** Its own link, and more. */
const listing = ({ a, evil }: Scene, ...more: readonly LinkEntry[]): readonly LinkEntry[] => [
  { peer: a.sid, port: 1, birth: evil.birth },
  ...more,
];
/** A link that is older than all honest ones. */
const backDated = ({ sid: peer }: Pick<Identity, "sid">, port: number): LinkEntry => {
  return { peer, port, birth: 1 };
};
const named = (key: string, name: string): Identity => {
  return { ...identity(key), name: name as ServerName };
};

function unharmed(it: Scene): void {
  it.world.run(5000);
  sees(it, ["a", ...it.others.map(({ name }) => name as string)]);
  everyoneHearsEveryone(it.world);
  const late = it.world.add("late");
  expect(outcomeOf(it.world.merge(late, it.others.at(-1)!))).toBe("merged");
  it.world.run(1000);
  sees({ ...it, others: [...it.others, late] }, [
    "a",
    "late",
    ...it.others.map(({ name }) => name),
  ]);
}

test("a neighbour that takes another name than it said in the handshake is cut off", () => {
  for (const name of ["b", "c", "C", "harmless"]) {
    const it = scene();
    it.evil.announce(listing(it), named("evil", name));
    expect(it.evil.reason).toMatchObject({ code: "BAD_FRAME" });
    unharmed(it);
  }
});

test("a member that takes the name of one who came later pushes nobody out", () => {
  const it = scene(["c"]);
  const near = { peer: identity("near").sid, port: 2, birth: 3 };
  it.evil.announce(listing(it, near));
  const back = [{ peer: it.evil.self.sid, port: 1, birth: 3 }];
  it.evil.announce(back, identity("near"));
  const b = it.world.add("b");
  it.world.merge(b, it.a);
  it.world.run(3 * LIMITS.establishedMs);
  const now = { ...it, others: [...it.others, b] };
  sees(now, ["a", "b", "c", "evil", "near"]);
  it.evil.announce(back, named("near", "B"));
  it.world.run(5000);
  sees(now, ["a", "b", "c", "evil", "near"]);
  expect(it.a.counted.get("refused")).toBe(1);
});

test("a namesake behind a back-dated link pushes nobody out, in whatever order it is told", () => {
  for (const order of ["liar first", "namesake first", "at once"] as const) {
    const it = scene();
    const fake = named("fake", "b");
    const lie = it.evil.announcement(listing(it, backDated(fake, 2)));
    const news = it.evil.announcement([backDated(it.evil.self, 1)], fake);
    const both = order === "namesake first" ? [news, lie] : [lie, news];
    for (const one of both) {
      it.evil.link.send("control", LINK_FRAME.announcement, one);
      if (order !== "at once") it.world.run(5000);
    }
    it.world.run(5000);
    // Whoever speaks last is refused; the one who relays another's news is not at fault for them.
    sees(it, ["a", "b", "c", ...(it.evil.reason === undefined ? ["evil"] : [])]);
    expect(it.a.counted.get("refused")).toBeGreaterThan(0);
    it.evil.link.close({ code: "UNMERGED", text: "goes" });
    unharmed(it);
  }
});

test("a namesake further behind, on links that were kept ready, pushes nobody out", () => {
  const it = scene();
  const [near, far] = [identity("near"), named("far", "c")];
  it.evil.announce(listing(it, backDated(near, 2)));
  it.evil.announce([backDated(it.evil.self, 1), backDated(far, 2)], near);
  it.world.run(3 * LIMITS.establishedMs);
  sees(it, ["a", "b", "c", "evil", "near"]);
  it.evil.announce([backDated(near, 1)], far);
  it.world.run(5000);
  sees(it, ["a", "b", "c", "evil", "near"]);
  // Nor is a newcomer told of it.
  const newcomer = it.world.add("newcomer");
  it.world.merge(newcomer, it.others[0]!);
  it.world.run(1000);
  sees({ ...it, others: [...it.others, newcomer] }, ["a", "b", "c", "evil", "near", "newcomer"]);
  it.world.await(newcomer.fabric.unmerge(it.others[0]!.name));
  newcomer.kill();
  it.evil.link.close({ code: "UNMERGED", text: "goes" });
  unharmed(it);
});

test("as many made-up servers as a fusion may have, on older links, push nobody out", () => {
  const it = scene();
  const fakes = Array.from({ length: LIMITS.serversMax }, (_, at) => identity(`fake${at}`));
  // A tree of them, 60 to each; told from its leaves, so that it is joined at the end, at once.
  const links = fakes.map((_, at): LinkEntry[] => {
    return [backDated(at === 0 ? it.evil.self : fakes[Math.floor((at - 1) / 60)]!, 1)];
  });
  fakes.forEach((fake, at) => {
    if (at > 0) links[Math.floor((at - 1) / 60)]!.push(backDated(fake, 2 + ((at - 1) % 60)));
  });
  for (let at = fakes.length - 1; at >= 0; at--) it.evil.announce(links[at]!, fakes[at]);
  it.world.run(5000);
  it.evil.announce(listing(it, backDated(fakes[0]!, 2)));
  it.world.run(5000);
  expect(it.evil.reason?.code).toBe("BAD_FRAME");
  unharmed(it);
}, 30_000);

test("when an honest link breaks, no other is closed for it, whoever has a namesake ready", () => {
  const world = new World();
  const [p, a, b, d] = [world.add("p"), world.add("a"), world.add("b"), world.add("d")];
  world.merge(a, p);
  world.merge(b, a);
  const evil = new Scripted(world, b, identity("evil"), { alive: true }).join();
  const fake = named("fake", "p");
  const birth = evil.birth + 1; // not even back-dated
  const own = { peer: b.sid, port: 1, birth: evil.birth };
  evil.announce([own, { peer: fake.sid, port: 2, birth }]);
  evil.announce([{ peer: evil.self.sid, port: 1, birth }], fake);
  world.merge(d, b);
  world.merge(d, p);
  world.run(3 * LIMITS.establishedMs);
  for (const { sees: seen } of [p, a, b, d]) expect(seen).toBe("a b d evil p");
  world.between(a, b)[0]!.cut();
  world.run(120_000);
  const reports = [p, a, b, d].flatMap((one) => one.reports);
  expect(reports.filter(({ code }) => code === "BAD_FRAME")).toEqual([]);
  // The liar's p is older than the link of d and the true p; but nobody sees what others do not.
  expect([p.sees, a.sees]).toEqual(["a p", "a p"]);
  expect([b.sees, d.sees]).toEqual(["b d evil p", "b d evil p"]);
});

test("honest servers come and go as before, however long others stand", () => {
  const it = scene();
  const [b, c] = it.others;
  c!.kill();
  it.world.run(60_000);
  sees({ ...it, others: [b!] }, ["a", "b", "evil"]);
  c!.restart();
  it.world.run(3 * LIMITS.establishedMs);
  sees(it, ["a", "b", "c", "evil"]);
  const other = it.world.addAt("elsewhere", "b");
  expect(outcomeOf(it.world.merge(other, c!))).toBe("NAME_TAKEN");
  expect(it.a.counted.get("refused")).toBeUndefined();
});
