// The table of a server's commands, what it is to be warned of, and what it is doing, once its
// plugins are set up.

import * as v from "valibot";
import { failure, isFailure } from "../errors.ts";
import type { Command } from "../plugin/context.ts";
import { command } from "../plugin.ts";
import { coreCommands, createCommands } from "./commands.ts";
import type { Entrance } from "./entrance.ts";
import type { LivePlugin } from "./plugins.ts";
import type { Shared, Society } from "./server.ts";
import { statusOf } from "./status.ts";

/** Puts the core's commands and those of its plugins into one table. */
export function createOwnCommands(shared: Shared, society: Society, live: readonly LivePlugin[]) {
  const { options } = shared;
  const status = () => statusOf(shared, society);
  const { clock } = options.environment;
  const entrance = () => shared.later.entrance;
  const own = {
    ...coreCommands({ ...society, ...shared, clock, status }),
    ...(entrance()?.registers === true ? { register: registerCommand(shared, entrance) } : {}),
  };
  const contributed = live.flatMap(({ plugin, parts: { commands } }) =>
    commands === undefined ? [] : [{ plugin: plugin.name, commands: { ...commands } }],
  );
  const { log } = options.environment;
  const commands = createCommands({ ...shared, own, contributed, clock, log });
  const warnings = [...commands.warnings, ...keepersWarning(live)];
  return { status, commands: { ...commands, warnings } };
}

// --- internal -----------------------------------------------------------------------------------

/** What several plugins that keep accounts mean: each is to refuse passwords for unknown nicks. */
function keepersWarning(live: readonly LivePlugin[]): readonly string[] {
  const keepers = live.filter(({ parts }) => parts.accountOf !== undefined);
  if (keepers.length < 2) return [];
  const names = keepers.map(({ plugin }) => plugin.name).join(", ");
  return [`plugins ${names}: each refuses the passwords of the others' nicks: keep one of them`];
}

/** Makes an account of the nick of whoever runs it. */
const registerCommand = ({ sessions }: Shared, entrance: () => Entrance | undefined): Command =>
  command({
    about: "registers your nick with a password: it is yours from then on",
    usage: "PASSWORD",
    secret: true,
    open: "everybody",
    args: v.strictTuple([v.string()], "expected a password"),
    async run([password], { person }) {
      const session = person && sessions.find(person.nick);
      if (session === undefined) return failure("BAD_REQUEST", "the console uses user-add");
      const { nick, remote, secure, doorName } = session;
      const ask = { nick, password, remote, secure, doorName, session };
      const made = await entrance()?.register(ask);
      if (made === undefined || isFailure(made)) return made ?? failure("INTERNAL", "too early");
      const { account } = made;
      const text = `${account} is registered: log in with the password from now on`;
      return { text, data: { account } };
    },
  });
