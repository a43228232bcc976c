// The only file that calls `socket.write`: a Sink over one of Bun's sockets. Bun buffers nothing:
// it takes what the kernel takes and returns the count, -1 when closed (oven-sh/bun#9682).

import type { Socket } from "bun";
import type { Bytes, Sink } from "../environment.ts";
import { LIMITS } from "../limits.ts";

/** Puts Bun's socket behind the Sink that an outbox writes to. */
export class SocketSink<Data> implements Sink {
  readonly remote: string;
  readonly #socket: Socket<Data>;
  /** Both set: nothing more can be read or written, and the socket is let go. */
  #wroteAll = false;
  #peerEnded = false;

  constructor(socket: Socket<Data>, remote: string) {
    this.#socket = socket;
    this.remote = remote;
  }

  write(bytes: Bytes, from: number, to: number): number {
    return this.#socket.write(bytes, from, to - from);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /**
   * Sends our end and keeps reading: closing with unread bytes of the peer would reset the
   * connection, and the peer would lose what it has not read yet.
   */
  end(): void {
    this.#wroteAll = true;
    if (this.#peerEnded) this.#socket.end();
    else this.#socket.shutdown();
  }

  destroy(): void {
    this.#socket.terminate();
  }

  /** The peer has sent its end. */
  ended(): void {
    this.#peerEnded = true;
    if (this.#wroteAll) this.#socket.end();
  }
}

/**
 * Hands what was read to a wire, which borrows it, and then frees it if it is large: the garbage
 * collector would do so only after 15 MB of a file, and the next pieces would find cold memory.
 */
export function readOnce(wire: Reading | undefined, chunk: Bytes): void {
  wire?.data(chunk);
  if (chunk.length < LIMITS.freedBytesMin) return;
  (chunk.buffer as ArrayBuffer).transfer(0); // Bun makes one for each read, and shares none
}

interface Reading {
  data(chunk: Bytes): void;
}

/** The two ends of a socket. */
export interface Ends {
  readonly remote: string;
  readonly remotePort: number;
  readonly local: string;
}

/** Tells the ends of a socket, or undefined when its peer is gone already. */
export function endsOf<Data>(socket: Socket<Data>): Ends | undefined {
  // COMPAT(bun-types): undefined once the peer has reset the connection.
  const remote = socket.remoteAddress as string | undefined;
  const local = socket.localAddress as string | undefined;
  if (remote === undefined || local === undefined) return undefined;
  return { remote, remotePort: socket.remotePort, local };
}

/** Writes an address as people do: "127.0.0.1:40123", "[::1]:40123". */
export function formatRemote(address: string, port: number): string {
  const plain = plainAddress(address);
  return plain.includes(":") ? `[${plain}]:${port}` : `${plain}:${port}`;
}

/** Tells whether an address is this machine's own: 127.0.0.0/8, ::1. */
export function isLoopback(address: string): boolean {
  const plain = plainAddress(address);
  return plain === "::1" || /^127\.\d+\.\d+\.\d+$/.test(plain);
}

/** Says why a socket has closed. */
export function closeReason(error: Error | undefined): string {
  if (error === undefined) return "closed by the peer";
  return codeOf(error) === "ECONNRESET" ? "reset by the peer" : error.message;
}

/** The system's name of an error, "ECONNREFUSED", or "". */
export function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}

// --- internal ---

/** An IPv4 address that came in on an IPv6 listener is written as IPv4. */
function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}
