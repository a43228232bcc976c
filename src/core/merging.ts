// What people are told when servers come and go: a merge once it has settled, so that who is asked
// then is there, and a split at once.

import { LIMITS } from "../limits.ts";
import type { ServerName } from "../names.ts";
import type { FusionOptions } from "./fusion.ts";

/** Tells clients and the operator that servers came or went: a merge once it has settled. */
export function createMerging(options: FusionOptions, isSettled: () => boolean) {
  let known: readonly ServerName[] = [];
  let fresh: ServerName[] = [];
  let cancel: (() => void) | undefined;
  const waiting = new Set<() => void>();
  const fusion = () => [options.self, ...known].map(String).toSorted();

  const announce = () => {
    cancel?.();
    cancel = undefined;
    if (fresh.length > 0) {
      const servers = fresh.map(String).toSorted();
      const { neighbours, servers: inView } = options.fabric().view;
      const near = inView.find(({ sid, name }) => neighbours.includes(sid) && fresh.includes(name));
      fresh = [];
      options.rooms().lobby.tell({ type: "merged", servers, fusion: fusion() });
      const other = near?.name ?? servers[0] ?? "";
      options.report({ event: "merged", server: options.self, with: other, fusion: fusion() });
    }
    for (const done of waiting) done();
    waiting.clear();
  };
  return {
    moved(came: readonly ServerName[], went: readonly ServerName[], now: readonly ServerName[]) {
      known = now;
      const lost = went.filter((name) => !fresh.includes(name));
      fresh = [...fresh, ...came].filter((name) => now.includes(name));
      if (lost.length > 0) {
        const servers = lost.map(String).toSorted();
        options.rooms().lobby.tell({ type: "split", servers, fusion: fusion() });
        options.report({ event: "split", server: options.self, lost: servers, fusion: fusion() });
      }
      if (fresh.length > 0)
        cancel ??= options.environment.clock.after(LIMITS.settleMsMax, announce);
    },
    /** No more waiting: the server stops. */
    close() {
      cancel?.();
      cancel = undefined;
      for (const done of waiting) done();
      waiting.clear();
    },
    settled() {
      if (fresh.length > 0 || waiting.size > 0) announce();
    },
    whenSettled: (): Promise<void> =>
      new Promise((resolve) => {
        if (fresh.length === 0 && isSettled()) return resolve();
        waiting.add(resolve);
        cancel ??= options.environment.clock.after(LIMITS.settleMsMax, announce);
      }),
  };
}
