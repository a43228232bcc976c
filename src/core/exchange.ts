// A login in which both sides speak by turns, between a gateway's door and the auth plugins: the
// bounds of it. What is said, both of them know alone. See plugin/hooks.ts.

import type { Bytes, Clock } from "../environment.ts";
import { ChatFusionError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Exchange } from "../plugin/hooks.ts";

/** The exchange as plugins get it: all that can go wrong at the client's end is `AUTH_FAILED`. */
export function boundExchange(exchange: Exchange, clock: Clock): Exchange {
  let asked = 0;
  const { challengeMsMax, challengesMax, exchangeBytesMax } = LIMITS;
  const isLong = (bytes: Bytes) => bytes.length > exchangeBytesMax;
  const givenUp = (why: string) => new ChatFusionError("AUTH_FAILED", `the login ended: ${why}`);
  if (isLong(exchange.first)) throw givenUp(`${exchange.first.length} bytes at once`);
  return {
    ...exchange,
    challenge(bytes) {
      asked++;
      if (asked > challengesMax) return Promise.reject(givenUp("it went on for too long"));
      const { promise, resolve, reject } = Promise.withResolvers<Bytes>();
      const late = () => reject(givenUp(`no answer within ${challengeMsMax / 1000} s`));
      const cancel = clock.after(challengeMsMax, late);
      const answered = (answer: Bytes) => {
        if (isLong(answer)) reject(givenUp(`${answer.length} bytes at once`));
        else resolve(answer);
      };
      // A gateway rejects where its client has left, or will not go on.
      exchange.challenge(bytes).then(answered, () => reject(givenUp("the client gave it up")));
      return promise.finally(cancel);
    },
  };
}
