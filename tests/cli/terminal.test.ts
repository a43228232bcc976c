// The console and the password prompt on a real terminal.

import { describe, expect, test } from "bun:test";
import { processes } from "./process.ts";

const { onTerminal, run, startServer } = processes();

describe("the console on a terminal", () => {
  test("shows a prompt, runs what is typed, and remembers it", async () => {
    const screen = onTerminal(["serve", "--name", "paris"]);
    await screen.shows("paris> ");
    screen.type("who\r");
    await screen.shows("nobody is online");
    screen.type("\u001b[A");
    await screen.shows("paris> who");
  });

  test("completes commands, and the names of this machine's servers", async () => {
    await startServer(["--name", "lyon"]);
    const screen = onTerminal(["serve", "--name", "paris"]);
    await screen.shows("paris> ");
    screen.type("unm\t");
    await screen.shows("erge ");
    screen.type("ly\t");
    await screen.shows("on ");
    screen.type("\r");
    await screen.shows("refused: ");
  });

  test("prints an event above what is being typed, which stays", async () => {
    const screen = onTerminal(["serve", "--name", "paris"]);
    await screen.shows("paris> ");
    screen.type("wh");
    await screen.shows("wh");
    await run(["merge", "nowhere"]);
    await screen.shows('refused: no server named "nowhere" runs on this machine');
    await screen.shows("paris> wh");
    screen.type("o\r");
    await screen.shows("nobody is online");
  });

  test("goes on after Ctrl-D, and stops in good order after Ctrl-C", async () => {
    const screen = onTerminal(["serve", "--name", "paris"]);
    await screen.shows("paris> ");
    screen.type("\u0004");
    await screen.shows("type stop to end the server");
    await screen.shows("paris> ");
    screen.type("\u0003");
    await screen.shows("stopped: the server is shutting down");
    expect(await screen.exited).toBe(0);
  });

  test("does not stop by Ctrl-Z, which is said, nor by the signal of it", async () => {
    const screen = onTerminal(["serve", "--name", "paris"]);
    await screen.shows("paris> ");
    screen.type("wh\u001a");
    await screen.shows("Ctrl-Z does nothing here; type stop to end the server");
    await screen.shows("paris> wh");
    screen.signal("SIGTSTP");
    screen.type("o\r");
    await screen.shows("nobody is online");
  });

  test("stops in good order when the terminal is closed", async () => {
    const screen = onTerminal(["serve", "--name", "paris"]);
    await screen.shows("paris> ");
    screen.signal("SIGHUP");
    await screen.shows("stopped: the server is shutting down");
    expect(await screen.exited).toBe(0);
  });
});

describe("a new password", () => {
  test("is typed twice, and not shown", async () => {
    const screen = onTerminal(["user", "add", "ann", "--name", "paris"]);
    let seen = await screen.shows("new password: ");
    screen.type("swordfish 7x\u007f\r");
    seen += await screen.shows("new password, again: ");
    screen.type("swordfish 7\r");
    seen += await screen.shows("ann is registered");
    expect(await screen.exited).toBe(0);
    expect(seen).not.toContain("swordfish");
  });

  test("may be typed ahead, and is not shown then either", async () => {
    const screen = onTerminal(["user", "add", "cid", "--name", "paris"]);
    let seen = await screen.shows("new password: ");
    screen.type("swordfish 7\rswordfish 7\r");
    seen += await screen.shows("cid is registered");
    expect(seen).not.toContain("swordfish");
  });

  test("that differs the second time changes nothing", async () => {
    const screen = onTerminal(["user", "add", "bob", "--name", "paris"]);
    await screen.shows("new password: ");
    screen.type("swordfish 7\r");
    await screen.shows("again: ");
    screen.type("swordfish 8\r");
    await screen.shows("the two passwords differ; nothing was changed");
    expect(await screen.exited).toBe(2);
  });

  test("is given up with Ctrl-C", async () => {
    const screen = onTerminal(["user", "add", "bob", "--name", "paris"]);
    await screen.shows("new password: ");
    screen.type("\u0003");
    await screen.shows("no password was typed");
    expect(await screen.exited).toBe(2);
  });
});
