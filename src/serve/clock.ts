// The real clock. See environment.ts for what it promises.

import type { Clock, Millis } from "../environment.ts";

/** Beyond this, setTimeout fires at once: longer waits are made of several. */
const timeoutMsMax = 2 ** 31 - 1;

/** Makes the clock of this machine. */
export function createClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after: (ms, run) => (ms <= timeoutMsMax ? wait(ms, run) : waitLong(ms, run)),
    soon: (run) => {
      setImmediate(run);
    },
  };
}

// --- internal ---

function wait(ms: Millis, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

function waitLong(ms: Millis, run: () => void): () => void {
  let left = ms;
  let cancel = wait(timeoutMsMax, next);
  function next(): void {
    left -= timeoutMsMax;
    cancel = left <= timeoutMsMax ? wait(left, run) : wait(timeoutMsMax, next);
  }
  return () => cancel();
}
