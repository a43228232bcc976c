// The one door to a session, for the native wire and for every gateway: nick, throttle, consent,
// uniqueness, and only then a session in the lobby. Also the change of a nick, by the same rules.

import type { Clock, Random } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure, failureOf, isFailure } from "../errors.ts";
import type { Nick, ServerName } from "../names.ts";
import { parseNick, skeleton } from "../names.ts";
import type { Format } from "../plugin/gateway.ts";
import type { AuthRequest, Credential } from "../plugin/hooks.ts";
import type { Directory } from "./directory.ts";
import type { CompiledHooks } from "./hooks.ts";
import type { Outlet } from "./outlet.ts";
import { entryOf } from "./people.ts";
import type { Presence } from "./presence.ts";
import { senderOfAccount } from "./recent.ts";
import type { Rooms } from "./rooms.ts";
import type { Doorway, SessionHost } from "./session.ts";
import { LiveSession } from "./session.ts";
import type { Tells } from "./tells.ts";
import type { Sessions } from "./sessions.ts";
import { createThrottle } from "./throttle.ts";

export interface Arrival {
  readonly nick: string;
  readonly credential: Credential;
  readonly remote: string;
  readonly secure: boolean;
  readonly fingerprint: AuthRequest["fingerprint"];
  readonly doorName: string;
  readonly format: Format;
  readonly outlet: Outlet;
  readonly doorway: Doorway;
  /** The transport is still there. */
  open(): boolean;
}

export interface EntranceOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly self: ServerName;
  readonly host: SessionHost;
  readonly hooks: () => CompiledHooks;
  readonly sessions: Sessions;
  readonly rooms: Rooms;
  readonly directory: Directory;
  readonly presence: Presence;
  readonly tells: Tells;
}

export interface Entrance {
  /** Resolves to a session in the lobby, or to a refusal. Never rejects. */
  enter(arrival: Arrival): Promise<LiveSession | Failure>;
  rename(
    session: LiveSession,
    nick: string,
    password: string | undefined,
  ): Promise<{ readonly nick: Nick } | Failure>;
  /** An account owns this nick from now on: a guest who holds it, or one like it, is put off. */
  claimed(nick: Nick): void;
  /** What proved this account does so no more: its sessions end. */
  revoked(account: string): void;
}

export function createEntrance(options: EntranceOptions): Entrance {
  const { sessions, rooms, directory, presence, tells } = options;
  const throttle = createThrottle(options.clock);
  let consenting = 0;
  /** Nicks, by their look, that accounts came to own while plugins were thinking. */
  const claims = new Set<string>();

  /** Asks the plugins; what an account came to own meanwhile is no guest's any more. */
  const consent = async (request: AuthRequest, secure: boolean) => {
    consenting++;
    try {
      const verdict = await ask(request, secure);
      const isGuest = !isFailure(verdict) && verdict.account === undefined;
      return isGuest && claims.has(skeleton(request.nick))
        ? failure("NICK_REGISTERED", `nick ${request.nick}: it belongs to an account`)
        : verdict;
    } finally {
      consenting--;
      if (consenting === 0) claims.clear();
    }
  };
  const ask = async (request: AuthRequest, secure: boolean) => {
    const { credential, nick, remote } = request;
    if (credential.kind === "none") return options.hooks().auth(request);
    if (!secure)
      return failure("PASSWORD_NEEDS_TLS", "a password is taken over TLS or on this machine only");
    const waitMs = throttle.try(remote, nick);
    if (waitMs > 0) {
      const text = `nick ${nick}: too many tries; wait ${Math.ceil(waitMs / 1000)} s`;
      return failure("RATE_LIMITED", text);
    }
    const verdict = await options.hooks().auth(request);
    if (!isFailure(verdict)) throttle.succeeded(remote, nick);
    else if (verdict.code !== "AUTH_FAILED") throttle.untried(remote, nick);
    return verdict;
  };
  const create = (
    arrival: Arrival,
    nick: Nick,
    account: string | undefined,
    roles: readonly string[],
  ) =>
    new LiveSession({
      host: options.host,
      person: { nick, server: options.self, account, roles },
      outlet: arrival.outlet,
      format: arrival.format,
      doorway: arrival.doorway,
      doorName: arrival.doorName,
      secure: arrival.secure,
      remote: arrival.remote,
      sender:
        account === undefined
          ? `guest ${options.random.bytes(8).toHex()}`
          : senderOfAccount(account),
    });
  const settle = (session: LiveSession) => {
    sessions.add(session);
    presence.came(entryOf(session), session);
    rooms.enter(session, rooms.lobby.name);
    directory.came(session);
    // At once: what is said to it from now on stands behind what was said before.
    tells.handOver(session);
    // When its door knows it: what a hook says then can be told.
    options.clock.soon(() => {
      if (session.phase === "in")
        options.hooks().presence({ person: session.person, now: "online" });
    });
  };

  return {
    async enter(arrival) {
      try {
        const nick = parseNick(arrival.nick);
        const { credential, remote, fingerprint, doorName } = arrival;
        const request: AuthRequest = {
          nick,
          why: "enter",
          credential,
          remote,
          door: doorName,
          ...(fingerprint === undefined ? {} : { fingerprint }),
        };
        const verdict = await consent(request, arrival.secure);
        if (isFailure(verdict)) return verdict;
        // Looked at after the consent, in one go with taking the nick: nobody comes between.
        const taken = sessions.refusal(nick, { account: verdict.account, remote });
        if (taken !== undefined) return taken;
        if (!arrival.open()) return failure("CANNOT_CONNECT", "the connection was closed");
        // Its own session, half-open perhaps, gives way.
        sessions.holder(nick)?.expel("SESSION_REPLACED", `${nick} has logged in again`);
        const session = create(arrival, nick, verdict.account, verdict.roles);
        settle(session);
        return session;
      } catch (thrown) {
        return failureOf(thrown);
      }
    },
    async rename(session, text, password) {
      const nick = parseNick(text);
      if (nick === session.nick) return { nick };
      const credential: Credential =
        password === undefined ? { kind: "none" } : { kind: "password", password };
      const { remote, doorName: door } = session;
      const verdict = await consent(
        { nick, why: "rename", credential, remote, door },
        session.secure,
      );
      if (isFailure(verdict)) return verdict;
      const taken = sessions.refusal(nick, { account: undefined, remote }, session);
      if (taken !== undefined) return taken;
      if (session.phase === "ended") return failure("CANNOT_CONNECT", "the session has ended");
      const ghost = sessions.holder(nick);
      if (ghost !== session) ghost?.expel("SESSION_REPLACED", `${nick} is in use elsewhere`);
      const was = entryOf(session);
      sessions.rename(session, nick);
      session.person.account = verdict.account;
      session.person.roles = verdict.roles;
      directory.renamed(was.address.slice(0, was.address.indexOf("@")), session);
      presence.renamed(was, entryOf(session), session.memberships.keys());
      tells.handOver(session);
      return { nick };
    },
    revoked(account) {
      for (const session of sessions.all())
        if (session.person.account === account)
          session.expel("KICKED", `the password of ${account} was changed; log in again`);
    },
    claimed(nick) {
      if (consenting > 0) claims.add(skeleton(nick));
      const holder = sessions.holder(nick);
      if (holder === undefined || holder.person.account === nick) return;
      holder.expel("NICK_CLAIMED", `nick ${nick} belongs to an account now; enter under another`);
    },
  };
}
