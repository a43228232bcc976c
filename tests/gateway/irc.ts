// IRC clients for tests: raw lines over a real socket, to a server with the gateway.

import type { TlsIdentity } from "../../src/environment.ts";
import type { Plugin } from "../../src/plugin.ts";
import type { TestServer } from "../../src/testing.ts";
import { startServer } from "../../src/testing.ts";
import gatewayIrc from "../../plugins/gateway-irc.ts";

type Options = Omit<Parameters<typeof gatewayIrc>[0], "port">;

export interface IrcServer extends TestServer {
  readonly ircPort: number;
  /** Opens a connection, and says nothing. */
  stranger(tls?: Bun.TLSOptions): Promise<IrcClient>;
  /** Comes in: NICK and USER, with these capabilities; resolves when it has been welcomed. */
  irc(nick: string, caps?: readonly string[]): Promise<IrcClient>;
}

/** Starts a server whose lobby is no channel, where nothing else is asked for. */
export async function startIrc(
  options: Options & {
    readonly name?: string;
    readonly plugins?: readonly Plugin[];
    readonly identity?: TlsIdentity;
    readonly guestRooms?: boolean;
  } = {},
): Promise<IrcServer> {
  const { name = "paris", plugins = [], identity, guestRooms = false, ...irc } = options;
  const gateway = gatewayIrc({ port: 0, lobby: false, flood: false, ...irc });
  const tls = identity === undefined ? {} : { tls: identity };
  const server = await startServer({ name, plugins: [gateway, ...plugins], guestRooms, ...tls });
  const opened = server.events.find((event) => event.event === "gateway");
  const ircPort = Number(opened?.address.split(" ").at(-1));
  const clients: IrcClient[] = [];
  const stranger = async (by?: Bun.TLSOptions) => {
    const client = await IrcClient.open(ircPort, by);
    clients.push(client);
    return client;
  };
  return {
    ...server,
    ircPort,
    stranger,
    async irc(nick, caps = []) {
      const client = await stranger();
      if (caps.length > 0) client.send(`CAP REQ :${caps.join(" ")}`);
      client.send(`NICK ${nick}`, `USER ${nick} * * :${nick} of ${name}`, "CAP END");
      await client.until((line) => / 221 /.test(line));
      await client.fence();
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Ports that the system gives to nobody by itself, mostly free. */
export function portRange(count: number): [number, number] {
  const from = 20_000 + Math.floor(Math.random() * 12_000);
  return [from, from + count - 1];
}

/** One client: what it sent, and every line that came. */
export class IrcClient {
  readonly lines: string[] = [];
  ended = false;
  readonly #socket: Bun.Socket;
  readonly #waiting = new Set<() => void>();
  #fences = 0;

  private constructor(socket: Bun.Socket) {
    this.#socket = socket;
  }

  /** With `tls` whatever certificate the server has; with key and cert as their owner. */
  static async open(port: number, tls?: Bun.TLSOptions): Promise<IrcClient> {
    const took = { data(_chunk: Uint8Array) {}, close() {} };
    const secured = Promise.withResolvers<void>();
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      ...(tls === undefined ? {} : { tls: { ...tls, rejectUnauthorized: false } }),
      socket: {
        data: (_socket, chunk) => took.data(chunk),
        handshake: () => secured.resolve(),
        close: () => took.close(),
      },
    });
    if (tls !== undefined) await secured.promise;
    const client = new IrcClient(socket);
    const decoder = new TextDecoder();
    let rest = "";
    took.data = (chunk) => {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\r\n");
      rest = lines.pop() ?? "";
      client.lines.push(...lines);
      client.look();
    };
    took.close = () => {
      client.ended = true;
      client.look();
    };
    return client;
  }

  /** Sends lines in one piece. */
  send(...lines: readonly string[]): void {
    this.write(lines.map((line) => `${line}\r\n`).join(""));
  }

  /** Sends bytes as they are. */
  write(bytes: string | Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** All that was sent before is done, and answered. */
  async fence(): Promise<void> {
    this.#fences++;
    const token = `fence-${this.#fences}`;
    this.send(`PING ${token}`);
    await this.until((line) => line.endsWith(`PONG ${line.slice(1).split(" ")[0]} ${token}`));
  }

  /** What came since the last call, without fences. */
  taken(): string[] {
    return this.lines.splice(0).filter((line) => !line.includes(" fence-"));
  }

  /** Sends lines, and resolves to what came until they were done. */
  async ask(...lines: readonly string[]): Promise<string[]> {
    await this.fence();
    this.taken();
    this.send(...lines);
    await this.fence();
    return this.taken();
  }

  /** Resolves when a line has come that fits. */
  async until(fits: (line: string) => boolean): Promise<void> {
    await this.#untilTrue(() => this.lines.some(fits));
  }

  async end(): Promise<void> {
    await this.#untilTrue(() => this.ended);
  }

  close(): void {
    this.#socket.end();
  }

  look(): void {
    for (const check of this.#waiting) check();
  }

  #untilTrue(isTrue: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = () => {
      if (!isTrue()) return;
      this.#waiting.delete(check);
      resolve();
    };
    this.#waiting.add(check);
    check();
    return promise;
  }
}
