// auth-sqlite: the suite of its role, its commands, what another process changes under it, and
// what it keeps of a password. Files that are none or damaged: files.hostile.test.ts.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { createHash, createHmac } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import authSqlite from "../../plugins/auth-sqlite.ts";
import { deriveVerifier } from "../../plugins/auth-sqlite/password.ts";
import limitRate from "../../plugins/limit-rate.ts";
import { ChatFusionError } from "../../src/errors.ts";
import { LIMITS } from "../../src/limits.ts";
import { parseNick } from "../../src/names.ts";
import type { Credential } from "../../src/plugin/hooks.ts";
import { command, definePlugin } from "../../src/plugin.ts";
import { startServer } from "../../src/testing.ts";
import { testAuth } from "../../src/testing/auth-suite.ts";
import type { SetUp, SetUpOptions } from "../../src/testing/context.ts";
import { setUp } from "../../src/testing/context.ts";

const scramIterations: number = LIMITS.scramIterationsMin;

const start = (options: SetUpOptions = {}, iterations = scramIterations): Promise<SetUp> =>
  setUp(authSqlite({ scramIterations: iterations }), options);

const run = async ({ parts }: SetUp, name: string, ...words: string[]) =>
  parts.commands![name]!.run(words, { by: "console", roles: [] });

const ask = async ({ parts }: SetUp, nick: string, password?: string) => {
  const credential: Credential =
    password === undefined ? { kind: "none" } : { kind: "password", password };
  const rest = { why: "enter", remote: "127.0.0.1:40123", door: "native" } as const;
  return parts.onAuth!({ nick: parseNick(nick), credential, ...rest });
};

interface Kept {
  readonly hash: string;
  readonly scram_salt: Uint8Array;
  readonly scram_iterations: number;
  readonly scram_stored_key: Uint8Array;
  readonly scram_server_key: Uint8Array;
  readonly revision: number;
}

/** What the file holds of a nick. */
function kept({ folder }: SetUp, nick: string): Kept {
  using database = new Database(join(folder, "accounts.sqlite"), { readonly: true });
  return database.query<Kept, [string]>("SELECT * FROM accounts WHERE nick = ?").get(nick)!;
}

testAuth("auth-sqlite", {
  guests: false,
  async make(folder, accounts) {
    await using world = await start({ folder });
    for (const { nick, password, roles } of accounts) {
      await run(world, "user-add", nick, password, ...roles);
    }
    return authSqlite({ scramIterations });
  },
});

test("a nick is registered, listed, given another password, and removed", async () => {
  await using world = await start();
  expect(await run(world, "user-list")).toMatchObject({ text: "no nick is registered", data: [] });
  expect(await run(world, "user-add", "Ana", "one", "admin", "bot", "bot")).toEqual({
    text: "Ana is registered",
  });
  expect(await run(world, "user-list")).toEqual({
    text: "Ana admin bot",
    data: [{ nick: parseNick("Ana"), roles: ["admin", "bot"], created: world.clock.now() }],
  });
  expect(await run(world, "user-passwd", "ANA", "two")).toEqual({ text: "Ana has a new password" });
  expect(await ask(world, "ana", "one")).toMatchObject({ code: "AUTH_FAILED" });
  expect(await ask(world, "ana", "two")).toMatchObject({ verdict: "allow", account: "Ana" });
  expect(await run(world, "user-del", "ana")).toEqual({ text: "Ana is no longer registered" });
  expect(await ask(world, "ana")).toBeUndefined();
  expect(await ask(world, "ana", "two")).toMatchObject({ code: "AUTH_FAILED" });
});

test("roles are those of the core, of commands, and those that plugins name", async () => {
  const args = v.array(v.string());
  const load = command({ about: "loads", role: "dealer", args, run: () => ({ text: "" }) });
  const dice = definePlugin({
    name: "dice",
    setup: () => ({
      roles: ["player"],
      commands: { load },
    }),
  });
  const plugins = [authSqlite({ scramIterations }), limitRate({ exempt: ["bot"] }), dice()];
  await using server = await startServer({ plugins });
  for (const [index, role] of ["operator", "player", "dealer", "bot"].entries())
    expect(await server.run("user-add", `nick${index}`, "secret", role)).toHaveProperty("text");
  expect(await server.run("user-add", "eve", "secret", "bot", "playr")).toEqual({
    code: "BAD_REQUEST",
    text: "role playr: nothing on this server looks for it; expected bot, dealer, operator, player",
  });
});

test("commands refuse with a code what they can't do, and change nothing", async () => {
  await using world = await start();
  await run(world, "user-add", "Ilya", "secret");
  const long = "x".repeat(LIMITS.passwordBytesMax + 1);
  const roles = Array.from({ length: LIMITS.rolesPerAccountMax + 1 }, (_, index) => `r${index}`);
  const refused: [code: string, name: string, ...words: string[]][] = [
    ["NICK_INVALID", "user-add", "no spaces", "secret"],
    ["NICK_INVALID", "user-add", "'; DROP TABLE accounts; --", "secret"],
    ["NICK_IN_USE", "user-add", "ILYA", "secret"],
    ["NICK_IN_USE", "user-add", "1lya", "secret"],
    ["BAD_REQUEST", "user-add", "ben", ""],
    ["BAD_REQUEST", "user-add", "ben", long],
    ["BAD_REQUEST", "user-add", "ben", "a\u001bb"],
    ["BAD_REQUEST", "user-add", "ben", "secret", "Admin"],
    ["BAD_REQUEST", "user-add", "ben", "secret", "a b"],
    ["BAD_REQUEST", "user-add", "ben", "secret", ...roles],
    ["USAGE", "user-add", "ben"],
    ["USAGE", "user-list", "ben"],
    ["USAGE", "user-passwd", "ilya", "two", "words"],
    ["USAGE", "user-del", "ilya", "ben"],
    ["NO_SUCH_NICK", "user-passwd", "ben", "secret"],
    ["NO_SUCH_NICK", "user-passwd", "1lya", "secret"],
    ["NICK_INVALID", "user-passwd", "%", "secret"],
    ["BAD_REQUEST", "user-passwd", "ilya", ""],
    ["NO_SUCH_NICK", "user-del", "ben"],
    ["NO_SUCH_NICK", "user-del", "1lya"],
  ];
  for (const [code, name, ...words] of refused) {
    expect(await run(world, name, ...words)).toMatchObject({ code });
  }
  expect(await run(world, "user-list")).toMatchObject({ text: "Ilya" });
  expect(await ask(world, "ilya", "secret")).toMatchObject({ verdict: "allow" });
});

test("of two who register one nick at once, one is told that it is taken", async () => {
  await using world = await start();
  const answers = await Promise.all([
    run(world, "user-add", "Ana", "one"),
    run(world, "user-add", "ana", "two"),
  ]);
  expect(answers.filter((answer) => "code" in answer)).toMatchObject([{ code: "NICK_IN_USE" }]);
  expect(world.claimed).toHaveLength(1);
});

test("the core hears of a new account, once, also when another process has made it", async () => {
  await using world = await start();
  await run(world, "user-add", "Ana", "secret");
  expect(world.claimed).toEqual([parseNick("Ana")]);
  await using other = await start({ folder: world.folder });
  await run(other, "user-add", "Ben", "secret");
  await run(other, "user-passwd", "Ana", "other");
  expect(await ask(world, "ben")).toMatchObject({ code: "NICK_REGISTERED" });
  world.clock.advance(LIMITS.accountsPollMs);
  expect(world.claimed).toEqual([parseNick("Ana"), parseNick("Ben")]);
  world.clock.advance(LIMITS.accountsPollMs * 5);
  expect(world.claimed).toHaveLength(2);
  await world.stop();
  world.clock.advance(LIMITS.accountsPollMs * 5);
});

test("what another process changes counts for the next login", async () => {
  await using world = await start();
  await run(world, "user-add", "Ana", "one");
  await using other = await start({ folder: world.folder });
  await run(other, "user-passwd", "Ana", "two");
  expect(await ask(world, "ana", "one")).toMatchObject({ code: "AUTH_FAILED" });
  expect(await ask(world, "ana", "two")).toMatchObject({ verdict: "allow" });
  await run(other, "user-del", "Ana");
  expect(await ask(world, "ana", "two")).toMatchObject({ code: "AUTH_FAILED" });
});

test("whom another process removes, or gives another password or role, is logged out", async () => {
  await using world = await start();
  for (const nick of ["Ana", "Ben", "Cleo", "Dan"]) await run(world, "user-add", nick, "one");
  await using other = await start({ folder: world.folder });
  await run(other, "user-passwd", "Ana", "two");
  await run(other, "user-del", "Ben");
  {
    using database = new Database(join(world.folder, "accounts.sqlite"));
    database.run("UPDATE accounts SET roles = 'operator' WHERE nick = 'Cleo'");
  }
  expect(world.revoked).toEqual([]);
  world.clock.advance(LIMITS.accountsPollMs);
  expect(world.revoked.toSorted()).toEqual(["Ana", "Ben", "Cleo"]);
  expect(await ask(world, "cleo", "one")).toMatchObject({ roles: ["operator"] });
  world.clock.advance(LIMITS.accountsPollMs * 5);
  await run(world, "user-passwd", "Dan", "two");
  world.clock.advance(LIMITS.accountsPollMs * 5);
  expect(world.revoked.slice(3)).toEqual(["Dan"]);
});

test("a password that is changed while it is compared lets nobody in", async () => {
  let meanwhile = () => Promise.resolve<unknown>(undefined);
  const verify = async (password: string, hash: string) => {
    const matches = await Bun.password.verify(password, hash);
    await meanwhile();
    return matches;
  };
  await using world = await start({ host: { verify } });
  await run(world, "user-add", "Ana", "one");
  meanwhile = () => run(world, "user-passwd", "Ana", "two");
  expect(await ask(world, "ana", "one")).toMatchObject({ code: "AUTH_FAILED" });
  meanwhile = () => run(world, "user-del", "Ana");
  expect(await ask(world, "ana", "two")).toMatchObject({ code: "AUTH_FAILED" });
});

test("a full line of hashers is told as what it is", async () => {
  const busy = () => Promise.reject(new ChatFusionError("AUTH_BUSY", "too many"));
  await using world = await start({ host: { verify: busy, hash: busy } });
  const refused = await ask(world, "ana", "secret").catch((thrown: unknown) => thrown);
  expect(refused).toMatchObject({ code: "AUTH_BUSY" });
  expect(await run(world, "user-add", "ana", "secret")).toMatchObject({ code: "AUTH_BUSY" });
});

test("a database that another process holds refuses changes, not logins", async () => {
  await using world = await start();
  await run(world, "user-add", "Ana", "secret");
  using other = new Database(join(world.folder, "accounts.sqlite"));
  other.run("BEGIN IMMEDIATE");
  expect(await run(world, "user-add", "Ben", "secret")).toMatchObject({ code: "AUTH_BUSY" });
  expect(await ask(world, "ana", "secret")).toMatchObject({ verdict: "allow" });
  other.run("ROLLBACK");
  expect(await run(world, "user-add", "Ben", "secret")).toEqual({ text: "Ben is registered" });
});

test("the database is its owner's alone, and waits for the disk at each change", async () => {
  await using world = await start();
  await run(world, "user-add", "Ana", "secret");
  for (const suffix of ["", "-wal", "-shm"]) {
    const { mode } = await stat(join(world.folder, `accounts.sqlite${suffix}`));
    expect(mode & 0o777).toBe(0o600);
  }
});

test("the SCRAM verifier is that of RFC 7677's example", async () => {
  const salt = Uint8Array.fromBase64("W22ZaJ0SNY7soEsUEjb6gQ==");
  const { storedKey, serverKey } = await deriveVerifier("pencil", salt, 4096);
  const nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  const server = `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`;
  const messages = `n=user,r=rOprNGfwEbeRWgbNEkqO,${server},c=biws,r=${nonce}`;
  const hmac = (key: Uint8Array) => createHmac("sha256", key).update(messages).digest();
  expect(hmac(serverKey).toBase64()).toBe("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  const proof = Uint8Array.fromBase64("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  const clientKey = hmac(storedKey).map((byte, index) => byte ^ proof[index]!);
  expect(createHash("sha256").update(clientKey).digest().equals(storedKey)).toBe(true);
});

test("beside the hash stands the verifier of the same password, never the password", async () => {
  await using world = await start();
  await run(world, "user-add", "Ana", "one\u00a0canary");
  const row = kept(world, "Ana");
  const verifier = await deriveVerifier("one canary", row.scram_salt, row.scram_iterations);
  expect(Buffer.from(row.scram_stored_key).equals(verifier.storedKey)).toBe(true);
  expect(Buffer.from(row.scram_server_key).equals(verifier.serverKey)).toBe(true);
  expect(row.scram_salt).toHaveLength(16);
  expect(await Bun.password.verify("one canary", row.hash)).toBe(true);
  await world.stop();
  const bytes = await Bun.file(join(world.folder, "accounts.sqlite")).bytes();
  expect(Buffer.from(bytes).includes("canary")).toBe(false);
});

test("at a login weak hashes and verifiers are made anew, and the password stays", async () => {
  await using world = await start();
  await run(world, "user-add", "Ana", "secret");
  const before = kept(world, "Ana");
  await world.stop();
  const hash = (password: string) =>
    Bun.password.hash(password, { algorithm: "argon2id", memoryCost: 16, timeCost: 2 });
  const { folder } = world;
  await using later = await start({ folder, host: { hash } }, scramIterations + 1);
  expect(await ask(later, "ana", "wrong")).toMatchObject({ verdict: "deny" });
  expect(await ask(later, "ana", "secret")).toMatchObject({ verdict: "allow" });
  await later.stop();
  const after = kept(world, "Ana");
  expect(after).toMatchObject({ scram_iterations: scramIterations + 1, revision: before.revision });
  expect(after.hash).toStartWith("$argon2id$v=19$m=16,t=2,p=1$");
  await using again = await start({ folder, host: { hash } });
  expect(await ask(again, "ana", "secret")).toMatchObject({ verdict: "allow" });
  await again.stop();
  expect(kept(world, "Ana")).toEqual(after);
});

test("a database of the version before, without certificates, is brought up to date", async () => {
  await using old = await start();
  await run(old, "user-add", "ann", "secret");
  await old.stop();
  {
    using database = new Database(join(old.folder, "accounts.sqlite"));
    database.run("DROP TABLE certificates; PRAGMA user_version = 1");
  }
  await using now = await start({ folder: old.folder });
  expect(await run(now, "user-cert", "ann", "ab".repeat(32))).toHaveProperty("text");
  const fingerprint = Uint8Array.fromHex("ab".repeat(32));
  const rest = { why: "enter", remote: "127.0.0.1:40123", door: "irc" } as const;
  const asked = { nick: parseNick("ann"), credential: { kind: "certificate" }, ...rest } as const;
  expect(await now.parts.onAuth!({ ...asked, fingerprint })).toMatchObject({ account: "ann" });
  expect(await now.parts.onAuth!(asked)).toMatchObject({ code: "AUTH_FAILED" });
  await run(now, "user-del", "ann");
  await run(now, "user-add", "ben", "secret");
  expect(await run(now, "user-cert", "ben", "ab".repeat(32))).toHaveProperty("text");
});
