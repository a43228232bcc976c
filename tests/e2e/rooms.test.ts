// Rooms that people run, on two merged servers, as real processes: each command on a terminal and
// as JSON, what it does to people of the other server, and what the operators do.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Program, type ServerProgram, Stage } from "./servers.ts";
import { hasTmux, Terminal } from "./terminal.ts";

const TEST_MS = 120_000;
const MAIN = join(import.meta.dir, "../../src/cli/main.ts");
const PASSWORD = "correct-horse";
const ROOM = "#tea";

const stage = new Stage();
const file = join(stage.folder, "password");
let paris: ServerProgram;
let lyon: ServerProgram;
/** ann founds the room in paris, ben has an account in lyon, gus is a guest there. */
let ann: Program;
let ben: Program;
let gus: Program;
let terminal: Terminal | undefined;

const enter = (nick: string, server: ServerProgram) =>
  stage.chat(nick, server, "--password-file", file);

/** Types a line, and resolves to its answer: an `ack`, an object of its own, or an `error`. */
async function typed(chat: Program, line: string): Promise<Record<string, unknown>> {
  const count = (lines.get(chat) ?? 0) + 1;
  lines.set(chat, count);
  chat.type(line);
  return chat.when({ ref: count });
}
const lines = new Map<Program, number>();

beforeAll(async () => {
  writeFileSync(file, `${PASSWORD}\n`);
  [paris, lyon] = await Promise.all([stage.serve("paris"), stage.serve("lyon")]);
  await paris.run(`user-add ann ${PASSWORD}`);
  await paris.run(`user-add olga ${PASSWORD} operator`);
  await lyon.run(`user-add ben ${PASSWORD}`);
  await paris.run(`merge ${lyon.address}`);
  [ann, ben] = await Promise.all([enter("ann", paris), enter("ben", lyon)]);
  gus = await stage.chat("gus", lyon);
}, TEST_MS);
afterAll(async () => {
  await terminal?.close();
  await stage.close();
});

describe("as JSON", () => {
  test(
    "the first account founds a room, and people of both servers are told what is set",
    async () => {
      expect(await typed(ann, `/join ${ROOM}`)).toMatchObject({ event: "ack", role: "owner" });
      for (const chat of [ben, gus]) await typed(chat, `/join ${ROOM}`);
      const topic = await typed(ann, `/topic ${ROOM} tea at five`);
      expect(topic).toMatchObject({ event: "ack", key: "topic", value: "tea at five" });
      const told = { event: "setting", room: ROOM, key: "topic", by: "ann@paris" };
      for (const chat of [ann, ben, gus]) await chat.when(told);
      await typed(ann, `/describe ${ROOM} for those who like it`);
      await typed(ann, `/role ${ROOM} ben@lyon moderator`);
      await ben.when({ event: "setting", key: "role/ben@lyon", value: "moderator" });
      expect(await typed(gus, `/topic ${ROOM} mine`)).toMatchObject({ code: "NOT_PERMITTED" });
    },
    TEST_MS,
  );

  test(
    "a moderator of the other server mutes, kicks, bans, pins and sets some modes",
    async () => {
      const from = ann.heard.lines.length;
      expect(await typed(ben, `/mute ${ROOM} gus@lyon 10m too loud`)).toMatchObject({
        key: "mute/gus@lyon",
        value: { reason: "too loud" },
      });
      await ann.when({ event: "setting", key: "mute/gus@lyon" }, from);
      expect(await typed(gus, `/say ${ROOM} can you hear me`)).toMatchObject({ code: "MUTED" });
      await typed(ben, `/unmute ${ROOM} gus@lyon`);
      for (const [mode, code] of [
        ["moderated", "MODERATED"],
        ["read-only", "READ_ONLY"],
      ] as const) {
        await typed(ben, `/mode ${ROOM} ${mode}`);
        expect(await typed(gus, `/say ${ROOM} x`)).toMatchObject({ code });
        await typed(ben, `/mode ${ROOM} -${mode}`);
      }
      await typed(ben, `/mode ${ROOM} slow 60`);
      const said = await typed(gus, `/say ${ROOM} once`);
      expect(await typed(gus, `/say ${ROOM} twice`)).toMatchObject({ code: "SLOW_MODE" });
      await typed(ben, `/mode ${ROOM} -slow`);
      await typed(ben, `/pin ${ROOM} ${String(said["id"])}`);
      await ann.when({ event: "setting", key: `pin/${String(said["id"])}`, value: true });
      expect(await typed(ben, `/kick ${ROOM} gus@lyon enough`)).toMatchObject({
        address: "gus@lyon",
      });
      expect(await gus.when({ event: "removed", room: ROOM })).toMatchObject({ code: "KICKED" });
      await ann.when({ event: "presence", who: "gus@lyon", room: ROOM, now: "left" });
      await typed(ben, `/ban ${ROOM} *@lyon 1h everybody but those with a role`);
      expect(await typed(gus, `/join ${ROOM}`)).toMatchObject({ code: "BANNED" });
      await typed(ben, `/unban ${ROOM} *@lyon`);
      expect(await typed(gus, `/join ${ROOM}`)).toMatchObject({
        event: "ack",
        topic: "tea at five",
      });
      for (const mode of ["secret", "invite-only", "key sesame", "limit 2"])
        expect(await typed(ben, `/mode ${ROOM} ${mode}`)).toMatchObject({ code: "NOT_PERMITTED" });
      await typed(ben, `/unpin ${ROOM} ${String(said["id"])}`);
    },
    TEST_MS,
  );

  test(
    "a key, a limit, invitations and secrecy hold on the other server",
    async () => {
      const pia = await stage.chat("pia", lyon);
      await typed(ann, `/mode ${ROOM} key sesame`);
      await ben.when({ event: "setting", key: "mode/key", value: true });
      expect(await typed(pia, `/join ${ROOM}`)).toMatchObject({ code: "KEY_WRONG" });
      expect(await typed(pia, `/join ${ROOM} sesame`)).toMatchObject({ event: "ack" });
      await typed(pia, `/part ${ROOM}`);
      await typed(ann, `/mode ${ROOM} -key`);
      await typed(ann, `/mode ${ROOM} limit 3`);
      await ben.when({ event: "setting", key: "mode/limit", value: 3 });
      expect(await typed(pia, `/join ${ROOM}`)).toMatchObject({ code: "ROOM_FULL" });
      await typed(ann, `/mode ${ROOM} -limit`);
      await typed(ann, `/mode ${ROOM} invite-only`);
      await ben.when({ event: "setting", key: "mode/invite-only", value: true });
      expect(await typed(pia, `/join ${ROOM}`)).toMatchObject({ code: "INVITE_ONLY" });
      await typed(ann, `/invite ${ROOM} pia@lyon`);
      await pia.when({ event: "invited", room: ROOM, by: "ann@paris" });
      expect(await typed(pia, `/join ${ROOM}`)).toMatchObject({ event: "ack" });
      await typed(pia, `/part ${ROOM}`);
      await typed(ann, `/uninvite ${ROOM} pia@lyon`);
      await typed(ann, `/mode ${ROOM} secret`);
      await ben.when({ event: "setting", key: "mode/secret", value: true });
      const { rooms } = (await typed(pia, "/rooms")) as { rooms: readonly { room: string }[] };
      expect(rooms.map(({ room }) => room)).toEqual(["#lobby"]);
      for (const mode of ["secret", "invite-only"]) await typed(ann, `/mode ${ROOM} -${mode}`);
      const whole = await typed(ann, `/room ${ROOM}`);
      expect(whole).toMatchObject({ event: "room", founder: "ann@paris", role: "owner" });
      const keys = (whole["settings"] as readonly { key: string }[]).map(({ key }) => key);
      // Those that were there when it closed are invited still.
      const invited = ["invite/ben@lyon", "invite/gus@lyon"];
      expect(keys).toEqual(["description", ...invited, "role/ben@lyon", "topic"]);
    },
    TEST_MS,
  );

  test(
    "what is set outlives the servers",
    async () => {
      const [from, data] = [join(stage.folder, "data", "paris"), paris.port];
      await ann.kill();
      await paris.kill();
      paris = await stage.serve("paris", { data: from, port: data });
      ann = await enter("ann", paris);
      await lyon.when({ event: "merged", back: true });
      expect(await typed(ann, `/join ${ROOM}`)).toMatchObject({
        role: "owner",
        topic: "tea at five",
      });
      expect(await typed(ben, `/topic ${ROOM} coffee`)).toMatchObject({ value: "coffee" });
      await ann.when({ event: "setting", key: "topic", value: "coffee", by: "ben@lyon" });
    },
    TEST_MS,
  );
});

describe("operators", () => {
  test(
    "ban people, addresses and servers, and are noted in the audit log",
    async () => {
      const bad = await stage.chat("bad", paris);
      expect(await paris.run("ban bad@paris 1h noise")).toMatchObject({ ok: true, ended: 1 });
      await bad.when({ event: "connection", state: "closed", code: "BANNED" });
      const again = stage.run("chat", `bad@${paris.address}`, "--json");
      await again.when({ event: "error", code: "BANNED" });
      expect(await paris.run("ban *@lyon")).toMatchObject({ ok: true });
      expect(await typed(gus, "/msg ann@paris hello")).toMatchObject({ code: "BANNED" });
      expect(await paris.run("bans")).toMatchObject({ ok: true });
      await paris.run("unban *@lyon");
      expect(await typed(gus, "/msg ann@paris hello")).toMatchObject({ outcome: "delivered" });
      await paris.run("ban 192.0.2.0/24");
      const olga = await enter("olga", paris);
      expect(await typed(olga, "/topic #lobby house rules")).toMatchObject({ event: "ack" });
      expect(await typed(olga, "/run bans")).toMatchObject({ event: "answer" });
      const audit = (await paris.run("audit")) as unknown as { lines: readonly { did: string }[] };
      const did = ["merge", "ban", "ban", "unban", "ban", "set"];
      expect(audit.lines.map((line) => line.did)).toEqual(did);
    },
    TEST_MS,
  );

  test(
    "see in a dry run which rooms both sides rule, and choose whom their server follows",
    async () => {
      const nice = await stage.serve("nice");
      await nice.run(`user-add nina ${PASSWORD}`);
      const nina = await enter("nina", nice);
      await typed(nina, `/join ${ROOM}`);
      await typed(nina, `/topic ${ROOM} of nice`);
      const dry = await paris.run(`merge --dry-run ${nice.address}`);
      expect(dry["ruled"]).toMatchObject([
        { room: ROOM, ours: { founder: "ann@paris" }, theirs: { founder: "nina@nice" } },
      ]);
      await paris.run(`merge ${nice.address}`);
      expect(await typed(nina, `/room ${ROOM}`)).toMatchObject({ founder: "nina@nice" });
      expect(await typed(ann, `/room ${ROOM}`)).toMatchObject({ founder: "ann@paris" });
      // Both come to know the other's founding, a moment after they are merged.
      for (let known = 0; known < 2;)
        known = ((await paris.run(`room ${ROOM}`))["foundings"] as readonly unknown[]).length;
      expect(await paris.run(`room follow ${ROOM} nice`)).toMatchObject({ follows: "nina@nice" });
      expect(await typed(ann, `/room ${ROOM}`)).toMatchObject({ topic: "of nice" });
      expect(await paris.run(`room follow ${ROOM} paris`)).toMatchObject({ follows: "ann@paris" });
      await paris.run("unmerge nice");
      expect(await typed(ann, `/room ${ROOM}`)).toMatchObject({ topic: "coffee" });
    },
    TEST_MS,
  );
});

describe.skipIf(!hasTmux)("on a terminal (needs tmux)", () => {
  test(
    "each command is one line, and tells in one line what it did",
    async () => {
      await ann.kill();
      const words = [
        process.execPath,
        MAIN,
        "chat",
        `ann@${paris.address}`,
        "--password-file",
        file,
      ];
      const { folder, env } = stage;
      terminal = new Terminal(words.map((one) => `'${one}'`).join(" "), { folder, env });
      await terminal.shows(/^ann@paris>/);
      const shows = async (line: string, row: RegExp) => {
        terminal?.type(`${line}\r`);
        await terminal?.shows(row);
      };
      await shows(`/join ${ROOM}`, /you are in #tea, with 2 other people; topic: coffee/);
      await shows(`/topic ${ROOM} biscuits`, /ann@paris has set the topic of #tea: biscuits/);
      await shows(`/mode ${ROOM} slow 5`, /ann@paris has made #tea slow: one message in 5 s/);
      await shows(`/mode ${ROOM} -slow`, /has made #tea not slow any more/);
      await shows(`/role ${ROOM} ben@lyon owner`, /given ben@lyon the role owner in #tea/);
      await shows(`/mute ${ROOM} gus@lyon hush`, /ann@paris has muted gus@lyon in #tea: hush/);
      await shows(`/unmute ${ROOM} gus@lyon`, /has unmuted gus@lyon in #tea/);
      await shows(`/kick ${ROOM} gus@lyon`, /gus@lyon has left #tea \(kicked by ann@paris\)/);
      await shows(`/ban ${ROOM} gus@lyon`, /ann@paris has banned gus@lyon in #tea/);
      await shows(`/unban ${ROOM} gus@lyon`, /has unbanned gus@lyon in #tea/);
      await shows(`/uninvite ${ROOM} gus@lyon`, /taken back the invitation of gus@lyon to #tea/);
      await shows(`/invite ${ROOM} gus@lyon`, /ann@paris has invited gus@lyon to #tea/);
      await shows(`/pin ${ROOM} nobody`, /no such message of "nobody" was shown here/);
      await shows(`/say ${ROOM} at nine`, /#tea ann@paris: at nine/);
      await shows(
        `/pin ${ROOM} ^`,
        /ann@paris has pinned a message of ann@paris “at nine” in #tea/,
      );
      await shows(
        `/unpin ${ROOM} ann`,
        /ann@paris has unpinned a message of ann@paris “at nine” in #tea/,
      );
      await shows(`/describe ${ROOM} -`, /ann@paris has removed the description of #tea/);
      await shows(`/role ${ROOM} ben@lyon none`, /has taken the role of ben@lyon in #tea/);
      await shows(`/room ${ROOM}`, /#tea: 2 people, founded by ann@paris; your role: owner/);
      await shows(`/mode ${ROOM} loud`, /mode\/loud: there is no such key; modes are moderated/);
      await gus.when({ event: "invited", room: ROOM, by: "ann@paris" });
    },
    TEST_MS,
  );
});
