// The program before any command runs: help, version, and words that it does not know.

import { describe, expect, test } from "bun:test";
import packageJson from "../../package.json" with { type: "json" };
import { processes } from "./process.ts";

const { run } = processes();

const commands = [
  "serve",
  "chat",
  "init",
  "check",
  "user",
  "merge",
  "unmerge",
  "map",
  "who",
  "status",
  "say",
  "kick",
  "stop",
  "run",
];

describe("help", () => {
  test("lists every command, and how to begin", async () => {
    const { out, err, code } = await run(["--help"]);
    expect({ err, code }).toEqual({ err: "", code: 0 });
    for (const command of commands) expect(out).toMatch(new RegExp(`^  ${command} .*\\w`, "m"));
    expect(out).toContain("begin with: chatfusion serve");
  });

  for (const command of [...commands, "user add", "user passwd", "user del", "user list"]) {
    test(`of ${command} says what it takes`, async () => {
      const { out, err, code } = await run([...command.split(" "), "--help"]);
      expect({ err, code }).toEqual({ err: "", code: 0 });
      expect(out).toContain(`USAGE chatfusion ${command}`);
      expect(out).not.toContain("\u001b");
    });
  }

  test("may be asked for as a command", async () => {
    const { out, code } = await run(["help", "merge"]);
    expect(code).toBe(0);
    expect(out).toContain("USAGE chatfusion merge");
  });

  test("is shown on stderr when nothing is typed, as a mistake", async () => {
    const { out, err, code } = await run([]);
    expect({ out, code }).toEqual({ out: "", code: 2 });
    expect(err).toContain("usage: chatfusion COMMAND");
  });
});

test("the version is that of the package", async () => {
  expect(await run(["--version"])).toEqual({ out: `${packageJson.version}\n`, err: "", code: 0 });
});

describe("a word that is not known is a mistake, with what was probably meant:", () => {
  const cases: readonly (readonly [args: string, told: string])[] = [
    ["srve", 'unknown command "srve" (did you mean serve?)'],
    ["--hepl", 'unknown flag "--hepl" (did you mean --help?)'],
    ["xyzzy", 'unknown command "xyzzy"\n'],
    ["constructor", 'unknown command "constructor"'],
    ["serve --prot 1", 'chatfusion serve: unknown flag "--prot" (did you mean --port?)'],
    ["serve -p", 'chatfusion serve: unknown flag "-p"'],
    ["serve paris", 'chatfusion serve: unexpected "paris"'],
    ["serve --name", "chatfusion serve: --name expects a value"],
    ["serve --name --json", "chatfusion serve: --name expects a value"],
    ["serve --json=no", 'chatfusion serve: --json takes no value, got "no"'],
    ["user", "chatfusion user: expected one of: add, passwd, del, list"],
    ["user ad", 'chatfusion user: unknown command "ad" (did you mean add?)'],
    ["user del ann bob", 'chatfusion user del: unexpected "bob"'],
    ["merge", "chatfusion merge: ADDRESS is missing"],
    ["merge a b", 'chatfusion merge: unexpected "b"'],
    ["say", "chatfusion say: TEXT is missing"],
    ["kick -- --help", "no server runs"],
  ];
  for (const [args, told] of cases) {
    test(args, async () => {
      const { out, err, code } = await run(args.split(" "));
      expect(out).toBe("");
      expect(err).toContain(told);
      expect(code).toBe(args.startsWith("kick") ? 3 : 2);
    });
  }

  test("control characters, which are made visible", async () => {
    const { err } = await run(["\u001b[2Jx"]);
    expect(err).toContain('unknown command "␛[2Jx"');
    expect(err).not.toContain("\u001b");
  });
});
