// The IRC people of the load: whom they write to.

import { expect, test } from "bun:test";
import { irc } from "./irc.ts";

const lineTo = (server: string) =>
  new TextDecoder().decode(irc.toPerson({ nick: "bob", server }, "hello", false).bytes);

test("people of ours are written to at their server, those of peers by their nick", () => {
  expect(lineTo("lyon")).toBe("PRIVMSG bob@lyon :hello\r\n");
  expect(lineTo("")).toBe("PRIVMSG bob :hello\r\n");
});
