// What the core and a fabric may ask of the world: time, chance, the network, durable bytes,
// cryptography and work off the loop. The real one is in net/ and serve/, the simulated one in
// testing/. Nothing in core/ or in a fabric reaches the world but through these.

export type Bytes = Uint8Array;
/** Milliseconds: since 1970 for a time, else a duration. */
export type Millis = number;
export type MaybePromise<T> = T | Promise<T>;

export interface Clock {
  /** The wall clock; may jump. */
  now(): Millis;
  /** Never goes back; for durations. */
  monotonic(): Millis;
  /** Runs `run` once, `ms` from now, and returns what cancels it. */
  after(ms: Millis, run: () => void): () => void;
  /** Runs `run` when all that has come in by now has been worked off (setImmediate). */
  soon(run: () => void): void;
}

export interface Random {
  /** Cryptographically random bytes. */
  bytes(count: number): Bytes;
  /** A number from 0 to below 1; for jitter, never for secrets. */
  next(): number;
}

/** Strict priority, in this order, in every outbox. */
export const LANES = ["control", "private", "room", "bulk"] as const;
export type Lane = (typeof LANES)[number];

/** Where bytes finally go; what an outbox is put before. Implemented by sockets and gateways. */
export interface Sink {
  /** For people and limits: "127.0.0.1:40123". */
  readonly remote: string;
  /** Takes bytes[from..to) as far as it can and returns how many, or -1 when closed. Keeps none. */
  write(bytes: Bytes, from: number, to: number): number;
  pause(): void;
  resume(): void;
  /** All was written: closes in good order. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}

/** One transport with its bounded outbox. */
export interface Wire {
  readonly remote: string;
  /** The bytes cannot be read on the way: TLS, or both ends are on this machine. */
  readonly secure: boolean;
  /** By TLS here; who comes by a proxy, or from this machine, may have none. */
  readonly tls: boolean;
  /**
   * SHA-256 of the TLS certificate in use: the peer's on the dialling side, our own on the other.
   */
  readonly fingerprint: Bytes | undefined;
  /** On the accepting side: SHA-256 of the certificate that the peer has shown, if any. */
  readonly shown?: Bytes | undefined;
  /**
   * Queues bytes, which nobody changes any more, by reference; they leave at `flush`.
   * False when the lane's bound would be passed, or when closed: nothing was queued.
   */
  send(lane: Lane, bytes: Bytes): boolean;
  /** Like `send` for one run of borrowed parts: what the socket does not take now is copied. */
  sendBorrowed(lane: Lane, parts: readonly Bytes[]): boolean;
  queuedBytes(lane: Lane): number;
  /** Sets the bound of a lane, in bytes. */
  bound(lane: Lane, bytesMax: number): void;
  flush(): void;
  /** Stops reading; one more chunk may still come in. */
  pause(): void;
  resume(): void;
  /** Writes what is queued, by a deadline, then closes; `closed` follows, once. Idempotent. */
  close(reason: string): void;
}

export interface WireHandlers {
  /** Borrowed until return. A throw closes the wire, and is logged. */
  data(chunk: Bytes): void;
  /** All has left that the transport had not taken at once. Never called inside `send`, `flush`. */
  drained?(): void;
  /** Once, last; also when `close` was called here. Never called inside `send` or `flush`. */
  closed(reason: string): void;
}

export interface Listener {
  readonly host: string;
  /** The port that was really taken. */
  readonly port: number;
  /** Takes nobody new; what is open stays open. */
  close(): void;
}

export interface TlsIdentity {
  /** PEM. */
  readonly key: string;
  readonly certificate: string;
}

export interface ListenOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** With it, a first byte of 0x16 begins TLS; plain is for peers on this machine only. */
  readonly tls: TlsIdentity | undefined;
  /** Asks those who come by TLS for a certificate, which no authority need vouch for. */
  readonly asksCertificates?: boolean;
  /** Answers a peer that talks plainly where it may not, before the wire is closed. */
  readonly plainRefused?: () => Bytes;
  /** Answers a peer that comes when LIMITS.connectionsMax are open, before it is closed. */
  readonly fullRefused?: () => Bytes;
  /** Which addresses are this machine's own; tests say otherwise. Default: 127.0.0.0/8 and ::1. */
  readonly isLocal?: (address: string) => boolean;
}

/** A listener for WebSockets, in which each message is one line, without its end. */
export interface WebListenOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** With it, TLS alone is spoken. */
  readonly tls: TlsIdentity | undefined;
  /** Subprotocols, and in which kind of messages each is written; who asks for none gets texts. */
  readonly protocols: Readonly<Record<string, "text" | "binary">>;
  /** The origins whose pages may connect ("https://chat.example"); "*": all. */
  readonly origins: readonly string[];
  /** What is longer ends the connection. */
  readonly messageBytesMax: number;
}

export interface DialOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** False refuses the certificate: the dial rejects with `CERTIFICATE_CHANGED`. */
  readonly trust?: (fingerprint: Bytes) => boolean;
}

export interface Net {
  /** Rejects with `CANNOT_LISTEN`, which says what stands in the way. */
  listen(at: ListenOptions, accept: (wire: Wire) => WireHandlers): Promise<Listener>;
  /** Like `listen`, for WebSockets; the wires carry lines with their ends. Not in every net. */
  listenWeb?(
    at: WebListenOptions,
    accept: (wire: Wire, protocol: string | undefined) => WireHandlers,
  ): Promise<Listener>;
  /** Resolves when open. Rejects with `CANNOT_CONNECT` or `CERTIFICATE_CHANGED`. */
  dial(at: DialOptions, opened: (wire: Wire) => WireHandlers): Promise<void>;
  /** Puts an outbox before a transport that is not this net's own. */
  adopt(sink: Sink, secure: boolean, handlers: WireHandlers): Adopted;
}

/** The transport's side of an adopted wire. */
export interface Adopted {
  readonly wire: Wire;
  data(chunk: Bytes): void;
  writable(): void;
  closed(reason: string): void;
}

/** Small durable values by key (`[a-z0-9._-]+`). Serialised by the implementation. */
export interface Store {
  read(key: string): Promise<Bytes | undefined>;
  /** Resolves when the bytes would survive a power cut. All or nothing. */
  write(key: string, bytes: Bytes): Promise<void>;
}

export interface KeyPair {
  readonly publicKey: Bytes;
  /** 32 bytes; for Ed25519 the seed. */
  readonly privateKey: Bytes;
}

export interface Crypto {
  /** Ed25519, RFC 8032. Without a seed, by `Random`. */
  signingKey(seed?: Bytes): KeyPair;
  sign(privateKey: Bytes, bytes: Bytes): Bytes;
  verify(publicKey: Bytes, bytes: Bytes, signature: Bytes): boolean;
  sha256(...parts: readonly Bytes[]): Bytes;
  /** X25519, RFC 7748. */
  agreementKey(): KeyPair;
  agree(privateKey: Bytes, publicKey: Bytes): Bytes;
  /** HKDF-SHA-256, RFC 5869, with an empty salt. */
  derive(secret: Bytes, info: Bytes, count: number): Bytes;
  /** AES-256-GCM; the nonce is 12 bytes and used once per key; the tag follows the text. */
  seal(key: Bytes, nonce: Bytes, plain: Bytes, about: Bytes): Bytes;
  /** Undefined when the bytes are not what was sealed. */
  open(key: Bytes, nonce: Bytes, sealed: Bytes, about: Bytes): Bytes | undefined;
}

/** Work that would hold up the loop. */
export interface Tasks {
  hashPassword(password: string): Promise<string>;
  verifyPassword(password: string, hash: string): Promise<boolean>;
}

/**
 * One event is one line. Fields are values, never parts of the event's name. No secrets, no texts.
 */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}
export type LogFields = Readonly<Record<string, unknown>>;

export interface Environment {
  readonly clock: Clock;
  readonly random: Random;
  readonly net: Net;
  readonly store: Store;
  readonly crypto: Crypto;
  readonly tasks: Tasks;
  readonly log: Log;
}
