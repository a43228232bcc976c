// The door: accepts connections, finds out by the first byte whether they speak TLS, and hands
// each on as a wire. What it may not do: read anything else of what comes.
//
//   accepted ──no TLS here──────────────────────────────────▶ wire
//      │ too many ──▶ told, closed
//      ▼
//   waiting ──0x16──▶ securing ──handshake done─────────────▶ wire
//      │  └──other, from this machine───────────────────────▶ wire
//      │  └──other, from elsewhere──▶ told (plainRefused), closed
//      └── tlsHandshakeMsMax, or pushed out by newer ones ──▶ closed (likewise while securing)

import type { Socket, SocketHandler } from "bun";
import type { Bytes, ListenOptions, Listener, Wire, WireHandlers } from "../environment.ts";
import { ChatFusionError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { NetParts } from "./net.ts";
import {
  type Ends,
  SocketSink,
  closeReason,
  codeOf,
  endsOf,
  formatRemote,
  isLoopback,
  readOnce,
} from "./socket.ts";
import {
  acceptTls,
  fingerprintOf,
  handshakeFailure,
  peerFingerprint,
  tlsFirstByte,
} from "./tls.ts";
import { boundUnsent } from "./unsent.ts";
import { SinkWire } from "./wire.ts";

/** Opens a listener, or throws `CANNOT_LISTEN`. */
export function listen(
  parts: NetParts,
  at: ListenOptions,
  accept: (wire: Wire) => WireHandlers,
): Listener {
  const house: House = {
    ...parts,
    at,
    accept,
    isLocal: at.isLocal ?? isLoopback,
    fingerprint: at.tls && fingerprintOf(at.tls.certificate),
    waiting: new Waiting(),
  };
  try {
    const listener = Bun.listen<Held>({
      hostname: at.host,
      port: at.port,
      allowHalfOpen: true,
      socket: rawHandlers(house),
    });
    const { hostname: host, port } = listener;
    return { host, port, close: () => listener.stop() };
  } catch (error) {
    throw cannotListen(at, error);
  }
}

/** Why nothing could be opened there. */
export function cannotListen(
  at: { readonly host: string; readonly port: number },
  error: unknown,
): ChatFusionError {
  const where = formatRemote(at.host, at.port);
  const text = `${where}: ${listenTexts[codeOf(error)] ?? String(error)}`;
  return new ChatFusionError("CANNOT_LISTEN", text, error);
}

// --- internal ---

/** What all doors of a listener share. */
interface House extends NetParts {
  readonly at: ListenOptions;
  readonly accept: (wire: Wire) => WireHandlers;
  readonly isLocal: (address: string) => boolean;
  readonly fingerprint: Bytes | undefined;
  readonly waiting: Waiting;
}

/** Those who have not shown yet what they speak: bounded in all and by address (security A6). */
class Waiting {
  /** In the order of their coming. */
  readonly #doors = new Set<Door>();
  readonly #perAddress = new Map<string, number>();

  /** False when too many of this address wait. The one who waits longest may have to go. */
  admit(door: Door): boolean {
    const count = this.#perAddress.get(door.address) ?? 0;
    if (count >= LIMITS.strangersPerAddressMax && !door.local) return false;
    if (this.#doors.size >= LIMITS.strangersMax) {
      for (const oldest of this.#doors) {
        oldest.drop();
        break;
      }
    }
    this.#doors.add(door);
    this.#perAddress.set(door.address, count + 1);
    return true;
  }

  leave(door: Door): void {
    if (!this.#doors.delete(door)) return;
    const count = this.#perAddress.get(door.address) ?? 0;
    if (count > 1) this.#perAddress.set(door.address, count - 1);
    else this.#perAddress.delete(door.address);
  }
}

/** Of certificates: our own, and the one that the peer has shown. */
type Prints = Pick<SinkWire, "fingerprint" | "shown">;

/** What a socket carries: nothing when its peer was gone before it was looked at. */
type Held = Door | undefined;

/** One accepted connection, until its wire is made and after. */
class Door {
  readonly address: string;
  /** Both ends are on this machine. */
  readonly local: boolean;
  readonly #house: House;
  /** The raw one; once it is upgraded, the one that speaks TLS. */
  #socket: Socket<Held>;
  readonly #remote: string;
  #phase: "waiting" | "securing" | "wire" | "gone" = "waiting";
  #cancelDeadline: (() => void) | undefined;
  #sink: SocketSink<Held> | undefined;
  wire: SinkWire | undefined;
  /** Upgraded: what the raw socket still tells is about ciphertext. */
  secure = false;

  constructor(house: House, socket: Socket<Held>, ends: Ends) {
    this.#house = house;
    this.#socket = socket;
    this.address = ends.remote;
    this.local = house.isLocal(ends.remote) && house.isLocal(ends.local);
    this.#remote = formatRemote(ends.remote, ends.remotePort);
  }

  opened(): void {
    const { at, clock, connections, waiting } = this.#house;
    connections.open += 1;
    this.#socket.setNoDelay(true);
    boundUnsent(this.#socket);
    if (connections.open > connections.max) {
      this.#refuse(at.fullRefused?.());
    } else if (at.tls === undefined) {
      this.#enter(this.#socket, this.local);
    } else if (waiting.admit(this)) {
      this.#cancelDeadline = clock.after(LIMITS.tlsHandshakeMsMax, () => this.drop());
    } else {
      this.drop();
    }
  }

  /** The first bytes. */
  knock(chunk: Bytes): void {
    if (this.#phase !== "waiting" || chunk.length === 0) return;
    const identity = this.#house.at.tls;
    if (identity !== undefined && chunk[0] === tlsFirstByte) {
      this.#phase = "securing";
      this.secure = true;
      this.#socket = acceptTls(
        this.#socket,
        { identity, asks: this.#house.at.asksCertificates === true, head: chunk, data: this },
        tlsHandlers,
      );
    } else if (this.local) {
      this.#enter(this.#socket, true);
      this.wire?.data(chunk);
    } else {
      this.#refuse(this.#house.at.plainRefused?.());
    }
  }

  /** The TLS handshake has succeeded. */
  secured(socket: Socket<Held>): void {
    if (this.#phase !== "securing") return;
    const { at, fingerprint } = this.#house;
    const shown = at.asksCertificates === true ? peerFingerprint(socket) : undefined;
    this.#enter(socket, true, { fingerprint, shown });
  }

  ended(): void {
    this.#sink?.ended();
    if (this.wire === undefined) this.drop();
    else this.wire.ended();
  }

  /** A fault of ours in a handler, or of the TLS session. */
  failed(error: Error): void {
    this.#house.log.debug("socket failed", { remote: this.#remote, error });
    this.#socket.terminate();
  }

  /** Closes a connection that has not become a wire. */
  drop(): void {
    this.#house.waiting.leave(this);
    this.#cancelDeadline?.();
    if (this.#phase === "waiting" || this.#phase === "securing") this.#socket.terminate();
  }

  /** The raw socket and the TLS socket both tell of the end. */
  closed(reason: string): void {
    if (this.#phase === "gone") return;
    this.#phase = "gone";
    this.#house.connections.open -= 1;
    this.#house.waiting.leave(this);
    this.#cancelDeadline?.();
    this.wire?.closed(reason);
  }

  #enter(socket: Socket<Held>, secure: boolean, prints?: Prints): void {
    const wire = this.#makeWire(socket, secure, prints);
    try {
      wire.attach(this.#house.accept(wire));
    } catch (error) {
      this.#house.log.error("accept failed", { remote: wire.remote, error });
      wire.close("INTERNAL: the server met a fault of its own; it has been logged");
    }
  }

  /** Says why, in plain bytes, to one who gets no wire. */
  #refuse(bytes: Bytes | undefined): void {
    const wire = this.#makeWire(this.#socket, false);
    if (bytes !== undefined) wire.send("control", bytes);
    wire.close("refused at the door");
  }

  #makeWire(socket: Socket<Held>, secure: boolean, prints?: Prints): SinkWire {
    const { clock, log, waiting } = this.#house;
    waiting.leave(this);
    this.#cancelDeadline?.();
    this.#phase = "wire";
    this.#sink = new SocketSink(socket, this.#remote);
    this.wire = new SinkWire({
      sink: this.#sink,
      clock,
      log,
      secure,
      tls: this.secure,
      fingerprint: prints?.fingerprint,
      shown: prints?.shown,
    });
    return this.wire;
  }
}

/** Told of every connection; once one is upgraded, of its ciphertext, which is no concern here. */
const rawHandlers = (house: House): SocketHandler<Held> => ({
  // Not a Buffer: its `slice` shares memory, and Uint8Array.from takes 64 ns a byte for it.
  binaryType: "uint8array",
  open(socket) {
    const ends = endsOf(socket);
    if (ends === undefined) {
      socket.terminate();
      return;
    }
    socket.data = new Door(house, socket, ends);
    socket.data.opened();
  },
  data({ data: door }, chunk) {
    if (door === undefined || door.secure) return;
    if (door.wire === undefined) door.knock(chunk);
    else readOnce(door.wire, chunk);
  },
  drain({ data: door }) {
    if (door?.secure === false) door.wire?.writable();
  },
  end({ data: door }) {
    if (door?.secure === false) door.ended();
  },
  close: ({ data: door }, error) => door?.closed(closeReason(error)),
  error: ({ data: door }, error) => door?.failed(error),
});

const tlsHandlers: SocketHandler<Held> = {
  binaryType: "uint8array",
  handshake(socket, success, error) {
    if (handshakeFailure(success, error) === undefined) socket.data?.secured(socket);
    else socket.data?.drop();
  },
  data: ({ data: door }, chunk) => readOnce(door?.wire, chunk),
  drain: ({ data: door }) => door?.wire?.writable(),
  end: ({ data: door }) => door?.ended(),
  close: ({ data: door }, error) => door?.closed(closeReason(error)),
  error: ({ data: door }, error) => door?.failed(error),
};

const listenTexts: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program listens there already",
  EADDRNOTAVAIL: "this machine has no such address",
  EACCES: "ports below 1024 are the administrator's; choose a higher one",
  ERR_OUT_OF_RANGE: "expected a port from 0 to 65535",
};
