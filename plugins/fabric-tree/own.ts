// What this server says of itself: its epoch, which is durable before anything is said in it, its
// ports, its newest announcement, and how often that may change before the others.

import { LIMITS } from "chatfusion";
import type { Bytes, Log, Millis, Store } from "chatfusion";
import {
  announce,
  compareAnnouncements,
  peekAnnouncement,
  readAnnouncement,
} from "./announcement.ts";
import type { Announcement, Identity, LinkEntry } from "./announcement.ts";
import { Bucket } from "./bucket.ts";
import { Reader, Writer } from "./bytes.ts";
import { PORT_MAX } from "./route.ts";
import type { Session } from "./session.ts";

const STORE_KEY = "epoch";

export class Own {
  #announcement: Announcement;
  #epoch: number;
  #lastPort = 0;
  #unspread = false;
  /** An epoch to rise to, from when on it may be tried, and whether it is being stored. */
  #rise: { readonly epoch: number; at: Millis; storing: boolean } | undefined;
  readonly #pace: Bucket;
  readonly #identity: Identity;
  readonly #store: Store;
  readonly #log: Log;

  constructor(identity: Identity, store: Store, log: Log, now: Millis) {
    this.#identity = identity;
    this.#store = store;
    this.#log = log;
    this.#epoch = identity.epoch;
    this.#pace = new Bucket(LIMITS.announcementsPerSecond, SPREAD_BURST, now);
    this.#announcement = announce(identity, { epoch: this.#epoch, seq: 1 }, []);
  }

  get announcement(): Announcement {
    return this.#announcement;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Goes above an epoch to which an earlier start had to rise. Before the first link. */
  async start(): Promise<void> {
    const stored = await this.#store.read(STORE_KEY);
    if (stored === undefined) return;
    const reached = new Reader(stored).counter();
    if (reached >= this.#epoch) await this.#risen(reached + 1);
  }

  /** Says these links, by port, from now on. The others hear of it when `maySpread` lets them. */
  renew(byPort: ReadonlyMap<number, Session>): Announcement {
    const links: LinkEntry[] = [];
    for (const [port, { peer, birth }] of byPort) {
      if (peer !== undefined) links.push({ peer, port, birth });
    }
    const version = { epoch: this.#epoch, seq: this.#announcement.seq + 1 };
    this.#announcement = announce(this.#identity, version, links);
    this.#unspread = true;
    return this.#announcement;
  }

  /** A port for a new link: none twice in an epoch, as long as there are fresh ones. */
  port(used: ReadonlyMap<number, unknown>): number {
    do {
      this.#lastPort = (this.#lastPort % PORT_MAX) + 1;
    } while (used.has(this.#lastPort));
    return this.#lastPort;
  }

  /** True when the newest announcement has not been sent round yet and may be; it then counts. */
  maySpread(now: Millis): boolean {
    if (!this.#unspread || !this.#pace.take(now)) return false;
    this.#unspread = false;
    return true;
  }

  /** When `maySpread` will be true, or `rise` has something to do. */
  get dueAt(): Millis {
    const spread = this.#unspread ? this.#pace.dueAt : Number.POSITIVE_INFINITY;
    return this.#rise === undefined || this.#rise.storing
      ? spread
      : Math.min(spread, this.#rise.at);
  }

  /**
   * Takes what a neighbour holds as an announcement of this server. True: it is older than ours,
   * which it should get. A newer one is of a life that this one does not remember: it fights back,
   * see `rise`. Throws if it is not signed by it.
   */
  outdated(bytes: Bytes, now: Millis): boolean {
    const order = compareAnnouncements(peekAnnouncement(bytes), this.#announcement);
    if (order <= 0 || this.#rise !== undefined) return order < 0;
    const { epoch } = readAnnouncement(bytes, this.#identity);
    this.#log.warn("own announcement of another life met", { epoch });
    // Nothing is above the last epoch; others keep what they have.
    if (epoch < LIMITS.counterMax) this.#rise = { epoch: epoch + 1, at: now, storing: false };
    return false;
  }

  /** Goes above what was met, once that is durable; `risen` is called then. Tried until it is. */
  rise(now: Millis, risen: () => void): void {
    const wanted = this.#rise;
    if (wanted === undefined || wanted.storing || now < wanted.at) return;
    wanted.storing = true;
    this.#risen(wanted.epoch).then(
      () => {
        this.#rise = undefined;
        risen();
      },
      (error: unknown) => {
        this.#log.error("epoch not stored", { error: String(error) });
        Object.assign(wanted, { at: now + LIMITS.storeRetryMs, storing: false });
        risen();
      },
    );
  }

  async #risen(epoch: number): Promise<void> {
    const bytes: Bytes = new Writer().counter(epoch).done();
    await this.#store.write(STORE_KEY, bytes);
    this.#epoch = epoch;
    const { links } = this.#announcement;
    this.#announcement = announce(this.#identity, { epoch, seq: 1 }, links);
    this.#unspread = true;
  }
}

/** One less than others let pass at once, since on the way changes can come closer together. */
const SPREAD_BURST = LIMITS.announcementsBurst - 1;
