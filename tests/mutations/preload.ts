// Loads the program with one planted bug: the mutation that the environment variable MUTATION names
// (mutations.ts). `MUTATION=no-epoch bun --preload ./tests/mutations/preload.ts tests/sim/main.ts`

import { plugin } from "bun";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { exposed } from "../explore/exposed.ts";
import { mutationOf } from "./mutations.ts";

const root = join(import.meta.dir, "..", "..");
const mutation = mutationOf(process.env["MUTATION"] ?? "");

for (const file of new Set(mutation.edits.map((edit) => edit.file))) {
  const path = join(root, file);
  plugin({
    name: `planted in ${file}`,
    setup(build) {
      build.onLoad({ filter: new RegExp(`^${RegExp.escape(path)}$`) }, () => {
        const text = mutation.apply(file, readFileSync(path, "utf8"));
        // The explorer reads private fields; to the simulation it is the same.
        return { contents: exposed(path, text), loader: "ts" };
      });
    },
  });
}
