// What clients of bad will, and texts of bad will from the native side, can do to the IRC gateway
// and to those behind it: nothing.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { startIrc } from "./irc.ts";

describe("lines", () => {
  test("one that is too long is left out, and the next one is read", async () => {
    await using server = await startIrc();
    const ann = await server.irc("ann");
    const [long, tags, fits] = ["x".repeat(600), "t".repeat(4096), "y".repeat(450)];
    expect(
      await ann.ask(`PRIVMSG ann :${long}`, `@${tags} PING x`, `PRIVMSG ann :${fits}`),
    ).toEqual([
      ":paris 417 ann :Input line was too long",
      ":paris 417 ann :Input line was too long",
      `:ann!~ann@paris PRIVMSG ann :${fits}`,
    ]);
  });

  test("one without an end closes the connection, in the door and behind it", async () => {
    await using server = await startIrc();
    const stranger = await server.stranger();
    stranger.write("x".repeat(20_000));
    await stranger.end();
    const ann = await server.irc("ann");
    ann.write(`@${"t".repeat(8191)}`);
    ann.write("x".repeat(2000));
    await ann.end();
    expect(ann.lines.at(-1)).toBe("ERROR :Closing link: Input line was too long");
    expect(server.logged.filter(({ level }) => level === "error")).toEqual([]);
  });

  test("NUL ends a line, and what is no UTF-8 is refused with the label of its line", async () => {
    await using server = await startIrc();
    const ann = await server.irc("ann", ["labeled-response", "batch", "standard-replies"]);
    ann.taken();
    ann.write("PING a\0QUIT\r\n\0\r\n");
    ann.write(Buffer.concat([Buffer.from("@label=7 PRIVMSG ann :"), Buffer.of(0xc0), EOL]));
    await ann.fence();
    expect(ann.taken()).toEqual([
      ":paris PONG paris a",
      "@label=7 :paris FAIL PRIVMSG INVALID_UTF8 :the line is no UTF-8, and was left out",
    ]);
  });

  test("whatever bytes come, others are served on", async () => {
    await using server = await startIrc();
    const words = ["NICK", "USER", "JOIN", "PRIVMSG", "#a", "&b", ":", " ", "\r\n", "@a=b;", "CAP"];
    const some = fc.oneof(fc.constantFrom(...words), fc.string({ unit: "binary", maxLength: 9 }));
    for (const text of fc.sample(fc.array(some, { maxLength: 200 }), 40)) {
      const stranger = await server.stranger();
      stranger.write(`NICK a b\r\n${text.join("")}\r\nQUIT\r\n`);
    }
    const ann = await server.irc("ann");
    expect(await ann.ask("PRIVMSG ann :still here")).toHaveLength(1);
    expect(server.logged.filter(({ level }) => level === "error")).toEqual([]);
  });
});

describe("floods", () => {
  test("hundreds of JOINs are bounded by what a person may be in", async () => {
    await using server = await startIrc();
    const ann = await server.irc("ann");
    for (let index = 0; index < 150; index++)
      ann.send(`JOIN #a${index},#b${index},#c${index},#d${index}`);
    await ann.fence();
    const kinds = ann.taken().map((line) => line.split(" ")[1]);
    expect(kinds.filter((kind) => kind === "366")).toHaveLength(499);
    expect(kinds.filter((kind) => kind === "405")).toHaveLength(600 - 499);
  });

  test("capabilities asked for again and again cost nothing but their answers", async () => {
    await using server = await startIrc();
    const stranger = await server.stranger();
    for (let index = 0; index < 500; index++) stranger.send("CAP LS 302", "CAP REQ :batch -batch");
    stranger.send("PING done");
    await stranger.until((line) => line === ":paris PONG paris done");
    expect(stranger.lines).toHaveLength(1001);
  });

  test("flood protection makes a client wait, loses nothing, and spares the others", async () => {
    await using server = await startIrc({ flood: { burst: 3, lineMs: 20 } });
    const [ann, ben] = [await server.irc("ann"), await server.irc("ben")];
    await ben.ask("JOIN #tea");
    await ann.ask("JOIN #tea");
    const began = performance.now();
    ann.send(...Array.from({ length: 12 }, (_, index) => `PRIVMSG #tea :${index}`));
    await ben.until((line) => line.endsWith(" :0"));
    await ben.ask("PRIVMSG ben :quick");
    await ann.fence();
    expect(performance.now() - began).toBeGreaterThan(8 * 20);
    await ben.until((line) => line.endsWith(" :11"));
  });

  test("one who floods without end is sent away", async () => {
    await using server = await startIrc({ flood: { burst: 1, lineMs: 60_000 } });
    const ann = await server.stranger();
    ann.send("NICK ann", "USER a * * :a");
    for (let index = 0; index < 400; index++) ann.write(`PRIVMSG #a :${"x".repeat(400)}\r\n`);
    await ann.end();
    expect(ann.lines.at(-1)).toBe("ERROR :Closing link: Excess Flood");
  });
});

describe("names", () => {
  test("nicks that differ in case or look alike are one nick", async () => {
    await using server = await startIrc();
    await server.irc("Paul");
    for (const nick of ["paul", "PAUL", "pau1", "Рaul"]) {
      const other = await server.stranger();
      other.send(`NICK ${nick}`, "USER x * * :x");
      await other.until((line) => / 43[23] /.test(line));
    }
  });

  test("a nick of another server's form, a mask or a channel is no nick", async () => {
    await using server = await startIrc();
    const ann = await server.irc("ann");
    const wrong = ["ben/lyon", "ben@lyon", "ben!x", "#ben", "*", ":", ":a b", "-", "$$lyon"];
    for (const nick of wrong) {
      const lines = await ann.ask(`NICK ${nick}`);
      expect(lines.join("\n")).toMatch(/^:paris 43[12] /);
    }
  });

  test("a user or a real name cannot make up a mask or a line", async () => {
    await using server = await startIrc();
    const mallory = await server.stranger();
    mallory.send("NICK mallory", "USER x!y@z\0 * * :real");
    mallory.send("USER a!b@c * * ::hm \x01", "JOIN #tea");
    await mallory.until((line) => line === ":mallory!~abc@paris JOIN #tea");
  });
});

test("no text of the native side makes a line of its own on IRC", async () => {
  await using server = await startIrc({ lobby: true });
  const ann = await server.irc("ann", ["message-tags", "server-time", "extended-join"]);
  const mallory = await server.connect("mallory");
  await ann.ask("JOIN #tea");
  await mallory.join("#tea");
  const evil = "x\r\n:paris 999 ann :evil\n:paris 999 ann :evil\r:paris 999 ann :evil\0QUIT";
  await mallory.say("#tea", evil);
  await mallory.say("#tea", evil, { kind: "action" });
  await mallory.tell("ann@paris", evil);
  await mallory.part("#tea", evil.slice(0, 100));
  await mallory.close(); // which is told with a reason as well
  await ann.until((line) => / QUIT/.test(line));
  const forged = ann.taken().filter((line) => line.startsWith(":paris 999") || line === "QUIT");
  expect(forged).toEqual([]);
});

const EOL = Buffer.from("\r\n");
