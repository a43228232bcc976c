// What the histories of a simulation were given: which message has which number in which stream,
// by whom it was taken, and what is on whose disk. Looks at the histories, and changes nothing.

import type { Batch, History as MessageHistory, Plugin, Stream } from "../../src/plugin.ts";
import { decodeBatch, isTombstone } from "../../src/protocol/batch.ts";
import { createCrypto } from "../../src/serve/crypto.ts";
import { createRandom } from "../../src/testing.ts";
import { RULED } from "./rules.ts";

/** A place in a stream. */
export interface Numbered {
  readonly stream: string;
  readonly number: number;
}

export class Ledger {
  readonly violations: string[] = [];
  /** By the message's id and text: of all that any server has tried to store. */
  readonly numbers = new Map<string, Numbered>();
  /** By host, of its present life. */
  readonly histories = new Map<string, MessageHistory>();
  /** What a disk that failed has not taken, in any life: `host stream number`. */
  readonly refused = new Set<string>();
  /**
   * What a host has passed over, since no server that it could ask had it, in any life:
   * `host stream number`. It is not owed to it when one that has it comes later.
   */
  readonly passed = new Set<string>();
  /** What is durable on a host, in any life: `host id`. */
  readonly durable = new Set<string>();
  readonly streams = new Map<string, Stream>();
  /** Whose each stream is: the host that stored it first. */
  readonly hosts = new Map<string, string>();
  readonly #texts = new Map<string, string>();
  /** Whom a host sees in its fusion, itself too. */
  readonly #seenBy: (host: string) => readonly string[];

  constructor(seenBy: (host: string) => readonly string[]) {
    this.#seenBy = seenBy;
  }

  /** A history plugin whose commits are noted. */
  history(plugin: Plugin, host: string): Plugin {
    return {
      ...plugin,
      setup: (context: unknown) => {
        const parts = plugin.setup(context);
        const inner = parts.history;
        if (inner === undefined) return parts;
        this.histories.set(host, inner);
        const append = async (tick: readonly Batch[]) => {
          for (const batch of tick) {
            this.#comes(batch, host);
            this.#passes(batch, host);
          }
          try {
            await inner.append(tick);
          } catch (thrown) {
            for (const [at] of placesOf(tick)) this.refused.add(`${host} ${at}`);
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

  /** The numbers of a stream that a history has from `first` to `last`. Answers at once. */
  numbersOf(host: string, stream: Stream, first = 1, last = 2 ** 53 - 1): number[] {
    // log-store.ts gives no promise.
    const found = this.histories.get(host)?.range(stream, first, last, 2 ** 53) as Batch[];
    return found.flatMap((batch) =>
      Array.from({ length: batch.last + 1 - batch.first }, (_, at) => batch.first + at),
    );
  }

  // --- internal ---

  #passes({ stream, first }: Batch, host: string): void {
    const last = this.numbersOf(host, stream, 1, first).at(-1) ?? 0; // it may have met the first
    const others = this.#seenBy(host).filter((other) => other !== host);
    for (let number = last + 1; number < first; number += 1) {
      const isHeld = others.some(
        (other) =>
          this.histories.has(other) && this.numbersOf(other, stream, number, number).length > 0,
      );
      if (!isHeld) this.passed.add(`${host} ${keyOf(stream)} ${number}`);
    }
  }

  #comes(batch: Batch, host: string): void {
    const key = keyOf(batch.stream);
    this.streams.set(key, batch.stream);
    if (!this.hosts.has(key)) this.hosts.set(key, host);
    // In the ruled room each server hides what it does not go by: the bytes are the same.
    if (batch.stream.room === RULED) return;
    for (const [number, { id, text }] of numbered(batch)) {
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
  return tick.flatMap((batch) =>
    numbered(batch).map(
      ([number, message]) => [`${keyOf(batch.stream)} ${number}`, message] as const,
    ),
  );
}

const crypto = createCrypto(createRandom("ledger"));

/** The messages of a batch with their numbers, of which some may be tombstones'. */
function numbered({ first, last, messages, bytes }: Batch) {
  if (messages.length === last + 1 - first)
    return messages.map((message, at) => [first + at, message] as const);
  const batch = decodeBatch(crypto, bytes);
  const whole = batch.frames.flatMap((frame, at) => (isTombstone(frame) ? [] : [batch.first + at]));
  return messages.map((message, at) => [whole.slice(-messages.length)[at] ?? 0, message] as const);
}
