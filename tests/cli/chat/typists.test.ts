// The line that says who is writing.

import { expect, test } from "bun:test";
import { Typists } from "../../../src/cli/chat/typists.ts";
import type { RoomName } from "../../../src/names.ts";

const self = "ann@paris";
const typing = (who: string) => ({ event: "typing", who, room: "#lobby" }) as const;
const said = (from: string) =>
  ({
    event: "message",
    id: "1",
    from,
    room: "#lobby" as RoomName,
    kind: "text",
    text: "hi",
    at: 0,
  }) as const;

test("names the last ones who write, and nobody who has said it, or sits here", () => {
  let changes = 0;
  const typists = new Typists(() => (changes += 1));
  const lines = ["bob@lyon", self, "cat@lyon", "dan@lyon", "eve\u001b@lyon"].map((who) => {
    typists.take(typing(who), self);
    return typists.line;
  });
  expect(lines).toEqual([
    "bob@lyon is writing",
    "bob@lyon is writing",
    "cat@lyon and bob@lyon are writing",
    "dan@lyon, cat@lyon and bob@lyon are writing",
    "eve␛@lyon, dan@lyon, cat@lyon and 1 more are writing",
  ]);
  expect(changes).toBe(4);
  for (const from of ["cat@lyon", "dan@lyon", "eve\u001b@lyon"]) typists.take(said(from), self);
  expect(typists.line).toBe("bob@lyon is writing");
  typists.close();
});

test("says where they write, where that is not the lobby", () => {
  const typists = new Typists(() => {});
  typists.take({ ...typing("bob@lyon"), room: "#den" }, self);
  typists.take({ event: "typing", who: "cat@lyon" }, self);
  expect(typists.line).toBe("cat@lyon (to you) and bob@lyon (#den) are writing");
  typists.close();
});

test("others are told once in a while, however much is typed", () => {
  const typists = new Typists(() => {});
  expect([typists.isDue(), typists.isDue(), typists.isDue()]).toEqual([true, false, false]);
});
