// Putting somebody out of a room who is on another server: the one who was seen there, and nobody
// else who has the nick by the time the word arrives.

import { expect, test } from "bun:test";
import type { Home } from "./place.ts";
import { Ruled } from "./ruled.ts";

const room = "#chat";

test("a kick is not of whoever has taken the nick while it was on its way", () => {
  const world = new Ruled("changed hands");
  const [paris, lyon] = world.town("paris", "lyon") as [Home, Home];
  const ann = world.account(paris, "ann");
  const eve = world.guest(lyon, "eve");
  for (const one of [ann, eve]) {
    one.get("join", { room });
    world.place.rest(200);
  }
  world.place.hub.fate = ({ from }) => (from === "paris" ? 500 : "pass");
  const ref = ann.request("kick", { room, address: "eve@lyon" });
  world.place.rest(50);
  eve.send("bye");
  world.place.rest(50);
  const other = world.guest(lyon, "eve");
  other.get("join", { room });
  world.place.rest(2000);
  expect(ann.answer(ref)?.value["code"]).toBe("NO_SUCH_NICK");
  expect(other.all("removed")).toEqual([]);
  expect(ann.get("kick", { room, address: "eve@lyon" })).toMatchObject({ address: "eve@lyon" });
  world.place.rest(1000);
  expect(other.all("removed")).toMatchObject([{ room, code: "KICKED" }]);
});
