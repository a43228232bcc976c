// Of whom a person wants to hear nothing: kept for an account by its home server, for a guest as
// long as the session. Somebody is known by the address, and by the account where there is one, so
// that another nick does not help. Next: room.ts (what is cut from a shared batch).

import * as v from "valibot";
import type { Environment } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure, isFailure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Nick } from "../names.ts";
import { formatAddress, nameKey, parseAddress } from "../names.ts";
import { authorOf } from "../protocol/amendment.ts";
import type { Answer, IgnoredEntry, MessageEntry, PersonEntry } from "../protocol/messages.ts";
import type { People } from "./people.ts";
import type { Ignoring } from "./room.ts";
import type { LiveSession } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import { createShelves } from "./shelves.ts";

const Kept = v.array(v.object({ address: v.string(), account: v.exactOptional(v.string()) }));

export interface IgnoresOptions {
  readonly environment: Pick<Environment, "clock" | "crypto" | "log" | "store">;
  readonly people: Pick<People, "find" | "personAt">;
  readonly sessions: Sessions;
}

export function createIgnores({ environment, people, sessions }: IgnoresOptions) {
  const shelves = createShelves({ environment, name: "ignored", shape: Kept, waitMs: 0 });
  const ofGuests = new WeakMap<LiveSession, readonly IgnoredEntry[]>();

  const listOf = (session: LiveSession): readonly IgnoredEntry[] => {
    const { account } = session.person;
    return (account === undefined ? ofGuests.get(session) : shelves.get(account)) ?? [];
  };
  /** All sessions of an account go by the same list. */
  const change = async (
    session: LiveSession,
    list: readonly IgnoredEntry[],
  ): Promise<Failure | undefined> => {
    const { account } = session.person;
    if (account === undefined) {
      ofGuests.set(session, list);
      heed(session, judgeOf(list));
      return undefined;
    }
    const kept = shelves.put(account, list.length === 0 ? undefined : [...list]);
    for (const one of sessions.ofAccount(account)) heed(one, judgeOf(listOf(one)));
    return kept;
  };

  return {
    load: shelves.load,
    idle: shelves.idle,
    close: shelves.close,
    /** A session is there, or has another account than before. */
    came: (session: LiveSession): void => heed(session, judgeOf(listOf(session))),
    /** Nobody has this account any more. */
    forget: (account: string): void => void shelves.put(account, undefined),
    async ignore(session: LiveSession, text: string): Promise<Answer<"ignore"> | Failure> {
      const found = people.find(text);
      // Also of a server that is not here now: its people may be back.
      if (isFailure(found) && found.code !== "NO_SUCH_SERVER") return found;
      const { address, account } = isFailure(found) ? spelt(text) : people.personAt(found);
      if (addressKey(address) === addressKey(session.address))
        return failure("BAD_REQUEST", "ignore: expected somebody else than you");
      const entry = account === undefined ? { address } : { address, account };
      const rest = listOf(session).filter((one) => addressKey(one.address) !== addressKey(address));
      if (rest.length >= LIMITS.ignoredMax) {
        const many = `ignore: ${rest.length} are ignored, the most there is`;
        return failure("TOO_MANY_IGNORED", many);
      }
      return (await change(session, [...rest, entry])) ?? entry;
    },
    async unignore(session: LiveSession, text: string): Promise<Answer<"unignore"> | Failure> {
      const list = listOf(session);
      const rest = list.filter((one) => addressKey(one.address) !== addressKey(text));
      if (rest.length === list.length) return { address: text };
      return (await change(session, rest)) ?? { address: text };
    },
    of: (session: LiveSession): Answer<"ignored"> => ({ people: listOf(session) }),
    /** Whether an account of this server, which may be offline, ignores somebody. */
    isIgnoredBy(account: string, by: Pick<MessageEntry, "from" | "account">): boolean {
      const list = shelves.get(account);
      return list !== undefined && createTest(list)(by);
    },
  };
}

export type Ignores = ReturnType<typeof createIgnores>;

// --- internal -----------------------------------------------------------------------------------

/** The form in which others see it. Throws for what is no address, as `people.find` has not. */
const spelt = (text: string): IgnoredEntry => {
  const { nick, server } = parseAddress(text);
  return { address: formatAddress(nick, server) };
};

const addressKey = (address: string): string => nameKey(address as Nick); // only compared

function createTest(list: readonly IgnoredEntry[]): Ignoring["person"] {
  const keys = new Set<string>();
  for (const { address: from, account } of list) {
    keys.add(addressKey(from));
    if (account !== undefined) keys.add(authorOf({ from, account }));
  }
  return ({ from, account }) =>
    keys.has(addressKey(from)) || (account !== undefined && keys.has(authorOf({ from, account })));
}

const sayer = ({ address: from, account }: PersonEntry) =>
  account === undefined ? { from } : { from, account };

/** From the next event on. */
function heed(session: LiveSession, ignoring: Ignoring | undefined): void {
  session.ignoring = ignoring;
  for (const member of session.memberships.values()) member.group.heed(member);
}

/** What moderators have deleted stays deleted. */
function judgeOf(list: readonly IgnoredEntry[]): Ignoring | undefined {
  if (list.length === 0) return undefined;
  const person = createTest(list);
  return {
    person,
    event(event) {
      if (event.type === "message") return event.message.kind !== "delete" && person(event.message);
      return event.type === "typing" && person(sayer(event.person));
    },
  };
}
