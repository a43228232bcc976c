// A session: its requests in order, its answers after the log, its life over several connections.

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { allow, definePlugin, deny, drop } from "../../src/plugin.ts";
import { MemoryHistory } from "./memory.ts";
import type { Peer } from "./peer.ts";
import { hooked, type Home, Place, type StartOptions } from "./place.ts";

const lobby = "#lobby";

function one(seed: string, options: StartOptions = {}) {
  const place = new Place(seed);
  const paris = place.start("paris", options);
  return { place, paris };
}
const slow = (place: { world: { environment(name: string): unknown } }) => {
  const waiting: (() => void)[] = [];
  expect(place).toBeDefined();
  return {
    waiting,
    hooks: {
      onMessage: (message: { text: string }) =>
        message.text.startsWith("slow")
          ? new Promise<undefined>((resolve) => waiting.push(() => resolve(undefined)))
          : undefined,
    },
  };
};

/** Passwords of a database of one account: "ana" with "secret". */
const database = () =>
  definePlugin({
    name: "database",
    provides: ["auth"],
    setup: () => ({
      onAuth({ nick, credential }) {
        if (nick.toLowerCase() !== "ana") return undefined;
        if (credential.kind !== "password") return deny("registered", "NICK_REGISTERED");
        return credential.password === "secret" ? allow("ana") : deny("wrong", "AUTH_FAILED");
      },
    }),
  })();

describe("requests behind an asynchronous hook", () => {
  test("keep their order, and delay nobody else", () => {
    const place = new Place("order");
    const { waiting, hooks } = slow(place);
    const paris = place.start("paris", { hooks });
    const [ana, bob] = [place.enter(paris, "ana"), place.enter(paris, "bob")];
    for (const text of ["slow 1", "2", "slow 3", "4"]) ana.request("say", { room: lobby, text });
    place.rest(50);
    bob.get("say", { room: lobby, text: "bob's" });
    expect(bob.texts()).toEqual(["bob's"]);
    waiting.shift()?.();
    place.rest(50);
    expect(bob.texts()).toEqual(["bob's", "slow 1", "2"]);
    waiting.shift()?.();
    place.rest(50);
    expect(bob.texts()).toEqual(["bob's", "slow 1", "2", "slow 3", "4"]);
    expect(ana.all("ack").map(({ ref }) => ref)).toEqual([1, 2, 3, 4]);
  });

  test("are bounded: the socket is paused, and read on afterwards", () => {
    const place = new Place("bounded");
    const { waiting, hooks } = slow(place);
    const paris = place.start("paris", { hooks });
    const ana = place.enter(paris, "ana");
    ana.request("say", { room: lobby, text: "slow" });
    place.rest(50);
    const count = LIMITS.pendingRequestsMax * 1.5;
    for (let i = 0; i < count; i++) {
      ana.request("say", { room: lobby, text: `t${i}` });
      place.world.run(3);
    }
    expect(ana.texts()).toEqual([]);
    waiting.shift()?.();
    place.rest(100);
    expect(ana.texts()).toHaveLength(count + 1);
    expect(ana.all("error")).toEqual([]);
  });

  test("that never answers fail after its deadline, and what follows goes on", () => {
    const place = new Place("deadline");
    const { hooks } = slow(place);
    const ana = place.enter(place.start("paris", { hooks }), "ana");
    const ref = ana.request("say", { room: lobby, text: "slow" });
    ana.get("say", { room: lobby, text: "next" });
    expect(ana.answer(ref)?.value["code"]).toBe("PLUGIN_FAILED");
    expect(ana.texts()).toEqual(["next"]);
  });
});

describe("an acknowledgement", () => {
  test("comes after the commit that holds its message; the message before", () => {
    const history = new MemoryHistory();
    const held = history.hold();
    const { place, paris } = one("ack", { more: [history.plugin()] });
    const ana = place.enter(paris, "ana");
    const first = ana.request("say", { room: lobby, text: "one" });
    place.rest(50);
    const second = ana.request("say", { room: lobby, text: "two" });
    const third = ana.request("say", { room: lobby, text: "three" });
    place.rest(50);
    expect(ana.texts()).toEqual(["one", "two", "three"]);
    expect(ana.answer(first)).toBeUndefined();
    held.release();
    place.rest(50);
    expect(ana.answer(first)?.name).toBe("ack");
    expect([second, third].map((ref) => ana.answer(ref))).toEqual([undefined, undefined]);
    held.release();
    place.rest(50);
    expect([second, third].map((ref) => ana.answer(ref)?.name)).toEqual(["ack", "ack"]);
    expect(history.commits).toEqual([["one"], ["two", "three"]]);
  });

  test("of a failed commit is an error; later ones are not lost", () => {
    const history = new MemoryHistory();
    const { place, paris } = one("failed", { more: [history.plugin()] });
    const ana = place.enter(paris, "ana");
    history.fails = () => true;
    expect(ana.ask("say", { room: lobby, text: "lost" })["code"]).toBe("INTERNAL");
    history.fails = () => false;
    ana.get("say", { room: lobby, text: "kept" });
    expect(history.texts()).toEqual(["kept"]);
  });

  test("stands behind the message in the same write", () => {
    const { place, paris } = one("write");
    const ana = place.enter(paris, "ana");
    place.world.shape({ splitChance: 0 });
    place.rest(100);
    const [from, chunks] = [ana.heard.length, ana.chunks];
    ana.sendAll(
      ["say", { ref: 71, room: lobby, text: "a" }],
      ["who", { ref: 72 }],
      ["say", { ref: 73, room: lobby, text: "b" }],
    );
    place.rest(50);
    const names = ana.heard.slice(from).map(({ name, value }) => `${name} ${String(value["ref"])}`);
    expect(names).toEqual(["message undefined", "message undefined", "ack 71", "ack 72", "ack 73"]);
    expect(ana.chunks - chunks).toBe(1);
  });
});

describe("a client's own id", () => {
  const texts = (peer: Peer) => peer.texts();
  test("sent again is the same message, also after a resume; another's is another", () => {
    const { place, paris } = one("cid");
    const [ana, bob] = [place.enter(paris, "ana"), place.enter(paris, "bob")];
    const said = ana.get("say", { room: lobby, text: "one", cid: "c1" });
    expect(ana.get("say", { room: lobby, text: "one", cid: "c1" })["id"]).toBe(said["id"]);
    expect(bob.get("say", { room: lobby, text: "two", cid: "c1" })["id"]).not.toBe(said["id"]);
    const again = resume(place, paris, ana, "ana");
    expect(again.get("say", { room: lobby, text: "one", cid: "c1" })["id"]).toBe(said["id"]);
    expect(texts(bob)).toEqual(["one", "two"]);
  });

  test("of a message that a hook dropped may be used again", () => {
    let drops = true;
    const hooks = { onMessage: () => (drops ? drop("not now") : undefined) };
    const { place, paris } = one("dropped", { hooks });
    const ana = place.enter(paris, "ana");
    expect(ana.ask("say", { room: lobby, text: "x", cid: "c" })["code"]).toBe("DROPPED");
    drops = false;
    ana.get("say", { room: lobby, text: "x", cid: "c" });
    expect(texts(ana)).toEqual(["x"]);
  });
});

function resume(place: Place, home: Home, lost: Peer, nick: string, received = lost.received) {
  const token = String(lost.all("welcome").at(-1)?.["resume"]);
  const peer = place.connect(home);
  const { name, value } = peer.login({ nick, resume: { token, received } });
  expect([name, value["code"]]).toEqual(["welcome", undefined]);
  expect(value["resumed"]).toBe(true);
  return peer;
}

describe("a resume", () => {
  for (let seed = 1; seed <= 15; seed++)
    test(`loses nothing and brings nothing twice, whenever the wires break (seed ${seed})`, () => {
      const { place, paris } = one(`resume ${seed}`);
      const { random } = place.world;
      const bob = place.enter(paris, "bob");
      let ana = place.enter(paris, "ana");
      const heard: string[] = [];
      let host = 2;
      let received = 0;
      let said = 0;
      for (let round = 0; round < 6; round++) {
        for (let i = random.below(12); i > 0; i--) {
          bob.send("say", { room: lobby, text: `t${++said}` });
          if (random.chance(0.3)) bob.send("tell", { to: "ana@paris", text: `t${++said}` });
          place.world.run(random.next() * 3);
        }
        if (random.chance(0.5)) place.world.cut("paris", `client${host}`);
        else place.world.loseConnections("paris", `client${host}`);
        place.world.run(random.next() * 500);
        received += ana.received;
        heard.push(...told(ana));
        const next = place.connect(paris);
        host += 1;
        const token = String(ana.all("welcome").at(-1)?.["resume"]);
        const { value } = next.login({ nick: "ana", resume: { token, received } });
        expect(value["resumed"]).toBe(true);
        ana = next;
      }
      place.rest(100);
      heard.push(...told(ana));
      const numbers = heard.map((text) => Number(text.slice(1)));
      expect(numbers.toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: said }, (_, i) => i + 1),
      );
    });

  test("needs a token that was not used, of that nick, in time", () => {
    const { place, paris } = one("tokens");
    const ana = place.enter(paris, "ana");
    const token = String(ana.all("welcome")[0]?.["resume"]);
    ana.close();
    place.rest(100);
    const next = resume(place, paris, ana, "ana");
    next.get("who");
    next.close();
    place.rest(100);
    const late = place.connect(paris);
    const spent = { nick: "ana", resume: { token, received: 0 } };
    expect(late.login(spent).value["code"]).toBe("RESUME_FAILED");
    const good = String(next.all("welcome")[0]?.["resume"]);
    place.world.run(LIMITS.resumeMsMax);
    const after = place.connect(paris);
    const expired = { nick: "ana", resume: { token: good, received: 0 } };
    expect(after.login(expired).value["code"]).toBe("RESUME_FAILED");
    expect(after.loginAgain({ nick: "ana" }).name).toBe("welcome");
  });

  test("ends the connection that was half-open, which is told", () => {
    const { place, paris } = one("half-open");
    const ana = place.enter(paris, "ana");
    const next = resume(place, paris, ana, "ana");
    place.rest(100);
    expect(ana.all("error").map(({ code }) => code)).toEqual(["SESSION_REPLACED"]);
    expect(next.all("error")).toEqual([]);
    next.get("say", { room: lobby, text: "here" });
  });
});

describe("a login", () => {
  test("with the account's password replaces its own session; a guest's nick is kept", () => {
    const { place, paris } = one("replaced", { more: [database()] });
    const first = place.enter(paris, "ana", { password: "secret" });
    const guest = place.connect(paris);
    expect(guest.login({ nick: "ana" }).value["code"]).toBe("NICK_REGISTERED");
    expect(guest.loginAgain({ nick: "bob" }).name).toBe("welcome");
    expect(place.connect(paris).login({ nick: "BOB" }).value["code"]).toBe("NICK_IN_USE");
    place.enter(paris, "ana", { password: "secret" });
    place.rest(100);
    expect(first.all("error").at(-1)?.["code"]).toBe("SESSION_REPLACED");
  });

  test("of two at once under one nick, one enters", () => {
    const hooks = {
      onAuth: () => new Promise<undefined>((done) => queueMicrotask(() => done(undefined))),
    };
    const { place, paris } = one("two logins", { hooks });
    const peers = [place.connect(paris), place.connect(paris)];
    for (const peer of peers) {
      peer.hello();
      peer.send("login", { nick: "ana" });
    }
    place.rest(100);
    const answers = peers.map((peer) => peer.heard[1]).map((heard) => heard?.value["code"]);
    expect(answers.map(String).toSorted()).toEqual(["NICK_IN_USE", "undefined"]);
  });

  test("whose connection closes while its plugins think leaves nobody behind", () => {
    const waiting: (() => void)[] = [];
    const hooks = {
      onAuth: () => new Promise<undefined>((done) => waiting.push(() => done(undefined))),
    };
    const { place, paris } = one("closed", { hooks });
    const peer = place.connect(paris);
    peer.hello();
    peer.send("login", { nick: "ana" });
    place.rest(100);
    peer.close();
    place.rest(100);
    waiting[0]?.();
    place.rest(100);
    expect(paris.server.status()["sessions"]).toBe(0);
  });

  test("tells who enters by a plugin's hook, and denies where one denies", () => {
    const other = hooked("ban", {
      onAuth: ({ nick }) => (nick === "eve" ? deny("no") : undefined),
    });
    const { place, paris } = one("ban", { more: [other] });
    expect(place.connect(paris).login({ nick: "eve" }).value["code"]).toBe("AUTH_DENIED");
    place.enter(paris, "adam");
  });
});

describe("a nick", () => {
  test("is one whatever its case and look; a change follows the rules of entering", () => {
    const { place, paris } = one("nicks", { more: [database()] });
    const bob = place.enter(paris, "Bob");
    for (const nick of ["bob", "BOB", "B0b", "ana"]) {
      const code = place.connect(paris).login({ nick }).value["code"];
      expect([nick, code]).toEqual([nick, nick === "ana" ? "NICK_REGISTERED" : "NICK_IN_USE"]);
    }
    expect(bob.ask("rename", { nick: "Ana" })["code"]).toBe("NICK_REGISTERED");
    expect(bob.get("rename", { nick: "BOB" })["nick"]).toBe("BOB");
    expect(bob.get("rename", { nick: "rob" })["nick"]).toBe("rob");
    place.enter(paris, "Bob");
    expect(bob.ask("rename", { nick: "bob" })["code"]).toBe("NICK_IN_USE");
  });

  test("that an account comes to own is taken from the guest who holds it", () => {
    let claim: (() => void) | undefined;
    const accounts = definePlugin({
      name: "accounts",
      provides: ["auth"],
      setup({ host }) {
        claim = () => host.claimed("ana" as never);
        return { onAuth: () => undefined };
      },
    })();
    const { place, paris } = one("claimed", { more: [accounts] });
    const ana = place.enter(paris, "ana");
    claim?.();
    place.rest(100);
    expect(ana.all("error").at(-1)?.["code"]).toBe("NICK_CLAIMED");
    expect(paris.server.status()["sessions"]).toBe(0);
  });
});

test("a guest whose consent is under way does not get a nick that an account came to own", () => {
  const waiting: (() => void)[] = [];
  let claim: (() => void) | undefined;
  const thinking = definePlugin({
    name: "thinking",
    provides: ["auth"],
    setup({ host }) {
      claim = () => host.claimed("Ana" as never);
      return {
        onAuth: () => new Promise<undefined>((done) => waiting.push(() => done(undefined))),
      };
    },
  })();
  const { place, paris } = one("claimed meanwhile", { more: [thinking] });
  const peer = place.connect(paris);
  peer.hello();
  peer.send("login", { nick: "ana" });
  place.rest(100);
  claim?.();
  waiting[0]?.();
  place.rest(100);
  expect(peer.all("error").at(-1)?.["code"]).toBe("NICK_REGISTERED");
  expect(paris.server.status()["sessions"]).toBe(0);
});

describe("rooms", () => {
  test("are bounded for each, and the lobby cannot be left", () => {
    const { place, paris } = one("rooms");
    const ana = place.enter(paris, "ana");
    expect(ana.ask("part", { room: lobby })["code"]).toBe("CANNOT_LEAVE");
    expect(ana.ask("say", { room: "#nowhere", text: "x" })["code"]).toBe("NOT_IN_ROOM");
    for (let i = 1; i < LIMITS.roomsPerSessionMax; i++) ana.send("join", { room: `#r${i}` });
    expect(ana.ask("join", { room: "#more" })["code"]).toBe("TOO_MANY_ROOMS");
    ana.get("part", { room: "#r1" });
    ana.get("join", { room: "#more" });
    expect(ana.get("join", { room: "#MORE" })["room"]).toBe("#more");
  });
});

const told = (peer: Peer): string[] =>
  peer.heard
    .filter(({ name }) => name === "message" || name === "private")
    .map(({ value }) => String(value["text"]));
