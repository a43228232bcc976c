// Two peers in a simulated world with a connection, for the tests of it.

import type { Bytes, Environment, Wire, WireHandlers } from "../../src/environment.ts";
import type { World } from "../../src/testing.ts";

export const text = (bytes: Bytes): string => new TextDecoder().decode(bytes);
export const bytes = (of: string): Bytes => new TextEncoder().encode(of);

export interface Peer {
  wire: Wire;
  received: string;
  closed: string[];
  drained: number;
}

/** Handlers that keep what happens in a peer, and the peer. */
export function peerOf(
  wire: Wire,
  onData?: (peer: Peer, chunk: Bytes) => void,
): [Peer, WireHandlers] {
  const peer: Peer = { wire, received: "", closed: [], drained: 0 };
  const handlers: WireHandlers = {
    data(chunk) {
      peer.received += text(chunk);
      onData?.(peer, chunk);
    },
    drained: () => void (peer.drained += 1),
    closed: (reason) => void peer.closed.push(reason),
  };
  return [peer, handlers];
}

/** A connection from lyon to paris; `answer` is what paris does with what comes. */
export function connect(world: World, answer?: (peer: Peer, chunk: Bytes) => void) {
  const paris = world.environment("paris");
  const lyon = world.environment("lyon");
  return connectThese(world, { paris, lyon }, answer);
}

function connectThese(
  world: World,
  { paris, lyon }: { paris: Environment; lyon: Environment },
  answer?: (peer: Peer, chunk: Bytes) => void,
) {
  const accepted: Peer[] = [];
  const listener = world.until(
    paris.net.listen({ host: "0.0.0.0", port: 0, tls: undefined }, (wire) => {
      const [peer, handlers] = peerOf(wire, answer);
      accepted.push(peer);
      return handlers;
    }),
  );
  const dialled: Peer[] = [];
  world.until(
    lyon.net.dial({ host: "paris", port: listener.port, tls: false }, (wire) => {
      const [peer, handlers] = peerOf(wire);
      dialled.push(peer);
      return handlers;
    }),
  );
  return { paris, lyon, listener, server: accepted[0]!, client: dialled[0]! };
}

export const echo = (peer: Peer, chunk: Bytes): void => {
  peer.wire.send("room", new Uint8Array(chunk));
  peer.wire.flush();
};
