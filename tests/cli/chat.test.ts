// `chatfusion chat` on pipes, with a real server: what a bot's author has.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type Program, type ServerProgram, Stage } from "../e2e/servers.ts";

const TEST_MS = 60_000;
const stage = new Stage();
let server: ServerProgram;

beforeAll(async () => {
  server = await stage.serve("paris");
  expect(await server.run("user-add eve eves-secret")).toMatchObject({ ok: true });
}, TEST_MS);
afterAll(() => stage.close(), TEST_MS);

const folderOf = (nick: string) => join(stage.folder, nick);
const file = (name: string) => join(stage.folder, name);

/** Runs a chat whose input ends. */
async function pipe(input: string | Uint8Array, ...words: readonly string[]): Promise<Program> {
  const program = stage.run("chat", ...words);
  program.write(input);
  program.hangUp();
  return program;
}

describe("lines", () => {
  test(
    "what is piped in is said, and the chat ends well when all is answered",
    async () => {
      const chat = await pipe("hello\n", `ann@${server.address}`, "--json");
      expect(await chat.exited()).toBe(0);
      expect(chat.heard.lines.map(({ event }) => event)).toEqual([
        "welcome",
        "message",
        "ack",
        "connection",
      ]);
      const [welcome, message, ack] = chat.heard.lines;
      expect(welcome).toMatchObject({ nick: "ann", server: "paris", lobby: "#lobby" });
      expect(welcome).not.toHaveProperty("resume");
      expect(message).toMatchObject({ from: "ann@paris", text: "hello", room: "#lobby" });
      expect(ack).toMatchObject({ ref: 1, id: message?.["id"] });
    },
    TEST_MS,
  );

  test(
    "a server of this machine is found by its name, and a last line needs no end",
    async () => {
      const chat = await pipe("/who", "ann@paris", "--json");
      expect(await chat.exited()).toBe(0);
      expect(await chat.when({ event: "who" })).toMatchObject({
        ref: 1,
        people: [{ address: "ann@paris" }],
        total: 1,
      });
    },
    TEST_MS,
  );

  test(
    "each bad line has its error with its number, and the next one is read",
    async () => {
      const chat = await stage.chat("ann", server);
      chat.write(Uint8Array.of(0xff, 0xfe, 0x0a));
      chat.write("x".repeat(10 << 20));
      chat.type("", "/mgs bob hi", "/msg nobody hi", "/accept 7", "/say #nowhere hi", "still here");
      expect(await chat.when({ event: "message", text: "still here" })).toBeDefined();
      // Answers stand behind what the room says.
      for (const ref of [3, 4, 6]) await chat.when({ event: "error", ref });
      const errors = chat.heard.all({ event: "error" });
      const codes = errors.map(({ ref, code }) => [Number(ref), code] as const);
      expect(codes.toSorted(([a], [b]) => a - b)).toEqual([
        [1, "BAD_UTF8"],
        [2, "TEXT_TOO_LONG"],
        [3, "NO_SUCH_COMMAND"],
        [4, "NO_SUCH_NICK"],
        [5, "NO_SUCH_TRANSFER"],
        [6, "NOT_IN_ROOM"],
      ]);
      chat.type("/quit");
      expect(await chat.exited()).toBe(0);
    },
    TEST_MS,
  );

  test(
    "rooms, actions, private messages, whois, history and a new nick work, and say so",
    async () => {
      const [ann, bob] = [await stage.chat("ann", server), await stage.chat("bob", server)];
      ann.type("/join #tea", "/me waves", "/msg bob psst", "/whois bob", "/rooms", "/servers");
      expect(await ann.when({ event: "ack", ref: 1 })).toMatchObject({ room: "#tea" });
      await bob.when({ event: "message", kind: "action", text: "waves" });
      await bob.when({ event: "private", from: "ann@paris", text: "psst" });
      await ann.when({ event: "ack", ref: 3, outcome: "delivered" });
      expect(await ann.when({ event: "whois", ref: 4 })).toMatchObject({ address: "bob@paris" });
      const rooms = await ann.when({ event: "rooms", ref: 5 });
      expect(rooms["rooms"]).toContainEqual({ room: "#tea", members: 1 });
      await ann.when({ event: "fusion", ref: 6 });
      bob.type("/join #tea");
      await ann.when({ event: "presence", who: "bob@paris", room: "#tea", now: "joined" });
      ann.type("/say #tea cup?", "/history #tea 5", "/nick anna", "/part #tea");
      await bob.when({ event: "message", room: "#tea", text: "cup?" });
      const history = await ann.when({ event: "history", ref: 8 });
      expect(history["messages"]).toMatchObject([{ text: "cup?" }]);
      await ann.when({ event: "ack", ref: 9, nick: "anna" });
      await bob.when({ event: "renamed", was: "ann@paris", who: "anna@paris" });
      await bob.when({ event: "presence", who: "anna@paris", room: "#tea", now: "left" });
      bob.type("/watch anna@paris");
      await bob.when({ event: "ack", addresses: ["anna@paris"], watching: true });
      await bob.when({ event: "watched", address: "anna@paris", online: true });
      ann.hangUp();
      await bob.when({ event: "presence", who: "anna@paris", now: "offline" });
      await bob.when({ event: "watched", address: "anna@paris", online: false });
      bob.signal("SIGTERM");
      expect(await bob.exited()).toBe(0);
    },
    TEST_MS,
  );

  test(
    "without --json people can read it, and nothing moves their cursor",
    async () => {
      const program = Bun.spawn(
        [process.execPath, join(import.meta.dir, "../../src/cli/main.ts"), "chat", "zoe@paris"],
        { env: stage.env, stdin: new Blob(["hi \u001b[2J there\n"]), stdout: "pipe" },
      );
      const text = await new Response(program.stdout).text();
      expect(text).toMatch(/^-- you are zoe@paris/);
      expect(text).toMatch(/^\d\d:\d\d zoe@paris: hi ␛\[2J there$/m);
      expect(await program.exited).toBe(0);
    },
    TEST_MS,
  );
});

describe("getting in", () => {
  const refused: readonly (readonly [string, () => readonly string[], string, number])[] = [
    ["a nick with a password, without it", () => [`eve@${server.address}`], "NICK_REGISTERED", 4],
    ["a server that is not there", () => ["ann@127.0.0.1:1"], "CANNOT_CONNECT", 3],
    ["a name that nobody has", () => ["ann@nowhere"], "NOT_RUNNING", 3],
  ];
  for (const [name, words, code, exit] of refused) {
    test(
      `${name} is ${code}, and exits with ${exit}`,
      async () => {
        const chat = await pipe("", ...words(), "--json");
        expect(await chat.exited()).toBe(exit);
        expect(chat.heard.lines).toMatchObject([{ event: "error", code }]);
      },
      TEST_MS,
    );
  }

  test(
    "a password comes from a file, and a wrong one exits with 4",
    async () => {
      await Bun.write(file("right"), "eves-secret\n");
      await Bun.write(file("wrong"), "adams-secret\n");
      const eve = `eve@${server.address}`;
      const right = await pipe("", eve, "--json", "--password-file", file("right"));
      expect(await right.exited()).toBe(0);
      expect(await right.when({ event: "welcome" })).toMatchObject({ account: "eve" });
      const wrong = await pipe("", eve, "--json", "--password-file", file("wrong"));
      expect(await wrong.exited()).toBe(4);
      expect(wrong.heard.lines).toMatchObject([{ event: "error", code: "AUTH_FAILED" }]);
    },
    TEST_MS,
  );

  const usage: readonly (readonly string[])[] = [
    [],
    ["ann"],
    ["@paris"],
    ["ann@paris:99999"],
    ["ann@paris", "--accept", "some"],
    ["ann@paris", "--jsn"],
    ["ann@paris", "--password-file", "-"],
  ];
  for (const words of usage) {
    test(
      `chat ${words.join(" ")} is refused as typed, with 2`,
      async () => {
        const chat = await pipe("", ...words);
        expect(await chat.exited()).toBe(2);
        expect(chat.errors).not.toBe("");
      },
      TEST_MS,
    );
  }

  test(
    "one who is kicked is told why, and exits with 4",
    async () => {
      const chat = await stage.chat("mallory", server);
      await server.run("kick mallory enough");
      expect(await chat.exited()).toBe(4);
      await chat.when({ event: "connection", state: "closed", code: "KICKED" });
    },
    TEST_MS,
  );
});

describe("files", () => {
  test(
    "one is offered, accepted by its number, checked, and never put over another",
    async () => {
      const folder = folderOf("bob");
      mkdirSync(folder);
      symlinkSync(file("outside"), join(folder, "plan.txt"));
      await Bun.write(file("plan.txt"), "the plan");
      const ann = await stage.chat("ann", server);
      const bob = await stage.chat("bob", server, "--downloads", folder);
      ann.type(`/send bob@paris ${file("plan.txt")}`);
      const offered = await ann.when({ event: "ack", ref: 1 });
      const offer = await bob.when({
        event: "offer",
        from: "ann@paris",
        name: "plan.txt",
        size: 8,
      });
      expect(offer["transfer"]).toBe(offered["transfer"]);
      bob.type(`/accept ${String(offer["number"])}`);
      const received = await bob.when({ event: "received" });
      const sent = await ann.when({ event: "sent" });
      expect(received["sha256"]).toBe(sent["sha256"]);
      expect(received["path"]).toBe(join(folder, "plan (2).txt"));
      expect(await Bun.file(join(folder, "plan (2).txt")).text()).toBe("the plan");
      expect(await Bun.file(file("outside")).exists()).toBe(false);
      bob.hangUp();
      ann.hangUp();
      expect([await ann.exited(), await bob.exited()]).toEqual([0, 0]);
    },
    TEST_MS,
  );

  test(
    "the end of the input waits for what is being sent, and --accept all takes everything",
    async () => {
      await Bun.write(file("big"), new Uint8Array(5_000_000).fill(7));
      const bob = await stage.chat(
        "bob",
        server,
        "--accept",
        "all",
        "--downloads",
        folderOf("all"),
      );
      const ann = await pipe(`/send bob@paris ${file("big")}\n`, "ann@paris", "--json");
      expect(await ann.exited()).toBe(0);
      const sent = await ann.when({ event: "sent", size: 5_000_000 });
      await bob.when({ event: "received", sha256: sent["sha256"] });
      bob.hangUp();
      expect(await bob.exited()).toBe(0);
    },
    TEST_MS,
  );

  test(
    "--accept none rejects, a rejection and a withdrawal are told, and nothing is left",
    async () => {
      const folder = folderOf("none");
      await Bun.write(file("note"), "x");
      const ann = await stage.chat("ann", server);
      const none = await stage.chat("none", server, "--accept", "none", "--downloads", folder);
      const cat = await stage.chat("cat", server, "--downloads", folder);
      ann.type(`/send none ${file("note")}`, `/send cat ${file("note")}`);
      const refused = { event: "error", ref: 1, code: "TRANSFER_REJECTED" };
      expect(await ann.when(refused)).toMatchObject({
        text: "no files are taken here",
        name: "note",
        to: "none@paris",
      });
      const first = await cat.when({ event: "offer" });
      cat.type(`/reject ${String(first["number"])} not now`);
      const second = { event: "error", ref: 2, code: "TRANSFER_REJECTED" };
      expect(await ann.when(second)).toMatchObject({ text: "not now" });
      ann.type(`/send cat ${file("note")}`);
      const { transfer } = await ann.when({ event: "ack", ref: 3 });
      await cat.when({ event: "offer", transfer });
      ann.type(`/cancel ${String(transfer)}`);
      const withdrawn = { event: "error", transfer, code: "TRANSFER_CANCELLED" };
      await cat.when({ ...withdrawn, name: "note", from: "ann@paris" });
      await ann.when({ event: "error", ref: 3, code: "TRANSFER_CANCELLED" });
      ann.type(`/send cat ${file("missing")}`);
      expect(await ann.when({ event: "error", ref: 5 })).toMatchObject({
        code: "FILE_UNREADABLE",
      });
      for (const chat of [ann, none, cat]) chat.signal("SIGTERM");
      for (const chat of [ann, none, cat]) expect(await chat.exited()).toBe(0);
      expect(readdirSync(stage.folder)).not.toContain("none");
    },
    TEST_MS,
  );
});

describe("a server that goes away", () => {
  test(
    "is waited for, and what is said meanwhile is said when it is back",
    async () => {
      const lyon = await stage.serve("lyon");
      const chat = await stage.chat("ann", lyon);
      lyon.signal("SIGTERM");
      await lyon.exited();
      await chat.when({ event: "connection", state: "lost" });
      chat.type("are you back?");
      const again = await stage.serve("lyon", { port: lyon.port });
      await chat.when({ event: "connection", state: "back" });
      await chat.when({ event: "message", text: "are you back?" });
      await chat.when({ event: "ack", ref: 1 });
      chat.hangUp();
      expect(await chat.exited()).toBe(0);
      again.signal("SIGTERM");
      expect(await again.exited()).toBe(0);
    },
    TEST_MS,
  );

  for (const [name, end] of [
    ["/quit", (chat: Program) => chat.type("/quit")],
    ["a signal", (chat: Program) => chat.signal("SIGTERM")],
  ] as const) {
    test(
      `${name} ends the wait; the line that was not sent is told, and the exit code is 3`,
      async () => {
        const nice = await stage.serve("nice");
        const chat = await stage.chat("ann", nice);
        await nice.kill();
        await chat.when({ event: "connection", state: "lost" });
        // Refused here: it has its answer, and comes behind the other one.
        chat.type("are you back?", "/nonsense!");
        await chat.when({ event: "error", ref: 2 });
        end(chat);
        expect(await chat.exited()).toBe(3);
        const text = '"are you back?" may not have been sent: the client was closed';
        expect(chat.heard.lines.at(-1)).toMatchObject({ event: "error", ref: 1, text });
      },
      TEST_MS,
    );
  }
});
