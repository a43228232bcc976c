// The server's commands in a chat: asked for once, again with a new nick and a new session, and how
// their words are sent.

import { expect, test } from "bun:test";
import { enter, startPeer, welcomeOf } from "../../client/peer.ts";
import { chatterOf } from "./chatters.ts";

const roll = { name: "roll", usage: "SIDES", about: "rolls a die", plugin: "dice" };
const warn = { name: "warn", usage: "NICK@SERVER [REASON]", about: "warns", plugin: "house" };

async function open() {
  const peer = await startPeer();
  const { client, visitor } = await enter(peer, { reconnect: true });
  return { peer, visitor, ...chatterOf(client) };
}

test("a short command asks for the list once, and is sent in the words of its usage", async () => {
  const { visitor, chatter, shown } = await open();
  const first = chatter.line("/roll  6  7", 1);
  await visitor.answer("commands", { commands: [roll, warn] });
  const { name, args } = await visitor.answer("command", { text: "a 3" });
  await first;
  expect([name, args]).toEqual(["roll", ["6", "7"]]);
  const second = chatter.line("/WARN bob@lyon  be  kind ", 2);
  const asked = await visitor.answer("command", { text: "warned", data: { warned: true } });
  await second;
  expect([asked["name"], asked["args"]]).toEqual(["warn", ["bob@lyon", "be  kind"]]);
  await chatter.line("/wran bob@lyon", 3);
  expect(shown.slice(1)).toEqual([
    { event: "answer", ref: 1, text: "a 3" },
    { event: "answer", ref: 2, text: "warned", data: { warned: true } },
    {
      event: "error",
      ref: 3,
      code: "NO_SUCH_COMMAND",
      text: 'unknown command "/wran" (did you mean /warn?); see /help',
    },
  ]);
});

test("with another nick, and in a new session, other commands may be open", async () => {
  const { peer, visitor, chatter } = await open();
  const listed = chatter.commands.list();
  await visitor.answer("commands", { commands: [roll] });
  await listed;
  expect(chatter.commands.known).toEqual([roll]);
  const renamed = chatter.line("/nick bea", 1);
  await visitor.answer("rename", { nick: "bea" });
  await visitor.answer("commands", { commands: [roll, warn] });
  await renamed;
  expect(await chatter.commands.list()).toEqual([roll, warn]);
  visitor.close();
  const again = await peer.visitors.take();
  await again.hello();
  await again.expect("login");
  again.send("error", { code: "RESUME_FAILED", text: "the server was restarted" });
  await again.expect("login");
  again.send("welcome", welcomeOf("bea"));
  const { value } = await again.heard.until(({ name }) => name === "commands");
  again.send("ack", { ref: value["ref"], commands: [] });
  expect(await chatter.commands.list()).toEqual([]);
});

test("a server that refuses the list once is asked again", async () => {
  const { visitor, chatter } = await open();
  const first = chatter.commands.list();
  const { ref } = await visitor.expect("commands");
  visitor.send("error", { ref, code: "QUEUE_FULL", text: "later" });
  expect(await first).toEqual([]);
  const second = chatter.commands.list();
  await visitor.answer("commands", { commands: [roll] });
  expect(await second).toEqual([roll]);
});

test("a server that knows of no list has none, and /run reaches its commands", async () => {
  const { visitor, chatter, shown } = await open();
  const help = chatter.line("/help", 1);
  const { ref } = await visitor.expect("commands");
  visitor.send("error", { ref, code: "UNKNOWN_TYPE", text: "type 0x2f" });
  await help;
  expect(shown.at(-1)).toMatchObject({ event: "help", ref: 1, commands: [] });
  const run = chatter.line("/run roll 6", 2);
  expect(await visitor.answer("command", { text: "a 1" })).toMatchObject({ args: ["6"] });
  await run;
  expect(shown.at(-1)).toEqual({ event: "answer", ref: 2, text: "a 1" });
});

test("a command that could reach nobody was sent all the same", async () => {
  const { visitor, chatter, shown } = await open();
  const merged = chatter.line("/run merge rome:7331", 1);
  await visitor.answer("commands", { commands: [roll] });
  const { ref } = await visitor.expect("command");
  const refusal = { code: "CANNOT_CONNECT", text: "rome:7331: nobody answers" };
  visitor.send("error", { ref, ...refusal });
  await merged;
  expect(shown.at(-1)).toEqual({ event: "error", ref: 1, ...refusal });
});
