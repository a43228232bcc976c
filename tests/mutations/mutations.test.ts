// The planted bugs still fit the program: each edit stands where it says, once, and changes it. The
// hunt itself takes long: `bun run mutate`.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { mutationOf, MUTATIONS } from "./mutations.ts";

const root = join(import.meta.dir, "..", "..");

test.each(MUTATIONS.map((one) => [one.name, one] as const))("%s can be planted", async (_, one) => {
  for (const { file } of one.edits) {
    const text = await Bun.file(join(root, file)).text();
    const planted = one.apply(file, text);
    expect(planted).not.toBe(text);
    expect(() => new Bun.Transpiler({ loader: "ts" }).transformSync(planted)).not.toThrow();
  }
});

test("names are different, and an unknown one is answered with all of them", () => {
  expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
  expect(() => mutationOf("no-such")).toThrow("expected one of newest-link-first, no-names");
});
