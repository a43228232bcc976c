// The requests of a client that have no answer yet, by their `ref`. They outlive a connection: what
// may be asked twice is asked again, what may not is refused. See client.ts.
// Invariants: 1. Every request is settled exactly once. 2. They are sent in the order in which they
// were made, and again in that order after a reconnect, but for those of `askFirst`.

import type { Bytes } from "../environment.ts";
import { ChatFusionError, type Failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { encodeJson, FRAME } from "../protocol/frame.ts";
import type { Answer, RequestName, Requests as Asks } from "../protocol/messages.ts";
import { checkAnswer } from "./shape.ts";

/** Queues one whole frame; false when there is no room or no connection. */
export type SendFrame = (frame: Bytes) => boolean;

interface Pending {
  readonly name: RequestName;
  /** The request as it is sent, and sent again. */
  readonly frame: Bytes;
  settle(ack: unknown): void;
  reject(why: ChatFusionError): void;
  sent: boolean;
  /** It was sent in a session that did not come back: it may have been done. */
  mayBeDone: boolean;
}

/**
 * Asked twice, these are the same as asked once: messages by their `cid`. The others would do
 * something twice, or belong to a transfer that did not survive.
 */
const repeatable: ReadonlySet<RequestName> = new Set([
  ...(["say", "tell", "join", "part", "rename", "who", "whois"] as const),
  ...(["watch", "unwatch", "away", "read", "ignore", "unignore", "ignored", "typing"] as const),
  ...(["rooms", "history", "search", "fusion", "commands", "room", "set"] as const),
  ...(["conversation", "conversations", "forget"] as const),
]);

/** The newest, those before a message's id, or those that were logged after it. */
export type PastFrom =
  { readonly before?: string; readonly limit?: number } | { readonly since: string };

export class RequestTable {
  readonly #send: SendFrame;
  readonly #pending = new Map<number, Pending>();
  #ref = 0;
  /** Refs that are still to be sent for the first time, in order, are those from this one on. */
  #unsent = 0;
  #attached = true;
  #closed: ChatFusionError | undefined;

  constructor(send: SendFrame) {
    this.#send = send;
  }

  /** How many have no answer yet. */
  get size(): number {
    return this.#pending.size;
  }

  /**
   * Asks. Rejects with the server's refusal, `QUEUE_FULL`, `TEXT_TOO_LONG`, or why the client is no
   * more. `answered` is called before anything else that the server has sent is looked at.
   */
  ask<T extends RequestName>(
    name: T,
    ask: Asks[T]["ask"],
    answered?: (answer: Answer<T>) => void,
  ): Promise<Answer<T>> {
    const max = this.#attached ? LIMITS.requestsInFlightMax : LIMITS.unsentMax;
    if (this.#pending.size >= max) {
      const text = `${max} requests have no answer yet: wait for some of them`;
      return Promise.reject(this.#closed ?? new ChatFusionError("QUEUE_FULL", text));
    }
    return this.#ask(name, ask, answered);
  }

  /** Asks for a room's past on the client's own behalf: one at a time, whatever else waits. */
  askPast(room: string, from: PastFrom): Promise<Answer<"history">> {
    return this.#ask("history", { room, ...from }, undefined);
  }

  /** Asks for something in a new session, on the client's own behalf. */
  askAgain<T extends RequestName>(name: T, ask: Asks[T]["ask"]): Promise<Answer<T>> {
    return this.#ask(name, ask, undefined);
  }

  /** Likewise, before all that waits: between `attach` and `flush`. */
  askFirst<T extends RequestName>(name: T, ask: Asks[T]["ask"]): Promise<Answer<T>> {
    return this.#ask(name, ask, undefined, true);
  }

  #ask<T extends RequestName>(
    name: T,
    ask: Asks[T]["ask"],
    answered: ((answer: Answer<T>) => void) | undefined,
    isFirst = false,
  ): Promise<Answer<T>> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    const { promise, resolve, reject } = Promise.withResolvers<Answer<T>>();
    const ref = ++this.#ref;
    const frame = encodeJson(FRAME[name], { ref, ...ask });
    if (frame.length > LIMITS.frameBytesMax) {
      const text = `${name}: ${frame.length} bytes, expected up to ${LIMITS.frameBytesMax}`;
      return Promise.reject(new ChatFusionError("TEXT_TOO_LONG", text));
    }
    const settle = (ack: unknown) => {
      const answer = checkAnswer(name, ack);
      answered?.(answer);
      resolve(answer);
    };
    const sent = isFirst && this.#send(frame);
    this.#pending.set(ref, { name, frame, settle, reject, sent, mayBeDone: false });
    if (sent) return promise;
    if (this.#unsent === 0) this.#unsent = ref;
    if (this.#unsent === ref) this.flush();
    return promise;
  }

  /** Sends what is still to be sent, as far as there is room. */
  flush(): void {
    if (!this.#attached || this.#unsent === 0) return;
    for (let ref = this.#unsent; ref <= this.#ref; ref++) {
      const pending = this.#pending.get(ref);
      if (pending === undefined || pending.sent) continue;
      pending.sent = this.#send(pending.frame);
      if (pending.sent) continue;
      this.#unsent = ref;
      return;
    }
    this.#unsent = 0;
  }

  /** Takes an `ack`. One that nobody waits for is an old answer that came twice. */
  acknowledged(ref: number, ack: unknown): void {
    const pending = this.#pending.get(ref);
    this.#pending.delete(ref);
    try {
      pending?.settle(ack);
    } catch (thrown) {
      // The connection is being closed for it, but this one has had its answer.
      if (thrown instanceof ChatFusionError) pending?.reject(thrown);
      throw thrown;
    }
  }

  /** Takes an error with a ref. */
  refused(ref: number, failure: Failure): void {
    const pending = this.#pending.get(ref);
    this.#pending.delete(ref);
    if (pending === undefined) return;
    const isMessage = pending.name === "say" || pending.name === "tell";
    if (!pending.mayBeDone || !isMessage)
      return pending.reject(new ChatFusionError(failure.code, failure.text));
    const text = `${failure.text}; it may have arrived before the connection was lost`;
    pending.reject(new ChatFusionError("UNCONFIRMED", text));
  }

  /** The connection is gone: what may not be asked twice, and was asked, is refused. */
  detach(): void {
    this.#attached = false;
    for (const [ref, pending] of this.#pending) {
      if (!pending.sent || repeatable.has(pending.name)) continue;
      this.#pending.delete(ref);
      const text = `${pending.name}: the connection was lost before an answer came`;
      pending.reject(new ChatFusionError("UNCONFIRMED", text));
    }
  }

  /**
   * There is a connection again; `flush` is to follow. What came in before the session was lost, up
   * to `lastRef`, is answered in it: asked again, a `tell` that was refused meanwhile could be
   * delivered.
   */
  attach(isResumed: boolean, lastRef = 0): void {
    this.#attached = true;
    let first = 0;
    for (const [ref, pending] of this.#pending) {
      pending.mayBeDone ||= pending.sent && !isResumed;
      pending.sent = ref <= lastRef;
      if (first === 0 && !pending.sent) first = ref;
    }
    this.#unsent = first;
  }

  /** The client is no more: refuses all. */
  close(why: ChatFusionError): void {
    this.#attached = false;
    this.#closed ??= why;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const one of pending) one.reject(why);
  }
}
