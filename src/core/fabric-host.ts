// The core's side of the fabric role: identity, dialling on the one wire protocol, consent, and
// what comes up from other servers.

import type { Bytes, Log } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { ChatFusionError, failureOf, ProtocolError } from "../errors.ts";
import type { ServerName, Sid } from "../names.ts";
import type { FabricHost, FabricReport, Traffic } from "../plugin/fabric.ts";
import { encodeJson, FRAME } from "../protocol/frame.ts";
import { VERSION } from "../protocol/hello.ts";
import { isLoopback } from "./acceptor.ts";
import type { FusionOptions } from "./fusion.ts";
import { goOn } from "./hooks.ts";
import { fabricIdentity } from "./identity.ts";
import { createLink } from "./link.ts";

interface Upward {
  deliver(
    origin: Parameters<FabricHost["deliver"]>[0],
    traffic: Parameters<FabricHost["deliver"]>[2],
    bytes: Bytes,
  ): void;
  changed(): void;
  reported(report: FabricReport): void;
  summary(): Bytes;
  /** Why nobody here merges with a server, whatever plugins say. */
  refusesServer(name: ServerName): Failure | undefined;
  isOnline: FabricHost["isOnline"];
}

type HostOptions = Pick<
  FusionOptions,
  "self" | "environment" | "identity" | "fabric" | "hooks" | "tick" | "locate"
>;

/** Makes the host that the fabric plugin is given. */
export function createFabricHost(options: HostOptions, up: Upward): FabricHost {
  const { environment, tick } = options;
  return {
    identity: fabricIdentity(options.self, environment, options.identity),
    async dial(address, hello, opened) {
      const { host, port } = await placeOf(address, options.locate);
      const tls = !isLoopback(host);
      await environment.net.dial({ host, port, tls }, (wire) => {
        const made = createLink(wire, () => handlers, {
          dialled: true,
          dirty: (one) => tick.wire(one),
        });
        const body = {
          version: VERSION,
          fabric: options.fabric().protocol,
          hello: hello.toBase64(),
        };
        wire.send("control", encodeJson(FRAME.link, body));
        tick.wire(wire);
        const handlers = opened(made.link);
        return {
          data: (chunk) => made.data(chunk),
          drained: () => made.drained(),
          closed: (reason) => made.closed(reason),
        };
      });
    },
    consent: (offer) =>
      goOn(up.refusesServer(offer.server) ?? options.hooks().merge(offer), (refused) =>
        refused === undefined ? undefined : { verdict: "deny", reason: refused.text },
      ),
    deliver(origin, _via, traffic, bytes) {
      try {
        up.deliver(origin, traffic, bytes);
      } catch (thrown) {
        reportRefused(environment.log, origin, traffic, thrown);
      }
    },
    changed: () => up.changed(),
    report: (report) => up.reported(report),
    summary: () => up.summary(),
    isOnline: (nick, server) => up.isOnline(nick, server),
  };
}

/** Logs what another server has sent and cannot be taken: its fault, or ours. */
export function reportRefused(log: Log, origin: Sid, traffic: Traffic, thrown: unknown): void {
  const { code, text } = failureOf(thrown);
  log.warn("frame of a server refused", { origin, traffic, code, text });
  if (!(thrown instanceof ProtocolError)) log.error("delivery failed", { error: String(thrown) });
}

// --- internal -----------------------------------------------------------------------------------

/** An address, or the name of a server of this machine, which may be elsewhere each time. */
async function placeOf(address: string, locate: FusionOptions["locate"]) {
  if (locate === undefined || address.includes(":")) return parseHostPort(address);
  const found = await locate(address);
  if (found !== undefined) return found;
  const text = `no server named "${address}" runs on this machine`;
  throw new ChatFusionError("CANNOT_CONNECT", text);
}

/** Reads `host:port` or `[v6]:port`. Throws `ADDRESS_INVALID`. */
function parseHostPort(address: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:\s]+)):(\d{1,5})$/i.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host !== undefined && port > 0 && port <= 65_535) return { host, port };
  if (host !== undefined)
    throw new ChatFusionError("ADDRESS_INVALID", `${address}: expected a port from 1 to 65535`);
  throw new ChatFusionError("ADDRESS_INVALID", `${address}: expected HOST:PORT`);
}
