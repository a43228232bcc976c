// Bytes on their way: what this server sends, takes and hands on. The hot path: a route is written
// once per set of servers and judgement, and then only sent. Next: route.ts.

import { LIMITS, sidBytes } from "chatfusion";
import type { Bytes, FabricHost, Log, PublishResult, Sid, Traffic } from "chatfusion";
import { concat } from "./bytes.ts";
import { LINK_FRAME } from "./hello.ts";
import { readRouted, routedHead, routesTo } from "./route.ts";
import type { Hop } from "./route.ts";
import type { Session } from "./session.ts";
import type { Judgement } from "./view.ts";

/** Counters for the operator; each adds 1. */
export interface Counts {
  /** An entry of a route whose port is gone, is named twice, or leads back. */
  skipped(): void;
  /** A neighbour's class was full. */
  congested(): void;
  /** A frame that claims to be of this server itself. */
  forged(): void;
}

interface Neighbours {
  readonly judgement: Judgement;
  readonly links: { readonly byPort: ReadonlyMap<number, Session> };
}

interface Branch {
  readonly session: Session;
  readonly head: Bytes;
}

/** A set of servers, as reached under one judgement. */
interface Route {
  readonly judgement: Judgement;
  readonly branches: readonly Branch[];
  readonly reachable: boolean;
}

export class TrafficOf {
  readonly #host: FabricHost;
  readonly #near: Neighbours;
  readonly #counts: Counts;
  readonly #log: Log;
  readonly #origin: Bytes;
  readonly #routes: Readonly<Record<Traffic, WeakMap<readonly Sid[], Route>>>;

  constructor(host: FabricHost, near: Neighbours, counts: Counts, log: Log) {
    this.#host = host;
    this.#near = near;
    this.#counts = counts;
    this.#log = log;
    this.#origin = sidBytes(host.identity.sid);
    this.#routes = {
      control: new WeakMap(),
      private: new WeakMap(),
      room: new WeakMap(),
      bulk: new WeakMap(),
    };
  }

  /** See `Fabric.publish`. Congested: at least one branch had no room; the others were sent. */
  publish(to: readonly Sid[], traffic: Traffic, bytes: Bytes): PublishResult {
    const cached = this.#routes[traffic].get(to);
    const route = cached?.judgement === this.#near.judgement ? cached : this.#route(to, traffic);
    if (!route.reachable) return "unreachable";
    let result: PublishResult = "sent";
    for (const { session, head } of route.branches) {
      if (!this.#fits(head.length + bytes.length)) return "unreachable";
      if (session.link.send(traffic, LINK_FRAME.routed, head, bytes)) continue;
      this.#counts.congested();
      result = "congested";
    }
    return result;
  }

  /** Sends a trace along the way to one server; false where there is none. */
  trace(to: Sid, bytes: Bytes): boolean {
    const route = this.#route([to], "private");
    for (const { session, head } of route.branches) {
      if (!session.link.send("private", LINK_FRAME.trace, head, bytes)) return false;
    }
    return route.branches.length > 0;
  }

  /**
   * Takes a routed frame of a full neighbour: hands it on, and up to the host, or to `traced`
   * (which gets every trace on its way). Borrowed. Throws `ProtocolError` for a malformed one.
   */
  arrived(
    from: Session,
    type: number,
    payload: Bytes,
    traced: (origin: Sid, deliver: boolean, body: Bytes) => void,
  ): void {
    const { traffic, deliver, origin, hops, body } = readRouted(payload);
    if (origin === this.#host.identity.sid) return this.#counts.forged();
    if (hops.length > 0) {
      this.#forward(from, type, { traffic, origin: payload.slice(1, 17), hops }, body);
    }
    if (type === LINK_FRAME.trace) return traced(origin, deliver, body);
    if (deliver && from.peer !== undefined) this.#host.deliver(origin, from.peer, traffic, body);
  }

  // --- internal ---

  #route(to: readonly Sid[], traffic: Traffic): Route {
    const { judgement, links } = this.#near;
    const self = this.#host.identity.sid;
    const others = to.reduce((count, sid) => (sid === self ? count : count + 1), 0);
    // One server alone is reached the shortest way; several, and rooms in order, over the tree.
    const paths = traffic === "room" || others > 1 ? judgement.tree : judgement.shortest;
    const { hops, reached } = routesTo(judgement, paths, to);
    const branches = hops.flatMap((hop): Branch[] => {
      const session = links.byPort.get(hop.port);
      return session === undefined
        ? []
        : [{ session, head: routedHead(this.#origin, traffic, hop) }];
    });
    const route = { judgement, branches, reachable: reached > 0 || others === 0 };
    this.#routes[traffic].set(to, route);
    return route;
  }

  /** Hands each child its part: at most one frame for each port, and none back. */
  #forward(
    from: Session,
    type: number,
    about: { readonly traffic: Traffic; readonly origin: Bytes; readonly hops: readonly Hop[] },
    borrowed: Bytes,
  ): void {
    const { traffic, origin, hops } = about;
    // Bulk is borrowed by the outbox as well; of the rest, all children share one copy.
    const body = traffic === "bulk" ? borrowed : concat(borrowed);
    const used = new Set<number>([from.port]);
    for (const hop of hops) {
      const session = this.#near.links.byPort.get(hop.port);
      if (session === undefined || used.has(hop.port)) {
        this.#counts.skipped();
        continue;
      }
      used.add(hop.port);
      const head = routedHead(origin, traffic, hop);
      if (!session.link.send(traffic, type, head, body)) this.#counts.congested();
    }
  }

  #fits(frameBytes: number): boolean {
    if (frameBytes <= LIMITS.linkFrameBytesMax) return true;
    this.#log.error("frame too large for a link", { frameBytes, max: LIMITS.linkFrameBytesMax });
    return false;
  }
}
