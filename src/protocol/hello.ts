// The first frame of every connection, before anything else: who speaks, in which version, and
// what it can. Pure. Next: messages.ts.

import * as v from "valibot";
import { ProtocolError } from "../errors.ts";
import { LIMITS } from "../limits.ts";

/** The protocol's version. A peer of another major version is refused; minor ones get along. */
export const VERSION = { major: 1, minor: 0 } as const;

const Version = v.object({ major: v.number(), minor: v.number() });
const Ability = v.pipe(v.string(), v.maxLength(LIMITS.abilityLengthMax));
const Abilities = v.pipe(v.array(Ability), v.maxLength(LIMITS.abilitiesMax));

/** A client's first frame. `agent` is its program's name and version, for the operator. */
export const ClientHello = v.object({
  version: Version,
  abilities: v.optional(Abilities, []),
  agent: v.optional(v.pipe(v.string(), v.maxLength(LIMITS.agentLengthMax))),
});
export type ClientHello = v.InferOutput<typeof ClientHello>;

/** The server's answer. */
export const ServerHello = v.object({
  version: Version,
  abilities: v.optional(Abilities, []),
  server: v.string(),
  sid: v.string(),
});
export type ServerHello = v.InferOutput<typeof ServerHello>;

/** A server's first frame: the fabric that it speaks, and that fabric's own first bytes. */
export const LinkHello = v.object({
  version: Version,
  fabric: v.pipe(v.string(), v.maxLength(LIMITS.abilityLengthMax)),
  /** Base64. */
  hello: v.pipe(v.string(), v.maxLength(LIMITS.linkHelloLengthMax)),
});
export type LinkHello = v.InferOutput<typeof LinkHello>;

/** What this program can beyond version 1.0's frames. */
export const ABILITIES: readonly string[] = ["resume", "transfers"];

/** Parses a hello and checks its version. Throws `ProtocolError` `BAD_FRAME` or `VERSION`. */
export function parseHello<S extends v.GenericSchema<unknown, { version: { major: number } }>>(
  schema: S,
  value: unknown,
): v.InferOutput<S> {
  const version = v.safeParse(v.object({ version: Version }), value);
  if (version.success && version.output.version.major !== VERSION.major) {
    const theirs = `${version.output.version.major}.${version.output.version.minor}`;
    const ours = `${VERSION.major}.${VERSION.minor}`;
    throw new ProtocolError("VERSION", `protocol version ${theirs}, expected ${ours}`);
  }
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  throw new ProtocolError("BAD_FRAME", `hello: ${describe(parsed.issues)}`);
}

/** The first of valibot's issues as one line: which key, and what is wrong with it. */
export function describe(issues: readonly v.BaseIssue<unknown>[]): string {
  const issue = issues[0];
  if (issue === undefined) return "not as expected";
  const key = v.getDotPath(issue);
  return key === null ? issue.message : `${key}: ${issue.message}`;
}
