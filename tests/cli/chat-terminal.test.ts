// `chatfusion chat` on a real terminal, with a real server.

import { describe, expect, test } from "bun:test";
import { readdir, truncate } from "node:fs/promises";
import { join } from "node:path";
import { processes } from "./process.ts";

const { home, onTerminal, run, spawnServer, startServer } = processes();

describe("the line mode", () => {
  test("shows who one is and what is said, and redraws what is being typed", async () => {
    await startServer(["--name", "paris"]);
    const ann = onTerminal(["chat", "ann@paris"]);
    await ann.shows("-- you are ann@paris");
    await ann.shows("ann@paris> ");
    const bob = onTerminal(["chat", "bob@paris"]);
    await ann.shows("-- bob@paris is here");
    ann.type("half a sen");
    await ann.shows("half a sen");
    bob.type("hello\r");
    await ann.shows("bob@paris: hello");
    await ann.shows("ann@paris> half a sen");
    ann.type("tence\r");
    await bob.shows("ann@paris: half a sentence");
  });

  test("shows where goes what is typed", async () => {
    await startServer(["--name", "paris"]);
    const bob = onTerminal(["chat", "bob@paris"]);
    await bob.shows("bob@paris> ");
    bob.type("/join #tea\r");
    const ann = onTerminal(["chat", "ann@paris"]);
    ann.type("/join #tea\r/talk #tea\r");
    await ann.shows("-- what you type goes to #tea");
    await ann.shows("ann@paris #tea> ");
    ann.type("milk?");
    await bob.shows("ann@paris (#tea) is writing");
    ann.type("\r/talk bob\r");
    await bob.shows("#tea ann@paris: milk?");
    await ann.shows("ann@paris → bob@paris> ");
    ann.type("psst\r/talk\r");
    await bob.shows("ann@paris → you: psst");
    await ann.shows("ann@paris> ");
  });

  test("remembers what was typed, and completes commands and people", async () => {
    await startServer(["--name", "paris"]);
    const bob = onTerminal(["chat", "bob@paris"]);
    await bob.shows("bob@paris> ");
    const ann = onTerminal(["chat", "ann@paris"]);
    await ann.shows("ann@paris> ");
    ann.type("/servers\r");
    await ann.shows("-- paris (2)");
    ann.type("\u001b[A");
    await ann.shows("ann@paris> /servers");
    ann.type("\u0003/ms\tbo\tpsst\r");
    await ann.shows("you → bob@paris: psst");
    await bob.shows("ann@paris → you: psst");
    expect(bob.raw()).toContain("psst\u0007"); // a bell
    ann.type("/snd\r");
    await ann.shows('!! unknown command "/snd" (did you mean /send?)');
  });

  test("asks for the password without showing it, three times at most", async () => {
    await startServer(["--name", "paris"]);
    const added = await run(["user", "add", "eve", "--server", "paris"], { stdin: "secret\n" });
    expect(added.code).toBe(0);
    const eve = onTerminal(["chat", "eve@paris"]);
    await eve.shows("password of eve: ");
    eve.type("wrong\r");
    await eve.shows("password of eve: ");
    eve.type("secret\r");
    expect(await eve.shows("you are eve@paris")).not.toContain("secret");
    await eve.shows("eve@paris> ");
    eve.type("/quit\r");
    expect(await eve.exited).toBe(0);

    const mallory = onTerminal(["chat", "eve@paris"]);
    for (let i = 0; i < 3; i++) {
      await mallory.shows("password of eve: ");
      mallory.type("guess\r");
    }
    expect(await mallory.exited).toBe(4);
  });

  test("says why it ends, also while it asks for a password", async () => {
    await startServer(["--name", "paris"]);
    const added = await run(["user", "add", "zoe", "--server", "paris"], { stdin: "secret\n" });
    expect(added.code).toBe(0);
    const ann = onTerminal(["chat", "ann@paris"]);
    await ann.shows("ann@paris> ");
    ann.type("/nick zoe\r");
    await ann.shows("password of zoe: ");
    await run(["kick", "ann", "lunch", "--server", "paris"]);
    await ann.shows("lunch");
    expect(await ann.exited).toBe(4);
  });

  test("asks for one password after the other, each for its own nick", async () => {
    await startServer(["--name", "paris"]);
    for (const nick of ["uma", "ida"]) {
      const added = await run(["user", "add", nick, "--server", "paris"], {
        stdin: `of-${nick}\n`,
      });
      expect(added.code).toBe(0);
    }
    const ann = onTerminal(["chat", "ann@paris"]);
    await ann.shows("ann@paris> ");
    ann.type("/nick uma\r/nick ida\r");
    await ann.shows("password of uma: ");
    ann.type("of-uma\r");
    await ann.shows("password of ida: ");
    ann.type("of-ida\r");
    await ann.shows("-- you are ida now");
    ann.type("hello\r");
    await ann.shows("ida@paris: hello");
    expect(Bun.stripANSI(ann.raw())).not.toContain("of-");
  });

  test("keeps the last of what comes while it asks for a password, and says so", async () => {
    await startServer(["--name", "paris"]);
    const added = await run(["user", "add", "kim", "--server", "paris"], { stdin: "secret\n" });
    expect(added.code).toBe(0);
    const ann = onTerminal(["chat", "ann@paris"]);
    await ann.shows("ann@paris> ");
    ann.type("/nick kim\r");
    await ann.shows("password of kim: ");
    const lines = Array.from({ length: 20 }, (_, at) => `${at} ${"x".repeat(16_000)}\n`);
    const bob = await run(["chat", "bob@paris", "--json"], {
      stdin: `${lines.join("")}the last\n`,
    });
    expect(bob.code).toBe(0);
    ann.type("secret\r");
    await ann.shows(" lines were not shown: too much came while none could be");
    await ann.shows("bob@paris: the last");
  });

  test("leaves the terminal as it was when it is interrupted from elsewhere", async () => {
    await startServer(["--name", "paris"]);
    const ann = onTerminal(["chat", "ann@paris"]);
    await ann.shows("ann@paris> ");
    ann.signal("SIGINT");
    expect(await ann.exited).toBe(0);
    // Its last words may still be on their way.
    while (!ann.raw().endsWith("\u001b[?2004l")) await new Promise(setImmediate);
  });

  test("shows how far a file is, and where it is then", async () => {
    await startServer(["--name", "paris"]);
    const big = join(home, "big");
    await Bun.write(big, new Uint8Array(40_000_000));
    const bob = onTerminal(["chat", "bob@paris", "--downloads", join(home, "got")]);
    await bob.shows("bob@paris> ");
    const ann = onTerminal(["chat", "ann@paris"]);
    await ann.shows("ann@paris> ");
    ann.type(`/send bob ${big}\r`);
    await ann.shows("-- 1: big (40.0 MB) is offered to bob@paris");
    await bob.shows("-- 1: ann@paris offers big (40.0 MB); /accept 1 or /reject 1");
    bob.type("/accept 1\r");
    await bob.shows("1 ↓ big from ann@paris");
    await bob.shows(" %  ");
    await bob.shows("-- 1: big is here: ");
    await ann.shows("-- 1: big has arrived, sha256 ");
    expect(Bun.file(join(home, "got", "big")).size).toBe(40_000_000);
  });

  test("breaks a transfer off at the second Ctrl-C, and leaves nothing of it", async () => {
    await startServer(["--name", "paris"]);
    const [huge, got] = [join(home, "huge"), join(home, "nothing")];
    await Bun.write(huge, "");
    await truncate(huge, 2_000_000_000); // of no bytes on the disk
    const bob = onTerminal(["chat", "bob@paris", "--downloads", got, "--accept", "all"]);
    await bob.shows("bob@paris> ");
    const ann = onTerminal(["chat", "ann@paris"]);
    await ann.shows("ann@paris> ");
    ann.type(`/send bob ${huge}\r`);
    await bob.shows("1 ↓ huge from ann@paris");
    await ann.shows("1: bob@paris takes huge");
    bob.type("\u0003");
    await bob.shows("-- a transfer is running: Ctrl-C once more breaks it off");
    bob.type("\u0003");
    expect(await bob.exited).toBe(0);
    expect(await readdir(got)).toEqual([]);
    await ann.shows("!! 1: huge to bob@paris: bob@paris has left");
  });

  test("says that the connection is lost and back, and which lines wait for it", async () => {
    const server = spawnServer(["--name", "paris"]);
    const { port } = await server.until({ event: "listening" });
    const ann = onTerminal(["chat", "ann@paris"]);
    await ann.shows("ann@paris> ");
    server.signal("SIGTERM");
    await ann.shows("-- the connection is lost");
    expect(await server.exited).toBe(0);
    ann.type("still here?\r");
    await ann.shows("waiting: still here?");
    await startServer(["--name", "paris", "--port", String(port)]);
    await ann.shows("-- the connection is back");
    await ann.shows("ann@paris: still here?");
    expect(await ann.shows("ann@paris> ")).not.toContain("(late)");
  });

  test("says by its exit code that a line was not sent", async () => {
    const server = await startServer(["--name", "paris"]);
    const ann = onTerminal(["chat", "ann@paris"]);
    await ann.shows("ann@paris> ");
    server.signal("SIGTERM");
    await ann.shows("-- the connection is lost");
    ann.type("still here?\r/quit\r");
    await ann.shows('!! "still here?" may not have been sent');
    expect(await ann.exited).toBe(3);
  });

  test("stops nobody by Ctrl-Z where there is no shell that could go on with it", async () => {
    await startServer(["--name", "paris"]);
    const ann = onTerminal(["chat", "ann@paris"]);
    await ann.shows("ann@paris> ");
    ann.type("half\u001a a sentence\r");
    await ann.shows("ann@paris: half a sentence");
  });

  test("never wraps what is typed, however wide the terminal draws it", async () => {
    await startServer(["--name", "paris"]);
    const ann = onTerminal(["chat", "ann@paris"]);
    await ann.shows("ann@paris> ");
    ann.type("👍🏽");
    await ann.shows("ann@paris> 👍🏽");
    const blocks = ann.raw().split("\u001b[?7l");
    const parts = blocks.map((block) => Bun.stripANSI(block.replace("\u001b[?7h", "|")));
    expect(parts).toContain("ann@paris> 👍🏽|");
    for (const part of parts) expect(part.split("|")[1] ?? "").not.toContain("ann@paris> ");
  });

  test("ends by Ctrl-D, by Ctrl-C on an empty line, and by /quit", async () => {
    await startServer(["--name", "paris"]);
    for (const keys of ["\u0004", "typed\u0003\u0003", "/quit\r"]) {
      const ann = onTerminal(["chat", "ann@paris"]);
      await ann.shows("ann@paris> ");
      ann.type(keys);
      expect(await ann.exited).toBe(0);
    }
  });
});
