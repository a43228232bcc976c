// What every plugin of the role "auth" must hold, as tests: yours too. A failure says which part
// of the contract of `onAuth` (plugin/hooks.ts) or of security A1 and A3 is broken.
//
//   import { testAuth } from "chatfusion/testing";
//   testAuth("auth-mine", { guests: false, make: (folder, accounts) => authMine({ … }) });

import { describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIMITS } from "../limits.ts";
import type { Nick } from "../names.ts";
import { parseNick } from "../names.ts";
import type { Plugin } from "../plugin/context.ts";
import type { Allow, AuthRequest, Credential, Deny, Pass } from "../plugin/hooks.ts";
import type { SetUp } from "./context.ts";
import { setUp } from "./context.ts";
import type { ScramClient } from "./scram.ts";
import { scramClient } from "./scram.ts";

/** An account that the plugin under test is to have. */
export interface TestAccount {
  readonly nick: string;
  readonly password: string;
  readonly roles: readonly string[];
}

export interface AuthSubject {
  /** Whether people without a password get in under nicks that nobody owns. */
  readonly guests: boolean;
  /**
   * Makes the plugin, which finds `accounts` when it starts; `folder` is its own, and is there.
   * Undefined: it has no accounts of its own, and those cases are left out.
   */
  readonly make:
    | { readonly accounts: "none"; plugin(): Plugin }
    | ((folder: string, accounts: readonly TestAccount[]) => Plugin | Promise<Plugin>);
}

const ANA = { nick: "Ana", password: "correct horse", roles: ["admin", "bot"] };
const ACCOUNTS: readonly TestAccount[] = [
  ANA,
  { nick: "Łukasz", password: "  zażółć\u00a0gęślą  ", roles: [] },
  { nick: "scope", password: "same for both", roles: [] },
  { nick: "ilya", password: "'; DROP TABLE accounts; --", roles: [] },
];

/** Passwords that some stores take for a part of their language, and what they may not be. */
const HOSTILE_PASSWORDS = [
  "",
  "' OR '1'='1",
  '" OR ""="',
  "*)(uid=*",
  "%",
  "_____________",
  "correct horse\0",
  "\0",
  "correct hors",
  "correct horse ",
  "Correct Horse",
  "\ud800",
  "x".repeat(LIMITS.passwordBytesMax + 1),
  "x".repeat(1024 * 1024),
  "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA",
  "__proto__",
];

/** Strings that the core never hands on as nicks; a plugin that is asked all the same says no. */
const HOSTILE_NICKS = ["", "' OR 1=1 --", "ana'; DROP TABLE accounts; --", "%", "*", "__proto__"];

/** Defines the tests of one plugin, in a group of its own. */
export function testAuth(name: string, subject: AuthSubject): void {
  describe(`${name} as a way in`, () => {
    testStrangers(subject);
    const { make } = subject;
    if (typeof make === "function") {
      testLogins({ ...subject, make });
      testRegistered({ ...subject, make });
      testScram({ ...subject, make });
      testHostile({ ...subject, make });
    }
  });
}

// --- internal ---

type WithAccounts = AuthSubject & { readonly make: (...a: MakeArguments) => MadePlugin };
type MakeArguments = [folder: string, accounts: readonly TestAccount[]];
type MadePlugin = Plugin | Promise<Plugin>;
type Verdict = Allow | Deny | Pass;
type Ask = (nick: string, credential: Credential, why?: AuthRequest["why"]) => Promise<Verdict>;

const none: Credential = { kind: "none" };
const passwordOf = (password: string): Credential => ({ kind: "password", password });

/** Runs a test on a plugin with the accounts above. */
async function withAccounts(
  { make }: AuthSubject,
  run: (ask: Ask, world: SetUp) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "chatfusion-auth-"));
  try {
    const plugin = typeof make === "function" ? await make(folder, ACCOUNTS) : make.plugin();
    await using world = await setUp(plugin, { folder });
    const { onAuth } = world.parts;
    if (onAuth === undefined) throw new Error("a plugin that provides auth has an onAuth");
    const rest = { remote: "127.0.0.1:40123", door: "native" };
    await run(
      async (nick, credential, why = "enter") =>
        onAuth({ nick: nick as Nick, credential, why, ...rest }), // hostile ones are none
      world,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const isAllowed = (verdict: Verdict): boolean => verdict?.verdict === "allow";

function testStrangers(subject: AuthSubject): void {
  const what = subject.guests ? "gets in as a guest, without an account" : "is left to others";
  for (const why of ["enter", "rename"] as const) {
    test(`a nick that nobody owns, without a password (${why}), ${what}`, () =>
      withAccounts(subject, async (ask) => {
        const verdict = await ask("nobody", none, why);
        if (!subject.guests) return expect(verdict).toBeUndefined();
        expect(verdict).toEqual({ verdict: "allow", account: undefined, roles: [] });
      }));
  }

  test("a nick that nobody owns does not get in by any password", () =>
    withAccounts(subject, async (ask) => {
      for (const password of ["", "secret", ANA.password]) {
        expect(isAllowed(await ask("nobody", passwordOf(password)))).toBe(false);
      }
    }));
}

function testLogins(subject: WithAccounts): void {
  test("a nick gets in with its password, as its account and with its roles", () =>
    withAccounts(subject, async (ask) => {
      for (const { nick, password, roles } of ACCOUNTS) {
        const verdict = await ask(nick, passwordOf(password));
        expect(verdict).toEqual({ verdict: "allow", account: nick, roles });
      }
    }));

  test("a nick in other letters is the same account", () =>
    withAccounts(subject, async (ask) => {
      for (const nick of ["ana", "ANA", parseNick("Ａｎａ")]) {
        const verdict = await ask(nick, passwordOf(ANA.password), "rename");
        expect(verdict).toEqual({ verdict: "allow", account: ANA.nick, roles: ANA.roles });
      }
    }));

  test("a password in another composition of the same characters is the same", () =>
    withAccounts(subject, async (ask) => {
      const { nick, password } = ACCOUNTS[1] ?? ANA;
      expect(isAllowed(await ask(nick, passwordOf(password.normalize("NFD"))))).toBe(true);
    }));

  test("a wrong password and an unknown nick are refused in the same words, after equal work", () =>
    withAccounts(subject, async (ask, world) => {
      const wrong = await ask("ana", passwordOf("wrong"));
      const comparedKnown = world.verified.all;
      const unknown = await ask("nobody", passwordOf("wrong"));
      expect(wrong).toMatchObject({ verdict: "deny", code: "AUTH_FAILED" });
      expect(unknown).toEqual(wrong);
      expect(world.verified.all - comparedKnown).toBe(comparedKnown);
    }));

  test("logins at once are told apart", () =>
    withAccounts(subject, async (ask) => {
      const tries = ACCOUNTS.flatMap(({ nick, password }) => [
        ask(nick, passwordOf(password)),
        ask(nick, passwordOf("wrong")),
      ]);
      const verdicts = await Promise.all(tries);
      expect(verdicts.map(isAllowed)).toEqual(ACCOUNTS.flatMap(() => [true, false]));
    }));
}

function testRegistered(subject: WithAccounts): void {
  for (const why of ["enter", "rename"] as const) {
    test(`a registered nick without its password (${why}) is refused as registered`, () =>
      withAccounts(subject, async (ask) => {
        for (const nick of ["Ana", "ana", "ANA", "łukasz"]) {
          const verdict = await ask(nick, none, why);
          expect(verdict).toMatchObject({ verdict: "deny", code: "NICK_REGISTERED" });
        }
      }));
  }

  test("whose account a nick is, if it tells, is what a login gives; a look-alike's is none", () =>
    withAccounts(subject, async (ask, { parts: { accountOf } }) => {
      if (accountOf === undefined) return; // it may leave this out
      for (const { nick, password } of ACCOUNTS) {
        const verdict = await ask(nick, passwordOf(password));
        expect(verdict).toMatchObject({ account: accountOf(parseNick(nick)) });
      }
      expect(accountOf(parseNick("ANA"))).toBe(ANA.nick);
      for (const nick of ["nobody", "llya", "1lya"].map(parseNick))
        expect(accountOf(nick)).toBeUndefined();
      // As the core never asks; all the same it is nobody.
      for (const nick of HOSTILE_NICKS) expect(accountOf(nick as Nick)).toBeUndefined();
    }));

  test("a nick that looks like a registered one is refused, whatever the password", () =>
    withAccounts(subject, async (ask) => {
      // l and 1 for i; Cyrillic letters throughout.
      for (const nick of ["llya", "1lya", "\u0455\u0441\u043e\u0440\u0435"].map(parseNick)) {
        expect(await ask(nick, none)).toMatchObject({ code: "NICK_REGISTERED" });
        for (const { password } of ACCOUNTS) {
          expect(isAllowed(await ask(nick, passwordOf(password)))).toBe(false);
        }
      }
    }));

  test("a registered nick does not get in by another kind of credential", () =>
    withAccounts(subject, async (ask) => {
      const challenge = () => Promise.resolve(new Uint8Array());
      const exchange = { mechanism: "SCRAM-SHA-256", first: new Uint8Array(), challenge };
      for (const credential of [
        { kind: "certificate" },
        { kind: "exchange", ...exchange },
      ] satisfies Credential[]) {
        expect(await ask("ana", credential)).toMatchObject({ verdict: "deny" });
      }
    }));
}

function testScram(subject: WithAccounts): void {
  /** Runs a case where the plugin answers SCRAM-SHA-256. */
  const withScram = (run: (ask: Ask, world: SetUp) => Promise<void>) =>
    withAccounts(subject, async (ask, world) => {
      if (world.parts.mechanisms?.includes("SCRAM-SHA-256") === true) await run(ask, world);
    });
  test("SCRAM, if it answers it, lets in with the password, and proves the server", () =>
    withScram(async (ask) => {
      for (const { nick, password, roles } of ACCOUNTS) {
        const prepared = password.replace(/\p{Zs}/gu, " ");
        const client = scramClient(nick, prepared);
        expect(await ask(nick, client)).toEqual({ verdict: "allow", account: nick, roles });
        expect(client.isServerProven()).toBe(true);
      }
    }));

  test("by SCRAM a wrong password and an unknown nick are told the same, at the same step", () =>
    withScram(async (ask) => {
      const [wrong, unknown, again] = ["ana", "nobody", "nobody"].map((nick) => ({
        nick,
        client: scramClient(nick, "wrong"),
      }));
      if (wrong === undefined || unknown === undefined || again === undefined) throw new Error();
      const verdicts = [wrong, unknown, again].map(({ nick, client }) => ask(nick, client));
      const [first, ...others] = await Promise.all(verdicts);
      expect(first).toMatchObject({ verdict: "deny", code: "AUTH_FAILED" });
      for (const other of others) expect(other).toEqual(first);
      const shape = (one: { client: ScramClient }) =>
        one.client.serverFirst().replaceAll(/(?<=[rs]=)[^,]*/g, (text) => String(text.length));
      expect(shape(unknown)).toBe(shape(wrong));
      // Its salt does not change from try to try, as no account's does.
      const salt = ({ client }: { client: ScramClient }) => client.serverFirst().split(",")[1];
      expect(salt(again)).toBe(salt(unknown));
      expect(wrong.client.isServerProven()).toBe(false);
    }));

  test("what is no SCRAM lets nobody in, whatever it is and when it comes", () =>
    withScram(async (ask) => {
      for (const [step, of] of HOSTILE_SCRAM) {
        const client = scramClient("ana", ANA.password, (text, at) =>
          at === step ? of(text) : text,
        );
        const verdict = await ask("ana", client);
        expect(verdict).toMatchObject({ verdict: "deny", code: "AUTH_FAILED" });
      }
      // Another's name in it than the one that is asked for.
      const other = await ask("ilya", scramClient("ana", ANA.password));
      expect(isAllowed(other)).toBe(false);
    }));
}

/** At which step of a right login what is said instead. */
const HOSTILE_SCRAM: readonly (readonly [step: number, of: (text: string) => string])[] = [
  [0, () => ""],
  [0, (text) => text.slice(3)],
  [0, (text) => text.replace("n,,", "p=tls-unique,,")],
  [0, (text) => text.replace("n,,", "n,a=ilya,")],
  [0, (text) => text.replace("n=", "m=x,n=")],
  [0, (text) => text.replace(/r=.*/, "r=")],
  [0, (text) => text.replace("n=ana", "n=an=2")],
  [0, (text) => text + "x".repeat(3000)],
  [1, () => ""],
  [1, (text) => text.replace(/p=.*/, "p=")],
  [1, (text) => text.replace(/,p=.*/, "")],
  [1, (text) => text.replace(/p=.*/, `p=${"A".repeat(43)}=`)],
  [1, (text) => text.replace("c=biws", "c=eSws")],
  [1, (text) => text.replace(/r=[^,]*/, "r=rOprNGfwEbeRWgbNEkqO")],
  [1, (text) => text.replace("p=", "p=\0")],
  [2, () => "more"],
];

function testHostile(subject: WithAccounts): void {
  test("hostile passwords are wrong ones", () =>
    withAccounts(subject, async (ask) => {
      for (const password of HOSTILE_PASSWORDS) {
        const verdict = await ask("ana", passwordOf(password));
        expect(verdict).toMatchObject({ verdict: "deny", code: "AUTH_FAILED" });
      }
      expect(isAllowed(await ask("ana", passwordOf(ANA.password)))).toBe(true);
    }));

  test("what is no nick gets in by no password", () =>
    withAccounts(subject, async (ask) => {
      for (const nick of HOSTILE_NICKS) {
        expect(isAllowed(await ask(nick, passwordOf(ANA.password)))).toBe(false);
      }
      expect(isAllowed(await ask("ana", passwordOf(ANA.password)))).toBe(true);
    }));

  test("a password too long is refused before it is hashed", () =>
    withAccounts(subject, async (ask, world) => {
      await ask("ana", passwordOf("x".repeat(LIMITS.passwordBytesMax + 1)));
      expect(world.verified.all).toBe(0);
    }));

  test("no password is in the log or in an answer", () =>
    withAccounts(subject, async (ask, world) => {
      const canary = "canary-6f1d";
      const verdicts = [await ask("ana", passwordOf(canary)), await ask(canary, none)];
      await ask("ana", passwordOf(ANA.password));
      expect(JSON.stringify(verdicts[0])).not.toContain(canary);
      expect(JSON.stringify(world.logged)).not.toContain(canary);
      expect(JSON.stringify(world.logged)).not.toContain(ANA.password);
    }));
}
