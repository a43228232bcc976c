// What an operator learns of those who are sent away: each is counted, and told in a line of the
// log, which bounds them. Never under which nick: somebody may have typed a password there.

import type { Log } from "../environment.ts";
import type { ErrorCode, Failure } from "../errors.ts";
import { isFailure } from "../errors.ts";
import { Gatekeeper } from "./acceptor.ts";
import type { Entrance } from "./entrance.ts";
import { createMetrics } from "./metrics.ts";

/** Makes a server's counters, and what counts: the gatekeeper, and whoever watches the logins. */
export function createRefusals(log: Log) {
  const metrics = createMetrics(log);
  const { counter } = metrics.of("refused");
  const connections = counter("connections", "connections that were sent away");
  const logins = counter("logins", "logins that were refused");
  const gate = new Gatekeeper((remote, code) => {
    if (code === "SERVER_STOPPING") return;
    connections();
    log.info("connection refused", { remote, code });
  });
  const noted = <T>(remote: string, door: string, outcome: T | Failure): T | Failure => {
    if (isFailure(outcome) && OF_LOGINS.has(outcome.code)) {
      logins();
      log.warn("login refused", { remote, door, code: outcome.code });
    }
    return outcome;
  };
  /** The same entrance; of whoever gave a password, or another credential, it is told. */
  const watched = (entrance: Entrance): Entrance => ({
    ...entrance,
    async enter(arrival) {
      const entered = await entrance.enter(arrival);
      if (arrival.credential.kind === "none") return entered;
      return noted(arrival.remote, arrival.doorName, entered);
    },
    authenticate: async (attempt) =>
      noted(attempt.remote, attempt.doorName, await entrance.authenticate(attempt)),
    async rename(session, ask) {
      const renamed = await entrance.rename(session, ask);
      return ask.password === undefined
        ? renamed
        : noted(session.remote, session.doorName, renamed);
    },
  });
  return { metrics, gate, watched };
}

// --- internal -----------------------------------------------------------------------------------

/** Others are no guesses: a nick that is taken, or none. */
const OF_LOGINS: ReadonlySet<ErrorCode> = new Set([
  "AUTH_FAILED",
  "AUTH_DENIED",
  "AUTH_BUSY",
  "RATE_LIMITED",
  "PASSWORD_NEEDS_TLS",
]);
