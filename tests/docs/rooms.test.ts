// docs/rooms.md against the program: the matrix is the one that servers go by; so are the bounds.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { NEEDS } from "../../src/core/room-state.ts";
import { COMMAND_NAMES } from "../../src/cli/chat/commands.ts";
import { ERRORS } from "../../src/errors.ts";
import { LIMITS } from "../../src/limits.ts";
import { MODES } from "../../src/protocol/state.ts";

const page = await Bun.file(join(import.meta.dir, "../../docs/rooms.md")).text();

/** The cells of all rows of tables. */
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .map((line) =>
    line
      .split("|")
      .map((cell) => cell.trim())
      .slice(1, -1),
  );

test("the matrix names every act, and who may do it", () => {
  const expected = Object.entries(NEEDS).map(([act, needs]) => {
    const moderator = needs === "moderator" ? "yes" : act === "role" ? "voice only" : "no";
    return [act, "yes", moderator, "no", "no"];
  });
  const written = rows.filter(([act = "", owner]) => act in NEEDS && owner === "yes");
  expect(written).toEqual(expected);
});

test("every mode is there, and every command that is named exists", () => {
  const modes = rows.flatMap(([cell = ""]) => /^`([a-z-]+)(?: [A-Z]+)?`$/.exec(cell)?.[1] ?? []);
  expect(modes.filter((one) => (MODES as readonly string[]).includes(one)).toSorted()).toEqual(
    MODES.toSorted(),
  );
  const named = [...page.matchAll(/`\/([a-z]+)/g)].map(([, name = ""]) => name);
  expect(named.filter((name) => !(COMMAND_NAMES as readonly string[]).includes(name))).toEqual([]);
  const codes = [...page.matchAll(/`([A-Z][A-Z_]{5,})`/g)].map(([, code = ""]) => code);
  expect(codes.filter((code) => !Object.hasOwn(ERRORS, code) && code !== "SECONDS")).toEqual([]);
});

test("the bounds on the page are those of limits.ts", () => {
  const said = [
    LIMITS.stateEntriesPerServerMax,
    LIMITS.stateEntriesOfServerMax,
    LIMITS.stateEntriesMax,
    LIMITS.foundedPerAccountMax,
    LIMITS.stateChangesPerMinute,
    LIMITS.stateChangesBurst,
    LIMITS.reasonBytesMax,
    LIMITS.pinnedMax,
    LIMITS.serverBansMax,
    LIMITS.stateShelves,
    LIMITS.invitedAtOnceMax,
    (2 * LIMITS.auditBytesMax) / 1024,
  ];
  expect(said.filter((number) => !page.includes(number.toLocaleString("en-US")))).toEqual([]);
  expect(LIMITS.stateEntriesOfStrangersMax).toBe(LIMITS.stateEntriesOfServerMax);
  expect(LIMITS.slowBurstMax).toBe(3);
});
