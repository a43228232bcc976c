// Which running server a command from another terminal is for.

import { ChatFusionError } from "../errors.ts";
import { visible } from "../names.ts";
import { addressOf, findServer, listServers, type RunningServerEntry } from "../serve/registry.ts";

/**
 * Returns the server of that name on this machine; without a name the only one. Throws
 * `NOT_RUNNING` when there is none, `USAGE` with all of them when it is not clear which is meant.
 */
export async function targetServer(name: string | undefined): Promise<RunningServerEntry> {
  if (name !== undefined) {
    const found = await findServer(name);
    if (found !== undefined) return found;
  }
  const servers = await listServers();
  const [only, second] = servers;
  if (name === undefined && only !== undefined && second === undefined) return only;
  const list = servers.map((one) => `${one.name} (${addressOf(one)}, pid ${one.pid})`).join(", ");
  if (only === undefined) {
    throw new ChatFusionError("NOT_RUNNING", "no server runs on this machine (for this user)");
  }
  if (name === undefined) {
    const text = `${servers.length} servers run on this machine: ${list}; expected --server NAME`;
    throw new ChatFusionError("USAGE", text);
  }
  const text = `no server named "${visible(name)}" runs on this machine; running: ${list}`;
  throw new ChatFusionError("NOT_RUNNING", text);
}
