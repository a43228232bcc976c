// A member of the fusion that lies, to take away or make up what is kept of private messages.

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { Liar } from "./liar.ts";
import type { Json, Peer } from "./peer.ts";
import { startTalking } from "./talking.ts";

/** Ana and Cat of paris, who have accounts, and mal of nice, whose server lies. */
function start(seed: string) {
  const started = startTalking(seed);
  const { place, paris } = started;
  const liar = new Liar(place, "nice");
  place.hub.join(paris.server.name, "nice");
  place.rest(3000);
  liar.tell("paris", { t: "people", v: 1, first: true, last: true, people: [["mal", "", 1, []]] });
  place.rest(500);
  let count = 0;
  const lie = (message: Json) => {
    const id = `made-up-${String(count++).padStart(9, "0")}`;
    const plain = { id, from: "mal@nice", to: "ana@paris", kind: "text", text: "x", at: 1 };
    liar.tell("paris", { t: "tell", message: { ...plain, ...message } });
    place.rest(20);
    return id;
  };
  return { ...started, lie, liar };
}

const kept = (by: Peer, other: string, more: Json = {}) =>
  (by.get("conversation", { with: other, ...more })["messages"] as Json[]).map(({ text }) => text);

test("a deletion takes away what its own people have told, and nothing of others", () => {
  const { ana, cat, tell, lie } = start("deletions");
  const own = lie({ text: "by mal" });
  const about = tell(ana, "cat@paris", "between us");
  lie({ kind: "delete", text: "", about });
  for (const from of ["ana@paris", "cat@paris", "mal@paris", "ana@nice"])
    for (const account of ["ana", "cat"]) lie({ kind: "delete", text: "", about, from, account });
  expect(kept(ana, "mal@nice")).toContain("by mal");
  expect(kept(ana, "cat@paris")).toEqual(["between us"]);
  expect(kept(cat, "ana@paris")).toEqual(["between us"]);
  lie({ kind: "delete", text: "", about: own });
  expect(kept(ana, "mal@nice")).not.toContain("by mal");
});

test("nor does it by the id that its people and others have chosen", () => {
  const { place, ana, bob, cat, lie } = start("the same cid");
  const cid = "one-that-nobody-else-draws";
  cat.get("tell", { to: "ana@paris", text: "by cat", cid });
  bob.get("tell", { to: "ana@paris", text: "by bob", cid });
  place.rest(20);
  lie({ text: "first", cid });
  lie({ kind: "delete", text: "", about: "another id", aboutCid: cid });
  for (const from of ["cat@paris", "bob@paris", "ana@nice"])
    lie({ kind: "delete", text: "", about: "another id", aboutCid: cid, from });
  for (const [other, left] of [
    ["mal@nice", []],
    ["cat@paris", ["by cat"]],
    ["bob@paris", ["by bob"]],
  ])
    expect(kept(ana, other as string)).toEqual(left as string[]);
});

test("what its people have sent twice is taken back where it waits", () => {
  const { place, cat, logIn, lie } = start("waiting");
  cat.send("bye", {});
  place.rest(50);
  const mail = { from: "mal@nice", to: "cat@paris", cid: "one-that-nobody-else-draws" };
  lie({ ...mail, text: "taken back" });
  lie({ ...mail, text: "waits", cid: "another-that-nobody-else-draws" });
  lie({ kind: "delete", text: "", about: "another id", to: mail.to, aboutCid: mail.cid });
  const again = logIn("cat");
  expect(again.all("private").map(({ text }) => text)).toEqual(["waits"]);
  expect(kept(again, "mal@nice")).toEqual(["waits"]);
});

test("its people's deletions are answered when the disk has them", () => {
  const { place, ana, disk, lie, liar } = start("a full disk");
  const about = lie({ text: "by mal" });
  disk.held = Promise.reject(new Error("the disk is full"));
  disk.held.catch(() => undefined); // whoever waits for it is told
  const id = lie({ kind: "delete", text: "", about });
  const answers = () => liar.heard.filter((one) => one["t"] === "told" && one["id"] === id);
  place.rest(1000);
  expect(answers()).toEqual([]);
  disk.held = undefined;
  place.rest(LIMITS.storeRetryMs + 1000);
  expect(answers()).toMatchObject([{ outcome: "delivered" }]);
  expect(kept(ana, "mal@nice")).toEqual([]);
});

test("a deletion whose field is no id of this page is ignored", () => {
  const { ana, lie } = start("no cid");
  const about = lie({ text: "stays" });
  for (const aboutCid of [5, null, "x".repeat(LIMITS.clientIdBytesMax + 1)])
    lie({ kind: "delete", text: "", about, aboutCid });
  expect(kept(ana, "mal@nice")).toEqual(["stays"]);
});

test("nothing is kept as told by people of others, nor for people who have no account", () => {
  const { ana, cat, bob, lie } = start("made up");
  for (const from of ["cat@paris", "bob@paris", "nobody@rome", "@nice", "mal"]) lie({ from });
  lie({ to: "bob@paris", text: "to a guest" });
  expect(kept(ana, "cat@paris")).toEqual([]);
  expect((ana.get("conversations", {})["conversations"] as Json[]).length).toBe(0);
  expect(kept(cat, "ana@paris")).toEqual([]);
  expect(bob.ask("conversations", {})["code"]).toBe("NO_HISTORY");
});

test("a flood makes room for itself, and pushes out nothing that others have told", () => {
  const { ana, cat, tell, lie } = start("flood");
  tell(cat, "ana@paris", "before");
  const long = "x".repeat(LIMITS.textBytesMax);
  const many = Math.ceil((1.2 * LIMITS.conversationsBytesMax) / long.length);
  for (let at = 0; at < many; at++) lie({ text: long });
  let [all, before] = [0, "~"];
  for (;;) {
    const { messages } = ana.get("conversation", { with: "mal@nice", before });
    const [first] = messages as Json[];
    if (first === undefined) break;
    all += (messages as Json[]).length;
    before = String(first["id"]);
  }
  expect(all).toBeWithin(1, LIMITS.conversationsBytesMax / long.length);
  expect(kept(ana, "cat@paris")).toEqual(["before"]);
});

test("nor does a flood under many nicks, with accounts or without", async () => {
  const long = "x".repeat(LIMITS.textBytesMax);
  for (const account of [{}, { account: "mal" }]) {
    const { ana, cat, conversations, tell, lie } = start(`crowd ${account.account}`);
    for (let at = 0; at < 20; at++) tell(cat, "ana@paris", `${at} ${"y".repeat(1000)}`);
    const many = Math.ceil((1.2 * LIMITS.conversationsBytesMax) / long.length);
    for (let at = 0; at < many; at++) lie({ from: `mal${at}@nice`, text: long, ...account });
    const all = (await conversations.newest("ana", 2 * many)).length;
    expect(all).toBeWithin(many / 2, LIMITS.conversationsBytesMax / long.length + 1);
    expect(kept(ana, "cat@paris")).toHaveLength(20);
  }
});
