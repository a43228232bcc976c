// A history in memory for tests, which can be slow and can fail.

import { isAmong } from "../../src/core/redaction.ts";
import type {
  Batch,
  Conversations,
  Found,
  History,
  HistoryHost,
  MessageEntry,
  MessageRef,
  Plugin,
  Search,
  Stream,
} from "../../src/plugin.ts";
import { definePlugin } from "../../src/plugin.ts";
import { searchIn } from "../../src/testing/log-store.ts";

export class MemoryHistory implements History {
  readonly batches: Batch[] = [];
  /** Messages of each commit, in the order of their beginning. */
  readonly commits: string[][] = [];
  /** Undefined: `append` is synchronous. */
  appended: (() => Promise<void>) | undefined;
  fails: () => boolean = () => false;
  /** Undefined: it keeps none. */
  talk: Conversations | undefined;
  #running = false;
  #host: HistoryHost | undefined;

  plugin(): Plugin {
    const history: History = {
      streams: () => this.streams(),
      append: (tick) => this.append(tick),
      range: (...all) => this.range(...all),
      backlog: (...all) => this.backlog(...all),
      onward: (...all) => this.onward(...all),
      since: (...all) => this.since(...all),
      search: (what) => this.search(what),
      redact: (...all) => this.redact(...all),
      about: (...all) => this.about(...all),
      deletions: (limit) => this.deletions(limit),
      ...(this.talk && { conversations: this.talk }),
    };
    return definePlugin({
      name: "memory",
      provides: ["history"],
      setup: ({ host }) => {
        this.#host = host;
        return { history };
      },
    })();
  }

  /** From now on a commit waits; what is returned lets the oldest that waits go on. */
  hold(): { release(): void } {
    const waiting: (() => void)[] = [];
    this.appended = () => new Promise((resolve) => waiting.push(resolve));
    return { release: () => waiting.shift()?.() };
  }

  streams() {
    const last = new Map<string, { stream: Stream; last: number }>();
    for (const { stream, last: end } of this.batches) {
      const key = `${stream.origin} ${stream.life} ${stream.room}`;
      last.set(key, { stream, last: end });
    }
    return [...last.values()];
  }

  append(tick: readonly Batch[]): void | Promise<void> {
    if (this.#running) throw new Error("append was called before the last one had settled");
    this.commits.push(tick.flatMap(({ messages }) => messages.map(({ text }) => text)));
    const done = () => {
      this.#running = false;
      if (this.fails()) throw new Error("the disk is full");
      this.batches.push(...tick);
    };
    if (this.appended === undefined) return done();
    this.#running = true;
    return this.appended().then(done);
  }

  range(stream: Stream, from: number, to: number, bytesMax: number): readonly Batch[] {
    const found: Batch[] = [];
    let bytes = 0;
    for (const batch of this.batches) {
      const { origin, life, room } = batch.stream;
      if (origin !== stream.origin || life !== stream.life || room !== stream.room) continue;
      if (batch.last < from || batch.first > to) continue;
      bytes += batch.bytes.length;
      if (found.length > 0 && bytes > bytesMax) break;
      found.push(batch);
    }
    return found.toSorted((a, b) => a.first - b.first);
  }

  backlog(room: string, limit: number, before?: string): readonly MessageEntry[] {
    return this.batches
      .filter((batch) => batch.stream.room === room)
      .flatMap(({ messages }) => messages)
      .filter(({ id }) => before === undefined || id < before)
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .slice(-limit);
  }

  onward(room: string, limit: number, after: string): readonly MessageEntry[] {
    return this.backlog(room, 1_000_000)
      .filter(({ id }) => id > after)
      .slice(0, limit);
  }

  since(room: string, id: string, limit: number): readonly MessageEntry[] | undefined {
    const all = this.batches.filter((batch) => batch.stream.room === room);
    const messages = all.flatMap((batch) => batch.messages);
    const at = messages.findIndex((one) => one.id === id);
    return at < 0 ? undefined : messages.slice(at + 1, at + 1 + limit);
  }

  search(what: Search): Found {
    return searchIn(this.batches, what);
  }

  redact(room: string, refs: readonly MessageRef[]): void {
    for (const [at, batch] of this.batches.entries()) {
      const messages = batch.messages.filter((one) => !isAmong(refs, one));
      if (batch.stream.room !== room || messages.length === batch.messages.length) continue;
      this.batches[at] = { ...batch, messages, bytes: this.#host!.blank(batch.bytes, refs) };
    }
  }

  about(room: string, ids: readonly string[], limit: number): readonly MessageEntry[] {
    const order = (kind: string) => ({ delete: 0, edit: 1 })[kind] ?? 2;
    return this.backlog(room, 1_000_000)
      .filter(({ about }) => about !== undefined && ids.includes(about))
      .toReversed()
      .toSorted((a, b) => order(a.kind) - order(b.kind))
      .slice(0, limit);
  }

  deletions(limit: number) {
    const all = this.batches.flatMap(({ messages }) => messages);
    const isHeld = ({ room, about }: MessageEntry) =>
      all.some((one) => one.room === room && one.id === about);
    return all
      .filter(({ kind }) => kind === "delete")
      .toSorted((a, b) => (a.id < b.id ? 1 : -1))
      .slice(0, limit)
      .map((deletion) => ({ deletion, isHeld: isHeld(deletion) }));
  }

  texts(room = "#lobby"): string[] {
    return this.backlog(room, 1_000_000).map(({ text }) => text);
  }
}
