// The one port: who knocks, and what they find behind it. Next: acceptor.ts, door.ts.

import type { Environment, Listener, TlsIdentity } from "../environment.ts";
import { failure } from "../errors.ts";
import type { ServerName, Sid } from "../names.ts";
import type { Fabric } from "../plugin/fabric.ts";
import { encodeJson, FRAME } from "../protocol/frame.ts";
import type { Gatekeeper } from "./acceptor.ts";
import { createAcceptor } from "./acceptor.ts";
import { Door } from "./door.ts";
import type { Entrance } from "./entrance.ts";
import type { People } from "./people.ts";
import type { LiveSession } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import type { Tells } from "./tells.ts";
import type { Tick } from "./tick.ts";
import type { Transfers } from "./transfers.ts";

export interface PortOptions {
  readonly environment: Environment;
  readonly self: ServerName;
  /** As the config says it. */
  readonly at: { readonly host: string; readonly port: number };
  readonly tls: TlsIdentity | undefined;
  readonly sid: () => Sid;
  readonly fabric: () => Fabric;
  readonly entrance: () => Entrance;
  readonly gate: Gatekeeper;
  readonly people: People;
  readonly sessions: Sessions;
  readonly tells: Tells;
  readonly tick: Tick<LiveSession>;
  readonly transfers: Transfers;
}

/** Returns what opens the port. Rejects with `CANNOT_LISTEN`. */
export function createPort(options: PortOptions): () => Promise<Listener> {
  const { environment, self, at, tls, gate, people, sessions, tells, tick, transfers } = options;
  const { clock, log, random } = environment;
  const door = {
    clock,
    random,
    tick,
    self,
    sid: options.sid,
    entrance: options.entrance,
    sessions,
    fusion: people.fusionNames,
    lost: (session: LiveSession) =>
      transfers.gone(session, `${session.address} lost its connection`),
    resumed: (session: LiveSession) => tells.handOver(session),
    worked: () => transfers.handOn(),
    chunkRefused: (id: string) => transfers.interrupt(id, "its receiver takes no more"),
    log,
  };
  let open: Listener | undefined;
  const hint = () => {
    const { host, port } = open ?? at;
    return `Join with: bunx chatfusion chat YOU@${host}:${port}`;
  };
  const accept = createAcceptor(
    {
      clock,
      log,
      fabric: options.fabric,
      dirty: (wire) => tick.wire(wire),
      hint,
      door: (wire, reader, entered) => new Door(door, wire, reader, entered),
    },
    gate,
  );
  const plainRefused = () =>
    encodeJson(FRAME.error, failure("TLS_REQUIRED", "this listener takes TLS only"));
  return async () => (open = await environment.net.listen({ ...at, tls, plainRefused }, accept));
}
