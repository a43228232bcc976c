// Coming in again: as whom, by which password, and what happens where the server refuses it.

import { expect, test } from "bun:test";
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
