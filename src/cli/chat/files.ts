// The files of a chat: what is offered, accepted and refused, and how each transfer ends. A part of
// chatter.ts.

import { homedir } from "node:os";
import { basename, join, resolve } from "node:path";
import type { Client, ClientEvent, TransferOptions } from "../../client.ts";
import { ChatFusionError, failureOf } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { Shown } from "./shown.ts";
import { endedName, shownName, TransferBook, type TransferEntry } from "./transfers.ts";

export interface FilesOptions {
  readonly client: Client;
  readonly folder: string;
  /** What is done with an offer: "ask" waits for /accept or /reject. */
  readonly accept: "ask" | "all" | "none";
  show(shown: Shown): void;
  /** Keeps the chat from being settled. */
  track(work: Promise<void>): void;
}

export class Files {
  readonly book = new TransferBook();
  readonly #options: FilesOptions;
  readonly #client: Client;
  readonly #toldAt = new Map<number, number>();

  constructor(options: FilesOptions) {
    this.#options = options;
    this.#client = options.client;
  }

  /** Offers a file; resolves when it is offered, or has failed before. Never rejects. */
  send(to: string, path: string, ref: number): Promise<void> {
    const full = path.startsWith("~/") ? join(homedir(), path.slice(2)) : resolve(path);
    const entry = this.book.sending(to, basename(full));
    const answered = Promise.withResolvers<void>();
    const sending = this.#client.send(to, full, {
      signal: entry.abort.signal,
      onOffered: ({ transfer, name, size }) => {
        Object.assign(entry, { id: transfer, name, size });
        this.#show({ event: "ack", ref, ...shownName(entry), to, name, size });
        answered.resolve();
      },
      onAccepted: () => {
        entry.state = "running";
        this.#show({ event: "accepted", ...shownName(entry), name: entry.name, to });
      },
      ...this.#turns(entry),
    });
    this.#watch(entry, ref, async () => {
      try {
        const sent = await sending;
        this.#show({ event: "sent", ...shownName(entry), ...sent });
      } finally {
        answered.resolve();
      }
    });
    return answered.promise;
  }

  /** Throws `NO_SUCH_TRANSFER` or `TRANSFER_STATE`, as `reject` does. */
  accept(which: string, ref: number): void {
    const entry = this.#offer(which);
    this.#show({ event: "ack", ref, ...shownName(entry) });
    this.#receive(entry, ref);
  }

  reject(which: string, reason: string, ref: number): Promise<void> {
    return this.#reject(this.#offer(which), { reason, ref });
  }

  /** Breaks a transfer off. Throws `NO_SUCH_TRANSFER`. */
  async cancel(which: string, ref: number): Promise<void> {
    const entry = this.book.find(which);
    if (entry.state === "offered" && entry.offer !== undefined)
      return this.#reject(entry, { reason: "", ref });
    entry.abort.abort(`cancelled by ${this.#client.address}`);
    this.#show({ event: "ack", ref, ...shownName(entry) });
  }

  // --- events -----------------------------------------------------------------------------------

  offered({ offer }: Extract<ClientEvent, { type: "offered" }>): void {
    const entry = this.book.offered(offer);
    const { from, name, size } = offer;
    this.#show({ event: "offer", ...shownName(entry), from, name, size });
    if (this.#options.accept === "all") this.#receive(entry, undefined);
    if (this.#options.accept !== "none") return;
    const rejected = this.#reject(entry, { reason: "no files are taken here", ref: undefined });
    // Unless it was withdrawn meanwhile, which comes to the same.
    this.#options.track(rejected.catch(() => undefined));
  }

  /** Of what is under way, whoever sends or receives it hears. */
  withdrawn({ transfer, code, text }: Extract<ClientEvent, { type: "failed" }>): void {
    const entry = this.book.byId(transfer);
    if (entry?.offer === undefined || entry.state !== "offered") return;
    this.book.remove(entry);
    this.#show({ event: "error", ...endedName(entry), code, text });
  }

  /** A new session knows nothing of what the old one was offered. */
  beginAgain(): void {
    for (const entry of this.book.all) {
      if (entry.offer === undefined || entry.state !== "offered") continue;
      this.book.remove(entry);
      const text = "the offer is void: the connection was lost";
      this.#show({ event: "error", ...endedName(entry), code: "TRANSFER_INTERRUPTED", text });
    }
  }

  // --- internal ---------------------------------------------------------------------------------

  #receive(entry: TransferEntry, ref: number | undefined): void {
    const { offer } = entry;
    if (offer === undefined) return;
    entry.state = "running";
    this.#watch(entry, ref, async () => {
      const received = await this.#client.receive(offer, this.#options.folder, {
        signal: entry.abort.signal,
        ...this.#turns(entry),
      });
      const { number, name } = entry;
      this.#show({ event: "received", number, name, ...received });
    });
  }

  async #reject(
    entry: TransferEntry,
    { reason, ref }: { readonly reason: string; readonly ref: number | undefined },
  ): Promise<void> {
    this.book.remove(entry);
    try {
      await this.#client.reject({ transfer: entry.id }, reason === "" ? undefined : reason);
    } catch (thrown) {
      // It waits for an answer still, unless it has been withdrawn.
      if (failureOf(thrown).code !== "NO_SUCH_TRANSFER") this.book.restore(entry);
      throw thrown;
    }
    if (ref !== undefined) this.#show({ event: "ack", ref, ...shownName(entry) });
  }

  /** What a transfer tells on its way. */
  #turns(entry: TransferEntry): Pick<TransferOptions, "onProgress" | "onPaused" | "onResumed"> {
    const part = () => ({
      ...shownName(entry),
      name: entry.name,
      bytes: entry.bytes,
      size: entry.size,
    });
    return {
      onProgress: ({ bytes }) => this.#moved(entry, bytes),
      onPaused: ({ text }) => {
        this.book.turned(entry, "paused");
        this.#show({ event: "paused", ...part(), text });
      },
      onResumed: ({ bytes }) => {
        this.book.turned(entry, "running", bytes);
        this.#show({ event: "resumed", ...part() });
      },
    };
  }

  /** Runs a transfer to its end, and shows how it ended badly. */
  #watch(entry: TransferEntry, ref: number | undefined, work: () => Promise<void>): void {
    const run = async () => {
      try {
        await work();
      } catch (thrown) {
        const about = entry.id === "" ? {} : endedName(entry);
        const which = ref === undefined ? {} : { ref };
        this.#show({ event: "error", ...which, ...about, ...failureOf(thrown) });
      } finally {
        this.book.remove(entry);
        this.#toldAt.delete(entry.number);
      }
    };
    this.#options.track(run());
  }

  #moved(entry: TransferEntry, bytes: number): void {
    const now = performance.now();
    this.book.moved(entry, bytes, now);
    const toldAt = this.#toldAt.get(entry.number);
    if (toldAt !== undefined && now - toldAt < LIMITS.progressMs) return;
    this.#toldAt.set(entry.number, now);
    // The first one has no rate yet.
    if (toldAt === undefined) return;
    const { size, rate } = entry;
    this.#show({ event: "progress", ...shownName(entry), bytes, size, rate: Math.round(rate) });
  }

  /** An offer that waits for an answer. Throws `NO_SUCH_TRANSFER` or `TRANSFER_STATE`. */
  #offer(text: string): TransferEntry {
    const entry = this.book.find(text);
    if (entry.offer !== undefined && entry.state === "offered") return entry;
    const what = entry.offer === undefined ? "goes to" : "comes already from";
    const refusal = `transfer ${entry.number} ${what} ${entry.with}: there is nothing to answer`;
    throw new ChatFusionError("TRANSFER_STATE", refusal);
  }

  #show(shown: Shown): void {
    this.#options.show(shown);
  }
}
