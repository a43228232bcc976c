// The audit log: what operators did to people and rooms of this server, a line of JSON each, in two
// values of the store. When one is full the older one goes, so that it never grows without bound.

import * as v from "valibot";
import type { Environment, Millis } from "../environment.ts";
import { LIMITS } from "../limits.ts";

export interface AuditLine {
  readonly at: Millis;
  /** "console", or the account of an operator. */
  readonly by: string;
  /** "ban", "unban", "follow", "set", "kick", … */
  readonly did: string;
  readonly to?: string;
  readonly room?: string;
  readonly value?: unknown;
  readonly reason?: string;
  /** The end of a ban that has one. */
  readonly until?: Millis;
}

export type Audit = Awaited<ReturnType<typeof loadAudit>>;

/** Reads what earlier lives of the server noted; a line that is none is left out. */
export async function loadAudit({
  clock,
  log,
  store,
}: Pick<Environment, "clock" | "log" | "store">) {
  const parts: string[][] = [[], []];
  for (const [i, key] of KEYS.entries())
    parts[i] = decoder
      .decode(await store.read(key))
      .split("\n")
      .filter(Boolean);
  const lastOf = (lines: readonly string[]): number => readLine(lines.at(-1) ?? "")?.at ?? 0;
  /** The one that is written. */
  let now = lastOf(parts[1] ?? []) > lastOf(parts[0] ?? []) ? 1 : 0;
  let last: Promise<void> = Promise.resolve();

  return {
    /** Notes what was done; what could not be written is logged. */
    note(line: Omit<AuditLine, "at">): void {
      const text = JSON.stringify({ at: clock.now(), ...line });
      const bytes = (parts[now] ?? []).reduce((sum, one) => sum + one.length + 1, text.length);
      if (bytes > LIMITS.auditBytesMax) {
        now = 1 - now;
        parts[now] = [];
      }
      const [part, key] = [parts[now] ?? [], KEYS[now] ?? ""];
      part.push(text);
      last = last
        .then(() => store.write(key, encoder.encode(`${part.join("\n")}\n`)))
        .catch((thrown: unknown) => log.error("audit not written", { error: String(thrown) }));
    },
    /** The last lines, the newest last. */
    tail(count: number): AuditLine[] {
      const all = [...(parts[1 - now] ?? []), ...(parts[now] ?? [])];
      return all.slice(-count).flatMap((text) => readLine(text) ?? []);
    },
  };
}

// --- internal -----------------------------------------------------------------------------------

const KEYS = ["audit-0", "audit-1"] as const;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const Line = v.looseObject({
  at: v.number(),
  by: v.string(),
  did: v.string(),
  reason: v.exactOptional(v.string()),
  until: v.exactOptional(v.number()),
});

function readLine(text: string): AuditLine | undefined {
  try {
    const parsed = v.safeParse(Line, JSON.parse(text));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined; // torn by a person's hand: the others are shown
  }
}
