// The JSON of a message, as it stands in `message` frames and in batches. Checked by hand, since it
// is read once per message and server. Pure.

import { LIMITS } from "../limits.ts";
import type { RoomName } from "../names.ts";
import type { MessageEntry, MessageKind } from "./messages.ts";

const KINDS: readonly unknown[] = ["text", "action", "notice"] satisfies MessageKind[];

const optionalString = (value: unknown, max: number): boolean =>
  value === undefined || (typeof value === "string" && value.length <= max);

/** Reads a message that another server signed; undefined when it is none. */
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
    KINDS.includes(one.kind) &&
    optionalString(one.account, LIMITS.nameBytesMax) &&
    optionalString(one.cid, LIMITS.clientIdBytesMax);
  if (!fits) return undefined;
  return {
    id: one.id as string, // all as checked above
    from: one.from as string,
    ...(one.account === undefined ? {} : { account: one.account as string }),
    room: one.room as RoomName,
    kind: one.kind as MessageKind,
    text: one.text as string,
    at: one.at as number,
    ...(one.cid === undefined ? {} : { cid: one.cid as string }),
  };
}
