// A history that fails, or does not answer: it is named, and whoever asked is told.

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { definePlugin, type Plugin } from "../../src/plugin.ts";
import { Place } from "./place.ts";

/** A plugin whose parts no types have seen. */
const made = (provides: "auth" | "history", parts: object) =>
  ({
    ...definePlugin({ name: "mine", setup: () => ({}) })(),
    provides: [provides],
    setup: () => parts,
  }) as Plugin;
/** What was logged as an error, without stacks. */
const errorsOf = (place: Place) =>
  place.world.logged.flatMap(({ level, event, fields }) =>
    level === "error" ? [{ event, ...fields, error: String(fields["error"]).split("\n")[0] }] : [],
  );

const raise = (thrown: Error): never => {
  throw thrown;
};

describe("a history", () => {
  const fine = {
    streams: () => [],
    append() {},
    range: () => [],
    backlog: () => [],
    onward: () => [],
    since: () => [],
    search: () => ({ messages: [] }),
    redact() {},
  };
  const asked = (more: object, ms = 100) => {
    const place = new Place("history");
    const history = { ...fine, ...more };
    const mine = made("history", { history });
    const ana = place.enter(place.start("paris", { more: [mine] }), "ana");
    const said = ana.request("say", { room: "#lobby", text: "x" });
    const read = ana.request("history", { room: "#lobby", limit: 5 });
    place.rest(ms);
    const of = (ref: number) => ana.answer(ref)?.value;
    return { said: of(said), read: of(read), place, errors: errorsOf(place) };
  };
  const oops = new Error("no such thing");

  test.each([
    ["throws", () => raise(oops), "no such thing"],
    ["rejects", () => Promise.reject(oops), "no such thing"],
    ["gives no list", () => undefined, "expected a list, got undefined"],
    ["does not answer", () => new Promise(() => {}), "no answer within 60000 ms"],
  ])("that %s when it is read is named, and what it is", (_how, backlog, error) => {
    const { read, errors } = asked({ backlog }, LIMITS.historyReadMsMax + 100);
    const text = "the plugin mine failed in its history; it has been logged";
    expect(read).toMatchObject({ code: "PLUGIN_FAILED", text });
    const logged = { event: "history failed", plugin: "mine", method: "backlog" };
    expect(errors).toMatchObject([{ ...logged, error: `Error: ${error}` }]);
  });

  test("that finds no messages, or none in a list, is named", () => {
    const { place, errors } = asked({ search: () => [{ id: "1" }] });
    const bob = place.enter(place.homes.get("paris")!, "bob");
    const ref = bob.request("search", { text: "x" });
    place.rest(100);
    expect(errors).toEqual([]);
    expect(bob.answer(ref)?.value).toMatchObject({ code: "PLUGIN_FAILED" });
    expect(errorsOf(place)).toMatchObject([
      {
        event: "history failed",
        method: "search",
        error: "Error: expected messages in a list, got object",
      },
    ]);
  });

  test("that cannot write is named", () => {
    const { said, errors } = asked({ append: () => raise(oops) });
    expect(said).toMatchObject({ code: "INTERNAL" });
    expect(errors).toMatchObject([
      { event: "history failed", plugin: "mine", method: "append" },
      { event: "log failed" },
    ]);
  });

  test("that does not come to an end of writing is named, while its messages wait", () => {
    const append = () => new Promise(() => {});
    const { said, place } = asked({ append }, LIMITS.historyWriteMsUsual + 100);
    expect(said).toBeUndefined();
    expect(place.world.logged.filter(({ level }) => level === "warn")).toMatchObject([
      { event: "history is slow to write", fields: { plugin: "mine", method: "append" } },
    ]);
  });
});
