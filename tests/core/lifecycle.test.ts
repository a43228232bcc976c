// A server's beginning and its end, and the bounds of those who knock at its one port.

import { describe, expect, test } from "bun:test";
import { ChatFusionError } from "../../src/errors.ts";
import { LIMITS } from "../../src/limits.ts";
import { definePlugin } from "../../src/plugin.ts";
import { MemoryHistory } from "./memory.ts";
import type { Peer } from "./peer.ts";
import { Place } from "./place.ts";

const gateway = (log: string[]) =>
  definePlugin({
    name: "gateway",
    provides: ["gateway"],
    setup: () => ({
      gateway: {
        open: () => {
          log.push("opened");
          return [];
        },
        close: () => void log.push("closed"),
      },
      stop: () => void log.push("gateway stopped"),
    }),
  })();
const plain = (name: string, log: string[]) =>
  definePlugin({
    name,
    setup: () => ({
      start: () => void log.push(`${name} started`),
      stop: () => void log.push(`${name} stopped`),
    }),
  })();

test.each(["setup", "start"])(
  "a fault in a plugin's %s is told with its name and place",
  (where) => {
    const fault = (here: string) => {
      if (here === where) throw new TypeError("no such thing");
    };
    const bad = definePlugin({
      name: "bad",
      setup() {
        fault("setup");
        return { start: () => fault("start") };
      },
    })();
    const place = new Place(`fault in ${where}`);
    expect(() => place.start("paris", { more: [bad] })).toThrow(
      new RegExp(
        `plugin bad: ${where} threw: TypeError: no such thing \\(/.*lifecycle\\.test\\.ts:\\d+\\)$`,
      ),
    );
  },
);

test("where one gateway cannot open, those that did are closed again", () => {
  const place = new Place("no door");
  const log: string[] = [];
  const shut = definePlugin({
    name: "shut",
    provides: ["gateway"],
    setup: () => ({
      gateway: {
        open() {
          throw new ChatFusionError("CANNOT_LISTEN", "another program listens there already");
        },
        close: () => void log.push("shut closed"),
      },
    }),
  })();
  expect(() => place.start("paris", { more: [gateway(log), shut] })).toThrow("another program");
  expect(log).toEqual(["opened", "closed", "shut closed", "gateway stopped"]);
});

test("a stop closes gateways, acknowledges what is logged, tells all, stops in reverse", () => {
  const place = new Place("stop");
  const history = new MemoryHistory();
  const log: string[] = [];
  const more = [history.plugin(), plain("first", log), gateway(log), plain("last", log)];
  const paris = place.start("paris", { more });
  const ana = place.enter(paris, "ana");
  const held = history.hold();
  const refs = ["one", "two"].map((text) => ana.request("say", { room: "#lobby", text }));
  place.rest(50);
  const stopping = paris.server.stop("maintenance");
  place.rest(50);
  held.release();
  place.rest(50);
  held.release();
  place.world.until(stopping);
  place.rest(50);
  expect(refs.map((ref) => ana.answer(ref)?.name)).toEqual(["ack", "ack"]);
  expect(ana.heard.at(-1)).toMatchObject({
    name: "error",
    value: { code: "SERVER_STOPPING", text: "maintenance" },
  });
  expect(log).toEqual([
    "first started",
    "last started",
    "opened",
    "closed",
    "last stopped",
    "gateway stopped",
    "first stopped",
  ]);
  expect(paris.events.at(-1)).toEqual({ event: "stopped", reason: "maintenance" });
});

test("a stop leaves no timer and no connection, whoever was there", () => {
  const place = new Place("nothing left");
  const [paris, lyon] = [place.start("paris"), place.start("lyon")];
  const ana = place.enter(paris, "ana");
  place.enter(lyon, "bob");
  place.join(paris, lyon);
  place.connect(paris);
  place.enter(paris, "lost").close();
  place.hub.fate = () => "lose";
  ana.send("tell", { to: "bob@lyon", text: "x" });
  ana.send("offer", { to: "bob@lyon", name: "x", size: 1 });
  ana.send("say", { room: "#lobby", text: "x" });
  place.world.run(20);
  for (const home of [paris, lyon]) place.stop(home);
  place.rest(5000);
  const quiet = place.world.digest();
  place.world.run(60 * 60_000);
  expect([place.world.digest(), place.world.connections]).toEqual([quiet, 0]);
});

test("a stop goes on past plugins that do not end, or fail, and says so", () => {
  const place = new Place("stuck at the end");
  const log: string[] = [];
  const never = () => new Promise<void>(() => {});
  const stuck = definePlugin({
    name: "stuck",
    provides: ["gateway"],
    setup: () => ({ gateway: { open: () => [], close: never }, stop: never }),
  })();
  const broken = definePlugin({
    name: "broken",
    setup: () => ({
      stop() {
        throw new Error("it fell apart");
      },
    }),
  })();
  const paris = place.start("paris", { more: [plain("calm", log), stuck, broken] });
  const ana = place.enter(paris, "ana");
  const began = place.world.now;
  place.stop(paris);
  expect(place.world.now - began).toBeLessThanOrEqual(2 * LIMITS.stopMsMax + 1000);
  expect(ana.all("error")).toMatchObject([{ code: "SERVER_STOPPING" }]);
  expect(log).toEqual(["calm started", "calm stopped"]);
  const told = place.world.logged.filter(({ event }) => event.startsWith("stop "));
  expect(told.map(({ event, fields }) => [event, fields["what"]])).toEqual([
    ["stop went on without", "stuck"],
    ["stop failed", "broken"],
    ["stop went on without", "stuck"],
  ]);
});

test("a stop during the start is heeded: nothing is opened any more", () => {
  const place = new Place("stop in start");
  const log: string[] = [];
  let go = () => {};
  const late = definePlugin({
    name: "late",
    setup: () => ({ start: () => new Promise<void>((resolve) => (go = resolve)) }),
  })();
  const paris = place.make("paris", { more: [late, gateway(log)] });
  const starting = paris.server.start();
  starting.catch(() => undefined);
  place.rest(10);
  const stopping = paris.server.stop("never mind");
  place.rest(10);
  go();
  expect(() => place.world.until(starting)).toThrow("it is to stop again");
  place.world.until(stopping);
  expect(log).not.toContain("opened");
});

describe("a stranger", () => {
  test("who does not log in is sent away in time, however busy", () => {
    const place = new Place("handshake");
    const peer = place.connect(place.start("paris"));
    peer.hello();
    for (let ms = 0; ms < LIMITS.handshakeMsMax + 1000 && peer.closed === undefined; ms += 500) {
      peer.send("ping");
      place.world.run(500);
    }
    expect(peer.all("error").at(-1)?.["code"]).toBe("HANDSHAKE_TIMEOUT");
  });

  test("has so many connections from one address; those who entered don't count", () => {
    const place = new Place("per address");
    const paris = place.start("paris");
    const net = place.world.environment("crowd").net;
    const dial = () => place.dial(net, paris);
    const peers = Array.from({ length: LIMITS.strangersPerAddressMax }, dial);
    place.rest(50);
    const refused = dial();
    place.rest(50);
    expect(refused.all("error").at(-1)?.["code"]).toBe("TOO_MANY_CONNECTIONS");
    peers[0]!.login({ nick: "ana" });
    const taken = dial();
    place.rest(50);
    expect(taken.closed).toBeUndefined();
  });

  test("who has waited longest makes room for the next ones, one for each", () => {
    const place = new Place("crowd");
    const paris = place.start("paris");
    const hosts = Math.ceil(LIMITS.strangersMax / LIMITS.strangersPerAddressMax);
    const nets = Array.from(
      { length: hosts + 1 },
      (_, i) => place.world.environment(`crowd${i}`).net,
    );
    const peers = Array.from({ length: LIMITS.strangersMax + 5 }, (_, i) =>
      place.dial(nets[Math.floor(i / LIMITS.strangersPerAddressMax)]!, paris),
    );
    place.rest(20);
    expect(paris.server.status()["strangers"]).toBe(LIMITS.strangersMax);
    const evicted = peers.map((peer) => peer.all("error").length);
    expect(evicted.indexOf(0)).toBe(5);
    expect(evicted.slice(5).every((count) => count === 0)).toBe(true);
  });
});

describe("a client that is silent", () => {
  test("is asked, and stays while it answers", () => {
    const place = new Place("idle");
    const ana = place.enter(place.start("paris"), "ana");
    place.rest(10 * LIMITS.idleMsMax);
    expect(ana.closed).toBeUndefined();
    expect(ana.all("ping").length).toBeGreaterThan(5);
  });

  test("and answers has what was sent before: nothing of it is kept for a resume", () => {
    const place = new Place("arrived");
    const paris = place.start("paris");
    const [ana, eve] = [place.enter(paris, "ana"), place.enter(paris, "eve")];
    const bob = place.enter(paris, "bob");
    bob.get("say", { room: "#lobby", text: "hello" });
    place.rest(LIMITS.idleMsMax + 1000);
    bob.get("say", { room: "#lobby", text: "are you there?" });
    for (const client of ["client1", "client2"]) place.world.cut("paris", client, "silent");
    place.rest(LIMITS.idleMsMax + LIMITS.pongMsMax + 5000);
    const resume = (lost: Peer, nick: string, received: number) => {
      const token = String(lost.all("welcome")[0]?.["resume"]);
      return place.connect(paris).login({ nick, resume: { token, received } }).value;
    };
    expect(resume(ana, "ana", ana.received)["resumed"]).toBe(true);
    expect(resume(eve, "eve", 0)["code"]).toBe("RESUME_FAILED");
  });

  test("and does not answer loses its connection, not its session", () => {
    const place = new Place("dead");
    const paris = place.start("paris");
    const ana = place.enter(paris, "ana");
    place.world.cut("paris", "client1", "silent");
    place.rest(LIMITS.idleMsMax + LIMITS.pongMsMax + 5000);
    expect(paris.server.status()).toMatchObject({ connections: 0, sessions: 1 });
    const token = String(ana.all("welcome")[0]?.["resume"]);
    const next = place.connect(paris);
    const { value } = next.login({ nick: "ana", resume: { token, received: 0 } });
    expect(value["resumed"]).toBe(true);
    place.rest(LIMITS.resumeMsMax * 2);
    expect(next.closed).toBeUndefined();
  });
});
