// Fabrics that are broken in one way each: fabric-tree, with something between it and the core. The
// suite for fabrics must find each of them (broken.test.ts).

import type {
  Clock,
  Fabric,
  FabricHost,
  Link,
  LinkHandlers,
  Parts,
  Plugin,
  Random,
  Store,
  View,
} from "../../../src/plugin.ts";
import fabricTree from "../../../plugins/fabric-tree.ts";

/** What the plugin is given, as far as faults replace it. */
export interface Given {
  readonly host: FabricHost;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store;
}

/** What stands between the fabric and the core. */
export interface Fault {
  /** What it is given instead of the real things. */
  given?(real: Given): Partial<Given>;
  /** What the core is given instead of it. */
  fabric?(fabric: Fabric, real: Given): Partial<Fabric>;
  parts?: Partial<Parts>;
}

export interface Row {
  readonly fault: Fault;
  /** The name of the case that finds it, or how that begins. */
  readonly found: string;
  readonly says: RegExp;
}

/** Makes fabric-tree with a fault. */
export function broken(fault: Fault): Plugin {
  const plugin = fabricTree();
  return {
    ...plugin,
    setup(context) {
      const real = context as Given; // what the core gives to every fabric
      const parts = plugin.setup({ ...real, ...fault.given?.(real) });
      const own = parts.fabric!;
      const fabric: Fabric = {
        protocol: own.protocol,
        accept: (link, hello) => own.accept(link, hello),
        merge: (address, options) => own.merge(address, options),
        unmerge: (server) => own.unmerge(server),
        publish: (to, traffic, bytes) => own.publish(to, traffic, bytes),
        keep: (neighbour, key, bytes) => own.keep(neighbour, key, bytes),
        get view() {
          return own.view;
        },
      };
      const faulty = fault.fabric?.(own, real) ?? {};
      Object.defineProperties(fabric, Object.getOwnPropertyDescriptors(faulty)); // with getters
      return { ...parts, ...fault.parts, fabric };
    },
  };
}

/** A fault of the host: of what goes up, is dialled, or is asked. */
export const hosting = (change: (host: FabricHost, real: Given) => Partial<FabricHost>): Fault => ({
  given: (real) => ({ host: { ...real.host, ...change(real.host, real) } }),
});

export const publishing = (
  change: (publish: Fabric["publish"], real: Given, fabric: Fabric) => Fabric["publish"],
): Fault => ({
  fabric: (fabric, real) => ({
    publish: change((to, traffic, bytes) => fabric.publish(to, traffic, bytes), real, fabric),
  }),
});

export const viewing = (change: (view: View, real: Given) => View): Fault => ({
  fabric: (fabric, real) => ({
    get view() {
      return change(fabric.view, real);
    },
  }),
});

/** A fault of links, or of what they bring, on both sides. */
export function linking(change: {
  link?(link: Link): Partial<Link>;
  handlers?(handlers: LinkHandlers, real: Given): Partial<LinkHandlers>;
}): Fault {
  const faultyLink = (link: Link): Link => ({
    remote: link.remote,
    fingerprint: link.fingerprint,
    send: (...sent) => link.send(...sent),
    queuedBytes: (traffic) => link.queuedBytes(traffic),
    limit: (bytesMax) => link.limit(bytesMax),
    close: (reason) => link.close(reason),
    ...change.link?.(link),
  });
  const faultyHandlers = (handlers: LinkHandlers, real: Given): LinkHandlers => ({
    frame: (type, payload) => handlers.frame(type, payload),
    idle: () => handlers.idle(),
    closed: (reason) => handlers.closed(reason),
    ...change.handlers?.(handlers, real),
  });
  return {
    ...hosting((host, real) => ({
      dial: (address, hello, opened) =>
        host.dial(address, hello, (link) => faultyHandlers(opened(faultyLink(link)), real)),
    })),
    fabric: (fabric, real) => ({
      accept: (link, hello) => faultyHandlers(fabric.accept(faultyLink(link), hello), real),
    }),
  };
}
