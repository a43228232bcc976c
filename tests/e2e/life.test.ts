// How a server ends and comes back, as its clients see it: in good order, at once, by a kill. What
// was acknowledged is in the log, and the clients find their way back by themselves.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { relayTo } from "./relay.ts";
import { type Line, type Program, type ServerProgram, Stage } from "./servers.ts";

const TEST_MS = 60_000;
/** Fits a page of the history, even if each was written before a kill and said again after it. */
const MESSAGES = 90;
/** A plugin that never finishes its stop. */
const STUCK = `
import { defineConfig, definePlugin } from "chatfusion";
import authGuest from "chatfusion/plugins/auth-guest";
import fabricTree from "chatfusion/plugins/fabric-tree";
const stuck = definePlugin({
  name: "stuck",
  setup: () => ({ stop: () => new Promise(() => {}) }),
});
export default defineConfig({
  name: "paris",
  plugins: [authGuest(), fabricTree(), stuck()],
});
`;

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(
    `${signal} ends a server in good order, and what was acknowledged is there after it`,
    async () => {
      const server = await stage.serve("paris");
      const ann = await stage.chat("ann", server);
      const bob = await stage.chat("bob", server);
      sayMany(ann);
      await ann.heard.whenSome({ event: "ack" }, MESSAGES / 3);
      server.signal(signal);
      expect(await server.exited()).toBe(0);
      expect(server.heard.all({ event: "stopped" })).toHaveLength(1);
      for (const chat of [ann, bob]) {
        const lost = await chat.when({ event: "connection", state: "lost" });
        expect(lost).toMatchObject({ code: "SERVER_STOPPING" });
      }
      const acknowledged = ackedTexts(ann);
      await restart(server);
      for (const chat of [ann, bob]) await chat.when({ event: "connection", state: "back" });
      await ann.heard.whenSome({ event: "ack" }, MESSAGES);
      expectOnceEach(await history(bob), acknowledged);
    },
    TEST_MS,
  );
}

test(
  "a server under nohup outlives its terminal, and ends by SIGTERM",
  async () => {
    const nohup = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh"]; // without its file for output
    const server = await stage.serve("paris", { at: { address: "127.0.0.1", within: nohup } });
    server.signal("SIGHUP");
    expect(await server.run("status")).toMatchObject({ ok: true });
    server.signal("SIGTERM");
    expect(await server.exited()).toBe(0);
  },
  TEST_MS,
);

test(
  "a second signal ends a server at once",
  async () => {
    const server = await stage.serve("paris", { config: STUCK });
    const ann = await stage.chat("ann", server);
    server.signal("SIGTERM");
    await ann.when({ event: "connection", state: "lost", code: "SERVER_STOPPING" });
    server.signal("SIGTERM");
    expect(await server.exited()).toBe(143);
  },
  TEST_MS,
);

test(
  "a plugin that never finishes its stop holds up a server only so long",
  async () => {
    const server = await stage.serve("paris", { config: STUCK });
    server.signal("SIGTERM");
    expect(await server.exited()).toBe(0);
  },
  TEST_MS,
);

describe("a server that is killed and started again", () => {
  test(
    "has in its log what was acknowledged, and its client comes back and goes on",
    async () => {
      const server = await stage.serve("paris");
      const ann = await stage.chat("ann", server);
      sayMany(ann);
      await ann.heard.whenSome({ event: "ack" }, MESSAGES / 3);
      await server.kill();
      await ann.when({ event: "connection", state: "lost", code: "CANNOT_CONNECT" });
      const acknowledged = ackedTexts(ann);
      await restart(server);
      await ann.when({ event: "connection", state: "back" });
      // The rest of what ann said is said now, by nobody but her client.
      await ann.heard.whenSome({ event: "ack" }, MESSAGES);
      const said = await history(ann);
      expectOnceEach(said, acknowledged);
      expect(texts.filter((text) => !said.includes(text))).toEqual([]);
      expect(ann.heard.all({ event: "error" })).toEqual([]);
    },
    TEST_MS,
  );

  test(
    "is merged again by those who had merged with it",
    async () => {
      const fusion = ["lyon", "paris"];
      const [paris, lyon] = await Promise.all([stage.serve("paris"), stage.serve("lyon")]);
      const ann = await stage.chat("ann", lyon);
      await lyon.run(`merge ${paris.address}`);
      await ann.when({ event: "merged", fusion });
      await paris.kill();
      await ann.when({ event: "split", fusion: ["lyon"] });
      const mark = ann.heard.lines.length;
      const again = await restart(paris);
      await ann.when({ event: "merged", fusion }, mark);
      const bob = await stage.chat("bob", again);
      bob.type("back again");
      await ann.when({ event: "message", from: "bob@paris", text: "back again" });
    },
    TEST_MS,
  );

  test(
    "gives up its data folder and its place among the servers of this machine",
    async () => {
      const server = await stage.serve("paris");
      await server.kill();
      const status = stage.run("status", "--server", "paris");
      expect(await status.exited()).toBe(3);
      const again = await restart(server);
      const chat = stage.run("chat", "ann@paris", "--json");
      expect(await chat.when({ event: "welcome" })).toMatchObject({ server: again.name });
    },
    TEST_MS,
  );
});

test(
  "a connection that is cut is resumed: nothing that was said meanwhile is missed or twice",
  async () => {
    const server = await stage.serve("paris");
    const bob = await stage.chat("bob", server);
    const relay = relayTo(server.port);
    try {
      const ann = stage.run("chat", `ann@127.0.0.1:${relay.port}`, "--json");
      await ann.when({ event: "welcome" });
      relay.cut();
      await ann.when({ event: "connection", state: "lost" });
      sayMany(bob);
      await bob.heard.whenSome({ event: "ack" }, MESSAGES);
      relay.open();
      await ann.when({ event: "connection", state: "resumed" });
      bob.type("the end");
      await ann.when({ event: "message", text: "the end" });
      const heard = ann.heard.all({ event: "message" }).map(({ text }) => text);
      expect(heard).toEqual([...texts, "the end"]);
      expect(bob.heard.all({ event: "presence", now: "offline" })).toEqual([]);
    } finally {
      relay.stop();
    }
  },
  TEST_MS,
);

// --- internal ------------------------------------------------------------------------------------

const texts = Array.from({ length: MESSAGES }, (_, i) => `message ${i}`);

function sayMany(chat: Program): void {
  chat.type(...texts);
}

/** What was said by those lines of `sayMany` that have their ack. */
function ackedTexts(chat: Program): readonly string[] {
  return chat.heard.all({ event: "ack" }).map(({ ref }) => texts[Number(ref) - 1]!);
}

const restart = ({ name, port }: ServerProgram) => stage.serve(name, { port });

/** The texts of the lobby, as a newcomer would read them. */
async function history(chat: Program): Promise<readonly unknown[]> {
  const mark = chat.heard.lines.length;
  chat.type("/history 200");
  const { messages } = await chat.when({ event: "history" }, mark);
  return (messages as readonly Line[]).map(({ text }) => text);
}

/** All of these, in this order, and none of them twice. */
function expectOnceEach(said: readonly unknown[], wanted: readonly string[]): void {
  expect(wanted.length).toBeGreaterThanOrEqual(MESSAGES / 3);
  expect(said.filter((text) => wanted.includes(String(text)))).toEqual([...wanted]);
}

test(
  "a link that was merged by name is found again where its server listens by then",
  async () => {
    const [paris, lyon] = await Promise.all([stage.serve("paris"), stage.serve("lyon")]);
    expect(await paris.run("merge lyon")).toMatchObject({ state: "merged" });
    lyon.signal("SIGTERM");
    await lyon.exited();
    const wall = Bun.listen({ hostname: "127.0.0.1", port: lyon.port, socket: { data() {} } });
    try {
      const moved = await stage.serve("lyon"); // elsewhere: its old port is taken
      await moved.when({ event: "merged", with: "paris" });
    } finally {
      wall.stop(true);
    }
  },
  TEST_MS,
);
