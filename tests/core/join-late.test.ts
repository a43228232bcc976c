// Who is about to enter a room, while a plugin takes its time to judge that.

import { expect, test } from "bun:test";
import { hooked } from "./place.ts";
import { Ruled } from "./ruled.ts";

test("who is banned, or too late for the last place, meanwhile does not come in", () => {
  const world = new Ruled("late");
  const waiting: ((none: undefined) => void)[] = [];
  const onJoin = (offer: { readonly person: { readonly nick: string } }) =>
    offer.person.nick === "ann" ? undefined : new Promise<undefined>((go) => void waiting.push(go));
  const paris = world.start("paris", { more: [hooked("slow", { onJoin })] });
  const ann = world.account(paris, "ann");
  ann.get("join", { room: "#tea" });
  world.set(ann, "#tea", "mode/limit", 2);
  const late = ["eve", "ben", "cat"].map((nick) => world.guest(paris, nick));
  for (const one of late) one.send("join", { room: "#tea", ref: 1 });
  world.place.rest(100);
  world.set(ann, "#tea", "ban/eve@paris", {});
  for (const go of waiting) go(undefined);
  world.place.rest(100);
  const answers = late.map(
    (one) => one.heard.find(({ value }) => value["ref"] === 1)?.value["code"],
  );
  expect(answers[0]).toBe("BANNED");
  expect(new Set(answers)).toEqual(new Set(["BANNED", "ROOM_FULL", undefined]));
  expect(ann.get("who", { room: "#tea" })["people"]).toHaveLength(2);
});
