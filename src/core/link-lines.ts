// Lines for the operator about links. Those about a loss are held until it is known what follows
// from it: they are then part of the line about the servers that are gone, or stand alone.

import type { FabricReport } from "../plugin/fabric.ts";
import type { FusionOptions } from "./fusion.ts";

export type LinkLines = ReturnType<typeof createLinkLines>;

export function createLinkLines(report: FusionOptions["report"]) {
  /** Links that were lost or undone, and what follows from that. */
  let held: FabricReport[] = [];
  const tell = ({ event, ...rest }: FabricReport): void => {
    const { server, code = "INTERNAL", text } = rest;
    const about = server === undefined ? {} : { server };
    if (event === "refused") report({ event, ...about, code, text });
    else report({ event: "link", state: event, ...rest });
  };
  return {
    tell,
    hold: (one: FabricReport) => void held.push(one),
    /** Tells no more of it; false where it is not held. */
    drop(one: FabricReport): boolean {
      const others = held.filter((other) => other !== one);
      const isHeld = others.length < held.length;
      held = others;
      return isHeld;
    },
    /** Hands out all that is held: losses, and what was said beside them. */
    release() {
      const losses = held.filter(isLoss);
      const others = held.filter((one) => !isLoss(one));
      held = [];
      return { losses, others };
    },
    /** Tells of links without which every server is still reached. */
    tellLosses(losses: readonly FabricReport[]): void {
      const [first] = losses;
      if (first === undefined) return;
      const isLost = losses.some(({ event }) => event === "lost");
      const why = reasonOf(losses);
      tell({ ...first, text: isLost ? `${why}; all servers are still reached` : why });
    },
  };
}

export const isLoss = ({ event }: FabricReport): boolean => event === "lost" || event === "undone";

/** The reasons of several losses, in one text. */
export const reasonOf = (losses: readonly FabricReport[]): string =>
  losses.map(({ text }) => text).join("; ");
