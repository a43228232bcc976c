// Where goes what is typed without a command, in a simulated world.

import { expect, test } from "bun:test";
import { Place } from "../../core/place.ts";
import { chatterOf, enter } from "./chatters.ts";

/** Ann types at paris; Ben is there as well, in #tea, and Cat at lyon. */
function desk(name: string) {
  const place = new Place(name);
  const { world } = place;
  place.join(place.start("paris"), place.start("lyon"));
  const [ann, ben] = [enter(place, "ann", "paris"), enter(place, "ben", "paris")];
  const cat = enter(place, "cat", "lyon");
  world.until(ben.join("#tea"));
  /** What the others hear. */
  const heard: string[] = [];
  for (const one of [ben, cat])
    one.on((event) => {
      if (event.type !== "message" && event.type !== "private") return;
      const where = event.type === "message" ? event.message.room : event.message.to;
      // All are in the lobby: it is told once.
      if (one === ben || where === one.address)
        heard.push(`${where} ${event.message.kind}: ${event.message.text}`);
    });
  const { chatter, shown } = chatterOf(ann);
  let ref = 0;
  /** Types all these lines at once; returns what they are answered. */
  const type = (...lines: readonly string[]) => {
    const before = shown.length;
    world.until(Promise.all(lines.map((line) => chatter.line(line, ++ref))));
    place.rest(500);
    return shown.slice(before).filter(({ event }) => event !== "message" && event !== "presence");
  };
  return { place, chatter, ben, cat, heard, type };
}

test("a text goes to the lobby, also of one who is in a room, until /talk names that", () => {
  const { chatter, heard, type } = desk("talk");
  type("/join #tea", "one");
  expect(type("/talk #TEA")).toMatchObject([{ event: "ack", talk: "#tea" }]);
  expect(chatter.talk.sign).toBe("#tea");
  type("two", "/me waits", "/talk", "three");
  expect(heard).toEqual([
    "#lobby text: one",
    "#tea text: two",
    "#tea action: waits",
    "#lobby text: three",
  ]);
  expect(chatter.talk.sign).toBe("");
});

test("a text goes to one person, by whatever nick they have", () => {
  const { place, chatter, cat, heard, type } = desk("talk to one");
  expect(type("/talk cat@lyon", "psst", "/me waves")).toMatchObject([
    { event: "ack", talk: "cat@lyon" },
    { event: "ack", outcome: "delivered" },
    { event: "ack", outcome: "delivered" },
  ]);
  place.world.until(cat.rename("kat"));
  place.rest(500);
  expect(chatter.talk.sign).toBe("→ kat@lyon");
  type("still you");
  type("/talk ben", "and you");
  expect(heard).toEqual([
    "cat@lyon text: psst",
    "cat@lyon action: waves",
    "kat@lyon text: still you",
    "ben@paris text: and you",
  ]);
});

test("what was meant for a room or a person is told to nobody else where that fails", () => {
  const { heard, type } = desk("talk in vain");
  expect(type("/talk #tea", "a secret")).toMatchObject([
    { event: "ack", talk: "#tea" },
    { event: "error", code: "NOT_IN_ROOM" },
  ]);
  expect(type("/talk cat", "another", "a third")).toMatchObject([
    { event: "ack", talk: "cat@paris" },
    { event: "error", code: "NO_SUCH_NICK" },
    { event: "error", code: "NO_SUCH_NICK" },
  ]);
  expect(heard).toEqual([]);
});

test("who leaves the room that he talks in talks to the lobby again", () => {
  const { chatter, heard, type } = desk("talk and leave");
  type("/join #tea", "/talk #tea", "/part #TEA", "hello all");
  expect(chatter.talk.sign).toBe("");
  expect(heard).toEqual(["#lobby text: hello all"]);
});

test("where one talks are those whom /who shows, and the past", () => {
  const { type } = desk("talk here");
  type("/join #tea", "/talk #tea");
  expect(type("/who")).toMatchObject([{ event: "who", room: "#tea", total: 2 }]);
  expect(type("/history")).toMatchObject([{ event: "error", code: "NO_HISTORY" }]);
  type("/talk cat@lyon");
  expect(type("/who")).toMatchObject([{ event: "who", room: "#lobby", total: 3 }]);
});

test("a notice is said in a room or told to a person", () => {
  const { heard, type } = desk("notices");
  type("/notice #lobby I am a bot");
  type("/notice ben so am I");
  expect(heard).toEqual(["#lobby notice: I am a bot", "ben@paris notice: so am I"]);
  expect(type("/notice #lobby")).toMatchObject([{ event: "error", code: "USAGE" }]);
});
