// One server of a conformance run, from life to life: what can be done to it, what its fabric was
// heard to say, and the rules that it must keep at any time. Next: fabric-watch.ts, fabric-life.ts.

import type { Bytes, MaybePromise, Millis } from "../environment.ts";
import { failure } from "../errors.ts";
import type { ServerName, Sid } from "../names.ts";
import { parseServerName } from "../names.ts";
import type { Plugin } from "../plugin/context.ts";
import type {
  Fabric,
  FabricHost,
  FabricReport,
  MergeOutcome,
  PublishResult,
  Traffic,
  View,
} from "../plugin/fabric.ts";
import type { Deny, MergeOffer, Pass } from "../plugin/hooks.ts";
import type { FabricLife } from "./fabric-life.ts";
import { beginLife, FABRIC_PORT } from "./fabric-life.ts";
import { FabricWatch } from "./fabric-watch.ts";
import type { World } from "./world.ts";

/** Something that came up to the core. */
export interface Delivery {
  readonly origin: Sid;
  readonly via: Sid;
  readonly traffic: Traffic;
  readonly bytes: Bytes;
  /** In the world's time. */
  readonly at: Millis;
}

export interface FabricServerOptions {
  readonly world: World;
  readonly host: string;
  readonly name: string;
  readonly make: () => Plugin;
  /** What its links call the fabric, if not what the plugin says. */
  readonly protocol?: string;
  /** Hears of rules that were broken. */
  readonly broke: (what: string) => void;
}

export class FabricServer {
  readonly host: string;
  readonly name: ServerName;
  delivered: Delivery[] = [];
  readonly reports: FabricReport[] = [];
  readonly offers: MergeOffer[] = [];
  /** Its onMerge hook. */
  consent: (offer: MergeOffer) => MaybePromise<Deny | Pass> = () => undefined;
  /** Called with what comes up, once it is kept. */
  onDelivery: (delivery: Delivery) => void = () => {};
  /** Called in `changed`. */
  onChange: () => void = () => {};
  /** How often `changed` was called. */
  changes = 0;
  running = false;
  readonly #options: FabricServerOptions;
  #watch: FabricWatch;
  #life: FabricLife | undefined;

  constructor(options: FabricServerOptions) {
    this.#options = options;
    this.host = options.host;
    this.name = parseServerName(options.name);
    this.#watch = this.#newWatch();
  }

  get address(): string {
    return `${this.host}:${FABRIC_PORT}`;
  }

  get identity(): FabricHost["identity"] {
    return this.#lived.identity;
  }

  get sid(): Sid {
    return this.identity.sid;
  }

  get view(): View {
    return this.#watch.look(this.#fabric.view, this.sid);
  }

  /** The names in its view, in their order. */
  get sees(): string {
    return this.view.servers
      .map(({ name }) => String(name))
      .toSorted()
      .join(" ");
  }

  /** What came up, as texts. */
  get heard(): string[] {
    return this.delivered.map(({ bytes }) => new TextDecoder().decode(bytes));
  }

  /** Timers of the plugin that have neither run nor been cancelled. */
  get timers(): number {
    return this.#lived.timers;
  }

  /** Starts it with what is on its host's disk. */
  start(): void {
    const { world, host, make, protocol } = this.#options;
    const plugin = make();
    const environment = world.environment(host);
    this.#life = undefined;
    const watch = (this.#watch = this.#newWatch());
    const life = beginLife(
      { name: this.name, host, plugin, environment, protocol },
      {
        onMerge: (offer) => {
          this.offers.push(offer);
          return this.consent(offer);
        },
        deliver: (origin, via, traffic, bytes) => {
          const delivery = { origin, via, traffic, bytes: bytes.slice(), at: world.now };
          this.delivered.push(delivery);
          this.onDelivery(delivery);
        },
        changed: () => {
          this.changes += 1;
          if (this.#life === undefined) return;
          watch.changed(this.#fabric.view, this.sid);
          this.onChange();
        },
        report: (report) => void this.reports.push(report),
        within: (call, run) => watch.within(`a ${call}`, run),
        given: (bytes) => watch.given(bytes, "its link.send"),
      },
    );
    this.#life = world.until(life);
    this.running = true;
    watch.look(this.#fabric.view, this.sid);
  }

  /** Stops it in good order. */
  stop(): void {
    this.#options.world.until(this.#lived.stop());
    this.running = false;
  }

  /** Its power goes; unless `silent`, others see their connections end. */
  crash(how: { readonly silent?: boolean } = {}): void {
    this.#options.world.crash(this.host, how);
    this.running = false;
  }

  /** Merges with another one, or with an address. A rejection is a broken rule. */
  merge(to: FabricServer | string, dryRun = false): Promise<MergeOutcome> {
    const address = typeof to === "string" ? to : to.address;
    return this.#answered("merge", () => this.#fabric.merge(address, { dryRun }));
  }

  /** Merges with another one, and does not wait for the answer. */
  asks(to: FabricServer): void {
    this.merge(to).catch((thrown: unknown) => this.#options.broke(String(thrown)));
  }

  unmerge({ name }: FabricServer): Promise<MergeOutcome> {
    return this.#answered("unmerge", () => this.#fabric.unmerge(name));
  }

  /** Publishes to the servers of a list, which is handed on as it is. */
  publish(to: readonly Sid[], traffic: Traffic, what: string | Bytes): PublishResult {
    const bytes = bytesOf(what);
    if (traffic !== "bulk") this.#watch.given(bytes, "the core's publish");
    const publish = () => this.#fabric.publish(to, traffic, bytes);
    const result = this.#called("publish", publish);
    if (result === "sent" || result === "congested" || result === "unreachable") return result;
    this.#options.broke(`${this.host}: publish returned ${String(result)}`);
    return "unreachable";
  }

  keep(neighbour: Sid, key: string, what: string | Bytes): void {
    const bytes = bytesOf(what);
    this.#watch.given(bytes, "the core's keep");
    this.#called("keep", () => this.#fabric.keep(neighbour, key, bytes));
  }

  /** Runs something later, in this life. */
  after(ms: Millis, run: () => void): void {
    this.#lived.environment.clock.after(ms, run);
  }

  /** Nothing is under way: checks what can only be checked then. */
  rests(): void {
    if (this.running) this.#watch.rests(this.#fabric.view, this.sid);
  }

  // --- internal ---

  get #lived(): FabricLife {
    if (this.#life === undefined) throw new Error(`${this.host} has not started`);
    return this.#life;
  }

  get #fabric(): Fabric {
    return this.#lived.fabric;
  }

  #newWatch(): FabricWatch {
    return new FabricWatch((what) => this.#options.broke(`${this.host}: ${what}`));
  }

  #called<T>(call: string, run: () => T): T | undefined {
    try {
      return this.#watch.within(call, run);
    } catch (thrown) {
      this.#options.broke(`${this.host}: ${call} threw ${String(thrown)}`);
      return undefined;
    }
  }

  async #answered(call: string, run: () => Promise<MergeOutcome>): Promise<MergeOutcome> {
    // What `unmerge` changes may be told inside it: it is the operator's, not a peer's or a tick's.
    const within = call === "merge" ? () => this.#watch.within(call, run) : run;
    try {
      return await within();
    } catch (thrown) {
      this.#options.broke(`${this.host}: ${call} rejected with ${String(thrown)}`);
      return failure("INTERNAL", String(thrown));
    }
  }
}

// --- internal ---

const bytesOf = (what: string | Bytes): Bytes =>
  typeof what === "string" ? new TextEncoder().encode(what) : what;
