// A connection, from the listener's side: its bytes become lines, its end ends the client.

import type { Connection, ConnectionHandlers } from "chatfusion";
import { Client } from "./client.ts";
import { createReader } from "./reader.ts";
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
  const data = createReader({
    line: (text) => client.take(text),
    tooLong: (text) => client.refuse(text, (reply) => reply.numeric("ERR_INPUTTOOLONG", [])),
    notUtf8: (text) =>
      client.refuse(text, (reply, { command }) =>
        reply.fail(command || "*", "INVALID_UTF8", "the line is no UTF-8, and was left out"),
      ),
    endless: () => client.quit("Input line was too long"),
  });
  return {
    data,
    closed() {
      client.gone();
      world.clients.delete(client);
      world.strangers.delete(client);
    },
  };
}
