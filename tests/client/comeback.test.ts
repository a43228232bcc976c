// Coming in again: as whom, by which password, and what happens where the server refuses it.

import { describe, expect, test } from "bun:test";
import { connect } from "../../src/client.ts";
import { LIMITS } from "../../src/limits.ts";
import { createNet } from "../../src/net/net.ts";
import { createClock } from "../../src/serve/clock.ts";
import { SIMULATED_PORT } from "../../src/testing/simulation.ts";
import type { World } from "../../src/testing.ts";
import { keepLog, ManualClock } from "../net/parts.ts";
import { enter, startPeer } from "./peer.ts";
import { town } from "./town.ts";

test("who has registered the nick is that account after a restart of the server", () => {
  const { simulation, restart } = town();
  const { client } = simulation.enter("ann@paris");
  const ask = { name: "register", args: ["my secret"] };
  const answer = simulation.world.until(client.request("command", ask));
  expect(answer.data).toEqual({ account: "ann" });
  for (let i = 0; i < 2; i++) {
    restart();
    expect(client.welcome).toMatchObject({ nick: "ann", account: "ann", resumed: false });
  }
});

describe("whose answer to register was lost with the connection", () => {
  /** Asks, and stops as soon as the server has done it: the answer is on its way. */
  function registered() {
    const made = town();
    const { simulation, passwords } = made;
    const { client } = simulation.enter("ann@paris");
    const ends: unknown[] = [];
    client
      .request("command", { name: "register", args: ["my secret"] })
      .catch((thrown: unknown) => ends.push(thrown));
    while (!passwords.has("ann")) simulation.world.run(1);
    return { ...made, client, ends };
  }

  test("is that account after a restart", () => {
    const { client, ends, restart } = registered();
    restart();
    expect(ends).toMatchObject([{ code: "UNCONFIRMED" }]);
    expect(client.welcome).toMatchObject({ nick: "ann", account: "ann", resumed: false });
    restart();
    expect(client.welcome).toMatchObject({ nick: "ann", account: "ann" });
  });

  test("is that account where its session goes on first", () => {
    const { simulation, client, ends, restart } = registered();
    const { world } = simulation;
    world.loseConnections("ann at paris", "paris");
    world.run(60_000);
    expect(ends).toMatchObject([{ code: "UNCONFIRMED" }]);
    expect(client.welcome).toMatchObject({ nick: "ann", account: "ann", resumed: true });
    restart();
    expect(client.welcome).toMatchObject({ nick: "ann", account: "ann", resumed: false });
  });

  test("is told that the nick is registered where it is by another password", () => {
    const { client, ends, passwords, restart } = registered();
    passwords.set("ann", "another's");
    const states: unknown[] = [];
    client.on((event) => {
      if (event.type === "connection" && "failure" in event) states.push(event.failure?.code);
    });
    restart();
    expect([ends.length, states.at(-1)]).toEqual([1, "NICK_REGISTERED"]);
  });
});

/** Ann's client, while another one has her nick. */
function shutOut() {
  const { simulation, passwords } = town();
  const { client } = simulation.enter("ann@paris");
  const states: string[] = [];
  client.on((event) => {
    if (event.type !== "connection") return;
    const why = event.state === "refused" ? ` ${event.failure.code}` : "";
    states.push(`${event.state}${why}`);
  });
  const { world } = simulation;
  simulation.crash("paris");
  world.run(30_000);
  simulation.start("paris");
  const { net, clock, random } = world.environment("elsewhere");
  const server = { host: "paris", port: SIMULATED_PORT };
  const other = world.until(
    connect({ nick: "ann", server, net, clock, random, tls: true, trust: () => true }),
  );
  world.run(60_000);
  return { world, passwords, client, states, other };
}

/** How a promise ends, within a second: long before the next try would come by itself. */
function soon<T>(world: World, promise: Promise<T>): unknown {
  const ends: unknown[] = [];
  promise.then(
    (value) => ends.push(value),
    (thrown: unknown) => ends.push(thrown),
  );
  world.run(1000);
  return ends[0];
}

test("whose nick is taken meanwhile is told so once, and gets in when it is free", () => {
  const { world, client, states, other } = shutOut();
  expect(states).toEqual(["lost", "refused NICK_IN_USE"]);
  world.until(other.close());
  world.run(60_000);
  expect(states).toEqual(["lost", "refused NICK_IN_USE", "back"]);
  expect(client.nick).toBe("ann");
});

test("whose nick is taken gets in at once by another one, with what waited", () => {
  const { world, client, states } = shutOut();
  const said = client.say("#lobby", "at last");
  expect(soon(world, client.rename("anna"))).toEqual({ nick: "anna" });
  expect(states).toEqual(["lost", "refused NICK_IN_USE", "back"]);
  expect(client.address).toBe("anna@paris");
  expect(world.until(said)).toHaveProperty("id");
});

test("another nick that is refused is said to be, and the old one is still tried", () => {
  const { world, passwords, client, other } = shutOut();
  passwords.set("eve", "eves secret");
  expect(soon(world, client.rename("ann"))).toMatchObject({ code: "NICK_IN_USE" });
  expect(soon(world, client.rename("a b"))).toMatchObject({ code: "NICK_INVALID" });
  expect(soon(world, client.rename("eve"))).toMatchObject({ code: "NICK_REGISTERED" });
  expect(soon(world, client.rename("eve", "guess"))).toMatchObject({ code: "AUTH_FAILED" });
  expect(client.nick).toBe("ann");
  world.until(other.close());
  world.run(60_000);
  expect(client.welcome).toMatchObject({ nick: "ann" });
  expect(soon(world, client.rename("eve", "eves secret"))).toEqual({ nick: "eve" });
});

test("who closes while it is dialled again does not come in any more", async () => {
  const real = createNet(createClock(), keepLog());
  const clock = new ManualClock();
  const peer = await startPeer();
  const [dialled, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let dials = 0;
  const net: typeof real = {
    ...real,
    async dial(at, opened) {
      if (++dials > 1) {
        dialled.resolve();
        await gate.promise;
      }
      return real.dial(at, opened);
    },
  };
  const { client, visitor, events } = await enter(peer, { clock, net });
  visitor.close();
  await events.until((event) => event.type === "connection");
  clock.pass(LIMITS.reconnectMsMin);
  await dialled.promise;
  await client.close();
  gate.resolve();
  const again = await peer.visitors.take();
  await again.hello();
  await again.expect("bye");
});
