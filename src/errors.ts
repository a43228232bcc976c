// Every refusal that a peer, a person or an operator can meet, in one table. A code is stable;
// docs/protocol.md lists them, and a test compares. Our own bugs are in assert.ts.

/** What the peer can do next: log in otherwise, change the request, wait, or give up. */
export type ErrorKind = "auth" | "modify" | "wait" | "cancel";

interface ErrorEntry {
  readonly kind: ErrorKind;
  /** The connection is closed after the error. */
  readonly closes: boolean;
}

const auth = { kind: "auth", closes: false } as const;
const modify = { kind: "modify", closes: false } as const;
const wait = { kind: "wait", closes: false } as const;
const cancel = { kind: "cancel", closes: false } as const;
const authCloses = { kind: "auth", closes: true } as const;
const modifyCloses = { kind: "modify", closes: true } as const;
const waitCloses = { kind: "wait", closes: true } as const;
const cancelCloses = { kind: "cancel", closes: true } as const;

export const ERRORS = {
  // the wire
  BAD_FRAME: modifyCloses,
  FRAME_TOO_LARGE: modifyCloses,
  UNKNOWN_TYPE: modify,
  OUT_OF_PHASE: modifyCloses,
  BAD_REQUEST: modify,
  BAD_UTF8: modify,
  NOT_CHATFUSION: cancelCloses,
  VERSION: cancelCloses,
  TLS_REQUIRED: modifyCloses,
  HANDSHAKE_TIMEOUT: waitCloses,
  IDLE_TIMEOUT: waitCloses,
  OUTBOX_FULL: waitCloses,
  TOO_MANY_CONNECTIONS: waitCloses,
  RATE_LIMITED: wait,
  SERVER_STOPPING: waitCloses,
  INTERNAL: cancel,
  // entry
  NICK_INVALID: auth,
  NICK_IN_USE: auth,
  NICK_REGISTERED: auth,
  AUTH_FAILED: auth,
  AUTH_DENIED: auth,
  AUTH_BUSY: wait,
  PASSWORD_NEEDS_TLS: auth,
  RESUME_FAILED: auth,
  SESSION_REPLACED: cancelCloses,
  NICK_CLAIMED: authCloses,
  KICKED: cancelCloses,
  // rooms and messages
  ROOM_INVALID: modify,
  NOT_IN_ROOM: modify,
  JOIN_DENIED: cancel,
  CANNOT_LEAVE: cancel,
  TOO_MANY_ROOMS: wait,
  TOO_MANY_WATCHED: modify,
  TOO_MANY_IGNORED: modify,
  NOT_PERMITTED: cancel,
  BANNED: cancel,
  INVITE_ONLY: cancel,
  KEY_WRONG: modify,
  ROOM_FULL: wait,
  MUTED: cancel,
  MODERATED: cancel,
  READ_ONLY: cancel,
  SLOW_MODE: wait,
  TOO_MANY_ENTRIES: cancel,
  TEXT_INVALID: modify,
  TEXT_TOO_LONG: modify,
  DROPPED: cancel,
  PLUGIN_FAILED: wait,
  QUEUE_FULL: wait,
  ADDRESS_INVALID: modify,
  NO_SUCH_NICK: cancel,
  NO_SUCH_SERVER: cancel,
  NO_SUCH_COMMAND: modify,
  COMMAND_DENIED: cancel,
  CONGESTED: wait,
  UNREACHABLE: wait,
  UNCONFIRMED: wait,
  BLOCKED: cancel,
  MAILBOX_FULL: wait,
  NO_HISTORY: cancel,
  NO_SUCH_MESSAGE: modify,
  // files
  FILE_NAME_INVALID: modify,
  FILE_DENIED: cancel,
  FILE_TOO_LARGE: cancel,
  TOO_MANY_TRANSFERS: wait,
  NO_SUCH_TRANSFER: modify,
  TRANSFER_STATE: modify,
  CHUNK_OUT_OF_ORDER: cancel,
  CHUNK_PAST_SIZE: cancel,
  CHUNK_PAST_CREDIT: cancel,
  SIZE_MISMATCH: cancel,
  HASH_MISMATCH: cancel,
  TRANSFER_REJECTED: cancel,
  TRANSFER_CANCELLED: cancel,
  TRANSFER_INTERRUPTED: wait,
  FILE_UNREADABLE: cancel,
  FILE_UNWRITABLE: cancel,
  // merging
  SELF: cancel,
  NAME_TAKEN: modify,
  MERGE_DENIED: cancel,
  FABRIC_DIFFERS: cancel,
  DUPLICATE_LINK: cancelCloses,
  STALE: cancelCloses,
  SIGNATURE_INVALID: cancelCloses,
  TOO_MANY_SERVERS: wait,
  NOT_LINKED: modify,
  UNMERGED: cancelCloses,
  // the program
  CANNOT_CONNECT: wait,
  CERTIFICATE_CHANGED: cancel,
  CANNOT_LISTEN: modify,
  CONFIG_INVALID: modify,
  USAGE: modify,
  NOT_RUNNING: modify,
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** A refusal as a value: what travels in an error frame. `text` is for people and may be shown. */
export interface Failure {
  readonly code: ErrorCode;
  readonly text: string;
}

/** Makes a refusal. Say what, which value, and what was expected. */
export const failure = (code: ErrorCode, text: string): Failure => ({ code, text });

/** Tells a refusal from an answer. */
export function isFailure(value: unknown): value is Failure {
  return (
    typeof value === "object" &&
    value !== null &&
    "code" in value &&
    "text" in value &&
    typeof value.code === "string" &&
    typeof value.text === "string" &&
    Object.hasOwn(ERRORS, value.code)
  );
}

/** An expected refusal, thrown where a value cannot be returned. The cause is only logged. */
export class ChatFusionError extends Error implements Failure {
  override readonly name: string = "ChatFusionError";
  readonly code: ErrorCode;
  constructor(code: ErrorCode, text: string, cause?: unknown) {
    super(text, cause === undefined ? undefined : { cause });
    this.code = code;
  }
  get text(): string {
    return this.message;
  }
}

/** The peer broke the protocol: it is told the code, and the connection is closed. */
export class ProtocolError extends ChatFusionError {
  override readonly name = "ProtocolError";
}

/** The refusal in a thrown value; anything that is none becomes `INTERNAL`, without its text. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof ChatFusionError) return failure(thrown.code, thrown.message);
  if (isFailure(thrown)) return failure(thrown.code, thrown.text);
  return failure("INTERNAL", "the server met a fault of its own; it has been logged");
}

/** What was thrown with its stack, for the log. */
export function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}

/** Where something was thrown, " (FILE:LINE)" by the first line of its stack; "" where unknown. */
export function placeOf(thrown: unknown): string {
  const stack = thrown instanceof Error ? (thrown.stack ?? "") : "";
  const [, at] = /^\s*at .*?\(?((?:\/|[A-Za-z]:\\)[^()]*:\d+):\d+\)?$/m.exec(stack) ?? [];
  return at === undefined ? "" : ` (${at})`;
}
