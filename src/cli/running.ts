// Finds a server of this machine by its name, for commands that take one.

import { findServer as find, reachableHost } from "../serve/registry.ts";

/**
 * Returns where the server of that name listens, as reached from this machine; undefined when none
 * of that name runs here. Throws `USAGE` when several do.
 */
export async function findServer(
  name: string,
): Promise<{ readonly host: string; readonly port: number } | undefined> {
  const found = await find(name);
  return found && { host: reachableHost(found.host), port: found.port };
}
