// Connections beside a gateway's: for protocols whose files travel by connections of their own. Who
// comes by one, and who is called by one, is the client at the other end of a chat connection and
// nobody else; so a client can make the server call itself alone, and take its own files alone.

import type { Listener, Net, Wire, WireHandlers } from "../environment.ts";
import { ChatFusionError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { addressOf, isLoopback } from "./acceptor.ts";
import type { Beside, BesideHandlers, GatewayHost } from "../plugin/gateway.ts";

/** Makes both functions of the host, and what closes the listeners that are open. */
export function createBeside(net: Net): Pick<GatewayHost, "listenBeside" | "dialBeside"> & {
  close(): void;
} {
  const open = new Set<Listener>();
  return {
    async listenBeside({ connection, host, port }, accept) {
      const client = addressOf(connection.remote);
      const listener = await net.listen({ host, port, tls: undefined }, (wire) => {
        if (addressOf(wire.remote) === client) return take(wire, accept);
        queueMicrotask(() => wire.close("it is another's"));
        return { data() {}, closed() {} };
      });
      open.add(listener);
      const close = () => {
        if (open.delete(listener)) listener.close();
      };
      return { port: listener.port, close };
    },
    async dialBeside({ connection, port, loopback = false }, opened) {
      const host = addressOf(connection.remote);
      if (!Number.isInteger(port) || port <= PRIVILEGED || port > 65_535)
        throw refused(`port ${port}: expected one from ${PRIVILEGED + 1} to 65535`);
      if (!loopback && isLoopback(host)) throw refused(`${host} is this machine, or a proxy on it`);
      await net.dial({ host, port, tls: false }, (wire) => take(wire, opened));
    },
    close() {
      for (const listener of open) listener.close();
      open.clear();
    },
  };
}

// --- internal -----------------------------------------------------------------------------------

/** Below stand the services of the system. */
const PRIVILEGED = 1023;

const refused = (text: string) => new ChatFusionError("ADDRESS_INVALID", text);

function take(wire: Wire, accept: (beside: Beside) => BesideHandlers): WireHandlers {
  wire.bound("bulk", LIMITS.creditBytesMax);
  const handlers = accept({
    remote: wire.remote,
    send(bytes) {
      const isTaken = wire.send("bulk", bytes);
      wire.flush();
      return isTaken;
    },
    queuedBytes: () => wire.queuedBytes("bulk"),
    pause: () => wire.pause(),
    resume: () => wire.resume(),
    close: (reason) => wire.close(reason),
  });
  return {
    data: (chunk) => handlers.data(chunk),
    drained: () => handlers.drained?.(),
    closed: (reason) => handlers.closed(reason),
  };
}
