// The operator's commands on accounts. Their refusals are values, with a code.

import type { Bytes, Clock, Command, CommandResult, Failure, Nick } from "chatfusion";
import { ChatFusionError, command, failure, LIMITS, parseNick, visible } from "chatfusion";
import * as v from "valibot";
import type { Account, Accounts, Secret } from "./accounts.ts";
import { isBusy } from "./accounts.ts";
import { preparePassword } from "./password.ts";

/** An account, as `user-list` gives it in its data. */
export interface UserEntry {
  readonly nick: Nick;
  readonly roles: readonly string[];
  /** Milliseconds since 1970. */
  readonly created: number;
}

/** Makes the commands; `accounts` is asked when one runs, and throws while none is open. */
export function userCommands(by: {
  readonly accounts: () => Accounts;
  readonly clock: Clock;
  /** Tells the core of accounts that were added, changed or removed. */
  readonly announce: () => void;
  /** Tells the core that an account's sessions end. */
  readonly revoked: (account: string) => void;
  /** Those that mean something here. */
  readonly roles: () => readonly string[];
  readonly secretOf: (password: string) => Promise<Secret>;
}): Readonly<Record<string, Command>> {
  return {
    "user-add": command({
      about: "registers a nick with a password",
      usage: "NICK PASSWORD [ROLE…]",
      secret: true,
      args: v.tupleWithRest([v.string(), v.string()], v.string()),
      run: ([name, word, ...roles]) =>
        refusing(async () => {
          const nick = parseNick(name);
          const password = passwordOf(word);
          checkRoles(roles, by.roles());
          refuseTaken(nick, by.accounts());
          const secret = await by.secretOf(password);
          const isAdded = by.accounts().add(nick, secret, [...new Set(roles)], by.clock.now());
          if (!isAdded) refuseTaken(nick, by.accounts());
          by.announce();
          return { text: `${nick} is registered` };
        }),
    }),
    "user-passwd": command({
      about: "gives a registered nick another password",
      usage: "NICK PASSWORD",
      secret: true,
      args: v.strictTuple([v.string(), v.string()]),
      run: ([name, word]) =>
        refusing(async () => {
          const account = accountOf(name, by.accounts());
          const secret = await by.secretOf(passwordOf(word));
          if (!by.accounts().change(account, secret)) throw noSuch(account.nick);
          by.announce();
          return { text: `${account.nick} has a new password` };
        }),
    }),
    "user-del": command({
      about: "removes a registered nick",
      usage: "NICK",
      args: v.strictTuple([v.string()]),
      run: ([name]) =>
        refusing(() => {
          const account = accountOf(name, by.accounts());
          if (!by.accounts().remove(account)) throw noSuch(account.nick);
          by.announce();
          return { text: `${account.nick} is no longer registered` };
        }),
    }),
    "user-cert": command({
      about: "lets a nick in by a TLS client certificate; without one, by none any more",
      usage: "NICK [SHA256]",
      args: v.union(
        [v.strictTuple([v.string()]), v.strictTuple([v.string(), v.string()])],
        "expected a nick, and a fingerprint",
      ),
      run: ([name, text]) =>
        refusing(() => {
          const account = accountOf(name, by.accounts());
          if (text === undefined) return withoutCertificates(account, by);
          if (by.accounts().addCertificate(account, fingerprintOf(text)))
            return { text: `${account.nick} gets in by this certificate` };
          const most = LIMITS.certificatesPerAccountMax;
          const what = `it is another account's, or ${account.nick} has ${most} already`;
          throw new ChatFusionError("BAD_REQUEST", `certificate: ${what}`);
        }),
    }),
    "user-list": command({
      about: "lists the registered nicks with their roles",
      args: v.strictTuple([]),
      run: () =>
        refusing(() => {
          const data = by.accounts().list().map(entryOf);
          const lines = data.map(({ nick, roles }) => [nick, ...roles].join(" "));
          return { text: lines.length === 0 ? "no nick is registered" : lines.join("\n"), data };
        }),
    }),
  };
}

// --- internal ---

const rolePattern = /^[a-z][a-z0-9-]{0,31}$/;

/** What one gets in by no more, one is not in by any more. */
function withoutCertificates(
  account: Account,
  by: { readonly accounts: () => Accounts; readonly revoked: (account: string) => void },
): CommandResult {
  const count = by.accounts().dropCertificates(account);
  if (count > 0) by.revoked(account.nick);
  return { text: `${account.nick} gets in by no certificate (${count} were removed)` };
}

/** As `openssl x509 -fingerprint -sha256` writes it, or without colons. */
function fingerprintOf(text: string): Bytes {
  const hex = text.replaceAll(":", "").toLowerCase();
  if (/^[0-9a-f]{64}$/.test(hex)) return Uint8Array.fromHex(hex);
  const what = `expected the 64 hex digits of a SHA-256, got ${visible(text)}`;
  throw new ChatFusionError("BAD_REQUEST", `certificate: ${what}`);
}

const entryOf = ({ nick, roles, created }: Account): UserEntry => ({ nick, roles, created });

const noSuch = (name: string): ChatFusionError =>
  new ChatFusionError("NO_SUCH_NICK", `nick: ${visible(name)} is not registered`);

/** Runs a command; what it refuses becomes its answer. */
async function refusing(
  run: () => CommandResult | Promise<CommandResult>,
): Promise<CommandResult | Failure> {
  try {
    return await run();
  } catch (thrown) {
    if (thrown instanceof ChatFusionError) return failure(thrown.code, thrown.text);
    if (isBusy(thrown)) return failure("AUTH_BUSY", "another process is using the accounts: retry");
    throw thrown;
  }
}

function accountOf(name: string, accounts: Accounts): Account {
  const found = accounts.find(parseNick(name));
  if (found?.is !== "own") throw noSuch(name);
  return found.account;
}

function refuseTaken(nick: Nick, accounts: Accounts): void {
  const found = accounts.find(nick);
  if (found === undefined) return;
  const what = found.is === "own" ? "is registered already" : `looks like ${found.account.nick}`;
  throw new ChatFusionError("NICK_IN_USE", `nick: ${nick} ${what}`);
}

function passwordOf(word: string): string {
  const password = preparePassword(word);
  if (password !== undefined) return password;
  const what = `1 to ${LIMITS.passwordBytesMax} bytes without control characters`;
  throw new ChatFusionError("BAD_REQUEST", `password: expected ${what}`);
}

function checkRoles(roles: readonly string[], known: readonly string[]): void {
  if (roles.length > LIMITS.rolesPerAccountMax) {
    const what = `expected up to ${LIMITS.rolesPerAccountMax}, got ${roles.length}`;
    throw new ChatFusionError("BAD_REQUEST", `roles: ${what}`);
  }
  const odd = roles.find((role) => !known.includes(role) || !rolePattern.test(role));
  if (odd === undefined) return;
  const what = `nothing on this server looks for it; expected ${known.join(", ")}`;
  throw new ChatFusionError("BAD_REQUEST", `role ${visible(odd)}: ${what}`);
}
