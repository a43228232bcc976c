// The suite for fabrics can fail: each fabric that is broken in one way is found by the case that
// is there for it, and says what is wrong.

import { describe, expect, test } from "bun:test";
import { fabricCases } from "../../../src/testing.ts";
import { broken, linking } from "./broken.ts";
import type { Fault } from "./broken.ts";
import { MERGING_FAULTS } from "./faults-of-merging.ts";
import { TRAFFIC_FAULTS } from "./faults-of-traffic.ts";

const otherTypes = linking({
  link: (link) => ({ send: (traffic, type, ...parts) => link.send(traffic, type + 32, ...parts) }),
  handlers: (handlers) => ({ frame: (type, payload) => handlers.frame(type - 32, payload) }),
});

/** Not as fabric-tree does it, but no less right: no case may depend on the difference. */
const OTHERWISE: Fault = {
  ...otherTypes,
  fabric: (fabric, real) => ({
    ...otherTypes.fabric?.(fabric, real),
    get view() {
      const { version, servers, neighbours, links } = fabric.view;
      return {
        version: version * 10,
        servers: servers.toReversed(),
        neighbours: neighbours.toReversed(),
        links: links.map(({ a, b, ...rest }) => ({ a: b, b: a, ...rest })),
      };
    },
    async merge(address, options) {
      const outcome = await fabric.merge(address, options);
      return "code" in outcome ? outcome : { ...outcome, fusion: outcome.fusion.toReversed() };
    },
  }),
};

describe("the suite for fabrics", () => {
  test("has each case once", () => {
    const names = fabricCases({ make: () => broken({}) }).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  test("finds nothing where something is otherwise than in fabric-tree, but right", () => {
    for (const { run } of fabricCases({ make: () => broken(OTHERWISE) })) run();
  }, 60_000);

  test("leaves out what a fabric lacks by design, with the reason", () => {
    const reasons = {
      direct: "all goes over a broker",
      silence: "the broker sees to it",
      standby: "there are no spare links",
      unmerge: "one is in it or not",
    };
    for (const [ability, reason] of Object.entries(reasons)) {
      const cases = fabricCases({ make: () => broken({}), without: { [ability]: reason } });
      const skipped = cases.map((one) => one.skipped).filter((one) => one !== undefined);
      expect(new Set(skipped)).toEqual(new Set([reason]));
    }
    const cases = fabricCases({ make: () => broken({}), without: reasons });
    expect(cases.filter(({ skipped }) => skipped === undefined).length).toBeGreaterThan(35);
  });

  for (const [name, { fault, found, says }] of Object.entries({
    ...TRAFFIC_FAULTS,
    ...MERGING_FAULTS,
  })) {
    test(`finds a fabric that ${name}`, () => {
      const named = fabricCases({ make: () => broken(fault) }).filter((one) =>
        one.name.startsWith(found),
      );
      expect(named, `cases that begin with "${found}"`).toHaveLength(1);
      expect(named[0]!.run).toThrow(says);
    });
  }
});
