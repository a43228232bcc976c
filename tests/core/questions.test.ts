// Who asks for many lists at once does not keep others waiting.

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { Town } from "./town.ts";

test("lists that one asks for at once are answered some at a time, all of them, in order", () => {
  const town = new Town("many lists", ["paris"]);
  const [flo, ann] = [town.enter("paris", "flo"), town.enter("paris", "ann")];
  town.place.rest(100);
  const [before, heard] = [flo.chunks, flo.heard.length];
  const asked = Array.from({ length: 200 }, (_, i) =>
    i % 2 === 0 ? flo.request("who", {}) : flo.request("whois", { address: "ann@paris" }),
  );
  const last = flo.request("tell", { to: "ann@paris", text: "behind all of them" });
  town.place.rest(500);
  const answers = flo.heard.slice(heard).filter(({ name }) => name === "ack");
  expect(answers.map(({ value }) => value["ref"])).toEqual([...asked, last]);
  // A write of the server for each turn; some of them come together.
  const turns = asked.length / LIMITS.questionsPerTurnMax;
  expect(flo.chunks - before).toBeGreaterThan(turns / 2);
  expect(ann.heard.at(-1)?.value["text"]).toBe("behind all of them");
});
