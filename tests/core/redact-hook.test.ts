// What is deleted, for plugins that have written it somewhere: they remove it, before the history.

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { definePlugin } from "../../src/plugin.ts";
import type { Redacted } from "../../src/plugin.ts";
import { Members, say } from "./members.ts";

test("plugins remove what is deleted before the history does, and again after a fault", () => {
  const asked: { readonly messages: readonly Redacted[]; readonly held: boolean }[] = [];
  let isBroken = true;
  const town = new Members("redact", []);
  const held = () =>
    JSON.stringify(town.histories.get("paris")?.batches.flatMap(({ messages }) => messages));
  const book = definePlugin({
    name: "book",
    setup: () => ({
      onRedact: async (messages) => {
        asked.push({ messages, held: held().includes("secret") });
        if (isBroken) throw new Error("the disk is full");
        return undefined;
      },
    }),
  });
  town.start("paris", book());
  const ana = town.enter("paris", "ana");
  const id = say(ana, "a secret");
  const edit = say(ana, "no secret", { kind: "edit", about: id });
  say(ana, "hello");
  say(ana, "", { kind: "delete", about: id });
  town.place.rest(100);
  const about = { from: "ana@paris", room: "#lobby" };
  expect(asked).toMatchObject([
    {
      messages: [
        { ...about, id },
        { ...about, id: edit },
      ],
      held: true,
    },
  ]);
  expect(town.place.faults().join()).toContain("message not removed");
  expect(held()).not.toContain("secret");
  isBroken = false;
  town.place.rest(LIMITS.storeRetryMs + 100);
  expect(asked).toMatchObject([{}, { messages: [{ id }, { id: edit }], held: false }]);
  town.place.rest(LIMITS.storeRetryMs + 100);
  expect(asked).toHaveLength(2);
});
