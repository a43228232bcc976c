// The JSON of a message, as it stands in `message` frames and in batches. Checked by hand, since it
// is read once per message and server. Pure.

import { LIMITS } from "../limits.ts";
import { checkKind, isSaid } from "./amendment.ts";
import type { MessageEntry } from "./messages.ts";
import { MessageKind } from "./messages.ts";

const KINDS: readonly unknown[] = MessageKind.options;

const optionalString = (value: unknown, max: number): boolean =>
  value === undefined || (typeof value === "string" && value.length <= max);

/** What stands in the log for a message that is hidden: it keeps its place and its author. */
export const hiddenOf = ({ id, from, account, room, at }: MessageEntry): MessageEntry => ({
  id,
  from,
  ...(account === undefined ? {} : { account }),
  room,
  kind: "text",
  text: "",
  at,
  hidden: true,
});

/**
 * Reads a message that another server signed; undefined when it is none. One of a kind that only a
 * newer server knows is hidden.
 */
export function parseEntry(value: unknown): MessageEntry | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const one = value as Partial<Record<keyof MessageEntry, unknown>>; // each field is checked below
  const fits =
    typeof one.id === "string" &&
    one.id.length <= 64 &&
    typeof one.from === "string" &&
    typeof one.room === "string" &&
    typeof one.text === "string" &&
    one.text.length <= LIMITS.textBytesMax &&
    Number.isSafeInteger(one.at) &&
    (one.at as number) >= 0 && // it is a number, as was just checked
    (KINDS.includes(one.kind) || isNewKind(one.kind)) &&
    optionalString(one.account, LIMITS.nameBytesMax) &&
    optionalString(one.cid, LIMITS.clientIdBytesMax);
  if (!fits) return undefined;
  // As checked above. In this order of fields, and without a copy: nearly all are like that.
  const { id, from, account, room, kind, text, at, cid } = one as MessageEntry;
  const begun =
    account === undefined
      ? { id, from, room, kind, text, at }
      : { id, from, account, room, kind, text, at };
  const entry: MessageEntry = cid === undefined ? begun : { ...begun, cid };
  if (isPlain(one)) return entry;
  if (!KINDS.includes(one.kind)) return hiddenOf(entry);
  return withNamed(entry, one);
}

// --- internal -----------------------------------------------------------------------------------

type Fields = Readonly<Partial<Record<keyof MessageEntry, unknown>>>;

/** Nearly all messages name no other one, and nobody. */
const isPlain = ({ kind, about, thread, mentions }: Fields): boolean =>
  (kind === "text" || kind === "action" || kind === "notice") &&
  about === undefined &&
  thread === undefined &&
  mentions === undefined;

function withNamed(plain: MessageEntry, fields: Fields): MessageEntry | undefined {
  const { about, aboutCid, thread, mentions } = fields;
  if (!optionalId(about) || !optionalId(thread) || !optionalNames(mentions)) return undefined;
  if (!optionalString(aboutCid, LIMITS.clientIdBytesMax)) return undefined;
  const entry: MessageEntry = {
    ...plain,
    ...(about === undefined ? {} : { about }),
    ...(aboutCid === undefined ? {} : { aboutCid: aboutCid as string }), // as just checked
    ...(thread === undefined ? {} : { thread }),
    ...(mentions === undefined ? {} : { mentions }),
  };
  // What is said may be empty, for all that other servers care.
  return isSaid(entry.kind) || checkKind(entry) === undefined ? entry : undefined;
}

/** A name as kinds have it: what comes in later versions. */
const isNewKind = (kind: unknown): boolean =>
  typeof kind === "string" && /^[a-z][a-z-]{0,31}$/.test(kind);

const optionalId = (value: unknown): value is string | undefined =>
  value === undefined ||
  (typeof value === "string" && value.length > 0 && value.length <= LIMITS.idLengthMax);

const optionalNames = (value: unknown): value is readonly string[] | undefined =>
  value === undefined ||
  (Array.isArray(value) &&
    value.length <= LIMITS.mentionsMax &&
    value.every((name) => typeof name === "string" && name.length <= LIMITS.nameBytesMax * 2 + 1));
