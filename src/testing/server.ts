// A whole server for tests of plugins: real sockets, on ports of the system's choice, with its data
// in a temporary folder. For virtual time and faults there is world.ts.
//
//   await using server = await startServer({ plugins: [wordFilter({ words: ["heck"] })] });
//   const ann = await server.connect("ann");

import { mkdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, connect } from "../client.ts";
import type { ServerEvent } from "../core/events.ts";
import { createServer } from "../core/server.ts";
import type { Log, TlsIdentity } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { parseServerName } from "../names.ts";
import type { CommandResult, Plugin } from "../plugin/context.ts";
import { createEnvironment } from "../serve/environment.ts";
import type { LoggedLine } from "./context.ts";
import { withDefaults } from "./plugins.ts";

export interface StartOptions {
  /** Guests may enter, and `fabric-tree` merges, where no plugin of the list says otherwise. */
  readonly plugins: readonly Plugin[];
  /** Default "test". */
  readonly name?: string;
  /** TLS on its doors; plain connections of this machine are taken all the same. */
  readonly tls?: TlsIdentity;
  /** See RoomsConfig; default false. */
  readonly guestRooms?: boolean;
}

/** A server that runs. `await using` closes its clients, stops it and removes its data. */
export interface TestServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** What it told its operator, from "listening" on; of a gateway, where it is. */
  readonly events: readonly ServerEvent[];
  readonly logged: readonly LoggedLine[];
  /** Runs a command of the console: run("merge", "127.0.0.1:40123"). Never rejects. */
  run(...words: readonly string[]): Promise<CommandResult | Failure>;
  status(): Readonly<Record<string, unknown>>;
  /** Enters with a native client, which does not reconnect. Rejects with why not. */
  connect(nick: string, password?: string): Promise<Client>;
}

/** Starts a server. Rejects with `CONFIG_INVALID`, and with what a plugin's start throws. */
export async function startServer(options: StartOptions): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), "chatfusion-server-"));
  const removed = () => rm(folder, { recursive: true, force: true });
  const events: ServerEvent[] = [];
  const logged: LoggedLine[] = [];
  const log =
    (level: keyof Log): Log["info"] =>
    (event, fields = {}) =>
      void logged.push({ level, event, fields });
  const environment = createEnvironment({
    dataDir: folder,
    log: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") },
  });
  const { plugins, name = "test", guestRooms = false } = options;
  const clients: Client[] = [];
  try {
    const { tls } = options;
    const server = await createServer({
      ...(tls === undefined ? {} : { tls }),
      name: parseServerName(name),
      listen: { host: "127.0.0.1", port: 0 },
      guestRooms,
      plugins: withDefaults(plugins),
      environment,
      pluginFolder(plugin) {
        const own = join(folder, plugin);
        mkdirSync(own, { recursive: true });
        return own;
      },
      report: (event) => void events.push(event),
    });
    const at = await server.start();
    return {
      ...at,
      events,
      logged,
      run: (...words) => server.run(words, { by: "console", roles: [] }),
      status: () => server.status(),
      async connect(nick, password) {
        const credential = password === undefined ? {} : { password };
        const client = await connect({ nick, ...credential, server: at, reconnect: false });
        clients.push(client);
        return client;
      },
      async [Symbol.asyncDispose]() {
        await Promise.all(clients.map((client) => client.close()));
        await server.stop("the test is over");
        await removed();
      },
    };
  } catch (thrown) {
    await removed();
    throw thrown;
  }
}
