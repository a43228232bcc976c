// Bad input of operators and of those who type: merges that cannot be, a client that meets what is
// no server, lines without end, a config with a typo. Each is refused with its code.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { encodeJson, FRAME } from "../../src/protocol/frame.ts";
import { listenAs, RawPeer } from "./raw.ts";
import { type Program, type ServerProgram, Stage } from "./servers.ts";

const TEST_MS = 60_000;
const TEN_MB = 10_000_000;
const stage = new Stage();
/** paris and lyon are merged; the other paris is somebody else's. */
let paris: ServerProgram;
let lyon: ServerProgram;
let otherParis: ServerProgram;
let bystander: Program;
let words = 0;
const strangers: { stop(force: boolean): unknown }[] = [];

beforeAll(async () => {
  const data = join(stage.folder, "elsewhere");
  [paris, lyon, otherParis] = await Promise.all([
    stage.serve("paris"),
    stage.serve("lyon"),
    stage.serve("paris", { data }),
  ]);
  expect(await paris.run(`merge ${lyon.address}`)).toMatchObject({ ok: true, state: "merged" });
  bystander = await stage.chat("bystander", lyon);
}, TEST_MS);
afterEach(async () => {
  const text = `word ${words++}`;
  bystander.type(text);
  await bystander.when({ event: "message", text });
}, TEST_MS);
afterAll(async () => {
  for (const one of strangers) await one.stop(true);
  await stage.close();
});

describe("a merge is refused", () => {
  test("with oneself, by address and by name", async () => {
    expect(await paris.run(`merge ${paris.address}`)).toMatchObject({ ok: false, code: "SELF" });
    expect(await lyon.run("merge lyon")).toMatchObject({ ok: false, code: "SELF" });
  });

  test("with a namesake, and both sides are told who holds the name", async () => {
    const answer = await otherParis.run(`merge ${lyon.address}`);
    expect(answer).toMatchObject({ ok: false, code: "NAME_TAKEN" });
    expect(answer["text"]).toContain("paris");
    expect(await lyon.run("map")).toMatchObject({ ok: true });
    const names = (await lyon.run("map"))["servers"] as readonly { readonly server: string }[];
    expect(names.map(({ server }) => server).toSorted()).toEqual(["lyon", "paris"]);
  });

  test("where nobody listens", async () => {
    const gone = listenAs(() => undefined);
    gone.stop(true);
    const answer = await paris.run(`merge 127.0.0.1:${gone.port}`);
    expect(answer).toMatchObject({ ok: false, code: "CANNOT_CONNECT" });
    expect(answer["text"]).toContain(`127.0.0.1:${gone.port}`);
  });

  test("with what is no address and no server of this machine", async () => {
    const nowhere = await paris.run("merge nowhere");
    expect(nowhere).toMatchObject({ ok: false, code: "NO_SUCH_SERVER" });
    const port = await paris.run("merge 127.0.0.1:70000");
    expect(port).toMatchObject({ ok: false, code: "ADDRESS_INVALID" });
    for (const line of ["merge", "merge a b", "unmerge", "map x"]) {
      expect(await paris.run(line)).toMatchObject({ ok: false, code: "USAGE" });
    }
  });

  test("with a name that two servers of this machine have", async () => {
    expect(await lyon.run("merge paris")).toMatchObject({ ok: false, code: "USAGE" });
  });

  test("with one that sends everything back", async () => {
    const port = listen((socket, chunk) => socket.write(chunk));
    expect(await mergeWith(port)).toMatchObject({ ok: false, code: "NOT_CHATFUSION" });
  });

  test("with a web server", async () => {
    const web = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("hello") });
    strangers.push(web);
    expect(await mergeWith(web.port)).toMatchObject({ ok: false, code: "NOT_CHATFUSION" });
  });

  test("with one that sends garbage", async () => {
    const port = listen((socket) => socket.write(new Uint8Array(100).fill(0xff)));
    expect(await mergeWith(port)).toMatchObject({ ok: false, code: "NOT_CHATFUSION" });
  });

  test("with one that closes without a word", async () => {
    const port = listen((socket) => socket.end());
    expect(await mergeWith(port)).toMatchObject({ ok: false, code: "NOT_CHATFUSION" });
  });

  test(
    "with one that says nothing",
    async () => {
      const port = listen(() => undefined);
      expect(await mergeWith(port)).toMatchObject({ ok: false, code: "HANDSHAKE_TIMEOUT" });
    },
    TEST_MS,
  );

  test("with a server of another version, which says so", async () => {
    const refusal = { code: "VERSION", text: "protocol version 1.0, expected 2.0" };
    const port = listen((socket) => socket.write(encodeJson(FRAME.error, refusal)));
    expect(await mergeWith(port)).toMatchObject({ ok: false, code: "VERSION" });
  });
});

describe("a merge with a server that is in the fusion already", () => {
  test("changes nothing where there is a link", async () => {
    const fusion = ["lyon", "paris"];
    const mark = paris.heard.lines.length;
    const answer = await paris.run(`merge ${lyon.address}`);
    expect(answer).toMatchObject({ ok: true, server: "lyon", fusion });
    expect(paris.heard.lines.slice(mark).filter(({ event }) => event === "merged")).toEqual([]);
    const links = (await paris.run("map"))["links"];
    expect(links).toMatchObject([{ state: "tree" }]);
  });

  test("adds a spare link where there is none", async () => {
    const nice = await stage.serve("nice");
    await nice.run(`merge ${lyon.address}`);
    const answer = await nice.run(`merge ${paris.address}`);
    expect(answer).toMatchObject({ ok: true, state: "standby", server: "paris" });
    expect(answer["fusion"]).toEqual(["lyon", "nice", "paris"]);
    await nice.run("stop");
    expect(await nice.exited()).toBe(0);
    await bystander.when({ event: "split", fusion: ["lyon", "paris"] });
  });
});

describe("a client is told that it has met", () => {
  const met: readonly (readonly [what: string, code: string, answer: Uint8Array])[] = [
    ["no server of this kind", "NOT_CHATFUSION", Buffer.from("220 mail.example ESMTP\r\n")],
    [
      "a server of another version",
      "VERSION",
      encodeJson(FRAME.hello, { version: { major: 2, minor: 0 }, server: "x", sid: "" }),
    ],
  ];
  for (const [what, code, answer] of met) {
    test(`${what}, and ends with 4`, async () => {
      const port = listen((socket) => socket.write(answer));
      const chat = stage.run("chat", `ann@127.0.0.1:${port}`, "--json");
      expect(await chat.when({ event: "error" })).toMatchObject({ code });
      expect(await chat.exited()).toBe(4);
    });
  }

  test("nobody, and ends with 3", async () => {
    const gone = listenAs(() => undefined);
    gone.stop(true);
    const chat = stage.run("chat", `ann@127.0.0.1:${gone.port}`, "--json");
    expect(await chat.when({ event: "error" })).toMatchObject({ code: "CANNOT_CONNECT" });
    expect(await chat.exited()).toBe(3);
  });

  test("a nick that has a password, and ends with 4", async () => {
    await lyon.run("user-add bob bobs-secret");
    const chat = stage.run("chat", `bob@${lyon.address}`, "--json");
    expect(await chat.when({ event: "error" })).toMatchObject({ code: "NICK_REGISTERED" });
    expect(await chat.exited()).toBe(4);
  });
});

describe("what is typed", () => {
  test(
    "at a client may be a line of 10 MB: it is refused, and the next one is said",
    async () => {
      const chat = await stage.chat("typist", paris);
      chat.write("x".repeat(TEN_MB));
      chat.type("");
      expect(await chat.when({ event: "error", ref: 1 })).toMatchObject({ code: "TEXT_TOO_LONG" });
      chat.type("short");
      await bystander.when({ event: "message", from: "typist@paris", text: "short" });
      // As long as a line may be, but not a text.
      chat.type("y".repeat(20_000));
      expect(await chat.when({ event: "error", ref: 3 })).toMatchObject({ code: "TEXT_TOO_LONG" });
      await chat.kill();
    },
    TEST_MS,
  );

  test("at a client may be no UTF-8, or no command", async () => {
    const chat = await stage.chat("vandal", paris);
    chat.write(Uint8Array.of(0x63, 0xe9, 0x0a));
    expect(await chat.when({ event: "error", ref: 1 })).toMatchObject({ code: "BAD_UTF8" });
    chat.type("/sned ann@paris file", "/msg", "/send bystander@lyon nothing-here");
    const typo = await chat.when({ event: "error", ref: 2 });
    expect(typo).toMatchObject({ code: "NO_SUCH_COMMAND" });
    expect(typo["text"]).toContain("/send");
    expect(await chat.when({ event: "error", ref: 3 })).toMatchObject({ code: "USAGE" });
    expect(await chat.when({ event: "error", ref: 4 })).toMatchObject({ code: "FILE_UNREADABLE" });
    await chat.kill();
  });

  test(
    "at a server's console may be a line of 10 MB, or no command",
    async () => {
      paris.write("x".repeat(TEN_MB));
      paris.type("");
      expect(await paris.when({ event: "answer", command: "" })).toMatchObject({
        ok: false,
        code: "BAD_REQUEST",
      });
      expect(await paris.run("mrege x")).toMatchObject({ ok: false, code: "NO_SUCH_COMMAND" });
      expect(await paris.run("kick nobody")).toMatchObject({ ok: false, code: "NO_SUCH_NICK" });
    },
    TEST_MS,
  );

  test("in a config may have a typo: the server says where, and does not start", async () => {
    const config = `
      import { defineConfig } from "chatfusion";
      import fabricTree from "chatfusion/plugins/fabric-tree";
      export default defineConfig({
        name: "paris",
        lsten: { port: 0 },
        plugins: [fabricTree()],
      });
    `;
    const file = join(stage.folder, "typo.config.ts");
    await Bun.write(file, config);
    const server = stage.run("serve", "--config", file, "--json");
    expect(await server.exited()).toBe(1);
    expect(server.errors).toContain("typo.config.ts: lsten");
    expect(server.errors).toContain("listen");
  });
});

test("a server that has met all this still lets people in", async () => {
  const peer = await RawPeer.enter(paris.port, "latecomer");
  expect(await peer.ask("who", {})).toMatchObject({ frame: "ack" });
  peer.send("bye", {});
  await peer.closed;
});

// --- internal ------------------------------------------------------------------------------------

function listen(say: Parameters<typeof listenAs>[0]): number {
  const listener = listenAs(say);
  strangers.push(listener);
  return listener.port;
}

const mergeWith = (port: number | undefined) => paris.run(`merge 127.0.0.1:${port}`);
