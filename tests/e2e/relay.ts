// A wire that a test can cut, hold and slow down: a relay between a client and a server on this
// machine. What it cannot write waits, and so does whoever writes more.

import type { Socket } from "bun";

export interface Relay {
  readonly port: number;
  /** Breaks all connections, and refuses new ones until `open`. */
  cut(): void;
  /** Neither passes on nor breaks anything, nor answers, until `open`. */
  hold(): void;
  /** From now on everything takes so many milliseconds more. */
  slow(ms: number): void;
  open(): void;
  stop(): void;
}

/** One direction of a connection: what is read at one end and not yet written at the other. */
interface Side {
  /** The other end; undefined until it is connected. */
  other: Socket<Side> | undefined;
  queue: Uint8Array[];
  /** The end that is read from has closed: so will the other one, after the last byte. */
  isOver: boolean;
}

type Mode = "open" | "held" | "cut";

/** Passes everything on to a port of this machine, and back. */
export function relayTo(port: number): Relay {
  const sockets = new Set<Socket<Side>>();
  let mode: Mode = "open";
  let delayMs = 0;

  /** Writes what the other end takes now. */
  const pump = ({ data }: Socket<Side>): void => {
    const { other, queue } = data;
    if (other === undefined || mode !== "open") return;
    for (let first = queue[0]; first !== undefined; first = queue[0]) {
      const written = Math.max(0, other.write(first));
      if (written < first.length) {
        queue[0] = first.subarray(written);
        return;
      }
      queue.shift();
    }
    if (data.isOver) other.end();
  };
  const socket = {
    binaryType: "uint8array" as const,
    open(opened: Socket<Side>): void {
      sockets.add(opened);
    },
    data(from: Socket<Side>, chunk: Uint8Array): void {
      const copy = chunk.slice();
      const pass = () => {
        from.data.queue.push(copy);
        pump(from);
      };
      if (delayMs === 0) pass();
      else setTimeout(pass, delayMs);
    },
    drain({ data }: Socket<Side>): void {
      if (data.other !== undefined) pump(data.other);
    },
    close(closed: Socket<Side>): void {
      sockets.delete(closed);
      closed.data.isOver = true;
      pump(closed);
    },
    error(broken: Socket<Side>): void {
      broken.terminate();
    },
  };
  const newSide = (other?: Socket<Side>): Side => ({ other, queue: [], isOver: false });
  const listener = Bun.listen<Side>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      ...socket,
      open(near) {
        near.data = newSide();
        if (mode === "cut") {
          near.terminate();
          return;
        }
        sockets.add(near);
        Bun.connect<Side>({ hostname: "127.0.0.1", port, data: newSide(near), socket })
          .then((far) => {
            near.data.other = far;
            pump(near);
          })
          .catch(() => near.terminate());
      },
    },
  });
  const breakAll = () => {
    for (const one of sockets) one.terminate();
  };
  return {
    port: listener.port,
    cut() {
      mode = "cut";
      breakAll();
    },
    hold() {
      mode = "held";
    },
    slow(ms) {
      delayMs = ms;
    },
    open() {
      mode = "open";
      for (const one of sockets) pump(one);
    },
    stop() {
      breakAll();
      listener.stop(true);
    },
  };
}
