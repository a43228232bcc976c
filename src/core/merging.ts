// What people are told when servers come and go, in one line for each happening: of a merge or a
// heal once it has settled, so that who is asked then is there; of a split when all have gone who
// go by the same cause. What the fabric says of its links is put into that line, if there is one.
//
//   view ──moved──▶ fresh, gone ──settled, partingMs──▶ merged, split, or a line about a link
//   fabric ──reported──▶ held (lost, undone) ────────────────┘

import type { ErrorCode, Failure } from "../errors.ts";
import { ERRORS, failure, isFailure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { ServerName } from "../names.ts";
import { visible } from "../names.ts";
import type { FabricReport, MergeOutcome } from "../plugin/fabric.ts";
import type { FusionOptions } from "./fusion.ts";

/** Tells clients and the operator that servers came or went, and the operator of links. */
export function createMerging(options: FusionOptions, isSettled: () => boolean) {
  const { clock } = options.environment;
  let known: readonly ServerName[] = [];
  /** Who came and who went; nobody has been told yet. */
  const fresh = new Set<ServerName>();
  const gone = new Set<ServerName>();
  /** Links that were lost or undone, and what follows from that. */
  let held: FabricReport[] = [];
  /** Who was lost and may come back. */
  const missing = new Set<ServerName>();
  let settling: (() => void) | undefined;
  let parting: (() => void) | undefined;
  const waiting = new Set<() => void>();
  const hearing = new Set<(report: FabricReport) => void>();
  const fusion = () => [options.self, ...known].map(String).toSorted();
  const lobby = () => options.rooms().lobby;

  const tellGone = () => {
    parting?.();
    parting = undefined;
    const links = held.filter(isLoss);
    const others = held.filter((report) => !isLoss(report));
    held = [];
    const [first] = links;
    const why = links.map(({ text }) => text).join("; ");
    if (gone.size > 0) {
      const servers = [...gone].map(String).toSorted();
      if (links.length === 0 || links.some(({ code }) => code !== "UNMERGED"))
        for (const name of gone) remember(missing, name);
      gone.clear();
      lobby().tell({ type: "split", servers, fusion: fusion() });
      const code = first?.code === undefined ? {} : { code: first.code };
      const because = first === undefined ? {} : { why, ...code };
      const parted = { server: options.self, lost: servers, fusion: fusion(), ...because };
      options.report({ event: "split", ...parted });
    } else if (first !== undefined) {
      const isLost = links.some(({ event }) => event === "lost");
      tellLink({ ...first, text: isLost ? `${why}; all servers are still reached` : why });
    }
    for (const report of others) tellLink(report);
  };
  const tellFresh = () => {
    settling?.();
    settling = undefined;
    if (gone.size > 0) tellGone();
    if (fresh.size > 0) {
      const servers = [...fresh].map(String).toSorted();
      const { neighbours, servers: inView } = options.fabric().view;
      const near = inView.find(({ sid, name }) => neighbours.includes(sid) && fresh.has(name));
      const back = [...fresh].every((name) => missing.has(name)) ? { back: true as const } : {};
      for (const name of fresh) missing.delete(name);
      fresh.clear();
      lobby().tell({ type: "merged", servers, fusion: fusion() });
      const other = near?.name ?? servers[0] ?? "";
      const joined = { server: options.self, with: other, servers, fusion: fusion(), ...back };
      options.report({ event: "merged", ...joined });
    }
    for (const done of waiting) done();
    waiting.clear();
  };
  const tellLink = ({ event, ...rest }: FabricReport) => {
    const { code = "INTERNAL", text } = rest;
    if (event === "refused") options.report({ event, code, text });
    else options.report({ event: "link", state: event, ...rest });
  };
  const tellRefused = ({ code, text }: Failure): Failure => {
    const shown = failure(code, visible(text)); // the other side's words, perhaps
    options.report({ event: "refused", ...shown });
    return shown;
  };
  const partSoon = () => {
    parting ??= clock.after(LIMITS.partingMs, tellGone);
  };
  const settleSoon = () => {
    settling ??= clock.after(LIMITS.settleMsMax, tellFresh);
  };
  const whenSettled = (): Promise<void> =>
    new Promise((resolve) => {
      if (fresh.size === 0 && isSettled()) return resolve();
      waiting.add(resolve);
      settleSoon();
    });
  return {
    moved(came: readonly ServerName[], went: readonly ServerName[], now: readonly ServerName[]) {
      known = now;
      for (const name of went) if (!fresh.delete(name)) gone.add(name);
      for (const name of came) if (!gone.delete(name)) fresh.add(name);
      if (gone.size > 0) partSoon();
      if (fresh.size > 0) settleSoon();
    },
    /** What the fabric says of a link. The view has changed by it, or will in a while. */
    reported(report: FabricReport): void {
      const { event } = report;
      for (const hear of hearing) hear(report);
      if (event === "healed" && fresh.size > 0) return; // who is back tells more
      const follows = event === "retrying" && parting !== undefined;
      if (!isLoss(report) && !follows) return tellLink(report);
      held.push(report);
      partSoon();
    },
    /** Tells at once who is gone: an operator who asked for it waits for an answer. */
    tellGone,
    /** No more waiting: the server stops. */
    close() {
      settling?.();
      parting?.();
      settling = undefined;
      parting = undefined;
      for (const done of waiting) done();
      waiting.clear();
    },
    settled() {
      if (fresh.size > 0 || waiting.size > 0) tellFresh();
    },
    /**
     * Merges with the server at an address. Resolves when all servers of the fusion see the same,
     * or after a while; with the reason, where that server has not stayed in it until then. The
     * operator is told of a refusal, wherever the command was typed.
     */
    async merge(address: string): Promise<MergeOutcome> {
      const ends = new Map<string, FabricReport>();
      const hear = (report: FabricReport) => {
        if (isLoss(report)) ends.set(report.server ?? "", report);
      };
      hearing.add(hear);
      const result = await options.fabric().merge(address, { dryRun: false });
      if (!isFailure(result)) await whenSettled();
      hearing.delete(hear);
      if (isFailure(result)) return tellRefused(result);
      // By its sid: it may be a namesake that is there.
      const isThere = options.fabric().view.servers.some(({ sid }) => sid === result.sid);
      const end = isThere ? undefined : ends.get(result.server);
      const failed = end === undefined ? undefined : failureIn(end);
      if (failed === undefined) return result;
      // Told by the answer, unless it has been told already.
      const others = held.filter((report) => report !== end);
      if (others.length === held.length) return failed;
      held = others;
      return tellRefused(failed);
    },
  };
}

export type Merging = ReturnType<typeof createMerging>;

// --- internal -----------------------------------------------------------------------------------

const isLoss = ({ event }: FabricReport): boolean => event === "lost" || event === "undone";

/** The reason of a link's end. */
function failureIn({ code = "", text }: FabricReport): Failure | undefined {
  return code in ERRORS ? failure(code as ErrorCode, text) : undefined; // it is a key
}

function remember(names: Set<ServerName>, name: ServerName): void {
  names.add(name);
  if (names.size <= LIMITS.peersMax) return;
  const [oldest] = names;
  if (oldest !== undefined) names.delete(oldest);
}
