// Holds back those who talk too fast: each person has a bucket of messages that fills up at a
// steady rate. Past it their messages wait, and behind them their socket; nothing is lost, and
// nobody else waits. Only where the wait would be long is a message refused. What is said to rooms
// and to single persons is counted together, and so are the commands that people run.
//
//   plugins: [limitRate(), …]
//   plugins: [limitRate({ perSecond: 2, burst: 10, exempt: ["bot", "admin"] }), …]

import type { Clock, Millis, Person } from "chatfusion";
import { definePlugin, deny, drop, LIMITS } from "chatfusion";
import * as v from "valibot";

const Options = v.optional(
  v.strictObject({
    /** Messages a second, for as long as one likes. */
    perSecond: v.optional(v.pipe(v.number(), v.minValue(0.01)), LIMITS.messagesPerSecond),
    /** Messages at once, after a pause. */
    burst: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), LIMITS.messagesBurst),
    /** Whoever has one of these roles may talk as fast as they can. Default: nobody. */
    exempt: v.optional(v.array(v.string()), []),
  }),
  {},
);

export default definePlugin({
  name: "limit-rate",
  options: Options,
  setup({ options: { perSecond, burst, exempt }, clock }) {
    const waitOf = createBuckets({ perSecond, burst, clock });
    /** Nothing to object, at once or after a wait; or why the message is refused. */
    const look = (person: Person): undefined | Promise<undefined> | string => {
      if (person.roles.some((role) => exempt.includes(role))) return undefined;
      const waitMs = waitOf(person);
      if (waitMs === 0) return undefined;
      if (waitMs <= LIMITS.throttleMsMax)
        return new Promise((resolve) => clock.after(waitMs, () => resolve(undefined)));
      const bounds = `${perSecond} messages a second, ${burst} at once`;
      return `too fast: ${bounds}, wait ${Math.ceil(waitMs / 1000)} s`;
    };
    return {
      roles: exempt,
      onMessage({ from }) {
        const verdict = look(from);
        return typeof verdict === "string" ? drop(verdict) : verdict;
      },
      onTell({ from }) {
        const verdict = look(from);
        return typeof verdict === "string" ? deny(verdict) : verdict;
      },
      onCommand({ caller }) {
        if (caller.by === "console") return undefined;
        const verdict = look(caller.person);
        return typeof verdict === "string" ? deny(verdict) : verdict;
      },
    };
  },
});

// --- internal ---

/**
 * Returns what takes one message from a person's bucket and tells how long it must wait; where that
 * is longer than LIMITS.throttleMsMax, nothing is taken.
 */
function createBuckets(by: {
  readonly perSecond: number;
  readonly burst: number;
  readonly clock: Clock;
}): (person: Person) => Millis {
  // Gone with the person; a new session costs a login, and those are limited by the core.
  const buckets = new WeakMap<Person, { left: number; at: Millis }>();
  return (person) => {
    const now = by.clock.monotonic();
    const bucket = buckets.get(person) ?? { left: by.burst, at: now };
    buckets.set(person, bucket);
    const gained = ((now - bucket.at) / 1000) * by.perSecond;
    bucket.left = Math.min(by.burst, bucket.left + gained);
    bucket.at = now;
    // What adding up fractions loses must not cost a message.
    const waitMs = bucket.left < 1 - 1e-9 ? ((1 - bucket.left) / by.perSecond) * 1000 : 0;
    if (waitMs <= LIMITS.throttleMsMax) bucket.left -= 1;
    return waitMs;
  };
}
