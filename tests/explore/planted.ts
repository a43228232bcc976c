// A preload that plants one bug in the fabric, so that the explorer's test can see it fail: the
// view no longer keeps two namesakes apart.

import { plugin } from "bun";
import { readFileSync } from "node:fs";
import { exposed } from "./exposed.ts";

const RULE = "if (roots.includes(a) && roots.includes(b)) return false;";

plugin({
  name: "planted",
  setup(build) {
    build.onLoad({ filter: /[\\/]plugins[\\/]fabric-tree[\\/]view\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      if (!text.includes(RULE)) throw new Error("the rule that this bug takes away is elsewhere");
      return { contents: exposed(path, text.replace(RULE, "")), loader: "ts" };
    });
  },
});
