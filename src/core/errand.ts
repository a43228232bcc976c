// A merge at an operator's word: from the command to the answer, which is given once the fusion has
// settled. Beside it the fabric's reports are heard: the server may be gone again until then.

import type { ErrorCode, Failure } from "../errors.ts";
import { ERRORS, failure, isFailure } from "../errors.ts";
import { visible } from "../names.ts";
import type { FabricReport, MergeOutcome } from "../plugin/fabric.ts";
import type { FusionOptions } from "./fusion.ts";
import type { LinkLines } from "./link-lines.ts";
import { isLoss } from "./link-lines.ts";

interface ErrandOptions extends Pick<FusionOptions, "fabric" | "report"> {
  readonly links: Pick<LinkLines, "drop">;
  whenSettled(): Promise<void>;
}

export function createErrands({ fabric, report, links, whenSettled }: ErrandOptions) {
  /** Of each merge under way: the links that have ended meanwhile, by the server behind them. */
  const underWay = new Set<Map<string, FabricReport>>();
  const tellRefused = (server: string, refused: Failure): Failure => {
    report({ event: "refused", server: visible(server), ...refused });
    return refused;
  };
  return {
    hear(one: FabricReport): void {
      if (isLoss(one)) for (const ends of underWay) ends.set(one.server ?? "", one);
    },
    /**
     * Merges with the server at an address. Resolves when all servers of the fusion see the same,
     * or after a while; with the reason, where that server has not stayed in it until then. The
     * operator is told of a refusal, wherever the command was typed.
     */
    async merge(address: string): Promise<MergeOutcome> {
      const ends = new Map<string, FabricReport>();
      underWay.add(ends);
      const result = await fabric().merge(address, { dryRun: false });
      if (!isFailure(result)) await whenSettled();
      underWay.delete(ends);
      if (isFailure(result)) return tellRefused(address, refusalAt(address, result));
      // By its sid: it may be a namesake that is there.
      const isThere = fabric().view.servers.some(({ sid }) => sid === result.sid);
      const end = isThere ? undefined : ends.get(result.server);
      const failed = end === undefined ? undefined : failureIn(end);
      if (end === undefined || failed === undefined) return result;
      // Told by the answer, unless it has been told already.
      return links.drop(end) ? tellRefused(result.server, failed) : failed;
    },
  };
}

/** A refusal that begins with what the operator typed; the rest may be the other side's words. */
export function refusalAt(address: string, { code, text }: Failure): Failure {
  const [at, why] = [visible(address), visible(text)];
  return failure(code, why.startsWith(at) ? why : `${at}: ${why}`);
}

// --- internal -----------------------------------------------------------------------------------

/** The reason of a link's end. */
function failureIn({ code = "", text }: FabricReport): Failure | undefined {
  return code in ERRORS ? failure(code as ErrorCode, visible(text)) : undefined; // it is a key
}
