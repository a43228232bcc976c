// From an address to a connection that has said hello: whether TLS is spoken, and whether the
// server's certificate is the one that was seen before.

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Bytes, Clock, Net } from "../environment.ts";
import { ChatFusionError } from "../errors.ts";
import type { ServerHello } from "../protocol/hello.ts";
import { Connection, type ConnectionHandlers } from "./connection.ts";
import { certificateChanged, KnownServers } from "./known-servers.ts";

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/** Decides on the certificate of `host:port`, by its SHA-256. False refuses the connection. */
export type Trust = (where: string, fingerprint: Bytes) => boolean;

export interface DialOptions {
  readonly server: ServerAddress;
  /** Default: TLS, unless the server is on this machine. */
  readonly tls?: boolean | undefined;
  /** Default: the certificates that this user's `known_servers` holds; a new one is added. */
  readonly trust?: Trust | undefined;
  readonly agent: string;
  readonly net: Net;
  readonly clock: Clock;
}

/** A certificate that was met for the first time, and is remembered from now on. */
export interface FirstMet {
  /** `sha256:` and 64 hex digits. */
  readonly fingerprint: string;
  /** The file that holds it. */
  readonly path: string;
}

export interface Dialled {
  readonly connection: Connection;
  readonly hello: ServerHello;
  readonly firstMet: FirstMet | undefined;
}

/**
 * Dials, and exchanges hellos. Rejects with `CANNOT_CONNECT`, `CERTIFICATE_CHANGED`,
 * `NOT_CHATFUSION`, `VERSION`, or whatever the server refuses with.
 */
export async function dialServer(
  options: DialOptions,
  handlers: (connection: Connection) => ConnectionHandlers,
): Promise<Dialled> {
  const { server, net, clock, trust } = options;
  const where = formatServer(server);
  const { host, tls } = await doorOf(options);
  const known = tls && trust === undefined ? await KnownServers.load() : undefined;
  let fingerprint: Bytes | undefined;
  let isNew = false;
  let changed: ChatFusionError | undefined;
  const decide = (shown: Bytes): boolean => {
    fingerprint = shown;
    if (known === undefined) return trust?.(where, shown) ?? true;
    const met = known.compare(where, shown);
    isNew = met.kind === "new";
    if (met.kind !== "changed") return true;
    const { pinned } = met;
    changed = certificateChanged(where, { pinned, shown: shown.toHex(), path: known.path });
    return false;
  };
  const connection = await openWire({ net, host, port: server.port, tls, decide }, (wire) => {
    const opened: Connection = new Connection(wire, where, clock, {
      welcome: (welcome) => own.welcome(welcome),
      frame: (type, payload) => own.frame(type, payload),
      drained: () => own.drained(),
      closed: (failure) => own.closed(failure),
    });
    const own = handlers(opened);
    return opened;
  }).catch((thrown: unknown) => {
    throw changed ?? thrown;
  });
  let firstMet: FirstMet | undefined;
  if (known !== undefined && isNew && fingerprint !== undefined) {
    await known.remember(where, fingerprint).catch((thrown: unknown) => {
      connection.leave();
      throw thrown;
    });
    firstMet = { fingerprint: `sha256:${fingerprint.toHex()}`, path: known.path };
  }
  return { connection, hello: await connection.greet(options.agent), firstMet };
}

// --- internal -----------------------------------------------------------------------------------

interface WireOptions {
  readonly net: Net;
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly decide: (fingerprint: Bytes) => boolean;
}

async function openWire(
  { net, host, port, tls, decide }: WireOptions,
  make: (wire: Parameters<Parameters<Net["dial"]>[1]>[0]) => Connection,
): Promise<Connection> {
  let made: Connection | undefined;
  await net.dial({ host, port, tls, trust: decide }, (wire) => (made = make(wire)));
  if (made === undefined) throw new ChatFusionError("CANNOT_CONNECT", `${host}:${port}: no wire`);
  return made;
}

/** Where to dial, and how: a name that leads to this machine plainly, and as it was found. */
async function doorOf({ server, tls }: DialOptions): Promise<{ host: string; tls: boolean }> {
  const { host } = server;
  if (tls !== undefined) return { host, tls };
  if (isThisMachine(host)) return { host, tls: false };
  if (isIP(host) !== 0) return { host, tls: true };
  // A name that is not found is the dial's to report.
  const found = await lookup(host).catch(() => undefined);
  const isHere = found !== undefined && isThisMachine(found.address);
  return isHere ? { host: found.address, tls: false } : { host, tls: true };
}

/** Writes an address as people do: `host:port`, `[::1]:port`. */
function formatServer({ host, port }: ServerAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Tells whether a host is this machine, by its address or as "localhost". */
function isThisMachine(host: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/i.test(host);
}
