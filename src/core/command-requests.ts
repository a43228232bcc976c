// What a session asks about commands: which are open to it, and to run one. Next: commands.ts.

import type { MaybePromise } from "../environment.ts";
import { failure, isFailure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { visible } from "../names.ts";
import type { Caller } from "../plugin/hooks.ts";
import type { Answer, Ask } from "../protocol/messages.ts";
import type { Commands } from "./commands.ts";
import { goOn } from "./hooks.ts";
import type { LiveSession } from "./session.ts";
import type { Outcome } from "./session-host.ts";

/** Makes the handlers of `command` and `commands`. */
export function commandHandlers(commands: () => Commands) {
  /** How many of a session's have no answer yet. */
  const running = new WeakMap<LiveSession, number>();
  const count = (session: LiveSession, change: 1 | -1) =>
    running.set(session, (running.get(session) ?? 0) + change);
  const callerOf = ({ person }: LiveSession): Caller => {
    const { account, roles } = person;
    return { by: "session", person, roles, ...(account === undefined ? {} : { account }) };
  };
  return {
    command(session: LiveSession, ask: Ask<"command">): MaybePromise<Outcome> {
      if ((running.get(session) ?? 0) >= LIMITS.commandsRunningMax) {
        const text = `${LIMITS.commandsRunningMax} commands have no answer yet`;
        return failure("QUEUE_FULL", `${visible(ask.name)}: ${text}; wait for some of them`);
      }
      const begun = commands().begin([ask.name, ...ask.args], callerOf(session));
      return goOn(begun, (allowed) => {
        if (isFailure(allowed)) return allowed;
        if (session.phase === "ended") return failure("CANNOT_CONNECT", "the session has ended");
        count(session, 1);
        return { later: allowed.run().finally(() => count(session, -1)) };
      });
    },
    commands: (session: LiveSession): Outcome => ({
      answer: { commands: commands().openTo(callerOf(session)) } satisfies Answer<"commands">,
    }),
  };
}
