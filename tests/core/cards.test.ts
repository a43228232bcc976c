// What other servers say of themselves in their cards, and cannot be: nobody else is harmed by it.

import { expect, test } from "bun:test";
import authGuest from "../../plugins/auth-guest.ts";
import type { ServerName } from "../../src/names.ts";
import { definePlugin, sidOf } from "../../src/plugin.ts";
import type { FabricHost, ServerInView } from "../../src/plugin.ts";
import { Place } from "./place.ts";

/** A server whose fabric shows it whatever a test likes. */
function shown(seed: string) {
  const place = new Place(seed, "real");
  let host: FabricHost | undefined;
  let servers: readonly ServerInView[] = [];
  const fabric = definePlugin({
    name: "fabric-shown",
    provides: ["fabric"],
    setup(context) {
      host = context.host;
      return {
        fabric: {
          protocol: "shown/1",
          accept: () => ({ frame() {}, idle() {}, closed() {} }),
          merge: () => Promise.resolve({ code: "CANNOT_CONNECT", text: "not dialled" }),
          unmerge: () => Promise.resolve({ code: "NOT_LINKED", text: "no links" }),
          publish: () => "unreachable",
          keep() {},
          get view() {
            return { version: servers.length, servers, neighbours: [], links: [] };
          },
        },
      };
    },
  });
  const paris = place.start("paris", { plugins: [authGuest(), fabric()] });
  const show = (...all: readonly ServerInView[]) => {
    servers = all;
    host!.changed();
  };
  return { place, paris, show };
}

const server = (at: number, card: unknown): ServerInView => ({
  sid: sidOf(new Uint8Array(16).fill(at)),
  name: `s${at}` as ServerName,
  key: new Uint8Array(32).fill(at),
  card: new TextEncoder().encode(typeof card === "string" ? card : JSON.stringify(card)),
  hops: 1,
});

test("a card that is none, or has a key that is none, leaves its server out and no other", () => {
  const { place, paris, show } = shown("cards");
  const ana = place.enter(paris, "ana");
  const life = "0123456789abcdef";
  const smallOrder = [
    "00".repeat(32),
    `01${"00".repeat(31)}`,
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  ];
  const bad = [
    "",
    "no JSON",
    "[".repeat(2000),
    { life, seal: "00" },
    { life: "X", seal: "11".repeat(32) },
    ...smallOrder.map((seal) => ({ life, seal })),
  ];
  const good = server(99, { life, seal: `09${"00".repeat(31)}` });
  show(...bad.map((card, at) => server(at + 1, card)), good);
  place.rest(2000);
  expect(ana.all("merged").map(({ servers }) => servers)).toEqual([["s99"]]);
  expect(place.faults()).toEqual([]);
  expect(place.world.logged.filter(({ level }) => level === "warn")).toHaveLength(bad.length);
});
