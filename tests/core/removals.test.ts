// Accounts that are removed: who has their names later has nothing of theirs in rooms, on no
// server; what they had set stays, and what they had founded is their server's.

import { describe, expect, test } from "bun:test";
import authGuest from "../../plugins/auth-guest.ts";
import { allow, type AuthHost, definePlugin, deny } from "../../src/plugin.ts";
import type { Json, Peer } from "./peer.ts";
import type { Home } from "./place.ts";
import { Ruled } from "./ruled.ts";

const codeOf = (answer: Json): unknown => answer["code"] ?? "ack";

/** Servers on which nicks have accounts that can be removed; "op" is an operator. */
class Registry {
  readonly world: Ruled;
  readonly #accounts = new Map<string, Set<string>>();
  readonly #hosts = new Map<string, AuthHost>();

  constructor(seed: string) {
    this.world = new Ruled(seed);
  }

  #plugins(name: string) {
    const accounts = this.#accounts.get(name) ?? new Set(["ann", "ben", "cat", "op"]);
    this.#accounts.set(name, accounts);
    const accountOf = (nick: string) => {
      const account = nick.toLowerCase();
      return accounts.has(account) ? account : undefined;
    };
    const plugin = definePlugin({
      name: "auth-registry",
      provides: ["auth"],
      setup: ({ host }) => {
        this.#hosts.set(name, host);
        return {
          accountOf,
          onAuth({ nick, credential }) {
            const account = accountOf(nick);
            if (account === undefined) return undefined;
            if (credential.kind !== "password") return deny("log in", "NICK_REGISTERED");
            return allow(account, account === "op" ? ["operator"] : []);
          },
        };
      },
    })();
    return [plugin, authGuest(), this.world.place.hub.plugin()];
  }

  start(name: string): Home {
    return this.world.start(name, { plugins: this.#plugins(name) });
  }

  town(...names: readonly string[]): Home[] {
    const homes = names.map((name) => this.start(name));
    this.world.place.join(...homes);
    return homes;
  }

  /** As an auth plugin does whose operator removes it. */
  remove(name: string, account: string): void {
    this.#accounts.get(name)!.delete(account);
    this.revoke(name, account);
  }

  revoke(name: string, account: string): void {
    this.#hosts.get(name)!.revoked(account);
    this.world.place.rest(200);
  }

  add(name: string, account: string): void {
    this.#accounts.get(name)!.add(account);
  }

  /** By a command on a server that is stopped: its plugins alone are started. */
  removeOffline(name: string, account: string): void {
    const { place } = this.world;
    const home = place.make(name, { plugins: this.#plugins(name) });
    place.world.until(home.server.startPlugins());
    this.#accounts.get(name)!.delete(account);
    this.#hosts.get(name)!.revoked(account);
    place.world.until(home.server.stop("done"));
  }

  enter(home: Home, nick: string, ...rooms: readonly string[]): Peer {
    const peer = this.world.account(home, nick);
    for (const room of rooms) {
      peer.get("join", { room });
      this.world.place.rest(200);
    }
    return peer;
  }

  kill(name: string): void {
    this.world.place.world.crash(name);
    this.world.place.hub.part(name);
    this.world.place.rest(2000);
  }
}

/**
 * ann of Paris has founded #tea, and made ben of Lyon an owner; cat of Lyon has founded #go, and
 * made her a moderator.
 */
function begin(seed: string) {
  const it = new Registry(seed);
  const [paris, lyon] = it.town("paris", "lyon") as [Home, Home];
  const ann = it.enter(paris, "ann", "#tea");
  const ben = it.enter(lyon, "ben", "#tea");
  const cat = it.enter(lyon, "cat", "#go");
  ann.get("join", { room: "#go" });
  it.world.place.rest(200);
  const set = (by: Peer, room: string, key: string, value: unknown = null) =>
    codeOf(it.world.set(by, room, key, value));
  expect(set(ann, "#tea", "role/ben@lyon", "owner")).toBe("ack");
  expect(set(ann, "#tea", "ban/eve@*", {})).toBe("ack");
  expect(set(cat, "#go", "role/ann@paris", "moderator")).toBe("ack");
  it.world.place.rest(200);
  expect(set(ann, "#go", "topic", "by ann")).toBe("ack");
  it.world.place.rest(200);
  return { it, paris, lyon, ann, ben, cat, set };
}

const roleIn = (by: Peer, room: string, address: string): unknown => {
  const { people } = by.get("who", { room }) as { people: readonly Json[] };
  return people.find((one) => one["address"] === address)?.["role"] ?? "none";
};

describe("whoever has the name of a removed account later", () => {
  test("has none of its roles, here or elsewhere, and what it had set stays", () => {
    const { it, paris, ben, cat, set } = begin("anew");
    it.remove("paris", "ann");
    it.add("paris", "ann");
    const anew = it.enter(paris, "ann", "#tea", "#go");
    for (const room of ["#tea", "#go"]) {
      expect(set(anew, room, "topic", "mine")).toBe("NOT_PERMITTED");
      for (const by of [anew, room === "#tea" ? ben : cat])
        expect([room, roleIn(by, room, "ann@paris")]).toEqual([room, "none"]);
    }
    expect(it.world.settings(cat, "#go")).toEqual({ topic: "by ann" });
    expect(it.world.settings(ben, "#tea")).toEqual({
      "ban/eve@*": {},
      "role/ben@lyon": "owner",
    });
    expect(ben.get("room", { room: "#tea" })["founder"]).toBe("ann (removed)@paris");
    // Whom she made an owner is one; and the new one may be given a role of her own.
    expect(set(ben, "#tea", "role/ann@paris", "moderator")).toBe("ack");
    it.world.place.rest(200);
    expect(set(anew, "#tea", "topic", "mine")).toBe("ack");
  });

  test("neither edits nor deletes what it had said", () => {
    const { it, paris, ann, cat } = begin("said");
    const { id } = ann.get("say", { room: "#go", text: "by ann" });
    it.remove("paris", "ann");
    it.add("paris", "ann");
    const anew = it.enter(paris, "ann", "#go");
    const amend = (about: unknown, kind: string) =>
      codeOf(anew.ask("say", { room: "#go", kind, about, text: "mine" }));
    for (const kind of ["edit", "delete"]) expect(amend(id, kind)).toBe("NOT_PERMITTED");
    const own = anew.get("say", { room: "#go", text: "by the new one" });
    expect(amend(own["id"], "edit")).toBe("ack");
    it.world.place.rest(500);
    expect(cat.texts("#go")).toEqual(["by ann", "by the new one", "mine"]);
  });

  test("has none either where it was removed while its server was stopped", () => {
    const { it, lyon, set } = begin("stopped");
    it.kill("paris");
    it.removeOffline("paris", "ann");
    it.add("paris", "ann");
    const paris = it.start("paris");
    it.world.place.join(paris, lyon);
    const anew = it.enter(paris, "ann", "#tea", "#go");
    for (const room of ["#tea", "#go"])
      expect(set(anew, room, "topic", "mine")).toBe("NOT_PERMITTED");
  });

  test("has none that was given to the one before, and was not heard of until later", () => {
    const { it, paris, lyon, cat, set } = begin("apart");
    const { hub } = it.world.place;
    hub.fate = ({ from }) => (from === "lyon" ? "lose" : "pass");
    expect(set(cat, "#go", "role/ann@paris", "owner")).toBe("ack");
    it.remove("paris", "ann");
    it.add("paris", "ann");
    hub.part("paris");
    hub.fate = () => "pass";
    it.world.place.rest(1000);
    it.world.place.join(paris, lyon);
    it.world.place.rest(10_000);
    const anew = it.enter(paris, "ann", "#go");
    expect(set(anew, "#go", "topic", "mine")).toBe("NOT_PERMITTED");
    expect(roleIn(cat, "#go", "ann@paris")).toBe("none");
  });

  test("keeps what it has where only the password is another one", () => {
    const { it, paris, set } = begin("password");
    it.revoke("paris", "ann");
    const again = it.enter(paris, "ann", "#tea");
    expect(set(again, "#tea", "topic", "mine")).toBe("ack");
  });
});

describe("a room whose founder's account was removed", () => {
  test("is run by the operators of its server, who may make somebody an owner", () => {
    const { it, paris, lyon, ben, set } = begin("office");
    const ops = [paris, lyon].map((home) => it.enter(home, "op", "#tea"));
    expect(ops.map((op) => set(op, "#tea", "topic", "early"))).toEqual([
      "NOT_PERMITTED",
      "NOT_PERMITTED",
    ]);
    it.remove("paris", "ann");
    expect(ops.map((op) => set(op, "#tea", "topic", "ours"))).toEqual(["ack", "NOT_PERMITTED"]);
    expect(set(ops[0]!, "#tea", "role/cat@lyon", "owner")).toBe("ack");
    it.world.place.rest(200);
    const cat = it.enter(lyon, "cat", "#tea");
    expect(set(cat, "#tea", "mode/moderated", true)).toBe("ack");
    it.world.place.rest(200);
    expect(it.world.settings(ben, "#tea")).toMatchObject({
      topic: "ours",
      "role/cat@lyon": "owner",
      "mode/moderated": true,
    });
    const shown = it.world.place.command(paris, "room", "#tea").text;
    expect(shown).toStartWith("founded by ann (removed)@paris, ");
    expect(shown).toContain(": this server goes by it");
    const { text } = it.world.place.command(paris, "audit");
    expect(text).toContain("op: set #tea topic ours");
  });

  test("is so after a restart, and without anybody there meanwhile", () => {
    const it = new Registry("alone");
    const paris = it.start("paris");
    it.enter(paris, "ann", "#tea", "&own");
    it.remove("paris", "ann");
    it.kill("paris");
    it.add("paris", "ann");
    const again = it.start("paris");
    const anew = it.enter(again, "ann", "#tea", "&own");
    const op = it.enter(again, "op", "#tea", "&own");
    for (const room of ["#tea", "&own"]) {
      expect(codeOf(it.world.set(anew, room, "topic", "mine"))).toBe("NOT_PERMITTED");
      expect(codeOf(it.world.set(op, room, "topic", "ours"))).toBe("ack");
    }
  });
});

test("that an account was removed is said of it by its server alone", () => {
  const { it, ann, set } = begin("only");
  expect(set(ann, "#tea", "gone/ben", true)).toBe("BAD_REQUEST");
  // There is an account of this name in Lyon as well.
  it.remove("lyon", "ann");
  expect(set(ann, "#go", "topic", "still")).toBe("ack");
});
