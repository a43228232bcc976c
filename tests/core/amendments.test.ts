// What is done to messages over several servers: answers, threads, reactions, edits, deletions.

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import type { Batch } from "../../src/plugin.ts";
import { LyingTown } from "./lying-town.ts";
import { Members, merged, past, say, told } from "./members.ts";
import type { Json, Peer } from "./peer.ts";

const room = "#lobby";
const refused = (peer: Peer, text: string, more: Json): unknown =>
  peer.ask("say", { room, text, ...more })["code"];

describe("an answer", () => {
  test("names what it answers, for everybody, and belongs to its thread", () => {
    const { place, ana, bob } = merged("answers");
    const root = say(ana, "a question");
    place.rest(200);
    const first = say(bob, "yes?", { about: root });
    const inThread = say(bob, "more", { thread: root });
    place.rest(200);
    say(ana, "an end", { about: inThread });
    place.rest(200);
    for (const peer of [ana, bob]) {
      const [, second, third, fourth] = peer.all("message");
      expect(second).toMatchObject({ id: first, about: root, text: "yes?" });
      expect(second).not.toHaveProperty("thread");
      expect(third).toMatchObject({ id: inThread, thread: root });
      expect(fourth).toMatchObject({ about: inThread, thread: root });
    }
    expect(past(bob).map(({ about, thread }) => [about, thread])).toEqual([
      [undefined, undefined],
      [root, undefined],
      [undefined, root],
      [inThread, root],
    ]);
  });

  test("to nothing that is held in that room is refused, and says so", () => {
    const { ana } = merged("dangling");
    ana.get("join", { room: "#go" });
    const id = String(ana.get("say", { room: "#go", text: "elsewhere" })["id"]);
    for (const more of [{ about: id }, { thread: id }, { about: "nothing" }])
      expect(refused(ana, "hm", more)).toBe("NO_SUCH_MESSAGE");
    const reaction = say(ana, "👍", { kind: "reaction", about: say(ana, "here") });
    expect(refused(ana, "hm", { about: reaction })).toBe("BAD_REQUEST");
  });
});

describe("an edit", () => {
  test("of one's own message is told to all, and stands in the history", () => {
    const { place, ana, bob } = merged("edit");
    const id = say(ana, "helo");
    say(ana, "hello", { kind: "edit", about: id });
    place.rest(200);
    expect(told(bob)).toEqual(["text helo", "edit hello"]);
    for (const peer of [ana, bob])
      expect(past(peer)[0]).toMatchObject({ id, text: "helo", edited: { text: "hello" } });
  });

  test("of another one's is refused, and so is one of an edit, or of nothing", () => {
    const { place, ana, bob } = merged("not yours");
    const id = say(ana, "mine");
    place.rest(200);
    expect(refused(bob, "yours", { kind: "edit", about: id })).toBe("NOT_PERMITTED");
    const edit = say(ana, "still mine", { kind: "edit", about: id });
    expect(refused(ana, "again", { kind: "edit", about: edit })).toBe("BAD_REQUEST");
    expect(refused(ana, "again", { kind: "edit", about: "nothing" })).toBe("NO_SUCH_MESSAGE");
    expect(refused(ana, "again", { kind: "edit" })).toBe("BAD_REQUEST");
  });

  test("is an account's after a new login, and a guest's only while he has the nick", () => {
    const { town, place, ana } = merged("later");
    const guest = town.enter("paris", "Gus");
    const ids = [say(ana, "an account's"), say(guest, "a guest's")];
    say(guest, "mine", { kind: "edit", about: ids[1]! });
    for (const peer of [ana, guest]) peer.send("bye");
    place.rest(200);
    const later = [town.enter("paris", "ana"), town.enter("paris", "Gus")];
    say(later[0]!, "the account's", { kind: "edit", about: ids[0]! });
    expect(refused(later[1]!, "not mine", { kind: "edit", about: ids[1]! })).toBe("NOT_PERMITTED");
    later[1]!.get("rename", { nick: "Gil" });
    const id = say(later[1]!, "as gil");
    later[1]!.get("rename", { nick: "Gus" });
    expect(refused(later[1]!, "as gus", { kind: "edit", about: id })).toBe("NOT_PERMITTED");
    later[1]!.get("rename", { nick: "Gil" });
    expect(refused(later[1]!, "again", { kind: "edit", about: id })).toBe("NOT_PERMITTED");
  });
});

describe("reactions", () => {
  test("are told as they come, and counted in the history, also after a restart", () => {
    const { town, place, ana, bob } = merged("reactions");
    const id = say(ana, "a feast!");
    place.rest(200);
    say(bob, "🎉", { kind: "reaction", about: id });
    say(ana, "🎉", { kind: "reaction", about: id });
    say(ana, "ok", { kind: "reaction", about: id });
    say(ana, "ok", { kind: "unreaction", about: id });
    place.rest(200);
    expect(told(bob, 0).toSorted()).toEqual(told(ana).toSorted());
    const expected = [{ text: "🎉", count: 2, by: ["bob@lyon", "ana@paris"] }];
    expect(past(bob)[0]!["reactions"]).toEqual(expected);
    town.restart("paris");
    const again = town.enter("paris", "ana");
    expect(past(again)[0]!["reactions"]).toEqual(expected);
  });

  test("that are there already, or none that are there, are refused, and told to nobody", () => {
    const { town, place, ana, bob } = merged("idle reactions");
    const id = say(ana, "a feast!");
    place.rest(200);
    const again = (peer: Peer, kind: string) => refused(peer, "🎉", { kind, about: id });
    expect(again(bob, "unreaction")).toBe("BAD_REQUEST");
    say(bob, "🎉", { kind: "reaction", about: id });
    expect(again(bob, "reaction")).toBe("BAD_REQUEST");
    expect(again(ana, "unreaction")).toBe("BAD_REQUEST");
    say(bob, "🎉", { kind: "unreaction", about: id });
    expect(again(bob, "unreaction")).toBe("BAD_REQUEST");
    say(bob, "🎉", { kind: "reaction", about: id });
    place.rest(200);
    expect(told(ana)).toEqual(["text a feast!", "reaction 🎉", "unreaction 🎉", "reaction 🎉"]);
    town.restart("lyon");
    expect(again(town.enter("lyon", "bob"), "reaction")).toBe("BAD_REQUEST");
  });
});

describe("a deletion", () => {
  test("of one's own message is told to all; nothing more is done to it", () => {
    const { place, ana, bob } = merged("delete");
    const id = say(ana, "a secret");
    place.rest(200);
    expect(refused(bob, "", { kind: "delete", about: id })).toBe("NOT_PERMITTED");
    say(ana, "", { kind: "delete", about: id });
    place.rest(200);
    expect(told(bob)).toEqual(["text a secret", "delete "]);
    for (const peer of [ana, bob])
      for (const [kind, text] of [
        ["reaction", "👍"],
        ["edit", "?"],
        ["text", "?"],
        ["delete", ""],
      ] as const)
        expect(refused(peer, text, { kind, about: id })).toBe("NO_SUCH_MESSAGE");
  });
});

describe("what is deleted", () => {
  const secret = "xyzzy";
  /** What a server's history holds, with the bytes that it hands on. */
  const held = (town: Pick<Members, "histories">, name: string) =>
    town.histories
      .get(name)!
      .batches.map(({ messages, bytes }) => JSON.stringify(messages) + bytes.toString())
      .join();
  const hex = Buffer.from(secret).join(",");
  const isGone = (town: Pick<Members, "histories">, name: string) =>
    !held(town, name).includes(secret) && !held(town, name).includes(hex);

  test("is in no log any more, on no server, with what it was before its edits", () => {
    const { town, place, ana, bob } = merged("gone");
    const id = say(ana, `one ${secret}`);
    say(ana, `two ${secret}`, { kind: "edit", about: id });
    say(ana, "stays", { about: id });
    place.rest(200);
    expect(isGone(town, "lyon")).toBe(false);
    say(ana, "", { kind: "delete", about: id });
    place.rest(200);
    for (const name of ["paris", "lyon"]) expect(isGone(town, name)).toBe(true);
    for (const peer of [ana, bob])
      expect(past(peer).map(({ kind }) => kind)).toEqual(["text", "delete"]);
  });

  test("by an operator is gone on his server; others go by their own house's word", () => {
    const { town, place, bob } = merged("operator");
    const op = town.enter("paris", "op");
    const gus = town.enter("paris", "Gus");
    const id = say(gus, secret);
    place.rest(200);
    say(op, "not here", { kind: "delete", about: id });
    place.rest(200);
    expect(told(gus)).toEqual([`text ${secret}`, "delete not here"]);
    expect(told(bob)).toEqual([`text ${secret}`]);
    expect([isGone(town, "paris"), isGone(town, "lyon")]).toEqual([true, false]);
  });

  test("stays away when it comes later than its deletion", () => {
    const town = new LyingTown("before");
    const { liar, place, bob } = town;
    const message = liar.entry(secret);
    const edit = liar.entry(`${secret} edited`, { kind: "edit", about: message["id"] });
    const deletion = liar.entry("", { kind: "delete", about: message["id"] });
    const all = [deletion, edit, message, { ...edit, id: `${String(edit["id"])}x` }];
    for (const [i, entry] of all.entries())
      for (const to of ["paris", "lyon"]) liar.publish(to, "room", liar.batch(i + 1, [entry]));
    place.rest(200);
    expect(told(bob)).toEqual([]);
    for (const name of ["paris", "lyon"]) expect(isGone(town, name)).toBe(true);
    town.isWell([]);
  });

  // As when a server goes down between telling others and its own log: the author says it again.
  const cid = "one-that-nobody-else-draws";
  for (const [how, order] of [
    ["before its deletion", ["first", "second", "deletion"]],
    ["after its deletion", ["second", "deletion", "first"]],
    ["alone, under the id that the deletion does not name", ["first", "deletion"]],
  ] as const)
    test(`is gone also where it was sent twice, and comes ${how}`, () => {
      const town = new LyingTown(`twice ${how}`);
      const { liar, place } = town;
      const first = liar.entry(secret, { cid });
      const second = liar.entry(secret, { cid });
      const about = { about: second["id"], aboutCid: cid };
      const entries = { first, second, deletion: liar.entry("", { kind: "delete", ...about }) };
      for (const [i, name] of order.entries()) {
        for (const to of ["paris", "lyon"])
          liar.publish(to, "room", liar.batch(i + 1, [entries[name]]));
        place.rest(200);
      }
      for (const name of ["paris", "lyon"]) expect(isGone(town, name)).toBe(true);
      town.isWell();
    });

  test("of one is not of another, who has chosen the same id", () => {
    const town = new LyingTown("the same cid");
    const { liar, place, ana, bob } = town;
    ana.ask("say", { room: "#lobby", text: "as I said", cid });
    place.rest(200);
    const own = liar.entry("x", { cid });
    const about = { about: own["id"], aboutCid: cid };
    const batch = liar.batch(1, [own, liar.entry("", { kind: "delete", ...about })]);
    for (const to of ["paris", "lyon"]) liar.publish(to, "room", batch);
    place.rest(200);
    expect(past(bob).map(({ text }) => text)).toContain("as I said");
    town.isWell();
  });

  test("stays away over a restart, too", () => {
    const town = new Members("before a restart", ["paris", "nice"]);
    const ana = town.enter("paris", "ana");
    const { hub } = town.place;
    hub.fate = ({ to }) => (to === "nice" ? "lose" : "pass");
    const id = say(ana, secret);
    say(ana, "kept");
    town.place.rest(200);
    // Its deletion has come by another server, whose streams are its own.
    const log = town.histories.get("nice")!;
    const from = { from: "ana@paris", account: "ana" };
    const message = {
      ...from,
      id: "zz",
      kind: "delete",
      room,
      about: id,
      text: "",
      at: 1,
    } as const;
    const stream = { origin: "a".repeat(32), life: "1".repeat(16), room };
    const batch = { stream, first: 1, last: 1, messages: [message], bytes: new Uint8Array() };
    log.batches.push(batch as unknown as Batch); // of the brands of its names alone
    hub.fate = () => "pass";
    town.restart("nice");
    const cat = town.enter("nice", "cat");
    town.place.rest(10_000);
    expect(log.texts()).toContain("kept");
    expect(isGone(town, "nice")).toBe(true);
    expect(told(cat)).not.toContain(`text ${secret}`);
  });

  test("is removed when the disk takes it again, and at the next start at the latest", () => {
    for (const isRestarted of [false, true]) {
      const town = new Members(`full ${isRestarted}`, ["paris"]);
      const ana = town.enter("paris", "ana");
      const history = town.histories.get("paris")!;
      const { redact } = history;
      history.redact = () => {
        throw new Error("the disk is full");
      };
      say(ana, "", { kind: "delete", about: say(ana, secret) });
      town.place.rest(200);
      expect(isGone(town, "paris")).toBe(false);
      history.redact = redact;
      if (isRestarted) town.restart("paris");
      else town.place.rest(LIMITS.storeRetryMs);
      expect(isGone(town, "paris")).toBe(true);
    }
  });
});

test("an edit or a deletion that cannot be looked up is told when the disk answers again", () => {
  for (const kind of ["edit", "delete"] as const) {
    const { town, place, ana, bob } = merged(`unread ${kind}`);
    const history = town.histories.get("lyon")!;
    const { backlog } = history;
    const id = say(ana, "at first");
    place.rest(200);
    history.backlog = () => {
      throw new Error("too many reads wait for the disk");
    };
    say(ana, kind === "edit" ? "then" : "", { kind, about: id });
    place.rest(200);
    expect(told(bob)).toEqual(["text at first"]);
    history.backlog = backlog;
    place.rest(LIMITS.storeRetryMs);
    expect(told(bob)).toEqual(["text at first", kind === "edit" ? "edit then" : "delete "]);
    expect(history.texts().includes("at first")).toBe(kind === "edit");
  }
});

test("edits and deletions of a server without a history reach as far back as it remembers", () => {
  const town = new Members("no history", ["paris", "lyon"], false);
  const ana = town.enter("paris", "ana");
  const bob = town.enter("lyon", "bob");
  const id = say(ana, "helo");
  town.place.rest(200);
  say(ana, "hello", { kind: "edit", about: id });
  say(bob, "hm", { about: "long ago" });
  expect(refused(bob, "no", { kind: "edit", about: id })).toBe("NOT_PERMITTED");
  expect(refused(bob, "no", { kind: "edit", about: "long ago" })).toBe("NO_SUCH_MESSAGE");
  say(ana, "", { kind: "delete", about: id });
  town.place.rest(200);
  expect(told(bob).toSorted()).toEqual(["delete ", "edit hello", "text helo", "text hm"]);
  expect(refused(ana, "no", { kind: "edit", about: id })).toBe("NO_SUCH_MESSAGE");
});

describe("a mention", () => {
  test("means the member here, those of that nick elsewhere, or the one with that address", () => {
    const { town, place, ana, bob } = merged("mentions");
    const other = town.enter("lyon", "ana");
    place.rest(200);
    const meant = (peer: Peer, text: string) => {
      const id = say(peer, text);
      place.rest(200);
      for (const one of [ana, bob, other])
        expect(one.all("message").find((said) => said["id"] === id)).toMatchObject({ text });
      return bob.all("message").find((said) => said["id"] === id)!["mentions"];
    };
    expect(meant(bob, "@ana, are you there?")).toEqual(["ana@lyon"]);
    expect(meant(ana, "(@Bob: and @ana@lyon.)")).toEqual(["bob@lyon", "ana@lyon"]);
    expect(meant(other, "@bob @bob @bob@lyon @nobody @ana@nowhere")).toEqual(["bob@lyon"]);
    expect(meant(ana, "mail ana@lyon or x@ana.paris @")).toBeUndefined();
  });

  test("in a room means its members alone, and so does one in a local room", () => {
    const { place, ana, bob } = merged("mentioned members");
    for (const name of ["#go", "&here"]) ana.get("join", { room: name });
    bob.get("join", { room: "&here" });
    place.rest(200);
    for (const name of ["#go", "&here"]) {
      ana.get("say", { room: name, text: "@bob @ana" });
      expect(ana.all("message").at(-1)!["mentions"]).toEqual(["ana@paris"]);
    }
  });
});
