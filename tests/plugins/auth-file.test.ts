// auth-file: the suite of its role, its lines, and changes of the file. Files that are none or
// damaged: files.hostile.test.ts.

import { expect, test } from "bun:test";
import { appendFile, chmod, mkdtemp, rename, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import authFile from "../../plugins/auth-file.ts";
import { LIMITS } from "../../src/limits.ts";
import { parseNick } from "../../src/names.ts";
import type { Credential } from "../../src/plugin/hooks.ts";
import { testAuth } from "../../src/testing/auth-suite.ts";
import type { SetUp } from "../../src/testing/context.ts";
import { createMemoryStore, setUp } from "../../src/testing/context.ts";

const cheap = { algorithm: "argon2id", memoryCost: 8, timeCost: 1 } as const;

const lineOf = async (nick: string, password: string, ...roles: string[]) => {
  const hash = await Bun.password.hash(password.replace(/\p{Zs}/gu, " ").normalize("NFC"), cheap);
  return [nick, hash, ...(roles.length > 0 ? [roles.join(",")] : [])].join(":");
};

/** Writes the file as an operator should: a new one, renamed. */
async function write(folder: string, ...lines: string[]): Promise<void> {
  const path = join(folder, "people");
  await writeFile(`${path}.new`, lines.join("\n"), { mode: 0o600 });
  await chmod(`${path}.new`, 0o600);
  await rename(`${path}.new`, path);
}

async function withFile(
  lines: readonly string[],
  run: (world: SetUp) => Promise<void>,
  store = createMemoryStore(),
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "chatfusion-auth-file-"));
  try {
    await write(folder, ...lines);
    await using world = await setUp(authFile({ file: "people" }), { folder, store });
    await run(world);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const ask = async ({ parts }: SetUp, nick: string, password?: string) => {
  const credential: Credential =
    password === undefined ? { kind: "none" } : { kind: "password", password };
  const rest = { why: "enter", remote: "127.0.0.1:40123", door: "native" } as const;
  return parts.onAuth!({ nick: parseNick(nick), credential, ...rest });
};

testAuth("auth-file", {
  guests: false,
  async make(folder, accounts) {
    const lines = accounts.map(({ nick, password, roles }) => lineOf(nick, password, ...roles));
    await write(folder, ...(await Promise.all(lines)));
    return authFile({ file: "people" });
  },
});

test("comments, empty lines and the line ends of other systems are left out", async () => {
  const lines = ["# people", "", `${await lineOf("Ana", "secret", "admin")}\r`, "   ", "#ben:x"];
  await withFile(lines, async (world) => {
    const account = { verdict: "allow", account: "Ana", roles: ["admin"] };
    expect(await ask(world, "ana", "secret")).toEqual(account as never);
    expect(await ask(world, "ben")).toBeUndefined();
  });
});

test("a wrong line stops the start, and is named by its number without its text", async () => {
  const good = await lineOf("Ana", "secret");
  const wrong: [line: string, what: string][] = [
    ["ben", "NICK:HASH"],
    ["ben:", "NICK:HASH"],
    ["ben:canary", "argon2id"],
    [good.replace("Ana", "ben").replace("argon2id", "argon2i"), "argon2id"],
    [`${good.replace("Ana", "ben")}:Admin`, "role"],
    [`${good.replace("Ana", "ben")}:a,,b`, "role"],
    [`${good.replace("Ana", "ben")}:a:b`, "NICK:HASH"],
    [good.replace("Ana", "no spaces"), "nick"],
    [good.replace("Ana", "ana"), "looks like Ana"],
  ];
  for (const [line, what] of wrong) {
    let thrown: unknown;
    try {
      await withFile(["# people", good, line], () => Promise.resolve());
    } catch (caught) {
      thrown = caught;
    }
    expect(thrown).toMatchObject({ code: "CONFIG_INVALID" });
    const { message } = thrown as Error;
    expect(message).toMatch(/^auth-file: .*people:3: /);
    expect(message).toContain(what);
    expect(message).not.toContain("canary");
    expect(message).not.toContain(good.split(":")[1]!);
  }
});

test("a change of the file counts in a second, and the core hears who came or went", async () => {
  const [ana, ben] = [await lineOf("Ana", "one"), await lineOf("Ben", "one")];
  await withFile([ana], async (world) => {
    await write(world.folder, await lineOf("Cleo", "two", "bot"), ben);
    expect(await ask(world, "ben")).toBeUndefined();
    world.clock.advance(LIMITS.accountsPollMs);
    await world.untilClaimed(2);
    expect(world.claimed.toSorted()).toEqual([parseNick("Ben"), parseNick("Cleo")]);
    expect(world.revoked).toEqual(["Ana"]);
    expect(await ask(world, "ana")).toBeUndefined();
    expect(await ask(world, "ana", "one")).toMatchObject({ code: "AUTH_FAILED" });
    expect(await ask(world, "cleo", "two")).toMatchObject({ account: "Cleo", roles: ["bot"] });
  });
});

test("while the new file is wrong or gone the old lines count, and the log says so", async () => {
  const ana = await lineOf("Ana", "one");
  await withFile([ana], async (world) => {
    await write(world.folder, ana, "ben:nonsense");
    world.clock.advance(LIMITS.accountsPollMs);
    const { level, fields } = await world.untilLogged("the accounts were not read again");
    expect(level).toBe("error");
    expect(fields["error"]).toContain("people:2: ");
    expect(await ask(world, "ana", "one")).toMatchObject({ verdict: "allow" });
    await unlink(join(world.folder, "people"));
    expect(await ask(world, "ana")).toMatchObject({ code: "NICK_REGISTERED" });
  });
});

test("whose line is another one is logged out, also where only the roles are", async () => {
  const [ana, ben, cleo] = [
    await lineOf("Ana", "one"),
    await lineOf("Ben", "one", "operator"),
    await lineOf("Cleo", "one", "bot"),
  ];
  await withFile([ana, ben, cleo], async (world) => {
    await write(world.folder, await lineOf("Ana", "two"), ben.replace(":operator", ""), cleo);
    await appendFile(join(world.folder, "people"), `\n${await lineOf("Dan", "one")}`);
    world.clock.advance(LIMITS.accountsPollMs);
    await world.untilClaimed(1);
    expect(world.revoked.toSorted()).toEqual(["Ana", "Ben"]);
  });
});

test("a file that has lost all its lines at once is not believed", async () => {
  const ana = await lineOf("Ana", "one");
  await withFile([ana], async (world) => {
    await write(world.folder, "");
    world.clock.advance(LIMITS.accountsPollMs);
    const { fields } = await world.untilLogged("the accounts were not read again");
    expect(fields["error"]).toContain("all accounts are gone at once");
    expect(await ask(world, "ana", "one")).toMatchObject({ verdict: "allow" });
    await write(world.folder, ana, await lineOf("Ben", "one"));
    world.clock.advance(LIMITS.accountsPollMs);
    await world.untilClaimed(1);
    expect(world.revoked).toEqual([]);
  });
});

test("it does not start on an empty file where there were accounts", async () => {
  const store = createMemoryStore();
  const ben = await lineOf("Ben", "one");
  const add = async (world: SetUp) => {
    await write(world.folder, ben);
    world.clock.advance(LIMITS.accountsPollMs);
    await world.untilClaimed(1);
  };
  await withFile([], add, store);
  const start = withFile([], () => Promise.resolve(), store);
  expect(start).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  await start.catch(() => undefined);
});

test("whose line went while the server was stopped is told to the core, too", async () => {
  const store = createMemoryStore();
  const [ana, ben, cleo] = [
    await lineOf("Ana", "one"),
    await lineOf("Ben", "one"),
    await lineOf("Cleo", "one"),
  ];
  const first = async (world: SetUp) => {
    await write(world.folder, ana, ben, cleo);
    world.clock.advance(LIMITS.accountsPollMs);
    await world.untilClaimed(1);
  };
  await withFile([ana, ben], first, store);
  const second = async (world: SetUp) => {
    await write(world.folder, ana, await lineOf("Dan", "one"));
    world.clock.advance(LIMITS.accountsPollMs);
    await world.untilClaimed(1);
    expect(world.revoked.toSorted()).toEqual(["Ben", "Cleo"]);
  };
  await withFile([ana], second, store);
});
