// `chatfusion user`, with a running server and without one.

import { describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { processes } from "./process.ts";

const { home, run, startServer } = processes();

const password = "correct horse battery";

describe("an account", () => {
  const where = ["--name", "offline"];

  test("is made, changed and taken away while no server runs", async () => {
    expect(await run(["user", "add", "ann", "operator", ...where], { stdin: password })).toEqual({
      out: "ann is registered\n",
      err: "",
      code: 0,
    });
    const file = join(home, "secret");
    await writeFile(file, `${password} 2\n`);
    const changed = await run(["user", "passwd", "ann", "--password-file", file, ...where]);
    expect(changed).toMatchObject({ code: 0, err: "" });
    expect((await run(["user", "list", ...where])).out).toBe("ann operator\n");
    expect(await run(["user", "del", "ann", ...where])).toMatchObject({ code: 0 });
    const gone = await run(["user", "del", "ann", ...where]);
    expect(gone).toMatchObject({ code: 4 });
    expect(gone.err).toMatch(/\(NO_SUCH_NICK\)\n$/);
  });

  test("is made through the server that runs on the data folder, or that is named", async () => {
    const server = await startServer(["--name", "online"]);
    const add = ["user", "add", "bob", "--name", "online"];
    expect(await run(add, { stdin: `${password}\n` })).toMatchObject({ code: 0, err: "" });
    server.type("user-list");
    expect(await server.until({ event: "answer" })).toMatchObject({ ok: true, text: "bob" });
    expect((await run(["user", "list", "--server", "online"])).out).toBe("bob\n");
  });

  test("needs a password: an empty, a long or a missing one is refused", async () => {
    const add = ["user", "add", "eve", ...where];
    expect((await run(add)).err).toContain("password: expected at least one character");
    const long = await run(add, { stdin: "x".repeat(1025) });
    expect(long.err).toContain("password: expected up to 1024 bytes, got 1025");
    const missing = await run([...add, "--password-file", join(home, "nowhere")]);
    expect(missing.err).toMatch(/--password-file: .*ENOENT/);
    expect([long.code, missing.code]).toEqual([2, 2]);
    expect((await run(["user", "list", ...where])).out).not.toContain("eve");
  });

  test("has the password of a file without the mark that some editors put before it", async () => {
    await startServer(["--name", "marked"]);
    const [marked, plain] = [join(home, "marked"), join(home, "plain")];
    await writeFile(marked, `\ufeff${password}\r\n`);
    await writeFile(plain, password);
    await run(["user", "add", "eve", "--name", "marked", "--password-file", marked]);
    const chat = ["chat", "eve@marked", "--json", "--password-file", plain];
    expect((await run(chat, { stdin: "/quit\n" })).out).toContain('"account":"eve"');
  });

  test("of what is no nick is refused before a password is asked for", async () => {
    for (const command of ["add", "passwd"]) {
      const refused = await run(["user", command, "no spaces", ...where]);
      expect(refused.err).toContain("nick: expected");
      expect(refused.code).toBe(4);
    }
  });

  test("is given only roles that mean something to the server, which are named", async () => {
    const add = ["user", "add", "eve", "operater", ...where];
    const refused = await run(add, { stdin: password });
    const text = "role operater: nothing on this server looks for it; expected operator";
    expect(refused.err).toContain(text);
    expect(refused.code).toBe(4);
  });

  test("is for a config that has a plugin that keeps them", async () => {
    const config = join(home, "guests.config.ts");
    const plugins = ["auth-guest", "fabric-tree"].map((name) => `chatfusion/plugins/${name}`);
    const imports = plugins.map((path, i) => `import p${i} from "${path}";`).join("\n");
    const body = `export default { name: "guests", plugins: [p0(), p1()] };`;
    await writeFile(config, `${imports}\n${body}\n`);
    const refused = await run(["user", "list", "--config", config]);
    expect(refused.err).toContain("this config has no plugin that keeps accounts");
    expect(refused.code).not.toBe(0);
  });
});
