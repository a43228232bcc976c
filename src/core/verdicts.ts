// What a hook may answer, and what is wrong with what it has answered. Plugins may be written
// without types, so that everything is looked at. Next: hooks.ts.

import * as v from "valibot";
import { LIMITS } from "../limits.ts";
import type { Allow, Deny, Drop } from "../plugin/hooks.ts";
import { describe } from "../protocol/hello.ts";
import { nickOf } from "./auth.ts";

const isNick = (text: string): boolean => nickOf(text) !== undefined;
const SHAPES = {
  allow: v.object({
    verdict: v.literal("allow"),
    // It goes to other servers, which take no message of one that is no name.
    account: v.optional(v.pipe(v.string(), v.check(isNick, "expected a name like a nick"))),
    roles: v.array(v.string()),
  }),
  deny: v.object({
    verdict: v.literal("deny"),
    reason: v.string(),
    code: v.optional(v.picklist(["NICK_REGISTERED", "AUTH_FAILED", "AUTH_DENIED"])),
  }),
  drop: v.object({ verdict: v.literal("drop"), reason: v.string() }),
};

export const isAllow = (value: unknown): value is Allow => isVerdict("allow", value);
export const isDeny = (value: unknown): value is Deny => isVerdict("deny", value);
export const isDrop = (value: unknown): value is Drop => isVerdict("drop", value);

/** Why not, as it fits into a line, and into the frame that takes it to another server. */
export function reasonOf({ reason }: Deny | Drop): string {
  const bytes = new TextEncoder().encode(reason);
  if (bytes.length <= LIMITS.reasonBytesMax) return reason;
  // As a stream: half a character at the end is left out.
  const kept = bytes.subarray(0, LIMITS.reasonBytesMax - "…".length * 3);
  return `${new TextDecoder().decode(kept, { stream: true })}…`;
}

/** Says what was expected of a hook, and what came. Nothing of what was said: it is logged. */
export function wrongIn(hook: string, value: unknown): string {
  const verdict = verdictOf(value);
  const [kind, shape] = Object.entries(SHAPES).find(([one]) => one === verdict) ?? [];
  const parsed = shape && v.safeParse(shape, value);
  if (parsed?.success === false) return `${kind}: ${describe(parsed.issues)}`;
  const got = kind === undefined ? kindOf(value) : `${kind}(…)`;
  return `expected ${EXPECTED[hook] ?? "deny(reason) or undefined"}, got ${got}`;
}

// --- internal -----------------------------------------------------------------------------------

const verdictOf = (value: unknown): unknown =>
  (Object(value) as { readonly verdict?: unknown }).verdict; // checked by who asks

/** Looks at the name first: a message that a hook changed is no verdict, and is seen so at once. */
const isVerdict = (kind: keyof typeof SHAPES, value: unknown): boolean =>
  verdictOf(value) === kind && v.is(SHAPES[kind], value);

const EXPECTED: Readonly<Record<string, string>> = {
  onAuth: "allow(account), deny(reason) or undefined",
  onMessage: "{ ...message, text }, drop(reason) or undefined",
  onRedact: "undefined",
  register: "allow(account) or deny(reason)",
};

function kindOf(value: unknown): string {
  if (value === null || typeof value === "boolean") return String(value);
  return typeof value === "object" ? "an object that is none of these" : `a ${typeof value}`;
}
