// One life of a fabric under test: the plugin on the core's own port, links, host and hooks, but
// with no core above it. What it says goes to who asked for the life. Next: fabric-server.ts.

import { createAcceptor, Gatekeeper } from "../core/acceptor.ts";
import { createFabricHost } from "../core/fabric-host.ts";
import { compileHooks } from "../core/hooks.ts";
import { fabricIdentity, type Identity, loadIdentity } from "../core/identity.ts";
import { createMetrics } from "../core/metrics.ts";
import { setUpPlugins } from "../core/plugins.ts";
import type { LiveSession } from "../core/session.ts";
import { Tick } from "../core/tick.ts";
import type { Bytes, Clock, Environment, Listener, MaybePromise } from "../environment.ts";
import { failure, ProtocolError } from "../errors.ts";
import type { ServerName } from "../names.ts";
import type { Plugin } from "../plugin/context.ts";
import type { Fabric, FabricHost, Link, LinkHandlers } from "../plugin/fabric.ts";
import type { Deny, MergeOffer, Pass } from "../plugin/hooks.ts";
import { encodeJson, FRAME } from "../protocol/frame.ts";

/** Every server of a run listens here, each on a host of its own. */
export const FABRIC_PORT = 7331;

/** Who is told what the fabric says and does. */
export interface FabricListener {
  onMerge(offer: MergeOffer): MaybePromise<Deny | Pass>;
  readonly deliver: FabricHost["deliver"];
  readonly changed: FabricHost["changed"];
  readonly report: FabricHost["report"];
  /** Makes a call of the core into the fabric. */
  within<T>(call: "accept" | "frame", run: () => T): T;
  /** Bytes that the fabric has given away: nobody changes them any more. */
  given(bytes: Bytes): void;
}

export interface FabricLife {
  readonly environment: Environment;
  readonly identity: FabricHost["identity"];
  readonly fabric: Fabric;
  /** Timers of the plugin that have neither run nor been cancelled. */
  readonly timers: number;
  /** Stops it as the core does: no newcomers, then the plugin. */
  stop(): Promise<void>;
}

/** Starts a server that is nothing but its fabric. Rejects with what the plugin's start throws. */
export async function beginLife(
  of: {
    readonly name: ServerName;
    readonly host: string;
    readonly plugin: Plugin;
    readonly environment: Environment;
    /** What the first frame of its links calls the fabric; default: what the plugin says. */
    readonly protocol: string | undefined;
  },
  listener: FabricListener,
): Promise<FabricLife> {
  const { environment, name } = of;
  const identity = await loadIdentity(environment);
  const tick = new Tick<LiveSession>(environment.clock);
  const aborter = new AbortController();
  const timers = countTimers(environment.clock);
  const made: { fabric?: Fabric } = {};
  const fabric = () => made.fabric ?? fail("the host was used before there was a fabric");
  const host = createHost({ ...of, identity, tick, fabric }, listener);
  const { live } = setUpPlugins([of.plugin], {
    environment: { ...environment, clock: timers.clock },
    self: name,
    metrics: createMetrics(environment.log),
    signal: aborter.signal,
    folder: () => undefined,
    notice() {},
    hosts: () => host,
  });
  const parts = live[0]?.parts;
  const own = parts?.fabric ?? fail("a plugin that provides fabric has one");
  made.fabric = watchedFabric(own, of.protocol, listener);
  await parts?.start?.();
  const port = await openPort(of, { fabric, tick });
  return {
    environment,
    identity: host.identity,
    fabric: made.fabric,
    get timers() {
      return timers.count;
    },
    async stop() {
      port.close();
      aborter.abort();
      await parts?.stop?.();
      tick.now();
    },
  };
}

// --- internal ---

function fail(text: string): never {
  throw new Error(text);
}

function createHost(
  around: {
    readonly name: ServerName;
    readonly environment: Environment;
    readonly identity: Identity;
    readonly tick: Tick<LiveSession>;
    fabric(): Fabric;
  },
  listener: FabricListener,
): FabricHost {
  const { environment, identity, tick, fabric, name: self } = around;
  const sources = [
    { plugin: "suite", hooks: { onMerge: (offer: MergeOffer) => listener.onMerge(offer) } },
  ];
  const hooks = compileHooks(sources, environment.clock, environment.log);
  const host = createFabricHost(
    {
      self,
      environment,
      fabric,
      tick,
      identity: () => identity,
      hooks: () => hooks,
    },
    {
      deliver() {},
      changed() {},
      reported() {},
      summary: () => new Uint8Array(),
      isOnline: () => false,
      refusesServer: () => undefined,
    },
  );
  return {
    identity: fabricIdentity(self, environment, () => identity),
    dial: (address, hello, opened) =>
      host.dial(address, hello, (link) =>
        watchedHandlers(opened(watchedLink(link, listener)), listener),
      ),
    consent: (offer) => host.consent(offer),
    deliver: (origin, via, traffic, bytes) => listener.deliver(origin, via, traffic, bytes),
    changed: () => listener.changed(),
    report: (report) => listener.report(report),
    summary: () => new TextEncoder().encode(`summary of ${self}`),
    isOnline: () => false,
  };
}

function watchedFabric(
  fabric: Fabric,
  protocol: string | undefined,
  listener: FabricListener,
): Fabric {
  return {
    protocol: protocol ?? fabric.protocol,
    accept: (link, hello) =>
      watchedHandlers(
        listener.within("accept", () => fabric.accept(watchedLink(link, listener), hello)),
        listener,
      ),
    merge: (address, options) => fabric.merge(address, options),
    unmerge: (server) => fabric.unmerge(server),
    publish: (to, traffic, bytes) => fabric.publish(to, traffic, bytes),
    keep: (neighbour, key, bytes) => fabric.keep(neighbour, key, bytes),
    get view() {
      return fabric.view;
    },
  };
}

const watchedLink = (link: Link, listener: FabricListener): Link => ({
  remote: link.remote,
  fingerprint: link.fingerprint,
  send(traffic, type, ...parts) {
    if (traffic !== "bulk") for (const part of parts) listener.given(part);
    return link.send(traffic, type, ...parts);
  },
  queuedBytes: (traffic) => link.queuedBytes(traffic),
  limit: (frameBytesMax) => link.limit(frameBytesMax),
  close: (reason) => link.close(reason),
});

const watchedHandlers = (handlers: LinkHandlers, listener: FabricListener): LinkHandlers => ({
  frame(type, payload) {
    const borrowed = payload.slice();
    try {
      listener.within("frame", () => handlers.frame(type, borrowed));
    } finally {
      borrowed.fill(0xdb); // whoever keeps it shall notice
    }
  },
  idle: () => handlers.idle(),
  closed: (reason) => handlers.closed(reason),
});

/** The one port, behind which there is nothing but the fabric. */
async function openPort(
  { environment, host }: { readonly environment: Environment; readonly host: string },
  behind: { fabric(): Fabric; readonly tick: Tick<LiveSession> },
): Promise<{ close(): void }> {
  const { clock, log, net } = environment;
  const gate = new Gatekeeper();
  const accept = createAcceptor(
    {
      clock,
      log,
      fabric: behind.fabric,
      door: () => {
        throw new ProtocolError("OUT_OF_PHASE", "nobody but servers is let in here");
      },
      dirty: (wire) => behind.tick.wire(wire),
      hint: () => "a server under test",
    },
    gate,
  );
  const listener: Listener = await net.listen(
    {
      host: "0.0.0.0",
      port: FABRIC_PORT,
      tls: { key: `key of ${host}`, certificate: `certificate of ${host}` },
      plainRefused: () => encodeJson(FRAME.error, failure("TLS_REQUIRED", "TLS only")),
    },
    accept,
  );
  return {
    close() {
      listener.close();
      gate.evictAll(failure("SERVER_STOPPING", "the server stops"));
    },
  };
}

/** A clock that knows how many of its timers are still to run. */
function countTimers(clock: Clock): { readonly clock: Clock; readonly count: number } {
  const waiting = new Set<object>();
  return {
    get count() {
      return waiting.size;
    },
    clock: {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      soon: (run) => clock.soon(run),
      after(ms, run) {
        const one = {};
        waiting.add(one);
        const cancel = clock.after(ms, () => {
          waiting.delete(one);
          run();
        });
        return () => {
          waiting.delete(one);
          cancel();
        };
      },
    },
  };
}
