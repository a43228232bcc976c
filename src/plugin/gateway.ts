// The gateway role: a front door for a foreign protocol. A gateway's people have the rights of
// everybody else because there is no second path: `enter` is the one door to a session, `request`
// the one way to act, and a format the one way to be told what rooms say.

import type { Bytes, MaybePromise } from "../environment.ts";
import type { Failure } from "../errors.ts";
import type { Nick } from "../names.ts";
import type {
  Answer,
  MemberEntry,
  PersonalEventOnWire,
  PersonEntry,
  RequestName,
  Requests,
  RoomEventOnWire,
} from "../protocol/messages.ts";
import type { Removal } from "../protocol/ruling.ts";
import type { RoleName } from "../protocol/state.ts";
import type { Credential, Person } from "./hooks.ts";

/** What is told of somebody, in all rooms that the person is in. */
export type OfPerson = Extract<RoomEventOnWire, { readonly type: "renamed" | "away" }>;

/** A server came or went, and with it these of its people, all at once. Only in small rooms. */
export interface Moved {
  readonly type: "moved";
  readonly room: string;
  readonly server: string;
  readonly now: "here" | "gone";
  readonly people: readonly MemberEntry[];
  /** The lobby, which is told first, has been told, and so everybody. */
  readonly again?: true;
}

/** Members have another role than was told: given or taken, or by an account they logged in to. */
export interface Ranked {
  readonly type: "ranked";
  readonly room: string;
  readonly people: readonly (MemberEntry & { readonly was?: RoleName })[];
  /** Who did it, where that is one person. */
  readonly by?: NonNullable<Removal["by"]>;
}

/**
 * What a room's members are told: as on the native wire, but that `renamed` and `away` say where,
 * and that `moved` stands beside `count` and `ranked` beside `state`, for protocols in which
 * everybody has a list of members.
 */
export type RoomEvent =
  | Moved
  | Ranked
  | Exclude<RoomEventOnWire, OfPerson>
  | (OfPerson & {
      /** It is told in the lobby, and then in each room that the person is in. */
      readonly room: string;
      /** The lobby has been told, and so everybody: for formats that leave the lobby's out. */
      readonly again?: true;
    });

/** What one session alone is told: as on the native wire, and `changed`. */
export type PersonalEvent =
  | PersonalEventOnWire
  /**
   * One who is watched is away, or is back; with `was`, has another account, or writes the nick in
   * other letters. Those who share a room may be told there, too.
   */
  | { readonly type: "changed"; readonly person: PersonEntry; readonly was?: PersonEntry };

/** An encoding that many sessions share; sessions are grouped by the object's identity. */
export interface Format {
  /** False: a session is not sent its own messages. */
  readonly echo: boolean;
  /**
   * Encodes one event, once for all sessions of the format. Pure and self-delimiting; the result is
   * copied before the next call; "" leaves the event out, as every event that is not known must be.
   * A throw is logged, and leaves the event out.
   */
  encode(event: RoomEvent): string | Bytes;
}

export interface Session {
  readonly person: Person;
  /** May be assigned; counts from the next event on. */
  format: Format;
  /**
   * The only way to act: requests are done in their order. `answered` is called once, or never when
   * the session ends before, and not inside this call. Answers may come in another order, where
   * another server, the history, a command or a plugin's word on a file is awaited, or `QUEUE_FULL`
   * is not; and before or after the events that the request brings about. A throw in it is logged,
   * and closes the session. Fields are parsed: what is wrong is answered with `BAD_REQUEST`.
   * `inPlace`: the answer stands where the request is done: behind what rooms said before, and
   * before all that they say from then on. So a list of members is right when it comes, and the
   * events behind it are its changes. It waits for no log: what is said may still be lost then.
   * `isQuiet`, which costs less: `answered` is told of refusals, and not of what was said, or has
   * arrived at one who is there, but where a log may still fail.
   */
  request<T extends RequestName>(
    type: T,
    ask: Requests[T]["ask"],
    answered?: (answer: Answer<T> | Failure) => void,
    inPlace?: boolean,
    isQuiet?: boolean,
  ): void;
  /** A chunk of a transfer that this session sends (protocol/transfer.ts); borrowed. */
  chunk(payload: Bytes): void;
  /**
   * The gateway's own bytes, given: behind what rooms say in this tick, in the same write.
   * `isApart`: they have nothing to do with rooms, and wait for none, but for what was sent before.
   */
  send(bytes: string | Bytes, isApart?: boolean): void;
  /**
   * Runs when all that this session said in rooms so far is decided, logged and in the members'
   * outboxes: where a PONG belongs. A throw is logged, and closes the session.
   */
  after(run: () => void): void;
  close(reason: string): void;
}

export interface Connection {
  readonly remote: string;
  /** Passwords may be told: by TLS, or from this machine. */
  readonly secure: boolean;
  /** By TLS. */
  readonly tls: boolean;
  /** SHA-256 of the certificate that the peer has shown, and whose key it has. */
  readonly fingerprint: Bytes | undefined;
  /** Before `enter` has resolved; afterwards `Session.send`. Given. False when full or closed. */
  send(bytes: string | Bytes): boolean;
  pause(): void;
  resume(): void;
  close(reason: string): void;
}

export interface ConnectionHandlers {
  /** Borrowed until return. A throw closes the connection. */
  data(chunk: Bytes): void;
  /** Once, last. */
  closed(reason: string): void;
}

/** What a connection has proven: made by `authenticate` alone, good for its server. */
export interface Proof {
  readonly account: string;
  readonly roles: readonly string[];
}

export interface Entry {
  readonly nick: string;
  readonly credential: Credential;
  /**
   * What was proven before, in place of the credential. The nick is the account's, or one that
   * anybody may have; who enters is the account under both.
   */
  readonly proof?: Proof;
  readonly connection: Connection;
  readonly format: Format;
  /**
   * Told in order, once `enter` has resolved; encode and hand over by `Session.send`. A throw is
   * logged, and closes the session.
   */
  personal(event: PersonalEvent): void;
  /** Encodes the last word, when the server ends the session: "ERROR :…". Without it, none. */
  farewell?(reason: Failure): string | Bytes;
}

/** A connection beside a client's own, of raw bytes, without a session: a file on its way (DCC). */
export interface Beside {
  readonly remote: string;
  /** Given. False when more than `LIMITS.creditBytesMax` would wait, or it is closed. */
  send(bytes: Bytes): boolean;
  queuedBytes(): number;
  pause(): void;
  resume(): void;
  /** Writes what is queued, by a deadline, then closes. */
  close(reason: string): void;
}

export interface BesideHandlers {
  /** Borrowed until return. A throw closes it. */
  data(chunk: Bytes): void;
  /** All has left that was not taken at once. */
  drained?(): void;
  /** Once, last. */
  closed(reason: string): void;
}

export interface Gateway {
  /** Returns addresses for the operator. */
  open(): MaybePromise<readonly string[]>;
  /** Takes nobody new. */
  close(): MaybePromise<void>;
}

/** A transport of the gateway's own (a WebSocket, a bridge). May take all or nothing. */
export interface GatewaySink {
  readonly remote: string;
  readonly secure: boolean;
  /** Takes bytes[from..to) as far as it can; -1 when closed. Keeps none. */
  write(bytes: Bytes, from: number, to: number): number;
  pause(): void;
  resume(): void;
  /** All was written, or nobody waits for it: close, and call `closed` of what `adopt` gave. */
  end(): void;
}

export interface GatewayHost {
  /**
   * Mechanisms of SASL beside PLAIN that the auth plugins answer, each once; "EXTERNAL" where they
   * know certificates. Known from `Gateway.open` on.
   */
  mechanisms(): readonly string[];
  /**
   * The core's listener: its TLS, its bounds per address and before entry. Resolves to the port.
   */
  listen(
    door: {
      readonly host?: string;
      readonly port: number;
      readonly tls?: boolean;
      /** Those who come by TLS are asked for a certificate: `Connection.fingerprint`. */
      readonly asksCertificates?: boolean;
    },
    accept: (connection: Connection) => ConnectionHandlers,
  ): Promise<number>;
  /**
   * Like `listen`, for WebSockets: a message is one line. A connection's `data` are lines with
   * their ends (CR LF), and what is sent is cut at LF, a CR before it left out. Without TLS it is
   * for a proxy before it, or this machine. Rejects in a simulated world.
   */
  listenWeb(
    door: {
      readonly host?: string;
      readonly port: number;
      readonly tls?: boolean;
      /** Subprotocols, in which kind of messages each is written; who asks for none gets texts. */
      readonly protocols: Readonly<Record<string, "text" | "binary">>;
      /** The origins whose pages may connect; "*": all. Default: none, programs alone. */
      readonly origins?: readonly string[];
      /** Of an incoming message; what is longer ends the connection. */
      readonly messageBytesMax: number;
    },
    accept: (connection: Connection, protocol: string | undefined) => ConnectionHandlers,
  ): Promise<number>;
  /**
   * Listens for one who is connected, and for nobody else: others are closed. Rejects with
   * `CANNOT_LISTEN`. It is the gateway's to close.
   */
  listenBeside(
    at: { readonly connection: Connection; readonly host: string; readonly port: number },
    accept: (beside: Beside) => BesideHandlers,
  ): Promise<{ readonly port: number; close(): void }>;
  /**
   * Calls the address from which somebody is connected, at a port over 1023; with `loopback` also
   * where that is this machine, from which a proxy brings others. Rejects with `ADDRESS_INVALID`
   * and `CANNOT_CONNECT`.
   */
  dialBeside(
    at: { readonly connection: Connection; readonly port: number; readonly loopback?: boolean },
    opened: (beside: Beside) => BesideHandlers,
  ): Promise<void>;
  /**
   * Makes a connection of a transport that is not the core's. What comes in by it the gateway
   * reads; `writable` says that the sink takes bytes again, `closed` that it is gone. The callback
   * is told once, last.
   */
  adopt(
    sink: GatewaySink,
    closed: (reason: string) => void,
  ): { readonly connection: Connection; writable(): void; closed(): void };
  /**
   * Runs onAuth as `enter` does, and lets nobody in: for protocols that log in before there is a
   * nick, or after they have entered. The credential is that of the account `nick`. Never rejects.
   */
  authenticate(attempt: {
    readonly nick: string;
    readonly credential: Credential;
    readonly connection: Connection;
  }): Promise<Proof | Failure>;
  /** The session's person is this account from now on, under the nick that it has. */
  identify(session: Session, proof: Proof): Failure | undefined;
  /** Nobody's coming, going, nick and absence is told in a room as large as this one. */
  isLarge(room: string): boolean;
  /** Some auth plugin lets people register nicks (`register` in its parts). */
  registers(): boolean;
  /**
   * Makes an account of a nick: of the session's own, which is that account from then on; without
   * one, of a nick that nobody has. The proof is for `enter`. Never rejects.
   */
  register(ask: {
    readonly nick: string;
    readonly password: string;
    readonly connection: Connection;
    readonly session?: Session;
  }): Promise<Proof | Failure>;
  /** Runs onAuth; the session is in the lobby when this resolves. Never rejects. */
  enter(entry: Entry): Promise<Session | Failure>;
}

/** The auth role's host: the bounded hashing pool, and the word that a nick now has an owner. */
export interface AuthHost {
  /** An account owns this nick from now on: a guest who holds it is put off. */
  claimed(nick: Nick): void;
  /** The account's password was changed, or it was removed: its sessions end at once. */
  revoked(account: string): void;
  /**
   * The roles that mean something on this server: to the core, to commands, and to plugins that
   * name them (`roles` in their parts). Known from `start` on.
   */
  roles(): readonly string[];
  /** An argon2id hash. Rejects with `AUTH_BUSY` when too many wait. */
  hash(password: string): Promise<string>;
  /** Without a hash: false, after the same time. Rejects with `AUTH_BUSY` when too many wait. */
  verify(password: string, hash: string | undefined): Promise<boolean>;
}
