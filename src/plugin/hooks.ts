// What any plugin may say to what happens: the hooks, their arguments and their verdicts.
// Verdicts are values; a throw is a plugin's bug, and is decided closed. Next: context.ts.

import type { Bytes, MaybePromise, Millis } from "../environment.ts";
import type { Nick, RoomName, ServerName, Sid } from "../names.ts";
import type { MessageEntry, PrivateKind, SayKind } from "../protocol/messages.ts";

/** No opinion. */
export type Pass = undefined | void;
export interface Allow {
  readonly verdict: "allow";
  readonly account: string | undefined;
  readonly roles: readonly string[];
}
/** Why a nick is denied: a password would help, it was the wrong one, or nothing would. */
export type DenyCode = "NICK_REGISTERED" | "AUTH_FAILED" | "AUTH_DENIED";
export interface Deny {
  readonly verdict: "deny";
  readonly reason: string;
  /** The code that the peer is told; for `onAuth` alone, where none means `AUTH_DENIED`. */
  readonly code?: DenyCode;
}
export interface Drop {
  readonly verdict: "drop";
  readonly reason: string;
}

/** One who is here: one object per session, so that it can be the key of a WeakMap. */
export interface Person {
  /** The nick in use; changes with a rename. */
  readonly nick: Nick;
  readonly server: ServerName;
  /** What auth proved; undefined for a guest. */
  readonly account: string | undefined;
  readonly roles: readonly string[];
}

/**
 * A message before it is numbered: what `onMessage` may change. Never mutated; return a new one.
 */
export interface Message {
  readonly id: string;
  readonly from: Person;
  readonly room: RoomName;
  readonly kind: SayKind;
  readonly text: string;
  readonly at: Millis;
  readonly cid?: string;
  /** The message that it answers, or does something to; the plugin cannot change it. */
  readonly about?: string;
  readonly thread?: string;
}

export type Credential =
  | { readonly kind: "none" }
  | { readonly kind: "password"; readonly password: string }
  /** The peer's TLS certificate, whose key it has: `fingerprint` of the request. */
  | { readonly kind: "certificate" }
  | Exchange;

/**
 * A mechanism of SASL in which both sides speak by turns (RFC 4422). Given only to plugins that are
 * asked about a mechanism which one of them has in its `mechanisms`.
 */
export interface Exchange {
  readonly kind: "exchange";
  /** "SCRAM-SHA-256". */
  readonly mechanism: string;
  /** What the client said first, up to `LIMITS.exchangeBytesMax` bytes; may be empty. */
  readonly first: Bytes;
  /**
   * Says something to the client, and resolves to its answer, of bounded length too. Rejects, where
   * it gives up, is silent for `LIMITS.challengeMsMax`, or was asked too often: let that pass, and
   * the login has failed; it is no fault of the plugin's.
   */
  readonly challenge: (bytes: Bytes) => Promise<Bytes>;
}

export interface AuthRequest {
  readonly nick: Nick;
  readonly why: "enter" | "rename";
  readonly credential: Credential;
  /** Host and port of the peer. */
  readonly remote: string;
  /** SHA-256 of the certificate that the peer has shown, and whose key it has. */
  readonly fingerprint?: Bytes;
  /** The plugin whose door it is; "native" for the server's own. */
  readonly door: string;
}

/** Somebody is about to enter a room that they are not in; never the lobby, where all are. */
export interface JoinOffer {
  readonly person: Person;
  readonly room: RoomName;
  /** How many are in it, in the whole fusion; 0 where it would come into being. */
  readonly members: number;
}

/** Who runs a command: the operator at the console, or somebody in a session. */
export type Caller =
  | {
      readonly by: "console";
      readonly roles: readonly string[];
      readonly account?: undefined;
      readonly person?: undefined;
    }
  | {
      readonly by: "session";
      readonly person: Person;
      readonly account?: string;
      readonly roles: readonly string[];
    };

/** A command about to be run, by somebody who may run it. */
export interface CommandOffer {
  readonly caller: Caller;
  readonly name: string;
  /** What was typed behind the name; of a command with a secret in it, nothing. */
  readonly words: readonly string[];
  /** The plugin whose command it is; undefined for the server's own. */
  readonly plugin?: string;
}

/** A private message about to be sent: its envelope alone, for what is private stays so. */
export interface TellOffer {
  readonly from: Person;
  /** `nick@server`. */
  readonly to: string;
  readonly kind: PrivateKind;
  readonly textBytes: number;
  readonly at: Millis;
}

export interface MergeOffer {
  readonly by: "us" | "them";
  readonly server: ServerName;
  readonly sid: Sid;
  readonly remote: string;
  /** The names of all the servers that would be joined to ours. */
  readonly fusion: readonly ServerName[];
}

export interface FileOffer {
  readonly transfer: string;
  /** `nick@server`. */
  readonly from: string;
  readonly to: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly mediaType: string;
}

export interface PresenceChange {
  readonly person: Person;
  readonly now: "online" | "away" | "offline";
  /** Of one who is away: why, or "". */
  readonly text?: string;
  /** Of one who is online and was here before: away, or with a connection that was lost. */
  readonly back?: true;
}

export interface Hooks {
  /** Consent to a nick: any deny denies, else the first allow counts, else it is denied. */
  onAuth(request: AuthRequest): MaybePromise<Allow | Deny | Pass>;
  /** Veto, at the home server, before somebody joins a room; never asked about the lobby. */
  onJoin(offer: JoinOffer): MaybePromise<Deny | Pass>;
  /** Chain, on the origin server alone: each gets what the one before returned; a drop ends it. */
  onMessage(message: Message): MaybePromise<Message | Drop | Pass>;
  /**
   * Veto on a private message, at its sender's server: who to whom and how long, never the text.
   */
  onTell(offer: TellOffer): MaybePromise<Deny | Pass>;
  /**
   * Veto, before a command is run, of the console and of sessions alike; `help` and `stop` at the
   * console are not asked about.
   */
  onCommand(offer: CommandOffer): MaybePromise<Deny | Pass>;
  /** Veto, on both sides, before anything is joined. */
  onMerge(offer: MergeOffer): MaybePromise<Deny | Pass>;
  /** Veto, once per offer, at both home servers. */
  onFile(offer: FileOffer): MaybePromise<Deny | Pass>;
  /** Notified after the fact, synchronously, of people of this server. */
  onPresence(change: PresenceChange): undefined;
  /** Notified of room messages once they are durable, synchronously; never of private ones. */
  onLogged(messages: readonly MessageEntry[]): undefined;
  /**
   * Messages of one room, which this server had logged, were deleted: whoever has written their
   * texts anywhere removes them there, for good. It is waited for, before the history removes them;
   * after a fault it is asked again as long as the server runs, and after a crash before its end
   * once more. What is not held is passed over.
   */
  onRedact(messages: readonly Redacted[]): MaybePromise<undefined>;
}

/** One whose text is to be removed, or that of an edit of it. */
export type Redacted = Pick<MessageEntry, "id" | "from" | "room" | "at">;
