// Which rooms a client says it is in, whatever comes in between.

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { createNet } from "../../src/net/net.ts";
import { createClock } from "../../src/serve/clock.ts";
import { ManualClock, keepLog } from "../net/parts.ts";
import { enter, type Guest, startPeer, welcomeOf } from "./peer.ts";

const realNet = createNet(createClock(), keepLog());

async function join({ client, visitor }: Guest, room: string): Promise<void> {
  const joining = client.join(room);
  await visitor.answer("join", { room, members: 1 });
  await joining;
}

describe("a client is in a room", () => {
  test("that it left and entered again without waiting", async () => {
    const guest = await enter(await startPeer());
    await join(guest, "#tea");
    const { client, visitor } = guest;
    const all = [client.part("#tea"), client.join("#tea")];
    const [part, again] = [await visitor.expect("part"), await visitor.expect("join")];
    visitor.sendAll(
      ["ack", { ref: part["ref"], room: "#tea" }],
      ["ack", { ref: again["ref"], room: "#tea", members: 1 }],
    );
    await Promise.all(all);
    expect([...client.rooms]).toEqual(["#lobby", "#tea"]);
  });

  test("that it has entered by a request, under the nick that it has taken so", async () => {
    const peer = await startPeer();
    const clock = new ManualClock();
    const { client, visitor, events } = await enter(peer, { clock, net: realNet });
    const joining = client.request("join", { room: "#tea", key: "milk" });
    await visitor.answer("join", { room: "#tea", members: 1 });
    await joining;
    const renaming = client.request("rename", { nick: "zoe" });
    await visitor.answer("rename", { nick: "zoe" });
    await renaming;
    expect([client.nick, ...client.rooms]).toEqual(["zoe", "#lobby", "#tea"]);
    visitor.close();
    await events.until((event) => event.type === "connection");
    clock.pass(LIMITS.reconnectMsMin);
    const again = await peer.visitors.take();
    expect(await again.welcome()).toMatchObject({ nick: "zoe" });
    expect(await again.expect("join")).toMatchObject({ room: "#tea", key: "milk" });
    const parting = client.request("part", { room: "#tea" });
    const { value } = await again.heard.until(({ name }) => name === "part");
    again.send("ack", { ref: value["ref"], room: "#tea" });
    await parting;
    expect([...client.rooms]).toEqual(["#lobby"]);
  });

  test("no more that does not take its new session, and is told why", async () => {
    const peer = await startPeer();
    const clock = new ManualClock();
    const guest = await enter(peer, { clock, net: realNet });
    for (const room of ["#tea", "#milk"]) await join(guest, room);
    const { client, visitor, events } = guest;
    visitor.close();
    await events.until((event) => event.type === "connection");
    const saying = client.say("#milk", "hello");
    clock.pass(LIMITS.reconnectMsMin);
    const again = await peer.visitors.take();
    await again.hello();
    await again.expect("login");
    again.send("welcome", welcomeOf("ann"));
    const [tea, milk] = [await again.expect("join"), await again.expect("join")];
    expect([tea["room"], milk["room"]]).toEqual(["#tea", "#milk"]);
    const said = await again.expect("say");
    again.sendAll(
      ["error", { ref: tea["ref"], code: "BANNED", text: "you are banned" }],
      ["ack", { ref: milk["ref"], room: "#milk", members: 2 }],
      ["ack", { ref: said["ref"], id: "1", at: 1 }],
    );
    await saying;
    expect(await events.take()).toMatchObject({ type: "connection", state: "back" });
    const out = { type: "removed", room: "#tea", code: "BANNED", text: "you are banned" };
    expect(await events.take()).toEqual(out as never);
    expect([...client.rooms]).toEqual(["#lobby", "#milk"]);
  });
});
