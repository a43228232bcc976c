// Every connection's first seconds on the one port: bounds per address and in all, a deadline, and
// the first frame, which says whether a client or a server speaks. From then on the connection is
// the native door's or the fabric's.

import type { Bytes, Clock, Log, Wire, WireHandlers } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure, failureOf, ProtocolError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Fabric } from "../plugin/fabric.ts";
import { decodeJson, encodeJson, FRAME, frameName, FrameReader } from "../protocol/frame.ts";
import { LinkHello, parseHello } from "../protocol/hello.ts";
import type { NativeDoor } from "./door.ts";
import type { LiveLink } from "./link.ts";
import { createLink } from "./link.ts";
import { networkOf } from "./throttle.ts";

export interface AcceptorOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly fabric: () => Fabric;
  door(wire: Wire, reader: FrameReader, entered: () => void): NativeDoor;
  dirty(wire: Wire): void;
  /** What a person with a browser is told. */
  hint(): string;
}

/** Counts connections, so that no address takes the place of the others. */
export interface Gatekeeper {
  /** A refusal, or what to call when the stranger has entered and when the connection has ended. */
  admit(
    remote: string,
    evict: (why: Failure) => void,
  ): Failure | { readonly entered: () => void; readonly gone: () => void };
  /** Sends all strangers away. */
  evictAll(why: Failure): void;
  readonly strangers: number;
  readonly connections: number;
}

export function createGatekeeper(): Gatekeeper {
  const open = new Map<string, number>();
  const unknown = new Map<string, number>();
  /** Those who have not said who they are, the oldest first: their eviction, and its note here. */
  const strangers = new Map<(why: Failure) => void, () => void>();
  const crowded = failure("TOO_MANY_CONNECTIONS", "others wait who are not logged in yet");
  let connections = 0;
  const count = (map: Map<string, number>, key: string, by: number) => {
    const next = (map.get(key) ?? 0) + by;
    if (next > 0) map.set(key, next);
    else map.delete(key);
  };
  const evictOldest = (why: Failure) => {
    for (const [evict, entered] of strangers) {
      entered(); // at once: closing takes a while
      return evict(why);
    }
  };
  return {
    evictAll(why) {
      while (strangers.size > 0) evictOldest(why);
    },
    get strangers() {
      return strangers.size;
    },
    get connections() {
      return connections;
    },
    admit(remote, evict) {
      const address = networkOf(remote);
      const exempt = isLoopback(addressOf(remote));
      const tooMany =
        connections >= LIMITS.connectionsMax ||
        (!exempt && (open.get(address) ?? 0) >= LIMITS.connectionsPerAddressMax) ||
        (!exempt && (unknown.get(address) ?? 0) >= LIMITS.strangersPerAddressMax);
      if (tooMany) return failure("TOO_MANY_CONNECTIONS", "too many connections; try again later");
      // The one who has waited longest without a word that counts makes room.
      if (strangers.size >= LIMITS.strangersMax) evictOldest(crowded);
      connections++;
      count(open, address, 1);
      count(unknown, address, 1);
      const entered = () => {
        if (strangers.delete(evict)) count(unknown, address, -1);
      };
      strangers.set(evict, entered);
      return {
        entered,
        gone() {
          entered();
          connections--;
          count(open, address, -1);
        },
      };
    },
  };
}

/** Makes the acceptor of the one port. */
export function createAcceptor(options: AcceptorOptions, gate: Gatekeeper) {
  return (wire: Wire): WireHandlers => {
    const reader = new FrameReader(LIMITS.frameBytesMaxBeforeEntry);
    let door: NativeDoor | undefined;
    let link: LiveLink | undefined;
    let first = true;
    let over = false;

    const refuse = (failed: Failure) => {
      if (over) return;
      over = true;
      cancel();
      if (door !== undefined) return door.refuse(failed);
      wire.send("control", encodeJson(FRAME.error, failed));
      wire.flush();
      wire.close(`${failed.code}: ${failed.text}`);
    };
    const seconds = LIMITS.handshakeMsMax / 1000;
    const cancel = options.clock.after(LIMITS.handshakeMsMax, () =>
      refuse(failure("HANDSHAKE_TIMEOUT", `no login within ${seconds} s`)),
    );
    const place = gate.admit(wire.remote, refuse);
    if ("code" in place) queueMicrotask(() => refuse(place));
    const entered = () => {
      cancel();
      if (!("code" in place)) place.entered();
    };

    const firstFrame = (type: number, payload: Bytes): boolean => {
      first = false;
      if (type === FRAME.hello) {
        door = options.door(wire, reader, entered);
        return door.frame(type, payload);
      }
      if (type !== FRAME.link)
        throw new ProtocolError("OUT_OF_PHASE", `${frameName(type)}: expected hello or link first`);
      const hello = parseHello(LinkHello, decodeJson(payload));
      const fabric = options.fabric();
      if (hello.fabric !== fabric.protocol) {
        const text = `fabric ${hello.fabric}, expected ${fabric.protocol}, as this server has`;
        throw new ProtocolError("FABRIC_DIFFERS", text);
      }
      const fabricHello = fromBase64(hello.hello);
      entered();
      const made = createLink(wire, () => handlers, { dialled: false, dirty: options.dirty });
      link = made;
      const handlers = fabric.accept(made.link, fabricHello);
      return true;
    };
    const frame = (type: number, payload: Bytes): boolean => {
      if (over) return false;
      return first ? firstFrame(type, payload) : (door?.frame(type, payload) ?? false);
    };
    /** Frames of a link, what is left of the chunk that brought its first frame included. */
    const data = (chunk: Bytes): void => {
      if (over) return;
      if (link !== undefined) return link.data(chunk);
      if (first && reader.heldBytes === 0 && looksLikeHttp(chunk)) return answerHttp();
      const used = reader.push(
        chunk,
        (type, payload) => frame(type, payload) && link === undefined,
      );
      const live = link as LiveLink | undefined; // set within frame()
      if (live !== undefined && used < chunk.length) live.data(chunk.subarray(used));
    };
    const answerHttp = () => {
      over = true;
      cancel();
      const text = `This is a ChatFusion server, not a web server.\n${options.hint()}\n`;
      const head = `HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\nContent-Type: text/plain`;
      const answer = `${head}\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
      wire.send("control", encoder.encode(answer));
      wire.flush();
      wire.close("NOT_CHATFUSION: an HTTP client");
    };

    return {
      data(chunk) {
        try {
          data(chunk);
        } catch (thrown) {
          refuse(failureOf(thrown));
          if (thrown instanceof ProtocolError)
            options.log.debug("peer refused", { remote: wire.remote, code: thrown.code });
          else options.log.error("connection failed", { error: String(thrown) });
        }
      },
      drained: () => link?.drained(),
      closed(reason) {
        over = true;
        cancel();
        if (!("code" in place)) place.gone();
        door?.closed(reason);
        link?.closed(reason);
      },
    };
  };
}

// --- internal -----------------------------------------------------------------------------------

const encoder = new TextEncoder();
const HTTP = /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|CONNECT|PATCH|TRACE|PRI) /;

function looksLikeHttp(chunk: Bytes): boolean {
  const start = String.fromCharCode(...chunk.subarray(0, 8));
  return HTTP.test(start);
}

/** The address in `address:port`. */
export function addressOf(remote: string): string {
  const at = remote.lastIndexOf(":");
  return at === -1 ? remote : remote.slice(0, at).replace(/^\[|\]$/g, "");
}

export function isLoopback(address: string): boolean {
  return (
    address === "::1" ||
    address === "localhost" ||
    /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/i.test(address)
  );
}

/** The bytes of a base64 text of a peer's. */
function fromBase64(text: string): Bytes {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    throw new ProtocolError("BAD_FRAME", "link: hello: expected base64");
  }
}
