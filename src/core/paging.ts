// Pages of long lists, in order: the first so many behind a place, found by going through all of
// the list without sorting it, and without making anything of what is on other pages. Pure.

import type { Answer, PersonEntry } from "../protocol/messages.ts";

export interface PageAsk {
  /** The last one of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/**
 * The first texts after one, sorted, each of them once: `limit` of them, or fewer where there are
 * no more.
 */
export function firstTexts<T extends string>(
  all: Iterable<T>,
  { after = "", limit }: PageAsk,
): T[] {
  let first = new Set<T>();
  let last: T | undefined;
  for (const text of all) {
    if (text <= after || (last !== undefined && text > last)) continue;
    first.add(text);
    if (first.size <= BATCHES * limit) continue;
    const kept = [...first].toSorted().slice(0, limit);
    last = kept.at(-1);
    first = new Set(kept);
  }
  return [...first].toSorted().slice(0, limit);
}

/**
 * Collects the people of one page, by address. Whether one may be on it is asked by nick and
 * server, so that of 100,000 people no addresses need be made.
 */
export class PeoplePage {
  readonly #limit: number;
  readonly #after: Place | undefined;
  #first: PersonEntry[] = [];
  /** One behind it is on a later page: nobody needs to look at it. */
  #last: Place | undefined;

  constructor({ after, limit }: PageAsk) {
    this.#limit = limit;
    if (after !== undefined) this.#after = placeOf(after);
  }

  /** Whether somebody is to be added: not for sure one of the page. */
  wants(nick: string, server: string): boolean {
    if (this.#after !== undefined && !isBehind(nick, server, this.#after)) return false;
    return this.#last === undefined || !isBehind(nick, server, this.#last);
  }

  /** Adds one who is wanted. */
  add(person: PersonEntry): void {
    this.#first.push(person);
    if (this.#first.length <= BATCHES * this.#limit) return;
    this.#first = this.#first.toSorted(byAddress).slice(0, this.#limit + 1);
    const last = this.#first.at(-1)?.address;
    if (last !== undefined) this.#last = placeOf(last);
  }

  /** The page; `total` is how many there are on all of them. */
  done(total: number): Answer<"who"> {
    const sorted = this.#first.toSorted(byAddress);
    const people = sorted.slice(0, this.#limit);
    const next = sorted.length > this.#limit ? people.at(-1)?.address : undefined;
    return { people, total, ...(next === undefined ? {} : { next }) };
  }
}

/** People sorted by address, who are read page by page. */
export class SortedPeople {
  readonly #people: readonly PersonEntry[];

  constructor(people: readonly PersonEntry[]) {
    this.#people = people.toSorted(byAddress);
  }

  page({ after = "", limit }: PageAsk): Answer<"who"> {
    const total = this.#people.length;
    let [low, high] = [0, total];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#people[middle]?.address ?? "") <= after) low = middle + 1;
      else high = middle;
    }
    const people = this.#people.slice(low, low + limit);
    const next = low + limit < total ? people.at(-1)?.address : undefined;
    return { people, total, ...(next === undefined ? {} : { next }) };
  }
}

// --- internal -----------------------------------------------------------------------------------

/** So many pages' worth is held before it is sorted and cut. */
const BATCHES = 4;

/** A place among addresses, which may be any text: no nick has an "@". */
interface Place {
  readonly nick: string;
  /** Undefined where there is no "@". */
  readonly server: string | undefined;
}

function placeOf(address: string): Place {
  const at = address.indexOf("@");
  return at < 0
    ? { nick: address, server: undefined }
    : { nick: address.slice(0, at), server: address.slice(at + 1) };
}

/** Whether `nick@server` comes later than a place, as their addresses are sorted as texts. */
function isBehind(nick: string, server: string, place: Place): boolean {
  const other = place.nick;
  if (place.server === undefined && nick.startsWith(other)) return true;
  if (nick === other) return server > (place.server ?? "");
  // Where one nick is the beginning of the other one, the "@" behind it is compared.
  if (nick.length > other.length)
    return nick.startsWith(other) ? nick.slice(other.length) > "@" : nick > other;
  return other.startsWith(nick) ? other.slice(nick.length) < "@" : nick > other;
}

const byAddress = (a: PersonEntry, b: PersonEntry): number => (a.address < b.address ? -1 : 1);
