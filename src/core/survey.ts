// The round-trip times of all links of the fusion. Each server measures its own; when an operator
// asks for the map, the others are asked for theirs in their sealed channels, whatever the fabric.

import type { Millis } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { Sid } from "../names.ts";
import type { LinkInView, View } from "../plugin/fabric.ts";
import type { PeerMessageOf } from "../protocol/peer.ts";
import type { FusionOptions } from "./fusion.ts";
import type { Peer } from "./peer.ts";

/** The view, with the round-trip times that all who have answered in time know. */
export interface Surveyed {
  readonly view: View;
  readonly silent: ReadonlySet<Sid>;
}

interface UnderWay {
  readonly waiting: Set<Sid>;
  /** By pair: the shortest that either end has told. */
  readonly rtts: Map<string, number>;
  readonly found: Promise<Surveyed>;
  finish(): void;
}

/** `present` are the other servers of the fusion. */
export function createSurvey(
  { environment, identity, fabric }: Pick<FusionOptions, "environment" | "identity" | "fabric">,
  present: () => readonly Peer[],
) {
  const { clock } = environment;
  let underWay: UnderWay | undefined;
  let last: (Pick<UnderWay, "rtts" | "waiting"> & { readonly at: Millis }) | undefined;
  const answered = new WeakMap<Peer, number>();

  const surveyed = ({ rtts, waiting }: Pick<UnderWay, "rtts" | "waiting">): Surveyed => {
    const { view } = fabric();
    const links = view.links.map((link) => withRtt(link, rtts.get(pairOf(link.a, link.b))));
    return { view: { ...view, links }, silent: waiting };
  };
  const begin = (): UnderWay => {
    const { promise: found, resolve } = Promise.withResolvers<Surveyed>();
    const waiting = new Set(present().map(({ sid }) => sid));
    const rtts = new Map<string, number>();
    const finish = () => {
      cancel();
      underWay = undefined;
      last = { rtts, waiting, at: clock.monotonic() };
      resolve(surveyed(last));
    };
    const cancel = clock.after(LIMITS.surveyMsMax, finish);
    return { waiting, rtts, found, finish };
  };
  return {
    /**
     * Asks all; resolves when all have answered, or after `surveyMsMax`. One runs at a time; asked
     * again soon after one, all is as of now but the times.
     */
    take(): Promise<Surveyed> {
      if (underWay !== undefined) return underWay.found;
      if (last !== undefined && clock.monotonic() - last.at < LIMITS.surveyKeptMs)
        return Promise.resolve(surveyed(last));
      const begun = begin();
      underWay = begun;
      for (const peer of present()) peer.send({ t: "links?" });
      if (begun.waiting.size === 0) begun.finish();
      return begun.found;
    },
    /** Another server asks. */
    asked(peer: Peer): void {
      const now = clock.monotonic();
      if (now - (answered.get(peer) ?? Number.NEGATIVE_INFINITY) < LIMITS.surveyMsMin) return;
      answered.set(peer, now);
      const { sid } = identity();
      const links = fabric().view.links.flatMap(({ a, b, rttMs }): [Sid, number][] => {
        const isOurs = a === sid || b === sid;
        return !isOurs || rttMs === undefined ? [] : [[a === sid ? b : a, rttMs]];
      });
      peer.send({ t: "links", links });
    },
    /** Another server has answered. */
    told({ sid }: Peer, { links }: PeerMessageOf<"links">): void {
      if (underWay === undefined || !underWay.waiting.delete(sid)) return;
      const { rtts } = underWay;
      for (const [other, ms] of links) {
        const pair = pairOf(sid, other);
        rtts.set(pair, Math.min(ms, rtts.get(pair) ?? ms));
      }
      if (underWay.waiting.size === 0) underWay.finish();
    },
    close: () => underWay?.finish(),
  };
}

export type Survey = ReturnType<typeof createSurvey>;

// --- internal -----------------------------------------------------------------------------------

const pairOf = (a: string, b: string): string => (a < b ? a + b : b + a);

/** What this server has measured itself counts. */
function withRtt(link: LinkInView, rttMs: number | undefined): LinkInView {
  return link.rttMs !== undefined || rttMs === undefined ? link : { ...link, rttMs };
}
