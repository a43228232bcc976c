// The real network: Bun's sockets behind the environment's Net. See listen.ts for those who come,
// dial.ts for those we call, wire.ts and outbox.ts for what both become.

import type { Clock, Log, Net } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import { dial } from "./dial.ts";
import { listen } from "./listen.ts";
import { listenWeb } from "./web.ts";
import { SinkWire } from "./wire.ts";

/** What the parts of a net share. */
export interface NetParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly connections: Connections;
}

/** How many sockets are open, accepted or dialled, and how many may be. */
export interface Connections {
  open: number;
  readonly max: number;
}

/** Makes the net of one server. `connectionsMax` must leave room for files and listeners. */
export function createNet(
  clock: Clock,
  log: Log,
  { connectionsMax = LIMITS.connectionsMax }: { connectionsMax?: number } = {},
): Net {
  const parts: NetParts = { clock, log, connections: { open: 0, max: connectionsMax } };
  return {
    listen: async (at, accept) => listen(parts, at, accept),
    listenWeb: async (at, accept) => listenWeb(parts, at, accept),
    dial: (at, opened) => dial(parts, at, opened),
    adopt(sink, secure, handlers) {
      const wire = new SinkWire({ sink, clock, log, secure, tls: secure, fingerprint: undefined });
      wire.attach(handlers);
      return wire;
    },
  };
}
