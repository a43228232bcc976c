// Patterns of people: whom a ban, a mute or an invitation is about. `who@server`, where `who` is a
// nick or an account in which `*` stands for any text and `?` for one character, and `server` is a
// name or `*`. Without `@` it is of any server. Compared in the folded form of names. Pure.

import type { Failure } from "../errors.ts";
import { failure, failureOf } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Nick, ServerName } from "../names.ts";
import { nameKey, parseServerName, visible } from "../names.ts";

/** One who is compared with patterns. */
export interface Somebody {
  readonly nick: string;
  /** What auth proved at the home server; undefined for a guest. */
  readonly account: string | undefined;
  readonly server: ServerName;
}

/** The one form of a pattern, or why it is none (`BAD_REQUEST`, `ADDRESS_INVALID`). */
export function patternOf(text: string): string | Failure {
  const at = text.lastIndexOf("@");
  const who = at < 0 ? text : text.slice(0, at);
  const where = at < 0 ? "*" : text.slice(at + 1);
  const refused = (expected: string) =>
    failure("BAD_REQUEST", `${visible(text.slice(0, 100))}: expected ${expected}`);
  if (who === "" || UNFIT.test(who) || !who.isWellFormed())
    return refused("NICK@SERVER, ACCOUNT@SERVER or *@SERVER; * and ? stand for other letters");
  if (Buffer.byteLength(who) > LIMITS.patternBytesMax)
    return refused(`at most ${LIMITS.patternBytesMax} bytes before the @`);
  if (who.split("*").length - 1 > LIMITS.patternStarsMax)
    return refused(`at most ${LIMITS.patternStarsMax} times *`);
  if (where === "*") {
    if (/^[*?]*$/.test(who)) return refused("somebody, not everybody");
    return `${fold(who)}@*`;
  }
  try {
    return `${fold(who)}@${nameKey(parseServerName(where))}`;
  } catch (thrown) {
    return failureOf(thrown);
  }
}

interface Wild<T> {
  readonly who: string;
  readonly server: string;
  readonly value: T;
}

/** Patterns, each with what is said of those whom it fits; finds them without trying all. */
export class PatternMap<T> {
  /** Without wildcards, and whole servers: by the pattern. */
  readonly #exact = new Map<string, T>();
  /** By what stands before the first wildcard; whoever it fits begins with that. */
  readonly #wild = new Map<string, Wild<T>[]>();
  /** The lengths of these beginnings. */
  readonly #lengths = new Set<number>();
  #wilds = 0;

  /** `pattern` is in its one form. */
  add(pattern: string, value: T): void {
    const at = pattern.lastIndexOf("@");
    const [who, server] = [pattern.slice(0, at), pattern.slice(at + 1)];
    if (who === "*" || !/[*?]/.test(who)) this.#exact.set(pattern, value);
    else {
      const [beginning = ""] = who.split(/[*?]/, 1);
      const some = this.#wild.get(beginning);
      if (some === undefined) this.#wild.set(beginning, [{ who, server, value }]);
      else some.push({ who, server, value });
      this.#lengths.add(beginning.length);
      this.#wilds++;
    }
  }

  get size(): number {
    return this.#exact.size + this.#wilds;
  }

  /** What fits somebody by nick or by account, and passes `holds`, if that is given. */
  find(
    { nick, account, server }: Somebody,
    holds: (value: T) => boolean = () => true,
  ): T | undefined {
    if (this.size === 0) return undefined;
    const where = nameKey(server);
    const names = account === undefined ? [fold(nick)] : [fold(nick), fold(account)];
    const found = (value: T | undefined) => value !== undefined && holds(value);
    const whole = this.#exact.get(`*@${where}`);
    if (found(whole)) return whole;
    for (const name of names) {
      const here = this.#exact.get(`${name}@${where}`);
      if (found(here)) return here;
      const anywhere = this.#exact.get(`${name}@*`);
      if (found(anywhere)) return anywhere;
    }
    if (this.#wilds === 0) return undefined;
    for (const name of names) {
      for (const length of this.#lengths) {
        if (length > name.length) continue;
        for (const { who, server: of, value } of this.#wild.get(name.slice(0, length)) ?? [])
          if ((of === "*" || of === where) && fits(who, name) && holds(value)) return value;
      }
    }
    return undefined;
  }
}

// --- internal -----------------------------------------------------------------------------------

/** What no nick has, and no account on one line. */
const UNFIT = /[\s\p{Cc}\p{Cf}\p{Cs}]/u;

const fold = (name: string): string => nameKey(name as Nick); // only folded, never shown

/** Whether a text fits a pattern, by trying again from the last `*`: no more than their product. */
function fits(pattern: string, text: string): boolean {
  let [p, t, star, from] = [0, 0, -1, 0];
  while (t < text.length) {
    if (p < pattern.length && (pattern[p] === "?" || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (pattern[p] === "*") {
      star = p++;
      from = t;
    } else if (star >= 0) {
      p = star + 1;
      t = ++from;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
