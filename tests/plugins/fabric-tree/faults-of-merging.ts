// Ways in which a fabric can join servers wrongly, or misbehave towards the core, each with the
// case of the suite that finds it, and what that says. broken.test.ts plays them.

import type { Bytes, Sid, View } from "../../../src/plugin.ts";
import { LINK_FRAME } from "../../../plugins/fabric-tree/hello.ts";
import { hosting, linking, publishing, viewing } from "./broken.ts";
import type { Row } from "./broken.ts";

export const MERGING_FAULTS: Readonly<Record<string, Row>> = {
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
  "forgets at a restart what was merged": {
    fault: { given: ({ store }) => ({ store: { ...store, write: async () => {} } }) },
    found: "all that was merged comes back",
    says: /a sees a/,
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
  "measures time by the wall clock": {
    fault: {
      given: ({ clock }) => ({
        clock: {
          now: () => clock.now(),
          monotonic: () => clock.now(),
          after: (ms, run) => clock.after(ms, run),
          soon: (run) => clock.soon(run),
        },
      }),
    },
    found: "wall clocks that are wrong",
    says: /reports/,
  },
  "waits for a disk that fails": {
    fault: {
      given: ({ store }) => ({
        store: {
          read: (key) => store.read(key),
          write: (key, bytes) => store.write(key, bytes).catch(() => new Promise(() => {})),
        },
      }),
    },
    found: "a disk that fails",
    says: /waits in vain/,
  },
};
