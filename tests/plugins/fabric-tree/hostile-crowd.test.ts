// More servers than are kept: who is in the fusion, and who comes, is never the one to give way.

import { expect, test } from "bun:test";
import { LIMITS } from "../../../src/plugin.ts";
import type { ServerName } from "../../../src/plugin.ts";
import { announce } from "../../../plugins/fabric-tree/announcement.ts";
import type { LinkEntry } from "../../../plugins/fabric-tree/announcement.ts";
import { Database } from "../../../plugins/fabric-tree/database.ts";
import { LINK_FRAME } from "../../../plugins/fabric-tree/hello.ts";
import { identity, Scripted } from "./scripted.ts";
import { outcomeOf, World } from "./world.ts";

const first = { epoch: 1, seq: 1 };

test("made-up servers that hang on undone links leave room for those who come", () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  world.merge(a, b);
  world.run(1000);
  const evil = new Scripted(world, a, identity("evil"), { alive: true }).join();
  world.run(1000);
  // A tree of them, 60 to each, all with the name of a member.
  const birth = evil.birth + 1;
  const fakes = Array.from({ length: LIMITS.announcementsMax + 50 }, (_, at) => ({
    ...identity(`fake${at}`),
    name: "b" as ServerName,
  }));
  const own: LinkEntry[] = [{ peer: a.sid, port: 1, birth: evil.birth }];
  const links = fakes.map((): LinkEntry[] => []);
  fakes.forEach(({ sid }, at) => {
    const above = Math.floor(at / 60) - 1;
    const port = 2 + (at % 60);
    (links[above] ?? own).push({ peer: sid, port, birth });
    links[at]!.push({ peer: fakes[above]?.sid ?? evil.self.sid, port: 1, birth });
  });
  evil.link.send("control", LINK_FRAME.announcement, evil.announcement(own));
  fakes.forEach((fake, at) => {
    evil.link.send("control", LINK_FRAME.announcement, evil.announcement(links[at]!, fake));
    if (at % 25 === 0) world.run(50);
  });
  world.run(2000);
  expect(a.counted.get("full")).toBeGreaterThan(0);
  const late = world.add("late");
  expect(outcomeOf(world.merge(late, b))).toBe("merged");
  for (const ms of [2000, 1_200_000]) {
    world.run(ms);
    for (const { sees } of [a, b, late]) expect(sees).toBe("a b evil late");
  }
}, 60_000);

test("neighbours are told nothing that is not judged", () => {
  const database = new Database(identity("a"), 0);
  const of = identity("b");
  database.take(announce(of, first, []).bytes, 0);
  expect(database.judged.get(of.sid)).toBeUndefined();
  database.news.clear();
  expect(database.judged.get(of.sid)).toMatchObject({ seq: 1 });
  database.take(announce(of, { epoch: 1, seq: 2 }, []).bytes, 0);
  expect(database.judged.get(of.sid)).toMatchObject({ seq: 1 });
});

test("what was refused is not taken as new again, and is forgotten when there is too much", () => {
  const database = new Database(identity("a"), 0);
  const take = (at: number) => database.take(announce(identity(`s${at}`), first, []).bytes, 0).is;
  for (let at = 0; at <= LIMITS.refusedMax; at++) {
    expect(take(at)).toBe("new");
    database.takeBack(identity(`s${at}`).sid);
    expect(database.all.size).toBe(0);
  }
  expect(take(1)).toBe("same");
  expect(database.retry(0)).toBe(true);
  expect(database.news.size).toBe(LIMITS.refusedMax);
  expect(take(0)).toBe("new");
  expect(database.retry(0)).toBe(false);
});
