// Provides auth: a text file of nicks and passwords, for a few people whom the operator knows. A
// nick that is in it can be used with its password only, and so can whatever looks like it.
//
//   plugins: [authFile({ file: "/etc/chatfusion/people" }), …]
//
// A line is NICK:HASH or NICK:HASH:ROLE,ROLE; # begins a comment. The hash of a password:
//   bun -e 'const to = { algorithm: "argon2id", memoryCost: 19456, timeCost: 2 };
//     console.log(await Bun.password.hash(prompt("password") ?? "", to))'
// All should cost the same, or the time of an answer tells which nicks are there.
// The file is read again within a second of a change: write a new one and rename it. While the new
// one is wrong, which is logged, the old lines count; likewise where all are gone at once, as when
// a full disk has cut the file. Whose line has changed or is gone is logged out, and what a line
// that is gone had on the server ends, also where it went while the server was stopped.

import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import type { Allow, AuthHost, Clock, Deny, Log, Nick, PluginStore } from "chatfusion";
import { allow, ChatFusionError, definePlugin, deny, LIMITS } from "chatfusion";
import * as v from "valibot";
import type { Account, Accounts } from "./auth-file/lines.ts";
import { parseAccounts } from "./auth-file/lines.ts";

const Options = v.strictObject({
  /** The file, from the plugin's own folder. Only its owner and group may write it. */
  file: v.pipe(v.string(), v.minLength(1)),
});

export default definePlugin({
  name: "auth-file",
  options: Options,
  provides: ["auth"],
  setup({ options, clock, folder, host, log, store }) {
    let watched: Watched | undefined;
    const find = (nick: Nick) => {
      if (watched === undefined) throw new Error("the file of accounts is not read");
      return watched.accounts().find(nick);
    };

    async function logIn(nick: Nick, password: string): Promise<Allow | Deny> {
      const found = find(nick);
      const account = found?.is === "own" ? found.account : undefined;
      const given = password.replace(/\p{Zs}/gu, " ").normalize("NFC");
      if (given === "" || Buffer.byteLength(given) > LIMITS.passwordBytesMax) return WRONG;
      // Without an account it takes the same time, and the answer is the same.
      const matches = await host.verify(given, account?.hash ?? watched?.accounts().anyHash);
      if (!matches || account === undefined) return WRONG;
      const now = find(nick)?.account;
      return now?.hash === account.hash ? allow(now.nick, now.roles) : WRONG;
    }

    return {
      async start() {
        watched = await watch({ path: pathOf(options.file, folder()), clock, host, log, store });
      },
      stop() {
        watched?.stop();
      },
      accountOf(nick) {
        const found = find(nick);
        return found?.is === "own" ? found.account.nick : undefined;
      },
      onAuth({ nick, credential }) {
        if (credential.kind === "password") return logIn(nick, credential.password);
        const found = find(nick);
        if (found === undefined) return undefined;
        if (found.is === "own") return deny("this nick is registered: log in", "NICK_REGISTERED");
        return deny("this nick looks like a registered one: take another", "NICK_REGISTERED");
      },
    };
  },
});

// --- internal ---

/** For a wrong password, and for a nick that is not in the file: the same words. */
const WRONG = deny("wrong nick or password", "AUTH_FAILED");

function pathOf(file: string, folder: string | undefined): string {
  if (isAbsolute(file)) return file;
  if (folder !== undefined) return join(folder, file);
  const what = `expected an absolute path where the server has no data folder, got ${file}`;
  throw new ChatFusionError("CONFIG_INVALID", `auth-file: file: ${what}`);
}

/** Reads the file if it is another than `seen`. Throws `CONFIG_INVALID` for one that is wrong. */
async function readAccounts(path: string, seen: Seen): Promise<Accounts | undefined> {
  const refuse = (what: string, cause?: unknown) =>
    new ChatFusionError("CONFIG_INVALID", `auth-file: ${path}: ${what}`, cause);
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (thrown) {
    throw refuse(thrown instanceof Error ? thrown.message : String(thrown), thrown);
  }
  try {
    const { mode, size, mtimeMs, ctimeMs, ino } = await file.stat();
    const version = [mode, size, mtimeMs, ctimeMs, ino].join(" ");
    if (version === seen.version) return undefined;
    seen.version = version;
    if ((mode & 0o002) !== 0) throw refuse("anybody may write it: chmod 600");
    if (size > LIMITS.accountsFileBytesMax) {
      throw refuse(`expected up to ${LIMITS.accountsFileBytesMax} bytes, got ${size}`);
    }
    return parseAccounts(await file.readFile("utf8"), path);
  } finally {
    await file.close();
  }
}

/** The file as it was read last, rightly or wrongly. */
interface Seen {
  version: string;
}

const NICKS = "nicks";

async function nicksIn(store: PluginStore): Promise<readonly Nick[]> {
  const text = new TextDecoder().decode(await store.read(NICKS));
  return text.split("\n").filter(Boolean) as Nick[]; // only nicks are put in
}

function lost(path: string): ChatFusionError {
  const how = "bring them back, or remove store/auth-file.nicks of a stopped server to begin anew";
  const text = `auth-file: ${path}: all accounts are gone at once; ${how}`;
  return new ChatFusionError("CONFIG_INVALID", text);
}

interface Watched {
  accounts(): Accounts;
  stop(): void;
}

/** Reads the file, and again after each change; rejects only for the first time. */
async function watch(by: {
  readonly path: string;
  readonly clock: Clock;
  readonly host: AuthHost;
  readonly log: Log;
  readonly store: PluginStore;
}): Promise<Watched> {
  const seen: Seen = { version: "" };
  let accounts = (await readAccounts(by.path, seen)) ?? parseAccounts("", by.path);
  /** Nicks that had a line when the core was told last, also by an earlier start. */
  let told = await nicksIn(by.store);
  if (accounts.nicks.length === 0 && told.length > 0) throw lost(by.path);
  let isStopped = false;
  let missing = "";
  let cancel: () => void;
  const tell = async (before: Accounts) => {
    if (told === accounts.nicks) return;
    for (const nick of accounts.nicks) {
      if (before.find(nick)?.is !== "own") by.host.claimed(nick);
    }
    const isSame = ({ nick, hash, roles }: Account) => {
      const now = accounts.find(nick)?.account;
      return now?.nick === nick && now.hash === hash && now.roles.join() === roles.join();
    };
    const gone = told.filter((nick) => accounts.find(nick)?.account.nick !== nick);
    const changed = before.all.filter((one) => !isSame(one)).map(({ nick }) => nick);
    for (const nick of new Set([...gone, ...changed])) by.host.revoked(nick);
    const isSameList = told.join() === accounts.nicks.join();
    told = accounts.nicks;
    if (!isSameList) await by.store.write(NICKS, new TextEncoder().encode(told.join("\n")));
  };
  const look = async () => {
    try {
      const before = accounts;
      const read = (await readAccounts(by.path, seen)) ?? before;
      if (read.nicks.length === 0 && before.nicks.length > 0) throw lost(by.path);
      accounts = read;
      missing = "";
      if (!isStopped) await tell(before);
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown.message : String(thrown);
      if (error !== missing) by.log.error("the accounts were not read again", { error });
      missing = error;
    } finally {
      if (!isStopped) later();
    }
  };
  const later = () => {
    cancel = by.clock.after(LIMITS.accountsPollMs, () => void look());
  };
  later();
  return {
    accounts: () => accounts,
    stop() {
      isStopped = true;
      cancel();
    },
  };
}
