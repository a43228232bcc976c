// What the requests do that are about oneself: being away, writing, what was read, who is ignored,
// one's conversations. See requests.ts.

import type { Clock } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { isFailure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { checkText } from "../names.ts";
import type { Answer, Ask } from "../protocol/messages.ts";
import type { ConversationsKept } from "./conversations.ts";
import type { Directory } from "./directory.ts";
import type { CompiledHooks } from "./hooks.ts";
import type { Ignores } from "./ignores.ts";
import { createBound } from "./pace.ts";
import { entryOf } from "./people.ts";
import type { Presence } from "./presence.ts";
import type { Reading } from "./reading.ts";
import { createReads } from "./reads.ts";
import type { Outcome } from "./session-host.ts";
import type { LiveSession } from "./session.ts";
import type { Typing } from "./typing.ts";

export interface PersonalRequestsOptions {
  readonly clock: Clock;
  readonly conversations: ConversationsKept;
  readonly directory: Directory;
  readonly hooks: () => CompiledHooks;
  readonly ignores: Ignores;
  readonly presence: Presence;
  readonly reading: Reading;
  readonly typing: Typing;
}

export function personalHandlers(options: PersonalRequestsOptions) {
  const { conversations, directory, ignores, presence, reading, typing } = options;
  const outcomeOf = (value: object): Outcome => (isFailure(value) ? value : { answer: value });
  const later = (promise: Promise<object>): Outcome => ({ later: promise });
  const reads = createReads();
  const changes = createBound(options.clock, {
    what: "words on being away",
    burst: LIMITS.selfChangesBurst,
    perMinute: LIMITS.selfChangesPerMinute,
  });
  const inTurn = (session: LiveSession, read: () => Promise<object>): Outcome => {
    const answer = reads.ask(session, read);
    return isFailure(answer) ? answer : later(answer);
  };

  return {
    away(session: LiveSession, { text }: Ask<"away">): Outcome {
      const invalid: Failure | undefined =
        text === undefined || text === "" ? undefined : checkText(text, LIMITS.reasonBytesMax);
      if (invalid !== undefined) return invalid;
      const answer: Answer<"away"> = text === undefined ? {} : { text };
      if (session.away === text) return { answer };
      const tooMany = changes(session);
      if (tooMany !== undefined) return tooMany;
      session.away = text;
      presence.away(entryOf(session), session.memberships.keys(), session);
      directory.away(session);
      const { person } = session;
      if (text === undefined) options.hooks().presence({ person, now: "online", back: true });
      else options.hooks().presence({ person, now: "away", text });
      return { answer };
    },
    typing: (session: LiveSession, ask: Ask<"typing">): Outcome =>
      typing.typing(session, ask) ?? { answer: ask },
    read: (session: LiveSession, { room, id }: Ask<"read">): Outcome =>
      outcomeOf(reading.read(session, room, id)),
    ignore: (session: LiveSession, { address }: Ask<"ignore">): Outcome =>
      later(ignores.ignore(session, address)),
    unignore: (session: LiveSession, { address }: Ask<"unignore">): Outcome =>
      later(ignores.unignore(session, address)),
    ignored: (session: LiveSession): Outcome => ({ answer: ignores.of(session) }),
    conversation: (session: LiveSession, ask: Ask<"conversation">): Outcome =>
      inTurn(session, () => conversations.page(session, ask)),
    conversations: (session: LiveSession, ask: Ask<"conversations">): Outcome =>
      inTurn(session, () => conversations.list(session, ask)),
    forget: (session: LiveSession, ask: Ask<"forget">): Outcome =>
      later(conversations.forgetOwn(session, ask)),
  };
}
