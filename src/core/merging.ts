// When people are told that servers come and go, in one line for each happening: of a merge or a
// heal once it has settled, so that who is asked then is there; of a split when all have gone who
// go by the same cause. What the fabric says of its links is put into that line, if there is one.
// Next: server-lines.ts, link-lines.ts, errand.ts.
//
//   view ──moved──▶ fresh, gone ──settled, partingMs──▶ merged, split, or a line about a link
//   fabric ──reported──▶ held (lost, undone) ────────────────┘

import * as v from "valibot";
import { LIMITS } from "../limits.ts";
import type { FabricReport } from "../plugin/fabric.ts";
import type { PeerMessageOf } from "../protocol/peer.ts";
import { PartedCode } from "../protocol/peer.ts";
import { createErrands } from "./errand.ts";
import type { FusionOptions } from "./fusion.ts";
import { createLinkLines, isLoss } from "./link-lines.ts";
import type { Peer } from "./peer.ts";
import type { Peers } from "./peers.ts";
import { createServerLines } from "./server-lines.ts";

/** Tells clients and the operator that servers came or went, and the operator of links. */
export function createMerging(options: FusionOptions, peers: () => Peers) {
  const isSettled = () => peers().settled();
  const { clock } = options.environment;
  const { fabric, report } = options;
  const servers = createServerLines(options);
  const links = createLinkLines(report);
  const waiting = new Set<() => void>();
  /** Own links that have ended, of which the others have not been told. */
  const ended: FabricReport[] = [];
  let settling: (() => void) | undefined;
  let parting: (() => void) | undefined;

  const stopParting = () => {
    parting?.();
    parting = undefined;
  };
  const release = () => {
    settling?.();
    settling = undefined;
    for (const done of waiting) done();
    waiting.clear();
  };
  const tellGone = () => {
    stopParting();
    ended.length = 0;
    const { losses, others } = links.release();
    if (servers.gone) servers.tellSplit(losses);
    else links.tellLosses(losses);
    for (const other of others) links.tell(other);
  };
  const tellFresh = () => {
    if (servers.gone) tellGone();
    if (servers.fresh) servers.tellMerged();
    release();
  };
  const partSoon = () => {
    parting ??= clock.after(LIMITS.partingMs, tellGone);
  };
  const settleSoon = () => {
    settling ??= clock.after(LIMITS.settleMsMax, tellFresh);
  };
  const whenSettled = (): Promise<void> =>
    new Promise((resolve) => {
      if (!servers.fresh && isSettled()) return resolve();
      waiting.add(resolve);
      settleSoon();
    });
  /** Those who stay see by the view that a link of ours is gone, but not why. */
  const tellParted = () => {
    if (!servers.gone) return; // the view still has those who go
    for (const { server, code } of ended.splice(0)) {
      if (server === undefined || !v.is(PartedCode, code)) continue;
      servers.parted(options.self, server, code);
      for (const peer of peers().present()) peer.send({ t: "parted", server, code });
    }
  };
  const errands = createErrands({ fabric, report, links, whenSettled });
  return {
    /** The newest view, once `moved` has told who came and went by it. */
    saw: servers.saw,
    moved(came: readonly Peer[], went: readonly Peer[], now: readonly Peer[]) {
      servers.moved(came, went, now);
      tellParted();
      if (servers.gone) partSoon();
      if (servers.fresh) settleSoon();
    },
    /** What the fabric says of a link. The view has changed by it, or will in a while. */
    reported(one: FabricReport): void {
      errands.hear(one);
      if (one.event === "lost") ended.push(one);
      tellParted();
      if (one.event === "healed" && servers.fresh) return; // who is back tells more
      // What becomes of a link stands behind its loss.
      const follows = one.event !== "refused" && parting !== undefined;
      if (!isLoss(one) && !follows) return links.tell(one);
      links.hold(one);
      partSoon();
    },
    /** A server says that its link to another has been ended on purpose. */
    parted: ({ name }: Peer, { server, code }: PeerMessageOf<"parted">) =>
      servers.parted(name, server, code),
    settled() {
      if (servers.fresh || waiting.size > 0) tellFresh();
    },
    /** Tells at once who is gone: an operator who asked for it waits for an answer. */
    tellGone,
    merge: errands.merge,
    /** No more waiting: the server stops. */
    close() {
      stopParting();
      release();
    },
  };
}

export type Merging = ReturnType<typeof createMerging>;
