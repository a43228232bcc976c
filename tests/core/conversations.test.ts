// Private messages that a server keeps for its accounts: what each of them is given, and nobody
// else; what is forgotten, and deleted on both sides; and a disk that does not take them.

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { startWithAccounts } from "./accounts.ts";
import type { Json, Peer } from "./peer.ts";
import { startTalking as start } from "./talking.ts";

const textsOf = (answer: Json) => (answer["messages"] as Json[]).map(({ text }) => String(text));
const said = (by: Peer, other: string, more: Json = {}) =>
  textsOf(by.get("conversation", { with: other, ...more }));
const others = (by: Peer) =>
  (by.get("conversations", {})["conversations"] as Json[]).map((one) => String(one["with"]));

describe("an account is given", () => {
  test("what it told another one and was told, on both sides, in order", () => {
    const { ana, cat, tell } = start("both");
    tell(ana, "cat@paris", "1");
    tell(cat, "ana@paris", "2");
    tell(ana, "CAT@Paris", "3");
    expect(said(ana, "Cat@PARIS")).toEqual(["1", "2", "3"]);
    expect(said(cat, "ana@paris")).toEqual(["1", "2", "3"]);
  });

  test("a page before a message, behind one, and of so many", () => {
    const { ana, tell } = start("pages");
    const ids = ["1", "2", "3", "4", "5"].map((text) => tell(ana, "cat@paris", text));
    expect(said(ana, "cat@paris", { limit: 2 })).toEqual(["4", "5"]);
    expect(said(ana, "cat@paris", { limit: 2, before: ids[2] })).toEqual(["1", "2"]);
    expect(said(ana, "cat@paris", { limit: 2, after: ids[1] })).toEqual(["3", "4"]);
    const both = { with: "cat@paris", after: ids[0], before: ids[2] };
    expect(ana.ask("conversation", both)["code"]).toBe("BAD_REQUEST");
  });

  test("what it told a guest, and itself, once", () => {
    const { ana, bob, tell } = start("guest");
    tell(ana, "bob@paris", "to a guest");
    tell(bob, "ana@paris", "by a guest");
    tell(ana, "ana@paris", "to myself");
    expect(said(ana, "bob@paris")).toEqual(["to a guest", "by a guest"]);
    expect(said(ana, "ana@paris")).toEqual(["to myself"]);
  });

  test("with whom it has talked, the last one first, page by page", () => {
    const { ana, bob, cat, tell } = start("list");
    tell(ana, "cat@paris", "1");
    tell(bob, "ana@paris", "2");
    tell(ana, "cat@paris", "3");
    expect(others(ana)).toEqual(["cat@paris", "bob@paris"]);
    expect(others(cat)).toEqual(["ana@paris"]);
    const { next } = ana.get("conversations", { limit: 1 });
    const page = ana.get("conversations", { limit: 1, before: next });
    expect(page["conversations"]).toMatchObject([{ with: "bob@paris", message: { text: "2" } }]);
  });

  test("what came while it was offline, as soon as it is stored", () => {
    const { ana, bob, tell, logIn, place } = start("offline");
    ana.send("bye", {});
    place.rest(50);
    tell(bob, "ana@paris", "while you were out");
    expect(said(logIn("ana"), "bob@paris")).toEqual(["while you were out"]);
  });

  test("what has the words that it looks for", () => {
    const { ana, cat, tell } = start("search");
    const texts = ["Tea at five", "coffee", "no tea, thanks", "te a"];
    for (const text of texts) tell(ana, "cat@paris", text);
    const id = tell(cat, "ana@paris", "TÉA!");
    cat.get("tell", { to: "ana@paris", kind: "reaction", text: "tea", about: id });
    const found = (text: string, more: Json = {}) => said(ana, "cat@paris", { text, ...more });
    expect(found("tea")).toEqual(["Tea at five", "no tea, thanks", "TÉA!"]);
    expect(found('"at five" te*')).toEqual([]);
    expect(found('"at five" tea*')).toEqual(["Tea at five"]);
    expect(found("tea", { limit: 1, before: id })).toEqual(["no tea, thanks"]);
    expect(found("tea", { limit: 1, after: "0" })).toEqual(["Tea at five"]);
  });

  test("what it told to people of another server, and was told by them, by its own server", () => {
    const { place, paris, ana, tell } = start("fusion");
    const lyon = place.start("lyon");
    place.join(paris, lyon);
    const dan = place.enter(lyon, "dan");
    tell(ana, "dan@lyon", "1");
    tell(dan, "ana@paris", "2");
    place.rest(50);
    expect(said(ana, "dan@lyon")).toEqual(["1", "2"]);
    expect(dan.ask("conversation", { with: "ana@paris" })["code"]).toBe("NO_HISTORY");
  });
});

describe("nobody is given", () => {
  test("what others have told each other", () => {
    const { ana, cat, bob, tell } = start("others");
    tell(ana, "bob@paris", "between us");
    expect(said(cat, "bob@paris")).toEqual([]);
    expect(said(cat, "ana@paris")).toEqual([]);
    expect(others(cat)).toEqual([]);
    expect(bob.ask("conversation", { with: "ana@paris" })["code"]).toBe("NO_HISTORY");
    expect(bob.ask("conversations", {})["code"]).toBe("NO_HISTORY");
    expect(bob.ask("forget", { with: "ana@paris" })["code"]).toBe("NO_HISTORY");
  });

  test("what an account had before it was removed, though another one has its name now", () => {
    const { ana, accounts, revoke, tell, restart, logIn, conversations } = start("removed");
    tell(ana, "cat@paris", "mine");
    accounts.delete("ana");
    revoke("ana");
    accounts.add("ana");
    expect(said(logIn("ana"), "cat@paris")).toEqual([]);
    // One that went while the server was down.
    accounts.delete("cat");
    restart("stopped");
    expect(conversations.accounts()).toEqual([]);
  });

  test("what was refused: it has reached nobody", () => {
    const { ana, bob } = start("refused");
    bob.get("ignore", { address: "ana@paris" });
    expect(ana.ask("tell", { to: "bob@paris", text: "x" })["code"]).toBe("BLOCKED");
    expect(ana.ask("tell", { to: "nobody@paris", text: "x" })["code"]).toBe("NO_SUCH_NICK");
    expect(others(ana)).toEqual([]);
  });
});

describe("what is forgotten", () => {
  test("is one's own copy alone, of one message or of all", () => {
    const { ana, cat, tell } = start("forget");
    const [first = ""] = ["1", "2", "3"].map((text) => tell(ana, "cat@paris", text));
    const other = { with: "cat@paris" };
    expect(ana.get("forget", { ...other, id: first })).toMatchObject({ messages: 1 });
    expect(ana.get("forget", { ...other, id: "none" })).toMatchObject({ messages: 0 });
    expect(said(ana, "cat@paris")).toEqual(["2", "3"]);
    expect(ana.get("forget", other)).toMatchObject({ ...other, messages: 2 });
    expect(others(ana)).toEqual([]);
    expect(said(cat, "ana@paris")).toEqual(["1", "2", "3"]);
  });
});

describe("a deletion", () => {
  const deletion = (to: string, about: string) => ({ to, about, kind: "delete", text: "" });

  test("by its author removes a message on both sides, and is told to the other one", () => {
    const { ana, cat, tell } = start("delete");
    const [first = ""] = ["1", "2"].map((text) => tell(ana, "cat@paris", text));
    ana.get("tell", deletion("cat@paris", first));
    expect(said(ana, "cat@paris")).toEqual(["2"]);
    expect(said(cat, "ana@paris")).toEqual(["2"]);
    expect(cat.all("private").at(-1)).toMatchObject({ kind: "delete", about: first });
  });

  test("is the same one when it is said again under its own id", () => {
    const { ana, cat, tell } = start("again");
    const once = { ...deletion("cat@paris", tell(ana, "cat@paris", "oops")), cid: "my-own" };
    const { id, at } = ana.get("tell", once);
    expect(ana.ask("tell", once)).toMatchObject({ id, at, outcome: "delivered" });
    expect(cat.all("private")).toHaveLength(2);
  });

  test("is waited for by its author, and by the other one who asks behind it", () => {
    const { place, ana, cat, disk, tell } = start("at once");
    const id = tell(ana, "cat@paris", "oops");
    const { promise, resolve } = Promise.withResolvers<void>();
    disk.held = promise;
    ana.send("tell", { ...deletion("cat@paris", id), ref: 900 });
    place.rest(10);
    cat.send("conversation", { with: "ana@paris", ref: 900 });
    place.rest(50);
    const answered = (by: Peer) => by.all("ack").filter(({ ref }) => ref === 900);
    expect([...answered(ana), ...answered(cat)]).toEqual([]);
    expect(cat.all("private").at(-1)).toMatchObject({ kind: "delete", about: id });
    resolve();
    place.rest(50);
    expect(answered(cat)).toMatchObject([{ messages: [] }]);
    expect(answered(ana)).toMatchObject([{ outcome: "delivered" }]);
    expect(said(ana, "cat@paris")).toEqual([]);
  });

  test("that a disk refuses is no word of its author's until it is done", () => {
    const { place, ana, cat, disk, tell } = start("refused");
    const id = tell(ana, "cat@paris", "oops");
    disk.held = Promise.reject(new Error("the disk is full"));
    disk.held.catch(() => undefined); // whoever waits for it is told
    expect(ana.ask("tell", deletion("cat@paris", id))["code"]).toBe("UNCONFIRMED");
    expect(said(ana, "cat@paris")).toEqual(["oops"]); // so that he can delete it again
    disk.held = undefined;
    place.rest(LIMITS.storeRetryMs + 100);
    expect(ana.all("told").at(-1)).toMatchObject({ outcome: "delivered" });
    for (const [by, other] of [
      [ana, "cat@paris"],
      [cat, "ana@paris"],
    ] as const)
      expect(said(by, other)).toEqual([]);
  });

  // As when the answer to the first one has gone down with the server.
  for (const [cid, left] of [
    ["one-that-nobody-else-draws", []],
    ["short", ["said twice"]],
  ] as const)
    test(`of what was sent twice under the id "${cid}" leaves ${left.length} of it`, () => {
      const talk = start(`twice ${cid}`);
      const twice = { to: "cat@paris", text: "said twice", cid };
      talk.ana.get("tell", twice);
      talk.tell(talk.ana, "cat@paris", "kept");
      talk.restart("crash");
      const [ana, cat] = [talk.logIn("ana"), talk.logIn("cat")];
      const { id } = ana.get("tell", twice);
      expect(said(cat, "ana@paris")).toEqual(["said twice", "kept", "said twice"]);
      ana.get("tell", deletion("cat@paris", String(id)));
      expect(said(ana, "cat@paris")).toEqual([...left, "kept"]);
      expect(said(cat, "ana@paris")).toEqual([...left, "kept"]);
      expect(cat.all("private").at(-1)).toMatchObject({ about: id, aboutCid: cid });
    });

  test("of what was not read yet takes it away before it is told", () => {
    const { place, ana, cat, tell, logIn } = start("unread");
    cat.send("bye", {});
    place.rest(50);
    const id = tell(ana, "cat@paris", "oops");
    ana.get("tell", deletion("cat@paris", id));
    const again = logIn("cat");
    expect(again.all("private")).toEqual([]);
    expect(said(again, "ana@paris")).toEqual([]);
  });

  test("of what was shown and may not have arrived is told, and it is shown no second time", () => {
    const { place, ana, cat, tell, logIn } = start("shown");
    cat.send("bye", {});
    place.rest(50);
    const id = tell(ana, "cat@paris", "oops");
    const mute = logIn("cat", true);
    expect(mute.all("private")).toMatchObject([{ text: "oops" }]);
    ana.get("tell", deletion("cat@paris", id));
    place.rest(50);
    expect(mute.all("private").at(-1)).toMatchObject({ kind: "delete", about: id });
    const again = logIn("cat");
    expect(again.all("private").map(({ text }) => text)).not.toContain("oops");
  });

  test("by another one, of what one was told, or of what is not kept, is refused", () => {
    const { ana, cat, bob, tell } = start("not mine");
    const id = tell(ana, "cat@paris", "mine");
    const refusal = (by: Peer, to: string, about: string) =>
      by.ask("tell", deletion(to, about))["code"];
    expect(refusal(cat, "ana@paris", id)).toBe("NO_SUCH_MESSAGE");
    expect(refusal(ana, "bob@paris", id)).toBe("NO_SUCH_MESSAGE");
    expect(refusal(ana, "cat@paris", "none")).toBe("NO_SUCH_MESSAGE");
    expect(refusal(bob, "cat@paris", id)).toBe("NO_HISTORY");
    expect(said(cat, "ana@paris")).toEqual(["mine"]);
  });
});

describe("a server that keeps none", () => {
  test("says so, and delivers all the same", () => {
    const { place, paris, logIn } = startWithAccounts("none");
    const [ana, bob] = [logIn("ana"), place.enter(paris, "bob")];
    expect(ana.get("tell", { to: "bob@paris", text: "x" })).toMatchObject({ outcome: "delivered" });
    expect(ana.ask("conversation", { with: "bob@paris" })).toMatchObject({ code: "NO_HISTORY" });
    expect(ana.ask("conversations", {})["code"]).toBe("NO_HISTORY");
    expect(bob.all("private")).toHaveLength(1);
  });
});

describe("a disk that is full", () => {
  test("keeps nobody from talking, and takes what was told meanwhile when it can", () => {
    const { place, ana, disk, tell } = start("full");
    disk.fails = true;
    for (const text of ["1", "2"]) tell(ana, "cat@paris", text);
    expect(said(ana, "cat@paris")).toEqual([]);
    disk.fails = false;
    place.rest(LIMITS.storeRetryMs + 100);
    tell(ana, "cat@paris", "3");
    expect(said(ana, "cat@paris")).toEqual(["1", "2", "3"]);
  });

  test("takes nothing later that was forgotten or deleted meanwhile", () => {
    const { place, ana, cat, disk, tell } = start("forgotten");
    disk.fails = true;
    const id = tell(ana, "cat@paris", "1");
    tell(ana, "cat@paris", "2");
    ana.get("tell", { to: "cat@paris", kind: "delete", about: id, text: "" });
    place.rest(50);
    ana.get("forget", { with: "cat@paris" });
    disk.fails = false;
    place.rest(LIMITS.storeRetryMs + 100);
    expect(said(ana, "cat@paris")).toEqual([]);
    expect(said(cat, "ana@paris")).toEqual(["2"]);
  });
});
