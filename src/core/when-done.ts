// Going on when a promise has settled, without a promise of one's own that nobody awaits.

import type { Failure } from "../errors.ts";
import { failureOf } from "../errors.ts";

/** Goes on with a promise's value, or with the refusal that it rejects with. */
export function whenDone<T>(promise: Promise<T>, run: (value: T | Failure) => void): void {
  const throwOutside = (thrown: unknown) =>
    queueMicrotask(() => {
      throw thrown; // a bug of ours: the process' own handler logs it
    });
  promise
    .catch((thrown: unknown) => failureOf(thrown))
    .then(run)
    .catch(throwOutside);
}
