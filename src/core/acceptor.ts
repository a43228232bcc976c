// Every connection's first seconds on the one port: bounds per address and in all, a deadline, and
// the first frame, which says whether a client or a server speaks. From then on the connection is
// the native door's or the fabric's; but what a client sends behind some questions for lists is
// handed on in the next turn of the loop, so that others have theirs.

import type { Bytes, Clock, Log, Wire, WireHandlers } from "../environment.ts";
import type { ErrorCode, Failure } from "../errors.ts";
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

/** A connection that is counted; a stranger until it has said who it is. */
export interface Visitor {
  readonly remote: string;
  /** Sends it away, while it is a stranger. */
  evict(why: Failure): void;
}

/** Counts connections, so that no address takes the place of the others. */
export class Gatekeeper {
  readonly #open = new Map<string, number>();
  readonly #unknown = new Map<string, number>();
  /** Those who have not said who they are, the oldest first. */
  readonly #strangers = new Set<Visitor>();
  #connections = 0;
  readonly #refused: (remote: string, code: ErrorCode) => void;

  constructor(refused: (remote: string, code: ErrorCode) => void = () => undefined) {
    this.#refused = refused;
  }

  get strangers(): number {
    return this.#strangers.size;
  }

  get connections(): number {
    return this.#connections;
  }

  /** Counts a visitor as here and as a stranger, or refuses it; then nothing is to be undone. */
  admit(visitor: Visitor): Failure | undefined {
    const { remote } = visitor;
    const address = networkOf(remote);
    const exempt = isLoopback(addressOf(remote));
    const tooMany =
      this.#connections >= LIMITS.connectionsMax ||
      (!exempt && (this.#open.get(address) ?? 0) >= LIMITS.connectionsPerAddressMax) ||
      (!exempt && (this.#unknown.get(address) ?? 0) >= LIMITS.strangersPerAddressMax);
    if (tooMany) return failure("TOO_MANY_CONNECTIONS", "too many connections; try again later");
    // The one who has waited longest without a word that counts makes room.
    if (this.#strangers.size >= LIMITS.strangersMax)
      this.#evictOldest(failure("TOO_MANY_CONNECTIONS", "others wait who are not logged in yet"));
    this.#connections++;
    count(this.#open, address, 1);
    count(this.#unknown, address, 1);
    this.#strangers.add(visitor);
    return undefined;
  }

  /** It has said who it is. Idempotent. */
  entered(visitor: Visitor): void {
    if (this.#strangers.delete(visitor)) count(this.#unknown, networkOf(visitor.remote), -1);
  }

  /** Somebody is sent away, whoever it was. */
  refused(remote: string, code: ErrorCode): void {
    this.#refused(remote, code);
  }

  /** The connection of one who was admitted has ended. */
  gone(visitor: Visitor): void {
    this.entered(visitor);
    this.#connections--;
    count(this.#open, networkOf(visitor.remote), -1);
  }

  /** Sends all strangers away. */
  evictAll(why: Failure): void {
    while (this.#strangers.size > 0) this.#evictOldest(why);
  }

  #evictOldest(why: Failure): void {
    for (const visitor of this.#strangers) {
      this.entered(visitor); // at once: closing takes a while
      return visitor.evict(why);
    }
  }
}

/** Makes the acceptor of the one port. */
export function createAcceptor(options: AcceptorOptions, gate: Gatekeeper) {
  return (wire: Wire): WireHandlers => new Acceptance(options, gate, wire);
}

// --- internal -----------------------------------------------------------------------------------

/** One connection; a class, since there are very many of them. */
class Acceptance implements Visitor, WireHandlers {
  readonly #options: AcceptorOptions;
  readonly #gate: Gatekeeper;
  readonly #wire: Wire;
  readonly #reader = new FrameReader(LIMITS.frameBytesMaxBeforeEntry);
  /** Ends the time in which it must say who it is; undefined when that is over. */
  #cancel: (() => void) | undefined;
  readonly #admitted: boolean;
  #door: NativeDoor | undefined;
  #link: LiveLink | undefined;
  #over = false;
  /** Questions for lists that came in this turn of the loop. */
  #lists = 0;
  /** What has come behind them, while others have their turn. */
  #rest: Bytes | undefined;

  constructor(options: AcceptorOptions, gate: Gatekeeper, wire: Wire) {
    this.#options = options;
    this.#gate = gate;
    this.#wire = wire;
    const text = `no login within ${LIMITS.handshakeMsMax / 1000} s`;
    this.#cancel = options.clock.after(LIMITS.handshakeMsMax, () =>
      this.evict(failure("HANDSHAKE_TIMEOUT", text)),
    );
    const refused = gate.admit(this);
    this.#admitted = refused === undefined;
    if (refused !== undefined) queueMicrotask(() => this.evict(refused));
  }

  get remote(): string {
    return this.#wire.remote;
  }

  evict(failed: Failure): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopClock();
    this.#gate.refused(this.remote, failed.code);
    if (this.#door !== undefined) return this.#door.end(failed);
    this.#wire.send("control", encodeJson(FRAME.error, failed));
    this.#wire.flush();
    this.#wire.close(`${failed.code}: ${failed.text}`);
  }

  data(chunk: Bytes): void {
    try {
      this.#take(chunk);
    } catch (thrown) {
      const { log } = this.#options;
      this.evict(failureOf(thrown));
      if (thrown instanceof ProtocolError)
        log.debug("peer refused", { remote: this.remote, code: thrown.code });
      else log.error("connection failed", { error: String(thrown) });
    }
  }

  drained(): void {
    this.#link?.drained();
  }

  closed(reason: string): void {
    this.#workOff();
    this.#over = true;
    this.#stopClock();
    if (this.#admitted) this.#gate.gone(this);
    this.#door?.closed();
    this.#link?.closed(reason);
  }

  /** The rest of a link's first chunk is the link's, too. */
  #take(chunk: Bytes): void {
    if (this.#over) return;
    if (this.#link !== undefined) return this.#link.data(chunk);
    if (this.#rest !== undefined) return this.#keep(chunk);
    if (this.#door === undefined && this.#reader.heldBytes === 0 && looksLikeHttp(chunk))
      return this.#answerHttp();
    this.#door?.heard();
    const used = this.#reader.push(chunk, this.#frame, this.#worked);
    const link = this.#link as LiveLink | undefined; // set within #frame
    if (used === chunk.length) return;
    if (link !== undefined) link.data(chunk.subarray(used));
    else if (!this.#over && this.#isLate()) this.#keep(chunk.subarray(used));
  }

  #isLate(): boolean {
    return this.#lists >= LIMITS.listsPerTurnMax;
  }

  /** Keeps what is to wait for the next turn; nothing more is read meanwhile. */
  #keep(bytes: Bytes): void {
    if (this.#rest === undefined) this.#door?.pause();
    // One more chunk may come in before the pause is felt.
    const before = this.#rest ?? NONE;
    const whole = new Uint8Array(before.length + bytes.length);
    whole.set(before);
    whole.set(bytes, before.length);
    this.#rest = whole;
    if (whole.length <= LIMITS.turnRestBytesMax) return;
    const text = `more than ${LIMITS.turnRestBytesMax} bytes wait behind questions`;
    this.evict(failure("QUEUE_FULL", text));
  }

  #nextTurn(): void {
    this.#lists = 0;
    const rest = this.#rest;
    if (rest === undefined || this.#over) return;
    this.#rest = undefined;
    this.#door?.resume();
    this.data(rest);
  }

  /** The connection has ended: what had come before that is worked off all the same. */
  #workOff(): void {
    while (this.#rest !== undefined && !this.#over) this.#nextTurn();
  }

  readonly #worked = (): void => this.#door?.worked();

  /** False: nothing more of the chunk is a frame for the door. */
  readonly #frame = (type: number, payload: Bytes): boolean => {
    if (this.#over) return false;
    if (this.#door !== undefined) {
      const goesOn = this.#door.frame(type, payload);
      return LISTS.has(type) ? goesOn && !this.#asked() : goesOn;
    }
    if (type === FRAME.link) return this.#beginLink(payload);
    if (type !== FRAME.hello)
      throw new ProtocolError("OUT_OF_PHASE", `${frameName(type)}: expected hello or link first`);
    this.#door = this.#options.door(this.#wire, this.#reader, () => this.#entered());
    return this.#door.frame(type, payload);
  };

  /** A list was asked for; true where others are to have their turn now. */
  #asked(): boolean {
    if (this.#lists === 0) this.#options.clock.soon(() => this.#nextTurn());
    this.#lists += 1;
    return this.#isLate();
  }

  #beginLink(payload: Bytes): false {
    const hello = parseHello(LinkHello, decodeJson(payload));
    const fabric = this.#options.fabric();
    if (hello.fabric !== fabric.protocol) {
      const text = `fabric ${hello.fabric}, expected ${fabric.protocol}, as this server has`;
      throw new ProtocolError("FABRIC_DIFFERS", text);
    }
    const fabricHello = fromBase64(hello.hello);
    this.#entered();
    const { dirty } = this.#options;
    const made = createLink(this.#wire, () => handlers, { dialled: false, dirty });
    this.#link = made;
    const handlers = fabric.accept(made.link, fabricHello);
    return false;
  }

  #answerHttp(): void {
    this.#over = true;
    this.#stopClock();
    const text = `This is a ChatFusion server, not a web server.\n${this.#options.hint()}\n`;
    const head = `HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\nContent-Type: text/plain`;
    const answer = `${head}\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
    this.#wire.send("control", encoder.encode(answer));
    this.#wire.flush();
    this.#wire.close("NOT_CHATFUSION: an HTTP client");
  }

  #entered(): void {
    this.#stopClock();
    if (this.#admitted) this.#gate.entered(this);
  }

  #stopClock(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}

/** What is cheap to ask and dear to answer: about many people or rooms. */
const LISTS: ReadonlySet<number> = new Set([
  FRAME.commands,
  FRAME.fusion,
  FRAME.room,
  FRAME.rooms,
  FRAME.unwatch,
  FRAME.watch,
  FRAME.who,
  FRAME.whois,
]);

function count(map: Map<string, number>, key: string, by: number): void {
  const next = (map.get(key) ?? 0) + by;
  if (next > 0) map.set(key, next);
  else map.delete(key);
}

const NONE: Bytes = new Uint8Array(0);
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
