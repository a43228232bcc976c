// The lines of a file of accounts: NICK:HASH[:ROLE,ROLE]. Empty ones and those that begin with #
// are left out. Pure.

import type { Nick } from "chatfusion";
import { ChatFusionError, LIMITS, nameKey, parseNick, skeleton, visible } from "chatfusion";

export interface Account {
  readonly nick: Nick;
  /** argon2id, in the PHC format. */
  readonly hash: string;
  readonly roles: readonly string[];
}

/** A nick of the file: its own account, or another one's that it could be taken for. */
export type Found = { readonly is: "own" | "alike"; readonly account: Account };

export interface Accounts {
  readonly all: readonly Account[];
  readonly nicks: readonly Nick[];
  /** A hash of the file, to compare with where there is none of one's own. */
  readonly anyHash: string | undefined;
  find(nick: Nick): Found | undefined;
}

/**
 * Reads a file's text; `path` stands in what is thrown. Throws `CONFIG_INVALID` that names the
 * first wrong line, and never quotes it: it holds a hash.
 */
export function parseAccounts(text: string, path: string): Accounts {
  const byKey = new Map<string, Account>();
  const bySkeleton = new Map<string, Account>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const refuse = (what: string) =>
      new ChatFusionError("CONFIG_INVALID", `auth-file: ${path}:${index + 1}: ${what}`);
    const account = parseLine(line, refuse);
    const alike = bySkeleton.get(skeleton(account.nick));
    if (alike !== undefined) throw refuse(`${account.nick} looks like ${alike.nick}, above`);
    byKey.set(nameKey(account.nick), account);
    bySkeleton.set(skeleton(account.nick), account);
  }
  const all = [...byKey.values()];
  return {
    all,
    anyHash: all[0]?.hash,
    nicks: all.map(({ nick }) => nick),
    find(nick) {
      const own = byKey.get(nameKey(nick));
      if (own !== undefined) return { is: "own", account: own };
      const alike = bySkeleton.get(skeleton(nick));
      return alike === undefined ? undefined : { is: "alike", account: alike };
    },
  };
}

// --- internal ---

const hashPattern =
  /^\$argon2id\$v=19\$m=\d{1,6},t=\d{1,2},p=\d{1,2}\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+$/;
const rolePattern = /^[a-z][a-z0-9-]{0,31}$/;

function parseLine(line: string, refuse: (what: string) => ChatFusionError): Account {
  const [name = "", hash = "", words = "", ...more] = line.trimEnd().split(":");
  if (hash === "" || more.length > 0) throw refuse("expected NICK:HASH or NICK:HASH:ROLE,ROLE");
  if (!hashPattern.test(hash)) throw refuse("expected an argon2id hash after the nick");
  const roles = words === "" ? [] : words.split(",");
  if (roles.length > LIMITS.rolesPerAccountMax) {
    throw refuse(`expected up to ${LIMITS.rolesPerAccountMax} roles, got ${roles.length}`);
  }
  for (const role of roles) {
    if (rolePattern.test(role)) continue;
    throw refuse(`role: expected lower-case letters, digits and -, got ${visible(role)}`);
  }
  return { nick: nickOf(name, refuse), hash, roles: [...new Set(roles)] };
}

function nickOf(name: string, refuse: (what: string) => ChatFusionError): Nick {
  try {
    return parseNick(name);
  } catch (thrown) {
    if (thrown instanceof ChatFusionError) throw refuse(thrown.text);
    throw thrown;
  }
}
