// What a plugin answers whose word makes an account.

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { allow, definePlugin, type Plugin } from "../../src/plugin.ts";
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

describe("a nick that is registered", () => {
  const registering = (register: () => unknown) => {
    const place = new Place("register");
    const mine = made("auth", { onAuth: () => allow(), register });
    const paris = place.start("paris", { more: [mine] });
    const ana = place.enter(paris, "ana", { password: "from this machine" });
    const ref = ana.request("command", { name: "register", args: ["correct horse"] });
    place.rest(LIMITS.hookMsMax + 100);
    return { answer: ana.answer(ref), errors: errorsOf(place) };
  };
  test.each([
    ["by nobody's word", () => undefined, "expected allow(account) or deny(reason), got null"],
    ["by a throw", () => Promise.reject(new Error("no such thing")), "Error: no such thing"],
    ["never", () => new Promise(() => {}), `Error: no answer within ${LIMITS.hookMsMax} ms`],
    ["as what is no name", () => allow("a b"), "allow: account: expected a name like a nick"],
  ])("%s is the plugin's fault", (_how, register, error) => {
    const { answer, errors } = registering(register);
    expect(answer).toMatchObject({ value: { code: "PLUGIN_FAILED" } });
    expect(errors).toMatchObject([{ plugin: "mine", hook: "register", error }]);
  });
});
