// What is kept and found again, where two things meet: a disk that refuses, a deletion, another
// nick, ids that a server lies about.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import {
  CONVERSATIONS_SCHEMA,
  createConversations,
} from "../../plugins/log-sqlite/conversations.ts";
import { LIMITS } from "../../src/limits.ts";
import { definePlugin, type Plugin } from "../../src/plugin.ts";
import { Liar } from "./liar.ts";
import { LyingTown } from "./lying-town.ts";
import { Members, past, say } from "./members.ts";
import { MemoryHistory } from "./memory.ts";
import type { Json, Peer } from "./peer.ts";
import { startTalking as start } from "./talking.ts";
import { say as sayIn } from "./town.ts";

const said = (by: Peer, other: string) =>
  (by.get("conversation", { with: other })["messages"] as Json[]).map(({ text }) => String(text));
const deletion = (to: string, about: string) => ({ to, about, kind: "delete", text: "" });
const full = () => {
  throw new Error("the disk is full");
};

test.each(["message", "edit"])(
  "a deleted %s that the disk does not let go is not shown",
  (what) => {
    const town = new Members(`not let go: ${what}`, ["paris"]);
    const [ana, bob] = [town.enter("paris", "ana"), town.enter("paris", "bob")];
    town.histories.get("paris")!.redact = full;
    const id = say(ana, what === "edit" ? "hello" : "xyzzy");
    if (what === "edit") say(ana, "xyzzy", { kind: "edit", about: id });
    say(ana, "", { kind: "delete", about: id });
    town.place.rest(200);
    expect(JSON.stringify(past(bob))).not.toContain("xyzzy");
    expect(JSON.stringify(bob.get("search", { text: "xyzzy" }))).not.toContain("xyzzy");
  },
);

test.each([true, false])(
  "ids of a lying server, the same: %p, leave one's own to delete",
  (same) => {
    const town = new LyingTown(`ids ${same}`);
    const id = String(sayIn(town.ana, "as I said")["id"]);
    town.place.rest(200);
    const entries = ["0", "1", "2", "3"].map((n) =>
      town.liar.entry("x", { id: same ? id : id + n }),
    );
    const batch = town.liar.batch(1, entries);
    for (const to of ["paris", "lyon"]) town.liar.publish(to, "room", batch);
    town.place.rest(300);
    const ask = { room: "#lobby", text: "", kind: "delete", about: id };
    expect(town.ana.ask("say", ask)).toHaveProperty("id");
    town.place.rest(300);
    for (const name of ["paris", "lyon"]) expect(town.said(name)).not.toContain("as I said");
  },
);

test("private ids that begin with another one's leave that to be forgotten", () => {
  const { place, paris, ana } = start("t6c");
  const liar = new Liar(place, "nice");
  place.hub.join(paris.server.name, "nice");
  place.rest(3000);
  liar.tell("paris", { t: "people", v: 1, first: true, last: true, people: [["mal", "", 1, []]] });
  place.rest(500);
  ana.request("tell", { to: "mal@nice", text: "my secret" });
  place.rest(50);
  const asked = liar.heard.find(({ t }) => t === "tell");
  const { message: { id } = { id: "" } } = asked as { message?: { id: string } }; // as it was told
  liar.tell("paris", { t: "told", id, outcome: "delivered" });
  place.rest(50);
  for (const n of "0123")
    liar.tell("paris", {
      t: "tell",
      message: { id: id + n, from: "mal@nice", to: "ana@paris", kind: "text", text: "x", at: 1 },
    });
  place.rest(50);
  expect(said(ana, "mal@nice")).toContain("my secret");
  const answer = ana.get("forget", { with: "mal@nice", id });
  expect(answer["messages"]).toBe(1);
});

test("what is deleted in private while the disk takes it is found", () => {
  const { place, ana, cat, disk, tell, conversations } = start("t7");
  disk.fails = true;
  const id = tell(ana, "cat@paris", "oops");
  const { page } = conversations;
  let reads = 0;
  // What waits is written while a page is being read.
  conversations.page = (...all) => {
    const found = page(...all);
    reads += 1;
    if (reads > 1) return found;
    disk.fails = false;
    return new Promise((resolve) => {
      const { clock } = place.world.environment("disk");
      clock.after(LIMITS.storeRetryMs + 100, () => resolve(found));
    });
  };
  ana.get("tell", deletion("cat@paris", id));
  place.rest(100);
  expect(said(ana, "cat@paris")).toEqual([]);
  expect(said(cat, "ana@paris")).toEqual([]);
});

test("what is said again by a server that was restarted stands once in a conversation", () => {
  const { place, paris, cat, logIn } = start("t8");
  let lyon = place.start("lyon");
  place.join(paris, lyon);
  cat.send("bye", {});
  place.rest(50);
  const tell = { to: "cat@paris", text: "once", cid: "u".repeat(22) };
  place.enter(lyon, "dan").get("tell", tell);
  place.world.crash("lyon");
  place.hub.part("lyon");
  place.rest(2000);
  lyon = place.start("lyon");
  place.join(paris, lyon);
  expect(place.enter(lyon, "dan").get("tell", tell)["outcome"]).toBe("stored");
  const again = logIn("cat");
  expect(again.all("private").map(({ text }) => text)).toEqual(["once"]);
  expect(said(again, "dan@lyon")).toEqual(["once"]);
});

test("an edit that a plugin holds while its message is deleted is not kept", () => {
  const town = new Members("t9", []);
  let go: (() => void) | undefined;
  const holds = definePlugin({
    name: "holds",
    setup: () => ({
      onMessage: (one) =>
        one.kind === "edit"
          ? new Promise<undefined>((resolve) => {
              go = () => resolve(undefined);
            })
          : undefined,
    }),
  });
  town.start("paris", holds());
  const ana = town.enter("paris", "ana");
  const op = town.enter("paris", "op");
  const id = say(ana, "hello");
  ana.request("say", { room: "#lobby", text: "xyzzy", kind: "edit", about: id });
  town.place.rest(100);
  say(op, "", { kind: "delete", about: id });
  town.place.rest(500);
  go!();
  town.place.rest(500);
  expect(town.histories.get("paris")!.texts()).not.toContain("xyzzy");
});

test("a page is empty only at the end, also a short one for who ignores somebody", () => {
  const town = new Members("cc", ["paris"]);
  const ana = town.enter("paris", "ana");
  const bob = town.enter("paris", "bob");
  const first = say(ana, "first");
  for (let n = 0; n < 25; n++) say(bob, `bob ${n}`);
  say(ana, "last");
  ana.get("ignore", { address: "bob@paris" });
  const seen: string[] = [];
  for (let before: string | undefined; ;) {
    const page = past(ana, { limit: 1, ...(before && { before }) });
    if (page.length === 0) break;
    seen.unshift(...page.map(({ text }) => String(text)));
    before = String(page[0]!["id"]);
  }
  expect(seen).toEqual(["first", "last"]);
  expect(past(ana, { limit: 1, after: first }).map(({ text }) => text)).toEqual(["last"]);
  expect(past(ana, { limit: 1, since: first }).map(({ text }) => text)).toEqual(["last"]);
});

test("who registers a nick anew is not given what its last owner was told", () => {
  const { place, ana, accounts, revoke, conversations, tell, logIn } = start("yz");
  tell(ana, "cat@paris", "mine");
  const { forget } = conversations;
  conversations.forget = full;
  accounts.delete("ana");
  revoke("ana");
  place.rest(100);
  accounts.add("ana");
  conversations.forget = forget;
  place.rest(2 * LIMITS.storeRetryMs + 100);
  expect(said(logIn("ana"), "cat@paris")).toEqual([]);
});

test("a private deletion is of the message, also under another nick", () => {
  for (const servers of [["paris"], ["paris", "lyon"]]) {
    const town = new Talkers(`t4 ${servers.length}`, servers);
    const ana = town.enter("paris", "ana");
    const home = servers.at(-1)!;
    const cat = town.enter(home, "cat");
    town.place.rest(200);
    const id = String(ana.get("tell", { to: `cat@${home}`, text: "oops" })["id"]);
    town.place.rest(200);
    ana.get("rename", { nick: "anna", password: "as ana" });
    town.place.rest(200);
    ana.get("tell", deletion(`cat@${home}`, id));
    town.place.rest(200);
    expect(said(ana, `cat@${home}`)).toEqual([]);
    expect([home, said(cat, "ana@paris")]).toEqual([home, []]);
  }
});

// --- internal ---

function talkingHistory() {
  const database = new Database(":memory:", { strict: true });
  database.run(CONVERSATIONS_SCHEMA);
  const { page, newest, keep, ...kept } = createConversations(database, {
    bytesMax: 1e6,
    days: undefined,
  });
  const history = new MemoryHistory();
  history.talk = {
    ...kept,
    keep: (m) => keep(m, 0),
    page: (of, limit, from, text) =>
      page({ ...of, limit, ...from, ...(text === undefined ? {} : { text }) }),
    newest: (a, l, b) => newest(a, l, b),
  };
  return history;
}
class Talkers extends Members {
  override start(name: string, ...more: readonly Plugin[]): void {
    if (!this.histories.has(name)) this.histories.set(name, talkingHistory());
    super.start(name, ...more);
  }
}
