// The one door to a session, for the native wire and for every gateway: nick, throttle, consent,
// uniqueness, and only then a session in the lobby. Also the change of a nick, by the same rules.

import type { Clock, Log, Random } from "../environment.ts";
import type { ErrorCode, Failure } from "../errors.ts";
import { failure, failureOf, isFailure } from "../errors.ts";
import type { Nick, ServerName } from "../names.ts";
import { parseNick, sameName, skeleton } from "../names.ts";
import type { Format, Proof } from "../plugin/gateway.ts";
import type { AuthRequest, Credential } from "../plugin/hooks.ts";
import type { Ask } from "../protocol/messages.ts";
import type { Directory } from "./directory.ts";
import type { CompiledHooks } from "./hooks.ts";
import type { Ids } from "./ids.ts";
import type { Outlet } from "./outlet.ts";
import { entryOf } from "./people.ts";
import type { Personal } from "./personal.ts";
import type { LivePlugin } from "./plugins.ts";
import type { Presence } from "./presence.ts";
import { senderOfAccount } from "./recent.ts";
import type { Registration } from "./registration.ts";
import { createRegistrar } from "./registration.ts";
import { createRevocations } from "./revocations.ts";
import type { Rooms } from "./rooms.ts";
import type { Governance } from "./governance.ts";
import type { ServerBans } from "./server-bans.ts";
import type { Doorway, SessionHost } from "./session-host.ts";
import { LiveSession } from "./session.ts";
import type { Tells } from "./tells.ts";
import type { Sessions } from "./sessions.ts";
import { createThrottle } from "./throttle.ts";
import { boundExchange } from "./exchange.ts";

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
  /** What it has proven already; then the credential is not looked at. */
  readonly proof?: Proof | undefined;
  /** It had a session, which could not be resumed. */
  readonly isBack?: boolean;
  /** The transport is still there. */
  open(): boolean;
}

/** What a stranger says to prove an account before it enters. */
export type Attempt = Pick<
  Arrival,
  "nick" | "credential" | "remote" | "secure" | "fingerprint" | "doorName"
>;

export interface EntranceOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly self: ServerName;
  readonly host: SessionHost;
  readonly hooks: () => CompiledHooks;
  readonly ids: Ids;
  readonly bans: ServerBans;
  readonly governance: Pick<Governance, "excludesAs" | "identifying">;
  readonly sessions: Sessions;
  readonly rooms: Rooms;
  readonly directory: Directory;
  readonly presence: Presence;
  readonly tells: Tells;
  readonly personal: Personal;
  readonly log: Log;
  readonly plugins: readonly LivePlugin[];
}

export interface Entrance {
  /** Resolves to a session in the lobby, or to a refusal. Never rejects. */
  enter(arrival: Arrival): Promise<LiveSession | Failure>;
  /** Asks the plugins as `enter` does, and lets nobody in. Never rejects. */
  authenticate(attempt: Attempt): Promise<Proof | Failure>;
  /** Why one whose connection was lost does not come back from this address. */
  readmits(session: LiveSession, remote: string): Failure | undefined;
  /** A session has proven an account; its nick stays. */
  identify(session: LiveSession, proof: Proof): Failure | undefined;
  rename(session: LiveSession, ask: Ask<"rename">): Promise<{ readonly nick: Nick } | Failure>;
  /** Of SASL, beside PLAIN, which the plugins answer. */
  readonly mechanisms: readonly string[];
  /** Some plugin lets people register nicks. */
  readonly registers: boolean;
  /** Makes an account of a nick; who is in is it from then on. Never rejects. */
  register(ask: Registration): Promise<Proof | Failure>;
  /** An account owns this nick from now on: a guest who holds it, or one like it, is put off. */
  claimed(nick: Nick): void;
  /** What proved this account does so no more: its sessions end. */
  revoked(account: string): void;
}

export function createEntrance(options: EntranceOptions): Entrance {
  const { sessions, rooms, directory, presence, tells, bans } = options;
  const { ignores } = options.personal;
  const throttle = createThrottle(options.clock);
  const registrar = createRegistrar(options);
  let consenting = 0;
  /** Nicks, by their look, that accounts came to own while plugins were thinking. */
  const claims = new Set<string>();
  const revocations = createRevocations();
  const banned = (nick: Nick, account: string | undefined, remote: string) =>
    bans.refusal({ nick, account, server: options.self }, remote);

  /** Asks the plugins; what became of the nick or the account meanwhile counts. */
  const consent = async (request: AuthRequest, secure: boolean) => {
    const { nick, remote } = request;
    consenting++;
    const since = revocations.count;
    try {
      const verdict = banned(nick, undefined, remote) ?? (await ask(request, secure));
      if (isFailure(verdict)) return verdict;
      const { account } = verdict;
      if (account === undefined && claims.has(skeleton(nick)))
        return failure("NICK_REGISTERED", `nick ${nick}: it belongs to an account`);
      if (account !== undefined && revocations.has(account, since)) return revoked(account);
      return banned(nick, account, remote) ?? verdict;
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
    const verdict = await options
      .hooks()
      .auth(
        credential.kind === "exchange"
          ? { ...request, credential: boundExchange(credential, options.clock) }
          : request,
      );
    if (!isFailure(verdict)) throttle.succeeded(remote, nick);
    else if (UNTRIED.has(verdict.code)) throttle.untried(remote, nick);
    else throttle.failed(remote, nick);
    return verdict;
  };
  /** What was proven, and after how many revocations. */
  const proofs = new WeakMap<Proof, number>();
  /** Why a proof lets nobody in under a nick, or not any more. */
  const proofRefusal = (proof: Proof, nick: Nick, remote: string): Failure | undefined => {
    const since = proofs.get(proof);
    if (since === undefined) return failure("AUTH_FAILED", "this is no proof of this server");
    const { account } = proof;
    return revocations.has(account, since) ? revoked(account) : banned(nick, account, remote);
  };
  /** Who has proven an account is let in under its nick, and under those that anybody may have. */
  const admitted = async (arrival: Arrival, nick: Nick) => {
    const { proof, secure, remote } = arrival;
    if (proof === undefined) return consent(requestOf(arrival, nick), secure);
    const { account, roles } = proof;
    if (!isNickOf(account, nick)) {
      const bare = { ...arrival, credential: { kind: "none" } } as const;
      const verdict = await consent(requestOf(bare, nick), secure);
      if (isFailure(verdict)) return verdict;
    }
    return proofRefusal(proof, nick, remote) ?? { account, roles };
  };
  /** As whom a session has another nick. */
  const renamed = async (
    session: LiveSession,
    nick: Nick,
    { password, keep }: Pick<Ask<"rename">, "password" | "keep">,
  ) => {
    const { remote, doorName: door, secure } = session;
    const stays = () => {
      const { account, roles } = session.person;
      return banned(nick, account, remote) ?? { account, roles };
    };
    const isProven = password === undefined && session.person.account !== undefined;
    if (isProven && isNickOf(session.person.account ?? "", nick)) return stays();
    const credential: Credential =
      password === undefined ? { kind: "none" } : { kind: "password", password };
    const verdict = await consent({ nick, why: "rename", credential, remote, door }, secure);
    return isProven && keep === true && !isFailure(verdict) ? stays() : verdict;
  };
  const prove = (account: string, roles: readonly string[]): Proof => {
    const proof: Proof = Object.freeze({ account, roles });
    proofs.set(proof, revocations.count);
    return proof;
  };
  const identify = (session: LiveSession, { account, roles }: Proof): Failure | undefined => {
    if (session.phase === "ended") return failure("CANNOT_CONNECT", "the session has ended");
    options.governance.identifying(session, { account, roles });
    const was = entryOf(session);
    sessions.rename(session, session.nick, account);
    session.person.roles = roles;
    directory.renamed(session.nick, session);
    presence.renamed(was, entryOf(session), session.memberships.keys(), session);
    tells.handOver(session);
    return undefined;
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
  const settle = (session: LiveSession, { isBack }: Arrival) => {
    session.namedAfter = options.ids.mark();
    sessions.add(session);
    ignores.came(session);
    presence.came(entryOf(session), session);
    rooms.enter(session, rooms.lobby.name);
    directory.came(session);
    // At once: what is said to it from now on stands behind what was said before.
    tells.handOver(session);
    // When its door knows it: what a hook says then can be told.
    options.clock.soon(() => {
      const { phase, person } = session;
      const back = isBack === true ? { back: true as const } : {};
      if (phase === "in") options.hooks().presence({ person, now: "online", ...back });
    });
  };

  return {
    async enter(arrival) {
      try {
        const nick = parseNick(arrival.nick);
        const { remote } = arrival;
        const verdict = await admitted(arrival, nick);
        if (isFailure(verdict)) return verdict;
        // Looked at after the consent, in one go with taking the nick: nobody comes between.
        const taken = sessions.refusal(nick, { account: verdict.account, remote });
        if (taken !== undefined) return taken;
        if (!arrival.open()) return failure("CANNOT_CONNECT", "the connection was closed");
        // Its own session, half-open perhaps, gives way.
        sessions.holder(nick)?.expel("SESSION_REPLACED", `${nick} has logged in again`);
        const session = create(arrival, nick, verdict.account, verdict.roles);
        settle(session, arrival);
        return session;
      } catch (thrown) {
        return failureOf(thrown);
      }
    },
    async rename(session, wanted) {
      const nick = parseNick(wanted.nick);
      if (nick === session.nick) return { nick };
      const verdict = await renamed(session, nick, wanted);
      if (isFailure(verdict)) return verdict;
      const { remote } = session;
      const taken = sessions.refusal(nick, { account: undefined, remote }, session);
      if (taken !== undefined) return taken;
      if (session.phase === "ended") return failure("CANNOT_CONNECT", "the session has ended");
      const excluded = options.governance.excludesAs(session, { ...verdict, nick });
      if (excluded !== undefined) return excluded;
      const ghost = sessions.holder(nick);
      if (ghost !== session) ghost?.expel("SESSION_REPLACED", `${nick} is in use elsewhere`);
      const was = entryOf(session);
      sessions.rename(session, nick, verdict.account);
      session.namedAfter = options.ids.mark();
      session.person.roles = verdict.roles;
      ignores.came(session);
      directory.renamed(was.address.slice(0, was.address.indexOf("@")), session);
      presence.renamed(was, entryOf(session), session.memberships.keys(), session);
      tells.handOver(session);
      return { nick };
    },
    async authenticate(attempt) {
      try {
        const verdict = await consent(requestOf(attempt, parseNick(attempt.nick)), attempt.secure);
        if (isFailure(verdict)) return verdict;
        const { account, roles } = verdict;
        if (account === undefined) return failure("AUTH_FAILED", "no account was proven by this");
        return prove(account, roles);
      } catch (thrown) {
        return failureOf(thrown);
      }
    },
    identify(session, proof) {
      return proofRefusal(proof, session.nick, session.remote) ?? identify(session, proof);
    },
    mechanisms: [...new Set(options.plugins.flatMap(({ parts }) => parts.mechanisms ?? []))],
    registers: registrar.isOpen,
    async register(registration) {
      const made = await registrar.register(registration);
      if (isFailure(made)) return made;
      const proof = prove(made.account, made.roles);
      return (registration.session && identify(registration.session, proof)) ?? proof;
    },
    readmits: ({ nick, person: { account } }, remote) => banned(nick, account, remote),
    revoked(account) {
      revocations.add(account);
      for (const session of Array.from(sessions.ofAccount(account)))
        session.expel("KICKED", revoked(account).text);
    },
    claimed(nick) {
      if (consenting > 0) claims.add(skeleton(nick));
      const holder = sessions.holder(nick);
      if (holder === undefined || holder.person.account === nick) return;
      holder.expel("NICK_CLAIMED", `nick ${nick} belongs to an account now; enter under another`);
    },
  };
}

// --- internal -----------------------------------------------------------------------------------

/** The password was not looked at. Any other refusal may be by the password. */
const UNTRIED: ReadonlySet<ErrorCode> = new Set(["AUTH_BUSY", "PLUGIN_FAILED"]);

/** An account is a nick. */
const isNickOf = (account: string, nick: Nick): boolean => sameName(nick, account as Nick);

const revoked = (account: string): Failure =>
  failure("AUTH_FAILED", `the account ${account} was removed, or its password changed`);

const requestOf = (
  { credential, remote, doorName, fingerprint }: Attempt,
  nick: Nick,
): AuthRequest => ({
  nick,
  why: "enter",
  credential,
  remote,
  door: doorName,
  ...(fingerprint === undefined ? {} : { fingerprint }),
});
