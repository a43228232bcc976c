// A socket that sends a file or takes one: what is urgent goes before the next piece of the file,
// and a piece that was begun is finished first. Next: files.ts.

import type { Socket } from "bun";
import type { Bytes } from "../../../src/environment.ts";

export interface EndHandlers {
  opened?(): void;
  /** The bytes may be reused after return. */
  data?(bytes: Bytes): void;
  /** The next piece of the file, which stays as it is until it is asked again; or none yet. */
  piece?(): Bytes | undefined;
  failed(why: string): void;
}

export class End {
  readonly #handlers: EndHandlers;
  readonly #urgent: Bytes[] = [];
  #socket: Socket<End> | undefined;
  #begun: Bytes | undefined;
  #at = 0;
  #isLeaving = false;

  constructor(handlers: EndHandlers) {
    this.#handlers = handlers;
  }

  /** Rejects when nobody listens at `port`. */
  async connect(port: number): Promise<void> {
    await Bun.connect({ hostname: "127.0.0.1", port, data: this, socket: handlers });
  }

  /** Sends bytes, which are given, before the file's next piece. */
  send(bytes: Bytes): void {
    this.#urgent.push(bytes);
    this.pump();
  }

  /** Sends what there is: there may be a piece again. */
  pump(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    for (;;) {
      this.#begun ??= this.#urgent.shift() ?? this.#handlers.piece?.();
      if (this.#begun === undefined) return;
      const written = socket.write(this.#begun, this.#at, this.#begun.length - this.#at);
      if (written <= 0) return;
      this.#at += written;
      if (this.#at < this.#begun.length) return;
      this.#begun = undefined;
      this.#at = 0;
    }
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  terminate(): void {
    this.#isLeaving = true;
    this.#socket?.terminate();
  }

  opened(socket: Socket<End>): void {
    this.#socket = socket;
    socket.setNoDelay(true);
    this.#handlers.opened?.();
    this.pump();
  }

  data(bytes: Bytes): void {
    this.#handlers.data?.(bytes);
  }

  failed(why: string): void {
    if (!this.#isLeaving) this.#handlers.failed(why);
  }
}

const handlers = {
  binaryType: "uint8array",
  open: (socket: Socket<End>) => socket.data.opened(socket),
  data: ({ data }: Socket<End>, bytes: Bytes) => data.data(bytes),
  drain: ({ data }: Socket<End>) => data.pump(),
  end: (socket: Socket<End>) => void socket.end(),
  close: ({ data }: Socket<End>) => data.failed("the server closed the connection"),
  error: ({ data }: Socket<End>, error: Error) => data.failed(String(error)),
  // The promise rejects as well.
  connectError: () => undefined,
} as const;
