// The core's side of the auth role. Next: plugins.ts, entrance.ts.

import type { AuthHost } from "../plugin/gateway.ts";
import type { LivePlugin } from "./plugins.ts";
import type { Shared, Society } from "./server.ts";
import { OPERATOR } from "./states.ts";

/** Makes it; `live` is asked once all plugins are set up. */
export function createAuthHost(
  { pool, need }: Shared,
  { mail, personal, governance }: Pick<Society, "mail" | "personal" | "governance">,
  live: () => readonly LivePlugin[],
): AuthHost {
  return {
    ...pool,
    claimed: (nick) => need("entrance").claimed(nick),
    revoked(account) {
      need("entrance").revoked(account);
      for (const kept of [mail, personal, governance]) kept.revoked(account);
    },
    roles: () => rolesOf(live()),
  };
}

// --- internal -----------------------------------------------------------------------------------

/** All roles that mean something here: the core's own, those of commands, those plugins name. */
function rolesOf(live: readonly LivePlugin[]): readonly string[] {
  const named = live.flatMap(({ parts }) => [
    ...(parts.roles ?? []),
    ...Object.values(parts.commands ?? {}).flatMap(({ role }) => role ?? []),
  ]);
  return [...new Set([OPERATOR, ...named])].toSorted();
}
