// What is read of every request, its ref, and the requests that come most, say, tell and credit,
// by hand: what fits here is what the shapes would have made of it; all else is theirs to judge.
// Pure. Next: messages.ts.

import * as v from "valibot";
import type { Bytes } from "../environment.ts";
import { ProtocolError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { decodeJson } from "./frame.ts";
import { describe } from "./hello.ts";
import type { Ask, RequestName, SaidKind } from "./messages.ts";

/** What an answer names its request by. */
const RefNumber = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(LIMITS.counterMax));
const Ref = v.object({ ref: v.optional(RefNumber) });
/** A byte a letter. */
const plainTransfer = /^[0-9a-f]{32}$/;
const plainId = new RegExp(`^[ -~]{1,${LIMITS.clientIdBytesMax}}$`);

/** The ref of a request. Throws `ProtocolError` `BAD_FRAME` for what is none. */
export function refOf(name: string, ask: unknown): number | undefined {
  if (typeof ask === "object" && ask !== null) {
    const { ref } = ask as { readonly ref?: unknown }; // of JSON, as it came
    if (ref === undefined || isRef(ref)) return ref;
  }
  const parsed = v.safeParse(Ref, ask);
  if (parsed.success) return parsed.output.ref;
  throw new ProtocolError("BAD_FRAME", `${name}: ${describe(parsed.issues)}`);
}

/** The ref in a frame of an unknown type, which may hold anything. */
export function refIn(payload: Bytes): number | undefined {
  try {
    const parsed = v.safeParse(Ref, decodeJson(payload));
    return parsed.success ? parsed.output.ref : undefined;
  } catch (thrown) {
    if (thrown instanceof ProtocolError) return undefined;
    throw thrown;
  }
}

/** Reads a request that comes often; undefined for others, and for what is not plainest. */
export function plainAsk(
  type: RequestName,
  ask: unknown,
): Ask<"say"> | Ask<"tell"> | Ask<"credit"> | undefined {
  if (typeof ask !== "object" || ask === null) return undefined;
  if (type === "say") return plainSay(ask);
  if (type === "tell") return plainTell(ask);
  return type === "credit" ? plainCredit(ask) : undefined;
}

// --- internal -----------------------------------------------------------------------------------

function plainSay(ask: Fields): Ask<"say"> | undefined {
  const { room, text, kind = "text", cid, about, thread } = ask; // each is checked here
  if (!isName(room) || typeof text !== "string" || !isKind(kind)) return undefined;
  if (about !== undefined || thread !== undefined) return undefined;
  if (cid === undefined) return { room, text, kind };
  return isPlainId(cid) ? { room, text, kind, cid } : undefined;
}

function plainTell(ask: Fields): Ask<"tell"> | undefined {
  const { to, text, kind = "text", cid, about } = ask; // each is checked here
  if (!isName(to) || typeof text !== "string" || !isKind(kind)) return undefined;
  if (about !== undefined) return undefined;
  if (cid === undefined) return { to, text, kind };
  return isPlainId(cid) ? { to, text, kind, cid } : undefined;
}

function plainCredit({ transfer, upTo }: Fields): Ask<"credit"> | undefined {
  if (typeof transfer !== "string" || !plainTransfer.test(transfer)) return undefined;
  return isCount(upTo) ? { transfer, upTo } : undefined;
}

type Field = "room" | "to" | "text" | "kind" | "cid" | "about" | "thread" | "transfer" | "upTo";
type Fields = Readonly<Partial<Record<Field, unknown>>>;

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;

const isRef = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= LIMITS.counterMax;

/** UTF-8 makes three bytes at the most of a UTF-16 unit. */
const isName = (value: unknown): value is string =>
  typeof value === "string" && value.length * 3 <= LIMITS.nameBytesMax * 4 + 2;

const isKind = (value: unknown): value is SaidKind =>
  value === "text" || value === "action" || value === "notice";

const isPlainId = (value: unknown): value is string =>
  typeof value === "string" && plainId.test(value);
