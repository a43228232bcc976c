// Provides auth: a database of nicks and passwords in SQLite. A nick that is in it can be used
// with its password only, and so can whatever looks like it; nicks that are not in it are left to
// other plugins. That a nick is registered is no secret: whoever tries it is told to log in.
//
//   plugins: [authSqlite(), authGuest(), …]
//   plugins: [authSqlite({ registration: true }), authGuest(), …]
//   plugins: [authSqlite({ file: "/srv/chat/accounts.sqlite" }), …]
//
// Commands: user-add NICK PASSWORD [ROLE…], user-passwd NICK PASSWORD, user-cert NICK [SHA256],
// user-del NICK, user-list. Kept of a password: an argon2id hash, and what SCRAM-SHA-256 needs
// (auth-sqlite/password.ts), which can't be derived later. Both are made anew, and stronger, at a
// login if they are weak. Logins by SCRAM: auth-sqlite/scram.ts.

import { isAbsolute, join } from "node:path";
import type {
  Allow,
  AuthHost,
  Bytes,
  Clock,
  Deny,
  Exchange,
  Log,
  Nick,
  PluginStore,
  Random,
} from "chatfusion";
import { allow, ChatFusionError, definePlugin, deny, LIMITS } from "chatfusion";
import * as v from "valibot";
import type { Account, Accounts, Secret } from "./auth-sqlite/accounts.ts";
import { openAccounts } from "./auth-sqlite/accounts.ts";
import { userCommands } from "./auth-sqlite/commands.ts";
import { deriveVerifier, isStronger, isWeak, preparePassword } from "./auth-sqlite/password.ts";
import { checkScram, decoyOf, saltBytes, SCRAM } from "./auth-sqlite/scram.ts";

const Options = v.optional(
  v.strictObject({
    /** The database, from the plugin's own folder. Default "accounts.sqlite". */
    file: v.optional(v.pipe(v.string(), v.minLength(1)), "accounts.sqlite"),
    /** Guests may register the nick that they have, with a password of theirs. */
    registration: v.optional(v.boolean(), false),
    /** PBKDF2 iterations of new SCRAM verifiers; fewer are quicker, for clients and attackers. */
    scramIterations: v.optional(
      v.pipe(v.number(), v.integer(), v.minValue(LIMITS.scramIterationsMin), v.maxValue(1e7)),
      LIMITS.scramIterations,
    ),
  }),
  {},
);

export default definePlugin({
  name: "auth-sqlite",
  options: Options,
  provides: ["auth"],
  setup({ options, clock, folder, host, log, random, store }) {
    let opened: Accounts | undefined;
    const accounts = (): Accounts => {
      if (opened === undefined) throw new Error("the database of accounts is not open");
      return opened;
    };
    let unwatch: (() => void) | undefined;
    let decoySecret: Bytes = new Uint8Array();
    /** That there are accounts. */
    let noted: Promise<void> | undefined;
    const announce = () => {
      const { added, revoked } = accounts().news();
      for (const nick of revoked) host.revoked(nick);
      for (const nick of added) host.claimed(nick);
      if (added.length > 0) noted ??= store.write(USED, new Uint8Array());
    };
    const { scramIterations } = options;
    const secretOf = createSecrets({ host, random, scramIterations });
    const upgrader = createUpgrader({ accounts, secretOf, scramIterations, log });

    async function logIn(nick: Nick, password: string): Promise<Allow | Deny> {
      const found = accounts().find(nick);
      const account = found?.is === "own" ? found.account : undefined;
      const prepared = preparePassword(password);
      if (prepared === undefined) return WRONG;
      // Without an account it takes the same time, and the answer is the same.
      const matches = await host.verify(prepared, account?.hash);
      if (!matches || account === undefined) return WRONG;
      const now = accounts().find(nick)?.account;
      if (now?.id !== account.id || now.revision !== account.revision) return WRONG;
      upgrader.offer(now, prepared);
      return allow(account.nick, account.roles);
    }

    async function logInByScram(nick: Nick, exchange: Exchange): Promise<Allow | Deny> {
      if (exchange.mechanism !== SCRAM) return WRONG;
      const found = accounts().find(nick);
      const account = found?.is === "own" ? found.account : undefined;
      const own = account && accounts().verifier(account);
      const verifier = own ?? decoyOf(nick, decoySecret, scramIterations);
      const isRight = await checkScram({ exchange, nick, verifier, random });
      // It may have been changed, or removed, while the client was thinking.
      if (!isRight || account === undefined || own === undefined) return WRONG;
      if (accounts().verifier(account) === undefined) return WRONG;
      return allow(account.nick, account.roles);
    }
    function logInByCertificate(nick: Nick, fingerprint: Bytes | undefined): Allow | Deny {
      const found = accounts().find(nick);
      if (found?.is !== "own" || fingerprint === undefined) return WRONG_CERTIFICATE;
      if (!accounts().hasCertificate(found.account, fingerprint)) return WRONG_CERTIFICATE;
      return allow(found.account.nick, found.account.roles);
    }

    async function register(nick: Nick, word: string): Promise<Allow | Deny> {
      const password = preparePassword(word);
      if (password === undefined)
        return deny(`expected 1 to ${LIMITS.passwordBytesMax} bytes without control characters`);
      if (accounts().find(nick) !== undefined) return TAKEN;
      const secret = await secretOf(password);
      // It is told to the core (`announce`) when whoever asked is that account already.
      return accounts().add(nick, secret, [], clock.now()) ? allow(nick) : TAKEN;
    }

    return {
      mechanisms: [SCRAM, "EXTERNAL"],
      ...(options.registration
        ? { register: ({ nick, password }) => register(nick, password) }
        : {}),
      async start() {
        decoySecret = await secretIn(store, random);
        const path = pathOf(options.file, folder());
        const database = openAccounts(path);
        if (!database.isUsed() && (await store.read(USED)) !== undefined) {
          database.close();
          throw lost(path);
        }
        opened = database;
        if (database.isUsed()) await (noted = store.write(USED, new Uint8Array()));
        unwatch = watch(clock, log, announce);
      },
      async stop() {
        unwatch?.();
        await upgrader.idle();
        await noted;
        opened?.close();
        opened = undefined;
      },
      accountOf(nick) {
        const found = accounts().find(nick);
        return found?.is === "own" ? found.account.nick : undefined;
      },
      onAuth({ nick, credential, fingerprint }) {
        if (credential.kind === "password") return logIn(nick, credential.password);
        if (credential.kind === "exchange") return logInByScram(nick, credential);
        if (credential.kind === "certificate") return logInByCertificate(nick, fingerprint);
        const found = accounts().find(nick);
        if (found === undefined) return undefined;
        if (found.is === "own") return deny("this nick is registered: log in", "NICK_REGISTERED");
        return deny("this nick looks like a registered one: take another", "NICK_REGISTERED");
      },
      commands: userCommands({
        accounts,
        announce,
        clock,
        revoked: (account) => host.revoked(account),
        roles: () => host.roles(),
        secretOf,
      }),
    };
  },
});

// --- internal ---

/** For a wrong password, and for a nick that is not in the database: the same words. */
const WRONG = deny("wrong nick or password", "AUTH_FAILED");

const TAKEN = deny("this nick is registered, or looks like one that is", "NICK_REGISTERED");
const WRONG_CERTIFICATE = deny("no certificate of this account was shown", "AUTH_FAILED");

/** There were accounts in the database: an empty one would give their nicks to anybody. */
const USED = "used";
const lost = (path: string) => {
  const how = "bring it back, or remove store/auth-sqlite.used to begin anew";
  const text = `auth-sqlite: ${path}: there were accounts, and this is an empty database; ${how}`;
  return new ChatFusionError("CONFIG_INVALID", text);
};

/** The same after a restart, so that the salt of an unknown account is as lasting as others. */
async function secretIn(store: PluginStore, random: Random): Promise<Bytes> {
  const kept = await store.read(decoyKey);
  if (kept !== undefined) return kept;
  const secret = random.bytes(32);
  await store.write(decoyKey, secret);
  return secret;
}
const decoyKey = "scram-decoy";

function pathOf(file: string, folder: string | undefined): string {
  if (isAbsolute(file)) return file;
  if (folder !== undefined) return join(folder, file);
  const what = `expected an absolute path where the server has no data folder, got ${file}`;
  throw new ChatFusionError("CONFIG_INVALID", `auth-sqlite: file: ${what}`);
}

function createSecrets(by: {
  readonly host: AuthHost;
  readonly random: Random;
  readonly scramIterations: number;
}): (password: string) => Promise<Secret> {
  return async (password) => {
    const hash = await by.host.hash(password);
    const scram = await deriveVerifier(password, by.random.bytes(saltBytes), by.scramIterations);
    return { hash, scram };
  };
}

/** Hashes anew what was hashed weakly, while the password is at hand; one at a time. */
function createUpgrader(by: {
  readonly accounts: () => Accounts;
  readonly secretOf: (password: string) => Promise<Secret>;
  readonly scramIterations: number;
  readonly log: Log;
}) {
  let running: Promise<void> | undefined;
  async function upgrade(account: Account, password: string): Promise<void> {
    try {
      const secret = await by.secretOf(password);
      const kept = isStronger(secret.hash, account.hash) ? secret.hash : account.hash;
      if (kept === account.hash && account.iterations >= by.scramIterations) return;
      by.accounts().upgrade(account, { ...secret, hash: kept });
    } catch (thrown) {
      // The next login tries again.
      by.log.warn("a password was not hashed anew", { error: thrown });
    }
  }
  return {
    offer(account: Account, password: string): void {
      const isWeaker = isWeak(account.hash) || account.iterations < by.scramIterations;
      if (!isWeaker || running !== undefined) return;
      running = upgrade(account, password).finally(() => (running = undefined));
    },
    idle: () => running,
  };
}

/** Looks each second for what another process has done to accounts; returns what ends it. */
function watch(clock: Clock, log: Log, announce: () => void): () => void {
  let cancel: () => void;
  let failed = "";
  const look = () => {
    try {
      announce();
      failed = "";
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown.message : String(thrown);
      if (error !== failed) log.error("the accounts could not be read", { error });
      failed = error;
    }
    cancel = clock.after(LIMITS.accountsPollMs, look);
  };
  cancel = clock.after(LIMITS.accountsPollMs, look);
  return () => cancel();
}
