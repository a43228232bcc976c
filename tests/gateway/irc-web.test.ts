// IRC clients in browsers: WebSockets, each message a line (IRCv3 websocket).

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import type { IrcServer } from "./irc.ts";
import { startIrc } from "./irc.ts";

const webPort = ({ events }: IrcServer): number =>
  events.flatMap((event) =>
    event.event === "gateway" && event.address.startsWith("irc WebSocket port ")
      ? [Number(event.address.split(" ").at(-1))]
      : [],
  )[0] ?? 0;

interface Came {
  readonly socket: WebSocket;
  readonly lines: string[];
  readonly kinds: Set<string>;
  until(fits: (line: string) => boolean): Promise<void>;
  ended(): Promise<CloseEvent>;
}

/** Opens a WebSocket, and keeps what comes. */
async function open(port: number, protocols: readonly string[] = [], origin?: string) {
  const headers = origin === undefined ? {} : { origin };
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { protocols: [...protocols], headers });
  socket.binaryType = "arraybuffer";
  const lines: string[] = [];
  const kinds = new Set<string>();
  const waiting = new Set<() => void>();
  const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener("close", resolve));
  socket.addEventListener("message", ({ data }: MessageEvent<string | ArrayBuffer>) => {
    kinds.add(typeof data);
    lines.push(typeof data === "string" ? data : new TextDecoder().decode(data));
    for (const look of waiting) look();
  });
  const came: Came = {
    socket,
    lines,
    kinds,
    until: (fits) =>
      new Promise((resolve) => {
        const look = () => {
          if (!lines.some(fits)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    ended: () => closed,
  };
  const isOpen = await Promise.race([
    new Promise<true>((resolve) => socket.addEventListener("open", () => resolve(true))),
    closed.then(() => false as const),
  ]);
  return isOpen ? came : undefined;
}

async function enter(came: Came, nick: string) {
  for (const line of [`NICK ${nick}`, `USER ${nick} * * :${nick}`]) came.socket.send(line);
  await came.until((line) => line.startsWith(`:paris 221 ${nick}`));
}

const start = (origins?: readonly string[]) =>
  startIrc({ webSocket: { port: 0, ...(origins === undefined ? {} : { origins: [...origins] }) } });

describe("a WebSocket", () => {
  for (const [protocols, chosen, kind] of [
    [[], "", "string"],
    [["text.ircv3.net"], "text.ircv3.net", "string"],
    [["binary.ircv3.net", "text.ircv3.net"], "binary.ircv3.net", "object"],
    [["other", "text.ircv3.net", "binary.ircv3.net"], "text.ircv3.net", "string"],
  ] as const)
    test(`with ${protocols.join(", ") || "no subprotocol"} carries a line a message`, async () => {
      await using server = await start();
      const [web, ben] = [await open(webPort(server), protocols), await server.irc("ben")];
      if (web === undefined) throw new Error("refused");
      expect(web.socket.protocol).toBe(chosen);
      await enter(web, "ann");
      expect(Array.from(web.kinds)).toEqual([kind]);
      ben.send("PRIVMSG ann :hé");
      await web.until((line) => line === ":ben!~ben@paris PRIVMSG ann :hé");
      web.socket.send(new TextEncoder().encode("PRIVMSG ben :yes"));
      await ben.until((line) => line === ":ann!~ann@paris PRIVMSG ben :yes");
      web.socket.send("QUIT :bye");
      expect((await web.ended()).code).toBe(1000);
      expect(web.lines.at(-1)).toBe("ERROR :Closing link: Quit: bye");
    });

  test("of a page's is refused, unless its origin is one of the config's", async () => {
    await using server = await start(["https://chat.example"]);
    const port = webPort(server);
    expect(await open(port, [], "https://evil.example")).toBeUndefined();
    expect(await open(port, [], "https://chat.example")).toBeDefined();
    await using closed = await start();
    expect(await open(webPort(closed), [], "https://chat.example")).toBeUndefined();
    await using all = await start(["*"]);
    expect(await open(webPort(all), [], "https://evil.example")).toBeDefined();
  });

  test("is the only thing that is served", async () => {
    await using server = await start();
    const at = `http://127.0.0.1:${webPort(server)}`;
    expect((await fetch(at)).status).toBe(426);
    expect((await fetch(`${at}/../etc/passwd`, { method: "POST", body: "x".repeat(9) })).ok).toBe(
      false,
    );
    expect(await open(webPort(server), ["chat.example"])).toBeUndefined();
  });

  test("ends with a message that is too long; a line that is too long is told", async () => {
    await using server = await start();
    const web = await open(webPort(server));
    if (web === undefined) throw new Error("refused");
    await enter(web, "ann");
    web.socket.send(`PRIVMSG ann :${"x".repeat(600)}`);
    await web.until((line) => line.startsWith(":paris 417 ann"));
    web.socket.send("x".repeat(LIMITS.ircUnendedBytesMax + 1));
    const { code } = await web.ended();
    expect([1006, 1009]).toContain(code);
    const ben = await server.irc("ben");
    expect((await ben.ask("WHOIS ann"))[0]).toContain(" 401 ");
  });

  test("takes what comes while it waits, up to a bound, and in order", async () => {
    await using server = await start();
    const web = await open(webPort(server));
    if (web === undefined) throw new Error("refused");
    await enter(web, "ann");
    for (let index = 0; index < 300; index++) web.socket.send(`PING ${index}`);
    await web.until((line) => line.endsWith(" PONG paris 299"));
    const pongs = web.lines.filter((line) => line.includes(" PONG "));
    expect(pongs.map((line) => Number(line.split(" ").at(-1)))).toEqual(
      Array.from({ length: 300 }, (_, index) => index),
    );
    for (let index = 0; index < 1000; index++) web.socket.send(`WHOIS ${"x".repeat(400)}`);
    await web.ended(); // more than it holds, or than the client may owe
    expect(server.logged.filter(({ level }) => level === "error")).toEqual([]);
  });
});
