// People who register the nick that they have, where an auth plugin lets them: the bounds of it,
// and whose nicks they may not take. Next: entrance.ts.

import type { Clock, Millis } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure, failureOf, isFailure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Nick, ServerName } from "../names.ts";
import { parseNick, sameName } from "../names.ts";
import type { CompiledHooks } from "./hooks.ts";
import type { LivePlugin } from "./plugins.ts";
import type { ServerBans } from "./server-bans.ts";
import type { LiveSession } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import { networkOf } from "./throttle.ts";

export interface Registration {
  readonly nick: string;
  readonly password: string;
  readonly remote: string;
  readonly secure: boolean;
  /** The plugin whose door it is; "native" for the server's own. */
  readonly doorName: string;
  /** Who is in registers its own nick; who is not, one that nobody has. */
  readonly session?: LiveSession | undefined;
}

export interface RegistrarOptions {
  readonly clock: Clock;
  readonly hooks: () => Pick<CompiledHooks, "register" | "auth">;
  readonly self: ServerName;
  readonly sessions: Sessions;
  readonly bans: ServerBans;
  readonly plugins: readonly LivePlugin[];
}

export interface Registrar {
  /** Some plugin takes registrations. */
  readonly isOpen: boolean;
  /** Resolves to the new account, or to why there is none. Never rejects. */
  register(
    ask: Registration,
  ): Promise<{ readonly account: string; roles: readonly string[] } | Failure>;
}

export function createRegistrar(options: RegistrarOptions): Registrar {
  const { clock, self, sessions, bans } = options;
  const tooMany = createRate(clock);

  const refusal = (ask: Registration, nick: Nick): Failure | undefined => {
    const { session, remote } = ask;
    if (!ask.secure)
      return failure("PASSWORD_NEEDS_TLS", "a password is taken over TLS or on this machine only");
    if (session?.person.account !== undefined)
      return failure("BAD_REQUEST", `you are logged in already, as ${session.person.account}`);
    if (session !== undefined && !sameName(session.nick, nick))
      return failure("BAD_REQUEST", `nick: expected your own, ${session.nick}, got ${nick}`);
    return (
      bans.refusal({ nick, account: undefined, server: self }, remote) ??
      sessions.refusal(nick, { account: "", remote }, session) ?? // of no account: nobody gives way
      tooMany(remote)
    );
  };
  const asked = async (ask: Registration) => {
    const nick = parseNick(ask.nick);
    const { register } = options.hooks();
    if (register === undefined) return failure("AUTH_DENIED", "nobody registers here by himself");
    const refused = refusal(ask, nick);
    if (refused !== undefined) return refused;
    const { password, remote, doorName: door } = ask;
    // It may be another auth plugin's, or look like one that is.
    const credential = { kind: "none" } as const;
    const own = await options.hooks().auth({ nick, why: "enter", credential, remote, door });
    if (isFailure(own) && own.code === "NICK_REGISTERED") return own;
    const made = await register({ nick, password, remote });
    return isFailure(made) ? made : { account: made.account ?? nick, roles: made.roles };
  };
  return {
    isOpen: options.plugins.some(({ parts }) => parts.register !== undefined),
    async register(ask) {
      try {
        return await asked(ask);
      } catch (thrown) {
        return failureOf(thrown);
      }
    },
  };
}

// --- internal -----------------------------------------------------------------------------------

/** Counts what each address, and all, have asked for in the last hour. */
function createRate(clock: Clock): (remote: string) => Failure | undefined {
  /** The oldest first. */
  let asked: { readonly address: string; readonly at: Millis }[] = [];
  return (remote) => {
    const address = networkOf(remote);
    const since = clock.monotonic() - LIMITS.registrationsMs;
    asked = asked.filter(({ at }) => at > since);
    const own = asked.filter((one) => one.address === address).length;
    if (own >= LIMITS.registrationsPerAddressMax || asked.length >= LIMITS.registrationsMax)
      return failure("RATE_LIMITED", "too many nicks were registered; try again in an hour");
    asked.push({ address, at: clock.monotonic() });
    return undefined;
  };
}
