// The offers of a chat, without a server.

import { expect, test } from "bun:test";
import type { Client } from "../../../src/client.ts";
import { Files } from "../../../src/cli/chat/files.ts";
import { ChatFusionError, type ErrorCode } from "../../../src/errors.ts";
import type { Shown } from "../../../src/cli/chat/shown.ts";

const offer = { transfer: "x", from: "bob@lyon", to: "ann@paris", name: "plan", size: 8 };

/** The offer of a chat, whose rejection meets these refusals, one after the other. */
function offeredTo(refusals: readonly ErrorCode[]) {
  const left = [...refusals];
  const client = {
    reject() {
      const code = left.shift();
      return code === undefined ? Promise.resolve() : Promise.reject(new ChatFusionError(code, ""));
    },
  } as unknown as Client; // nothing else is asked of it
  const files = new Files({ client, folder: "", accept: "ask", show() {}, track() {} });
  files.offered({ type: "offered", offer });
  return files;
}

test("an offer that could not be rejected can be rejected again", async () => {
  const files = offeredTo(["BAD_REQUEST"]);
  const refused = await files.reject("1", "x".repeat(600), 1).catch((thrown: unknown) => thrown);
  expect(refused).toMatchObject({ code: "BAD_REQUEST" });
  await files.reject("1", "", 2);
  expect(files.book.size).toBe(0);
});

test("an offer that was withdrawn meanwhile cannot", async () => {
  const files = offeredTo(["NO_SUCH_TRANSFER"]);
  await files.reject("1", "", 1).catch(() => undefined);
  expect(files.book.size).toBe(0);
});

test("an offer of a session that is over is said to be void, with its file and its sender", () => {
  const shown: Shown[] = [];
  const files = new Files({
    client: {} as Client, // nothing is asked of it
    folder: "",
    accept: "ask",
    show: (one) => void shown.push(one),
    track() {},
  });
  files.offered({ type: "offered", offer });
  files.beginAgain();
  expect(files.book.size).toBe(0);
  const about = { transfer: "x", number: 1, name: "plan", from: "bob@lyon" };
  expect(shown.slice(1)).toMatchObject([
    { event: "error", ...about, code: "TRANSFER_INTERRUPTED" },
  ]);
});
