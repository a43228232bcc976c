// The one door: what becomes of an account, an address or a nick while somebody is on the way in,
// and how many tries at passwords and at the keys of rooms are looked at.

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { allow, type AuthHost, definePlugin, deny, type GatewayHost } from "../../src/plugin.ts";
import { Peer } from "./peer.ts";
import { type Home, Place, type StartOptions } from "./place.ts";
import { Ruled } from "./ruled.ts";

const minute = 60_000;

function one(seed: string, options: StartOptions = {}) {
  const place = new Place(seed);
  const paris = place.start("paris", options);
  return { place, paris };
}

/** Sends a login, and goes on before it is answered. */
function knock(peer: Peer, nick: string, password?: string): Peer {
  peer.hello();
  peer.send("login", password === undefined ? { nick } : { nick, password });
  return peer;
}

const codeOf = (peer: Peer): unknown => peer.all("error").at(-1)?.["code"] ?? "welcome";

/** Passwords that are right where they are "right"; each takes a while to be compared. */
function slowly(isCoded = true) {
  let host: AuthHost | undefined;
  const plugin = definePlugin({
    name: "auth-slow",
    provides: ["auth"],
    setup(context) {
      ({ host } = context);
      return {
        onAuth: ({ nick, credential }) =>
          credential.kind === "password"
            ? new Promise((done) => {
                const verdict =
                  credential.password === "right"
                    ? allow(nick)
                    : deny("wrong", isCoded ? "AUTH_FAILED" : undefined);
                context.clock.after(50, () => done(verdict));
              })
            : undefined,
      };
    },
  })();
  return { plugin, revoke: (account: string) => host?.revoked(account) };
}

test("an account that is revoked while other plugins think lets nobody in", () => {
  const { plugin, revoke } = slowly();
  const { place, paris } = one("revoked meanwhile", { more: [plugin] });
  // Its password was right; whoever is asked next takes longer.
  const thinking = knock(place.connect(paris, true), "ann", "right");
  place.rest(40);
  revoke("ann");
  place.rest(1000);
  expect(codeOf(thinking)).toBe("AUTH_FAILED");
  expect(paris.server.status()["sessions"]).toBe(0);
});

test("who is banned by address does not come back from there by a token", () => {
  const { place, paris } = one("banned address");
  const net = place.world.environment("198.51.100.1").net;
  const eve = place.dial(net, paris);
  const token = eve.login({ nick: "eve" }).value["resume"];
  const received = eve.received;
  place.command(paris, "ban", "203.0.113.0/24");
  eve.close();
  place.rest(100);
  const from = (host: string) => place.dial(place.world.environment(host).net, paris);
  const resume = { token, received };
  expect(from("203.0.113.7").login({ nick: "eve", resume }).value["code"]).toBe("BANNED");
  expect(from("198.51.100.2").login({ nick: "eve", resume }).value["resumed"]).toBe(true);
});

describe("behind one address", () => {
  const knocking = (place: Place, paris: Home, password: string, count: number) =>
    Array.from({ length: count }, (_, i) =>
      knock(place.connect(paris, true), `pupil${i}x`, password),
    );

  test("a class that comes back at once logs in, all of it", () => {
    const { place, paris } = one("class", { more: [slowly().plugin] });
    const crowd = knocking(place, paris, "right", 2 * LIMITS.loginTriesPerAddressMax);
    place.rest(1000);
    expect(new Set(crowd.map(codeOf))).toEqual(new Set(["welcome"]));
  });

  test("wrong passwords at once are owed: no more are looked at until they are paid for", () => {
    const { place, paris } = one("wrong class", { more: [slowly().plugin] });
    const guesses = 2 * LIMITS.loginTriesPerAddressMax;
    knocking(place, paris, "guess", guesses);
    place.rest(1000);
    const next = () => {
      const peer = knock(place.connect(paris, true), "ann", "right");
      place.rest(1000);
      return codeOf(peer);
    };
    expect(next()).toBe("RATE_LIMITED");
    place.rest(minute - 5000);
    expect(next()).toBe("RATE_LIMITED");
    place.rest(2 * minute);
    expect(next()).toBe("welcome");
  });
});

test("a password is guessed at no more often where the plugin says no code", () => {
  const { place, paris } = one("no code", { more: [slowly(false).plugin] });
  const codes = Array.from({ length: LIMITS.loginTriesPerNickMax + 1 }, () => {
    const peer = knock(place.connect(paris, true), "ann", "guess");
    place.rest(1000);
    return codeOf(peer);
  });
  expect(codes.slice(-2)).toEqual(["AUTH_DENIED", "RATE_LIMITED"]);
});

describe("the key of a room", () => {
  function keyed(seed: string) {
    const world = new Ruled(seed);
    const paris = world.start("paris");
    const ann = world.account(paris, "ann");
    ann.get("join", { room: "#tea" });
    world.set(ann, "#tea", "mode/key", "sesame");
    return { world, paris };
  }

  test("is guessed at as seldom as a password", () => {
    const { world, paris } = keyed("guessed");
    const eve = world.guest(paris, "eve");
    const guess = (key: string) => eve.ask("join", { room: "#tea", key })["code"] ?? "ack";
    const codes = Array.from({ length: LIMITS.loginTriesPerNickMax + 1 }, (_, i) => guess(`${i}`));
    expect(codes.slice(-2)).toEqual(["KEY_WRONG", "RATE_LIMITED"]);
    expect(guess("sesame")).toBe("RATE_LIMITED");
    world.place.rest(minute);
    expect(guess("sesame")).toBe("ack");
  });

  test("lets in all who know it, as often as they come, also at once", () => {
    const { world, paris } = keyed("known");
    const pupils = Array.from({ length: 30 }, (_, i) => world.place.enter(paris, `pupil${i}x`));
    for (let i = 0; i < 3; i++) {
      const refs = pupils.map((peer) => peer.request("join", { room: "#tea", key: "sesame" }));
      world.place.rest(5000);
      expect(pupils.map((peer, k) => peer.answer(refs[k]!)?.name)).toEqual(pupils.map(() => "ack"));
      for (const peer of pupils) peer.get("part", { room: "#tea" });
    }
  });
});

const registrar = definePlugin({
  name: "auth-registrar",
  provides: ["auth"],
  setup: () => ({ onAuth: () => undefined, register: ({ nick }) => allow(nick) }),
});

test("a network registers so many nicks in an hour, from however many addresses", () => {
  const { place } = one("network", { more: [registrar()], tls: true });
  const codes = Array.from({ length: LIMITS.registrationsPerAddressMax + 1 }, (_, i) => {
    const { net } = place.world.environment(`[2001:db8::${i + 1}]`);
    const peer = new Peer(place.world, net, { host: "paris", port: 7331, tls: true });
    peer.login({ nick: `nick${i}x` });
    return peer.ask("command", { name: "register", args: ["secret"] })["code"] ?? "ack";
  });
  expect(codes.slice(-2)).toEqual(["ack", "RATE_LIMITED"]);
});

test("a nick that another auth plugin owns is registered with none", () => {
  const owner = definePlugin({
    name: "auth-owner",
    provides: ["auth"],
    setup: () => ({
      onAuth: ({ nick, credential }) =>
        nick === "ann" && credential.kind === "none"
          ? deny("it is registered", "NICK_REGISTERED")
          : undefined,
    }),
  })();
  let host: GatewayHost | undefined;
  const gateway = definePlugin({
    name: "gateway-early",
    provides: ["gateway"],
    setup(context) {
      ({ host } = context);
      return { gateway: { open: () => [], close() {} } };
    },
  })();
  const { place } = one("owned elsewhere", { more: [owner, registrar(), gateway] });
  const sink = {
    remote: "pipe:1",
    secure: true,
    write: () => 0,
    pause() {},
    resume() {},
    end() {},
  };
  const { connection } = host!.adopt(sink, () => {});
  const register = (nick: string) =>
    place.world.until(host!.register({ nick, password: "mine", connection }));
  expect(register("ann")).toMatchObject({ code: "NICK_REGISTERED" });
  expect(register("ben")).toMatchObject({ account: "ben" });
});

test("of several plugins that keep accounts the operator is warned", () => {
  const keeper = (name: string) =>
    definePlugin({
      name,
      provides: ["auth"],
      setup: () => ({ onAuth: () => undefined, accountOf: () => undefined }),
    })();
  const warnings = (...names: readonly string[]) =>
    new Place(names.join()).make("paris", { more: names.map(keeper) }).server.warnings;
  expect(warnings("auth-one")).toEqual([]);
  expect(warnings("auth-one", "auth-two").join()).toStartWith("plugins auth-one, auth-two: each");
});
