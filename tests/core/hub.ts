// A fabric for tests of the core: all servers in one hub, which carries, drops, delays and keeps
// their frames as a test says, and shows each of them the view that a test has made.

import type { Bytes, Clock } from "../../src/environment.ts";
import type { ServerName, Sid } from "../../src/names.ts";
import { definePlugin } from "../../src/plugin.ts";
import type { FabricHost, Plugin, Traffic, View } from "../../src/plugin.ts";
import type { SeededRandom } from "../../src/testing.ts";

export interface HubFrame {
  readonly from: string;
  readonly to: string;
  readonly traffic: Traffic;
  readonly bytes: Bytes;
}

/** What happens to a frame: it passes, after so many milliseconds more, or it is lost. */
export type Fate = "pass" | "lose" | "congest" | number;

interface Station {
  readonly host: FabricHost;
  readonly clock: Clock;
  view: View;
}

export class Hub {
  /** All frames that were published and not congested, in order. */
  readonly frames: HubFrame[] = [];
  fate: (frame: HubFrame) => Fate = () => "pass";
  /** How long until a server sees a change of its view. */
  seesAfterMs: () => number = () => 0;
  readonly #random: SeededRandom;
  readonly #stations = new Map<string, Station>();
  /** Which component a server is in; alone without an entry. */
  #components = new Map<string, number>();

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** The fabric of one server. */
  plugin(): Plugin {
    const { started, stopped, publish, viewOf } = {
      started: (station: Station) => this.#started(station),
      stopped: (name: string) => void this.#stations.delete(name),
      publish: (from: string, to: readonly Sid[], traffic: Traffic, bytes: Bytes) =>
        this.publish(from, to, traffic, bytes),
      viewOf: (name: string) => this.#stations.get(name)?.view ?? NO_VIEW,
    };
    return definePlugin({
      name: "fabric-hub",
      provides: ["fabric"],
      setup({ host, clock, self }) {
        return {
          fabric: {
            protocol: "hub/1",
            accept: () => ({ frame() {}, idle() {}, closed() {} }),
            merge: () => Promise.resolve({ code: "CANNOT_CONNECT", text: "a hub is not dialled" }),
            unmerge: () => Promise.resolve({ code: "NOT_LINKED", text: "a hub has no links" }),
            publish: (to, traffic, bytes) => publish(self, to, traffic, bytes),
            keep() {},
            get view() {
              return viewOf(self);
            },
          },
          start() {
            started({ host, clock, view: NO_VIEW });
          },
          stop: () => stopped(self),
        };
      },
    })();
  }

  /** Puts servers together, and apart from all others. */
  join(...names: readonly string[]): void {
    const component = Math.max(0, ...this.#components.values()) + 1;
    for (const name of names) this.#components.set(name, component);
    this.#show();
  }

  /** Parts a server from the others. */
  part(...names: readonly string[]): void {
    for (const name of names) this.#components.delete(name);
    this.#show();
  }

  /** One server alone sees all others go and come back. */
  flap(name: string): void {
    const station = this.#stations.get(name);
    if (station === undefined) throw new Error(`no station ${name}`);
    const { view } = station;
    const self = view.servers.filter((server) => server.name === name);
    station.view = { ...view, servers: self, neighbours: [], links: [] };
    station.host.changed();
    station.view = view;
    station.host.changed();
  }

  /** Every component, each sorted; those of one server included. */
  components(): readonly (readonly string[])[] {
    const all = [...this.#stations.keys()].toSorted();
    const lists = all.map((name) => all.filter((other) => this.#together(name, other)));
    return lists.filter((list, i) => lists.findIndex((one) => one[0] === list[0]) === i);
  }

  sidOf(name: string): Sid {
    const station = this.#stations.get(name);
    if (station === undefined) throw new Error(`no station ${name}`);
    return station.host.identity.sid;
  }

  /** Hands bytes to a server as if another had sent them. */
  inject(frame: HubFrame): void {
    const origin = this.sidOf(frame.from);
    this.#stations.get(frame.to)?.host.deliver(origin, origin, frame.traffic, frame.bytes.slice());
  }

  // --- internal ---

  publish(from: string, to: readonly Sid[], traffic: Traffic, bytes: Bytes) {
    let result: "sent" | "congested" | "unreachable" = "unreachable";
    for (const [name, station] of this.#stations) {
      if (name === from || !to.includes(station.host.identity.sid)) continue;
      if (!this.#together(from, name)) continue;
      const frame = { from, to: name, traffic, bytes: bytes.slice() };
      const fate = this.fate(frame);
      if (fate === "congest") return "congested";
      result = "sent";
      this.frames.push(frame);
      if (fate !== "lose") this.#carry(frame, fate === "pass" ? 0 : fate);
    }
    return result;
  }

  #carry(frame: HubFrame, moreMs: number): void {
    const station = this.#stations.get(frame.to);
    const origin = this.sidOf(frame.from);
    const sender = this.#stations.get(frame.from);
    station?.clock.after(2 + moreMs, () => {
      if (this.#stations.get(frame.to) !== station) return;
      if (this.#stations.get(frame.from) !== sender || !this.#together(frame.from, frame.to))
        return;
      const borrowed = frame.bytes.slice();
      station.host.deliver(origin, origin, frame.traffic, borrowed);
      borrowed.fill(0xdb); // whoever kept it shall notice
    });
  }

  #started(station: Station): void {
    this.#stations.set(station.host.identity.name, station);
    this.#show();
  }

  #together(a: string, b: string): boolean {
    const component = this.#components.get(a);
    return a === b || (component !== undefined && component === this.#components.get(b));
  }

  #show(): void {
    for (const [name, station] of this.#stations) {
      station.clock.after(this.seesAfterMs(), () => {
        if (this.#stations.get(name) !== station) return;
        const view = this.#viewOf(name, station.view.version + 1);
        const sids = (one: View) =>
          one.servers
            .map(({ sid, card }) => sid + card.toHex())
            .toSorted()
            .join();
        if (sids(view) === sids(station.view)) return;
        station.view = view;
        station.host.changed();
      });
    }
  }

  #viewOf(name: string, version: number): View {
    const near = [...this.#stations].filter(([other]) => this.#together(name, other));
    const servers = near.map(([other, { host }]) => ({
      sid: host.identity.sid,
      name: other as ServerName, // as it was started
      key: host.identity.key,
      card: host.identity.card,
      hops: other === name ? 0 : 1,
    }));
    const self = this.sidOf(name);
    const others = servers.map(({ sid }) => sid).filter((sid) => sid !== self);
    const links = others.map((b) => ({ a: self, b, state: "tree" as const }));
    return { version, servers: this.#random.shuffle(servers), neighbours: others, links };
  }
}

const NO_VIEW: View = { version: 0, servers: [], neighbours: [], links: [] };
