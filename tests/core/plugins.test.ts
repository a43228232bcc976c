// A list of plugins: all that is wrong with it is said at once, and their lives have an order.

import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import authGuest from "../../plugins/auth-guest.ts";
import { checkPlugins, describeFaults } from "../../src/core/plugins.ts";
import { command, definePlugin, parseNick, type Plugin } from "../../src/plugin.ts";
import { MemoryHistory } from "./memory.ts";
import { Place } from "./place.ts";

const fabric = () => new Place("fabric").hub.plugin();
const said = (...plugins: readonly unknown[]) => describeFaults(checkPlugins(plugins)).split("\n");
const named = (name: string, more: object = {}) =>
  ({ ...definePlugin({ name, setup: () => ({}) })(), ...more }) as Plugin;

describe("a list of plugins", () => {
  test("with one of each that is needed has no fault", () => {
    expect(checkPlugins([authGuest(), fabric()])).toEqual([]);
  });
  test("says all that is wrong with it at once", () => {
    const schema = v.strictObject({ port: v.pipe(v.number(), v.maxValue(65_535)) });
    const ported = named("ported", { schema, options: { port: 70_000 } });
    const needy = named("needy", { requires: ["history"] });
    const faults = said(authGuest, ported, needy, needy, fabric(), fabric());
    expect(faults).toEqual([
      'plugins[0]: expected a plugin (did you write authGuest for authGuest()?), got "function"',
      "ported: port: expected <=65535, got 70000",
      'needy: plugins: expected each plugin once, got "needy"',
      'fabric-hub: plugins: expected each plugin once, got "fabric-hub"',
      'plugins: expected a plugin that provides auth, got "none"',
      'plugins: expected exactly one plugin that provides fabric, got "fabric-hub, fabric-hub"',
      'needy: requires: expected a plugin that provides history, got "history"',
      'needy: requires: expected a plugin that provides history, got "history"',
    ]);
  });
  test("with two histories, or options where none are taken, is refused", () => {
    const two = [new MemoryHistory().plugin(), named("other", { provides: ["history"] })];
    const [first, second] = said(authGuest(), fabric(), named("plain", { options: 1 }), ...two);
    expect(first).toBe("plain: options: expected no options, got 1");
    expect(second).toBe('plugins: expected at most one that provides history, got "memory, other"');
  });
});

describe("setting up refuses", () => {
  const start = (plugin: unknown) => () =>
    new Place("setup").start("paris", { more: [plugin as Plugin] });
  test("a part that is none, one that was not declared, and one that is owed", () => {
    expect(start(named("odd", { setup: () => ({ onMesage() {} }) }))).toThrow(
      "plugin odd: onMesage: no such hook or part",
    );
    expect(start(named("sly", { setup: () => ({ history: {} }) }))).toThrow(
      "plugin sly: setup returned history, which is not declared in provides",
    );
    expect(start(named("keen", { setup: () => ({ accountOf: () => "ana" }) }))).toThrow(
      "plugin keen: setup returned accountOf, but auth is not declared in provides",
    );
    expect(start(named("lazy", { provides: ["gateway"] }))).toThrow(
      "plugin lazy: provides gateway, but setup returned no gateway",
    );
  });
  test("commands that nobody could type, read or run, and too many of them", () => {
    const right = command({ about: "x", args: v.tuple([]), run: () => ({ text: "" }) });
    const offers = (commands: object) => start(named("dice", { setup: () => ({ commands }) }));
    const name = "plugin dice: commands: name: expected up to 32 of a-z, 0-9 and -, got ";
    expect(offers({ Roll: right })).toThrow(`${name}"Roll"`);
    expect(offers({ "roll it": right })).toThrow(`${name}"roll it"`);
    expect(offers({ ["r".repeat(33)]: right })).toThrow(name);
    expect(offers({ roll: () => "a 6" })).toThrow("roll: expected what command() makes");
    const line = "expected a line of up to 100 letters";
    expect(offers({ roll: { ...right, about: "one\ntwo" } })).toThrow(`roll: about: ${line}`);
    expect(offers({ roll: { ...right, usage: "X".repeat(101) } })).toThrow(`roll: usage: ${line}`);
    expect(offers({ roll: { ...right, open: "all" } })).toThrow(
      'roll: open: expected "accounts" or "everybody", got "all"',
    );
    const many = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`c${i}`, right]));
    expect(offers(many)).toThrow("expected up to 32 commands, got 33");
  });
  test("a circle of requirements, by name", () => {
    const other = named("knot", { provides: ["history"], requires: ["history"] });
    expect(start(other)).toThrow("in a circle: knot → knot");
  });
});

describe("a command", () => {
  const plugin = definePlugin({
    name: "dice",
    setup: () => ({
      commands: {
        roll: command({
          about: "roll",
          usage: "SIDES",
          role: "player",
          args: v.tuple([v.pipe(v.string(), v.digits())]),
          run: ([sides]) => ({ text: `of ${sides}` }),
        }),
        kick: command({ about: "not this one", args: v.tuple([]), run: () => ({ text: "mine" }) }),
        fails: command({
          about: "fails",
          args: v.tuple([]),
          run: () => {
            throw new Error("oops");
          },
        }),
      },
    }),
  });
  const begin = () => {
    const place = new Place("commands");
    const paris = place.start("paris", { more: [plugin()] });
    const person = { nick: parseNick("ana"), server: paris.server.name, account: undefined };
    const run = (words: string, roles?: readonly string[]) => {
      const caller =
        roles === undefined
          ? ({ by: "console", roles: [] } as const)
          : ({ by: "session", roles, person: { ...person, roles } } as const);
      return place.world.until(paris.server.run(words.split(" "), caller));
    };
    return { place, paris, run };
  };
  test("is parsed, and open to the console and to those with its role", () => {
    const { run } = begin();
    expect(run("roll 6")).toEqual({ text: "of 6" });
    expect(run("roll 6", ["player"])).toEqual({ text: "of 6" });
    expect(run("roll 6", [])).toMatchObject({ code: "NO_SUCH_COMMAND" });
    expect(run("roll six")).toMatchObject({ code: "USAGE" });
    expect(run("kick ana", ["player"])).toMatchObject({ code: "NO_SUCH_COMMAND" });
    expect(run("nonsense")).toMatchObject({ code: "NO_SUCH_COMMAND" });
    expect(run("__proto__")).toMatchObject({ code: "NO_SUCH_COMMAND" });
    expect(run("fails")).toMatchObject({ code: "PLUGIN_FAILED" });
  });
  test("of the core wins over a plugin's of the same name", () => {
    const { place, paris, run } = begin();
    const ana = place.enter(paris, "ana");
    expect(run("kick ana enough")).toMatchObject({ text: "ana@paris was kicked" });
    place.rest(50);
    expect(ana.all("error").at(-1)).toMatchObject({
      code: "KICKED",
      text: "put off paris by the operator: enough",
    });
  });
});
