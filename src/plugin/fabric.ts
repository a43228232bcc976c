// The fabric role: what joins the servers of a fusion. Exactly one plugin provides it. Identity,
// the one listener, dialling and consent are the core's; routes, links' states and the view are the
// fabric's own. A fabric carries bytes; what they say (streams, private messages, files) is the
// core's business and travels above any fabric.

import type { Bytes, Lane, MaybePromise, Millis } from "../environment.ts";
import type { Failure } from "../errors.ts";
import type { Nick, ServerName, Sid } from "../names.ts";
import type { Deny, MergeOffer, Pass } from "./hooks.ts";

/** Classes of traffic, in strict priority: control, private, room, bulk. */
export type Traffic = Lane;

export interface ServerInView {
  readonly sid: Sid;
  readonly name: ServerName;
  /** Ed25519. */
  readonly key: Bytes;
  /** What that server's core said of itself, vouched for by the announcement's signature. */
  readonly card: Bytes;
  /** Links on the shortest path from here; 0 for oneself. */
  readonly hops: number;
}

export interface LinkInView {
  readonly a: Sid;
  readonly b: Sid;
  readonly state: "tree" | "standby";
  /** Of links of this server, once measured. */
  readonly rttMs?: number;
}

/**
 * The fusion as this server sees it, itself included. Immutable; replaced as a whole. Never two
 * servers whose names are the same or look alike.
 */
export interface View {
  /** Grows with each change, but for that of a measured time. */
  readonly version: number;
  readonly servers: readonly ServerInView[];
  readonly neighbours: readonly Sid[];
  readonly links: readonly LinkInView[];
}

export interface Merged {
  readonly state: "merged" | "standby" | "possible" | "unmerged";
  readonly server: ServerName;
  readonly sid: Sid;
  /** All names of the fusion afterwards; with "possible", as it would be. */
  readonly fusion: readonly ServerName[];
  /** With "possible". */
  readonly other?: OtherSide;
}

/** What a dry run has learned of the server that it asked. */
export interface OtherSide {
  readonly server: ServerName;
  readonly sid: Sid;
  /** Its whole fusion; none where it refuses and tells no more. */
  readonly servers: readonly ServerName[];
  /** What `FabricHost.summary` gave there; missing where it was not told. */
  readonly summary?: Bytes;
}

/** A refused dry run has `other` where it got so far as to know whom it asked. */
export type MergeOutcome = Merged | (Failure & { readonly other?: OtherSide });

export type PublishResult = "sent" | "congested" | "unreachable";

export interface Fabric {
  /** "tree/1": stands in the first frame of a link; a peer with another one is refused. */
  readonly protocol: string;
  /** A peer's first frame said "server": from here on the link is the fabric's. */
  accept(link: Link, hello: Bytes): LinkHandlers;
  /**
   * Joins the server at `host:port`, and all that it is merged with, once the hooks of both sides
   * have consented; resolves when they are in the view. Never rejects. A dry run asks the same, and
   * nothing is seen of it afterwards.
   */
  merge(address: string, options: { readonly dryRun: boolean }): Promise<MergeOutcome>;
  /** Closes the link to a neighbour for good. Never rejects. */
  unmerge(server: ServerName): Promise<MergeOutcome>;
  /**
   * Sends bytes to servers of the view; oneself is left out. Never throws, never waits. What is
   * sent to one set in one class comes once and in order, as long as no link is lost. "congested":
   * for some there was no room, the others are sent to; "unreachable": none of them is in the view.
   * The same array object means the same set, so that a route may be cached by it, per view.
   * "bulk" is borrowed, the rest is given.
   */
  publish(to: readonly Sid[], traffic: Traffic, bytes: Bytes): PublishResult;
  /**
   * A register to a neighbour: newer bytes under a key replace unsent ones; sent when possible, and
   * delivered there as control. Given.
   */
  keep(neighbour: Sid, key: string, bytes: Bytes): void;
  readonly view: View;
}

/**
 * What happens to links, as it happens: the link, and why. Who came and went by it is seen in the
 * view; the core puts the two together in one line for the operator.
 */
export interface FabricReport {
  readonly event: "standby" | "undone" | "lost" | "retrying" | "refused" | "healed";
  readonly server?: ServerName;
  /** Where it is a refusal or a loss. */
  readonly code?: string;
  readonly text: string;
  /** With "retrying": which try comes next, and when. */
  readonly tries?: number;
  readonly inMs?: Millis;
}

export interface FabricHost {
  readonly identity: {
    readonly sid: Sid;
    readonly name: ServerName;
    /** Grows with each start; durable before the fabric hears of it. */
    readonly epoch: number;
    readonly key: Bytes;
    /** The core's card, to be carried in the signed announcement. */
    readonly card: Bytes;
    /** Signs under the fabric's own prefix: never bytes that could pass for a batch. */
    sign(bytes: Bytes): Bytes;
    verify(key: Bytes, bytes: Bytes, signature: Bytes): boolean;
    sidOf(key: Bytes): Sid;
    sha256(bytes: Bytes): Bytes;
  };
  /**
   * Opens a connection to `host:port`; `hello` travels in its first frame. Rejects with a
   * ChatFusionError (CANNOT_CONNECT, ADDRESS_INVALID) if nobody answers. A peer that answers, but
   * not as a server of this fabric, closes the link with a reason that begins with its code.
   */
  dial(address: string, hello: Bytes, opened: (link: Link) => LinkHandlers): Promise<void>;
  /** Asks the onMerge hooks of all plugins. */
  consent(offer: MergeOffer): MaybePromise<Deny | Pass>;
  /** Up to the core: borrowed bytes, `origin` as claimed, `via` as authenticated. */
  deliver(origin: Sid, via: Sid, traffic: Traffic, bytes: Bytes): void;
  /**
   * The view has changed: the core reads `view` in this call, and may publish. Synchronous; never
   * inside `publish`, `keep`, `merge`, `accept` or a link's `frame`.
   */
  changed(): void;
  /**
   * Who is in this server's fusion, for the other side of a dry run: opaque to the fabric, at most
   * `LIMITS.summaryBytesMax`. To be told only to a server that has proved who it is and to whom the
   * plugins consent.
   */
  summary(): Bytes;
  report(report: FabricReport): void;
  /** Whether somebody is there under a nick, for what an operator asks. */
  isOnline(nick: Nick, server: ServerName): boolean;
}

export interface Link {
  readonly remote: string;
  /** SHA-256 of the TLS certificate of the accepting side; the same at both ends. */
  readonly fingerprint: Bytes | undefined;
  /**
   * One frame, of type 16 to 255, of parts that are joined on the wire. "bulk" is borrowed, the
   * rest is given. False: that class is full or the link is closed, and nothing was queued.
   */
  send(traffic: Traffic, type: number, ...parts: readonly Bytes[]): boolean;
  queuedBytes(traffic: Traffic): number;
  /** Largest payload that is taken: 4 KiB until the fabric knows its peer and raises it. */
  limit(frameBytesMax: number): void;
  /** Writes what is queued, tells the peer the reason, closes; `closed` follows, once. */
  close(reason: Failure): void;
}

export interface LinkHandlers {
  /** Borrowed until return. A throw closes the link. */
  frame(type: number, payload: Bytes): void;
  /** The outbox is empty: the time for registers. */
  idle(): void;
  /** Once, last. The reason is the peer's where it told one. */
  closed(reason: Failure): void;
}
