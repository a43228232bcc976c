// Commands from another terminal: which server they are for, their answers and exit codes, and what
// the admin socket does with what is no command.

import { afterAll, describe, expect, test } from "bun:test";
import { createConnection } from "node:net";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failure } from "../../src/errors.ts";
import { LIMITS } from "../../src/limits.ts";
import { adminPath, askAdmin, openAdmin } from "../../src/serve/admin.ts";
import { readLines } from "../../src/serve/lines.ts";
import { processes } from "./process.ts";

const { run, startServer } = processes();

const folder = await mkdtemp(join(tmpdir(), "admin-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("a command is for", () => {
  test("the only server, without its name", async () => {
    await startServer(["--name", "paris"]);
    expect(await run(["who"])).toEqual({ out: "nobody is online\n", err: "", code: 0 });
  });

  test("the one that is named, where several run; and they are listed where none is", async () => {
    const paris = await startServer(["--name", "paris"]);
    await startServer(["--name", "lyon"]);
    const { out } = await run(["status", "--server", "Lyon", "--json"]);
    expect(JSON.parse(out)).toMatchObject({ event: "answer", ok: true, server: "lyon" });
    const { err, code } = await run(["who"]);
    expect(err).toMatch(/^2 servers run on this machine: lyon \(127.*, paris \(127/);
    expect(err).toContain(`pid ${paris.pid}`);
    expect(code).toBe(2);
  });

  test("nobody, which is told, where no server of that name runs", async () => {
    expect((await run(["who"])).err).toContain("no server runs on this machine");
    await startServer(["--name", "paris"]);
    const { err, code } = await run(["who", "--server", "lyon"]);
    expect(err).toMatch(/no server named "lyon" runs on this machine; running: paris/);
    expect(code).toBe(3);
  });
});

describe("the exit code says", () => {
  test("whether it was done, refused, or nobody was there to merge with", async () => {
    await startServer(["--name", "paris"]);
    expect(await run(["say", "hello", "all"])).toMatchObject({ out: "said\n", code: 0 });
    expect(await run(["kick", "ann", "go", "home"])).toMatchObject({
      err: "nick ann: nobody on this server has it (NO_SUCH_NICK)\n",
      code: 4,
    });
    expect(await run(["merge", "paris"])).toMatchObject({ code: 4 });
    expect(await run(["merge", "--dry-run", "127.0.0.1:1"])).toMatchObject({ code: 3 });
    const { out, code } = await run(["run", "merge", "paris", "--json"]);
    expect(JSON.parse(out)).toMatchObject({ ok: false, code: "SELF" });
    expect(code).toBe(4);
  });
});

test("a dry run shows what would be, wherever the flag stands, and joins nothing", async () => {
  await startServer(["--name", "paris"]);
  await startServer(["--name", "lyon"]);
  for (const words of [
    ["--dry-run", "paris"],
    ["paris", "--dry-run"],
  ]) {
    const { out, code } = await run(["merge", ...words, "--server", "lyon", "--json"]);
    expect(JSON.parse(out)).toMatchObject({ ok: true, state: "possible", accepted: true });
    expect(code).toBe(0);
  }
  const { out } = await run(["status", "--server", "lyon", "--json"]);
  expect(JSON.parse(out)).toMatchObject({ fusion: ["lyon"] });
  for (const name of ["paypal", "paypa1"]) await startServer(["--name", name]);
  const no = await run(["merge", "--dry-run", "paypal", "--server", "paypa1"]);
  expect(no.out).toContain("would be refused: NAME_TAKEN the name paypal and paypa1 (alike)");
  expect(no.code).toBe(4);
});

test("stop returns when the server is gone", async () => {
  const server = await startServer(["--name", "paris"]);
  expect(await run(["stop"])).toEqual({ out: "paris is stopping\n", err: "", code: 0 });
  expect((await run(["who"])).code).toBe(3);
  expect(await server.exited).toBe(0);
});

describe("the admin socket", () => {
  const echo = async (words: readonly string[]) =>
    words[0] === "no" ? failure("NO_SUCH_NICK", "no") : { text: words.join(" ") };

  /** Sends bytes as they are, and returns the answers until the other end closes. */
  async function answersTo(path: string, ...pieces: readonly string[]): Promise<unknown[]> {
    const socket = createConnection(path);
    for (const piece of pieces) socket.write(piece);
    socket.end();
    const told: unknown[] = [];
    for await (const line of readLines(socket)) told.push(JSON.parse(String(line)));
    return told;
  }

  test("can be opened by its owner alone", async () => {
    const admin = await openAdmin(join(folder, "own.sock"), echo);
    expect((await stat(admin.path)).mode & 0o777).toBe(0o600);
    await admin.close();
    expect(await readdir(folder)).toEqual([]);
  });

  test("answers in order, the last line without its end too", async () => {
    const admin = await openAdmin(join(folder, "order.sock"), echo);
    expect(
      await answersTo(admin.path, '{"words":["a"]}\n{"wor', 'ds":["no"]}\r\n{"words":["b","c"]}'),
    ).toEqual([
      { ok: true, text: "a" },
      { ok: false, code: "NO_SUCH_NICK", text: "no" },
      { ok: true, text: "b c" },
    ]);
    await admin.close();
  });

  test("refuses what is no command, and goes on", async () => {
    const admin = await openAdmin(join(folder, "odd.sock"), echo);
    const odd = ["", "who", "{}", '{"words":[]}', '{"words":"who"}', '{"words":[1]}', "[[[["];
    const long = `{"words":["${"x".repeat(LIMITS.lineBytesMax)}"]}`;
    const lines = [...odd, "\u0000\uffff", long, '{"words":["a"]}'];
    const told = await answersTo(admin.path, `${lines.join("\n")}\n`);
    expect(told).toHaveLength(lines.length);
    for (const one of told.slice(0, -1)) expect(one).toMatchObject({ code: "BAD_REQUEST" });
    expect(told.at(-1)).toEqual({ ok: true, text: "a" });
    await admin.close();
  });

  test("takes so many connections at once and no more", async () => {
    const admin = await openAdmin(join(folder, "many.sock"), echo);
    const held = await Promise.all(
      Array.from({ length: LIMITS.adminConnectionsMax }, async () => {
        const socket = createConnection(admin.path);
        socket.write('{"words":["a"]}\n');
        await new Promise((resolve) => socket.once("data", resolve));
        return socket;
      }),
    );
    expect(await askAdmin(admin.path, ["b"])).toMatchObject({ code: "NOT_RUNNING" });
    held[0]?.destroy();
    await new Promise((resolve) => held[0]?.once("close", resolve));
    for (const socket of held) socket.destroy();
    await admin.close();
  });

  test("takes the place of one that a killed server left", async () => {
    const path = join(folder, "stale.sock");
    const listenAndDie = `require("net").createServer().listen(process.env.AT, () => {
      process.kill(process.pid, "SIGKILL");
    })`;
    const child = Bun.spawn([process.execPath, "-e", listenAndDie], { env: { AT: path } });
    await child.exited;
    expect(await readdir(folder)).toEqual(["stale.sock"]);
    const admin = await openAdmin(path, echo);
    expect(await askAdmin(path, ["here"])).toEqual({ text: "here", data: undefined });
    await admin.close();
  });

  test("of a long path is in the runtime folder, always at the same place", () => {
    const long = join(folder, "x".repeat(100));
    expect(adminPath(long)).toMatch(/[0-9a-f]{16}\.sock$/);
    expect(adminPath(long)).toBe(adminPath(long));
    expect(adminPath("/data")).toBe("/data/admin.sock");
  });
});
