// What holds of a fabric at any time, whatever is done to it: checked each time that its view is
// looked at. One watch for one life of a server.
//
// 1. A view is never changed after it was handed out; another one takes its place.
// 2. The version grows with what it says, and `changed` is called for each.
// 3. It has this server itself, at 0 hops; each server once; no two of one name, or of names that
//    look alike; and neighbours and links are of its servers.
// 4. `changed` is called from none of the core's calls but `unmerge`, and not in a frame.
// 5. Bytes that were given, to it or by it, are not changed any more.

import type { Bytes } from "../environment.ts";
import type { Sid } from "../names.ts";
import { skeleton } from "../names.ts";
import type { View } from "../plugin/fabric.ts";

export class FabricWatch {
  readonly #broke: (what: string) => void;
  /** All views that were seen, and what they said then. */
  readonly #seen = new Map<View, string>();
  readonly #given = new Map<Bytes, { readonly from: string; readonly hash: bigint }>();
  #last: View | undefined;
  #toldVersion: number | undefined;
  #inside: string | undefined;

  constructor(broke: (what: string) => void) {
    this.#broke = broke;
  }

  /** Makes a call into the fabric in which `changed` must not be called. */
  within<T>(call: string, run: () => T): T {
    const outer = this.#inside;
    this.#inside = call;
    try {
      return run();
    } finally {
      this.#inside = outer;
    }
  }

  /** Bytes were given away: in a call of the core's, or by the fabric to a link. */
  given(bytes: Bytes, from: string): void {
    if (!this.#given.has(bytes)) this.#given.set(bytes, { from, hash: Bun.hash.wyhash(bytes) });
  }

  /** `changed` is called, and this is the view. */
  changed(view: View, self: Sid): void {
    if (this.#inside !== undefined) this.#broke(`changed() was called inside ${this.#inside}`);
    this.look(view, self);
    this.#toldVersion = view.version;
  }

  /** Looks at the view as it is now, and returns it. */
  look(view: View, self: Sid): View {
    if (view !== this.#last) {
      if (this.#last !== undefined) this.#compare(this.#last, view);
      this.#wellFormed(view, self);
      this.#seen.set(view, all(view));
      this.#last = view;
      this.#toldVersion ??= view.version; // the first one is not told
    }
    return view;
  }

  /** Nothing is under way: looks once more at all that was handed out. */
  rests(view: View, self: Sid): void {
    this.look(view, self);
    if (view.version !== this.#toldVersion)
      this.#broke(`view ${view.version} is there, but changed() was last called for another one`);
    for (const [one, said] of this.#seen)
      if (all(one) !== said) this.#broke(`view ${one.version} was changed after it was handed out`);
    for (const [bytes, { from, hash }] of this.#given)
      if (Bun.hash.wyhash(bytes) !== hash) this.#broke(`bytes were changed that ${from} gave away`);
  }

  // --- internal ---

  #compare(before: View, now: View): void {
    const grew = now.version > before.version;
    const differs = said(now) !== said(before);
    if (now.version < before.version || (differs && !grew))
      this.#broke(`the view's version went from ${before.version} to ${now.version} with a change`);
  }

  #wellFormed(view: View, self: Sid): void {
    const sids = view.servers.map(({ sid }) => sid);
    const own = view.servers.filter(({ hops }) => hops === 0).map(({ sid }) => sid);
    if (own.length !== 1 || own[0] !== self) this.#broke("the view does not have it at 0 hops");
    if (new Set(sids).size !== sids.length) this.#broke("the view has a server twice");
    const names = view.servers.map(({ name }) => skeleton(name));
    if (new Set(names).size !== names.length)
      this.#broke(
        `two of one name are in one view: ${view.servers.map(({ name }) => name).join(", ")}`,
      );
    const known = new Set(sids);
    const ends = view.links.flatMap(({ a, b }) => [a, b]);
    if (![...view.neighbours, ...ends].every((sid) => known.has(sid)))
      this.#broke("neighbours or links of the view are not of its servers");
    if (view.neighbours.includes(self)) this.#broke("it is a neighbour of itself");
  }
}

// --- internal ---

const serversOf = ({ servers }: View) =>
  servers.map(({ sid, name, key, card, hops }) => [sid, name, key.toHex(), card.toHex(), hops]);

/** What must not change without the version: all but measured times. */
const said = (view: View): string =>
  JSON.stringify([
    serversOf(view),
    view.neighbours,
    view.links.map(({ a, b, state }) => [a, b, state]),
  ]);

const all = (view: View): string =>
  JSON.stringify([view.version, said(view), view.links.map(({ rttMs }) => rttMs)]);
