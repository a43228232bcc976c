// `chatfusion serve` as a process: what it prints, what it takes on stdin, and how it ends.

import { describe, expect, test } from "bun:test";
import { chmod, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LIMITS } from "../../src/limits.ts";
import { processes } from "./process.ts";

const { home, runtime, run, spawnServer, startServer } = processes();

/** Writes a config with a plugin of the test's own, and returns its file. */
async function configWith(name: string, parts: string): Promise<string> {
  const folder = join(home, name);
  await mkdir(folder);
  const file = join(folder, "chatfusion.config.ts");
  const text = `
    import { definePlugin } from "chatfusion";
    import authGuest from "chatfusion/plugins/auth-guest";
    import fabricTree from "chatfusion/plugins/fabric-tree";
    const own = definePlugin({ name: "own", setup: ({ clock }) => (${parts}) });
    export default { name: "${name}", plugins: [authGuest(), own(), fabricTree()] };`;
  await writeFile(file, text, { mode: 0o644 });
  return file;
}

describe("with --json, stdout", () => {
  test("never repeats a password that was typed", async () => {
    const server = spawnServer(["--name", "paris"]);
    await server.until({ event: "listening" });
    server.type("user-add eve correct-horse");
    const answer = await server.until({ event: "answer" });
    expect(answer).toMatchObject({ command: "user-add eve …", ok: true });
    expect(JSON.stringify(answer)).not.toContain("correct-horse");
  });

  test("begins with where it listens, and has one answer for each command", async () => {
    const server = spawnServer(["--name", "paris"]);
    const first = await server.until({});
    expect(first).toMatchObject({ event: "listening", server: "paris", host: "127.0.0.1" });
    expect(first["port"]).toBeGreaterThan(0);
    server.type("who");
    server.type("");
    server.type("status");
    server.type("bogus  command");
    expect(await server.until({})).toMatchObject({ event: "answer", command: "who", ok: true });
    expect(await server.until({})).toMatchObject({ command: "status", server: "paris", ok: true });
    expect(await server.until({})).toMatchObject({
      event: "answer",
      command: "bogus  command",
      ok: false,
      code: "NO_SUCH_COMMAND",
    });
    server.type("stop");
    expect(await server.until({})).toMatchObject({ event: "answer", command: "stop", ok: true });
    expect(await server.until({})).toMatchObject({ event: "stopped" });
    expect(await server.exited).toBe(0);
    expect(await server.errors).toBe("");
  });

  test("tells of a refused merge with its code, and answers it", async () => {
    const server = await startServer(["--name", "paris"]);
    for (const [command, code] of [
      ["merge PARIS", "SELF"],
      ["merge nowhere", "NO_SUCH_SERVER"],
      ["merge 127.0.0.1:1", "CANNOT_CONNECT"],
    ] as const) {
      server.type(command);
      expect(await server.until({})).toMatchObject({ event: "refused", code });
      expect(await server.until({})).toMatchObject({ event: "answer", command, ok: false, code });
    }
  });

  test("takes a whole address for a nick, and tells a wrong one without a fault", async () => {
    const server = spawnServer(["--name", "paris"]);
    await server.until({ event: "listening" });
    for (const [command, code] of [
      ["kick eve@paris", "NO_SUCH_NICK"],
      ["kick eve@lyon", "NO_SUCH_SERVER"],
      ["kick e!ve", "NICK_INVALID"],
    ] as const) {
      server.type(command);
      expect(await server.until({})).toMatchObject({ event: "answer", command, ok: false, code });
    }
    server.type("stop");
    expect(await server.errors).not.toContain("ERROR");
  });

  test("says the same port after a restart, when any port is good and it is free", async () => {
    const first = spawnServer(["--name", "paris"]);
    const { port } = await first.until({ event: "listening" });
    first.type("stop");
    await first.exited;
    const second = spawnServer(["--name", "paris"]);
    expect(await second.until({ event: "listening" })).toMatchObject({ port });
  });

  test("tells both servers of a merge by name, with the whole fusion", async () => {
    const paris = await startServer(["--name", "paris"]);
    const lyon = await startServer(["--name", "lyon"]);
    lyon.type("merge paris");
    const fusion = ["lyon", "paris"];
    expect(await lyon.until({ event: "merged" })).toMatchObject({ server: "lyon", fusion });
    expect(await paris.until({ event: "merged" })).toMatchObject({ server: "paris", fusion });
    expect(await lyon.until({ event: "answer" })).toMatchObject({ ok: true, fusion });
  });
});

describe("on stdin", () => {
  test("a line that is too long is refused, and the next one is run", async () => {
    const server = await startServer(["--name", "paris"]);
    server.type("say ".padEnd(LIMITS.lineBytesMax + 1, "x"));
    server.type("who");
    expect(await server.until({})).toMatchObject({ ok: false, code: "BAD_REQUEST" });
    expect(await server.until({})).toMatchObject({ command: "who", ok: true });
  });

  test("the end is not the server's end", async () => {
    const server = await startServer(["--name", "paris"]);
    server.type("who");
    server.hangUp();
    await server.until({ command: "who" });
    const { out } = await run(["status", "--server", "paris", "--json"]);
    expect(JSON.parse(out)).toMatchObject({ ok: true, server: "paris" });
  });
});

describe("a signal", () => {
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    test(`${name} stops it in good order`, async () => {
      const server = await startServer(["--name", "paris"]);
      server.signal(name);
      expect(await server.until({ event: "stopped" })).toMatchObject({
        reason: "the server is shutting down",
      });
      expect(await server.exited).toBe(0);
      expect(await readdir(runtime)).toEqual([]);
    });
  }

  test("that tells of a terminal's end ends none that has no terminal", async () => {
    const server = await startServer(["--name", "paris"]);
    server.signal("SIGHUP");
    server.type("who");
    expect(await server.until({ command: "who" })).toMatchObject({ ok: true });
    server.signal("SIGTERM");
    expect(await server.exited).toBe(0);
    expect(await server.errors).toContain('signal=SIGHUP ignored="no terminal"');
  });

  test("that comes a second time ends it at once", async () => {
    const file = await configWith("slow", "{ stop: () => new Promise(() => {}) }");
    const server = await startServer(["--config", file]);
    const { pid } = server;
    server.signal("SIGTERM");
    // The drain has begun when nobody finds it any more.
    while ((await run(["who", "--server", "slow"])).code === 0);
    expect(() => process.kill(pid, 0)).not.toThrow();
    server.signal("SIGTERM");
    expect(await server.exited).toBe(128 + 15);
  });
});

test("a signal ends also a server that never comes to its start", async () => {
  const start = 'start() { process.kill(process.pid, "SIGTERM"); return new Promise(() => {}); }';
  const server = spawnServer(["--config", await configWith("never", `{ ${start} }`)]);
  expect(await server.exited).toBe(128 + 15);
  expect(await server.errors).toContain("signal=SIGTERM");
});

describe("a fault", () => {
  test("of a promise that nobody awaits is logged, and the server goes on", async () => {
    const parts = `{ commands: { slip: { about: "", usage: "", run() {
      void Promise.reject(new Error("a slip")); return { text: "slipped" }; } } } }`;
    const server = await startServer(["--config", await configWith("slip", parts)]);
    server.type("slip");
    await server.until({ command: "slip", ok: true });
    server.type("stop");
    expect(await server.exited).toBe(0);
    expect(await server.errors).toMatch(/serve\.rejection.*a slip/);
  });

  test("outside of everything is logged, and stops the server in good order", async () => {
    const parts = `{ commands: { fall: { about: "", usage: "", run() {
      setTimeout(() => { throw new Error("a fall"); }); return { text: "falling" }; } } } }`;
    const server = await startServer(["--config", await configWith("fall", parts)]);
    server.type("fall");
    await server.until({ event: "stopped" });
    expect(await server.exited).toBe(1);
    expect(await server.errors).toMatch(/serve\.fault.*a fall/);
  });
});

test("a server that is stopped ends, whatever a plugin has left open", async () => {
  const parts = "{ start() { setInterval(() => undefined, 1000); } }";
  const server = await startServer(["--config", await configWith("leaves", parts)]);
  server.type("stop");
  expect(await server.exited).toBe(0);
  expect(await server.errors).toContain("a plugin has left something open");
});

describe("the data folder", () => {
  const data = join(home, "data");

  test("is its owner's alone, and so is all that is in it", async () => {
    await startServer(["--name", "paris", "--data", data]);
    const readable = [];
    for (const name of ["", ...(await readdir(data, { recursive: true }))]) {
      const { mode } = await stat(join(data, name));
      if ((mode & 0o077) !== 0) readable.push(name);
    }
    expect(readable).toEqual([]);
  });

  test("that cannot be written into is named, with the reason", async () => {
    const bad = join(home, "bad-data");
    await mkdir(join(bad, "pid"), { recursive: true, mode: 0o700 });
    const { err, code } = await run(["serve", "--name", "paris", "--data", bad]);
    expect(err).toContain(`data folder "${bad}" cannot be used: EISDIR`);
    expect(err.trim().split("\n")).toHaveLength(1);
    expect(code).toBe(1);
  });

  test("has one server, and a second one is told the pid of the first", async () => {
    const server = await startServer(["--name", "paris", "--data", data]);
    const { err, code } = await run(["serve", "--name", "lyon", "--data", data]);
    expect(err).toContain(`is in use by a running server (pid ${server.pid})`);
    expect(code).toBe(1);
  });

  test("is free again after a kill", async () => {
    const killed = await startServer(["--name", "paris", "--data", data]);
    await killed.kill();
    expect((await run(["who"])).err).toContain("no server runs on this machine");
    const server = await startServer(["--name", "paris", "--data", data]);
    server.type("stop");
    expect(await server.exited).toBe(0);
  });

  test("is refused when anybody may write into it", async () => {
    const open = join(home, "open");
    await mkdir(open);
    await chmod(open, 0o777);
    const { err, code } = await run(["serve", "--data", open]);
    expect(err).toContain(`data folder "${open}": anybody may write into it`);
    expect(code).toBe(1);
  });

  test("that cannot be made is a clear error", async () => {
    await writeFile(join(home, "file"), "");
    const { err, code } = await run(["serve", "--data", join(home, "file", "data")]);
    expect(err).toMatch(/^data folder ".*" cannot be made: .*ENOTDIR/);
    expect(code).toBe(1);
  });

  test("with a path that is too long for a socket has it in the runtime folder", async () => {
    const long = join(home, "x".repeat(120));
    const server = await startServer(["--name", "paris", "--data", long]);
    expect((await run(["who"])).code).toBe(0);
    expect((await readdir(runtime)).join("\n")).toMatch(/^[0-9a-f]{16}\.sock$/m);
    server.type("stop");
    expect(await server.exited).toBe(0);
    expect(await readdir(runtime)).toEqual([]);
  });

  test("without a config file is where the user's programs keep theirs", async () => {
    const server = await startServer(["--name", "Nice"], { env: { XDG_DATA_HOME: home } });
    expect(await readdir(join(home, "chatfusion", "nice"))).toContain("admin.sock");
    server.type("stop");
    await server.exited;
    const own = await startServer(["--name", "Nice"]);
    expect(await readdir(join(home, ".local/share/chatfusion/nice"))).toContain("admin.sock");
    own.type("stop");
    await own.exited;
  });
});

test("without --json, people are told where, for whom, and how to join", async () => {
  const { out, err, code } = await run(["serve", "--name", "paris"], { stdin: "stop\n" });
  expect({ err, code }).toEqual({ err: "", code: 0 });
  expect(out).toMatch(/^paris is running\./);
  expect(out).toMatch(/bunx chatfusion chat YOU@paris\n/);
  expect(out).toMatch(/bunx chatfusion chat YOU@127\.0\.0\.1:\d+\n/);
  expect(out).toMatch(/enter .*anybody/);
  expect(out).toContain("paris is stopping");
});

test("without --json, what a command has brought about is told once, here and there", async () => {
  const paris = spawnServer(["--name", "paris"]);
  const { port } = await paris.until({ event: "listening" });
  const stdin = `merge paris\nmerge 127.0.0.1:${String(port)}\nunmerge paris\nmerge lyon\nstop\n`;
  const { out } = await run(["serve", "--name", "lyon"], { stdin });
  const lines = out.split("\n").slice(out.split("\n").indexOf("") + 1);
  expect(lines.slice(lines.indexOf("help shows the commands, stop ends the server.") + 1)).toEqual([
    "merged with paris: 2 servers, lyon, paris",
    "paris is linked already: nothing has changed; the fusion: lyon, paris",
    "split from paris: this server is alone now (lyon has ended its link to paris)",
    "refused: lyon is this server; expected another one (SELF)",
    "lyon is stopping",
    "stopped: the operator said stop",
    "",
  ]);
  expect(await paris.until({ event: "merged" })).toMatchObject({ with: "lyon" });
  const why = "lyon has ended its link to paris";
  expect(await paris.until({})).toMatchObject({ event: "split", lost: ["lyon"], why });
});

test("a merge from another terminal is told on the consoles of both servers", async () => {
  const [paris, lyon] = [spawnServer(["--name", "paris"]), spawnServer(["--name", "lyon"])];
  for (const server of [paris, lyon]) await server.until({ event: "listening" });
  const { out } = await run(["merge", "lyon", "--server", "paris"]);
  expect(out).toBe("merged with lyon; the fusion: lyon, paris\n");
  expect(await paris.until({})).toMatchObject({ event: "merged", with: "lyon" });
  expect(await lyon.until({})).toMatchObject({ event: "merged", with: "paris" });
});
