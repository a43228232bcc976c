// What the histories of a simulation were given: which message has which number in which stream,
// by whom it was taken, and what is on whose disk. Looks at the histories, and changes nothing.

import type { Batch, History as MessageHistory, Plugin, Stream } from "../../src/plugin.ts";

/** A place in a stream. */
export interface Numbered {
  readonly stream: string;
  readonly number: number;
}

/** The history of one life of a server. */
export interface Kept {
  readonly history: MessageHistory;
  /** The first number of each stream that came in this life. */
  readonly firsts: Map<string, number>;
  /** What a disk that failed has not taken, as `stream number`. */
  readonly refused: Set<string>;
}

export class Ledger {
  readonly violations: string[] = [];
  /** By the message's id and text: of all that any server has tried to store. */
  readonly numbers = new Map<string, Numbered>();
  /** Of each host's present life. */
  readonly kept = new Map<string, Kept>();
  /** What is durable on a host, in any life: `host id`. */
  readonly durable = new Set<string>();
  readonly streams = new Map<string, Stream>();
  readonly #texts = new Map<string, string>();

  /** A history plugin whose commits are noted. */
  history(plugin: Plugin, host: string): Plugin {
    return {
      ...plugin,
      setup: (context: unknown) => {
        const parts = plugin.setup(context);
        const inner = parts.history;
        if (inner === undefined) return parts;
        const kept: Kept = { history: inner, firsts: new Map(), refused: new Set() };
        this.kept.set(host, kept);
        const append = async (tick: readonly Batch[]) => {
          for (const batch of tick) this.#comes(kept, batch, host);
          try {
            await inner.append(tick);
          } catch (thrown) {
            for (const [at] of placesOf(tick)) kept.refused.add(at);
            throw thrown;
          }
          for (const [, { id }] of placesOf(tick)) this.durable.add(`${host} ${id}`);
        };
        const start = async () => {
          await parts.start?.();
          // A crash may come after the write, and before anybody has noted it.
          for (const { stream, last } of await inner.streams())
            for (const { messages } of await inner.range(stream, 1, last, 2 ** 53))
              for (const { id } of messages) this.durable.add(`${host} ${id}`);
        };
        return { ...parts, start, history: { ...inner, append } };
      },
    };
  }

  // --- internal ---

  #comes(kept: Kept, batch: Batch, host: string): void {
    const key = keyOf(batch.stream);
    this.streams.set(key, batch.stream);
    if (!kept.firsts.has(key)) kept.firsts.set(key, batch.first);
    for (const [index, { id, text }] of batch.messages.entries()) {
      const number = batch.first + index;
      const place = `${key} ${number}`;
      const what = `${id} ${text}`;
      const known = this.#texts.get(place) ?? what;
      this.#texts.set(place, what);
      const before = this.numbers.get(what);
      this.numbers.set(what, { stream: key, number });
      if (known !== what) this.violations.push(`${host}: ${place} is "${what}" and "${known}"`);
      if (before !== undefined && `${before.stream} ${before.number}` !== place)
        this.violations.push(`${host}: "${what}" is ${place} and number ${before.number}`);
    }
  }
}

// --- internal ---

const keyOf = ({ origin, life, room }: Stream): string => `${origin} ${life} ${room}`;

function placesOf(tick: readonly Batch[]) {
  return tick.flatMap(({ stream, first, messages }) =>
    messages.map((message, at) => [`${keyOf(stream)} ${first + at}`, message] as const),
  );
}
