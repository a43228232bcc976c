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
    return shown.slice(before).filter((one) => "ref" in one);
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
  for (const name of ["#tea", "#no room", "cat", "cat@nowhere", "@"])
    for (const answer of type(`/talk ${name.split(" ")[0]}`, "a secret", "/me has another"))
      expect(answer.event).toBe("error");
  expect(heard).toEqual([]);
  const meant = "cat@paris: nobody is there under this nick (did you mean cat@lyon?)";
  expect(type("/talk cat")).toMatchObject([{ event: "error", text: meant }]);
  // To leave a room that one is not in leaves one where one is.
  type("/talk #tea", "/part #tea", "a secret");
  expect(heard).toEqual([]);
});

test("a room and a person are named as they are written, whatever was typed", () => {
  const { chatter, type } = desk("talk, written otherwise");
  expect(type("/join #TEA", "/talk #tEA").at(-1)).toMatchObject({ talk: "#tea" });
  expect(type("/talk BEN")).toMatchObject([{ talk: "ben@paris" }]);
  expect(chatter.talk.sign).toBe("→ ben@paris");
});

test("who leaves the room that he talks in talks to the lobby again", () => {
  const { chatter, heard, type } = desk("talk and leave");
  type("/join #tea", "/talk #tea");
  expect(type("/part #TEA", "not yet")).toMatchObject([
    { event: "ack", room: "#tea", talk: "#lobby" },
    { event: "error", code: "NOT_IN_ROOM" },
  ]);
  type("hello all");
  expect(chatter.talk.sign).toBe("");
  expect(heard).toEqual(["#lobby text: hello all"]);
});

test("one who was out of sight is told nothing more before that is said", () => {
  const { place, cat, heard, type } = desk("talk to a stranger");
  type("/talk cat@lyon", "one");
  place.world.until(cat.close());
  place.rest(500);
  const other = enter(place, "cat", "lyon");
  other.on((event) => {
    if (event.type === "private") heard.push(`a stranger: ${event.message.text}`);
  });
  place.rest(500);
  const refused = { event: "error", code: "NO_SUCH_NICK" };
  expect(type("two", "/me waits")).toMatchObject([refused, refused]);
  type("/talk cat@lyon", "three");
  expect(heard).toEqual(["cat@lyon text: one", "a stranger: three"]);
  place.hub.part("lyon");
  place.rest(500);
  place.hub.join("paris", "lyon");
  place.rest(500);
  expect(type("four")).toMatchObject([refused]);
});

test("what one answers, changes and deletes by its place is of where one talks", () => {
  const { place, ben, cat, heard, type } = desk("talk and answer");
  type("/join #tea", "mine for all", "/talk #tea", "mine for few");
  place.world.until(ben.say("#tea", "tea?"));
  place.world.until(ben.say("#lobby", "all?"));
  place.world.until(cat.tell("ann@paris", "me?"));
  place.rest(500);
  heard.length = 0;
  type("/reply ^ yes", "/reply ben yes again", "/edit ^ yes!");
  expect(heard).toEqual(["#tea text: yes", "#tea text: yes again", "#tea edit: yes!"]);
  heard.length = 0;
  type("/talk cat@lyon", "/reply ^ I am here");
  expect(heard).toEqual(["cat@lyon text: I am here"]);
  type("/talk ben");
  expect(type("/reply ^ what?")).toMatchObject([
    { event: "error", text: "message ^: no such message of others in ben@paris was shown here" },
  ]);
  // In the lobby all count, as ever: who answers there has seen whom.
  heard.length = 0;
  type("/talk", "/reply ^ bye");
  expect(heard).toEqual(["cat@lyon text: bye"]);
});

test("where one talks in a room, commands mean that one", () => {
  const { chatter, type } = desk("talk and set");
  type("/join #own", "/talk #own");
  expect(type("/room")).toMatchObject([{ event: "room", room: "#own" }]);
  expect(type("/part")).toMatchObject([{ event: "ack", room: "#own", talk: "#lobby" }]);
  expect(chatter.talk.sign).toBe("");
  expect(type("/part")).toMatchObject([{ event: "error", code: "USAGE" }]);
});

test("/say is for rooms and /msg for people, and each names the other", () => {
  const { type } = desk("say and msg");
  const usage = (text: string) => [{ event: "error", code: "USAGE", text }];
  expect(type("/msg #tea hi")).toMatchObject(
    usage('/msg: expected NICK@SERVER, got "#tea"; to a room: /say #tea TEXT'),
  );
  expect(type("/say ben hi")).toMatchObject(
    usage('/say: expected #ROOM, got "ben"; to a person: /msg ben TEXT'),
  );
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
