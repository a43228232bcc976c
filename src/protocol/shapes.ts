// Shapes of values that clients and servers say alike. Pure.

import * as v from "valibot";
import { LIMITS } from "../limits.ts";
import { isSid } from "../names.ts";

export const Count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(LIMITS.counterMax));
/** A transfer's id: 16 random bytes, in 32 lower-case hex digits. */
export const Transfer = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/, "expected 32 hex digits"));
export const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "expected 64 hex digits"));

/** A reason, a topic: one line on a screen. */
export const Line = v.pipe(v.string(), v.maxBytes(LIMITS.reasonBytesMax));
/** A name of any kind, of any form; the grammar is names.ts'. */
export const Name = v.pipe(v.string(), v.maxBytes(LIMITS.nameBytesMax * 4 + 2));
/** How many rows of a list one answer is to have. */
export const Page = v.pipe(Count, v.minValue(1), v.maxValue(LIMITS.pageMax));
/** How many messages of the history. */
export const PastPage = v.pipe(Count, v.minValue(1), v.maxValue(LIMITS.backlogMax));
/** A place among messages: what may be the id of one, or stand between two. */
export const Id = v.pipe(v.string(), v.maxLength(LIMITS.idLengthMax));
export const MessageId = v.pipe(v.string(), v.minLength(1), v.maxLength(LIMITS.idLengthMax));
/** Words that are looked for. */
export const SearchText = v.pipe(v.string(), v.maxBytes(LIMITS.searchTextBytesMax));

// --- between servers ---

/** A name, or an address, in canonical form: what is said of people is not looked at twice. */
export const PeerName = v.pipe(v.string(), v.maxBytes(LIMITS.nameBytesMax * 2 + 2));
export const Sid = v.pipe(v.string(), v.guard(isSid));

export const Yes = v.literal(true);
