// Who is here: the one owner of nicks. A nick is unique on its server by its key (case-folded) and
// by its skeleton (look-alikes). Invariant: a session is in `byKey`, `bySkeleton`, `byAddress` and,
// while it can be resumed, `byToken`, or in none of them.

import type { Clock, Random } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Nick } from "../names.ts";
import { nameKey, skeleton } from "../names.ts";
import { addressOf } from "./acceptor.ts";
import type { LiveSession } from "./session.ts";

export interface Sessions {
  readonly count: number;
  all(): Iterable<LiveSession>;
  find(nick: Nick): LiveSession | undefined;
  /** All sessions of an account, whatever their nicks are. */
  ofAccount(account: string): Iterable<LiveSession>;
  /** Who has exactly this address; another spelling may be the same person's. */
  at(address: string): LiveSession | undefined;
  /** Who holds this nick, or one that looks like it. */
  holder(nick: Nick): LiveSession | undefined;
  /**
   * Why `nick` cannot be given to one with this account (undefined for a guest) from this address.
   * An account's own session gives way, and so does a guest's lost one to a guest of its address:
   * nobody is locked out by the ghost of a client that was killed.
   */
  refusal(
    nick: Nick,
    who: { readonly account: string | undefined; readonly remote: string },
    /** Its own session, at a change of nick. */
    but?: LiveSession,
  ): Failure | undefined;
  add(session: LiveSession): void;
  remove(session: LiveSession): void;
  /** Under another nick they may have another account, or none. */
  rename(session: LiveSession, nick: Nick, account: string | undefined): void;
  /**
   * A new token, good for one resume. `redeemed`, by which the session came back, stays good until
   * `confirm`: the welcome with the new one may be lost, more than once.
   */
  issueToken(session: LiveSession, redeemed?: string): string;
  /** The client has its new token: all before it are spent. */
  confirm(session: LiveSession): void;
  redeem(token: string): LiveSession | undefined;
  /** Begins the time in which a lost session can be resumed; `over` runs when it has passed. */
  lost(session: LiveSession, over: () => void): void;
  found(session: LiveSession): void;
}

export function createSessions(clock: Clock, random: Random): Sessions {
  const byKey = new Map<string, LiveSession>();
  const bySkeleton = new Map<string, LiveSession>();
  const byAddress = new Map<string, LiveSession>();
  const byAccount = new Map<string, Set<LiveSession>>();
  const byToken = new Map<string, LiveSession>();
  const tokens = new Map<LiveSession, readonly string[]>();
  const waiting = new Map<LiveSession, () => void>();

  // Most nicks are written as their own keys, and the key of a key is itself.
  const find = (nick: Nick) => byKey.get(nick) ?? byKey.get(nameKey(nick));
  const holder = (nick: Nick) => find(nick) ?? bySkeleton.get(skeleton(nick));
  const keepTokens = (session: LiveSession, keep: readonly string[]) => {
    for (const token of tokens.get(session) ?? []) if (!keep.includes(token)) byToken.delete(token);
    for (const token of keep) byToken.set(token, session);
    if (keep.length > 0) tokens.set(session, keep);
    else tokens.delete(session);
  };
  const put = (session: LiveSession, nick: Nick) => {
    byKey.set(nameKey(nick), session);
    bySkeleton.set(skeleton(nick), session);
    byAddress.set(session.address, session);
    const { account } = session.person;
    if (account === undefined) return;
    byAccount.set(account, (byAccount.get(account) ?? new Set()).add(session));
  };
  const take = (session: LiveSession) => {
    byKey.delete(nameKey(session.nick));
    bySkeleton.delete(skeleton(session.nick));
    byAddress.delete(session.address);
    const { account = "" } = session.person;
    const own = byAccount.get(account);
    own?.delete(session);
    if (own?.size === 0) byAccount.delete(account);
  };
  const found = (session: LiveSession) => {
    waiting.get(session)?.();
    waiting.delete(session);
  };

  return {
    get count() {
      return byKey.size;
    },
    all: () => byKey.values(),
    find,
    ofAccount: (account) => byAccount.get(account) ?? [],
    at: (address) => byAddress.get(address),
    holder,
    refusal(nick, { account, remote }, but) {
      const other = holder(nick);
      if (other === undefined || other === but) return undefined;
      if (account !== undefined && other.person.account === account) return undefined;
      const guests = account === undefined && other.person.account === undefined;
      if (guests && other.phase === "lost" && addressOf(other.remote) === addressOf(remote))
        return undefined;
      const same = nameKey(other.nick) === nameKey(nick);
      const why = same ? "somebody is here under it" : `it looks like ${other.nick}, who is here`;
      return failure("NICK_IN_USE", `nick ${nick}: ${why}; expected one that is free`);
    },
    add: (session) => put(session, session.nick),
    remove(session) {
      if (byKey.get(nameKey(session.nick)) === session) take(session);
      keepTokens(session, []);
      found(session);
    },
    rename(session, nick, account) {
      take(session);
      session.person.nick = nick;
      session.person.account = account;
      put(session, nick);
    },
    issueToken(session, redeemed) {
      const token = random.bytes(32).toBase64({ alphabet: "base64url", omitPadding: true });
      keepTokens(session, redeemed === undefined ? [token] : [redeemed, token]);
      return token;
    },
    confirm: (session) => keepTokens(session, tokens.get(session)?.slice(-1) ?? []),
    redeem: (token) => byToken.get(token),
    lost(session, over) {
      found(session);
      waiting.set(session, clock.after(LIMITS.resumeMsMax, over));
    },
    found,
  };
}
