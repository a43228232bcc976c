// A slip on the command line of the programs that hunt for bugs.

import { expect, test } from "bun:test";

test.each([
  ["tests/sim/main.ts", "--sedes", "--seeds"],
  ["tests/explore/explore.ts", "--state", "--states"],
  ["tests/mutations/main.ts", "--olny", "--only"],
])("%s tells a wrong word in one line, with what there is", (program, wrong, known) => {
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, program, wrong, "5"]);
  const lines = stderr.toString().trim().split("\n");
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(`'${wrong}'`);
  expect(lines[0]).toContain(`${known},`);
  expect(exitCode).toBe(2);
});
