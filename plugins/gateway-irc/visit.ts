// A connection, from the listener's side: its bytes become lines, its end ends the client.

import type { Bytes, Connection, ConnectionHandlers } from "chatfusion";
import { Client } from "./client.ts";
import type { Lines } from "./reader.ts";
import { LineReader } from "./reader.ts";
import type { World } from "./world.ts";

/** `sts`: what the client is told of TLS (IRCv3 sts). */
export function accept(
  world: World,
  connection: Connection,
  sts: string | undefined,
): ConnectionHandlers {
  const client = new Client(world, connection);
  client.sts = sts;
  world.clients.add(client);
  world.strangers.add(client);
  return new Visit(client);
}

// --- internal ---

/** A class, since there are very many of them. */
class Visit implements ConnectionHandlers, Lines {
  readonly #client: Client;
  readonly #reader = new LineReader(this);

  constructor(client: Client) {
    this.#client = client;
  }

  data(chunk: Bytes): void {
    this.#reader.push(chunk);
  }

  closed(): void {
    const { world } = this.#client;
    this.#client.gone();
    world.clients.delete(this.#client);
    world.strangers.delete(this.#client);
  }

  line(text: string): void {
    this.#client.take(text);
  }

  tooLong(text: string): void {
    this.#client.refuse(text, (reply) => reply.numeric("ERR_INPUTTOOLONG", []));
  }

  notUtf8(text: string): void {
    this.#client.refuse(text, (reply, { command }) =>
      reply.fail(command || "*", "INVALID_UTF8", "the line is no UTF-8, and was left out"),
    );
  }

  endless(): void {
    this.#client.quit("Input line was too long");
  }
}
