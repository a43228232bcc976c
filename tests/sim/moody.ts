// A plugin that takes its time to consent to a merge, and sometimes doesn't.

import { definePlugin, deny, type Plugin } from "../../src/plugin.ts";

/** `mood` is chance from 0 to 1: below 0.05 it denies, below 0.3 it waits, else it agrees. */
export function moody(mood: () => number): Plugin {
  return definePlugin({
    name: "moody",
    setup: ({ clock }) => ({
      onMerge() {
        if (mood() < 0.05) return deny("in a bad mood");
        if (mood() > 0.3) return undefined;
        const { promise, resolve } = Promise.withResolvers<undefined>();
        clock.after(mood() * 3000, () => resolve(undefined));
        return promise;
      },
    }),
  })();
}
