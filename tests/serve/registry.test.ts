// The registry of this machine's servers: what is found, what is stale, and whom it does not trust.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  addressOf,
  findServer,
  listServers,
  makeRuntimeFolder,
  registerServer,
  runtimeFolder,
  type RunningServerEntry,
} from "../../src/serve/registry.ts";

let folder = "";
let open: Server[] = [];

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "registry-")), "run");
});
afterEach(async () => {
  for (const server of open) server.close();
  open = [];
  await rm(join(folder, ".."), { recursive: true, force: true });
});

/** An entry whose admin socket answers, as that of a running server does. */
async function running(name: string, port: number): Promise<RunningServerEntry> {
  const admin = join(folder, "..", `${name}-${port}.sock`);
  const server = createServer();
  open.push(server);
  await new Promise<void>((resolve) => server.listen(admin, resolve));
  const data = join(folder, "..", `${name}-${port}`);
  return { name, pid: process.pid, host: "127.0.0.1", port, data, admin };
}

/** What a promise rejects with. */
const textOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "it did not reject",
    (thrown: unknown) => String(thrown),
  );

describe("a registered server", () => {
  test("is found by its name, in any case", async () => {
    const entry = await running("paris", 4001);
    await registerServer(entry, folder);
    expect(await findServer("PARIS", folder)).toEqual(entry);
    expect(await findServer("lyon", folder)).toBeUndefined();
  });

  test("is found no more once it has taken itself back", async () => {
    const takeBack = await registerServer(await running("paris", 4001), folder);
    await takeBack();
    await takeBack();
    expect(await listServers(folder)).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });

  test("does not take back the entry of the one that came after it", async () => {
    const entry = await running("paris", 4001);
    const takeBack = await registerServer({ ...entry, pid: process.ppid }, folder);
    await registerServer(entry, folder);
    await takeBack();
    expect(await listServers(folder)).toEqual([entry]);
  });

  test("stands in a folder and a file that others cannot read", async () => {
    await registerServer(await running("paris", 4001), folder);
    const [name = ""] = await readdir(folder);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
  });

  test("is listed by name, then by port", async () => {
    for (const [name, port] of [
      ["paris", 3],
      ["lyon", 2],
      ["lyon", 1],
    ] as const) {
      await registerServer(await running(name, port), folder);
    }
    const found = (await listServers(folder)).map(({ name, port }) => `${name}:${port}`);
    expect(found).toEqual(["lyon:1", "lyon:2", "paris:3"]);
  });
});

describe("an entry is ignored and removed", () => {
  test("when its process is gone", async () => {
    const child = Bun.spawn(["true"]);
    await child.exited;
    await registerServer({ ...(await running("paris", 4001)), pid: child.pid }, folder);
    expect(await listServers(folder)).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });

  test("when its process is another one by now, and no admin socket answers", async () => {
    const entry = await running("paris", 4001);
    await registerServer(entry, folder);
    open.pop()?.close();
    expect(await findServer("paris", folder)).toBeUndefined();
    expect(await readdir(folder)).toEqual([]);
  });

  test("when it is torn, or not an entry", async () => {
    await makeRuntimeFolder(folder);
    await writeFile(join(folder, "0123456789abcdef.json"), '{"name":"par');
    await writeFile(join(folder, "0123456789abcdee.json"), '{"name":"paris","pid":0}');
    expect(await listServers(folder)).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("two servers of one name", () => {
  test("are told apart by their addresses, which the refusal lists", async () => {
    await registerServer(await running("paris", 4001), folder);
    await registerServer(await running("paris", 4002), folder);
    expect(await textOf(findServer("paris", folder))).toMatch(
      /2 servers named "paris".*127\.0\.0\.1:4001.*127\.0\.0\.1:4002.*expected HOST:PORT/,
    );
  });
});

describe("the runtime folder", () => {
  test("is CHATFUSION_RUNTIME_DIR, else in XDG_RUNTIME_DIR, else one for each user", () => {
    expect(runtimeFolder({ CHATFUSION_RUNTIME_DIR: "/a", XDG_RUNTIME_DIR: "/b" })).toBe("/a");
    expect(runtimeFolder({ CHATFUSION_RUNTIME_DIR: "", XDG_RUNTIME_DIR: "/b" })).toBe(
      "/b/chatfusion",
    );
    expect(runtimeFolder({ XDG_RUNTIME_DIR: "relative" })).toBe(
      join(tmpdir(), `chatfusion-${process.getuid?.()}`),
    );
  });

  test("that is missing holds no server, and is not made by looking", async () => {
    expect(await listServers(folder)).toEqual([]);
    expect(await textOf(stat(folder))).toMatch(/ENOENT/);
  });

  test("is refused when others may look into it", async () => {
    await mkdir(folder, { mode: 0o700 });
    await chmod(folder, 0o777);
    expect(await textOf(makeRuntimeFolder(folder))).toMatch(/expected mode 700, got 777/);
    await writeFile(join(folder, "0123456789abcdef.json"), "{}");
    expect(await textOf(listServers(folder))).toMatch(/expected mode 700, got 777/);
  });

  test("is refused when it is a link, whoever made it", async () => {
    await mkdir(`${folder}-real`, { mode: 0o700 });
    await symlink(`${folder}-real`, folder);
    expect(await textOf(makeRuntimeFolder(folder))).toMatch(/expected a folder/);
  });
});

test("an address is where this machine reaches a server", () => {
  expect(addressOf({ host: "0.0.0.0", port: 1 })).toBe("127.0.0.1:1");
  expect(addressOf({ host: "::", port: 1 })).toBe("[::1]:1");
  expect(addressOf({ host: "192.168.0.7", port: 1 })).toBe("192.168.0.7:1");
});
