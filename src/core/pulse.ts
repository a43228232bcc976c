// How far this server is, told once more after something was said or the view changed: so it is
// noticed what was lost on its way.

import type { Clock } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { Directory } from "./directory.ts";
import type { Peers } from "./peers.ts";
import type { Streams } from "./streams.ts";

/** Tells, some time after it was begun, how far we are: once to all, then surely to each. */
export function createPulse(
  clock: Clock,
  of: { readonly directory: Directory; readonly peers: Peers; readonly streams: Streams },
) {
  const { directory, peers, streams } = of;
  let left = 0;
  let sinceSure = 0;
  let cancel: (() => void) | undefined;
  const pulse = () => {
    left--;
    cancel = left > 0 ? clock.after(LIMITS.pulseMs, pulse) : undefined;
    const isSure = left === 0 || sinceSure >= LIMITS.surePulsesEvery;
    sinceSure = isSure ? 0 : sinceSure + 1;
    if (isSure) peers.tellHeads(directory.told, streams.unsureHeads());
    else if (peers.everyone().length > 0) directory.pulse(streams.recentHeads());
  };
  return {
    begin() {
      left = LIMITS.pulses;
      cancel ??= clock.after(LIMITS.pulseMs, pulse);
    },
    close: () => cancel?.(),
  };
}

export type Pulse = ReturnType<typeof createPulse>;
