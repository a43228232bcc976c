// Makes the fabric's private fields public in the explorer's process, so that its whole state can
// be read, compared and put back. Importing this file registers the loader, which must happen
// before the fabric is loaded. Next: graph.ts.

import { plugin } from "bun";
import { readFileSync } from "node:fs";
import { exposed } from "./exposed.ts";

plugin({
  name: "expose",
  setup(build) {
    build.onLoad({ filter: /[\\/]plugins[\\/]fabric-tree[\\/][^\\/]+\.ts$/ }, ({ path }) => ({
      contents: exposed(path, readFileSync(path, "utf8")),
      loader: "ts",
    }));
  },
});
