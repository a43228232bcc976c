// What authors of plugins do wrong, who may write without types: each is told with the plugin's
// name, with where it was and what was expected, and is nobody else's trouble.

import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import authGuest from "../../plugins/auth-guest.ts";
import { checkPlugins, describeFaults } from "../../src/core/plugins.ts";
import { LIMITS } from "../../src/limits.ts";
import { command, type Context, definePlugin, type Plugin } from "../../src/plugin.ts";
import { setUp, startServer } from "../../src/testing.ts";
import { Place } from "./place.ts";

type Setup = (context: Context<undefined, [], []>) => object;

/** A plugin whose parts, and what it says of itself, no types have seen. */
const made = (name: string, setup: Setup, more: object = {}) =>
  ({ ...definePlugin({ name, setup: () => ({}) })(), setup, ...more }) as Plugin;
const errorsOf = (place: Place) =>
  place.world.logged.flatMap(({ level, event, fields }) =>
    level === "error" ? [{ event, ...fields, error: String(fields["error"]).split("\n")[0] }] : [],
  );

describe("a plugin that says of itself", () => {
  const said = (more: object) =>
    describeFaults(
      checkPlugins([authGuest(), new Place("x").hub.plugin(), made("mine", () => ({}), more)]),
    ).split("\n");
  const name = "expected up to 64 of a-z, 0-9, - and _, for it names a folder";
  const schema = (check: () => boolean) => v.pipe(v.any(), v.check(check));

  test.each([
    [{ name: "../../x" }, `../../x: name: ${name}, got "../../x"`],
    [{ name: "My Plugin" }, `My Plugin: name: ${name}, got "My Plugin"`],
    [{ name: "" }, `: name: ${name}, got ""`],
    [{ name: 5 }, `plugins[2].name: ${name}, got 5`],
    [
      { name: "identity" },
      'identity: name: expected another name: this one is the server\'s own, got "identity"',
    ],
    [
      { provides: "gateway" },
      'mine: provides: expected a list of auth, fabric, history, gateway, got "gateway"',
    ],
    [
      { provides: ["gatewya"] },
      'mine: provides.0: expected one of auth, fabric, history, gateway, got "gatewya"',
    ],
    [{ requires: ["auth"] }, 'mine: requires.0: expected one of fabric, history, got "auth"'],
    [
      { schema: { parse: () => 1 } },
      'mine: options: expected a schema of valibot\'s, got "object"',
    ],
    [
      {
        schema: v.pipeAsync(
          v.any(),
          v.checkAsync(async () => true),
        ),
      },
      'mine: options: expected a schema of valibot\'s, got "one that is asynchronous"',
    ],
  ])("%j is refused before it runs", (more, fault) => {
    expect(said(more)).toEqual([fault]);
  });

  test("what it expects of an option in words of its own is told in these", () => {
    const own = v.strictObject({
      ending: v.pipe(v.string(), v.regex(/^[.]/, 'expected an ending such as ".exe"')),
    });
    expect(said({ schema: own, options: { ending: "exe" } })).toEqual([
      'mine: ending: expected an ending such as ".exe", got "exe"',
    ]);
  });

  test("that its options are checked by what throws is told where", () => {
    const throws = schema(() => {
      throw new Error("no such thing");
    });
    const [fault = ""] = said({ schema: throws });
    expect(fault).toMatch(
      /^mine: options: expected a schema that throws nothing, got "Error: no such thing \(.*\)"$/,
    );
  });
});

test.each([
  ["a promise", async () => ({}), "setup returned a promise; expected the parts at once"],
  ["a hook that is none", () => ({ onMessage: "drop" }), "onMessage: expected a function"],
  ["roles that are none", () => ({ roles: "admin" }), "roles: expected a list of texts"],
  ["commands in a list", () => ({ commands: [] }), "commands: expected an object of them by"],
  ["a start that is none", () => ({ start: 5 }), "start: expected a function, got number"],
])("%s in place of parts is refused at the start", (_what, setup, fault) => {
  const place = new Place("parts");
  const start = () => place.start("paris", { more: [made("mine", setup)] });
  expect(start).toThrow(`plugin mine: ${fault}`);
});

test.each([
  ["gateway", { close() {} }, "open"],
  ["history", { append() {} }, "streams"],
])("half a %s is refused at the start", (role, part, missing) => {
  const half = made("half", () => ({ [role]: part }), { provides: [role] });
  const start = () => new Place("half").start("paris", { more: [half] });
  expect(start).toThrow(`plugin half: ${role}: ${missing}: expected a function`);
});

test("a gateway that cannot open is named", () => {
  const open = () => {
    throw new TypeError("no such thing");
  };
  const shut = made("shut", () => ({ gateway: { open, close() {} } }), { provides: ["gateway"] });
  const start = () => new Place("shut").start("paris", { more: [shut] });
  expect(start).toThrow("plugin shut: open threw: TypeError: no such thing");
});

test("what a start waits for is told, however long that takes", () => {
  const place = new Place("slow");
  const slow = made("slow", () => ({ start: () => new Promise(() => {}) }));
  const home = place.make("paris", { more: [slow] });
  home.server.start().catch(() => undefined); // the test ends before
  place.rest(LIMITS.startMsUsual + 100);
  expect(place.world.logged.filter(({ level }) => level === "warn")).toMatchObject([
    { event: "start waits for a plugin", fields: { plugin: "slow", what: "start" } },
  ]);
});

test("a throw in what a plugin runs later is logged with its name, and ends nothing", () => {
  const place = new Place("later");
  const late = made("late", ({ clock }) => ({
    start() {
      clock.after(1000, () => {
        throw new Error("in a timer");
      });
      clock.soon(() => {
        throw new Error("at once");
      });
      const unawaited = (): unknown => Promise.reject(new Error("awaited by nobody"));
      clock.after(2000, unawaited); // as it takes an async function
    },
  }));
  const paris = place.start("paris", { more: [late] });
  place.rest(3000);
  place.enter(paris, "ana");
  const failed = { event: "timer failed", plugin: "late" };
  expect(errorsOf(place)).toMatchObject([
    { ...failed, error: "Error: at once" },
    { ...failed, error: "Error: in a timer" },
    { ...failed, error: "Error: awaited by nobody" },
  ]);
});

test("what holds up the loop is named: a hook, a command, a timer", async () => {
  const hold = () => {
    const end = performance.now() + LIMITS.hookBlockMsMax + 10;
    while (performance.now() < end);
  };
  const busy = made("busy", ({ clock }) => ({
    onCommand: hold,
    commands: {
      hold: command({
        about: "holds up the loop",
        args: v.strictTuple([]),
        run() {
          hold();
          clock.soon(hold);
          return { text: "held" };
        },
      }),
    },
  }));
  await using server = await startServer({ plugins: [busy] });
  await server.run("hold");
  await server.connect("ann"); // the loop has turned by then
  const warned = server.logged.filter(({ level }) => level === "warn");
  expect(warned.map(({ event, fields }) => [event, fields["plugin"]])).toEqual([
    ["hook held up the loop", "busy"],
    ["command held up the loop", "busy"],
    ["timer held up the loop", "busy"],
  ]);
});

test("a gauge that throws is left out of what others have counted", () => {
  const place = new Place("gauge");
  const odd = made("odd", ({ metrics }) => {
    metrics.counter("seen", "what was seen")(3);
    metrics.gauge("size", "how large it is", () => {
      throw new Error("no such thing");
    });
    return {};
  });
  const { server } = place.start("paris", { more: [odd] });
  const status = server.status();
  expect([status["odd.seen"], "odd.size" in status]).toEqual([3, false]);
  expect(errorsOf(place)).toMatchObject([{ event: "gauge failed", gauge: "odd.size" }]);
});

test("a plugin alone under test is refused for what a server refuses it for", async () => {
  const typo = setUp(made("typo", () => ({ onMesage() {} }))).then(() => "", String);
  expect(await typo).toContain("plugin typo: onMesage: no such hook or part");
});

test("two plugins under test have a folder each, as on a server", async () => {
  const folders: (string | undefined)[] = [];
  const keeper = (name: string) =>
    made(name, ({ folder }) => ({ start: () => void folders.push(folder()) }));
  await using server = await startServer({ plugins: [keeper("one"), keeper("two")] });
  expect([new Set(folders).size, server.logged]).toEqual([2, []]);
});
