// A wire that a test can cut: a relay between a client and a server on this machine.

import type { Socket } from "bun";

export interface Relay {
  readonly port: number;
  /** Breaks all connections, and refuses new ones until `open`. */
  cut(): void;
  open(): void;
  stop(): void;
}

interface Side {
  other: Promise<Socket<Side>>;
}

/** Passes everything on to a port of this machine, and back. */
export function relayTo(port: number): Relay {
  const sockets = new Set<Socket<Side>>();
  let isOpen = true;
  const socket = {
    binaryType: "uint8array" as const,
    async data({ data }: Socket<Side>, chunk: Uint8Array): Promise<void> {
      // Small amounts only: they fit what the kernel takes at once.
      const copy = chunk.slice();
      const other = await data.other;
      other.write(copy);
    },
    close(closed: Socket<Side>): void {
      sockets.delete(closed);
      closed.data.other.then((other) => other.terminate()).catch(() => undefined);
    },
    error(broken: Socket<Side>): void {
      broken.terminate();
    },
  };
  const listener = Bun.listen<Side>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      ...socket,
      open(near) {
        sockets.add(near);
        if (!isOpen) {
          near.data = { other: Promise.reject(new Error("the wire is cut")) };
          near.data.other.catch(() => undefined);
          near.terminate();
          return;
        }
        const far = Bun.connect<Side>({
          hostname: "127.0.0.1",
          port,
          data: { other: Promise.resolve(near) },
          socket,
        });
        near.data = { other: far };
        far.then((opened) => sockets.add(opened)).catch(() => near.terminate());
      },
    },
  });
  return {
    port: listener.port,
    cut() {
      isOpen = false;
      for (const one of sockets) one.terminate();
    },
    open() {
      isOpen = true;
    },
    stop() {
      for (const one of sockets) one.terminate();
      listener.stop(true);
    },
  };
}
