// The table of a server's commands, and what it is doing, once its plugins are set up.

import { coreCommands, createCommands } from "./commands.ts";
import type { LivePlugin } from "./plugins.ts";
import type { Shared, Society } from "./server.ts";
import { statusOf } from "./status.ts";

/** Puts the core's commands and those of its plugins into one table. */
export function createOwnCommands(shared: Shared, society: Society, live: readonly LivePlugin[]) {
  const { options } = shared;
  const status = () => statusOf(shared, society);
  const { clock } = options.environment;
  const own = coreCommands({ ...society, ...shared, clock, status });
  const contributed = live.flatMap(({ plugin, parts: { commands } }) =>
    commands === undefined ? [] : [{ plugin: plugin.name, commands: { ...commands } }],
  );
  const { log } = options.environment;
  return { status, commands: createCommands({ ...shared, own, contributed, log }) };
}
