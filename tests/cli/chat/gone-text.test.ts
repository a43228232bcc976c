// Who goes, as people are told.

import { expect, test } from "bun:test";
import { createTextWriter } from "../../../src/cli/chat/text.ts";

const write = createTextWriter({ colours: false, self: () => "ann@paris" });

test("who goes from the server has gone in one line, whatever rooms that is told of", () => {
  const left = { event: "presence", who: "bob@lyon", gone: true, reason: "bye" } as const;
  const inRoom = (room: string) => ({ ...left, room, now: "left" as const });
  const inLobby = { ...left, room: "#lobby", now: "offline" as const };
  const came = { event: "presence", who: "bob@lyon", room: "#tea", now: "joined" } as const;
  const cat = { ...inRoom("#tea"), who: "cat@lyon" };
  const shown = [inRoom("#tea"), cat, inRoom("#go"), inLobby, inLobby, inRoom("#tea"), came];
  // In a large lobby nobody is told of it.
  const parted = { event: "presence", who: "bob@lyon", room: "#tea", now: "left" } as const;
  expect([...shown, inRoom("#tea"), parted].map((one) => write(one))).toEqual([
    "-- bob@lyon has gone (bye)",
    "-- cat@lyon has gone (bye)",
    "",
    "",
    "-- bob@lyon has gone (bye)",
    "-- bob@lyon has gone (bye)",
    "-- bob@lyon is in #tea",
    "-- bob@lyon has gone (bye)",
    "-- bob@lyon has left #tea",
  ]);
});

test("that somebody has left is no reason for being gone", () => {
  const gone = { event: "presence", who: "bob@lyon", room: "#lobby", now: "offline" } as const;
  expect(write({ ...gone, reason: "left" })).toBe("-- bob@lyon has gone");
});

test("who is put out of a room is told once which one it was", () => {
  const removed = { event: "removed", room: "#tea", code: "BANNED" } as const;
  expect(write({ ...removed, text: "room #tea: you are banned: spam" })).toBe(
    "-- you are out of #tea: you are banned: spam",
  );
});
