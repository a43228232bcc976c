// Ways in which a fabric can carry bytes wrongly, each with the case of the suite that finds it,
// and what that says. broken.test.ts plays them.

import type { Bytes, Sid } from "../../../src/plugin.ts";
import { LINK_FRAME } from "../../../plugins/fabric-tree/hello.ts";
import { hosting, linking, publishing } from "./broken.ts";
import type { Row } from "./broken.ts";

export const TRAFFIC_FAULTS: Readonly<Record<string, Row>> = {
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
  "throws where nobody can be reached": {
    fault: publishing((publish) => (...call) => {
      const result = publish(...call);
      if (result === "unreachable") throw new Error("no route");
      return result;
    }),
    found: "one who is not in the view",
    says: /publish threw Error: no route/,
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
};
