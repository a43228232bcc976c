// What people are told when servers come and go: a merge once it has settled, so that who is asked
// then is there, and a split at once.

import type { ErrorCode, Failure } from "../errors.ts";
import { ERRORS, failure, isFailure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { ServerName } from "../names.ts";
import type { FabricReport, MergeOutcome } from "../plugin/fabric.ts";
import type { FusionOptions } from "./fusion.ts";

/** Tells clients and the operator that servers came or went: a merge once it has settled. */
export function createMerging(options: FusionOptions, isSettled: () => boolean) {
  let known: readonly ServerName[] = [];
  let fresh: ServerName[] = [];
  let cancel: (() => void) | undefined;
  const waiting = new Set<() => void>();
  const hearing = new Set<(report: FabricReport) => void>();
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
  const whenSettled = (): Promise<void> =>
    new Promise((resolve) => {
      if (fresh.length === 0 && isSettled()) return resolve();
      waiting.add(resolve);
      cancel ??= options.environment.clock.after(LIMITS.settleMsMax, announce);
    });
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
    /** What the fabric says of its links. */
    reported(report: FabricReport) {
      for (const hear of hearing) hear(report);
    },
    /**
     * Merges with the server at an address. Resolves when all servers of the fusion see the same,
     * or after a while; with the reason, where that server has not stayed in it until then.
     */
    async merge(address: string): Promise<MergeOutcome> {
      const ends = new Map<string, Failure>();
      const hear = (report: FabricReport) => {
        const end = endOf(report);
        if (end !== undefined) ends.set(report.server ?? "", end);
      };
      hearing.add(hear);
      const result = await options.fabric().merge(address, { dryRun: false });
      if (!isFailure(result)) await whenSettled();
      hearing.delete(hear);
      if (isFailure(result)) return result;
      // By its sid: it may be a namesake that is there.
      const isThere = options.fabric().view.servers.some(({ sid }) => sid === result.sid);
      return isThere ? result : (ends.get(result.server) ?? result);
    },
  };
}

export type Merging = ReturnType<typeof createMerging>;

// --- internal -----------------------------------------------------------------------------------

/** The reason of a link's end, if a report is of one. */
function endOf({ event, code = "", text }: FabricReport): Failure | undefined {
  if ((event !== "undone" && event !== "lost") || !(code in ERRORS)) return undefined;
  return failure(code as ErrorCode, text); // it is a key
}
