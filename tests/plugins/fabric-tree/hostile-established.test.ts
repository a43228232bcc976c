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

test("a namesake that was held apart, and is joined when what held it goes, is not joined", () => {
  const it = scene(["c"]);
  const [holder, near, far] = [named("holder", "x"), named("near", "X"), named("far", "b")];
  it.evil.announce(listing(it, backDated(holder, 2), { peer: near.sid, port: 3, birth: 2 }));
  it.evil.announce([backDated(it.evil.self, 1)], holder);
  it.evil.announce([backDated(near, 1)], far);
  it.evil.announce([{ peer: it.evil.self.sid, port: 1, birth: 2 }, backDated(far, 2)], near);
  it.world.run(5000);
  sees(it, ["a", "c", "evil", "x"]);
  const b = it.world.add("b");
  expect(outcomeOf(it.world.merge(b, it.a))).toBe("merged");
  it.world.run(3 * LIMITS.establishedMs);
  const now = { ...it, others: [...it.others, b] };
  sees(now, ["a", "b", "c", "evil", "x"]);
  // Who goes is gone, but what he has held apart stays so.
  it.evil.announce([], holder);
  it.world.run(5000);
  sees(now, ["a", "b", "c", "evil"]);
  const late = it.world.add("late");
  expect(outcomeOf(it.world.merge(late, it.a))).toBe("merged");
  it.world.run(3 * LIMITS.establishedMs);
  sees({ ...now, others: [...now.others, late] }, ["a", "b", "c", "evil", "late"]);
  expect(it.a.counted.get("refused")).toBeUndefined();
});

/**
 * A ring that is closed last by the link of p, and broken between a and b. A liar on b lists a
 * namesake of p, over a link that is older than the one that closes the ring.
 */
function broken(names: readonly string[], ms: Record<"ringAfter" | "breakAfter", number>): void {
  const world = new World();
  const servers = names.map((name) => world.add(name));
  const [a, b] = ["a", "b"].map((name) => servers.findIndex((one) => one.name === name));
  const link = (from: number, to: number) => world.merge(servers[to]!, servers[from]!);
  for (let next = 1; next <= b!; next++) link(next - 1, next);
  const evil = new Scripted(world, servers[b!]!, identity("evil"), { alive: true }).join();
  const [fake, birth] = [named("fake", "p"), evil.birth + 1];
  const lie = () => {
    const honest = { peer: servers[b!]!.sid, port: 1, birth: evil.birth };
    evil.announce([honest, { peer: fake.sid, port: 2, birth }]);
    evil.announce([{ peer: evil.self.sid, port: 1, birth }], fake);
  };
  if (ms.ringAfter > 0) lie();
  world.run(ms.ringAfter);
  for (let next = b! + 1; next < servers.length; next++) link(next - 1, next);
  link(0, servers.length - 1);
  world.run(ms.breakAfter);
  if (ms.ringAfter === 0) lie();
  world.run(1000);
  world.between(servers[a!]!, servers[b!]!)[0]!.cut();
  for (const after of [500, 10_000, 600_000]) {
    world.run(after);
    for (const { sees: seen, counted, reports } of servers) {
      expect(seen).toBe([...names, "evil"].toSorted().join(" "));
      expect(counted.get("refused")).toBeUndefined();
      const lost = reports.filter(({ event }) => event === "lost" || event === "undone");
      for (const one of lost) expect(one).toMatchObject({ code: "CANNOT_CONNECT" });
    }
  }
}

test("a link that breaks costs no other link, though a liar had a namesake ready for it", () => {
  const long = 3 * LIMITS.establishedMs;
  for (const names of ["p a b d", "p q a b r s d"].map((one) => one.split(" "))) {
    broken(names, { ringAfter: 1000, breakAfter: long });
    broken(names, { ringAfter: 1000, breakAfter: LIMITS.establishedMs + 1000 });
    // All links stand for long, but the lie does not; or it does, and the other link does not.
    broken(names, { ringAfter: 0, breakAfter: long });
    broken(names, { ringAfter: long, breakAfter: 1000 });
  }
});

test("what was refused is taken when nobody is pushed out by it any more", () => {
  const it = scene(["c", "b"]);
  const near = { peer: identity("near").sid, port: 2, birth: it.evil.birth };
  it.evil.announce(listing(it, near));
  const back = [{ peer: it.evil.self.sid, port: 1, birth: it.evil.birth }];
  it.evil.announce(back, identity("near"));
  it.world.run(3 * LIMITS.establishedMs);
  sees(it, ["a", "b", "c", "evil", "near"]);
  it.evil.announce(back, named("near", "B"));
  it.world.run(5000);
  sees(it, ["a", "b", "c", "evil", "near"]);
  // It was not handed on: nobody else had to refuse it, and a is not asked again.
  expect(it.others.map(({ counted }) => counted.get("refused"))).toEqual([undefined, undefined]);
  expect(it.a.counted.get("refused")).toBe(1);
  it.others[1]!.kill();
  it.world.run(60_000);
  sees({ ...it, others: it.others.slice(0, 1) }, ["B", "a", "c", "evil"]);
  expect(it.a.counted.get("refused")).toBe(1);
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
