// What a chat shows of messages that are pinned.

import { expect, test } from "bun:test";
import { connect } from "../../../src/client.ts";
import { createTextWriter } from "../../../src/cli/chat/text.ts";
import { startWithAccounts } from "../../core/accounts.ts";
import { MemoryHistory } from "../../core/memory.ts";
import { chatterOf } from "./chatters.ts";

test("a pinned message is shown by its text, also one from before, where somebody has it", () => {
  const history = new MemoryHistory();
  const { place, logIn } = startWithAccounts("pins", () => history.plugin());
  const ana = logIn("ana");
  ana.get("join", { room: "#tea" });
  const say = (text: string) => String(ana.get("say", { room: "#tea", text })["id"]);
  const pin = (id: string) => ana.get("set", { room: "#tea", key: `pin/${id}`, value: true });
  const old = say("read the rules");
  say("not this one");
  pin(old);
  const edit = { room: "#tea", kind: "edit", about: old, text: "read all the rules" };
  ana.get("say", edit);
  const { net, clock } = place.world.environment("desk");
  const server = { host: "paris", port: 7331 };
  const client = place.world.until(connect({ nick: "bob", server, net, clock, tls: false }));
  const { chatter, shown } = chatterOf(client);
  place.world.until(chatter.line("/join #tea", 1));
  const now = say("tea is ready");
  pin(now);
  const nobodys = "0".repeat(21);
  pin(nobodys);
  place.rest();
  place.world.until(chatter.line("/room #tea", 2));
  const write = createTextWriter({ colours: false, self: () => "bob@paris" });
  const lines = shown
    .map(write)
    .join("\n")
    .replaceAll(/ (?:[\d-]+ )?\d\d:\d\d /g, " TIME ")
    .split("\n");
  const by = "ana@paris";
  expect(lines.filter((line) => line.includes("pin"))).toEqual([
    `-- ${by} has pinned a message of ${by} “tea is ready” in #tea`,
    `-- ${by} has pinned ${nobodys} in #tea`,
    `-- pin: ${nobodys} (${by})`,
    `-- pin: ${old} TIME ${by} “read all the rules” (${by})`,
    `-- pin: ${now} TIME ${by} “tea is ready” (${by})`,
  ]);
});
