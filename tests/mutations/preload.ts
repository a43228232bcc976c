// Loads the program with one planted bug: the mutation that the environment variable MUTATION names
// (mutations.ts). `bun --preload ./tests/mutations/preload.ts tests/sim/main.ts --seeds 100`

import { plugin } from "bun";
import { join } from "node:path";
import { mutationOf } from "./mutations.ts";

const root = join(import.meta.dir, "..", "..");
const mutation = mutationOf(process.env["MUTATION"] ?? "");
const paths = new Set(mutation.edits.map(({ file }) => join(root, file)));

plugin({
  name: "mutation",
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await Bun.file(path).text();
      if (!paths.has(path)) return { contents: text, loader: "ts" };
      return { contents: mutation.apply(path.slice(root.length + 1), text), loader: "ts" };
    });
  },
});
