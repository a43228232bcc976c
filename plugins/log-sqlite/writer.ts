// The plugin's side of the worker: numbers requests, and settles their promises as the answers
// come. The loop never waits for the disk.

import type { Batch, Bytes, KeptMessage, MessageRef, Stream } from "chatfusion";
import { ChatFusionError, LIMITS } from "chatfusion";
import type { Answer, Held, Request } from "./request.ts";
import { packAppend, packRedact, unpackAnswer } from "./request.ts";

export interface Writer {
  /** Settles when the tick is durable. */
  append(tick: readonly Batch[], now: number): Promise<void>;
  /** Settles when the private messages are durable. */
  keep(messages: readonly KeptMessage[], now: number): Promise<void>;
  range(
    stream: Stream,
    bounds: { readonly from: number; readonly to: number; readonly bytesMax: number },
  ): Promise<readonly Batch[]>;
  /** Removes messages for good; `blank` gives a batch's bytes with tombstones. */
  redact(
    room: string,
    messages: readonly MessageRef[],
    blank: (bytes: Bytes) => Bytes,
  ): Promise<void>;
  /** Rejects with `QUEUE_FULL` when too many wait for the disk. */
  ask(request: Request): Promise<unknown>;
  /** Closes the file behind all that waits, however much it is, and ends the worker in any case. */
  close(): Promise<void>;
  /** Ends the worker, whatever it does; all that waits is rejected. */
  end(reason: string): void;
}

/** Starts a worker; the first request must be "open". */
export function startWriter(): Writer {
  const worker = new Worker(new URL("./worker.ts", import.meta.url).href, { smol: true });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let number = 0;
  let ended: string | undefined;

  const end = (reason: string) => {
    if (ended !== undefined) return;
    ended = reason;
    worker.terminate();
    const error = new ChatFusionError("INTERNAL", `log-sqlite: ${reason}`);
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const settle = (answered: number, value: unknown, error: string | undefined) => {
    const promise = waiting.get(answered);
    waiting.delete(answered);
    if (error === undefined) promise?.resolve(value);
    else promise?.reject(new ChatFusionError("INTERNAL", `log-sqlite: ${error}`));
  };
  worker.addEventListener("message", ({ data }: MessageEvent<string | Bytes>) => {
    if (typeof data === "string") {
      // As worker.ts sends it.
      const { number: answered, value, error } = JSON.parse(data) as Answer;
      settle(answered, value, error);
    } else {
      const { number: answered, value } = unpackAnswer(data);
      settle(answered, value, undefined);
    }
  });
  worker.addEventListener("error", ({ message }) => end(`the worker failed: ${message}`));
  worker.addEventListener("close", () => end("the worker has ended"));

  const answer = (): Promise<unknown> =>
    ended === undefined
      ? new Promise((resolve, reject) => waiting.set(number, { resolve, reject }))
      : Promise.reject(new ChatFusionError("INTERNAL", `log-sqlite: ${ended}`));
  const post = (request: Request): Promise<unknown> => {
    number += 1;
    const answered = answer();
    worker.postMessage(JSON.stringify({ ...request, number }), []);
    return answered;
  };
  const ask = (request: Request): Promise<unknown> => {
    if (waiting.size >= LIMITS.historyReadsMax) {
      const what = `${waiting.size} reads wait for the disk: try again in a moment`;
      return Promise.reject(new ChatFusionError("QUEUE_FULL", `log-sqlite: ${what}`));
    }
    return post(request);
  };
  const give = async (pack: (number: number) => Bytes): Promise<void> => {
    number += 1;
    const packed = pack(number);
    const answered = answer();
    worker.postMessage(packed, [packed.buffer as ArrayBuffer]); // as it was packed
    await answered;
  };
  /** One after the other: two of one batch would undo each other. */
  let redacting: Promise<unknown> = Promise.resolve();
  return {
    ask,
    async close() {
      try {
        await post({ op: "close" });
      } finally {
        end("stopped");
      }
    },
    end,
    async keep(messages, now) {
      await post({ op: "keep", messages, now });
    },
    append: (tick, now) => give((as) => packAppend(as, now, tick)),
    redact(room, messages, blank) {
      const done = redacting.then(async () => {
        // Of unpackAnswer.
        const held = (await ask({ op: "holding", room, messages })) as readonly Held[];
        const batches = held.map(({ id, bytes }) => ({
          id,
          bytes: bytes.length > 0 ? blank(bytes) : bytes, // none: some of it was pruned
        }));
        if (held.length > 0)
          await give((as) => packRedact({ number: as, room, messages }, batches));
      });
      redacting = done.catch(() => undefined); // whoever asked for it is told
      return done;
    },
    async range(stream, bounds) {
      const rows = await ask({ op: "range", stream, ...bounds });
      // Likewise.
      return (rows as readonly Omit<Batch, "stream">[]).map((row) => ({ stream, ...row }));
    },
  };
}
