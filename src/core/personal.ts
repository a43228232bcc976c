// What is about one person alone: whom they ignore, what they have read, that they are writing, and
// what they have told and were told. Next: ignores.ts, reading.ts, typing.ts, conversations.ts.

import type { Environment } from "../environment.ts";
import type { AccountOf } from "./auth.ts";
import type { History } from "../plugin/history.ts";
import { createConversations } from "./conversations.ts";
import { createIgnores } from "./ignores.ts";
import type { People } from "./people.ts";
import type { Peers } from "./peers.ts";
import { createQuestions } from "./questions.ts";
import { createReading } from "./reading.ts";
import type { Rooms } from "./rooms.ts";
import type { Sessions } from "./sessions.ts";
import { createTyping } from "./typing.ts";

export interface PersonalOptions {
  readonly environment: Environment;
  readonly accountOf: AccountOf;
  readonly history: () => History | undefined;
  readonly people: People;
  readonly peers: () => Peers;
  readonly rooms: Rooms;
  readonly sessions: Sessions;
}

export function createPersonal(options: PersonalOptions) {
  const { environment, sessions } = options;
  const ignores = createIgnores(options);
  const reading = createReading(environment, sessions);
  const questions = createQuestions();
  const conversations = createConversations({ ...options, ...environment, questions });
  const kept = [ignores, reading, conversations];
  return {
    conversations,
    questions,
    ignores,
    reading,
    typing: createTyping({ ...options, clock: environment.clock }),
    /** Reads what earlier lives of the server have kept; once. */
    async load(): Promise<void> {
      for (const one of [ignores, reading]) await one.load();
    },
    /** An account may be gone: who has it next has nothing of this one. */
    revoked(account: string): void {
      const now = options.accountOf(account);
      if (now === account || typeof now === "object") return;
      for (const one of kept) one.forget(account);
    },
    /** Resolves when all is on the disk that can be written. */
    async idle(): Promise<void> {
      for (const one of kept) await one.idle();
    },
    close(): void {
      for (const one of kept) one.close();
    },
  };
}

export type Personal = ReturnType<typeof createPersonal>;
