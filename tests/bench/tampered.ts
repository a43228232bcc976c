// A relay between the generator and a server, which treats one message of each person badly: to
// see that it is noticed. All other frames are handed on as they are.

import type { Socket } from "bun";
import type { Bytes } from "../../src/environment.ts";
import { encodeFrame, FRAME, FrameReader } from "../../src/protocol/frame.ts";
import { MARK, numberOf } from "./load/stamp.ts";

type Treatment = "loses" | "doubles" | "swaps" | "alters";

/** The number of the message, of each person who talks. */
const VICTIM = 3;
/** Nothing larger is sent by the servers of these tests. */
const PAYLOAD_BYTES_MAX = 65_536;

export class Tampered {
  readonly port: number;
  readonly close: () => void;

  constructor(serverPort: number, treatment: Treatment) {
    const listener = Bun.listen<Pair>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        binaryType: "uint8array",
        open(socket) {
          socket.data = new Pair(socket, serverPort, treatment);
        },
        data: ({ data }, chunk) => data.up(chunk),
        close: ({ data }) => data.close(),
      },
    });
    this.port = listener.port;
    this.close = () => listener.stop(true);
  }
}

// --- internal ---

/** One person's two sockets. */
class Pair {
  readonly #client: Socket<Pair>;
  readonly #treatment: Treatment;
  readonly #server: Promise<Socket>;
  readonly #reader = new FrameReader(PAYLOAD_BYTES_MAX);
  #held: Bytes | undefined;

  constructor(client: Socket<Pair>, port: number, treatment: Treatment) {
    this.#client = client;
    this.#treatment = treatment;
    this.#server = Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        binaryType: "uint8array",
        data: (_, chunk) => this.#down(chunk),
        close: () => void client.end(),
      },
    });
  }

  up(chunk: Bytes): void {
    this.#then((server) => write(server, chunk));
  }

  close(): void {
    this.#then((server) => void server.end());
  }

  #then(run: (server: Socket) => void): void {
    this.#server.then(run).catch(() => void this.#client.end());
  }

  #down(chunk: Bytes): void {
    this.#reader.push(chunk, (type, payload) => {
      const frame = encodeFrame(type, payload);
      for (const one of type === FRAME.message ? this.#treated(frame) : [frame]) {
        write(this.#client, one);
      }
    });
  }

  /** What is handed on in place of a message. */
  #treated(frame: Bytes): readonly Bytes[] {
    const held = this.#held;
    if (held !== undefined) {
      this.#held = undefined;
      return [frame, held];
    }
    if (numberOf(frame, frame.indexOf(MARK)) !== VICTIM) return [frame];
    if (this.#treatment === "swaps") this.#held = frame;
    return TREATED[this.#treatment](frame);
  }
}

/** What is handed on in the message's place, at once. */
const TREATED: Readonly<Record<Treatment, (frame: Bytes) => readonly Bytes[]>> = {
  loses: () => [],
  doubles: (frame) => [frame, frame],
  swaps: () => [],
  alters: (frame) => [frame.with(frame.indexOf(MARK), 0x78)],
};

/** All at once: what these tests send is less than what a kernel takes. */
function write<D>(socket: Socket<D>, bytes: Bytes): void {
  if (socket.write(bytes) !== bytes.length) socket.terminate();
}
