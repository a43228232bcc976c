// One run of a file, from one person to another:
//
//   entering ──offered, accepted──▶ ramp ──▶ measured ──all has come──▶ draining ──▶ done
//                                             └──▶ stalled ──┘  (where it is to)
//
// Each byte is compared. Beside it the sender, and a third person, may say lines to the receiver.
// A relay has no people: what goes in at its first port comes out at the second one.

import type { Bytes } from "../../../src/environment.ts";
import { LIMITS } from "../../../src/limits.ts";
import { FRAME, FRAME_HEAD_BYTES, writeHead } from "../../../src/protocol/frame.ts";
import { CHUNK_HEAD_BYTES, readChunk, writeChunkHead } from "../../../src/protocol/transfer.ts";
import { accountOf, ownCpuSeconds } from "./account.ts";
import { End } from "./end.ts";
import { FileMeter } from "./file-meter.ts";
import type { Filed, Files, Job } from "./job.ts";
import { Lines } from "./lines.ts";
import { isPattern, writePattern } from "./pattern.ts";
import { Person } from "./person.ts";

/** From the last byte until all lines have come, and all is settled. */
const DRAIN_MS_MAX = 3000;
/** How often the memory of a server is looked at while its receiver does not read. */
const LOOK_MS = 20;
/** socat opens its second port when somebody has come to the first one. */
const RELAY_TRIES_MAX = 250;
const RELAY_TRY_MS = 20;
/** No file takes longer. */
const RUN_MS_MAX = 120_000;

/** Plays it. Rejects with why it could not be done. */
export async function playFile(job: Job, load: Files): Promise<Filed> {
  const run = new FileRun(job, load);
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(run.tooLate())), RUN_MS_MAX);
  });
  try {
    return await Promise.race([run.play(), run.broken.promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

// --- internal ---

const HEAD_BYTES = FRAME_HEAD_BYTES + CHUNK_HEAD_BYTES;
const NO_HASH = "0".repeat(64);

class FileRun {
  readonly broken = Promise.withResolvers<never>();
  readonly #job: Job;
  readonly #load: Files;
  readonly #meter: FileMeter;
  readonly #lines = new Lines();
  readonly #arrived = Promise.withResolvers<void>();
  readonly #settled = Promise.withResolvers<void>();
  readonly #frame = new Uint8Array(HEAD_BYTES + LIMITS.chunkBytesMax);
  #sender: Person | End | undefined;
  #receiver: Person | End | undefined;
  #transfer = "";
  #offset = 0;
  #upTo = 0;
  #came = 0;
  #granted = 0;
  #altered = 0;

  constructor(job: Job, load: Files) {
    this.#job = job;
    this.#load = load;
    const pids = [...new Set(job.servers.map(({ pid }) => pid))];
    this.#meter = new FileMeter(() => accountOf(pids), ownCpuSeconds);
    this.broken.promise.catch(() => undefined);
  }

  tooLate(): string {
    return `${this.#came} of ${this.#load.bytes} bytes came within ${RUN_MS_MAX / 1000} s`;
  }

  async play(): Promise<Filed> {
    const [first, second] = this.#job.servers;
    if (first === undefined) throw new Error("no server");
    if (this.#job.protocol === "raw") await this.#relayed(first.port, second?.port ?? 0);
    else await this.#entered(first.port, first.name);
    await this.#arrived.promise;
    if (this.#job.protocol !== "raw") await this.#drained();
    this.#sender?.terminate();
    this.#receiver?.terminate();
    const isTold = this.#load.linesPerSecond !== undefined;
    return {
      ...this.#lines.faults,
      strange: this.#altered + this.#lines.faults.strange,
      unacknowledged: 0,
      ...this.#meter.told(),
      ...(isTold ? this.#lines.told() : {}),
    };
  }

  // The file.

  /** The next chunk, as far as the credit goes: frame and all, or the bare bytes. */
  #piece(isBare: boolean): Bytes | undefined {
    const { bytes } = this.#load;
    const length = Math.min(LIMITS.chunkBytesMax, bytes - this.#offset, this.#upTo - this.#offset);
    // Whole chunks only, as a client would.
    const isWhole = length === LIMITS.chunkBytesMax || this.#offset + length === bytes;
    if (length <= 0 || !isWhole) return undefined;
    const from = isBare ? HEAD_BYTES : 0;
    writeHead(this.#frame, 0, FRAME.chunk, CHUNK_HEAD_BYTES + length);
    if (!isBare) writeChunkHead(this.#frame, FRAME_HEAD_BYTES, this.#transfer, this.#offset);
    writePattern(this.#frame, HEAD_BYTES, this.#offset, length);
    this.#offset += length;
    return this.#frame.subarray(from, HEAD_BYTES + length);
  }

  #take(bytes: Bytes, offset: number): void {
    if (offset !== this.#came || !isPattern(bytes, offset)) this.#altered += 1;
    this.#came += bytes.length;
    const { rampBytes, bytes: size, stallMs } = this.#load;
    if (this.#came >= rampBytes && this.#meter.begin() && stallMs !== undefined) {
      this.#stall(stallMs).catch((thrown: unknown) => this.broken.reject(thrown));
    }
    if (this.#came < size) return;
    this.#meter.end(size - rampBytes);
    this.#arrived.resolve();
  }

  /** Does not read for a while; the memory that this costs is told. */
  async #stall(ms: number): Promise<void> {
    this.#receiver?.pause();
    for (let passed = 0; passed < ms; passed += LOOK_MS) {
      await Bun.sleep(LOOK_MS);
      this.#meter.look();
    }
    this.#receiver?.resume();
  }

  // Through a relay.

  async #relayed(from: number, to: number): Promise<void> {
    this.#upTo = this.#load.bytes;
    const failed = (why: string) => this.broken.reject(new Error(why));
    const sender = new End({ piece: () => this.#piece(true), failed });
    const receiver = new End({ data: (bytes) => this.#take(bytes, this.#came), failed });
    // Not before there is somebody at the other end.
    const upTo = this.#upTo;
    this.#upTo = 0;
    await sender.connect(from);
    for (let tries = 1; ; tries++) {
      try {
        await receiver.connect(to);
        break;
      } catch (thrown) {
        if (tries === RELAY_TRIES_MAX) throw thrown;
        await Bun.sleep(RELAY_TRY_MS);
      }
    }
    this.#sender = sender;
    this.#receiver = receiver;
    this.#meter.settle();
    this.#upTo = upTo;
    sender.pump();
  }

  // Through a server.

  async #entered(port: number, server: string): Promise<void> {
    const { prefix } = this.#job;
    const nickOf = (name: string) => `${prefix}${name}`;
    const failed = (why: string) => this.broken.reject(new Error(why));
    const sender = new Person(nickOf("a"), {
      failed,
      piece: () => this.#piece(false),
      frame: (type, payload) => this.#toSender(sender, type, payload),
    });
    const receiver = new Person(nickOf("b"), {
      failed,
      frame: (type, payload) => this.#toReceiver(receiver, type, payload),
    });
    const third = new Person(nickOf("c"), { failed, frame: () => undefined });
    for (const person of [sender, receiver, third]) await person.enter(port);
    this.#sender = sender;
    this.#receiver = receiver;
    this.#meter.settle();
    const to = `${receiver.nick}@${server}`;
    sender.say(FRAME.offer, { ref: 1, to, name: "file", size: this.#load.bytes });
    const { linesPerSecond } = this.#load;
    if (linesPerSecond === undefined) return;
    this.#lines.start(linesPerSecond, to, [sender, third], () => this.#meter.phase);
  }

  #toSender(sender: Person, type: number, payload: Bytes): void {
    if (type === FRAME.accepted || type === FRAME.credit) {
      const { transfer, upTo } = read(payload) as { transfer: string; upTo: number }; // P33
      this.#transfer = transfer;
      this.#upTo = Math.max(this.#upTo, upTo);
      sender.pump();
    } else if (type === FRAME.done) this.#settled.resolve();
    else if (type === FRAME.failed) this.broken.reject(new Error(JSON.stringify(read(payload))));
  }

  #toReceiver(receiver: Person, type: number, payload: Bytes): void {
    if (type === FRAME.chunk) {
      const { offset, bytes } = readChunk(payload);
      this.#take(bytes, offset);
      this.#grant(receiver);
    } else if (type === FRAME.private) {
      const { text } = read(payload) as { text: string }; // a private message has one
      this.#lines.heard(text, this.#meter.phase === "measured");
    } else if (type === FRAME.offered) {
      this.#transfer = (read(payload) as { transfer: string }).transfer; // an offer has one
      this.#granted = LIMITS.creditBytes;
      receiver.say(FRAME.accept, { ref: 1, transfer: this.#transfer, offset: 0 });
      this.#grant(receiver);
    } else if (type === FRAME.finished) {
      receiver.say(FRAME.done, { transfer: this.#transfer, sha256: NO_HASH });
    } else if (type === FRAME.failed) this.broken.reject(new Error(JSON.stringify(read(payload))));
  }

  /** Renews the credit when half of it is used. */
  #grant(receiver: Person): void {
    const { creditBytes } = this.#load;
    const upTo = this.#came + creditBytes;
    if (upTo - this.#granted < Math.max(LIMITS.chunkBytesMax, creditBytes / 2)) return;
    this.#granted = upTo;
    receiver.say(FRAME.credit, { transfer: this.#transfer, upTo });
  }

  /** Settles the transfer, and waits for lines that are still on their way. */
  async #drained(): Promise<void> {
    if (!(this.#sender instanceof Person)) return;
    this.#sender.say(FRAME.finish, { transfer: this.#transfer, sha256: NO_HASH });
    await this.#settled.promise;
    for (let ms = 0; ms < DRAIN_MS_MAX && !this.#lines.allHeard; ms += LOOK_MS) {
      await Bun.sleep(LOOK_MS);
    }
  }
}

const read = (payload: Bytes): unknown => JSON.parse(new TextDecoder().decode(payload));
