// What a person sees: a server's console and two chats on real terminals.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Program, type ServerProgram, Stage } from "./servers.ts";
import { hasTmux, Terminal } from "./terminal.ts";

const TEST_MS = 60_000;
const MAIN = join(import.meta.dir, "../../src/cli/main.ts");
const PASSWORD = "correct horse";
const stage = new Stage();
const terminals: Terminal[] = [];
const words = (...of: readonly string[]) => of.map((one) => `'${one}'`).join(" ");

function open(...args: readonly string[]): Terminal {
  const { folder, env } = stage;
  const terminal = new Terminal(words(process.execPath, MAIN, ...args), { folder, env });
  terminals.push(terminal);
  return terminal;
}

afterAll(async () => {
  await Promise.all(terminals.map((terminal) => terminal.close()));
  await stage.close();
});

describe.skipIf(!hasTmux)("a server's console on a terminal (needs tmux)", () => {
  test(
    "says where it is and how to join, keeps its prompt below what happens, and ends with stop",
    async () => {
      const operator = open("serve", "--name", "rome", "--data", join(stage.folder, "rome"));
      const first = await operator.shows(/^rome>$/);
      expect(first).toContain("  join     bunx chatfusion chat YOU@rome");
      expect(first.join("\n")).toMatch(/address {2}127\.0\.0\.1:\d+ \(this machine only\)/);
      operator.type("merge nowh");
      await operator.shows(/^rome> merge nowh$/);
      const merge = stage.run("merge", "nobody", "--server", "rome");
      expect(await merge.exited()).not.toBe(0);
      const rows = await operator.shows(/no server named "nobody"/);
      expect(rows.filter((row) => row !== "").at(-1)).toBe("rome> merge nowh");
      operator.type("\u0015help\r");
      await operator.shows(/^kick NICK \[REASON\] +end somebody/);
      await operator.shows(/^ {34}any more$/); // broken between words, in its column
      operator.type("stop\r");
      await operator.shows(/^stopped: the operator said stop$/);
      await operator.shows(/^\[ended with 0\]$/);
    },
    TEST_MS,
  );

  test(
    "has its console again when it was stopped from elsewhere, and goes on",
    async () => {
      const { folder, env } = stage;
      const file = join(folder, "pid");
      const serve = words(process.execPath, MAIN, "serve", "--name", "oslo", "--data", "oslo");
      const job = `sh -c "echo \\$\\$ > ${file}; exec ${serve}"`;
      // As a shell that people type into does it.
      const meanwhile = "stty sane; echo; echo stopped; read -r _";
      const operator = new Terminal(`set -m; ${job}; ${meanwhile}; fg`, { folder, env });
      terminals.push(operator);
      await operator.shows(/^oslo>$/);
      operator.type("wh\u001a");
      await operator.shows(/^Ctrl-Z does nothing here; type stop to end the server$/);
      const pid = Number(readFileSync(file, "utf8"));
      process.kill(pid, "SIGSTOP");
      await operator.shows(/^stopped$/);
      process.kill(pid, "SIGCONT");
      const status = stage.run("status", "--server", "oslo");
      expect(await status.exited()).toBe(0);
      operator.type("\r");
      await operator.shows(/^oslo> wh$/);
      operator.type("\t");
      await operator.shows(/^oslo> who$/);
      operator.type("\r");
      await operator.shows(/^nobody is online$/);
      operator.type("stop\r");
      await operator.shows(/^\[ended with 0\]$/);
    },
    TEST_MS,
  );
});

describe.skipIf(!hasTmux)("a chat on a terminal (needs tmux)", () => {
  let server: ServerProgram;
  let ann: Terminal;
  let eve: Program;

  beforeAll(async () => {
    server = await stage.serve("paris");
    const file = join(stage.folder, "password");
    writeFileSync(file, `${PASSWORD}\n`);
    const add = stage.run("user", "add", "ann", "--server", "paris", "--password-file", file);
    expect(await add.exited()).toBe(0);
    const downloads = ["--downloads", join(stage.folder, "eve")];
    eve = await stage.chat("eve", server, ...downloads, "--accept", "all");
  }, TEST_MS);

  test(
    "asks for the password of a registered nick, and shows nothing of it",
    async () => {
      ann = open("chat", "ann@paris");
      await ann.shows(/^password of ann:$/);
      ann.type("wrong guess\r");
      await ann.shows(/wrong nick or password/);
      ann.type(`${PASSWORD}\r`);
      await ann.shows(/^ann@paris>$/);
      expect(ann.seen).not.toContain(PASSWORD);
      expect(ann.seen).not.toContain("wrong guess");
    },
    TEST_MS,
  );

  test(
    "prints what others say above the line that is being typed",
    async () => {
      ann.type("half a sent");
      await ann.shows(/^ann@paris> half a sent$/);
      eve.type("interrupted", "with \u001b[31mred\u001b[0m and \u0007 bell");
      const rows = await ann.shows(/eve@paris: with /);
      expect(rows.findIndex((row) => row.endsWith("eve@paris: interrupted"))).toBeLessThan(
        rows.indexOf("ann@paris> half a sent"),
      );
      expect(rows.join("\n")).toContain("red");
      ann.type("ence\r");
      await eve.when({ event: "message", from: "ann@paris", text: "half a sentence" });
      await ann.shows(/^ann@paris>$/);
    },
    TEST_MS,
  );

  test(
    "completes names, shows help, and refuses a misspelt command with what was meant",
    async () => {
      ann.type("/msg ev\t");
      await ann.shows(/^ann@paris> \/msg eve@paris/);
      ann.type("psst\r");
      await eve.when({ event: "private", from: "ann@paris", text: "psst" });
      ann.type("/help\r");
      await ann.shows(/^-- \/pin #ROOM MESSAGE +pins a message/);
      ann.type("/snd eve file\r");
      await ann.shows(/unknown command "\/snd".*\/send/);
    },
    TEST_MS,
  );

  test(
    "shows how far a file is, above the line that is being typed, until it has ended",
    async () => {
      const file = join(stage.folder, "large.bin");
      writeFileSync(file, "");
      truncateSync(file, 2 ** 30);
      ann.type(`/send eve ${file}\r`);
      await eve.when({ event: "progress" });
      // Else it might be over before anybody has looked.
      eve.signal("SIGSTOP");
      const rows = await ann.shows(/large\.bin.*%/);
      expect(rows.filter((row) => row !== "").at(-1)).toBe("ann@paris>");
      ann.type("/cancel 1\r");
      await ann.shows(/cancelled/);
      eve.signal("SIGCONT");
      await eve.when({ event: "error", code: "TRANSFER_CANCELLED" });
      const after = await ann.shows(/^ann@paris>$/);
      expect(after.filter((row) => /large\.bin.*%/.test(row))).toEqual([]);
    },
    TEST_MS,
  );

  test(
    "leaves the shell its terminal, too, when it is stopped from elsewhere",
    async () => {
      const { folder, env } = stage;
      const file = join(folder, "pid of yan");
      const chat = words(process.execPath, MAIN, "chat", "yan@paris");
      const job = `sh -c "echo \\$\\$ > '${file}'; exec ${chat}"`;
      const mode = "stty -a | grep -o '.icanon\\|.echo '";
      const yan = new Terminal(`set -m; ${job}; ${mode}; read -r _; fg`, { folder, env });
      terminals.push(yan);
      await yan.shows(/^yan@paris>$/);
      yan.type("half a sent");
      await yan.shows(/^yan@paris> half a sent$/);
      process.kill(Number(readFileSync(file, "utf8")), "SIGTSTP");
      await yan.shows(/^ icanon$/);
      const stopped = await yan.shows(/^ echo$/);
      expect(stopped.filter((row) => row.startsWith("yan@paris>"))).toEqual([]);
      yan.type("\r");
      await yan.shows(/^yan@paris> half a sent$/);
      yan.type("\u0015/quit\r");
      await yan.shows(/^\[ended with 0\]$/);
    },
    TEST_MS,
  );

  test(
    "is stopped by Ctrl-Z, which leaves the shell its terminal, and goes on by fg",
    async () => {
      const { folder, env } = stage;
      const chat = words(process.execPath, MAIN, "chat", "zed@paris");
      const mode = "stty -a | grep -o '.icanon\\|.echo '";
      const zed = new Terminal(`set -m; ${chat}; ${mode}; read -r _; fg`, { folder, env });
      terminals.push(zed);
      await zed.shows(/^zed@paris>$/);
      zed.type("half a sent\u001a");
      await zed.shows(/^ icanon$/);
      const stopped = await zed.shows(/^ echo$/);
      expect(stopped.filter((row) => row.startsWith("zed@paris>"))).toEqual([]);
      eve.type("said meanwhile");
      await eve.when({ event: "message", text: "said meanwhile" });
      zed.type("\r");
      await zed.shows(/eve@paris: said meanwhile$/);
      await zed.shows(/^zed@paris> half a sent$/);
      zed.type("ence\r");
      await eve.when({ event: "message", from: "zed@paris", text: "half a sentence" });
    },
    TEST_MS,
  );

  test(
    "says that the server is gone, finds it again by itself, and says so",
    async () => {
      ann.type("kept while away");
      await ann.shows(/^ann@paris> kept while away$/);
      await server.kill();
      await ann.shows(/the connection is lost/);
      await stage.serve("paris", { port: server.port });
      await ann.shows(/connect\w* again|is back|back again/);
      await eve.when({ event: "connection", state: "back" });
      ann.type("\r");
      await eve.when({ event: "message", text: "kept while away" });
      ann.type("/quit\r");
      await ann.shows(/^\[ended with 0\]$/);
    },
    TEST_MS,
  );
});
