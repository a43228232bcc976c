// One who sends a file or takes one, by the native protocol; for the load of files.ts.

import type { Bytes } from "../../../src/environment.ts";
import { LIMITS } from "../../../src/limits.ts";
import { encodeFrame, encodeJson, FRAME, FrameReader } from "../../../src/protocol/frame.ts";
import { End } from "./end.ts";

export interface PersonHandlers {
  /** The payload may be reused after return. */
  frame(type: number, payload: Bytes): void;
  piece?(): Bytes | undefined;
  failed(why: string): void;
}

export class Person extends End {
  readonly nick: string;
  readonly #entered = Promise.withResolvers<void>();
  readonly #reader = new FrameReader(LIMITS.serverFrameBytesMax);
  readonly #handlers: PersonHandlers;

  constructor(nick: string, handlers: PersonHandlers) {
    const { piece } = handlers;
    super({
      data: (bytes) => void this.#reader.push(bytes, (type, payload) => this.#frame(type, payload)),
      failed: (why) => handlers.failed(`${nick}: ${why}`),
      ...(piece === undefined ? {} : { piece }),
    });
    this.nick = nick;
    this.#handlers = handlers;
  }

  /** Resolves when the person is in. */
  async enter(port: number): Promise<void> {
    await this.connect(port);
    this.say(FRAME.hello, { version: { major: 1, minor: 0 }, agent: "bench" });
    await this.#entered.promise;
  }

  say(type: number, value: unknown): void {
    this.send(encodeJson(type, value));
  }

  // --- internal ---------------------------------------------------------------------------------

  #frame(type: number, payload: Bytes): void {
    if (type === FRAME.hello) this.say(FRAME.login, { nick: this.nick });
    else if (type === FRAME.welcome) this.#entered.resolve();
    else if (type === FRAME.ping) this.send(encodeFrame(FRAME.pong, payload));
    else if (type === FRAME.error) this.#handlers.failed(new TextDecoder().decode(payload));
    else this.#handlers.frame(type, payload);
  }
}
