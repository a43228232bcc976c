// What operators are answered when they merge: each answer, with its text.

import { describe, expect, test } from "bun:test";
import authGuest from "../../plugins/auth-guest.ts";
import { hooked, type Home } from "./place.ts";
import { linesOf, Row } from "./row.ts";

const deny = (reason: string) =>
  hooked("veto", { onMerge: () => ({ verdict: "deny", reason }) as const });

describe("a merge is answered", () => {
  test("merged, with the whole fusion", () => {
    const row = new Row("merged");
    const [a, b] = [row.start("amiens"), row.start("brest")];
    const { sid } = b.server;
    expect(row.ask(a, "merge brest:7331")).toEqual({
      text: "merged with brest; the fusion: amiens, brest",
      data: { state: "merged", server: "brest", sid, fusion: ["amiens", "brest"] },
    });
  });

  test("that there is a link already, from either side, and what it is", () => {
    const row = new Row("repeated");
    const [a, b, c] = row.row("amiens", "brest", "caen") as [Home, Home, Home];
    row.ask(a, "merge caen:7331");
    row.place.rest(1000);
    row.hush();
    const fusion = "the fusion: amiens, brest, caen";
    for (const [home, to] of [
      [a, "brest"],
      [b, "amiens"],
    ] as const) {
      const text = `${to} is linked already: nothing has changed; ${fusion}`;
      expect(row.ask(home, `merge ${to}:7331`)).toMatchObject({ text, data: { state: "merged" } });
    }
    for (const [home, to] of [
      [a, "caen"],
      [c, "amiens"],
    ] as const) {
      const text = `${to} is linked already: the link stays in reserve (standby); ${fusion}`;
      expect(row.ask(home, `merge ${to}:7331`)).toMatchObject({ text, data: { state: "standby" } });
    }
    row.place.rest(1000);
    expect([a, b, c].map(linesOf)).toEqual([[], [], []]);
  });

  test("merged, each time, where the first one is still under way", () => {
    const row = new Row("under way");
    const wait = { onMerge: () => new Promise<undefined>((go) => void waiting.push(go)) };
    const waiting: ((none: undefined) => void)[] = [];
    const [a] = [row.start("amiens"), row.start("brest", hooked("slow", wait))];
    const operator = { by: "console", roles: [] } as const;
    const answers = [1, 2].map(() => a.server.run(["merge", "brest:7331"], operator));
    row.place.rest(1000);
    for (const go of waiting) go(undefined);
    expect(row.place.world.until(Promise.all(answers)).map(({ text }) => text)).toEqual([
      "merged with brest; the fusion: amiens, brest",
      "merged with brest; the fusion: amiens, brest",
    ]);
  });

  test("standby, where the other one is in the fusion by another way", () => {
    const row = new Row("standby");
    const [a, , c] = row.row("amiens", "brest", "caen") as [Home, Home, Home];
    row.hush();
    expect(row.ask(a, "merge caen:7331").text).toBe(
      "caen is in the fusion already: the link is kept in reserve (standby); " +
        "the fusion: amiens, brest, caen",
    );
    row.place.rest(1000);
    expect(linesOf(c)).toEqual([
      "link to amiens is kept in reserve: it is in the fusion by another way",
    ]);
  });

  test("merged to both who call each other at the same moment: a second link is no error", () => {
    const row = new Row("both");
    const [a, b] = [row.start("amiens"), row.start("brest")];
    const operator = { by: "console", roles: [] } as const;
    const answers = row.place.world.until(
      Promise.all([
        a.server.run(["merge", "brest:7331"], operator),
        b.server.run(["merge", "amiens:7331"], operator),
      ]),
    );
    expect(answers.map(({ text }) => text)).toEqual([
      "merged with brest; the fusion: amiens, brest",
      "merged with amiens; the fusion: amiens, brest",
    ]);
  });

  test("self", () => {
    const row = new Row("self");
    const a = row.start("amiens");
    const text = "amiens:7331: this is amiens itself; expected another server";
    expect(row.ask(a, "merge amiens:7331")).toEqual({ code: "SELF", text });
  });

  test("that a name is taken, with who holds it on which side, on both sides", () => {
    const row = new Row("taken");
    const [a, b] = row.row("amiens", "brest") as [Home, Home];
    const other = row.start("Brest");
    row.hush();
    const { code, text } = row.ask(a, "merge Brest:7331");
    const [sid, otherSid] = [b.server.sid, other.server.sid];
    expect(code).toBe("NAME_TAKEN");
    expect(text).toBe(
      `Brest:7331: the name brest and Brest (alike) is there twice: ${sid} holds it in the ` +
        `fusion of amiens, ${otherSid} in that of Brest`,
    );
    const why = text.slice("Brest:7331: ".length);
    expect(linesOf(a)).toEqual([`link with Brest:7331 refused: ${why} (NAME_TAKEN)`]);
    expect(linesOf(other)).toEqual([`link with amiens refused: ${why} (NAME_TAKEN)`]);
  });

  test("denied, with the reason, whichever side it is", () => {
    const row = new Row("denied");
    const [a, b] = [row.start("amiens"), row.start("brest", deny("not with them"))];
    const why = "brest refuses amiens: not with them";
    const there = row.ask(a, "merge brest:7331");
    expect(there).toEqual({ code: "MERGE_DENIED", text: `brest:7331: ${why}` });
    const here = row.ask(b, "merge amiens:7331");
    expect(here).toEqual({ code: "MERGE_DENIED", text: `amiens:7331: ${why}` });
  });

  test("that the other side has another fabric", () => {
    const row = new Row("fabric");
    const a = row.start("amiens");
    row.place.start("hub", { plugins: [authGuest(), row.place.hub.plugin()], tls: true });
    const text = "hub:7331: fabric tree/1, expected hub/1, as this server has";
    expect(row.ask(a, "merge hub:7331")).toEqual({ code: "FABRIC_DIFFERS", text });
  });

  test("that nobody listens, that it is no address, and that a word is missing", () => {
    const row = new Row("nobody");
    const a = row.start("amiens");
    expect(row.ask(a, "merge nowhere:7331")).toMatchObject({ code: "CANNOT_CONNECT" });
    expect(row.ask(a, "merge nowhere")).toEqual({
      code: "ADDRESS_INVALID",
      text: "nowhere: expected HOST:PORT",
    });
    expect(row.ask(a, "merge brest:70000")).toEqual({
      code: "ADDRESS_INVALID",
      text: "brest:70000: expected a port from 1 to 65535",
    });
    expect(row.ask(a, "merge --dry-run")).toEqual({
      code: "USAGE",
      text: "expected one address; usage: merge HOST:PORT [--dry-run]",
    });
    expect(row.ask(a, "unmerge")).toEqual({
      code: "USAGE",
      text: "a word is missing; usage: unmerge SERVER",
    });
    expect(row.ask(a, "merge brest:7331 --dryrun")).toEqual({
      code: "USAGE",
      text: "--dryrun: unknown flag; expected --dry-run; usage: merge HOST:PORT [--dry-run]",
    });
    expect(row.ask(a, "map all")).toEqual({
      code: "USAGE",
      text: "expected nothing after it; usage: map",
    });
  });
});

test("a merge and an unmerge stand in the audit log, what was refused does not", () => {
  const row = new Row("audit");
  const [a] = [row.start("amiens"), row.start("brest"), row.start("caen", deny("not tonight"))];
  for (const line of ["merge brest:7331", "merge caen:7331", "unmerge caen", "unmerge brest"])
    row.ask(a, line);
  expect(row.ask(a, "audit").data).toMatchObject({
    lines: [
      { by: "console", did: "merge", to: "brest:7331" },
      { by: "console", did: "unmerge", to: "brest" },
    ],
  });
});
