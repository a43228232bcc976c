// Looks over the shoulder of a server in a simulation, without changing what it does: what passes
// between the core and its fabric, and how full its links are.

import type { Environment, Wire } from "../../src/environment.ts";
import { LANES } from "../../src/environment.ts";
import { LIMITS } from "../../src/limits.ts";
import type { Fabric, FabricHost, Plugin } from "../../src/plugin.ts";

const bounds = {
  control: LIMITS.linkControlBytesMax,
  private: LIMITS.linkPrivateBytesMax,
  room: LIMITS.linkRoomBytesMax,
  bulk: LIMITS.linkBulkBytesMax,
};
const TAG_BYTES = 8;

/** Of one simulation: sees every publication and every delivery of all its fabrics. */
export class Watch {
  /** What was found wrong. */
  readonly violations: string[] = [];
  /** The fabric of each host's present life. */
  readonly fabrics = new Map<string, Fabric>();
  readonly #wires = new Set<Wire>();
  /** Where each publication has arrived; forgotten in the order in which they were made. */
  readonly #arrived = new Map<number, Set<string>>();
  #publications = 0;

  /** A fabric plugin whose publications carry a number, by which deliveries are told apart. */
  fabric(plugin: Plugin, host: string): Plugin {
    return {
      ...plugin,
      setup: (context: object) => {
        const inner = (context as { readonly host: FabricHost }).host; // the role's context
        const deliver: FabricHost["deliver"] = (origin, via, traffic, bytes) => {
          if (!this.#arrives(bytes, host)) return;
          inner.deliver(origin, via, traffic, bytes.subarray(TAG_BYTES));
        };
        const parts = plugin.setup({ ...context, host: withOwn(inner, { deliver }) });
        const { fabric } = parts;
        if (fabric === undefined) return parts;
        const publish: Fabric["publish"] = (to, traffic, bytes) =>
          fabric.publish(to, traffic, this.#tagged(bytes));
        const keep: Fabric["keep"] = (to, key, bytes) => fabric.keep(to, key, this.#tagged(bytes));
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
      net.dial(at, (wire) => {
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

  #tagged(bytes: Uint8Array): Uint8Array {
    const tagged = new Uint8Array(TAG_BYTES + bytes.length);
    this.#publications += 1;
    new DataView(tagged.buffer).setFloat64(0, this.#publications);
    tagged.set(bytes, TAG_BYTES);
    return tagged;
  }

  /** False for a second arrival, which is a violation. */
  #arrives(bytes: Uint8Array, host: string): boolean {
    const number = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0);
    let hosts = this.#arrived.get(number);
    if (hosts === undefined) this.#arrived.set(number, (hosts = new Set()));
    if (hosts.has(host)) {
      this.violations.push(`publication ${number} has reached ${host} twice`);
      return false;
    }
    hosts.add(host);
    return true;
  }
}

/** The same object with some methods of its own; getters stay as they are. */
function withOwn<T extends object>(inner: T, own: Partial<T>): T {
  return Object.assign(Object.create(inner) as T, own);
}
