// One line for each happening: what operators and people read when servers go and come back.

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { createSimulation } from "../../src/testing.ts";
import type { Home } from "./place.ts";
import { type Asked, linesOf, Row } from "./row.ts";

const told = (...homes: readonly Home[]) => homes.map(linesOf);
const LATER_MS = 20_000;

test("a leaf that dies is told in one line, with the link that was lost; so is its return", () => {
  const row = new Row("leaf");
  const [a, b, c] = row.row("amiens", "brest", "caen") as [Home, Home, Home];
  const ana = row.place.enter(a, "ana");
  const bob = row.place.enter(b, "bob");
  const joins = [ana, bob, row.place.enter(c, "cat")];
  for (const one of joins) one.get("join", { room: "#go" });
  row.place.enter(c, "dan").send("bye");
  row.place.rest(5000);
  row.hush();
  for (const one of joins) one.heard.length = 0;
  row.kill(c);
  row.place.rest(5000);
  const two = "2 servers, amiens, brest";
  expect(told(a, b)).toEqual([
    [`split from caen: ${two} (the link brest–caen is lost)`],
    [`split from caen: ${two} (link to caen lost: reset by the peer)`],
  ]);
  row.start("caen");
  row.place.rest(LATER_MS);
  const three = "caen is back: 3 servers, amiens, brest, caen";
  expect(told(a, b).map((lines) => lines.slice(1))).toEqual([[three], [three]]);
  for (const client of [ana, bob]) {
    const [split, ...more] = client.all("split");
    const numbers = { people: 1, rooms: [{ room: "#go", people: 1 }], cut: [["brest", "caen"]] };
    expect([split, more]).toMatchObject([{ servers: ["caen"], ...numbers }, []]);
    expect(client.all("merged")).toMatchObject([{ servers: ["caen"], people: 0, back: true }]);
    expect(client.all("left")).toEqual([]);
  }
});

test("the middle one of five that dies takes half of them along, in one line on each", () => {
  const row = new Row("middle");
  const names = ["a1", "b2", "c3", "d4", "e5"];
  const [a, b, c, d, e] = row.row(...names) as [Home, Home, Home, Home, Home];
  const clients = [a, b, d, e].map((home) => row.place.enter(home, "ann"));
  row.hush();
  row.kill(c);
  row.place.rest(5000);
  const lost = "(link to c3 lost: reset by the peer)";
  expect(told(a, b, d, e)).toEqual([
    ["split from c3, d4, e5: 2 servers, a1, b2 (the link b2–c3 is lost)"],
    [`split from c3, d4, e5: 2 servers, a1, b2 ${lost}`],
    [`split from a1, b2, c3: 2 servers, d4, e5 ${lost}`],
    ["split from a1, b2, c3: 2 servers, d4, e5 (the link c3–d4 is lost)"],
  ]);
  const cuts = clients.map((client) => client.all("split").map((one) => one["cut"]));
  expect(cuts).toEqual(
    [
      ["b2", "c3"],
      ["b2", "c3"],
      ["c3", "d4"],
      ["c3", "d4"],
    ].map((cut) => [[cut]]),
  );
  row.start("c3");
  row.place.rest(LATER_MS);
  // c3 dialled d4: it comes back there first, or with b2, which dials it.
  for (const home of [a, b, d, e]) {
    const back = linesOf(home).slice(1);
    expect(back.every((line) => /(is|are) back/.test(line))).toBe(true);
    expect(back.at(-1)).toEndWith("back: 5 servers, a1, b2, c3, d4, e5");
  }
});

test("a member of a ring that dies is told in one line: who is gone, and nobody else", () => {
  const row = new Row("ring");
  const [a, b, c, d] = row.row("amiens", "brest", "caen", "dijon") as [Home, Home, Home, Home];
  row.ask(d, "merge amiens:7331");
  row.place.rest(1000);
  const ana = row.place.enter(a, "ana");
  row.hush();
  row.kill(c);
  row.place.rest(5000);
  const line = "split from caen: 3 servers, amiens, brest, dijon";
  const lost = "(link to caen lost: reset by the peer)";
  // Whichever of its two links it hears of first.
  const far = expect.stringMatching(/\(the link (brest–caen|caen–dijon) is lost\)$/) as string;
  expect(told(a, b, d)).toEqual([[far], [`${line} ${lost}`], [`${line} ${lost}`]]);
  expect(linesOf(a)[0]).toStartWith(line);
  expect(ana.all("split")).toMatchObject([{ servers: ["caen"] }]);
});

test("a link of a ring that is lost takes nobody along, and one line says so at each end", () => {
  const row = new Row("ring link");
  const [a, b, c] = row.row("amiens", "brest", "caen") as [Home, Home, Home];
  row.ask(c, "merge amiens:7331");
  row.place.rest(1000);
  const ana = row.place.enter(a, "ana");
  row.hush();
  row.place.world.cut("amiens", "brest");
  row.place.rest(500);
  row.place.world.heal("amiens", "brest");
  row.place.rest(LATER_MS);
  expect(told(a, b, c)).toEqual([
    [
      "link to brest lost: reset by the peer; all servers are still reached",
      "link to brest is up again, and is kept in reserve: it is in the fusion by another way",
    ],
    [
      "link to amiens lost: reset by the peer; all servers are still reached",
      "link to amiens is up again, and is kept in reserve: it is in the fusion by another way",
    ],
    [],
  ]);
  expect([ana.all("split"), ana.all("merged")]).toEqual([[], []]);
});

test("a machine with three servers that dies is told in one line", () => {
  const row = new Row("machine");
  const hub = row.start("hub");
  const others = ["x", "y", "z"].map((name) => row.start(name));
  for (const { name } of others) row.ask(hub, `merge ${name}:7331`);
  row.place.rest(3000);
  const ann = row.place.enter(hub, "ann");
  row.hush();
  for (const home of others) row.kill(home);
  row.place.rest(5000);
  const why = ["x", "y", "z"].map((name) => `link to ${name} lost: reset by the peer`);
  const [line = "", ...rest] = linesOf(hub);
  expect(rest).toEqual([]);
  expect(line).toStartWith("split from x, y, z: this server is alone now (");
  for (const one of why) expect(line).toContain(one);
  expect(ann.all("split")).toMatchObject([{ servers: ["x", "y", "z"] }]);
});

test("two halves of five that lose both of their links are told once, and healed once", () => {
  const row = new Row("halves");
  const names = ["a1", "b2", "c3", "d4", "e5"];
  const [a, b, c, d, e] = row.row(...names) as [Home, Home, Home, Home, Home];
  row.ask(e, "merge a1:7331");
  row.place.rest(1000);
  const ann = row.place.enter(a, "ann");
  row.hush();
  const { world } = row.place;
  for (const [x, y] of [
    ["b2", "c3"],
    ["e5", "a1"],
  ] as const)
    world.cut(x, y);
  row.place.rest(5000);
  for (const [home, line] of [
    [a, "split from c3, d4, e5: 2 servers, a1, b2 (link to e5 lost: reset by the peer)"],
    [b, "split from c3, d4, e5: 2 servers, a1, b2 (link to c3 lost: reset by the peer)"],
    [c, "split from a1, b2: 3 servers, c3, d4, e5 (link to b2 lost: reset by the peer)"],
    [d, "split from a1, b2: 3 servers, c3, d4, e5 (the link b2–c3 is lost)"],
    [e, "split from a1, b2: 3 servers, c3, d4, e5 (link to a1 lost: reset by the peer)"],
  ] as const)
    expect(linesOf(home)).toEqual([line]);
  world.healAll();
  row.place.rest(60_000);
  expect(linesOf(d).slice(1)).toEqual(["a1, b2 are back: 5 servers, a1, b2, c3, d4, e5"]);
  // The link that comes second joins nobody, and is its own line at its ends.
  const back = [a, b, c, e].map((home) => linesOf(home).slice(1));
  expect(back.flat().filter((line) => line.includes("are back"))).toHaveLength(4);
  expect(back.flat().filter((line) => line.includes("is up again"))).toHaveLength(2);
  expect(ann.all("split")).toHaveLength(1);
  expect(ann.all("merged")).toHaveLength(1);
});

test("servers that come back by another way are back, in one line", () => {
  const row = new Row("another way");
  const [a, b, c] = row.row("amiens", "brest", "caen") as [Home, Home, Home];
  row.kill(b);
  row.place.rest(5000);
  row.hush();
  row.ask(a, "merge caen:7331");
  row.place.rest(2000);
  expect(told(a, c)).toEqual([
    ["caen is back: 2 servers, amiens, caen"],
    ["amiens is back: 2 servers, amiens, caen"],
  ]);
});

test("an unmerge is one line on both sides, and a merge after it is a merge", () => {
  const row = new Row("unmerge");
  const [a, b, c] = row.row("amiens", "brest", "caen") as [Home, Home, Home];
  const people = [a, b, c].map((home) => row.place.enter(home, "ann"));
  row.hush();
  const answer = row.ask(b, "unmerge caen");
  expect(answer.text).toBe("unmerged from caen; the fusion: amiens, brest");
  const why = "(brest has ended its link to caen)";
  expect(linesOf(b)).toEqual([`split from caen: 2 servers, amiens, brest ${why}`]); // by then
  row.place.rest(LATER_MS);
  expect(told(a, b, c)).toEqual([
    ["split from caen: 2 servers, amiens, brest (an operator has ended the link brest–caen)"],
    [`split from caen: 2 servers, amiens, brest ${why}`],
    [`split from amiens, brest: this server is alone now ${why}`],
  ]);
  for (const one of people)
    expect(one.all("split")).toMatchObject([{ cut: [["brest", "caen"]], code: "UNMERGED" }]);
  row.hush();
  row.ask(b, "merge caen:7331");
  row.place.rest(1000);
  expect(told(a, b, c)).toEqual([
    ["merged with caen: 3 servers, amiens, brest, caen"],
    ["merged with caen: 3 servers, amiens, brest, caen"],
    ["merged with brest: 3 servers, amiens, brest, caen"],
  ]);
});

test("a server that stops in good order is told with that reason, everywhere", () => {
  const row = new Row("stop");
  const [a, b, c, d] = row.row("amiens", "brest", "caen", "dijon") as [Home, Home, Home, Home];
  const people = [a, b, d].map((home) => row.place.enter(home, "ann"));
  row.place.enter(c, "cat");
  row.place.rest(1000);
  row.hush();
  row.place.stop(c);
  row.place.rest(1000);
  expect(told(a, b, d)).toEqual([
    ["split from caen, dijon: 2 servers, amiens, brest (caen was stopped)"],
    ["split from caen, dijon: 2 servers, amiens, brest (link to caen ended: caen stops)"],
    ["split from amiens, brest, caen: this server is alone now (link to caen ended: caen stops)"],
  ]);
  for (const one of people) expect(one.all("split")).toMatchObject([{ code: "SERVER_STOPPING" }]);
  // Whoever was there has gone with it: in the same line.
  for (const one of people) expect(one.all("left")).toEqual([]);
  expect(people[0]!.all("split")).toMatchObject([{ people: 2 }]);
});

test("a link that was ended on purpose, and is lost the next time, is told as lost then", () => {
  const row = new Row("later");
  const [a, b, c] = row.row("amiens", "brest", "caen") as [Home, Home, Home];
  const ann = row.place.enter(a, "ann");
  row.ask(b, "unmerge caen");
  row.place.rest(LATER_MS);
  row.ask(b, "merge caen:7331");
  row.place.rest(1000);
  row.hush();
  row.kill(c);
  row.place.rest(5000);
  expect(linesOf(a)).toEqual([
    "split from caen: 2 servers, amiens, brest (the link brest–caen is lost)",
  ]);
  expect(ann.all("split").map(({ code }) => code)).toEqual(["UNMERGED", undefined]);
});

test("what is gone and back within the same moment is not told at all", () => {
  const row = new Row("moment");
  const { place } = row;
  const [paris, lyon] = [place.start("paris"), place.start("lyon")];
  place.join(paris, lyon);
  const ann = place.enter(paris, "ann");
  row.hush();
  place.hub.flap("paris");
  place.rest(5000);
  expect([linesOf(paris), ann.all("split"), ann.all("merged")]).toEqual([[], [], []]);
});

test("another server that has the name of one that was lost is new, not back", () => {
  const row = new Row("namesake");
  const [a, b, c] = row.row("amiens", "brest", "caen") as [Home, Home, Home];
  row.kill(c);
  row.place.rest(5000);
  for (const home of [a, b]) row.ask(home, "forget caen");
  row.place.world.disk("caen").restore();
  row.hush();
  const other = row.start("caen");
  expect(other.server.sid).not.toBe(c.server.sid);
  row.ask(other, "merge amiens:7331");
  row.place.rest(LATER_MS);
  const [line, ...more] = told(b);
  expect(line).toEqual(["merged with caen: 3 servers, amiens, brest, caen"]);
  expect(more).toEqual([]);
});

test("another server at a lost one's address is told of with what can be done", () => {
  const row = new Row("replaced");
  const [a, b] = row.row("amiens", "brest") as [Home, Home];
  row.kill(b);
  row.place.rest(5000);
  row.place.world.disk("brest").restore();
  row.hush();
  const other = row.start("brest");
  row.place.rest(60_000);
  const texts = a.events.flatMap((event) => ("text" in event ? [event.text] : []));
  const got = `expected the server ${b.server.sid}, got brest, ${other.server.sid}`;
  expect(texts.at(-1)).toContain(`${got}; "merge brest:7331" would take it instead`);
  row.ask(a, "forget brest");
  expect(row.ask(a, "merge brest:7331").text).toBe("merged with brest; the fusion: amiens, brest");
});

test("what is said of a link that is back is what it is, whatever befell the ring", () => {
  const hosts = ["amiens", "brest", "caen", "dijon"];
  let lines = 0;
  for (let seed = 1; seed <= 6; seed++) {
    const simulation = createSimulation({ seed });
    const { world } = simulation;
    for (const host of hosts) simulation.start(host);
    simulation.merge(...hosts, "amiens");
    world.run(1000); // until the link that closes the ring is in reserve at both ends
    for (let round = 0; round < 6; round++) {
      const from = hosts.map((host) => simulation.server(host).events.length);
      const at = Math.floor(world.random.next() * 4);
      const [host = "", next = "", before = ""] = [0, 1, 3].map((step) => hosts[(at + step) % 4]);
      if (round % 3 === 0) simulation.crash(host);
      else world.cut(host, next);
      if (round % 3 === 1) world.cut(host, before);
      world.run(5000 * world.random.next());
      if (round % 3 === 0) simulation.start(host);
      world.healAll();
      world.run(2 * LIMITS.redialMsMax);
      for (const [k, one] of hosts.entries()) {
        const last = new Map<string, string>();
        for (const line of simulation.server(one).events.slice(from[k]))
          if (line.event === "link" && /^(healed|standby)$/.test(line.state))
            last.set(line.server ?? "", line.state === "healed" ? "tree" : "standby");
        const { data } = simulation.run(one, "links") as Asked;
        const { links } = data as { links: readonly { server: string; state: string }[] };
        const now = new Map(links.map(({ server, state }) => [server, state]));
        for (const [server, state] of last) {
          expect(`${seed}.${round}: ${server} at ${one} is ${now.get(server)}`).toEndWith(state);
          lines++;
        }
      }
    }
  }
  expect(lines).toBeGreaterThan(20);
});
