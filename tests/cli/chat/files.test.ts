// The offers of a chat, without a server.

import { expect, test } from "bun:test";
import type { Client } from "../../../src/client.ts";
import { Files } from "../../../src/cli/chat/files.ts";
import type { Shown } from "../../../src/cli/chat/shown.ts";

test("an offer of a session that is over is said to be void, with its file and its sender", () => {
  const shown: Shown[] = [];
  const files = new Files({
    client: {} as Client, // nothing is asked of it
    folder: "",
    accept: "ask",
    show: (one) => void shown.push(one),
    track() {},
  });
  const offer = { transfer: "x", from: "bob@lyon", to: "ann@paris", name: "plan", size: 8 };
  files.offered({ type: "offered", offer });
  files.beginAgain();
  expect(files.book.size).toBe(0);
  const about = { transfer: "x", number: 1, name: "plan", from: "bob@lyon" };
  expect(shown.slice(1)).toMatchObject([
    { event: "error", ...about, code: "TRANSFER_INTERRUPTED" },
  ]);
});
