// The transfers of a chat, by short numbers for those who type; how fast they are, and how long
// they will take.

import type { OfferEntry } from "../../client.ts";
import { ChatFusionError } from "../../errors.ts";
import { visible } from "../../names.ts";
import type { Ended, TransferName } from "./shown.ts";

export interface TransferEntry {
  readonly number: number;
  readonly direction: "in" | "out";
  /** The other side: `nick@server`. */
  readonly with: string;
  /** "" until the server has given it one. */
  id: string;
  name: string;
  size: number;
  bytes: number;
  /**
   * offered: nobody has accepted it yet; only then it has an offer to answer. paused: it was
   * interrupted, and goes on by itself.
   */
  state: "offered" | "running" | "paused";
  /** Bytes a second, smoothed. */
  rate: number;
  readonly offer: OfferEntry | undefined;
  readonly abort: AbortController;
}

export class TransferBook {
  readonly #entries = new Map<number, TransferEntry>();
  readonly #measured = new Map<number, { at: number; bytes: number }>();
  #last = 0;

  get all(): Iterable<TransferEntry> {
    return this.#entries.values();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Those whose bytes are moving, or might at any time. */
  running(): TransferEntry[] {
    return [...this.#entries.values()].filter(({ state }) => state !== "offered");
  }

  /** Enters somebody's offer. */
  offered(offer: OfferEntry): TransferEntry {
    return this.#enter({ direction: "in", with: offer.from, offer, ...nameOf(offer) });
  }

  /** Enters a file that is being offered to somebody. */
  sending(to: string, name: string): TransferEntry {
    return this.#enter({ direction: "out", with: to, id: "", name, size: 0, offer: undefined });
  }

  remove(entry: TransferEntry): void {
    this.#entries.delete(entry.number);
    this.#measured.delete(entry.number);
  }

  /** Enters one again, under its number. */
  restore(entry: TransferEntry): void {
    this.#entries.set(entry.number, entry);
  }

  /** Finds one by its number or its id. Throws `NO_SUCH_TRANSFER`. */
  find(text: string): TransferEntry {
    const plain = text.replace(/^#/, "");
    for (const entry of this.#entries.values()) {
      if (String(entry.number) === plain || entry.id === plain) return entry;
    }
    const numbers = [...this.#entries.keys()].join(", ");
    const expected = numbers === "" ? "there is none" : `expected one of: ${numbers}`;
    const what = `no transfer has the number "${visible(text)}"`;
    throw new ChatFusionError("NO_SUCH_TRANSFER", `${what}; ${expected}`);
  }

  /** Finds one by its id. */
  byId(id: string): TransferEntry | undefined {
    return [...this.#entries.values()].find((entry) => entry.id === id);
  }

  /** Notes how far one is; `now` in milliseconds. */
  moved(entry: TransferEntry, bytes: number, now: number): void {
    entry.bytes = bytes;
    const before = this.#measured.get(entry.number);
    if (before === undefined) {
      this.#measured.set(entry.number, { at: now, bytes });
      return;
    }
    const ms = now - before.at;
    if (ms < sampleMs) return;
    const rate = ((bytes - before.bytes) / ms) * 1000;
    entry.rate = entry.rate === 0 ? rate : entry.rate * 0.6 + rate * 0.4;
    this.#measured.set(entry.number, { at: now, bytes });
  }

  /** Notes that one is interrupted, or goes on at a byte: what was measured is of no worth then. */
  turned(entry: TransferEntry, state: "paused" | "running", bytes = entry.bytes): void {
    entry.state = state;
    entry.bytes = bytes;
    entry.rate = 0;
    this.#measured.delete(entry.number);
  }

  // --- internal ---------------------------------------------------------------------------------

  #enter(
    begun: Pick<TransferEntry, "direction" | "with" | "id" | "name" | "size" | "offer">,
  ): TransferEntry {
    this.#last++;
    const entry: TransferEntry = {
      ...begun,
      number: this.#last,
      bytes: 0,
      state: "offered",
      rate: 0,
      abort: new AbortController(),
    };
    this.#entries.set(entry.number, entry);
    return entry;
  }
}

/** How a transfer is named in what is shown. */
export const shownName = ({ id, number }: TransferEntry): TransferName => ({
  transfer: id,
  number,
});

/** Likewise where it has ended: the file, and who was to have or to send it, too. */
export const endedName = (entry: TransferEntry): TransferName & Ended => ({
  ...shownName(entry),
  name: entry.name,
  [entry.direction === "in" ? "from" : "to"]: entry.with,
});

// --- internal -----------------------------------------------------------------------------------

/** Rates over less are noise. */
const sampleMs = 200;

const nameOf = ({ transfer, name, size }: OfferEntry) => ({ id: transfer, name, size });
