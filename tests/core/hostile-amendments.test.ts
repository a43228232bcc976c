// A member of the fusion that lies about what others have said: it edits and deletes their
// messages, by its own people and by people that it makes up. Nobody is shown any of it.

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { LyingTown } from "./lying-town.ts";
import { past, told } from "./members.ts";
import { say } from "./town.ts";

function lied(seed: string) {
  const town = new LyingTown(seed);
  const id = String(say(town.ana, "as I said")["id"]);
  town.place.rest(200);
  const number = { last: 0 };
  const publish = (...entries: readonly object[]) => {
    const batch = town.liar.batch(
      number.last + 1,
      entries.map((more) => town.liar.entry("x", { ...more })),
    );
    number.last += entries.length;
    for (const to of ["paris", "lyon"]) town.liar.publish(to, "room", batch);
    town.place.rest(300);
  };
  const { ana, bob, place } = town;
  return { town, ana, bob, place, id, publish };
}

test("what others said is neither edited nor deleted by it", () => {
  const { town, bob, id, publish } = lied("edits of others");
  for (const account of [{}, { account: "ana" }, { account: "" }])
    publish({ kind: "edit", about: id, ...account }, { kind: "delete", about: id, ...account });
  publish({ text: "but this is said" });
  expect(told(bob)).toEqual(["text as I said", "text but this is said"]);
  expect(past(bob)[0]).toMatchObject({ id, text: "as I said" });
  for (const field of ["edited", "deleted"]) expect(past(bob)[0]).not.toHaveProperty(field);
  town.isWell();
});

test("a message of its own with another's id gives it no right to that one", () => {
  const { town, ana, bob, id, publish } = lied("the same id");
  publish({ id, text: "mine" });
  publish({ kind: "edit", about: id, text: "mine, edited" }, { kind: "delete", about: id });
  const said = past(bob).find(({ from }) => from === "ana@paris")!;
  expect(said).toMatchObject({ text: "as I said" });
  expect(said).not.toHaveProperty("deleted");
  expect(
    ana.ask("say", { room: "#lobby", text: "as I meant", kind: "edit", about: id }),
  ).toHaveProperty("id");
  town.place.rest(300);
  expect(past(bob).find(({ from }) => from === "ana@paris")).toMatchObject({
    edited: { text: "as I meant" },
  });
  town.isWell();
});

test("no number of messages of another's id keeps that one from being deleted", () => {
  const { town, ana, id, publish } = lied("a flood of one id");
  const flood = Array.from({ length: LIMITS.backlogMax + 1 }, () => ({ id, text: "mine" }));
  publish(...flood);
  const deletion = { room: "#lobby", text: "", kind: "delete", about: id };
  expect(ana.ask("say", deletion)).toHaveProperty("id");
  town.place.rest(300);
  for (const name of ["paris", "lyon"]) {
    expect(town.said(name)).toContain("mine");
    expect(town.said(name)).not.toContain("as I said");
  }
  town.isWell();
});

test("what names nothing, itself, or an edit is told to nobody, and shown nowhere", () => {
  const { town, bob, id, publish } = lied("in circles");
  const own = String(town.liar.entry("x")["id"]);
  publish(
    { id: own, kind: "edit", about: own },
    { kind: "edit", about: own },
    { kind: "delete", about: "none" },
  );
  publish({ kind: "delete", about: own });
  expect(told(bob)).toEqual(["text as I said"]);
  expect(past(bob).find((one) => one["id"] === id)).toMatchObject({ text: "as I said" });
  town.isWell();
});

test("a flood of edits holds nobody up, and those who wait are bounded", () => {
  const { town, place, publish } = lied("a flood");
  const edit = { kind: "edit", about: "none" };
  publish(...Array.from({ length: LIMITS.amendmentsWaitingMax + 1 }, () => edit));
  const dropped = place.world.logged.filter(({ event }) => event === "amendment not told");
  expect(dropped.map(({ server }) => server).toSorted()).toEqual(["lyon", "paris"]);
  town.isWell();
});

test("a message of a kind that only a newer server knows is passed over, and no other one", () => {
  const { bob, publish, place } = lied("newer kind");
  publish({ kind: "poll" }, { text: "behind it" });
  expect(told(bob)).toEqual(["text as I said", "text behind it"]);
  expect(bob.all("gap")).toEqual([]);
  expect(past(bob).map(({ text }) => text)).toEqual(["as I said", "behind it"]);
  expect(place.faults()).toEqual([]);
});

for (const [what, more] of [
  ["an edit of nothing", { kind: "edit" }],
  ["a reaction with spaces", { kind: "reaction", about: "x", text: "a b" }],
  ["a long reason", { kind: "delete", about: "x", text: "x".repeat(LIMITS.reasonBytesMax + 1) }],
  ["an id that is none", { about: 5 }],
  ["an id that is long", { about: "x".repeat(LIMITS.idLengthMax + 1) }],
  ["a thread that is none", { thread: {} }],
  ["names that are none", { mentions: ["ana@paris", 1] }],
  ["too many names", { mentions: Array.from({ length: LIMITS.mentionsMax + 1 }, () => "a@b") }],
  ["a name that is long", { mentions: ["x".repeat(200)] }],
] as const)
  test(`a batch with ${what} is refused, and a gap is told`, () => {
    const { bob, publish, place } = lied(`refused: ${what}`);
    publish(more);
    expect(told(bob)).toEqual(["text as I said"]);
    expect(bob.all("gap")).toEqual([{ room: "#lobby", missing: 1 }]);
    expect(place.faults()).toEqual([]);
  });
