// What operators are answered when they part, trace and look: each answer, with its text. What a
// merge is answered is in merge-answers.test.ts.

import { describe, expect, test } from "bun:test";
import { eventText } from "../../src/cli/print.ts";
import { LIMITS } from "../../src/limits.ts";
import { hooked, type Home } from "./place.ts";
import { linesOf, Row } from "./row.ts";

const deny = (reason: string) =>
  hooked("veto", { onMerge: () => ({ verdict: "deny", reason }) as const });

test("a link that is undone is told once at each end, with the name and who holds it where", () => {
  let undone = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const row = new Row(`undone ${seed}`);
    const homes = ["amiens", "brest", "nice", "Nice"].map((name) => row.start(name));
    const [a, b] = homes as [Home, Home];
    const answers: Promise<{ readonly text: string }>[] = [];
    for (const [home, line] of [
      [a, "merge brest:7331"],
      [a, "merge nice:7331"],
      [b, "merge Nice:7331"],
    ] as const) {
      answers.push(home.server.run(line.split(" "), { by: "console", roles: [] }));
      row.place.rest(row.place.world.random.next() * 4);
    }
    row.place.world.until(Promise.all(answers));
    row.place.rest(500);
    for (const home of homes) {
      const lines = linesOf(home).filter((line) => line.includes("is there twice"));
      expect(lines.length, `${home.name} of ${row.place.world.digest()}`).toBeLessThan(2);
      const [line] = lines.filter((one) => one.includes("undone"));
      if (line === undefined) continue;
      undone++;
      expect(line).toMatch(/link to \w+ undone: the name nice and Nice \(alike\)|Nice and nice/);
      for (const { server } of homes.slice(2)) expect(line).toContain(server.sid);
    }
  }
  expect(undone).toBeGreaterThan(0);
});

test("a lost link that is dialled in vain is told with which try comes next, when, and why", () => {
  const row = new Row("retrying");
  const [a, b] = row.row("amiens", "brest") as [Home, Home];
  row.place.rest(LIMITS.pinFirmMs);
  row.hush();
  row.kill(b);
  row.place.rest(10 * 60_000);
  const tries = a.events.flatMap((event) =>
    event.event === "link" && event.state === "retrying" ? [event] : [],
  );
  expect(tries[2]).toMatchObject({ server: "brest", code: "CANNOT_CONNECT", tries: 3 });
  const shown = tries.flatMap((event) => eventText(event) ?? []);
  expect(shown[0]).toMatch(/^brest: try 8 in 1 s \(brest:7331: .+\)$/);
  // Later it is no news any more; who asks is told.
  expect(shown.length).toBeWithin(2, 5);
  expect(tries.length).toBeGreaterThan(30);
  const { text, data } = row.ask(a, "links");
  expect(text).toMatch(/^no links\nbrest: try \d+ in \d+ s \(brest:7331: .+\)\n2 names are pinned/);
  expect(data).toMatchObject({ links: [], waiting: [{ server: "brest", address: "brest:7331" }] });
  expect(a.server.status()["fabric-tree.waiting"]).toBe(1);
});

test("a link that is back at once is told behind its loss", () => {
  const row = new Row("at once");
  const [a] = row.row("amiens", "brest", "caen") as [Home];
  row.ask(a, "merge caen:7331");
  row.place.rest(LIMITS.pinFirmMs);
  row.hush();
  row.place.world.cut("amiens", "caen");
  row.place.world.heal("amiens", "caen");
  row.place.rest(5000);
  const [lost = "", back, ...more] = linesOf(a);
  expect(lost).toMatch(/^link to caen lost: .*all servers are still reached$/);
  expect(back).toStartWith("link to caen is up again");
  expect(more).toEqual([]);
});

describe("unmerge", () => {
  test("of one that is no neighbour says through whom it is reached", () => {
    const row = new Row("far");
    const [a] = row.row("amiens", "brest", "caen") as [Home];
    const code = "NOT_LINKED";
    const text = "caen is not linked directly, it is reached through brest; links: brest";
    expect(row.ask(a, "unmerge caen")).toEqual({ code, text });
    const nobody = "dijon is no server of this fusion; links: brest";
    expect(row.ask(a, "unmerge dijon")).toEqual({ code, text: nobody });
    expect(row.ask(a, "unmerge brest:7331")).toEqual({
      code: "ADDRESS_INVALID",
      text:
        "server name: expected only letters, digits, _ - and ., not :, " +
        'got "brest:7331"; links: brest',
    });
  });

  test("of one that is parted from already says that nothing has changed", () => {
    const row = new Row("again");
    const [a, b] = row.row("amiens", "brest") as [Home, Home];
    const again = (server: string) => {
      const text = `${server} is parted from here already: nothing has changed`;
      return { code: "NOT_LINKED", text } as const;
    };
    row.place.rest(LIMITS.pinFirmMs);
    expect(row.ask(a, "unmerge brest").text).toBe("unmerged from brest; the fusion: amiens");
    expect(row.ask(a, "unmerge brest")).toEqual(again("brest"));
    row.ask(b, "unmerge amiens");
    expect(row.ask(b, "unmerge amiens")).toEqual(again("amiens"));
    row.ask(a, "merge brest:7331");
    expect(row.ask(a, "unmerge brest").text).toBe("unmerged from brest; the fusion: amiens");
    const { lines } = row.ask(a, "audit").data as { lines: { did: string }[] };
    expect(lines.map(({ did }) => did)).toEqual(["merge", "unmerge", "merge", "unmerge"]);
  });

  test("of a link in reserve takes nobody along", () => {
    const row = new Row("reserve");
    const [a, , c] = row.row("amiens", "brest", "caen") as [Home, Home, Home];
    row.ask(a, "merge caen:7331");
    row.place.rest(1000);
    row.hush();
    expect(row.ask(a, "unmerge caen").text).toBe(
      "unmerged from caen; the fusion: amiens, brest, caen",
    );
    row.place.rest(1000);
    const line = "amiens has ended its link to caen; all servers are still reached";
    expect([linesOf(a), linesOf(c)]).toEqual([[line], [line]]);
  });
});

describe("trace", () => {
  const row = new Row("trace");
  const [a, , c] = row.row("amiens", "brest", "caen") as [Home, Home, Home];
  row.place.enter(c, "ann");
  row.place.rest(1000);

  test("shows each hop with its delay, for somebody and for a server", () => {
    for (const line of ["trace ann@caen", "trace CAEN"]) {
      const { text, data } = row.ask(a, line);
      expect(text).toMatch(/^1 {2}brest {2}\d+\.\d ms\n2 {2}caen {3}\d+\.\d ms$/);
      expect(data).toMatchObject([
        { server: "brest", hops: 1 },
        { server: "caen", hops: 2 },
      ]);
    }
  });

  test("says when nobody is there under that nick, and shows the way all the same", () => {
    const { text, data } = row.ask(a, "trace bob@CAEN");
    expect(text).toEndWith(" ms\nbob@caen: nobody is there under this nick");
    expect(data).toMatchObject([{ server: "brest" }, { server: "caen" }]);
    expect(row.ask(a, "trace bob@amiens").text).toBe(
      "amiens is this server\nbob@amiens: nobody is there under this nick",
    );
  });

  test("to oneself is answered at once", () => {
    expect(row.ask(a, "trace amiens")).toEqual({
      text: "amiens is this server",
      data: [{ server: "amiens", hops: 0, ms: 0 }],
    });
  });

  test("to a name that is none, or not there, says so", () => {
    expect(row.ask(a, "trace ann@dijon")).toEqual({
      code: "NO_SUCH_SERVER",
      text: "dijon: no server of this fusion; there are: amiens, brest, caen",
    });
    expect(row.ask(a, "trace ann")).toEqual({
      code: "NO_SUCH_SERVER",
      text:
        "ann: no server of this fusion (somebody is NICK@SERVER); " +
        "there are: amiens, brest, caen",
    });
    for (const line of ["trace d!jon", "trace @caen", "trace a@b@caen", "trace an!n@caen"])
      expect(row.ask(a, line)).toMatchObject({ code: "ADDRESS_INVALID" });
    expect(row.ask(a, "trace")).toMatchObject({ code: "USAGE" });
  });

  test("marks the hops that do not answer", () => {
    row.place.world.cut("brest", "caen", "silent");
    const { text } = row.ask(a, "trace caen");
    expect(text).toMatch(/^1 {2}brest {2}\d+\.\d ms\n2 {2}caen {3}no answer$/);
    row.place.world.cut("amiens", "brest", "silent");
    expect(row.ask(a, "trace caen")).toEqual({
      code: "UNREACHABLE",
      text: "caen: nobody on the way has answered within 5 s",
    });
    expect(c.server.status()["fusion"]).toEqual(["amiens", "brest", "caen"]);
  });
});

test("forget and trust say what they have done, and what they cannot", () => {
  const row = new Row("pins");
  const [a, b] = row.row("amiens", "brest") as [Home, Home];
  expect(row.ask(a, "forget dijon")).toEqual({
    code: "NO_SUCH_SERVER",
    text: "dijon: no key of this name is known",
  });
  expect(row.ask(a, "forget brest").text).toBe(
    "brest: its key is forgotten; the next server of this name may have it",
  );
  expect(row.ask(a, `trust brest ${b.server.sid}`).text).toBe(
    `brest is ${b.server.sid} from now on`,
  );
  expect(row.ask(a, "trust brest 12")).toEqual({
    code: "USAGE",
    text: "12: expected a key of 64 hex digits, or a sid of 32; usage: trust NAME KEY",
  });
});

describe("map", () => {
  test("draws the tree with people and the delay of every link, and the links in reserve", () => {
    const row = new Row("map");
    const [a, , c] = row.row("amiens", "brest", "caen", "dijon") as [Home, Home, Home];
    const epinal = row.start("epinal");
    row.ask(epinal, "merge brest:7331");
    row.ask(a, "merge dijon:7331");
    row.place.enter(c, "ann");
    row.place.rest(30_000);
    const { text, data } = row.ask(a, "map");
    expect(text.replaceAll(/\d+\.\d ms/g, "# ms")).toBe(
      [
        "amiens          0 people",
        "└─ brest        0 people  # ms",
        "   ├─ caen      1 person  # ms",
        "   │  └─ dijon  0 people  # ms",
        "   └─ epinal    0 people  # ms",
        "in reserve:",
        "amiens - dijon  # ms",
      ].join("\n"),
    );
    const { servers, links } = data as { servers: object[]; links: { rttMs?: number }[] };
    expect(servers).toContainEqual({
      server: "caen",
      sid: c.server.sid,
      hops: 2,
      people: 1,
      answered: true,
    });
    expect(links).toHaveLength(5);
    expect(links.every(({ rttMs }) => rttMs !== undefined && rttMs > 0)).toBe(true);
  });

  test("marks who has not answered in time, and waits no longer", () => {
    const row = new Row("silent");
    const [a] = row.row("amiens", "brest", "caen") as [Home];
    row.place.rest(30_000);
    row.place.world.cut("brest", "caen", "silent");
    const began = row.place.world.now;
    const { text, data } = row.ask(a, "map");
    expect(row.place.world.now - began).toBeLessThanOrEqual(LIMITS.surveyMsMax + 10);
    expect(text).toMatch(/└─ caen +0 people +\d+\.\d ms {2}\(has not answered\)$/);
    expect(data).toMatchObject({ servers: [{ answered: true }, { answered: true }, {}] });
  });

  test("is answered at once by a server alone", () => {
    const row = new Row("alone");
    expect(row.ask(row.start("amiens"), "map").text).toBe("amiens  0 people");
  });
});

describe("a dry run shows", () => {
  test("servers, people and rooms of both sides and together, and that it is possible", () => {
    const row = new Row("prospect");
    const [a, b] = row.row("amiens", "brest") as [Home, Home];
    const [c] = row.row("caen", "dijon") as [Home];
    for (const [home, nick, ...rooms] of [
      [a, "ann", "#art", "#tea", "&own"],
      [b, "bob", "#tea"],
      [c, "cat", "#tea", "#zoo"],
    ] as const) {
      const peer = row.place.enter(home, nick);
      for (const room of rooms) peer.get("join", { room });
    }
    row.place.rest(2000);
    row.hush();
    const { text, data } = row.ask(a, "merge caen:7331 --dry-run");
    expect(text).toBe(
      [
        "servers  ours      2: amiens, brest",
        "         theirs    2: caen, dijon",
        "         together  4",
        "people   ours      2: ann@amiens, bob@brest",
        "         theirs    1: cat@caen",
        "         together  3",
        "rooms    ours      2: #tea (2), #art (1)",
        "         theirs    2: #tea (1), #zoo (1)",
        "         together  3, one of two: #tea (2 + 1)",
        "would be accepted",
      ].join("\n"),
    );
    expect(data).toMatchObject({
      state: "possible",
      server: "caen",
      accepted: true,
      already: false,
      fusion: ["amiens", "brest", "caen", "dijon"],
      ours: { people: 2, servers: [{ server: "amiens", people: 1 }, { server: "brest" }] },
      theirs: { people: 1, names: ["cat@caen"], servers: [{ server: "caen", people: 1 }, {}] },
      shared: [{ room: "#tea", ours: 2, theirs: 1 }],
    });
    row.place.rest(5000);
    expect([a, b, c].map(linesOf)).toEqual([[], [], []]);
  });

  test("why it would be refused", () => {
    const row = new Row("refused prospect");
    const [a] = row.row("amiens", "brest") as [Home];
    const [c] = row.row("caen", "Amiens") as [Home];
    row.hush();
    const { text, data } = row.ask(a, "merge caen:7331 --dry-run");
    expect(text).toContain("theirs    2: Amiens, caen\n");
    expect(text).toMatch(/\nwould be refused: NAME_TAKEN the name Amiens and amiens \(alike\) is/);
    expect(data).toMatchObject({ state: "refused", accepted: false, code: "NAME_TAKEN" });
    const veto = row.start("dijon", deny("not today"));
    expect(row.ask(a, "merge dijon:7331 --dry-run").text).toBe(
      [
        "servers  ours      2: amiens, brest",
        "         theirs    dijon, which tells no more",
        "people   ours      0",
        "         theirs    not told",
        "rooms    ours      0",
        "         theirs    not told",
        "would be refused: MERGE_DENIED dijon refuses amiens: not today",
      ].join("\n"),
    );
    expect([a, c, veto].map(linesOf)).toEqual([[], [], []]);
    const nobody = row.ask(a, "merge nowhere:1 --dry-run");
    expect(nobody).toMatchObject({ code: "CANNOT_CONNECT" });
  });

  test("that the other one is in the fusion already", () => {
    const row = new Row("already");
    const [a] = row.row("amiens", "brest", "caen") as [Home];
    expect(row.ask(a, "merge caen:7331 --dry-run").text).toBe(
      "caen is in the fusion already: a link to it would be kept in reserve (standby)\n" +
        "would be accepted",
    );
    expect(row.ask(a, "merge brest:7331 --dry-run")).toMatchObject({
      text: "brest is in the fusion already, and linked: nothing would change\nwould be accepted",
      data: { accepted: true, already: true },
    });
  });
});
