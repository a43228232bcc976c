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
  for (const [what, run] of Object.entries(faults))
    test(what, () => {
      const { world, hooks } = compile({ onAuth: run, onMessage: run, onFile: run, onMerge: run });
      const results = [
        hooks.auth(request),
        hooks.message(message),
        hooks.file(file),
        hooks.merge(merge),
      ].map((result) => world.until(Promise.resolve(result)));
      for (const result of results) expect(result).toMatchObject({ code: "PLUGIN_FAILED" });
      expect(world.now).toBeLessThanOrEqual(LIMITS.hookMsMax);
      const logged = world.logged.filter(({ level }) => level === "error");
      expect(logged.map(({ fields }) => fields["plugin"])).toEqual(["p0", "p0", "p0", "p0"]);
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
