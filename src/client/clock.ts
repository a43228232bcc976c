// The client's clock where none is given, and what waits by it. See environment.ts for what a clock
// promises.

import type { Clock, Millis } from "../environment.ts";
import { ChatFusionError } from "../errors.ts";

/** This machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  soon(run) {
    setImmediate(run);
  },
};

/** Settles as a promise does; rejects where that takes longer, which is nobody's business then. */
export function within<T>(clock: Clock, ms: Millis, promise: Promise<T>): Promise<T> {
  const settled = Promise.withResolvers<T>();
  const cancel = clock.after(ms, () => {
    const text = `no answer within ${Math.round(ms / 1000)} s`;
    settled.reject(new ChatFusionError("UNCONFIRMED", text));
  });
  // As soon as it does, not some turns later: what comes behind it is told behind it.
  const settle = (end: () => void) => {
    cancel();
    end();
  };
  promise.then(
    (value) => settle(() => settled.resolve(value)),
    (thrown: unknown) => settle(() => settled.reject(thrown)),
  );
  return settled.promise;
}
