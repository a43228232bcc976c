// What one server has sealed for another: one message, or all of a tick in a list. Those that come
// most, tell and told, are read by hand: what fits here is what the shapes would have made of it;
// all else is theirs to judge. Pure. Next: peer.ts.

import * as v from "valibot";
import { LIMITS } from "../limits.ts";
import { PeerMessage } from "./peer.ts";
import type { PeerMessageOf } from "./peer.ts";

export interface ReadMessages {
  readonly messages: readonly PeerMessage[];
  /** How many there were that are none. */
  readonly refused: number;
}

/** Reads the JSON of a sealed frame. Each message counts for itself. */
export function readPeerMessages(value: unknown): ReadMessages {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length > LIMITS.channelBatchMax) return { messages: [], refused: list.length };
  const messages = list.flatMap((one) => plainMessage(one) ?? shapedMessage(one) ?? []);
  return { messages, refused: list.length - messages.length };
}

/** Reads a message that comes often; undefined for others, and for what is not plainest. */
export function plainMessage(value: unknown): PeerMessage | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const fields: Fields = value; // each is checked below
  if (fields.t === "tell") return plainTell(fields);
  return fields.t === "told" ? plainTold(fields) : undefined;
}

// --- internal -----------------------------------------------------------------------------------

function shapedMessage(value: unknown): PeerMessage | undefined {
  const parsed = v.safeParse(PeerMessage, value);
  return parsed.success ? parsed.output : undefined;
}

type Field = "t" | "message" | "patient" | "id" | "outcome" | "code" | "text";
type RowField = keyof PeerMessageOf<"tell">["message"];
type Fields = Readonly<Partial<Record<Field, unknown>>>;
type RowFields = Readonly<Partial<Record<RowField, unknown>>>;

function plainTell({ message, patient }: Fields): PeerMessageOf<"tell"> | undefined {
  const row = plainRow(message);
  if (row === undefined) return undefined;
  if (patient === undefined) return { t: "tell", message: row };
  return patient === true ? { t: "tell", message: row, patient } : undefined;
}

function plainRow(row: unknown): PeerMessageOf<"tell">["message"] | undefined {
  if (typeof row !== "object" || row === null) return undefined;
  // Each is checked here.
  const { id, from, to, kind, text, at, account, cid, about }: RowFields = row;
  if (!isId(id) || !isName(from) || !isName(to) || !isKind(kind)) return undefined;
  if (about !== undefined) return undefined;
  if (!isText(text, LIMITS.textBytesMax) || !isCount(at)) return undefined;
  const plain = { id, from, to, kind, text, at };
  if (account === undefined && cid === undefined) return plain;
  if (account !== undefined && typeof account !== "string") return undefined;
  if (cid !== undefined && !isText(cid, LIMITS.clientIdBytesMax)) return undefined;
  const named = account === undefined ? plain : { ...plain, account };
  return cid === undefined ? named : { ...named, cid };
}

function plainTold({ id, outcome, code, text }: Fields): PeerMessageOf<"told"> | undefined {
  if (!isId(id) || code !== undefined || text !== undefined) return undefined;
  if (outcome !== "delivered" && outcome !== "stored") return undefined;
  return { t: "told", id, outcome };
}

const isId = (value: unknown): value is string =>
  typeof value === "string" && value.length <= LIMITS.idLengthMax;

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= LIMITS.counterMax;

/** UTF-8 makes three bytes at the most of a UTF-16 unit. */
const isText = (value: unknown, bytesMax: number): value is string =>
  typeof value === "string" && value.length * 3 <= bytesMax;

const isName = (value: unknown): value is string => isText(value, LIMITS.nameBytesMax * 2 + 2);

const isKind = (value: unknown): value is "text" | "action" | "notice" =>
  value === "text" || value === "action" || value === "notice";
