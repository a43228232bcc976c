// Ways in which a fabric can be broken, each with the case of the suite that finds it, and what
// that says. broken.test.ts plays them.

import type { Bytes, Sid, View } from "../../../src/plugin.ts";
import { LINK_FRAME } from "../../../plugins/fabric-tree/hello.ts";
import { hosting, linking, publishing, viewing } from "./broken.ts";
import type { Fault } from "./broken.ts";

export interface Row {
  readonly fault: Fault;
  /** The name of the case that finds it, or how that begins. */
  readonly found: string;
  readonly says: RegExp;
}

export const FAULTS: Readonly<Record<string, Row>> = {
  "delivers some frames twice": {
    fault: hosting((host) => {
      let count = 0;
      return {
        deliver(...frame) {
          count += 1;
          host.deliver(...frame);
          if (count % 3 === 0) host.deliver(...frame);
        },
      };
    }),
    found: "two servers merge",
    says: /what each of them heard/,
  },
  "loses one frame in a hundred": {
    fault: hosting((host) => {
      let count = 0;
      return {
        deliver(...frame) {
          count += 1;
          if (count % 100 > 0) host.deliver(...frame);
        },
      };
    }),
    found: "each class comes in the order",
    says: /at c/,
  },
  "takes the neighbour for the origin": {
    fault: hosting((host) => ({
      deliver: (_origin, via, traffic, bytes) => host.deliver(via, via, traffic, bytes),
    })),
    found: "when a merge is answered",
    says: /what each of them heard/,
  },
  "gives private frames the class of rooms": {
    fault: hosting((host) => ({
      deliver: (origin, via, traffic, bytes) =>
        host.deliver(origin, via, traffic === "private" ? "room" : traffic, bytes),
    })),
    found: "two servers merge",
    says: /what each of them heard/,
  },
  "lets frames overtake each other": {
    fault: hosting((host, { clock, random }) => ({
      deliver(origin, via, traffic, bytes) {
        const kept = bytes.slice();
        clock.after(random.next() * 5, () => host.deliver(origin, via, traffic, kept));
      },
    })),
    found: "each class comes in the order",
    says: /at c/,
  },
  "calls changed in publish": {
    fault: publishing((publish, { host }) => (...call) => {
      host.changed();
      return publish(...call);
    }),
    found: "two servers merge",
    says: /changed\(\) was called inside publish/,
  },
  "calls changed in merge": {
    fault: {
      fabric: (fabric, { host }) => ({
        merge(...call) {
          host.changed();
          return fabric.merge(...call);
        },
      }),
    },
    found: "two servers merge",
    says: /changed\(\) was called inside merge/,
  },
  "calls changed in a frame": {
    fault: linking({
      handlers: (handlers, { host }) => ({
        frame(type, payload) {
          handlers.frame(type, payload);
          if (type === LINK_FRAME.synced) host.changed();
        },
      }),
    }),
    found: "two servers merge",
    says: /changed\(\) was called inside a frame/,
  },
  "does not say that the view has changed": {
    fault: hosting(() => ({ changed() {} })),
    found: "two servers merge",
    says: /changed\(\) was last called for another/,
  },
  "changes the view that it has handed out": {
    fault: (() => {
      const views = new WeakMap<object, { version: number; servers: View["servers"] }>();
      return viewing((view, { host }) => {
        const mine = views.get(host) ?? { ...view };
        views.set(host, Object.assign(mine, view));
        return mine as View;
      });
    })(),
    found: "two servers merge",
    says: /was changed after it was handed out/,
  },
  "gives every view the same version": {
    fault: viewing((view) => ({ ...view, version: 1 })),
    found: "two servers merge",
    says: /version went from 1 to 1/,
  },
  "throws where nobody can be reached": {
    fault: publishing((publish) => (...call) => {
      const result = publish(...call);
      if (result === "unreachable") throw new Error("no route");
      return result;
    }),
    found: "one who is not in the view",
    says: /publish threw Error: no route/,
  },
  "rejects a merge that fails": {
    fault: {
      fabric: (fabric) => ({
        async merge(...call) {
          const outcome = await fabric.merge(...call);
          if ("code" in outcome) throw new Error(outcome.text);
          return outcome;
        },
      }),
    },
    found: "a merge where nobody listens",
    says: /merge rejected with Error/,
  },
  "asks no hook": {
    fault: hosting(() => ({ consent: () => undefined })),
    found: "either side may deny",
    says: /a denies/,
  },
  "asks the hooks of the dialling side only": {
    fault: hosting((host) => ({
      consent: (offer) => (offer.by === "us" ? host.consent(offer) : undefined),
    })),
    found: "either side may deny",
    says: /b denies/,
  },
  "keeps the hook's reason for itself": {
    fault: hosting((host) => ({
      async consent(offer) {
        const verdict = await host.consent(offer);
        return verdict && { ...verdict, reason: "no" };
      },
    })),
    found: "either side may deny",
    says: /we part as friends/,
  },
  "joins in a dry run": {
    fault: {
      fabric: (fabric) => ({
        async merge(address, { dryRun }) {
          const outcome = await fabric.merge(address, { dryRun: false });
          return "code" in outcome || !dryRun ? outcome : { ...outcome, state: "possible" };
        },
      }),
    },
    found: "a dry run",
    says: /what was seen meanwhile/,
  },
  "lets namesakes in": {
    fault: {
      given: ({ host, random }) => {
        const { identity } = host;
        const suffix = `-${Math.floor(random.next() * 1e9)}`;
        const name = `${identity.name}${suffix}` as typeof identity.name;
        const faulty = Object.create(identity, { name: { value: name } }) as typeof identity;
        return { host: { ...host, identity: faulty } };
      },
      fabric: (fabric) => ({
        get view() {
          const { servers, ...rest } = fabric.view;
          const named = servers.map((one) => ({
            ...one,
            name: one.name.replace(/-\d+$/, "") as typeof one.name,
          }));
          return { ...rest, servers: named };
        },
      }),
    },
    found: "two of one name do not merge",
    says: /NAME_TAKEN/,
  },
  "does not notice a loss": {
    fault: linking({ handlers: () => ({ closed() {} }) }),
    found: "a lost connection parts",
    says: /a sees a b c d/,
  },
  "does not notice silence": {
    fault: linking({
      handlers(handlers, { clock }) {
        const beat = () => {
          handlers.frame(LINK_FRAME.ping, new Uint8Array(8));
          clock.after(5000, beat);
        };
        clock.after(5000, beat);
        return {};
      },
    }),
    found: "silence on a connection",
    says: /b sees a b c/,
  },
  "does not dial again": {
    fault: hosting((host) => {
      const dialled = new Set<string>();
      return {
        dial(address, ...call) {
          if (dialled.has(address)) return new Promise(() => {});
          dialled.add(address);
          return host.dial(address, ...call);
        },
      };
    }),
    found: "a connection that is lost again",
    says: /a sees a/,
  },
  "believes the first card of a server for ever": {
    fault: (() => {
      const cards = new Map<Sid, Bytes>();
      return viewing((view, { host }) => ({
        ...view,
        servers: view.servers.map((one) => {
          if (one.sid === host.identity.sid) return one;
          const card = cards.get(one.sid) ?? one.card;
          cards.set(one.sid, card);
          return { ...one, card };
        }),
      }));
    })(),
    found: "a server that dies leaves",
    says: /the card of b's new life/,
  },
  "keeps borrowed bytes": {
    fault: publishing((publish, { clock }) => (to, traffic, bytes) => {
      if (traffic !== "bulk") return publish(to, traffic, bytes);
      clock.soon(() => void publish(to, traffic, bytes));
      return "sent";
    }),
    found: "bulk bytes are borrowed",
    says: /what came to b/,
  },
  "hands borrowed bytes on as if they were given": {
    fault: (() => {
      let frame: Bytes = new Uint8Array();
      return linking({
        link: (link) => ({
          send(traffic, type, ...parts) {
            const body = parts.at(-1) ?? frame;
            const tail = frame.subarray(frame.length - body.length);
            const isBody = body.length > 0 && Buffer.compare(tail, body) === 0;
            return link.send(traffic, type, ...(isBody ? [...parts.slice(0, -1), tail] : parts));
          },
        }),
        handlers: (handlers) => ({
          frame(type, payload) {
            frame = payload;
            handlers.frame(type, payload);
            frame = new Uint8Array();
          },
        }),
      });
    })(),
    found: "what is handed on over a slow link",
    says: /bytes were changed that its link.send gave away/,
  },
  "writes into what it was given": {
    fault: publishing((publish) => (to, traffic, bytes) => {
      const result = publish(to, traffic, bytes);
      bytes.fill(0);
      return result;
    }),
    found: "two servers merge",
    says: /bytes were changed that the core's publish gave away/,
  },
  "says that it has sent what it cannot": {
    fault: publishing((publish) => (...call) => {
      const result = publish(...call);
      return result === "unreachable" ? "sent" : result;
    }),
    found: "one who is not in the view",
    says: /Expected: "unreachable"/,
  },
  "forgets at a restart what was merged": {
    fault: { given: ({ store }) => ({ store: { ...store, write: async () => {} } }) },
    found: "all that was merged comes back",
    says: /a sees a/,
  },
  "keeps a route for a list for ever": {
    fault: publishing((publish, _real, fabric) => {
      const routes = new WeakMap<readonly Sid[], Sid[]>();
      return (to, ...call) => {
        const known = new Set(fabric.view.servers.map(({ sid }) => sid));
        const route = routes.get(to) ?? to.filter((sid) => known.has(sid));
        routes.set(to, route);
        return publish(route.filter((sid) => known.has(sid)).length > 0 ? route : [], ...call);
      };
    }),
    found: "the same list of servers",
    says: /to nobody who is left/,
  },
  "queues what has no room, without bound": {
    fault: publishing((publish, { clock }) => {
      const queue: (() => boolean)[] = [];
      const drain = () => {
        while (queue[0]?.() === true) queue.shift();
        if (queue.length > 0) clock.after(100, drain);
      };
      return (to, traffic, bytes) => {
        const result = publish(to, traffic, bytes);
        if (result !== "congested") return result;
        if (queue.length === 0) clock.after(100, drain);
        queue.push(() => publish(to, traffic, bytes) !== "congested");
        return "sent";
      };
    }),
    found: "a class that has no room",
    says: /that nobody has read/,
  },
  "has one queue for all classes": {
    fault: linking({
      link: (link) => ({
        send: (traffic, type, ...parts) =>
          link.send(type === LINK_FRAME.routed ? "bulk" : traffic, type, ...parts),
      }),
    }),
    found: "the classes have priority",
    says: /is slow/,
  },
  "lets a slow neighbour hold up the others": {
    fault: publishing((publish, { clock }) => {
      let congestedAt = Number.NEGATIVE_INFINITY;
      return (...call) => {
        if (clock.monotonic() - congestedAt < 200) return "congested";
        const result = publish(...call);
        if (result === "congested") congestedAt = clock.monotonic();
        return result;
      };
    }),
    found: "a neighbour that takes nothing",
    says: /what c heard/,
  },
  "queues registers": {
    fault: {
      fabric(fabric) {
        let count = 0;
        return {
          keep: (neighbour, key, bytes) => fabric.keep(neighbour, `${key} ${(count += 1)}`, bytes),
        };
      },
    },
    found: "of registers that wait",
    says: /of 3000/,
  },
  "dials again after an unmerge": {
    fault: {
      fabric: (fabric, { clock, host }) => ({
        unmerge(server) {
          clock.after(5000, () => {
            fabric.merge(`${server}:7331`, { dryRun: false }).catch(() => host.changed());
          });
          return fabric.unmerge(server);
        },
      }),
    },
    found: "after unmerge",
    says: /b sees a b/,
  },
  "leaves everything open when it stops": {
    fault: { parts: { stop() {} } },
    found: "after a stop nothing is left",
    says: /timers and connections/,
  },
  "takes its chance from elsewhere": {
    fault: {
      given: ({ random }) => ({
        random: { bytes: (count) => random.bytes(count), next: () => Math.random() },
      }),
    },
    found: "the same seed gives the same run",
    says: /the second run/,
  },
};
