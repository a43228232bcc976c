// What operators of three real servers are answered when what they ask for cannot be, or is there
// already: every answer names its target, says what is wrong, or how it stands now.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Relay, relayTo } from "./relay.ts";
import { type ServerProgram, Stage } from "./servers.ts";

const TEST_MS = 60_000;
const stage = new Stage();
const SECRETIVE = `
import { defineConfig } from "chatfusion";
import authGuest from "chatfusion/plugins/auth-guest";
import fabricTree from "chatfusion/plugins/fabric-tree";
export default defineConfig({
  name: "unnamed",
  plugins: [authGuest(), fabricTree({ secret: "a long and random secret" })],
});
`;
let paris: ServerProgram;
let lyon: ServerProgram;
let nice: ServerProgram;
/** Between paris and lyon. */
let wire: Relay;

beforeAll(async () => {
  [paris, lyon, nice] = await Promise.all([
    stage.serve("paris"),
    stage.serve("lyon"),
    stage.serve("nice"),
  ]);
  wire = relayTo(lyon.port);
}, TEST_MS);
afterAll(async () => {
  wire.stop();
  await stage.close();
});

/** An answer's text, behind its code where it is a refusal. */
async function ask(server: ServerProgram, line: string): Promise<string> {
  const { code, text } = await server.run(line);
  return [code, text].filter((part) => typeof part === "string").join(" ");
}

test(
  "a refused merge or unmerge names its target, and what was expected",
  async () => {
    const secret = await stage.serve("secret", { config: SECRETIVE });
    const why =
      "the shared secret of secret and paris is not the same, or only one of them has one";
    for (const [line, answer] of [
      [
        `merge ${paris.address}`,
        `SELF ${paris.address}: this is paris itself; expected another server`,
      ],
      [`merge ${secret.address}`, `MERGE_DENIED ${secret.address}: ${why}`],
      [
        "merge 127.0.0.1:1",
        "CANNOT_CONNECT 127.0.0.1:1: nobody listens there (connection refused)",
      ],
      [
        "merge 127.0.0.1:0 --dry-run",
        "ADDRESS_INVALID 127.0.0.1:0: expected a port from 1 to 65535",
      ],
      ["merge lyon:x", "ADDRESS_INVALID lyon:x: expected HOST:PORT"],
      ["merge --dry-run", "USAGE expected one address; usage: merge HOST:PORT|NAME [--dry-run]"],
      [
        "merge --dry lyon",
        "USAGE --dry: unknown flag; expected --dry-run; usage: merge HOST:PORT|NAME [--dry-run]",
      ],
      ["unmerge oslo", "NOT_LINKED oslo is no server of this fusion; there are no links"],
      ["unmerge paris", "NOT_LINKED paris is this server; there are no links"],
    ] as const)
      expect(await ask(paris, line)).toBe(answer);
  },
  TEST_MS,
);

test(
  "a merge with one who is there already says how it stands, and trace who is not there",
  async () => {
    const fusion = "the fusion: lyon, nice, paris";
    const address = `127.0.0.1:${wire.port}`;
    expect(await paris.run(`merge ${address}`)).toMatchObject({ state: "merged" });
    expect(await lyon.run(`merge ${nice.address}`)).toMatchObject({ state: "merged" });
    const alice = await stage.chat("alice", nice);
    await alice.when({ event: "welcome" });
    const reserve = "nice is in the fusion already: the link is kept in reserve (standby)";
    expect(await ask(paris, "merge nice")).toBe(`${reserve}; ${fusion}`);
    const stays = `nice is linked already: the link stays in reserve (standby); ${fusion}`;
    expect(await ask(paris, `merge ${nice.address}`)).toBe(stays);
    const linked = `paris is linked already: nothing has changed; ${fusion}`;
    expect(await ask(lyon, `merge ${paris.address}`)).toBe(linked);

    const nobody = "nobody@nice: nobody is there under this nick";
    expect(await ask(paris, "trace nobody@nice")).toMatch(RegExp(`^1  .* ms\n.*${nobody}$`, "s"));
    expect(await ask(lyon, "trace alice@nice")).toMatch(/^1 {2}nice {2}\d+\.\d ms$/);
    const there = "there are: lyon, nice, paris";
    expect(await ask(paris, "trace bob@oslo")).toBe(
      `NO_SUCH_SERVER oslo: no server of this fusion; ${there}`,
    );
    expect(await ask(paris, "trace bob")).toBe(
      `NO_SUCH_SERVER bob: no server of this fusion (somebody is NICK@SERVER); ${there}`,
    );
    expect(await ask(paris, "trace no!body@nice")).toBe(
      'ADDRESS_INVALID nick: expected only letters, digits, _ - and ., not !, got "no!body"',
    );
  },
  TEST_MS,
);

test(
  "a link that comes back beside another one is said to be kept in reserve, at both ends",
  async () => {
    wire.cut();
    const ends = [
      [paris, "lyon"],
      [lyon, "paris"],
    ] as const;
    await Promise.all(ends.map(([one]) => one.when({ event: "link", state: "lost" })));
    const from = ends.map(([one]) => one.heard.lines.length);
    wire.open();
    const back = ends.map(([one, to], at) =>
      one.when({ event: "link", state: "standby", server: to }, from[at]),
    );
    expect((await Promise.all(back)).map(({ text }) => text)).toEqual(
      ["lyon", "paris"].map(
        (to) =>
          `link to ${to} is up again, and is kept in reserve: it is in the fusion by another way`,
      ),
    );
    expect((await paris.run("map"))["links"]).toContainEqual(
      expect.objectContaining({ state: "standby" }),
    );
  },
  TEST_MS,
);
