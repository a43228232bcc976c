// References to messages (IRCv3 chathistory): by id, or by a time. Ids sort by time, so both are a
// place among ids. Pure.

import { idAfter, idAt, LIMITS } from "chatfusion";

/** A place among the ids of a room. */
export interface Ref {
  /** Behind all that is before it. */
  readonly before: string;
  /** Before all that is behind it. */
  readonly behind: string;
  /** Before what is meant by it, and behind all that is before. */
  readonly with: string;
  /** Of a time: which. */
  readonly at?: number;
}

/** Reads "msgid=…" or "timestamp=…"; undefined for what is neither. */
export function refOf(text: string): Ref | undefined {
  const at = timeOf(text);
  if (at !== undefined) return { before: idAt(at), behind: idAfter(at), with: idAt(at), at };
  const [, id] = /^msgid=([!-~]+)$/.exec(text) ?? [];
  if (id === undefined || id.length > LIMITS.idLengthMax - 1) return undefined;
  return { before: id, behind: id, with: previous(id) };
}

/** Reads "timestamp=YYYY-MM-DDThh:mm:ss.sssZ"; undefined for what is none. */
export function timeOf(text: string): number | undefined {
  const [, time] = /^timestamp=(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)$/.exec(text) ?? [];
  const at = time === undefined ? Number.NaN : new Date(time).getTime();
  return at >= 0 ? at : undefined;
}

/** As in tags: "timestamp=YYYY-MM-DDThh:mm:ss.sssZ". */
export const timestampOf = (at: number): string => `timestamp=${new Date(at).toISOString()}`;

/** How many messages are asked for: up to what one answer has. */
export function limitOf(text: string | undefined): number | undefined {
  const limit = /^\d{1,9}$/.test(text ?? "") ? Number(text) : 0;
  return limit === 0 ? undefined : Math.min(limit, LIMITS.ircHistoryMax);
}

// --- internal ---

/** Nothing that is an id stands between this and the id. */
function previous(id: string): string {
  const last = id.charCodeAt(id.length - 1);
  return `${id.slice(0, -1)}${String.fromCharCode(last - 1)}~`;
}
