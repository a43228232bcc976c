// Private messages to somebody who is offline, by real processes: what was answered "stored" is
// there after a kill -9, is shown once, and stands in no file of a plugin that logs.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../../src/client.ts";
import { type Line, type Program, type ServerProgram, Stage } from "./servers.ts";

const TEST_MS = 120_000;
const CONFIG = `
import { defineConfig } from "chatfusion";
import authGuest from "chatfusion/plugins/auth-guest";
import authSqlite from "chatfusion/plugins/auth-sqlite";
import fabricTree from "chatfusion/plugins/fabric-tree";
import logJsonl from "chatfusion/plugins/log-jsonl";
import logSqlite from "chatfusion/plugins/log-sqlite";
export default defineConfig({
  name: "unnamed",
  plugins: [authSqlite(), authGuest(), logSqlite(), logJsonl(), fabricTree()],
});
`;
const to = "ana@paris";
/** All of them fit into one mailbox. */
const KILLS = 6;
const LINES = 30;

const stage = new Stage();
const password = join(stage.folder, "password");
let paris: ServerProgram;
let lyon: ServerProgram;

const serve = (name: string, port = 0) => stage.serve(name, { config: CONFIG, port });
const logIn = () => stage.chat("ana", paris, "--password-file", password);
const told = (chat: Program) => chat.heard.all({ event: "private" });

beforeAll(async () => {
  [paris, lyon] = await Promise.all([serve("paris"), serve("lyon")]);
  expect(await paris.run("user-add ana correct-horse")).toMatchObject({ ok: true });
  writeFileSync(password, "correct-horse\n");
  await merge();
}, TEST_MS);
afterAll(() => stage.close());

test(
  "what was stored is there after a kill -9, is shown once, in order, with its time",
  async () => {
    const [bob, cat] = [await stage.chat("bob", lyon), await stage.chat("cat", paris)];
    const lines = Array.from({ length: 30 }, (_, i) => `canary ${i}`);
    const acks: Line[] = [];
    for (const line of lines) {
      bob.type(`/msg ${to} ${line}`);
      acks.push(await bob.when({ event: "ack", to, text: line }));
      cat.type(`/msg ${to} ${line}`);
      expect(await cat.when({ event: "ack", to, text: line })).toMatchObject({ outcome: "stored" });
    }
    expect(new Set(acks.map(({ outcome }) => outcome))).toEqual(new Set(["stored"]));
    expect(await paris.run("status")).toMatchObject({ mail: 60 });
    const [file = "", ...others] = canaries();
    expect(file).toMatch(/\/store\/mail-[01][0-9a-f]$/);
    expect(others).toEqual([]);
    expect((statSync(file).mode & 0o777).toString(8)).toBe("600");

    await restartParis();
    const ana = await logIn();
    await ana.heard.whenSome({ event: "private" }, 60);
    for (const from of ["bob@lyon", "cat@paris"]) {
      const of = told(ana).filter((line) => line["from"] === from);
      expect(of.map(({ text }) => text)).toEqual(lines);
      if (from === "bob@lyon") expect(of.map(({ at }) => at)).toEqual(acks.map(({ at }) => at));
      expect(new Set(of.map(({ late }) => late))).toEqual(new Set([true]));
    }
    await bye(ana);
    // Kept beside what is to be forgotten: when it is on the disk, that is.
    cat.type(`/msg ${to} one more`);
    expect(await cat.when({ event: "ack", text: "one more" })).toMatchObject({ outcome: "stored" });
    await restartParis();
    const next = await logIn();
    await next.when({ event: "private", text: "one more" });
    expect(told(next)).toHaveLength(1);
    await bye(next);
    expect(canaries()).toEqual([]);
    await paris.when({ event: "merged" }); // lyon dials again by itself
  },
  TEST_MS,
);

test(
  `a server that is killed ${KILLS} times shows what was said to it once, in order`,
  async () => {
    const server = { host: "127.0.0.1", port: paris.port };
    const dan = await connect({ nick: "dan", server });
    const said: Promise<string>[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      for (let line = 0; line < LINES; line++) {
        const text = `${kill}.${line}`;
        said.push(dan.tell(to, text).then(({ outcome }) => `${text} ${outcome}`));
      }
      // The first ones are one write, and the others, which are said again, another.
      await said.at(kill - LINES);
      await restartParis();
    }
    const stored = await Promise.all(said);
    const ana = await logIn();
    const lines = await ana.heard.whenSome({ event: "private" }, KILLS * LINES);
    expect(lines.map(({ text }) => `${String(text)} stored`)).toEqual(stored);
    await bye(ana);
    await dan.close();
    await paris.when({ event: "merged" });
  },
  TEST_MS,
);

test(
  "what was stored is gone with the account, and whoever takes the nick then reads none of it",
  async () => {
    const bob = await stage.chat("bill", lyon);
    bob.type(`/msg ${to} for the old ana`);
    expect(await bob.when({ event: "ack", ref: 1 })).toMatchObject({ outcome: "stored" });
    expect(await paris.run("user-del ana")).toMatchObject({ ok: true });
    expect(await paris.run("status")).toMatchObject({ mail: 0 });
    bob.type(`/msg ${to} to nobody`);
    expect(await bob.when({ event: "error", ref: 2 })).toMatchObject({ code: "NO_SUCH_NICK" });
    const guest = await stage.chat("ana", paris);
    bob.type(`/msg ${to} for the new one`);
    await guest.when({ event: "private", text: "for the new one" });
    expect(told(guest)).toHaveLength(1);
  },
  TEST_MS,
);

// --- internal ------------------------------------------------------------------------------------

async function merge(): Promise<void> {
  lyon.type(`merge ${paris.address}`);
  await lyon.when({ event: "merged" });
}

async function restartParis(): Promise<void> {
  const { port } = paris;
  await paris.kill();
  paris = await serve("paris", port);
}

/** Leaves in good order: what came has been read. */
async function bye(chat: Program): Promise<void> {
  chat.type("/quit");
  expect(await chat.exited()).toBe(0);
}

/** All files of the server's data in which something private stands. */
function canaries(): string[] {
  const folder = join(stage.folder, "data", "paris");
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes("canary"));
}
