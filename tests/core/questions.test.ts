// Who asks for many lists at once does not keep others waiting.

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { encodeJson, FRAME } from "../../src/protocol/frame.ts";
import type { Json, Peer } from "./peer.ts";
import { Town } from "./town.ts";

/** Questions in one piece, as one read may bring them, and a text behind them. */
function flood(one: Peer, text: string): void {
  const frames = Array.from({ length: 200 }, (_, i) =>
    i % 2 === 0
      ? encodeJson(FRAME.who, { ref: i + 100 })
      : encodeJson(FRAME.whois, { ref: i + 100, address: "ann@paris" }),
  );
  frames.push(encodeJson(FRAME.say, { ref: 300, room: "#lobby", text }));
  one.raw(Buffer.concat(frames));
}

function town(name: string) {
  const all = new Town(name, ["paris"]);
  const [flo, gus, ann] = [
    all.enter("paris", "flo"),
    all.enter("paris", "gus"),
    all.enter("paris", "ann"),
  ];
  all.place.rest(100);
  const said = () => ann.all("message").map((value: Json) => value["text"]);
  return { place: all.place, flo, gus, ann, said };
}

test("lists that one asks for at once are answered some at a time, all of them, in order", () => {
  const { place, flo, said } = town("many lists");
  const [before, heard] = [flo.chunks, flo.heard.length];
  flood(flo, "behind all of them");
  place.rest(500);
  const answers = flo.heard.slice(heard).filter(({ name }) => name === "ack");
  expect(answers.map(({ value }) => value["ref"])).toEqual(
    Array.from({ length: 201 }, (_, i) => i + 100),
  );
  // A write of the server for each turn; some of them come together.
  expect(flo.chunks - before).toBeGreaterThan(200 / LIMITS.listsPerTurnMax / 2);
  expect(said()).toEqual(["behind all of them"]);
});

test("what stands behind them is said, too, when one leaves at once, or is cut off", () => {
  const { place, flo, gus, said } = town("many lists, and gone");
  flood(flo, "my last words");
  flo.send("bye");
  flood(gus, "mine, too");
  gus.wire.close("cut off");
  place.rest(500);
  expect(new Set(said())).toEqual(new Set(["mine, too", "my last words"]));
});

test("who leaves at once is answered before that", () => {
  const { place, flo } = town("watches, and gone");
  const watches = Array.from({ length: 20 }, () =>
    encodeJson(FRAME.watch, { addresses: ["ann@paris", "gus@paris"] }),
  );
  flo.raw(Buffer.concat([...watches, encodeJson(FRAME.bye, {})]));
  place.rest(500);
  expect(flo.all("watched")).toHaveLength(40);
  expect(flo.heard.at(-1)?.name).toBe("bye");
});
