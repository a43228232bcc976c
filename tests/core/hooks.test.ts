// The compiled hooks: order, verdicts, faults and deadlines of each kind.

import { describe, expect, test } from "bun:test";
import { compileHooks } from "../../src/core/hooks.ts";
import { LIMITS } from "../../src/limits.ts";
import { allow, deny, drop, type Hooks } from "../../src/plugin.ts";
import { createWorld } from "../../src/testing.ts";

function compile(...list: readonly Partial<Hooks>[]) {
  const world = createWorld({ seed: "hooks" });
  const { clock, log } = world.environment("paris");
  const sources = list.map((hooks, i) => ({ plugin: `p${i}`, hooks }));
  return { world, hooks: compileHooks(sources, clock, log) };
}
const request = {
  nick: "ana" as never,
  why: "enter",
  credential: { kind: "none" },
  remote: "h:1",
  door: "native",
} as const;
const message = {
  id: "1",
  from: { nick: "ana", server: "paris", account: undefined, roles: [] } as never,
  room: "#r" as never,
  kind: "text",
  text: "a",
  at: 1,
} as const;
const file = { transfer: "", from: "", to: "", name: "", sizeBytes: 0, mediaType: "" };
const join = { person: message.from, room: message.room, members: 0 };
const run = { caller: { by: "console", roles: [] }, name: "roll", words: ["6"] } as const;
const merge = { by: "us", server: "x", sid: "y", remote: "", fusion: [] } as never;

test("a message of a kind that there is not is the plugin's fault, and is not sent", async () => {
  const shout = { onMessage: (one: typeof message) => ({ ...one, kind: "shout" as never }) };
  expect(await compile(shout).hooks.message(message)).toMatchObject({ code: "PLUGIN_FAILED" });
});

describe("consent", () => {
  test("is the first allow, unless anybody denies, in whatever order", () => {
    const guest = { onAuth: () => allow() };
    const account = { onAuth: () => allow("ana", ["admin"]) };
    const no = { onAuth: () => deny("no", "NICK_REGISTERED") };
    expect(compile({}, account, guest).hooks.auth(request)).toMatchObject({ account: "ana" });
    for (const list of [
      [guest, no],
      [no, guest],
    ])
      expect(compile(...list).hooks.auth(request)).toEqual({ code: "NICK_REGISTERED", text: "no" });
  });
  test("of nobody is a denial", () => {
    expect(compile({ onAuth: () => undefined }).hooks.auth(request)).toMatchObject({
      code: "AUTH_DENIED",
    });
  });
});

describe("a message", () => {
  test("is handed on from plugin to plugin, at once while no promise comes", () => {
    const shout = (mark: string) => ({
      onMessage: (one: typeof message) => ({ ...one, text: one.text + mark, id: "forged" }),
    });
    const { hooks } = compile(shout("!"), {}, shout("?"));
    expect(hooks.message(message)).toMatchObject({ text: "a!?", id: "1" });
  });
  test("that is dropped goes no further", () => {
    const seen: string[] = [];
    const { hooks } = compile(
      { onMessage: () => drop("spam") },
      { onMessage: ({ text }) => void seen.push(text) },
    );
    expect(hooks.message(message)).toEqual({ code: "DROPPED", text: "spam" });
    expect(seen).toEqual([]);
  });
  test("waits for promises, in order", () => {
    const late = { onMessage: async (one: typeof message) => ({ ...one, text: `${one.text}1` }) };
    const { world, hooks } = compile(late, {
      onMessage: (one) => ({ ...one, text: `${one.text}2` }),
    });
    expect(world.until(Promise.resolve(hooks.message(message)))).toMatchObject({ text: "a12" });
  });
});

describe("a veto", () => {
  test("is the first denial, by the code of what is denied", () => {
    const later: string[] = [];
    const { hooks } = compile(
      {},
      { onJoin: () => deny("full"), onCommand: () => deny("not now"), onTell: () => deny("shy") },
      { onJoin: () => void later.push("onJoin"), onCommand: () => void later.push("onCommand") },
    );
    expect(hooks.join(join)).toEqual({ code: "JOIN_DENIED", text: "full" });
    expect(hooks.command(run)).toEqual({ code: "COMMAND_DENIED", text: "not now" });
    expect(later).toEqual([]);
  });
  test("that nobody speaks is none, at once", () => {
    const { hooks } = compile({}, { onJoin: () => undefined });
    expect([hooks.join(join), hooks.command(run)]).toEqual([undefined, undefined]);
  });
});

test("a reason is cut where it would not fit into a line", () => {
  const { reasonBytesMax } = LIMITS;
  const why = "é".repeat(reasonBytesMax);
  const { hooks } = compile({ onFile: () => deny(why), onMessage: () => drop(`${why}!`) });
  const text = `${"é".repeat(reasonBytesMax / 2 - 2)}…`;
  expect(hooks.file(file)).toEqual({ code: "FILE_DENIED", text });
  expect(hooks.message(message)).toEqual({ code: "DROPPED", text });
});

test("the order tells of each hook the plugins that are asked, in the order of the config", () => {
  const nothing = () => undefined;
  const { hooks } = compile(
    { onCommand: nothing, onLogged: nothing },
    { onAuth: nothing, onJoin: nothing },
    { onJoin: nothing, onCommand: nothing },
  );
  expect(hooks.order).toEqual([
    { hook: "onAuth", plugins: ["p1"] },
    { hook: "onJoin", plugins: ["p1", "p2"] },
    { hook: "onCommand", plugins: ["p0", "p2"] },
    { hook: "onLogged", plugins: ["p0"] },
  ]);
});

describe("a verdict that is not whole is the plugin's fault:", () => {
  const denial = (more: object) => ({ verdict: "deny", ...more }) as never;
  const consent = (more: object) => ({ verdict: "allow", roles: [], ...more }) as never;
  const said = (more: object) => (one: typeof message) => ({ ...one, ...more }) as never;
  test.each<[string, Partial<Hooks>, string]>([
    ["a refusal without a reason", { onAuth: () => denial({}) }, "deny: reason: Invalid key"],
    [
      "a code that there is not",
      { onAuth: () => denial({ reason: "", code: "X" }) },
      "deny: code:",
    ],
    ["roles in one text", { onAuth: () => consent({ roles: "operators" }) }, "allow: roles:"],
    [
      "an account that is no name",
      { onAuth: () => consent({ account: "cn=ana, dc=example" }) },
      "allow: account: expected a name like a nick",
    ],
    ["true", { onAuth: () => true as never }, "expected allow(account), deny(reason) or undef"],
    ["a join without a reason", { onJoin: () => denial({}) }, "deny: reason: Invalid key"],
    ["a join that is dropped", { onJoin: () => drop("no") as never }, "undefined, got drop(…)"],
    ["a message of false", { onMessage: () => false as never }, "drop(reason) or undefined, got f"],
    [
      "an empty text",
      { onMessage: said({ text: "" }) },
      "made of a message: text: expected a char",
    ],
    [
      "a long text",
      { onMessage: said({ text: "x".repeat(20_000) }) },
      "expected up to 16384 bytes",
    ],
    ["an edit of nothing", { onMessage: said({ kind: "edit" }) }, "edit: expected the id"],
  ])("%s", (_what, own, expected) => {
    const { world, hooks } = compile(own);
    const [hook] = Object.keys(own);
    const asked = { onAuth: () => hooks.auth(request), onJoin: () => hooks.join(join) };
    const ask = { ...asked, onMessage: () => hooks.message(message) }[hook ?? ""];
    const text = `the plugin p0 failed in ${hook}; it has been logged`;
    expect(ask?.()).toEqual({ code: "PLUGIN_FAILED", text });
    expect(String(world.logged[0]?.fields["error"])).toContain(expected);
  });
});

describe("a plugin's fault is decided closed, and logged with its name:", () => {
  const faults: Record<string, () => never> = {
    "a throw": () => {
      throw new Error("oops");
    },
    "a rejection": () => Promise.reject(new Error("oops")) as never,
    "no answer": () => new Promise(() => {}) as never,
    "what is no verdict": () => ({ ok: true }) as never,
    null: () => null as never,
    "a code of its own": () => ({ code: "KICKED" }) as never,
  };
  for (const [what, fault] of Object.entries(faults))
    test(what, () => {
      const [onAuth, onMessage, onFile] = [fault, fault, fault];
      const [onMerge, onJoin, onCommand] = [fault, fault, fault];
      const all = { onAuth, onMessage, onFile, onMerge, onJoin, onCommand };
      const { world, hooks } = compile(all);
      const results = [
        hooks.auth(request),
        hooks.message(message),
        hooks.file(file),
        hooks.merge(merge),
        hooks.join(join),
        hooks.command(run),
      ].map((result) => world.until(Promise.resolve(result)));
      for (const result of results) expect(result).toMatchObject({ code: "PLUGIN_FAILED" });
      expect(world.now).toBeLessThanOrEqual(LIMITS.hookMsMax);
      const logged = world.logged.filter(({ level }) => level === "error");
      expect(logged.map(({ fields }) => fields["plugin"])).toEqual(Array(6).fill("p0"));
    });

  test("of one that is notified keeps nobody from hearing", () => {
    const heard: string[] = [];
    const { hooks } = compile(
      { onPresence: faults["a throw"]! },
      { onPresence: ({ now }) => void heard.push(now) },
    );
    hooks.presence({ person: message.from, now: "online" });
    expect(heard).toEqual(["online"]);
  });
});
