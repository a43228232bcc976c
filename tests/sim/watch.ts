// Looks over the shoulder of a server in a simulation, without changing what it does: what passes
// between the core and its fabric, whom it consented to, and how full its links are.

import type { Environment, Wire } from "../../src/environment.ts";
import { LANES } from "../../src/environment.ts";
import { LIMITS } from "../../src/limits.ts";
import type { Fabric, FabricHost, Plugin, Sid } from "../../src/plugin.ts";

const bounds = {
  control: LIMITS.linkControlBytesMax,
  private: LIMITS.linkPrivateBytesMax,
  room: LIMITS.linkRoomBytesMax,
  bulk: LIMITS.linkBulkBytesMax,
};
const TAG_BYTES = 8;

/** Of one simulation: sees every publication and every delivery of all its fabrics. */
export class Watch {
  /** How often a narrowed class was full. */
  full = 0;
  /** How often a link was undone, as its ends have told: before an operator hears of it. */
  undone = 0;
  /** What was found wrong. */
  readonly violations: string[] = [];
  /** The fabric of each host's present life. */
  readonly fabrics = new Map<string, Fabric>();
  /** Whose merges each host's plugins have allowed in this life. */
  readonly consents = new Map<string, Set<Sid>>();
  readonly #wires = new Set<Wire>();
  readonly #controlMax: number | undefined;
  readonly #publications: Publication[] = [];

  /** With a bound of its own for the control class of the links that are dialled, in bytes. */
  constructor(controlMax?: number) {
    this.#controlMax = controlMax;
  }

  /** A fabric plugin whose publications carry a number, by which deliveries are told apart. */
  fabric(plugin: Plugin, host: string): Plugin {
    return {
      ...plugin,
      setup: (context: object) => {
        const inner = (context as { readonly host: FabricHost }).host; // the role's context
        const consents = new Set<Sid>();
        this.consents.set(host, consents);
        const deliver: FabricHost["deliver"] = (origin, via, traffic, bytes) => {
          this.#arrives(bytes, { host, sid: inner.identity.sid });
          inner.deliver(origin, via, traffic, bytes.subarray(TAG_BYTES));
        };
        const consent: FabricHost["consent"] = async (offer) => {
          const verdict = await inner.consent(offer);
          if (verdict === undefined) consents.add(offer.sid);
          return verdict;
        };
        const report: FabricHost["report"] = (one) => {
          if (one.event === "undone") this.undone += 1;
          inner.report(one);
        };
        const own = { deliver, consent, report };
        const parts = plugin.setup({ ...context, host: withOwn(inner, own) });
        const { fabric } = parts;
        if (fabric === undefined) return parts;
        const publish: Fabric["publish"] = (to, traffic, bytes) =>
          fabric.publish(to, traffic, this.#tagged(bytes, to));
        const keep: Fabric["keep"] = (to, key, bytes) =>
          fabric.keep(to, key, this.#tagged(bytes, [to]));
        const watched = withOwn(fabric, { publish, keep });
        this.fabrics.set(host, watched);
        return { ...parts, fabric: watched };
      },
    };
  }

  /** An environment whose dialled wires are watched: a server dials nothing but links. */
  environment(environment: Environment): Environment {
    const { net } = environment;
    const dial: typeof net.dial = (at, opened) =>
      net.dial(at, (dialled) => {
        const wire = this.#controlMax === undefined ? dialled : this.#narrowed(dialled);
        const handlers = opened(wire);
        this.#wires.add(wire);
        const closed = (reason: string) => {
          this.#wires.delete(wire);
          handlers.closed(reason);
        };
        return withOwn(handlers, { closed });
      });
    return { ...environment, net: { ...net, dial } };
  }

  /** Looks at all links as they are now. */
  checkBounds(): void {
    for (const wire of this.#wires) {
      for (const lane of LANES) {
        const queued = wire.queuedBytes(lane);
        if (queued <= bounds[lane]) continue;
        this.violations.push(`${queued} bytes queued for ${wire.remote} in ${lane}`);
      }
    }
  }

  // --- internal ---

  /** A wire that is full soon; in a real one it takes a fusion of hundreds to see that happen. */
  #narrowed(wire: Wire): Wire {
    const { remote, secure, tls, fingerprint } = wire;
    return {
      remote,
      secure,
      tls,
      fingerprint,
      send: (lane, bytes) => {
        const isTaken = wire.send(lane, bytes);
        if (!isTaken && lane === "control") this.full += 1;
        return isTaken;
      },
      sendBorrowed: (lane, parts) => wire.sendBorrowed(lane, parts),
      queuedBytes: (lane) => wire.queuedBytes(lane),
      bound: (lane, max) => wire.bound(lane, lane === "control" ? (this.#controlMax ?? max) : max),
      flush: () => wire.flush(),
      pause: () => wire.pause(),
      resume: () => wire.resume(),
      close: (reason) => wire.close(reason),
    };
  }

  #tagged(bytes: Uint8Array, to: readonly Sid[]): Uint8Array {
    const tagged = new Uint8Array(TAG_BYTES + bytes.length);
    new DataView(tagged.buffer).setFloat64(0, this.#publications.length);
    tagged.set(bytes, TAG_BYTES);
    this.#publications.push({ to, arrived: [] });
    return tagged;
  }

  #arrives(bytes: Uint8Array, { host, sid }: { host: string; sid: Sid }): void {
    const number = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0);
    const publication = this.#publications[number];
    if (publication?.to.includes(sid) !== true) {
      this.violations.push(`publication ${number} was not meant for ${host}`);
    } else if (publication.arrived.includes(sid)) {
      this.violations.push(`publication ${number} has reached ${host} twice`);
    } else publication.arrived.push(sid);
  }
}

interface Publication {
  readonly to: readonly Sid[];
  readonly arrived: Sid[];
}

/** The same object with some methods of its own; getters stay as they are. */
function withOwn<T extends object>(inner: T, own: Partial<T>): T {
  return Object.assign(Object.create(inner) as T, own);
}
